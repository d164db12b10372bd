"""Prompts and the comments that answer them, joined on disk: the dumps have both apart, and are larger than memory."""

import sqlite3
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from align.sources.reddit_rows import Post

_encode = msgspec.json.Encoder().encode

_SPEED = "pragma journal_mode = off; pragma synchronous = off; pragma cache_size = -64000;"
"""For a scratch file, which after a crash is made anew; 64 MB of it in memory."""
_TABLES = """
create table prompts (id text primary key, prompt text, tag text, link text, author text, score int, created text, retrieved text,
                      comments int, dump text) without rowid;
create table stories (number integer primary key, prompt text, id text, score int, author text, created text, retrieved text,
                      dump text, text text);
create unique index story on stories (prompt, id);
"""  # stories are long: they stand in the order in which they come, and only the index is written here and there
_JOINED = """
select p.id, p.prompt, p.tag, p.link, p.author, p.score, p.comments, p.dump || ', ' || s.dump, s.id, s.author, s.score, s.created,
       max(p.retrieved, s.retrieved), s.number
from prompts p cross join stories s on s.prompt = p.id order by p.id
"""  # `cross join` holds SQLite to this order, which the table and the index have: nothing is sorted, so nothing is held


class Story(NamedTuple):
    """A prompt with its best story."""

    id: str
    prompt: str
    tag: str
    link: str
    asker: str
    prompt_score: int
    comments: int
    dump: str
    story_id: str
    writer: str
    score: int
    created: str
    retrieved: str
    text: str
    stories: int
    """How many stories answer the prompt."""


class Stories:
    """A scratch database. Of a row that comes twice the one retrieved later stays: it knows the score better."""

    def __init__(self, path: Path) -> None:
        path.unlink(missing_ok=True)
        self._base = sqlite3.connect(path, isolation_level=None)
        self._base.executescript(_SPEED + _TABLES + "begin;")

    def __enter__(self) -> "Stories":
        return self

    def __exit__(self, *_: object) -> None:
        self._base.close()

    def add_prompt(self, post: Post, prompt: str, tag: str, dump: str, skipped: Counter[str]) -> None:
        """Remember a submission."""
        found = self._base.execute("select retrieved from prompts where id = ?", (post.id,)).fetchone()
        if found is not None:
            skipped["repeated submission"] += 1
            if found[0] >= post.retrieved:
                return
        row = (post.id, prompt, tag, post.link, post.author, post.score, post.created, post.retrieved, post.comments, dump)
        self._base.execute("insert or replace into prompts values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", row)

    def add_story(self, post: Post, dump: str, skipped: Counter[str]) -> None:
        """Remember a comment that answers a remembered submission; others are counted."""
        if self._base.execute("select 1 from prompts where id = ?", (post.link,)).fetchone() is None:
            skipped["comment on another submission"] += 1
            return
        key = (post.link, post.id)
        found = self._base.execute("select number, retrieved from stories where prompt = ? and id = ?", key).fetchone()
        if found is not None:
            skipped["repeated comment"] += 1
            if found[1] >= post.retrieved:
                return
        number = None if found is None else found[0]
        row = (number, *key, post.score, post.author, post.created, post.retrieved, dump, post.text)
        self._base.execute("insert or replace into stories values (?, ?, ?, ?, ?, ?, ?, ?, ?)", row)

    def best(self, skipped: Counter[str]) -> Iterator[Story]:
        """Each prompt with the story of the highest score (of equal ones the older), by id; what is left over is counted."""
        left = self._base.execute("select count(*) from prompts").fetchone()[0]
        for _, rows in groupby(self._base.execute(_JOINED), key=itemgetter(0)):
            stories = list(rows)
            *top, number = min(stories, key=_standing)
            [text] = self._base.execute("select text from stories where number = ?", (number,)).fetchone()
            skipped["story below the top one"] += len(stories) - 1
            left -= 1
            yield Story._make((*top, text, len(stories)))
        skipped["prompt without a story"] += left


def _standing(story: tuple[Any, ...]) -> tuple[int, str, str]:
    """The lowest stands on top."""
    name, _, score, created = story[8:12]
    return -score, created, name


class Seen:
    """The ids that came before, on disk."""

    def __init__(self, path: Path) -> None:
        path.unlink(missing_ok=True)
        self._base = sqlite3.connect(path, isolation_level=None)
        self._base.executescript(_SPEED + "create table seen (id text primary key, number int) without rowid; begin;")
        self._next = 0

    def __enter__(self) -> "Seen":
        return self

    def __exit__(self, *_: object) -> None:
        self._base.close()

    def add(self, names: Sequence[str]) -> list[bool]:
        """Of each whether it is new; all at once, for that one came before is rare."""
        first, before = self._next, self._base.total_changes
        self._next += len(names)
        listed = _encode(names).decode()
        if "\\" in listed:  # SQLite's JSON ends a text at a NUL
            self._base.executemany("insert or ignore into seen values (?, ?)", zip(names, range(first, self._next), strict=True))
        else:  # a list as one value: five times as fast
            self._base.execute("insert or ignore into seen select value, ? + key from json_each(?)", (first, listed))
        if self._base.total_changes - before == len(names):
            return [True] * len(names)
        kept = (self._base.execute("select number from seen where id = ?", (name,)).fetchone()[0] for name in names)
        return [number == place for place, number in enumerate(kept, first)]
