"""Pairs of a Posts.xml as rows of the table of examples, a column at a time: several times as fast as an object a pair."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from itertools import chain, compress
from operator import not_
from typing import TYPE_CHECKING, Any

from align.columns import Cycle, Lists, Same, rows_of_columns
from align.plain_arrays import chosen
from align.plain_arrays import texts_of as array_of_texts
from align.records import Example
from align.self_contained import are_self_contained
from align.sources.authors import author_columns
from align.sources.dumps import Dump
from align.sources.posts import Pair
from align.sources.users import Names
from align.sources.values import columns_of, texts_of
from align.sources.xml_rows import Row
from align.text import markdown_from_html

if TYPE_CHECKING:
    import pyarrow as pa

_BOTH = ("Id", "Score", "CreationDate", "LastEditDate", "OwnerUserId", "OwnerDisplayName", "ContentLicense", "Body")
_QUESTION = ("Title", "Tags", "AcceptedAnswerId", "ClosedDate", "ViewCount", "LastActivityDate")
_TAG = re.compile(r"[^<>|]+")  # <beer><hops> up to 2023, |beer|hops| since
_SIGNALS = (
    "answer_score",
    "answers",
    "cleaned_chars",
    "is_accepted",
    "is_closed",
    "question_score",
    "raw_chars",
    "self_contained_title",
    "view_count",
)
"""In the order in which a table keeps them."""

Values = dict[str, Sequence[Any]]


def columns_of_pairs(
    pairs: list[Pair], takes_title: Callable[[str], bool], skipped: Counter[str]
) -> tuple[list[Pair], Values, Values]:
    """The pairs that have text, and what is said and known of their questions and answers, by attribute.

    `Text` is the prompt or response as Markdown; `takes_title` says by its Id whether a question's title is its prompt.
    """
    asked = _values([pair.question for pair in pairs], _BOTH + _QUESTION)
    answered = _values([pair.answer for pair in pairs], _BOTH)
    asked["Title"], asked["Tags"] = texts_of(asked["Title"]), texts_of(asked["Tags"])
    asked["Text"] = _prompts(asked, list(map(takes_title, asked["Id"])))
    answered["Body"] = texts_of(answered["Body"])
    answered["Text"] = list(map(markdown_from_html, answered["Body"]))
    has_text = [bool(prompt and response) for prompt, response in zip(asked["Text"], answered["Text"], strict=True)]
    if all(has_text):
        return pairs, asked, answered
    for prompt in compress(asked["Text"], map(not_, has_text)):
        skipped["answer without text" if prompt else "question without text"] += 1
    with_text: list[Values] = [{name: list(compress(side[name], has_text)) for name in side} for side in (asked, answered)]
    return list(compress(pairs, has_text)), with_text[0], with_text[1]


def rows_of_pairs(
    pairs: list[Pair], asked: Values, answered: Values, ids: list[str], dump: Dump, names: Names
) -> "pa.RecordBatch":
    """The rows of the table of examples that some pairs make."""
    tags = list(map(_TAG.findall, asked["Tags"]))
    turns = {"role": Cycle(("user", "assistant"), len(ids)), "text": _in_turn(asked["Text"], answered["Text"])}
    titles = array_of_texts(list(map(str.strip, asked["Title"])))
    columns = {
        "id": ids,
        "turns": Lists(Same(2, len(ids)), turns),
        "origin": _origins(asked, answered, titles, dump, names),
        "tags": Lists(list(map(len, tags)), list(chain.from_iterable(tags))),
        "signals": _signals(pairs, asked, answered, titles),
    }
    return rows_of_columns(Example, columns)


def _values(rows: list[Row], names: tuple[str, ...]) -> Values:
    raw = columns_of(rows, names)
    values: Values = dict(raw)
    values["Id"] = list(map(bytes.decode, raw["Id"]))
    values["Score"] = [int(score or 0) for score in raw["Score"]]
    values["OwnerUserId"] = [int(owner or 0) for owner in raw["OwnerUserId"]]
    values["OwnerDisplayName"] = texts_of(raw["OwnerDisplayName"])
    values["Changed"] = list(map(max, raw["CreationDate"], raw["LastEditDate"]))  # when the text got its present form
    return values


def _prompts(asked: Values, takes_title: list[bool]) -> list[str]:
    bodies = iter(texts_of([body for body, is_title in zip(asked["Body"], takes_title, strict=True) if not is_title]))
    return [
        title.strip() if is_title else markdown_from_html(next(bodies))
        for title, is_title in zip(asked["Title"], takes_title, strict=True)
    ]


def _origins(asked: Values, answered: Values, titles: "pa.Array", dump: Dump, names: Names) -> dict[str, Any]:
    count = len(asked["Id"])
    active = zip(asked["LastActivityDate"], asked["Changed"], answered["Changed"], strict=True)
    sides = [author_columns(posts, dump.host, names) for posts in (asked, answered)]
    authors = {name: _in_turn(*(side[name] for side in sides)) for name in sides[0]}
    return {
        "source": Same("stack_exchange", count),
        "native_id": list(map("{}/{}".format, asked["Id"], answered["Id"])),
        "url": array_of_texts(asked["Id"], f"https://{dump.host}/questions/"),
        "dump": Same(dump.title, count),
        "date": asked["CreationDate"],
        "modified": [last or max(question, answer) for last, question, answer in active],
        "authors": Lists(Same(2, count), authors | {"role": Cycle(("question", "answer"), count)}),
        "title": titles,
    }


def _signals(pairs: list[Pair], asked: Values, answered: Values, titles: "pa.Array") -> Lists:
    import numpy as np
    import pyarrow as pa

    is_viewed = [views.isdigit() for views in asked["ViewCount"]]
    figures: tuple[Iterable[Any], ...] = (
        answered["Score"],
        [pair.answers for pair in pairs],
        map(len, answered["Text"]),
        [accepted == number for accepted, number in zip(asked["AcceptedAnswerId"], map(str.encode, answered["Id"]), strict=True)],
        map(bool, asked["ClosedDate"]),
        asked["Score"],
        map(len, answered["Body"]),
        are_self_contained(titles),
        [int(views) if seen else 0 for views, seen in zip(asked["ViewCount"], is_viewed, strict=True)],
    )
    table = np.array([np.fromiter(figure, np.float64, len(pairs)) for figure in figures]).T
    is_known = np.ones(table.shape, bool)
    is_known[:, -1] = is_viewed
    names = chosen(_SIGNALS, pa.string(), np.nonzero(is_known)[1])
    return Lists([len(_SIGNALS) - 1 + seen for seen in is_viewed], {"name": names, "value": table[is_known]})


def _in_turn(first: Iterable[Any], second: Iterable[Any]) -> list[Any]:
    return list(chain.from_iterable(zip(first, second, strict=True)))
