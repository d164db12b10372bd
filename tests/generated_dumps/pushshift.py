"""Pushshift: a month of submissions (RS) and comments (RC) as NDJSON in zstd with the window of 2 GB that the real ones have."""

import json
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from generated_dumps.prose import Prose

MONTH = "2019-05"
BEGAN = 1_556_668_800  # the first of May 2019
Row = dict[str, Any]


def write_month(folder: Path, titles: int, prompts: int, seed: int) -> Counter[str]:
    """`titles` questions of AskReddit and `prompts` of WritingPrompts with stories, among rows that no rule lets through."""
    month = _Month(Prose(f"{seed}/reddit"))
    month.ask(titles)
    month.prompt(prompts)
    folder.mkdir(parents=True, exist_ok=True)
    month.prose.draw.shuffle(month.submissions)
    _write(folder / f"RS_{MONTH}.zst", month.submissions)
    _write(folder / f"RC_{MONTH}.zst", month.comments)
    return month.planted


class _Month:
    def __init__(self, prose: Prose) -> None:
        self.prose, self.draw = prose, prose.draw
        self.submissions: list[Row] = []
        self.comments: list[Row] = []
        self.planted: Counter[str] = Counter()

    def ask(self, count: int) -> None:
        for _ in range(count):
            self.submission("AskReddit", self.prose.title(), score=self.draw.randint(5, 60_000))
            self.planted["titles"] += 1
        for _ in range(max(3, count // 10)):
            self.submission("AskReddit", self.prose.title(), score=70_000, selftext=self.prose.paragraph(2))
            self.submission("AskReddit", self.prose.title(), score=70_000, removed_by_category="moderator")
            self.submission("AskReddit", self.prose.title(), score=70_000, over_18=True)
            self.submission("AskReddit", f"The {' '.join(self.prose.words(5))} below", score=70_000)
            self.submission("aww", f"My {' '.join(self.prose.words(3))}", score=90_000)
            self.planted["titles that do not stand alone"] += 1

    def prompt(self, count: int) -> None:
        for number in range(count):
            name = self.submission("WritingPrompts", f"[WP] {self.prose.paragraph(2)}", score=self.draw.randint(20, 9000))
            for _ in range(self.draw.randint(1, 3)):
                self.comment(name, f"t3_{name}", "\n\n".join(self.prose.paragraphs(self.draw.randint(700, 2200))))
            self.comment(name, f"t3_{name}", "**Off-Topic Discussion**", author="AutoModerator", stickied=True)
            self.comment(name, f"t1_{self.comments[-2]['id']}", self.prose.sentence())
            self.planted["prompts"] += 1
            if number % 20 == 0:
                self.submission("WritingPrompts", f"[PI] {self.prose.paragraph(2)}", score=500)
                self.submission("WritingPrompts", f"[WP] {self.prose.paragraph(2)}", score=5)  # nobody answers

    def submission(self, subreddit: str, title: str, **fields: Any) -> str:
        name = f"b{len(self.submissions):05x}"
        row = {
            "id": name,
            "title": title,
            "selftext": "",
            "author": f"user_{self.draw.randint(1, 400)}",
            "subreddit": subreddit,
            "num_comments": self.draw.randint(0, 900),
            "created_utc": BEGAN + 60 * len(self.submissions),
            "retrieved_on": BEGAN + 9_000_000,
            "over_18": False,
            "is_self": True,
            "stickied": False,
            "permalink": f"/r/{subreddit}/comments/{name}/{'_'.join(self.prose.words(3))}/",
        }
        self.submissions.append(row | fields)
        return name

    def comment(self, submission: str, parent: str, body: str, **fields: Any) -> None:
        row = {
            "id": f"c{len(self.comments):05x}",
            "body": body,
            "link_id": f"t3_{submission}",
            "parent_id": parent,
            "author": f"writer_{self.draw.randint(1, 400)}",
            "subreddit": "WritingPrompts",
            "score": self.draw.randint(-3, 4000),
            "created_utc": BEGAN + 90 * len(self.comments),
            "retrieved_on": BEGAN + 9_000_000,
            "stickied": False,
            "controversiality": 0,
        }
        self.comments.append(row | fields)


def _write(path: Path, rows: Iterable[Row]) -> None:
    from backports import zstd

    options = {
        zstd.CompressionParameter.window_log: 31,
        zstd.CompressionParameter.enable_long_distance_matching: 1,
        zstd.CompressionParameter.compression_level: 1,
    }
    path.write_bytes(zstd.compress("".join(f"{json.dumps(row)}\n" for row in rows).encode(), options=options))
