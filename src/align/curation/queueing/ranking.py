"""What to show next: how likely people are to accept an example, and how much it would add to what they have.

    priority = P(accept) * novelty ** 2.5 * gap

P(accept) is a logistic regression on the examples' vectors, signals and the shape of their responses, learnt from every decision
so far. Rejected ones are the majority, so both classes weigh the same, and 0.5 is where the model knows least. Novelty is 1 - the
highest cosine to an accepted example. It has a power because cosines of TF-IDF vectors are small: with the first power the
accepted set becomes less varied than one of random order (benchmarks/bench_curation_effort.py). The gap is what a cell still
lacks, as a share of its target.

Before both classes have a few members, typical examples come first: of each topic, as often as it is large, those at its middle.
"""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from align.curation.pools.pool import Pool
from align.curation.pools.topics import Topics
from align.curation.queueing.learning import Features, fit_logistic, logistic
from align.selection.farthest import release

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

LEADERS = 4096
"""So many examples with the highest priority are followed from decision to decision; the rest waits for the next ranking."""
UNCERTAIN = 512
NOVELTY_POWER = 2.5
FEWEST = 5
"""Accepted and rejected examples each, before anything is learnt."""
FEWEST_LABELS = 50
BLOCK = 16_384


@dataclass(frozen=True, slots=True)
class Known:
    """What a ranking is made from: a picture of the tally at one moment, which does not move."""

    moment: int
    """How many events had been heard."""
    labelled: "NDArray[np.int64]"
    """Rows; one that two curators decided about stands twice."""
    labels: "NDArray[np.bool_]"
    accepted: "NDArray[np.int64]"
    open: "NDArray[np.bool_]"
    """Rows that may be shown: undecided, in a cell that is not full."""
    gaps: "NDArray[np.float64]"
    """For each cell what it lacks, 0 to 1."""


@dataclass(frozen=True, slots=True)
class Ranking:
    """The examples worth showing, at one moment."""

    moment: int
    is_learnt: bool
    """Whether people's decisions say what they would accept; else what is typical comes first."""
    leaders: "NDArray[np.int64]"
    """Rows."""
    chances: "NDArray[np.float32]"
    """P(accept) of each leader, or how early it comes before anything is learnt; 0 to 1."""
    likeness: "NDArray[np.float32]"
    """The highest cosine of each leader to an accepted example, as of the moment."""
    vectors: "NDArray[np.float32]"
    """Of the leaders."""
    uncertain: "NDArray[np.int64]"
    """Rows, the most uncertain first; none before anything is learnt."""


