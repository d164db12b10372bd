"""The quota: so many examples of each group of exchanges, drawn with temperature (LIMA §2.1)."""

import math
from collections import Counter
from pathlib import Path
from random import Random
from typing import ClassVar, Literal, NamedTuple

from pydantic import Field

from align.artifact import Counts
from align.errors import EmptyResult, RecipeError, Shortfall
from align.files import RecordWriter
from align.lots import lot
from align.parts import RawFile
from align.records import Example, Measurement, Rejection
from align.selection.spread import write_spread
from align.stage import Forecast, Inputs, Stage
from align.strata import NONE, By, Cells, cell_of, read_cells

NOT_DRAWN = "not drawn"
NOT_TAKEN = "group not taken"

Pools = dict[str, list[str]]
"""Ids of the eligible examples of each stratum, best first."""


class _Eligible(NamedTuple):
    standing: float
    """Smallest is best."""
    id: str


class Quota(Stage):
    """Draw a fixed number of examples a group: for each place an exchange, then that exchange's best question that is left."""

    kind: Literal["quota"] = "quota"
    take: dict[str, int] = Field(min_length=1)
    """How many examples of each group, e.g. {stem: 200, other: 200} (LIMA table 1). Without `groups` each name is a stratum
    itself, and `all` stands for every other one."""
    groups: RawFile | None = None
    """YAML file that says which strata belong to a group: `stem: [physics, unix, ...]`. A stratum in no group, or in one that
    is not taken, is dropped (LIMA leaves out five niche exchanges)."""
    by: By = "site"
    """What the strata are: the exchange (`site`, the middle of the id), the `source`, or the first `tag` that a group names. With
    the categories of wikiHow as a group, `temperature: .inf` and `rank_by: random`, each place draws a category, each as often as
    any other, and then an article in it (LIMA §2.1)."""
    temperature: float = Field(default=3, gt=0)
    """Flattens the draw over strata: P is proportional to (eligible examples left) ** (1 / temperature). LIMA §2.1 has 3; 1 keeps
    the sizes, large values even them out."""
    rank_by: str = "question_score"
    """Signal that orders a stratum, highest first, ties by id (LIMA §2.1: the questions with the highest score); `random` for
    an order by lot."""
    oversample: float = Field(default=1, ge=1)
    """Draw so many times the counts, for people to choose from."""
    shortfall: Literal["error", "report"] = "error"
    """What to do where a group has fewer examples than wanted: stop, or take what there is and say so."""
    seed: int = 1
    """Decides the draw. A larger draw with the same seed from the same examples contains the smaller one."""

    verb: ClassVar[str] = "drawn"
    version: ClassVar[int] = 3  # 3: variety by the pool's own vectors

    def run(self, inputs: Inputs, work: Path) -> Counts:
        cells = read_cells(self.by, self.take, self.groups)
        pools, read = self._read_pools(inputs, cells)
        wanted = {group: math.ceil(count * self.oversample - 1e-9) for group, count in self.take.items()}
        drawn = {group: self._draw(group, pools.get(group, {}), count) for group, count in wanted.items()}
        missing = {group: count - len(drawn[group]) for group, count in wanted.items() if len(drawn[group]) < count}
        if missing and self.shortfall == "error":
            raise Shortfall(_shortfall(missing, wanted, pools))
        taken = {example_id: group for group, ids in drawn.items() for example_id in ids}
        if not taken:
            raise EmptyResult(f"0 of {read:,} examples were drawn: none is in a group that `take` names ({', '.join(self.take)})")
        dropped = self._write(inputs, work, cells, set(taken))
        _write_measurements(work, self.by, wanted, pools, drawn)
        write_spread(inputs, taken, work)
        return Counts(read, len(taken), dict(dropped), noted={f"missing in {group}": count for group, count in missing.items()})

    def forecast(self, data: list[Forecast], named: dict[str, Forecast]) -> Forecast:
        if self.expect is not None or any(item.basis == "unknown" for item in data):
            return super().forecast(data, named)
        wanted = sum(math.ceil(count * self.oversample - 1e-9) for count in self.take.values())
        known = [item.examples for item in data if item.examples is not None]
        return Forecast(min([wanted, *known]), None, "expected")

    def _read_pools(self, inputs: Inputs, cells: Cells) -> tuple[dict[str, Pools], int]:
        """The eligible examples of each group and stratum, best first, and how many were read."""
        pools: dict[str, dict[str, list[_Eligible]]] = {}
        seen: set[str] = set()
        for example in inputs.read(Example, "reading examples"):
            if example.id in seen:
                raise RecipeError(f"inputs: example {example.id} comes in twice; put the sets together with a `mix` stage first")
            seen.add(example.id)
            group, stratum = cell_of(example, cells)
            if group in self.take:
                entry = _Eligible(self._standing(example), example.id)
                pools.setdefault(group, {}).setdefault(stratum, []).append(entry)
        return {
            group: {stratum: [entry.id for entry in sorted(entries)] for stratum, entries in sorted(strata.items())}
            for group, strata in pools.items()
        }, len(seen)

    def _standing(self, example: Example) -> float:
        if self.rank_by == "random":
            return float(lot("quota", self.seed, example.id))
        return -example.signals.get(self.rank_by, -math.inf)

    def _draw(self, group: str, pools: Pools, count: int) -> list[str]:
        # One stream of random numbers a group: the draw from one does not move when another changes.
        return draw(pools, count, self.temperature, Random(f"{self.seed}/{group}"))

    def _write(self, inputs: Inputs, work: Path, cells: Cells, taken: set[str]) -> Counter[str]:
        dropped: Counter[str] = Counter()
        with RecordWriter(work, Example) as kept, RecordWriter(work, Rejection) as rejected:
            for example in inputs.read(Example):
                if example.id in taken:
                    kept.write(example)
                    continue
                group, stratum = cell_of(example, cells)
                reason = f"{self.by} in no group" if group == NONE else NOT_DRAWN if group in self.take else NOT_TAKEN
                rejected.write(Rejection(example.id, self.kind, reason, stratum if group == NONE else group))
                dropped[f"{self.kind}: {reason}"] += 1
        return dropped


