"""Titles of Reddit as rows of the table of examples, a column at a time: several times as fast as an object a title."""

from typing import TYPE_CHECKING

from align.columns import Cycle, Lists, Same, rows_of_columns
from align.iso_dates import dates_as_array
from align.plain_arrays import texts_of
from align.records import Author, Example
from align.self_contained import are_self_contained
from align.sources.reddit_titles import Titles

if TYPE_CHECKING:
    import pyarrow as pa

URL = "https://www.reddit.com"
UNSTATED = "unstated"
"""Neither Reddit nor its writers grant a licence to all; what is published of it goes out as ids."""
_SIGNALS = ("comments", "question_score", "self_contained_title")
"""In the order in which a table keeps them."""


def author_of(name: str, role: str) -> Author:
    return Author(name, f"{URL}/user/{name}", role, UNSTATED)


def rows_of_titles(titles: Titles, subreddit: str, dump: str) -> "pa.RecordBatch":
    """The rows of the table of examples that some submissions make by their titles alone."""
    import numpy as np

    count = len(titles.ids)
    texts = texts_of(titles.texts)
    figures = np.empty((count, len(_SIGNALS)))
    figures[:, 0] = np.fromiter(titles.comments, np.float64, count)
    figures[:, 1] = np.fromiter(titles.scores, np.float64, count)
    figures[:, 2] = are_self_contained(texts)
    authors = {
        "name": texts_of(titles.authors),
        "url": texts_of(titles.authors, before=f"{URL}/user/"),
        "role": Same("question", count),
        "license": Same(UNSTATED, count),
    }
    origin = {
        "source": Same("reddit", count),
        "native_id": texts_of(titles.ids),
        "url": texts_of(titles.links, before=URL),
        "dump": Same(dump, count),
        "date": dates_as_array(titles.created),
        "modified": dates_as_array(titles.modified),
        "authors": Lists(Same(1, count), authors),
        "title": texts,
    }
    example = {
        "id": texts_of(titles.ids, before=f"reddit/{subreddit}/"),
        "turns": Lists(Same(1, count), {"role": Same("user", count), "text": texts}),
        "origin": origin,
        "tags": Lists(Same(0, count), []),
        "signals": Lists(Same(len(_SIGNALS), count), {"name": Cycle(_SIGNALS, count), "value": figures.ravel()}),
    }
    return rows_of_columns(Example, example)
