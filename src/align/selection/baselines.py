"""Plain baselines that any selection must beat: random, longest, first; from all exchanges or from few."""

from collections import Counter
from pathlib import Path
from typing import ClassVar, Literal, NamedTuple

from pydantic import Field

from align.artifact import Counts
from align.errors import EmptyResult, Shortfall
from align.files import RecordWriter
from align.lots import lot
from align.parts import StageName
from align.records import Example, Rejection
from align.selection.spread import write_spread
from align.stage import Forecast, Inputs, Stage
from align.strata import site_of

NOT_DRAWN = "not drawn"
OTHER_SITE = "other site"
ELSEWHERE = "in a set it must stay out of"


class _Entry(NamedTuple):
    standing: int
    """Smallest is taken first; ties by id."""
    id: str
    site: str


class Take(Stage):
    """Take `count` examples by a plain rule. Larger counts contain smaller ones, so a grid over quantity is nested."""

    kind: Literal["take"] = "take"
    count: int = Field(ge=1)
    """How many examples."""
    order: Literal["random", "longest", "first"] = "random"
    """`random` by lot; `longest` by characters of the response ("Long Is More", arXiv 2402.04833), where there is none of the
    text; `first` as they come."""
    sites: tuple[str, ...] | int | None = None
    """Only these exchanges, e.g. [unix]; a number: that many exchanges, those with the most examples. By default all: so
    quantity (`count`) and diversity (`sites`) can be varied apart (LIMA §5)."""
    without: tuple[StageName, ...] = ()
    """Stages whose examples are left out, e.g. the training set of a held-out one."""
    shortfall: Literal["error", "report"] = "error"
    """What to do where there are fewer examples than wanted: stop, or take what there is and say so."""
    seed: int = 1
    """Decides the order by lot."""

    verb: ClassVar[str] = "drawn"
    version: ClassVar[int] = 3  # 3: variety by the pool's own vectors

    def run(self, inputs: Inputs, work: Path) -> Counts:
        elsewhere = {example.id for artifact in inputs.several("without") for example in artifact.read(Example)}
        entries = self._read_entries(inputs, elsewhere)
        sites = self._chosen_sites(Counter(entry.site for entry in entries if entry.id not in elsewhere))
        eligible = [entry for entry in entries if entry.id not in elsewhere and (sites is None or entry.site in sites)]
        drawn = {entry.id for entry in sorted(eligible)[: self.count]}
        if len(drawn) < self.count and self.shortfall == "error":
            raise Shortfall(
                f"wanted {self.count:,} examples, found {len(eligible):,} of {len(entries):,} that are eligible. Lower `count`, "
                f"give it more examples, or write `shortfall: report` to go on with what there is."
            )
        if not drawn:
            raise EmptyResult(f"0 of {len(entries):,} examples are eligible")
        dropped: Counter[str] = Counter()
        with RecordWriter(work, Example) as kept, RecordWriter(work, Rejection) as rejected:
            for example in inputs.read(Example):
                if example.id in drawn:
                    kept.write(example)
                    continue
                out = sites is not None and site_of(example) not in sites
                reason = ELSEWHERE if example.id in elsewhere else OTHER_SITE if out else NOT_DRAWN
                rejected.write(Rejection(example.id, self.kind, reason, site_of(example) if reason == OTHER_SITE else ""))
                dropped[f"{self.kind}: {reason}"] += 1
        write_spread(inputs, drawn, work)
        noted = {"missing": self.count - len(drawn)} if len(drawn) < self.count else {}
        return Counts(len(entries), kept.count, dict(dropped), noted=noted)

    def forecast(self, data: list[Forecast], named: dict[str, Forecast]) -> Forecast:
        if self.expect is not None or any(item.basis == "unknown" for item in data):
            return super().forecast(data, named)
        return Forecast(min([self.count, *(item.examples for item in data if item.examples is not None)]), None, "expected")

    def _read_entries(self, inputs: Inputs, elsewhere: set[str]) -> list[_Entry]:
        examples = inputs.read(Example, "reading examples")
        return [_Entry(self._standing(example, number), example.id, site_of(example)) for number, example in enumerate(examples)]

    def _standing(self, example: Example, number: int) -> int:
        if self.order == "random":
            return lot("take", self.seed, example.id)
        if self.order == "first":
            return number
        return -len(example.response or "".join(turn.text for turn in example.turns))

    def _chosen_sites(self, sizes: Counter[str]) -> set[str] | None:
        if self.sites is None:
            return None
        if isinstance(self.sites, int):
            return set(sorted(sizes, key=lambda site: (-sizes[site], site))[: self.sites])
        return set(self.sites)
