"""Titles of Reddit as rows of the table of examples, a column at a time: several times as fast as an object a title."""

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

from align.columns import Lists, Same, rows_of_columns
from align.records import Author, Example
from align.self_contained import is_self_contained
from align.sources.reddit_rows import Post

if TYPE_CHECKING:
    import pyarrow as pa

TITLES_AT_ONCE = 4096
URL = "https://www.reddit.com"
UNSTATED = "unstated"
"""Neither Reddit nor its writers grant a licence to all; what is published of it goes out as ids."""
_SIGNALS = ("comments", "question_score", "self_contained_title")
"""In the order in which a table keeps them."""


def author_of(name: str, role: str) -> Author:
    return Author(name, f"{URL}/user/{name}", role, UNSTATED)


def in_rows(posts: Iterable[list[Post]], rows_of: "Callable[[list[Post]], pa.RecordBatch]") -> "Iterator[pa.RecordBatch]":
    """The rows that posts make, many at once."""
    some: list[Post] = []
    for more in posts:
        some += more
        while len(some) >= TITLES_AT_ONCE:
            yield rows_of(some[:TITLES_AT_ONCE])
            some = some[TITLES_AT_ONCE:]
    if some:
        yield rows_of(some)


def rows_of_titles(posts: list[Post], subreddit: str, dump: str) -> "pa.RecordBatch":
    """The rows of the table of examples that some submissions make by their titles alone."""
    import numpy as np

    count = len(posts)
    ids, texts, _, names, scores, created, retrieved, links, *_, comments = zip(*posts, strict=True)
    figures = np.array([comments, scores, list(map(is_self_contained, texts))], np.float64)
    authors = {
        "name": names,
        "url": [f"{URL}/user/{name}" for name in names],
        "role": Same("question", count),
        "license": Same(UNSTATED, count),
    }
    origin = {
        "source": Same("reddit", count),
        "native_id": ids,
        "url": [URL + link for link in links],
        "dump": Same(dump, count),
        "date": created,
        "modified": [late or early for late, early in zip(retrieved, created, strict=True)],
        "authors": Lists(Same(1, count), authors),
        "title": texts,
    }
    example = {
        "id": [f"reddit/{subreddit}/{name}" for name in ids],
        "turns": Lists(Same(1, count), {"role": Same("user", count), "text": texts}),
        "origin": origin,
        "tags": Lists(Same(0, count), []),
        "signals": Lists(Same(len(_SIGNALS), count), {"name": _SIGNALS * count, "value": figures.T.ravel()}),
    }
    return rows_of_columns(Example, example)
