"""Posts.xml in two passes: first numbers only, to find each question's top answer; then just those two rows are read.

A question can follow its answers and the file can be larger than memory, so nothing of a post is held but its numbers
(36 bytes a post).
"""

import os
from array import array
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from align.errors import InputError
from align.progress import track
from align.sources.xml_rows import Row, parsed, row_bytes

if TYPE_CHECKING:
    import numpy as np

QUESTION, ANSWER, TAG_WIKIS = 1, 2, (4, 5)
COMMUNITY = -1
"""The owner of posts that no person wrote."""
_MOST = (1 << 63) // 10 - 1
"""The greatest Id of which ten times as much is still a 64-bit number."""


class Pair(NamedTuple):
    """A question and its top answer."""

    question: Row
    answer: Row
    answers: int
    """How many answers the question has."""


@dataclass(slots=True)
class _Posts:
    """The numbers of all posts of one type, by column."""

    ids: "array[int]" = field(default_factory=lambda: array("q"))
    links: "array[int]" = field(default_factory=lambda: array("q"))
    """Of an answer its question, of a question its accepted answer or 0."""
    scores: "array[int]" = field(default_factory=lambda: array("i"))
    owners: "array[int]" = field(default_factory=lambda: array("i"))
    offsets: "array[int]" = field(default_factory=lambda: array("q"))
    lengths: "array[int]" = field(default_factory=lambda: array("I"))


@dataclass(frozen=True, slots=True)
class PostIndex:
    """Which rows of a Posts.xml make pairs: one array each, in order of the question's Id."""

    path: Path
    question_offsets: "np.ndarray[Any, Any]"
    question_lengths: "np.ndarray[Any, Any]"
    answer_offsets: "np.ndarray[Any, Any]"
    answer_lengths: "np.ndarray[Any, Any]"
    answer_counts: "np.ndarray[Any, Any]"
    owners: "np.ndarray[Any, Any]"
    """The Ids of all who wrote these questions and answers, sorted."""

    def __len__(self) -> int:
        return len(self.question_offsets)


def index_posts(path: Path, skipped: Counter[str], min_score: int | None = None, accept_truncated: bool = False) -> PostIndex:
    """Find every question's top answer: the highest score, then the accepted one, then the lower Id.

    Rows that will not be read again are counted in `skipped` by reason.
    """
    questions, answers = _Posts(), _Posts()
    for offset, data in track(row_bytes(path, "posts", accept_truncated), "looking for top answers", unit="rows"):
        row = parsed(data)
        kind = _note(row, offset, len(data), questions, answers) if row is not None else "broken row"
        if kind:
            skipped[kind] += 1
    return _joined(path, _columns(questions, skipped), _columns(answers, skipped), skipped, min_score)


def read_pairs(index: PostIndex) -> Iterator[Pair]:
    """Read the indexed rows, in order of the question's Id."""
    columns = (index.question_offsets, index.question_lengths, index.answer_offsets, index.answer_lengths, index.answer_counts)
    with _open(index.path) as file:
        for start in range(0, len(index), 4096):  # plain ints by the block: numpy's own are slow one by one
            block = [column[start : start + 4096].tolist() for column in columns]
            for question_offset, question_length, answer_offset, answer_length, count in zip(*block, strict=True):
                question = parsed(_read(file, index.path, question_length, question_offset))
                answer = parsed(_read(file, index.path, answer_length, answer_offset))
                if question is None or answer is None:
                    raise InputError(f"{index.path}: changed while it was read, near byte {question_offset:,}; run again.")
                yield Pair(question, answer, count)


