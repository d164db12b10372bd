"""Two files read by two processes against the same two read one after the other: how many times as fast, by the clock.

    python benchmarks/bench_engine.py                       two Pushshift files of 300 MB unpacked, three repeats of either
    python benchmarks/bench_engine.py --megabytes 50 --repeats 1
    python benchmarks/bench_engine.py --ray                 the same on a Ray of two workers, beside

The files are invented: rows like Pushshift's, one in four of the subreddit that is read. Counted is the whole stage, with the
start of its processes, but neither the hash of the raw files nor imports. The gate: all artifacts have one content. Wall time on
a busy machine says little, so the load is printed beside each ratio, and the ways alternate.
"""

import argparse
import json
import os
import random
import tempfile
from pathlib import Path

from align.engine import Engine
from align.raw_lines import packed
from align.recipe import load_recipe
from align.runner import run_recipe

RECIPE = """\
name: bench
stages:
  titles:
    kind: ingest
    source: {kind: reddit, subreddit: AskReddit, submissions: [RS_2019-05.zst, RS_2019-06.zst]}
"""


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--megabytes", type=float, default=300, help="size of each file, unpacked (default 300)")
    arguments.add_argument("--repeats", type=int, default=3, help="how often each way is measured (default 3)")
    arguments.add_argument("--ray", action="store_true", help="measure a Ray of two workers, too")
    asked = arguments.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for month, seed in (("05", 1), ("06", 2)):
            write_submissions(folder / f"RS_2019-{month}.zst", asked.megabytes, seed)
        (folder / "recipe.yaml").write_text(RECIPE, encoding="utf-8")
        compare(folder, asked.repeats, asked.ray)


def compare(folder: Path, repeats: int, with_ray: bool) -> None:
    ways = [Engine("native", 1), Engine("native", 2), *([Engine("ray", 2)] if with_ray else [])]
    contents = set()
    seconds("warm up", folder, ways[0])  # imports, and the hashes of the files
    for repeat in range(repeats):
        took = []
        for way in ways:
            spent, content = seconds(f"{way.name}-{way.workers}-{repeat}", folder, way)
            contents.add(content)
            took.append(spent)
        load = os.getloadavg()[0]
        others = "".join(
            f"   {way.name} of {way.workers} {spent:6.1f} s ({took[0] / spent:.2f} x)"
            for way, spent in zip(ways[1:], took[1:], strict=True)
        )
        print(f"one after the other {took[0]:6.1f} s{others}   load {load:.1f}", flush=True)
    if len(contents) > 1:
        raise SystemExit(f"the artifacts differ: {contents}")
    print(f"all {len(ways) * repeats} artifacts have the content {contents.pop()}")


def seconds(name: str, folder: Path, way: Engine) -> tuple[float, str]:
    made = run_recipe(load_recipe(folder / "recipe.yaml"), folder / name, engine=way)["titles"]
    return float(made.manifest["seconds"]), made.content


def write_submissions(path: Path, megabytes: float, seed: int) -> None:
    draw = random.Random(seed)
    words = ["".join(draw.choices("abcdefghijklmnop", k=draw.randint(2, 9))) for _ in range(3000)]
    number, left = 0, megabytes * 1e6
    with packed(path) as file:
        while left > 0:
            number += 1
            subreddit = "AskReddit" if number % 4 == 0 else draw.choice(["pics", "aww", "funny", "news"])
            row = {
                "id": f"{seed}{number:x}",
                "title": " ".join(draw.choices(words, k=14)).capitalize() + "?",
                "subreddit": subreddit,
                "author": f"user{number}",
                "score": draw.randint(0, 999),
                "created_utc": 1_556_668_800 + number,
                "retrieved_on": 1_560_000_000,
                "selftext": "",
                "num_comments": 3,
                "permalink": f"/r/{subreddit}/comments/{number}/x/",
                "over_18": False,
                "stickied": False,
                "media_embed": " ".join(draw.choices(words, k=100)),
            }
            line = json.dumps(row).encode() + b"\n"
            left -= len(line)
            file.write(line)


if __name__ == "__main__":
    main()
