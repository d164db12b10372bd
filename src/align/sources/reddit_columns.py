"""Titles of Reddit as rows of the table of examples, a column at a time: several times as fast as an object a title."""

from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import TYPE_CHECKING

from align.columns import Lists, rows_of_columns
from align.records import Author, Example
from align.self_contained import is_self_contained
from align.sources.reddit_rows import Post

if TYPE_CHECKING:
    import pyarrow as pa

TITLES_AT_ONCE = 1024
URL = "https://www.reddit.com"
UNSTATED = "unstated"
"""Neither Reddit nor its writers grant a licence to all; what is published of it goes out as ids."""
_SIGNALS = ("comments", "question_score", "self_contained_title")
"""In the order in which a table keeps them."""


def author_of(name: str, role: str) -> Author:
    return Author(name, profile_of(name), role, UNSTATED)


def profile_of(name: str) -> str:
    return f"{URL}/user/{name}"


def in_rows(posts: Iterable[Post], rows_of: "Callable[[list[Post]], pa.RecordBatch]") -> "Iterator[pa.RecordBatch]":
    """The rows that posts make, many at once."""
    some: list[Post] = []
    for post in posts:
        some.append(post)
        if len(some) == TITLES_AT_ONCE:
            yield rows_of(some)
            some = []
    if some:
        yield rows_of(some)


def rows_of_titles(posts: list[Post], subreddit: str, dump: str) -> "pa.RecordBatch":
    """The rows of the table of examples that some submissions make by their titles alone."""
    count = len(posts)
    columns = {name: [getattr(post, name) for post in posts] for name in ("id", "text", "author", "score", "created", "comments")}
    figures = (columns["comments"], columns["score"], map(is_self_contained, columns["text"]))
    values = list(map(float, chain.from_iterable(zip(*figures, strict=True))))
    authors = {
        "name": columns["author"],
        "url": list(map(profile_of, columns["author"])),
        "role": ["question"] * count,
        "license": [UNSTATED] * count,
    }
    origin = {
        "source": ["reddit"] * count,
        "native_id": columns["id"],
        "url": [URL + post.link for post in posts],
        "dump": [dump] * count,
        "date": columns["created"],
        "modified": [post.retrieved or post.created for post in posts],
        "authors": Lists([1] * count, authors),
        "title": columns["text"],
    }
    example = {
        "id": [f"reddit/{subreddit}/{name}" for name in columns["id"]],
        "turns": Lists([1] * count, {"role": ["user"] * count, "text": columns["text"]}),
        "origin": origin,
        "tags": Lists([0] * count, []),
        "signals": Lists([len(_SIGNALS)] * count, {"name": list(_SIGNALS) * count, "value": values}),
    }
    return rows_of_columns(Example, example)
