"""Prompts and the comments that answer them, joined on disk: the dumps have both apart, and are larger than memory."""

import sqlite3
from collections import Counter
from collections.abc import Iterator
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import NamedTuple

from align.sources.reddit_rows import Post

_SPEED = "pragma journal_mode = off; pragma synchronous = off;"  # a scratch file: after a crash it is made anew
_TABLES = """
create table prompts (id text primary key, prompt text, tag text, link text, author text, score int, created text, retrieved text,
                      comments int, dump text) without rowid;
create table stories (prompt text, id text, score int, author text, created text, retrieved text, text text, dump text,
                      primary key (prompt, id)) without rowid;
"""
_JOINED = """
select p.id, p.prompt, p.tag, p.link, p.author, p.score, p.comments, p.dump || ', ' || s.dump, s.id, s.author, s.score, s.created,
       max(p.retrieved, s.retrieved), s.text
from prompts p cross join stories s on s.prompt = p.id order by p.id
"""  # `cross join` holds SQLite to this order, which both tables have: nothing is sorted, so nothing is held


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
        found = self._base.execute("select retrieved from stories where prompt = ? and id = ?", key).fetchone()
        if found is not None:
            skipped["repeated comment"] += 1
            if found[0] >= post.retrieved:
                return
        row = (*key, post.score, post.author, post.created, post.retrieved, post.text, dump)
        self._base.execute("insert or replace into stories values (?, ?, ?, ?, ?, ?, ?, ?)", row)

    def best(self, skipped: Counter[str]) -> Iterator[Story]:
        """Each prompt with the story of the highest score (of equal ones the older), by id; what is left over is counted."""
        left = self._base.execute("select count(*) from prompts").fetchone()[0]
        for _, rows in groupby(self._base.execute(_JOINED), key=itemgetter(0)):
            top, stories = None, 0
            for stories, row in enumerate(rows, 1):
                story = Story._make((*row, stories))
                top = story if top is None or _standing(story) < _standing(top) else top
            assert top is not None
            skipped["story below the top one"] += stories - 1
            left -= 1
            yield top._replace(stories=stories)
        skipped["prompt without a story"] += left


def _standing(story: Story) -> tuple[int, str, str]:
    return -story.score, story.created, story.story_id


class Seen:
    """The ids that came before, on disk."""

    def __init__(self, path: Path) -> None:
        path.unlink(missing_ok=True)
        self._base = sqlite3.connect(path, isolation_level=None)
        self._base.executescript(_SPEED + "create table seen (id text primary key) without rowid; begin;")

    def __enter__(self) -> "Seen":
        return self

    def __exit__(self, *_: object) -> None:
        self._base.close()

    def add(self, name: str) -> bool:
        """Whether it is new."""
        return self._base.execute("insert or ignore into seen values (?)", (name,)).rowcount > 0
