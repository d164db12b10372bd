"""The family of scorers."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from align.artifact import Artifact
from align.parts import Part
from align.records import Example
from align.stage import Inputs

FIELD = "scorer"
"""The field under which a stage has its scorer."""

NO_SCORE = "no score"
"""The reason to reject an example that a scorer could not score."""

Scored = float | str
"""A score, or in a short phrase why there is none."""


class Scorer(Part):
    """Gives each example a number; more is better."""

    def scores(self, examples: Iterable[Example], named: Mapping[str, Artifact], work: Path) -> Iterator[Scored]:
        """One score for each example, in order. `named` holds the artifacts of the stages its fields name, by field."""
        raise NotImplementedError

    def forget_incidental(self, parameters: dict[str, Any]) -> None:
        """Take out of its own parameters what does not decide the scores, such as the address of a judge."""


def scores_of(scorer: Scorer, inputs: Inputs, work: Path) -> Iterator[Scored]:
    """The score of each example that comes in, by the scorer in the field `scorer` of a stage."""
    named = {name.removeprefix(f"{FIELD}."): item for name, item in inputs.named.items() if name.startswith(f"{FIELD}.")}
    return scorer.scores(inputs.read(Example), named, work)
