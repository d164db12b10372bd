"""From Pushshift's .zst to the artifact: megabytes of NDJSON per second of CPU, beside unpacking the same file and no more.

    python benchmarks/bench_reddit.py                          300 MB of NDJSON, three repeats
    python benchmarks/bench_reddit.py --megabytes 1000 --repeats 1

The rows are invented, but have the fields, the lengths and the window of 2 GiB of a monthly dump. `month`: one row in fifty is
of r/AskReddit; `subreddit`: all are, as in a subreddit's own dump. `comments`: a month of comments, one in fifty of
r/WritingPrompts, beside a file of 3,000 prompts. Seconds are those of all processes; imports are not counted.
"""

import argparse
import json
import random
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from make_posts import SYLLABLES

MEASURE = """
import json, resource, sys
from pathlib import Path
from align.recipe import load_recipe
from align.runner import run_recipe
import numpy, pyarrow.compute, pyarrow.parquet
from align.sources import reddit, reddit_rows, reddit_files
pyarrow.array([""])  # imports pandas
def cpu():
    every = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(used.ru_utime + used.ru_stime for used in every)
recipe = load_recipe(Path(sys.argv[1]))
began = cpu()
made = run_recipe(recipe, Path(sys.argv[2]))["posts"]
seconds = cpu() - began
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps({"seconds": seconds, "peak": peak, "kept": made.counts.kept, "content": made.content}))
"""
UNPACK = """
import json, resource, sys
from pathlib import Path
from align.raw_lines import READ_BYTES, opened
before = resource.getrusage(resource.RUSAGE_SELF)
with opened(Path(sys.argv[1])) as file:
    while file.read1(READ_BYTES):
        pass
used = resource.getrusage(resource.RUSAGE_SELF)
print(json.dumps({"seconds": used.ru_utime + used.ru_stime - before.ru_utime - before.ru_stime}))
"""
Row = dict[str, Any]
BEGAN = 1_556_668_800
ONE_IN = 50
"""Of so many rows of a month one is of the subreddit asked for."""
PROMPTS = 3000
SUBMISSION: Row = {
    "all_awardings": [], "allow_live_comments": False, "archived": False, "author_created_utc": 1_390_000_000,
    "author_flair_background_color": None, "author_flair_css_class": None, "author_flair_richtext": [],
    "author_flair_template_id": None, "author_flair_text": None,
    "author_flair_text_color": None, "author_flair_type": "text", "author_patreon_flair": False,
    "can_gild": True, "can_mod_post": False, "category": None, "content_categories": None, "contest_mode": False,
    "distinguished": None, "edited": False, "gilded": 0, "gildings": {}, "hidden": False, "hide_score": False,
    "is_crosspostable": True, "is_meta": False, "is_original_content": False, "is_reddit_media_domain": False,
    "is_robot_indexable": True, "is_self": True, "is_video": False, "link_flair_background_color": "",
    "link_flair_css_class": None, "link_flair_richtext": [], "link_flair_text": None, "link_flair_text_color": "dark",
    "link_flair_type": "text", "locked": False, "media": None, "media_embed": {}, "media_only": False, "no_follow": True,
    "over_18": False, "post_hint": "self", "pwls": 6, "quarantine": False, "retrieved_on": BEGAN + 9_000_000,
    "secure_media": None, "selftext": "", "send_replies": True, "spoiler": False, "stickied": False, "subreddit_type": "public",
    "suggested_sort": None, "thumbnail": "self", "whitelist_status": "all_ads", "wls": 6,
}  # fmt: skip
COMMENT: Row = {
    "all_awardings": [], "associated_award": None, "author_created_utc": 1_390_000_000, "author_flair_css_class": None,
    "author_flair_richtext": [], "author_flair_text": None, "author_flair_type": "text", "author_patreon_flair": False,
    "awarders": [], "can_gild": True, "can_mod_post": False, "collapsed": False, "collapsed_reason": None,
    "controversiality": 0, "distinguished": None, "edited": False, "gilded": 0, "gildings": {}, "is_submitter": False,
    "locked": False, "no_follow": True, "quarantined": False, "removal_reason": None, "retrieved_on": BEGAN + 9_000_000,
    "send_replies": True, "steward_reports": [], "stickied": False, "subreddit_type": "public", "total_awards_received": 0,
}  # fmt: skip


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--megabytes", type=float, default=300, help="NDJSON in each file (default 300)")
    arguments.add_argument("--repeats", type=int, default=3, help="how often each is measured (default 3)")
    asked = arguments.parse_args()
    for name in ("month", "subreddit", "comments"):
        with tempfile.TemporaryDirectory() as folder:
            report(Path(folder), name, asked.megabytes, asked.repeats)


