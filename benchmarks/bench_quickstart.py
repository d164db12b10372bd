"""From a fresh clone to the report: set-up, the run, a second run that reuses everything, and `align --help`.

    python benchmarks/bench_quickstart.py            three repeats of the run, one of the set-up
    python benchmarks/bench_quickstart.py --repeats 5

Every repeat uses an empty store, and the content hash of the report must be the same each time. The limits are those that the
project sets itself: 360 s with set-up, 180 s for the run, 2 s for the second run, 0.3 s of CPU for --help.
"""

import argparse
import os
import resource
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--repeats", type=int, default=3, help="how often the run is measured (default 3)")
    repeats = arguments.parse_args().repeats
    with tempfile.TemporaryDirectory() as folder:
        clone = Path(folder) / "align"
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
        setup, _ = timed(["make", "--silent", ".venv/ready"], clone)
        runs, seconds, helps, contents = [], [], [], set()
        for repeat in range(repeats):
            store = clone / f"store-{repeat}"
            run = [".venv/bin/align", "run", "recipes/quickstart.yaml", "--store", str(store)]
            runs.append(timed(run, clone)[0])
            seconds.append(timed(run, clone)[0])
            helps.append(timed([".venv/bin/align", "--help"], clone)[1])
            contents.add(report_content(clone, store))
    print(f"set-up                {setup:7.1f} s wall")
    report("align run (empty)", runs, "s wall", 180)
    report("set-up and run", [setup + run for run in runs], "s wall", 360)
    report("align run (reused)", seconds, "s wall", 2)
    report("align --help", helps, "s CPU", 0.3)
    print(f"equal reports         {'yes' if len(contents) == 1 else 'NO: ' + str(contents)}")


def timed(command: list[str], folder: Path) -> tuple[float, float]:
    """Wall and CPU seconds of a command, its children included."""
    before, clock = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=os.environ)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.monotonic() - clock, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def report_content(clone: Path, store: Path) -> str:
    code = (
        "import align, sys; run = align.load_run('recipes/quickstart.yaml', store=sys.argv[1]); "
        "print({name: artifact.content for name, artifact in run.artifacts.items()})"
    )
    result = subprocess.run([".venv/bin/python", "-c", code, str(store)], cwd=clone, check=True, capture_output=True, text=True)
    return result.stdout


def report(title: str, values: list[float], unit: str, limit: float) -> None:
    middle = statistics.median(values)
    spread = f"min {min(values):.2f}, max {max(values):.2f}, n {len(values)}"
    print(f"{title:<21} {middle:7.2f} {unit} ({spread}); limit {limit:g}: {middle / limit:.2f}")


if __name__ == "__main__":
    main()
