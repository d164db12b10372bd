"""The mix: several sets as one, in a seeded order."""

import math
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, NonNegativeFloat, model_validator

from align.artifact import SCRATCH, Artifact, Counts
from align.errors import EmptyResult, RecipeError, Shortfall
from align.files import RecordWriter, read_records
from align.lots import lot
from align.parts import StageName
from align.records import Example, Rejection
from align.stage import Forecast, Inputs, Stage

NOT_DRAWN = "not drawn"
BUCKET = 20_000
"""Examples that are sorted in memory at once."""
SHOWN = 5


class Addition(BaseModel):
    """Examples to add in proportion to the others."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    stage: StageName
    """The stage to draw from, which is not one of `inputs`."""
    per_thousand: NonNegativeFloat
    """How many to add for 1,000 examples of `inputs`, to the nearest whole number, half up (Safety-Tuned LLaMAs vary it)."""


class Mix(Stage):
    """Put the sets that `inputs` name into one, shuffled. An id that comes twice is an error, not a silent choice."""

    kind: Literal["mix"] = "mix"
    take: tuple[int, ...] | None = None
    """How many examples of each of `inputs`, in their order, drawn by lot; by default all of each."""
    shares: tuple[float, ...] | None = None
    """The share of each of `inputs` in the mix, in their order, 0 to 1 and 1 in all; takes as many as the scarcest allows."""
    add: tuple[Addition, ...] = ()
    """Sets to add a few of, by lot: [{stage: safety_examples, per_thousand: 30}]. With one seed a larger share contains a smaller
    one, so arms of 13, 30, 60 and 100 lie within each other, around the same `inputs` (arXiv 2309.07875 §4)."""
    seed: int = 1
    """Decides the order, and what is drawn."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.take is not None and self.shares is not None:
            raise ValueError("write `take` or `shares`, not both: each decides how many examples come from where")
        for name, values in (("take", self.take), ("shares", self.shares)):
            if values is not None and (self.inputs is None or len(values) != len(self.inputs)):
                raise ValueError(f"`{name}` needs one number for each of `inputs`: {len(values)} for {len(self.inputs or ())}")
            if values is not None and min(values) < 0:
                raise ValueError(f"`{name}` has a negative number")
        if self.shares is not None and not math.isclose(sum(self.shares), 1, abs_tol=1e-6):
            raise ValueError(f"`shares` must add up to 1, not {sum(self.shares):g}")
        return self

    def run(self, inputs: Inputs, work: Path) -> Counts:
        added = tuple(inputs.named[f"add.{number}.stage"] for number in range(len(self.add)))
        inputs = Inputs((*inputs.data, *added))
        ids = [[example.id for example in artifact.read(Example)] for artifact in inputs.data]
        _refuse_repeated(inputs.data, ids)
        total = sum(map(len, ids))
        if total == 0:
            raise EmptyResult("0 examples came in: every stage of `inputs` gave none")
        counts = self._all_counts(inputs.data, [len(items) for items in ids])
        drawn = {
            example_id
            for items, count in zip(ids, counts, strict=True)
            for example_id in sorted(items, key=lambda item: lot("mix draw", self.seed, item))[:count]
        }
        with RecordWriter(work, Rejection) as rejected:
            for example_id in (item for items in ids for item in items if item not in drawn):
                rejected.write(Rejection(example_id, self.kind, NOT_DRAWN))
        with RecordWriter(work, Example) as kept:
            for example in self._shuffled(inputs, drawn, work / SCRATCH):
                kept.write(example)
        dropped = {f"{self.kind}: {NOT_DRAWN}": rejected.count} if rejected.count else {}
        return Counts(total, kept.count, dropped)

    def forecast(self, data: list[Forecast], named: dict[str, Forecast]) -> Forecast:
        sizes = [item.examples for item in data if item.examples is not None]
        if self.expect is not None or len(sizes) < len(data) or self.shares is not None:
            return super().forecast(data, named)
        total = sum(sizes) if self.take is None else sum(self.take)
        added = [_added(addition, total) for addition in self.add]
        tokens = [item.tokens if self.take is None else None for item in data]
        for number, count in enumerate(added):
            source = named.get(f"add.{number}.stage", Forecast())
            each = 0.0 if count == 0 else None if not source.tokens or not source.examples else source.tokens / source.examples
            tokens.append(None if each is None else round(each * count))
        known = [count for count in tokens if count is not None]
        return Forecast(total + sum(added), sum(known) if len(known) == len(tokens) else None, "expected")

    def _all_counts(self, artifacts: tuple[Artifact, ...], sizes: list[int]) -> list[int]:
        """How many examples to take of each input, and then of each set to add."""
        own = len(artifacts) - len(self.add)
        counts = self._counts(artifacts[:own], sizes[:own])
        wanted = [_added(addition, sum(counts)) for addition in self.add]
        short = [
            f"stage {artifact.name!r}: {addition.per_thousand:g} per thousand of {sum(counts):,} are {count:,}, found {size:,}"
            for artifact, addition, count, size in zip(artifacts[own:], self.add, wanted, sizes[own:], strict=True)
            if size < count
        ]
        if short:
            raise Shortfall(f"add: {'; '.join(short)}. Lower `per_thousand`, or give these stages more examples.")
        return counts + wanted

    def _counts(self, artifacts: tuple[Artifact, ...], sizes: list[int]) -> list[int]:
        """How many examples to take of each input."""
        if self.shares is not None:
            total = min(size / share for size, share in zip(sizes, self.shares, strict=True) if share > 0)
            return [int(total * share + 1e-9) for share in self.shares]
        if self.take is None:
            return sizes
        short = [
            f"stage {artifact.name!r}: wanted {count:,}, found {size:,}"
            for artifact, count, size in zip(artifacts, self.take, sizes, strict=True)
            if size < count
        ]
        if short:
            raise Shortfall(f"take: {'; '.join(short)}. Lower `take`, or give these stages more examples.")
        return list(self.take)

    def _shuffled(self, inputs: Inputs, drawn: set[str], scratch: Path) -> Iterator[Example]:
        """The drawn examples in the order of their lots; a large set goes through buckets on the disk."""
        buckets = -(-len(drawn) // BUCKET)
        examples = (example for example in inputs.read(Example, "mixing") if example.id in drawn)
        if buckets == 1:
            yield from sorted(examples, key=self._place)
            return
        folders = [scratch / f"bucket-{number:05d}" for number in range(buckets)]
        with ExitStack() as stack:
            writers = [stack.enter_context(RecordWriter(folder, Example)) for folder in folders]
            for example in examples:
                writers[self._place(example) * buckets >> 64].write(example)
        for folder in folders:
            yield from sorted(read_records(folder, Example), key=self._place)

    def _place(self, example: Example) -> int:
        return lot("mix", self.seed, example.id)


def _added(addition: Addition, total: int) -> int:
    return math.floor(addition.per_thousand * total / 1000 + 0.5)


def _refuse_repeated(artifacts: tuple[Artifact, ...], ids: list[list[str]]) -> None:
    """An id names one example: two that share it cannot stand in one set."""
    owners: dict[str, str] = {}
    repeated: list[str] = []
    for artifact, items in zip(artifacts, ids, strict=True):
        for item in items:
            if item in owners:
                repeated.append(f"{item} (in {owners[item]} and {artifact.name})")
            owners[item] = artifact.name
    if repeated:
        shown = ", ".join(repeated[:SHOWN]) + (f" and {len(repeated) - SHOWN:,} more" if len(repeated) > SHOWN else "")
        raise RecipeError(
            f"{len(repeated):,} ids would stand twice in the mix: {shown}. Let one of the stages leave them out: "
            f"a `take` stage has `without: [STAGE]`."
        )
