"""The `scored` stage: the examples with the highest scores, of the whole pool or of each cell."""

from collections import defaultdict
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from align.artifact import Counts
from align.lots import lot
from align.parts import RawFile
from align.records import Example
from align.selection.cells import Shares, Unfit, cells_of, check_shares, places_of
from align.selection.ordered import check_enough, write_ordered
from align.selection.scorers.scorer import NO_SCORE, Scorer, scores_of
from align.stage import Forecast, Inputs, Stage
from align.strata import By


class Scored(Stage):
    """Take the `count` examples that a scorer likes best, the best first; equal scores by lot.

    Larger counts contain smaller ones.
    """

    kind: Literal["scored"] = "scored"
    scorer: Scorer
    """Who gives the scores: {kind: length}, votes, csv, ifd or judge."""
    count: int = Field(ge=1)
    """How many examples."""
    prefer: Literal["highest", "lowest"] = "highest"
    """Which end of the scores is taken."""
    per: By | None = None
    """Take the best of each exchange (`site`), source, or first `tag` (category); by default of the whole pool."""
    shares: Shares = "proportional"
    """With `per`: as many of each (`equal`), as many as the pool has in proportion, or weights such as {stem: 2, other: 1}."""
    groups: RawFile | None = None
    """With `per`: YAML file `group: [stratum, ...]`; shares are then of the groups."""
    shortfall: Literal["error", "report"] = "error"
    """What to do where there are fewer examples than wanted: stop, or take what there is and say so."""
    seed: int = 1
    """Decides the order of equal scores."""

    verb: ClassVar[str] = "drawn"
    version: ClassVar[int] = 2  # 2: variety by the pool's own vectors

    @model_validator(mode="after")
    def _check_shares(self) -> Self:
        check_shares(self.per, self.shares, self.groups)
        return self

    def identity(self) -> dict[str, Any]:
        asked = super().identity()
        self.scorer.forget_incidental(asked["parameters"]["scorer"])
        return asked

    def run(self, inputs: Inputs, work: Path) -> Counts:
        unfit: Unfit = {}
        names = cells_of(inputs, self.per, self.shares, self.groups, unfit)
        examples = inputs.read(Example, "scoring")
        standings: dict[str, list[tuple[float, int, int]]] = defaultdict(list)
        for number, (example, score) in enumerate(zip(examples, scores_of(self.scorer, inputs, work), strict=True)):
            if isinstance(score, str):
                unfit.setdefault(number, (NO_SCORE, score))
            elif number not in unfit:
                signed = -score if self.prefer == "highest" else score
                standings[names[number]].append((signed, lot("scored", self.seed, example.id), number))
        order = places_of(names, unfit, self.shares, self.count)
        check_enough(self.kind, self.count, len(order), len(names), unfit, self.shortfall)
        if self.per is None:
            taken = [number for *_, number in sorted(standings[""])[: len(order)]]
        else:
            queues = {name: iter(sorted(entries)) for name, entries in standings.items()}
            taken = [next(queues[name])[2] for name in order]
        return write_ordered(self.kind, inputs, work, taken, unfit, self.count)

    def forecast(self, data: list[Forecast], named: dict[str, Forecast]) -> Forecast:
        if self.expect is not None or any(item.basis == "unknown" for item in data):
            return super().forecast(data, named)
        return Forecast(min([self.count, *(item.examples for item in data if item.examples is not None)]), None, "expected")