def report(folder: Path, name: str, megabytes: float, repeats: int) -> None:
    words = Words(random.Random(1))
    if name == "comments":
        path, recipe = folder / "RC_2019-05.zst", folder / "recipe.yaml"
        size = write(path, megabytes, words.comments(ONE_IN))
        prompts = folder / "RS_2019-05.zst"
        size += write(prompts, 1e9, (row for row, _ in zip(words.submissions(1, "WritingPrompts"), range(PROMPTS), strict=False)))
        source = f"{{kind: reddit, subreddit: WritingPrompts, submissions: [{prompts}], comments: [{path}]}}"
    else:
        path, recipe = folder / "RS_2019-05.zst", folder / "recipe.yaml"
        size = write(path, megabytes, words.submissions(1 if name == "subreddit" else ONE_IN, "AskReddit"))
        source = f"{{kind: reddit, subreddit: AskReddit, submissions: [{path}]}}"
    recipe.write_text(f"name: bench\nstages:\n  posts: {{kind: ingest, source: {source}}}\n", encoding="utf-8")
    runs = []
    for number in range(repeats):
        alone = measured(UNPACK, path)["seconds"]
        run = measured(MEASURE, recipe, folder / f"store-{number}")
        runs.append(run | {"alone": alone})
    if len({run["content"] for run in runs}) > 1:
        raise SystemExit("the artifact differs from run to run")
    rate, alone = (spread([size / 1e6 / run[what] for run in runs]) for what in ("seconds", "alone"))
    ratio = spread([run["alone"] / run["seconds"] for run in runs], digits=2)
    print(
        f"{name:9} {size / 1e6:5,.0f} MB  {runs[0]['kept']:7,} examples  {rate} MB per CPU second, unpacking alone {alone}; "
        f"ratio {ratio}; peak {max(run['peak'] for run in runs):,.0f} MB",
        flush=True,
    )


class Words:
    """Rows of invented words."""

    def __init__(self, draw: random.Random) -> None:
        self.draw = draw
        self.words = ["".join(draw.choices(SYLLABLES, k=draw.choice((1, 1, 2, 2, 3)))) for _ in range(8000)]
        self.others = [f"{word}{number}" for number, word in enumerate(self.words[:2000])]

    def said(self, count: int) -> str:
        return " ".join(self.draw.choices(self.words, k=count))

    def submissions(self, one_in: int, wanted: str) -> Iterator[Row]:
        draw, number = self.draw, 0
        while True:
            number += 1
            is_wanted = draw.randrange(one_in) == 0
            subreddit = wanted if is_wanted else draw.choice(self.others)
            name, title = f"b{number:06x}", f"What {self.said(draw.randint(5, 18))}?"
            link = f"/r/{subreddit}/comments/{name}/{title[:40].lower().replace(' ', '_')}/"
            yield self.common(subreddit, name) | SUBMISSION | {
                "created_utc": BEGAN + number, "domain": f"self.{subreddit}", "full_link": f"https://www.reddit.com{link}",
                "num_comments": draw.randint(0, 90), "num_crossposts": 0, "permalink": link, "title": title,
                "selftext": "" if is_wanted or draw.random() < 0.6 else self.said(draw.randint(20, 200)),
                "subreddit_subscribers": draw.randint(100, 9_000_000), "url": f"https://www.reddit.com{link}",
            }  # fmt: skip

    def comments(self, one_in: int) -> Iterator[Row]:
        draw, number = self.draw, 0
        while True:
            number += 1
            is_wanted = draw.randrange(one_in) == 0
            subreddit = "WritingPrompts" if is_wanted else draw.choice(self.others)
            name, link = f"c{number:07x}", f"t3_b{draw.randint(1, PROMPTS):06x}"
            parent = link if draw.random() < 0.4 else f"t1_c{draw.randint(1, 1 << 27):07x}"
            body = self.said(int(draw.lognormvariate(5.5, 0.8) if is_wanted else draw.lognormvariate(3.0, 0.9)))
            yield self.common(subreddit, name) | COMMENT | {
                "created_utc": BEGAN + number, "body": body, "link_id": link, "parent_id": parent,
                "permalink": f"/r/{subreddit}/comments/{link[3:]}/{'_'.join(body[:30].split())}/{name}/",
            }  # fmt: skip

    def common(self, subreddit: str, name: str) -> Row:
        draw = self.draw
        return {
            "author": f"{draw.choice(self.words)}_{draw.randint(1, 9999)}", "author_fullname": f"t2_{draw.getrandbits(32):x}",
            "id": name, "score": int(draw.lognormvariate(1, 2)), "subreddit": subreddit,
            "subreddit_id": f"t5_{sum(map(ord, subreddit)):x}", "subreddit_name_prefixed": f"r/{subreddit}",
        }  # fmt: skip


def write(path: Path, megabytes: float, rows: Iterator[Row]) -> int:
    """Write rows until there are so many `megabytes` of them or none is left; give how many bytes they have."""
    from backports import zstd

    option = zstd.CompressionParameter
    options = {option.window_log: 31, option.enable_long_distance_matching: 1, option.compression_level: 3}
    size = 0
    with zstd.ZstdFile(path, "w", options=options) as file:
        for row in rows:
            size += file.write(json.dumps(row, separators=(",", ":")).encode() + b"\n")
            if size >= megabytes * 1e6:
                break
    return size


def measured(script: str, *arguments: Path) -> dict[str, Any]:
    command = [sys.executable, "-c", script, *map(str, arguments)]
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def spread(figures: list[float], digits: int = 0) -> str:
    middle, least, most = statistics.median(figures), min(figures), max(figures)
    return f"{middle:.{digits}f} ({least:.{digits}f} to {most:.{digits}f})"


if __name__ == "__main__":
    main()
