"""Posts.xml in two passes: first numbers only, to find each question's top answer; then just those two rows are read.

A question can follow its answers and the file can be larger than memory, so nothing of a post is held but its numbers:
28 bytes, and 80 for a moment while they are sorted.
"""

import heapq
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
from align.sources.authors import COMMUNITY
from align.sources.post_heads import Heads, heads_of
from align.sources.xml_rows import Row, parsed, tracked_pieces

if TYPE_CHECKING:
    import numpy as np

QUESTION, ANSWER, TAG_WIKIS = 1, 2, (4, 5)


PAIRS_AT_ONCE = 512
NEAR_BYTES = 1 << 14
"""Up to this far apart rows are read at once, and what lies between them thrown away."""


class Pair(NamedTuple):
    """A question and its top answer, or one of all its answers."""

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
    offsets: "array[int]" = field(default_factory=lambda: array("q"))
    lengths: "array[int]" = field(default_factory=lambda: array("I"))

    def take(self, heads: Heads, chosen: "np.ndarray[Any, Any]", offset: int) -> None:
        """Add the chosen rows of a piece of the file that begins at an offset."""
        begins = heads.begins[chosen]
        columns = (heads.ids[chosen], heads.links[chosen], heads.scores[chosen], begins + offset, heads.ends[chosen] - begins)
        for column, numbers in zip((self.ids, self.links, self.scores, self.offsets, self.lengths), columns, strict=True):
            column.frombytes(numbers.astype(column.typecode).tobytes())


@dataclass(frozen=True, slots=True)
class PostIndex:
    """Which rows of a Posts.xml make pairs: one array each, in order of the question's Id."""

    path: Path
    question_offsets: "np.ndarray[Any, Any]"
    question_lengths: "np.ndarray[Any, Any]"
    answer_offsets: "np.ndarray[Any, Any]"
    answer_lengths: "np.ndarray[Any, Any]"
    answer_counts: "np.ndarray[Any, Any]"
    answer_ids: "np.ndarray[Any, Any]"

    def __len__(self) -> int:
        return len(self.question_offsets)


def index_posts(
    path: Path,
    skipped: Counter[str],
    min_score: int | None = None,
    accept_truncated: bool = False,
    all_answers: bool = False,
) -> PostIndex:
    """Find every question's top answer: the highest score, then the accepted one, then the lower Id; or all, in that order.

    Rows that will not be read again are counted in `skipped` by reason.
    """
    questions, answers = _Posts(), _Posts()
    for offset, piece in tracked_pieces(path, "posts", accept_truncated, "looking for top answers"):
        heads = _whole_heads(piece, skipped)
        questions.take(heads, heads.kinds == QUESTION, offset)
        answers.take(heads, heads.kinds == ANSWER, offset)
        others = heads.kinds[(heads.kinds > 0) & (heads.kinds != QUESTION) & (heads.kinds != ANSWER)].tolist()
        wikis = sum(kind in TAG_WIKIS for kind in others)
        _count(skipped, "tag wiki", wikis)
        _count(skipped, "other kind of post", len(others) - wikis)
    tables = _without_planted(path, [_columns(posts, skipped) for posts in (questions, answers)], skipped)
    return _joined(path, tables[0], tables[1], skipped, None if all_answers else 1, min_score)


def _whole_heads(piece: bytes, skipped: Counter[str]) -> Heads:
    """The numbers of all rows of a piece; a broken row gets the kind 0, which no post has."""
    heads = heads_of(piece)
    for place in (~heads.is_read).nonzero()[0].tolist():
        numbers = _numbers(piece[heads.begins[place] : heads.ends[place]])
        if numbers is None:
            skipped["broken row"] += 1
        for column, number in zip((heads.kinds, heads.ids, heads.links, heads.scores), numbers or (0, 0, 0, 0), strict=True):
            column[place] = number
    return heads


def read_pairs(index: PostIndex, skipped: Counter[str]) -> Iterator[list[Pair]]:
    """Read the indexed rows, in order of the question's Id, some at a time."""
    import numpy as np

    with open_table(index.path) as file:
        starts = range(0, len(index), PAIRS_AT_ONCE)
        for start in track(starts, f"reading pairs of {index.path.name}", len(index), "pairs", reached=int):
            some = slice(start, start + PAIRS_AT_ONCE)
            offsets = np.concatenate([index.question_offsets[some], index.answer_offsets[some]])
            lengths = np.concatenate([index.question_lengths[some], index.answer_lengths[some]])
            rows = _rows_at(file, index.path, offsets, lengths)  # in one go: answers lie among questions
            counts = index.answer_counts[some].tolist()
            pairs = [
                Pair(question, answer, count)
                for question, answer, count in zip(rows[: len(counts)], rows[len(counts) :], counts, strict=True)
                if question is not None and answer is not None
            ]
            _count(skipped, "broken row", len(counts) - len(pairs))
            yield pairs


def _rows_at(file: int, path: Path, offsets: "np.ndarray[Any, Any]", lengths: "np.ndarray[Any, Any]") -> list[Row | None]:
    """The rows at some places; those that lie near each other are read at once."""
    import numpy as np

    rows: list[Row | None] = [None] * len(offsets)
    order = np.argsort(offsets, kind="stable")
    starts, ends = offsets[order], offsets[order] + lengths[order]
    breaks = np.flatnonzero(starts[1:] - ends[:-1] > NEAR_BYTES) + 1
    for group in np.split(np.arange(len(order)), breaks):
        if not len(group):
            continue
        begin = int(starts[group[0]])
        data = read_at(file, path, int(ends[group[-1]]) - begin, begin)
        places = (column[group].tolist() for column in (order, starts - begin, ends - begin))
        for place, start, end in zip(*places, strict=True):
            rows[place] = parsed(data[start:end])
    return rows