def draw(pools: Pools, count: int, temperature: float, random: Random) -> list[str]:
    """Up to `count` ids: for each place a stratum with P proportional to n ** (1 / temperature), then its next example."""
    strata = sorted(pools)
    left = [len(pools[stratum]) for stratum in strata]
    weights = [n ** (1 / temperature) if n else 0.0 for n in left]
    drawn: list[str] = []
    for _ in range(min(count, sum(left))):
        number = random.choices(range(len(strata)), weights)[0]
        pool = pools[strata[number]]
        drawn.append(pool[len(pool) - left[number]])
        left[number] -= 1
        weights[number] = left[number] ** (1 / temperature) if left[number] else 0.0
    return drawn


def _shortfall(missing: dict[str, int], wanted: dict[str, int], pools: dict[str, Pools]) -> str:
    cells = [
        f"group {group!r} wants {wanted[group]:,} examples, found {wanted[group] - lacking:,} eligible ones "
        f"in {len(pools.get(group, {})):,} strata"
        for group, lacking in missing.items()
    ]
    return (
        f"the quota is not filled: {'; '.join(cells)}. Add dumps, loosen the filters above, lower `take` or `oversample`, "
        f"or write `shortfall: report` to go on with what there is."
    )


def _write_measurements(work: Path, by: By, wanted: dict[str, int], pools: dict[str, Pools], drawn: dict[str, list[str]]) -> None:
    """What was wanted, eligible and taken of each group and stratum, for the report."""
    with RecordWriter(work, Measurement) as writer:
        for group in wanted:
            strata = pools.get(group, {})
            eligible = sum(map(len, strata.values()))
            writer.write(Measurement("quota_wanted", group, float(wanted[group])))
            writer.write(Measurement("quota_eligible", group, float(eligible), count=eligible))
            writer.write(Measurement("quota_taken", group, float(len(drawn[group])), count=eligible))
            taken = set(drawn[group])
            for stratum, ids in strata.items():
                writer.write(Measurement(f"{by}_eligible", stratum, float(len(ids)), count=len(ids), method=group))
                count = float(len(taken.intersection(ids)))
                writer.write(Measurement(f"{by}_taken", stratum, count, count=len(ids), method=group))
