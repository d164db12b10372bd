"""From a plain Posts.xml to pairs, and to the artifact: megabytes of XML per second of CPU, and the most memory it took.

    python benchmarks/bench_ingest.py                          100 and 300 MB, three repeats each
    python benchmarks/bench_ingest.py --megabytes 1000 --repeats 1
    python benchmarks/bench_ingest.py --packed                 also by all cores, and from a .7z, beside `7z x -so` of one thread

The file is invented but has the proportions of real dumps (make_posts.py). `pairs`: both passes, to the raw HTML of every
question and its top answer, references replaced. `artifact`: the whole stage as `align run` does it: the hash of the dump, both
passes, Markdown of every answered question, Parquet, the hash of the artifact, in one process. Imports are not counted.
By the clock `align run` is measured with and without its start, and the 7z program before and after it.
"""

import argparse
import compileall
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

from make_posts import write_posts

import align

MEASURE = """
import json, resource, sys
from pathlib import Path
from align.engine import Engine
from align.recipe import load_recipe
from align.runner import run_recipe
import numpy, pyarrow.compute, pyarrow.parquet
pyarrow.array([""])  # imports pandas
def cpu():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime
recipe = load_recipe(Path(sys.argv[1]))
began = cpu()
made = run_recipe(recipe, Path(sys.argv[2]), engine=Engine("native", int(sys.argv[3])))["posts"]
seconds = cpu() - began
peak = sum(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)) / 1024
print(json.dumps({"seconds": seconds, "peak": peak, "kept": made.counts.kept, "content": made.content}))
"""


PAIRS = """
import json, resource, sys
from collections import Counter
from pathlib import Path
import numpy
from align.sources.posts import index_posts, read_pairs
from align.sources.values import columns_of, texts_of
before = resource.getrusage(resource.RUSAGE_SELF)
skipped, count = Counter(), 0
for pairs in read_pairs(index_posts(Path(sys.argv[1]), skipped), skipped):
    for side in ([pair.question for pair in pairs], [pair.answer for pair in pairs]):
        count += len(texts_of(columns_of(side, ("Id", "Body"))["Body"]))
used = resource.getrusage(resource.RUSAGE_SELF)
seconds = used.ru_utime + used.ru_stime - before.ru_utime - before.ru_stime
print(json.dumps({"seconds": seconds, "peak": used.ru_maxrss / 1024, "kept": count // 2}))
"""


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--megabytes", type=float, nargs="+", default=[100, 300], help="sizes of the file (default 100 300)")
    arguments.add_argument("--repeats", type=int, default=3, help="how often each size is measured (default 3)")
    arguments.add_argument("--packed", action="store_true", help="also from a .7z; needs the 7z program")
    asked = arguments.parse_args()
    compileall.compile_dir(Path(align.__file__).parent, quiet=1)
    for megabytes in asked.megabytes:
        with tempfile.TemporaryDirectory() as folder:
            report(Path(folder), megabytes, asked.repeats, asked.packed)


def report(folder: Path, megabytes: float, repeats: int, packed: bool) -> None:
    posts = folder / "cooking.stackexchange.com" / "Posts.xml"
    posts.parent.mkdir()
    write_posts(posts, megabytes)
    size = posts.stat().st_size / 1e6
    show("pairs", size, [measured(PAIRS, posts) for _ in range(repeats)])
    runs = [measured(MEASURE, recipe_of(posts), folder / f"store-{repeat}", 1) for repeat in range(repeats)]
    if len({run["content"] for run in runs}) > 1:
        raise SystemExit("the artifact differs from run to run")
    show("artifact", size, runs)
    if packed:
        for repeat in range(repeats):
            report_cores(folder, posts, size, repeat)


def report_cores(folder: Path, posts: Path, size: float, repeat: int) -> None:
    """How fast the clock sees `align run`: with all cores, and out of archives beside the 7z program with one thread."""
    alone = align_run(recipe_of(posts), folder / f"store-one-{repeat}", 1)
    shared = align_run(recipe_of(posts), folder / f"store-all-{repeat}", 0)
    if shared.content != alone.content:
        raise SystemExit("several processes made another artifact than one")
    print(
        f"  all cores {shared.rates(size)}, one process {alone.rates(size)} ({alone.seconds / shared.seconds:.2f} x)   {load()}",
        flush=True,
    )
    for method in ("BZip2", "LZMA2", "PPMd"):
        archive = folder / method / "cooking.stackexchange.com.7z"
        if not archive.exists():
            subprocess.run(["7z", "a", f"-m0={method}", "-mx=3", "-bd", "-bso0", str(archive), str(posts)], check=True)
        before = seconds_to_unpack(archive)
        whole = align_run(recipe_of(archive), folder / f"store-{method}-{repeat}", 0)
        unpacking = (before + seconds_to_unpack(archive)) / 2  # others may be at work, and not evenly
        print(
            f"  from .7z, {method}: {whole.rates(size)}; 7z x -so -mmt=1 {size / unpacking:.1f}, "
            f"ratio {unpacking / whole.seconds:.2f} ({unpacking / (whole.seconds - whole.start):.2f} without the start)   "
            f"{load()}",
            flush=True,
        )


class Run(NamedTuple):
    """An `align run`."""

    seconds: float
    start: float
    """Of these what the same command takes that finds all made: Python and its imports mostly."""
    cpu_seconds: float
    """Of all its processes."""
    content: str

    def rates(self, size: float) -> str:
        return (
            f"{size / self.seconds:.1f} MB/s ({size / (self.seconds - self.start):.1f} without the start of {self.start:.1f} s; "
            f"{self.cpu_seconds:.1f} s of CPU)"
        )


def align_run(recipe: Path, store: Path, workers: int) -> Run:
    command = [sys.executable, "-m", "align", "run", str(recipe), "--store", str(store), "--workers", str(workers)]
    taken = []
    for _ in ("it is made", "it is there"):
        began, cpu = time.perf_counter(), cpu_of_children()
        # Who runs align a second time finds its modules compiled.
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        subprocess.run(command, env=environment, capture_output=True, check=True)
        taken.append((time.perf_counter() - began, cpu_of_children() - cpu))
    (manifest,) = store.glob("artifacts/*/manifest.json")
    return Run(taken[0][0], taken[1][0], taken[0][1], str(json.loads(manifest.read_text(encoding="utf-8"))["content"]))


def seconds_to_unpack(archive: Path) -> float:
    began = time.perf_counter()
    subprocess.run(["7z", "x", "-so", "-mmt=1", str(archive)], stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - began


def cpu_of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def load() -> str:
    return f"load {os.getloadavg()[0]:.1f}"


def recipe_of(dump: Path) -> Path:
    recipe = dump.parent / "recipe.yaml"
    source = f"{{kind: stack_exchange, dumps: [{dump}], prompt: random, seed: 1}}"
    recipe.write_text(f"name: bench\nstages:\n  posts: {{kind: ingest, source: {source}}}\n", encoding="utf-8")
    return recipe


def measured(script: str, *arguments: Path | int) -> dict[str, Any]:
    command = [sys.executable, "-c", script, *map(str, arguments)]
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def show(what: str, size: float, runs: list[dict[str, Any]]) -> None:
    rates = sorted(size / run["seconds"] for run in runs)
    print(
        f"{size:7,.0f} MB  {what:8}  {runs[0]['kept']:9,} pairs  {statistics.median(rates):5.1f} MB per CPU second "
        f"({rates[0]:.1f} to {rates[-1]:.1f})  peak {max(run['peak'] for run in runs):,.0f} MB",
        flush=True,
    )


if __name__ == "__main__":
    main()