_MOST = 10**17


def _numbers(data: bytes) -> tuple[int, int, int, int] | None:
    """Kind, Id, Id of the linked post (0 for none) and score of a row; None where it is broken."""
    row = parsed(data)
    if row is None:
        return None
    try:
        kind = row.number("PostTypeId")
        link = row.number("ParentId" if kind == ANSWER else "AcceptedAnswerId")
        number, score = row.number("Id"), row.number("Score")
    except ValueError:
        return None
    is_sane = 0 < kind < _MOST and 0 < number < _MOST and 0 <= link < _MOST and abs(score) < 1 << 31
    return (kind, number, link, score) if is_sane and (kind != ANSWER or link > 0) else None


_Columns = dict[str, "np.ndarray[Any, Any]"]


def _columns(posts: _Posts, skipped: Counter[str]) -> _Columns:
    """The columns in order of Id, each Id once: of rows with the same Id the first in the file."""
    import numpy as np

    columns = {name: np.asarray(getattr(posts, name)) for name in ("ids", "links", "scores", "offsets", "lengths")}
    if bool((columns["ids"][1:] > columns["ids"][:-1]).all()):  # as nearly all dumps have it: no copies
        return columns
    _, first = np.unique(columns["ids"], return_index=True)
    _count(skipped, "repeated Id", len(columns["ids"]) - len(first))
    return {name: column[first] for name, column in columns.items()}


def _without_planted(path: Path, tables: list[_Columns], skipped: Counter[str]) -> list[_Columns]:
    """Leave out posts made up to mark the dump: nobody's, with Ids an order of magnitude above those of all persons' posts."""
    import numpy as np

    highest = _highest_of_a_person(path, tables)
    if highest is None:
        return tables
    kept = [int(np.searchsorted(table["ids"], 10 * highest)) for table in tables]
    _count(skipped, "planted post", sum(len(table["ids"]) - count for table, count in zip(tables, kept, strict=True)))
    return [{name: column[:count] for name, column in table.items()} for table, count in zip(tables, kept, strict=True)]


def _highest_of_a_person(path: Path, tables: list[_Columns]) -> int | None:
    """The highest Id of a post that is not the community's; found after a few rows, from the top."""
    with open_table(path) as file:
        for number, offset, length in heapq.merge(*(_from_the_top(table) for table in tables), reverse=True):
            row = parsed(read_at(file, path, length, offset))
            if row is None or row.text("OwnerUserId") != str(COMMUNITY):
                return number
    return None


def _from_the_top(table: _Columns) -> Iterator[tuple[int, int, int]]:
    """Id, offset and length of the posts of a table, the highest Id first."""
    for place in range(len(table["ids"]) - 1, -1, -1):
        yield int(table["ids"][place]), int(table["offsets"][place]), int(table["lengths"][place])


def _joined(
    path: Path, questions: _Columns, answers: _Columns, skipped: Counter[str], most: int | None, min_score: int | None
) -> PostIndex:
    """The answers with their questions: those at the top of each, at most `most` of a question."""
    import numpy as np

    asked = np.searchsorted(questions["ids"], answers["links"])
    has_question = asked < len(questions["ids"])
    has_question[has_question] = questions["ids"][asked[has_question]] == answers["links"][has_question]
    _count(skipped, "answer without its question", int((~has_question).sum()))
    if not has_question.all():
        answers = {name: column[has_question] for name, column in answers.items()}
        asked = asked[has_question]

    is_accepted = questions["links"][asked] == answers["ids"]
    order = np.lexsort((answers["ids"], ~is_accepted, -answers["scores"], asked))
    answered, first, counts = np.unique(asked[order], return_index=True, return_counts=True)
    _count(skipped, "unanswered question", len(questions["ids"]) - len(answered))
    place = np.arange(len(order)) - np.repeat(first, counts)  # 0 for the top answer of its question
    taken = np.ones(len(order), bool) if most is None else place < most
    _count(skipped, "answer below the top one", int((~taken).sum()))
    top, answered, counts = order[taken], asked[order[taken]], np.repeat(counts, counts)[taken]
    if min_score is not None:
        enough = answers["scores"][top] >= min_score
        _count(skipped, "top answer below min_score" if most else "answer below min_score", int((~enough).sum()))
        answered, top, counts = answered[enough], top[enough], counts[enough]
    places = (questions["offsets"][answered], questions["lengths"][answered], answers["offsets"][top], answers["lengths"][top])
    return PostIndex(path, *places, counts, answers["ids"][top])


def _count(skipped: Counter[str], reason: str, count: int) -> None:
    if count:
        skipped[reason] += count


@contextmanager
def open_table(path: Path) -> Iterator[int]:
    """A table to read rows of by their place."""
    try:
        file = os.open(path, os.O_RDONLY)
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from error
    try:
        yield file
    finally:
        os.close(file)


def read_at(file: int, path: Path, length: int, offset: int) -> bytes:
    """The bytes of one row."""
    try:
        return os.pread(file, length, offset)
    except OSError as error:
        raise InputError(f"{path}: cannot be read at byte {offset:,}: {error.strerror or error}") from error
