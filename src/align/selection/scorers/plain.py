"""Scores that stand in the example: its length, the votes it got."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Literal

from align.artifact import Artifact
from align.records import Example
from align.selection.scorers.scorer import Scored, Scorer
from align.text import words


class Length(Scorer):
    """How long the response is ("Long Is More", arXiv 2402.04833: a baseline that any selection must beat)."""

    kind: Literal["length"] = "length"
    unit: Literal["characters", "words"] = "characters"
    """What is counted."""

    def scores(self, examples: Iterable[Example], named: Mapping[str, Artifact], work: Path) -> Iterator[Scored]:
        for example in examples:
            text = example.response
            yield float(len(text) if self.unit == "characters" else len(words(text))) if text else "no response"


class Votes(Scorer):
    """A number that came with the example: votes, stars, ..."""

    kind: Literal["votes"] = "votes"
    signal: str = "answer_score"
    """Name of the signal."""

    def scores(self, examples: Iterable[Example], named: Mapping[str, Artifact], work: Path) -> Iterator[Scored]:
        for example in examples:
            found = example.signals.get(self.signal)
            yield f"no signal {self.signal}" if found is None else found