def _note(row: Row, offset: int, length: int, questions: _Posts, answers: _Posts) -> str:
    """Put a post's numbers into its table, or say why not."""
    try:
        kind = row.number("PostTypeId")
        if kind not in (QUESTION, ANSWER):
            return "broken row" if kind < 1 else "tag wiki" if kind in TAG_WIKIS else "other kind of post"
        number = row.number("Id")
        link = row.number("ParentId" if kind == ANSWER else "AcceptedAnswerId")
        score, owner = row.number("Score"), row.number("OwnerUserId")
    except ValueError:
        return "broken row"
    least = 1 if kind == ANSWER else 0
    if not (0 < number <= _MOST and least <= link <= _MOST and abs(score) < 1 << 31 and abs(owner) < 1 << 31):
        return "broken row"
    table = questions if kind == QUESTION else answers
    table.ids.append(number)
    table.links.append(link)
    table.scores.append(score)
    table.owners.append(owner)
    table.offsets.append(offset)
    table.lengths.append(length)
    return ""


_Columns = dict[str, "np.ndarray[Any, Any]"]


def _columns(posts: _Posts, skipped: Counter[str]) -> _Columns:
    """The columns in order of Id, each Id once: of rows with the same Id the first in the file."""
    import numpy as np

    columns = {name: np.asarray(getattr(posts, name)) for name in ("ids", "links", "scores", "owners", "offsets", "lengths")}
    _, first = np.unique(columns["ids"], return_index=True)
    if len(first) < len(columns["ids"]):
        skipped["repeated Id"] += len(columns["ids"]) - len(first)
    return {name: column[first] for name, column in columns.items()}


def _joined(path: Path, questions: _Columns, answers: _Columns, skipped: Counter[str], min_score: int | None) -> PostIndex:
    import numpy as np

    planted = _planted(questions, answers)
    questions, answers = (
        {name: column[~posts] for name, column in table.items()}
        for table, posts in zip((questions, answers), planted, strict=True)
    )
    _count(skipped, "planted post", sum(int(posts.sum()) for posts in planted))
    asked = np.searchsorted(questions["ids"], answers["links"])
    has_question = asked < len(questions["ids"])
    has_question[has_question] = questions["ids"][asked[has_question]] == answers["links"][has_question]
    _count(skipped, "answer without its question", int((~has_question).sum()))
    answers = {name: column[has_question] for name, column in answers.items()}
    asked = asked[has_question]

    is_accepted = questions["links"][asked] == answers["ids"]
    order = np.lexsort((answers["ids"], ~is_accepted, -answers["scores"].astype(np.int64), asked))
    answered, first, counts = np.unique(asked[order], return_index=True, return_counts=True)
    top = order[first]
    _count(skipped, "unanswered question", len(questions["ids"]) - len(answered))
    _count(skipped, "answer below the top one", len(order) - len(top))
    if min_score is not None:
        enough = answers["scores"][top] >= min_score
        _count(skipped, "top answer below min_score", int((~enough).sum()))
        answered, top, counts = answered[enough], top[enough], counts[enough]
    return PostIndex(
        path,
        questions["offsets"][answered],
        questions["lengths"][answered],
        answers["offsets"][top],
        answers["lengths"][top],
        counts,
        np.unique(np.concatenate([questions["owners"][answered], answers["owners"][top]])),
    )


def _planted(questions: _Columns, answers: _Columns) -> tuple["np.ndarray[Any, Any]", "np.ndarray[Any, Any]"]:
    """Which posts were made up to mark the dump: Ids an order of magnitude above all others, and no person's."""
    import numpy as np

    persons = np.concatenate([posts["ids"][posts["owners"] != COMMUNITY] for posts in (questions, answers)])
    bound = 10 * int(persons.max()) if len(persons) else _MOST + 1
    return tuple((posts["owners"] == COMMUNITY) & (posts["ids"] >= bound) for posts in (questions, answers))


def _count(skipped: Counter[str], reason: str, count: int) -> None:
    if count:
        skipped[reason] += count


@contextmanager
def _open(path: Path) -> Iterator[int]:
    try:
        file = os.open(path, os.O_RDONLY)
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from error
    try:
        yield file
    finally:
        os.close(file)


def _read(file: int, path: Path, length: int, offset: int) -> bytes:
    try:
        return os.pread(file, length, offset)
    except OSError as error:
        raise InputError(f"{path}: cannot be read at byte {offset:,}: {error.strerror or error}") from error
