"""From a plain Posts.xml to the artifact: megabytes of XML per second of CPU, and the most memory it took.

    python benchmarks/bench_ingest.py                          100 and 300 MB, three repeats each
    python benchmarks/bench_ingest.py --megabytes 1000 --repeats 1

The file is invented but has the proportions of real dumps (make_posts.py). Counted is the whole stage as `align run` does it:
the hash of the dump, both passes, Markdown of every answered question, Parquet, the hash of the artifact; not the imports.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from make_posts import write_posts

MEASURE = """
import json, resource, sys
from pathlib import Path
from align.recipe import load_recipe
from align.runner import run_recipe
import numpy, pyarrow.compute, pyarrow.parquet
pyarrow.array([""])  # imports pandas
def cpu():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime
recipe = load_recipe(Path(sys.argv[1]))
began = cpu()
made = run_recipe(recipe, Path(sys.argv[2]))["posts"]
seconds = cpu() - began
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps({"seconds": seconds, "peak": peak, "kept": made.counts.kept, "content": made.content}))
"""


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--megabytes", type=float, nargs="+", default=[100, 300], help="sizes of the file (default 100 300)")
    arguments.add_argument("--repeats", type=int, default=3, help="how often each size is measured (default 3)")
    asked = arguments.parse_args()
    for megabytes in asked.megabytes:
        with tempfile.TemporaryDirectory() as folder:
            report(Path(folder), megabytes, asked.repeats)


def report(folder: Path, megabytes: float, repeats: int) -> None:
    posts = folder / "cooking.stackexchange.com" / "Posts.xml"
    posts.parent.mkdir()
    write_posts(posts, megabytes)
    recipe = folder / "recipe.yaml"
    source = f"{{kind: stack_exchange, dumps: [{posts}], prompt: random, seed: 1}}"
    recipe.write_text(f"name: bench\nstages:\n  posts: {{kind: ingest, source: {source}}}\n", encoding="utf-8")
    runs = []
    for repeat in range(repeats):
        command = [sys.executable, "-c", MEASURE, str(recipe), str(folder / f"store-{repeat}")]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        runs.append(json.loads(done.stdout))
    if len({run["content"] for run in runs}) > 1:
        raise SystemExit("the artifact differs from run to run")
    size = posts.stat().st_size / 1e6
    rates = sorted(size / run["seconds"] for run in runs)
    print(
        f"{size:7,.0f} MB  {runs[0]['kept']:9,} examples  {statistics.median(rates):5.1f} MB per CPU second "
        f"({rates[0]:.1f} to {rates[-1]:.1f})  peak {max(run['peak'] for run in runs):,.0f} MB",
        flush=True,
    )


if __name__ == "__main__":
    main()
