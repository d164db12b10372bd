"""A small invented corpus to pretrain a tiny model on: plain English about a handful of crafts and hobbies, CC0.

A grammar of document shapes (`align.sources.invented`) is filled from tables of facts, so that a document stays with its
subject and says true things. It shows that pretraining works where no corpus and no network is at hand; it is no
substitute for text that people wrote.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from align.records import Author, Example, Origin, Rejection, Turn
from align.sources.ingest import Shard, Source

if TYPE_CHECKING:
    from align.sources.invented.facts import Subject
    from align.sources.invented.phrase import Draw

SHARD_BYTES = 250_000
IDS_A_SHARD = 1000  # a document has 300 characters at least, so a shard has fewer than 834
MIN_CHARS, MAX_CHARS = 300, 1500


class InventedCorpus(Source):
    """Documents made from a seed, for a recipe that must run without a corpus."""

    kind: Literal["invented_corpus"] = "invented_corpus"
    megabytes: float = Field(gt=0)
    """How much text to make, in millions of bytes of UTF-8; more of it begins with the same documents."""
    seed: int
    """Number that decides every draw."""

    def shards(self) -> list[Shard]:
        wanted = int(self.megabytes * 1e6)
        return [Shard(f"invented-{number:04d}", Path()) for number in range(-(-wanted // SHARD_BYTES))]

    def work_bytes(self, shard: Shard) -> int:
        return 8 * SHARD_BYTES  # which takes as long as eight times as much of a dump

    def read(self, shard: Shard, skipped: Counter[str]) -> Iterator[Example | Rejection]:
        first = int(shard.name.rpartition("-")[2])
        left = min(SHARD_BYTES, int(self.megabytes * 1e6) - first * SHARD_BYTES)
        number = first * IDS_A_SHARD
        while left > 0:
            subject, text = invent_document(self.seed, number)
            native_id = f"{self.seed}/{number:05d}"
            origin = Origin("invented_corpus", native_id, authors=(Author("align", role="document", license="CC0-1.0"),))
            yield Example(f"invented_corpus/{native_id}", (Turn("document", text),), origin, tags=(subject,))
            left -= len(text.encode())
            number += 1


def invent_document(seed: int, number: int) -> tuple[str, str]:
    """The subject and the text of one document; equal on every version of Python."""
    from align.sources.invented.facts import subjects
    from align.sources.invented.phrase import Draw, polish

    draw = Draw(f"{seed}/{number}")
    while True:
        subject = draw.one(subjects())
        text = polish(draw.one(_shapes())(subject, draw))
        if MIN_CHARS <= len(text) <= MAX_CHARS:
            return subject.name, text


def _shapes() -> tuple["Callable[[Subject, Draw], str]", ...]:
    """The shapes of documents; one named twice is drawn twice as often."""
    from align.sources.invented import shapes, tales

    return (
        shapes.about_thing, shapes.about_thing, shapes.explanation, shapes.explanation, shapes.question_and_answer,
        shapes.question_and_answer, shapes.question_and_answer, shapes.how_to, shapes.how_to, shapes.how_to_prose,
        shapes.how_to_prose, shapes.definitions, shapes.comparison, shapes.overview, shapes.mistakes, tales.story, tales.story,
        tales.letter, tales.talk, tales.diary, tales.riddle,
    )  # fmt: skip