@dataclass(slots=True)
class Ranker:
    """Makes rankings one after the other; remembers what it can go on from."""

    pool: Pool
    topics: Topics
    with_model: bool = True
    with_novelty: bool = True
    features: Features = field(init=False)
    _likeness: "NDArray[np.float32]" = field(init=False)
    """Of every row the highest cosine to an accepted example."""
    _nearest: "NDArray[np.int64]" = field(init=False)
    """Which accepted row that is, so that an undone acceptance touches few rows."""
    _taken: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        import numpy as np

        self.features = Features(self.pool)
        self._likeness = np.zeros(len(self.pool), dtype=np.float32)
        self._nearest = np.full(len(self.pool), -1, dtype=np.int64)

    def rank(self, known: Known) -> Ranking:
        """The ranking that follows from what is known; the same knowledge gives the same ranking."""
        import numpy as np

        self._follow(known.accepted)
        chances = self._chances(known)
        novel = novelty(self._likeness) if self.with_novelty and chances is not None else np.ones(len(self.pool), np.float32)
        base = self.topics.earliness if chances is None else chances
        codes = self.pool.cells.codes
        priority = np.where(known.open, base * novel * gap_weights(known.gaps, chances is not None)[codes], -1.0)
        leaders = _leaders(priority, codes, known.open)
        uncertain = np.empty(0, dtype=np.int64)
        if chances is not None:
            doubt = np.where(known.open, np.abs(chances - 0.5), np.inf)
            uncertain = _lowest(doubt, min(UNCERTAIN, int(known.open.sum())))
        vectors = np.asarray(self.pool.vectors[leaders], dtype=np.float32)
        first = np.asarray(base[leaders], dtype=np.float32)
        return Ranking(known.moment, chances is not None, leaders, first, self._likeness[leaders].copy(), vectors, uncertain)

    def _chances(self, known: Known) -> "NDArray[np.float32] | None":
        """P(accept) of every row; None while there is too little to learn from."""
        import numpy as np

        taken = int(known.labels.sum())
        if not self.with_model:
            return np.full(len(self.pool), 0.5, dtype=np.float32)
        if len(known.labels) < FEWEST_LABELS or min(taken, len(known.labels) - taken) < FEWEST:
            return None
        return logistic(self.features.scores(fit_logistic(self.features.rows(known.labelled), known.labels)))

    def _follow(self, accepted: "NDArray[np.int64]") -> None:
        """Bring the likeness of every row up to date with what is accepted now."""
        import numpy as np

        now = set(accepted.tolist())
        gone = self._taken - now
        if gone:
            stale = np.flatnonzero(np.isin(self._nearest, np.array(sorted(gone), dtype=np.int64)))
            self._likeness[stale], self._nearest[stale] = 0.0, -1
            kept = np.array(sorted(self._taken & now), dtype=np.int64)
            for start in range(0, len(stale), BLOCK):
                self._compare(stale[start : start + BLOCK], kept)
        fresh = np.array(sorted(now - self._taken), dtype=np.int64)
        if len(fresh):
            for start in range(0, len(self.pool), BLOCK):
                self._compare(slice(start, start + BLOCK), fresh)
            release(self.pool.vectors)
        self._taken = now

    def _compare(self, rows: "slice | NDArray[np.int64]", centres: "NDArray[np.int64]") -> None:
        import numpy as np

        if not len(centres):
            return
        cosines = np.asarray(self.pool.vectors[rows]) @ np.asarray(self.pool.vectors[centres]).T
        best = cosines.argmax(axis=1)
        highest = cosines[np.arange(len(best)), best]
        known = self._likeness[rows]
        is_nearer = highest > known
        self._likeness[rows] = np.where(is_nearer, highest, known)
        self._nearest[rows] = np.where(is_nearer, centres[best], self._nearest[rows])


def novelty(likeness: "NDArray[np.float32]") -> "NDArray[np.float32]":
    """What an example adds to the accepted ones, 0 to 1."""
    import numpy as np

    return np.asarray(np.clip(1 - likeness, 0, 1) ** NOVELTY_POWER, dtype=np.float32)


def gap_weights(gaps: "NDArray[np.float64]", is_learnt: bool) -> "NDArray[np.float64]":
    """How much each cell counts: before anything is learnt those that lack something count alike, for all must be met."""
    import numpy as np

    return gaps if is_learnt else np.asarray(gaps > 0, dtype=np.float64)


def _leaders(priority: "NDArray[np.float64]", cells: "NDArray[np.int32]", is_open: "NDArray[np.bool_]") -> "NDArray[np.int64]":
    """The rows with the highest priority, in rising order; each cell has its share of the places, so that none is forgotten."""
    import numpy as np

    rows = np.flatnonzero(is_open)
    if len(rows) <= LEADERS:
        return rows
    found = [rows[_lowest(-priority[rows], LEADERS // 2)]]
    present = np.unique(cells[rows])
    for cell in present.tolist():
        own = rows[cells[rows] == cell]
        found.append(own[_lowest(-priority[own], max(1, min(len(own), LEADERS // (2 * len(present)))))])
    return np.unique(np.concatenate(found))


def _lowest(values: "NDArray[np.float64]", count: int) -> "NDArray[np.int64]":
    """Places of the `count` lowest values, the lowest first, the first of equal ones."""
    import numpy as np

    count = min(count, len(values))
    if count == 0:
        return np.empty(0, dtype=np.int64)
    limit = np.partition(values, count - 1)[count - 1]
    below = np.flatnonzero(values < limit)
    equal = np.flatnonzero(values == limit)[: count - len(below)]
    chosen = np.concatenate([below, equal])
    return np.asarray(chosen[np.lexsort((chosen, values[chosen]))])
