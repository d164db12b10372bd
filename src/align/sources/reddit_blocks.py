"""The posts of Pushshift's files, a block of lines at a time: rows as they mostly are go through msgspec, field by field.

`reddit_rows` says what a row means, and reads every line that is unusual: damaged, with a field of another type, or such that
msgspec takes it for more or less than it is. What comes out is the same.

Why msgspec: it passes over what is not asked for. CPU microseconds a row of 1.9 kB of which 13 fields of 70 are wanted: unpacking
1.6, msgspec 1.9, orjson 3.6, polars 4.3, pyarrow.json 5.1, json 27. One odd row, and polars and pyarrow give none of the others.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import msgspec

from align.errors import InputError
from align.iso_dates import dates_as_list
from align.raw_lines import Block, CutOff, Line, read_blocks
from align.sources.reddit_rows import (
    BROKEN,
    CUT,
    ELSEWHERE,
    FIRST_SECOND,
    GONE,
    SECONDS_BELOW,
    WHOLE_BELOW,
    Post,
    clean,
    date_of,
    post_of_line,
)

Whole = Annotated[int, msgspec.Meta(gt=-WHOLE_BELOW, lt=WHOLE_BELOW)]
Seconds = int | float | str
"""A number in most years, text in the older dumps."""
MANY_OF_TEN = 3
"""From so many rows of the subreddit in ten on, all are decoded; below it a look at the bytes spares most of them."""
MANY_DATES = 32
"""From so many on, dates are written faster by arrays than one by one."""
_LONG_NUMBER = re.compile(rb"\d{4}")
"""What every thousandth byte shows of a number of 4,300 digits: json refuses it, and msgspec may pass over it."""


class Submission(msgspec.Struct, gc=False):
    """A row of RS_*.zst."""

    id: str
    title: str
    subreddit: str
    score: Whole
    created_utc: Seconds
    author: str | None = None
    retrieved_on: Seconds | None = None
    retrieved_utc: Seconds | None = None
    permalink: str | None = None
    selftext: str | None = None
    removed_by_category: str | None = None
    stickied: bool | None = None
    over_18: bool | None = None
    num_comments: Whole | None = None


class Comment(msgspec.Struct, gc=False):
    """A row of RC_*.zst."""

    id: str
    body: str
    subreddit: str
    score: Whole
    created_utc: Seconds
    link_id: str
    parent_id: str | None = None
    author: str | None = None
    retrieved_on: Seconds | None = None
    retrieved_utc: Seconds | None = None
    stickied: bool | None = None


class Rows(NamedTuple):
    """What some lines hold."""

    usual: list[Any]
    """Those of the subreddit as they were decoded, in order; none where a line among them is unusual."""
    said: list[Post | str]
    """Then the post that each line is, or why it is none."""
    elsewhere: int
    """How many more are of other subreddits."""
    line: int
    """The number of the last one."""


class Found(NamedTuple):
    """The posts of some lines."""

    posts: list[Post]
    """Those of the subreddit, in order."""
    passed: Counter[str]
    """Why the other lines are none; with the posts these are all lines that are not blank."""
    line: int
    """The number of the last one."""


def read_rows(path: Path, subreddit: str, comments: bool, accept_truncated: bool) -> Iterator[Rows]:
    """The rows of one subreddit.

    A file that breaks off raises after its last whole line; with `accept_truncated` that is one more line, `cut off`.
    """
    reader = _Reader(path, subreddit.lower(), comments)
    line = 0
    try:
        for block in read_blocks(path):
            line = block.number + block.lines - 1
            yield reader.read(block)
    except CutOff as error:
        if not accept_truncated:
            raise InputError(f"{error} Or set accept_truncated: true to take the rows before that.") from error
        yield Rows([], [CUT], 0, line)


def read_posts(path: Path, subreddit: str, comments: bool, accept_truncated: bool) -> Iterator[Found]:
    """The posts of one subreddit, and for all other lines why they are none."""
    for rows in read_rows(path, subreddit, comments, accept_truncated):
        said = rows.said + posts_of(rows.usual)
        posts = [post for post in said if type(post) is Post]
        passed = Counter(why for why in said if type(why) is str) if len(posts) < len(said) else Counter()
        if rows.elsewhere:
            passed[ELSEWHERE] += rows.elsewhere
        yield Found(posts, passed, rows.line)


def posts_of(rows: Sequence[Any]) -> list[Post | str]:
    """The post that each row is, or why it is none."""
    if not rows:
        return []
    return _posts_of_comments(rows) if type(rows[0]) is Comment else _posts_of_submissions(rows, _dates_of(rows))


def posts_to_judge(rows: Sequence[Submission]) -> list[Post | str]:
    """The same of submissions, with no true dates where there are some: to write them takes as long as all else."""
    created = [row.created_utc for row in rows]
    dates = ["some day"] * len(rows) if are_dates(created) else list(map(date_of, created))
    return _posts_of_submissions(rows, (dates, dates))


class _Reader:
    """Reads the blocks of one file."""

    def __init__(self, path: Path, subreddit: str, comments: bool) -> None:
        self._path, self._subreddit, self._comments = path, subreddit, comments
        self._name = subreddit.encode()
        self._decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(Comment if comments else Submission)
        self._holds_many = False
        """Whether of the block before so many rows were of the subreddit that no look at the bytes is worth its time."""

    def read(self, block: Block) -> Rows:
        if not _are_objects(block):
            return self._read_one_by_one(block)
        lines = None if self._holds_many else self._lines_with_name(block)
        found = self._decoded(block.data if lines is None else b"".join(lines))
        if found is None or len(found) != (block.lines if lines is None else len(lines)):
            return self._read_one_by_one(block)
        mine = [row for row in found if row.subreddit.lower() == self._subreddit]
        self._holds_many = 10 * len(mine) >= MANY_OF_TEN * block.lines
        return Rows(mine, [], block.lines - len(mine), block.number + block.lines - 1)

    def _lines_with_name(self, block: Block) -> list[bytes]:
        """The lines in which the subreddit is named: most rows of a monthly dump are not worth a parser."""
        lower, lines, end = block.data.lower(), [], 0
        while (place := lower.find(self._name, end)) >= 0:
            begin, end = block.data.rfind(b"\n", end, place) + 1 or end, block.data.index(b"\n", place) + 1
            lines.append(block.data[begin:end])
        return lines

    def _read_one_by_one(self, block: Block) -> Rows:
        """The same of a block with an unusual line: each that msgspec does not read by itself is read with care."""
        said: list[Post | str] = []
        for number, data in enumerate(block.data[:-1].split(b"\n"), block.number):
            row = self._decoded(data)
            if row is not None and len(row) == 1:
                said += posts_of(row) if row[0].subreddit.lower() == self._subreddit else (ELSEWHERE,)
            elif data.strip():
                said.append(post_of_line(Line(number, data), self._name, self._comments, self._path))
        self._holds_many = 10 * sum(type(post) is Post for post in said) >= MANY_OF_TEN * block.lines
        return Rows([], said, 0, block.number + block.lines - 1)

    def _decoded(self, lines: bytes) -> list[Any] | None:
        """The rows that some lines are; None where one of them is unusual."""
        if _LONG_NUMBER.search(lines[::1000]) or not _is_text(lines):
            return None
        try:
            return self._decoder.decode_lines(lines)
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            return None


def _are_objects(block: Block) -> bool:
    """Whether each line begins and ends as an object does."""
    import numpy as np

    signs, ends = np.frombuffer(block.data, np.uint8), block.ends
    return bool(signs[0] == ord("{") and (signs[ends - 1] == ord("}")).all() and (signs[ends[:-1] + 1] == ord("{")).all())


def _is_text(data: bytes) -> bool:
    if data.isascii():
        return True
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def _posts_of_submissions(found: Sequence[Submission], dates: tuple[list[str], list[str]]) -> list[Post | str]:
    created, retrieved = dates
    return [
        Post(
            row.id,
            text := clean(row.title),
            clean(row.selftext) if row.selftext else "",
            "[deleted]" if row.author is None else row.author,
            row.score,
            date,
            seen,
            link_of(row),
            True,
            row.removed_by_category is not None or row.selftext in GONE or text in GONE,
            row.stickied is True,
            row.over_18 is True,
            row.num_comments or 0,
        )
        if row.id and date
        else BROKEN
        for row, date, seen in zip(found, created, retrieved, strict=True)
    ]


def link_of(row: Submission) -> str:
    """Where it stands below reddit.com."""
    usual = row.permalink
    return usual if usual and usual.startswith("/r/") else f"/r/{row.subreddit}/comments/{row.id}/"


def _posts_of_comments(found: Sequence[Comment]) -> list[Post | str]:
    created, retrieved = _dates_of(found)
    return [
        Post(
            row.id,
            text := clean(row.body),
            "",
            "[deleted]" if row.author is None else row.author,
            row.score,
            date,
            seen,
            row.link_id[3:],
            row.parent_id == row.link_id,
            text in GONE,
            row.stickied is True,
            False,
            0,
        )
        if row.id and date and row.link_id.startswith("t3_")
        else BROKEN
        for row, date, seen in zip(found, created, retrieved, strict=True)
    ]


def _dates_of(found: Sequence[Submission | Comment]) -> tuple[list[str], list[str]]:
    """When each row was made, and retrieved."""
    return _dates([row.created_utc for row in found]), _dates([row.retrieved_on or row.retrieved_utc for row in found])


def _dates(values: list[Any]) -> list[str]:
    """What `date_of` says of each."""
    return dates_as_list(values) if len(values) >= MANY_DATES and are_dates(values) else list(map(date_of, values))


def are_dates(values: Sequence[Any]) -> bool:
    """Whether all are dates of Reddit's in whole seconds."""
    return set(map(type, values)) == {int} and min(values) >= FIRST_SECOND and max(values) < SECONDS_BELOW
