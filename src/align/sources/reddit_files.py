"""The posts of several files, each taken out by itself: files are read at once, and after a kill only those that are missing.

What is taken of a monthly dump, the posts of one subreddit, is little beside the dump.
"""

import json
import logging
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import msgspec

from align.engine import Task, map_shards
from align.files import write_json, write_whole
from align.progress import track
from align.raw_lines import packed, read_lines
from align.sources.ingest import SEVERAL_KILOBYTES, text_bytes
from align.sources.reddit_rows import Post

log = logging.getLogger(__name__)

POSTS_AT_ONCE = 256

Reader = Callable[[Counter[str]], Iterator[Post]]
"""Gives the posts of a file, and counts what it passes over."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What a file had, as it lies on the disk: a post a line, and beside it what was passed over."""

    path: Path

    @property
    def note(self) -> Path:
        return self.path.with_suffix(".json")

    def read(self, skipped: Counter[str]) -> Iterator[Post]:
        """The posts, in order; adds to `skipped` what was passed over."""
        note = json.loads(self.note.read_text(encoding="utf-8"))
        skipped.update(note["skipped"])
        decoder = msgspec.json.Decoder(Post)
        for line in track(read_lines(self.path), "joining posts", note["posts"], "posts"):
            yield decoder.decode(line.data)


@dataclass(frozen=True, slots=True)
class _Taking:
    """All that another process needs to take the posts out of a file."""

    read: Reader
    taken: Taken


def take_posts(readers: Mapping[Path, Reader], kept: Path) -> dict[Path, Taken]:
    """Take the posts out of those files from which they are not taken yet; `kept` outlives a kill."""
    kept.mkdir(parents=True, exist_ok=True)
    taken = {path: Taken(kept / f"{number:05d}.zst") for number, path in enumerate(readers)}
    tasks = [
        Task(f"{number:05d} {path.name}", text_bytes(path) // 1000, _Taking(read, taken[path]))
        for number, (path, read) in enumerate(readers.items())
        if not taken[path].note.is_file()
    ]
    for task, posts in map_shards(_take, tasks, "reading reddit", "kB", SEVERAL_KILOBYTES, kept):
        log.info("reddit  %s  %s posts", task.name, f"{posts:,}")
    return taken


def _take(taking: _Taking) -> int:
    """Write the posts of one file; gives how many. The note comes last."""
    skipped: Counter[str] = Counter()
    posts = 0

    def write(temporary: Path) -> None:
        nonlocal posts
        with packed(temporary) as file:
            file.write(b"\n")  # of nothing at all no archive is made
            taken, encode = taking.read(skipped), msgspec.json.Encoder().encode_lines
            while some := list(islice(taken, POSTS_AT_ONCE)):
                posts += len(some)
                file.write(encode(some))

    write_whole(taking.taken.path, write)
    write_json(taking.taken.note, {"posts": posts, "skipped": skipped})
    return posts
