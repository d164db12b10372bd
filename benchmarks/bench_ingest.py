"""From a plain Posts.xml to pairs, and to the artifact: megabytes of XML per second of CPU, and the most memory it took.

    python benchmarks/bench_ingest.py                          100 and 300 MB, three repeats each
    python benchmarks/bench_ingest.py --megabytes 1000 --repeats 1
    python benchmarks/bench_ingest.py --packed                 also from a .7z in BZip2, beside `7z x -so` alone

The file is invented but has the proportions of real dumps (make_posts.py). `pairs`: both passes, to the raw HTML of every
question and its top answer, references replaced. `artifact`: the whole stage as `align run` does it: the hash of the dump, both
passes, Markdown of every answered question, Parquet, the hash of the artifact. Imports are not counted.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

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
    for megabytes in asked.megabytes:
        with tempfile.TemporaryDirectory() as folder:
            report(Path(folder), megabytes, asked.repeats, asked.packed)


def report(folder: Path, megabytes: float, repeats: int, packed: bool) -> None:
    posts = folder / "cooking.stackexchange.com" / "Posts.xml"
    posts.parent.mkdir()
    write_posts(posts, megabytes)
    size = posts.stat().st_size / 1e6
    show("pairs", size, [measured(PAIRS, posts) for _ in range(repeats)])
    runs = [measured(MEASURE, recipe_of(posts), folder / f"store-{repeat}") for repeat in range(repeats)]
    if len({run["content"] for run in runs}) > 1:
        raise SystemExit("the artifact differs from run to run")
    show("artifact", size, runs)
    if packed:
        archive = folder / "cooking.stackexchange.com.7z"
        subprocess.run(["7z", "a", "-m0=BZip2", "-bd", "-bso0", str(archive), str(posts)], check=True)
        began = time.perf_counter()
        subprocess.run(["7z", "x", "-so", str(archive)], stdout=subprocess.DEVNULL, check=True)
        alone = time.perf_counter() - began
        began = time.perf_counter()
        measured(MEASURE, recipe_of(archive), folder / "store-packed")
        whole = time.perf_counter() - began
        print(
            f"  from .7z: {size / whole:.1f} MB/s on the clock, 7z x -so alone {size / alone:.1f} MB/s, ratio {alone / whole:.2f}"
        )


def recipe_of(dump: Path) -> Path:
    recipe = dump.parent / "recipe.yaml"
    source = f"{{kind: stack_exchange, dumps: [{dump}], prompt: random, seed: 1}}"
    recipe.write_text(f"name: bench\nstages:\n  posts: {{kind: ingest, source: {source}}}\n", encoding="utf-8")
    return recipe


def measured(script: str, *arguments: Path) -> dict[str, Any]:
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
