"""The `diverse` stage: few examples that between them cover the pool."""

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from align.artifact import Counts
from align.embed.embedder import Embedder, Of, embedded_text
from align.embed.tfidf import TfIdf
from align.embed.vectors import embed_texts
from align.lots import lot
from align.parts import RawFile
from align.records import Example
from align.selection.cells import Shares, Unfit, cells_of, check_shares, places_of
from align.selection.facility_location import FacilityLocation, take_facilities
from align.selection.farthest import FarthestFirst, take_greedily
from align.selection.near_facilities import NearFacilities
from align.selection.ordered import check_enough, write_ordered
from align.selection.scorers.scorer import NO_SCORE, Scorer, scores_of
from align.stage import Forecast, Inputs, Stage
from align.strata import By

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

log = logging.getLogger(__name__)

NOTHING_TO_COMPARE = "nothing to compare"
OFF_SHORTLIST = "not on the shortlist"


class Diverse(Stage):
    """Take `count` examples that are unlike each other, in an order whose beginning is the smaller selection.

    So `count: 2000` and `count: 4000` with the same seed are nested, and `take` with `order: first` cuts the one to the other.
    Filter for quality first: diversity on a dirty pool picks the dirt.
    """

    kind: Literal["diverse"] = "diverse"
    count: int = Field(ge=1)
    """How many examples."""
    method: Literal["k_center", "mmr", "facility_location"] = "k_center"
    """`k_center`: always the one farthest from all taken (Gonzalez 1985); `mmr`: the same weighed against a score (Carbonell &
    Goldstein 1998); `facility_location`: those that stand for most others (QDIT, arXiv 2311.14736)."""
    on: Of = "both"
    """What is compared: all before the last response (`prompt`), that `response`, or both."""
    embedder: Embedder = TfIdf()
    """What makes vectors of texts: by default TF-IDF squeezed to 256 dimensions, fitted on the pool; or sentence_transformers."""
    scorer: Scorer | None = None
    """With `mmr`: whose score says what is good; its ranks count, 0 (worst) to 1 (best)."""
    quality_weight: float = Field(default=0.5, ge=0, le=1)
    """With `mmr`: lambda, the weight of the score against unlikeness; 1 goes by the score alone."""
    per: By | None = None
    """Keep shares of the exchanges (`site`), the sources, or the first `tag`s (categories); by default the whole pool is one."""
    shares: Shares = "proportional"
    """With `per`: as many of each, as many as the pool has in proportion, or weights such as {stem: 2, other: 1}."""
    groups: RawFile | None = None
    """With `per`: YAML file `group: [stratum, ...]`; shares are then of the groups."""
    shortlist: int = Field(default=100_000, ge=1)
    """With `facility_location`: so many examples of a larger pool, drawn by lot, are looked at; 100,000 take about half a
    minute of a core, a minute where nothing is near anything (see `neighbours`)."""
    exact_up_to: int = Field(default=10_000, ge=0)
    """With `facility_location`: up to so many examples the likeness of every two is held in memory (400 MB); of more, only that
    of the nearest `neighbours`, and the log says so."""
    neighbours: int = Field(default=64, ge=1)
    """With `facility_location` above `exact_up_to`. Above 30,000 they are sought in the 10,000 rows or more around each (128
    times the neighbours, if that is more), unless a sample finds less than 95 % of its own there; then among all, as below.
    Measured on 10,000: as much is reached as with all when `count` x `neighbours` is half the pool; the first ten reached 95 % of
    it with 64, all of it with 512."""
    shortfall: Literal["error", "report"] = "error"
    """What to do where there are fewer examples than wanted: stop, or take what there is and say so."""
    seed: int = 1
    """Decides which example comes first (`k_center`) and the shortlist."""

    verb: ClassVar[str] = "drawn"
    version: ClassVar[int] = 4  # 3: neighbours in regions, equal vectors weighed as one; 4: variety on `on` as well

    @model_validator(mode="after")
    def _fits_the_method(self) -> Self:
        if (self.scorer is not None) != (self.method == "mmr"):
            wants = "`mmr` needs a `scorer`, e.g. {kind: votes}" if self.method == "mmr" else "only `mmr` has a `scorer`"
            raise ValueError(f"method {self.method}: {wants}")
        check_shares(self.per, self.shares, self.groups)
        if self.method == "facility_location" and self.count > self.shortlist:
            raise ValueError(f"`count` ({self.count:,}) is more than the `shortlist` ({self.shortlist:,})")
        return self

    def identity(self) -> dict[str, Any]:
        asked = super().identity()
        if self.scorer is not None:
            self.scorer.forget_incidental(asked["parameters"]["scorer"])
        return asked

    def run(self, inputs: Inputs, work: Path) -> Counts:
        import numpy as np

        vectors = embed_texts(
            self.embedder, lambda: (embedded_text(item, self.on) for item in inputs.read(Example, "embedding")), work
        )
        unfit = {int(row): (NOTHING_TO_COMPARE, "") for row in np.flatnonzero(~np.asarray(vectors).any(axis=1))}
        names = cells_of(inputs, self.per, self.shares, self.groups, unfit)
        lots = np.array([lot("diverse", self.seed, item.id) for item in inputs.read(Example)], dtype=np.uint64)
        quality = self._read_quality(inputs, work, unfit)
        if self.method == "facility_location":
            left = [row for row in np.argsort(lots, kind="stable").tolist() if row not in unfit]
            unfit |= dict.fromkeys(left[self.shortlist :], (OFF_SHORTLIST, ""))
        order = places_of(names, unfit, self.shares, self.count)
        check_enough(self.kind, self.count, len(order), len(vectors), unfit, self.shortfall)
        taken = self._take(vectors, *_numbered(names, unfit, order), lots, quality)
        return write_ordered(self.kind, inputs, work, taken, unfit, self.count, self.on)

    def forecast(self, data: list[Forecast], named: dict[str, Forecast]) -> Forecast:
        if self.expect is not None or any(item.basis == "unknown" for item in data):
            return super().forecast(data, named)
        return Forecast(min([self.count, *(item.examples for item in data if item.examples is not None)]), None, "expected")

    def _read_quality(self, inputs: Inputs, work: Path, unfit: Unfit) -> "NDArray[np.float32] | None":
        """The rank of each score, 0 to 1, equal scores sharing theirs; who has none is unfit."""
        import numpy as np
        from scipy.stats import rankdata

        if self.scorer is None:
            return None
        scores = list(scores_of(self.scorer, inputs, work))
        for number, score in enumerate(scores):
            if isinstance(score, str):
                unfit.setdefault(number, (NO_SCORE, score))
        fit = [number for number in range(len(scores)) if number not in unfit]
        quality = np.zeros(len(scores), dtype=np.float32)
        if len(fit) > 1:
            quality[fit] = (rankdata([scores[number] for number in fit]) - 1) / (len(fit) - 1)
        return quality

    def _take(
        self,
        vectors: "NDArray[np.float32]",
        cells: "NDArray[np.int64]",
        queue: list[int],
        lots: "NDArray[np.uint64]",
        quality: "NDArray[np.float32] | None",
    ) -> list[int]:
        """The numbers of the taken examples, in the order in which they were taken; `queue` says from which cells."""
        import numpy as np

        if self.method == "facility_location":
            rows = np.flatnonzero(cells >= 0)
            facilities = self._facilities(np.asarray(vectors[rows]), cells[rows])
            return [int(rows[place]) for place in take_facilities(facilities, queue)]
        greedy = FarthestFirst(vectors, quality, self.quality_weight if self.scorer is not None else 0, cells)
        of_first = np.flatnonzero(cells == queue[0])
        first = int(of_first[np.argmin(lots[of_first])]) if quality is None else -1
        return take_greedily(greedy, first, queue)

    def _facilities(self, vectors: "NDArray[np.float32]", cells: "NDArray[np.int64]") -> FacilityLocation | NearFacilities:
        if len(vectors) <= self.exact_up_to:
            return FacilityLocation(vectors, cells)
        log.info(
            "diverse: %s examples are more than exact_up_to (%s): each can be stood for by its %s nearest neighbours, not by all",
            *(f"{number:,}" for number in (len(vectors), self.exact_up_to, self.neighbours)),
        )
        return NearFacilities(vectors, self.neighbours, cells)


def _numbered(names: list[str], unfit: Unfit, order: list[str]) -> "tuple[NDArray[np.int64], list[int]]":
    """The number of each example's cell, -1 of one that cannot be taken; and the numbers of the cells in `order`."""
    import numpy as np

    numbers = {name: number for number, name in enumerate(sorted(set(order)))}
    cells = [-1 if row in unfit else numbers.get(name, -1) for row, name in enumerate(names)]
    return np.array(cells, dtype=np.int64), [numbers[name] for name in order]
