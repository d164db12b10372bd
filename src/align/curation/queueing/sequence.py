"""In which order one person sees what is worth showing: some examples of one exchange in a row, yet never two that are alike.

Whoever stays with one subject for a while need not think themselves into a new one each time; whoever sees two near neighbours in
a row judges the second by the first.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from align.lots import lot

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SHORTEST, LONGEST = 5, 10
"""How many examples of one exchange make a run."""
WORTH = 0.5
"""A run goes on while it has an example with so large a share of the highest priority."""
NEAR = 0.6
"""Cosine from which two examples count as near neighbours."""


@dataclass(frozen=True, slots=True)
class Line:
    """What a person has seen or is about to see before the next example."""

    last: "NDArray[np.float32] | None"
    """Vector of the example before."""
    run: int
    """Exchange of the run that goes on; -1 where none does."""
    is_over: bool
    """Whether the run has its length."""


def line_after(
    rows: Sequence[int], last: "NDArray[np.float32] | None", groups: "NDArray[np.int32]", seed: int, curator: str
) -> Line:
    """The line after harvested rows, the last one at the end; a run's length is drawn by lot from whom and what it began with."""
    if not rows:
        return Line(last, -1, False)
    run = int(groups[rows[-1]])
    first = next((place for place in range(len(rows) - 1, -1, -1) if groups[rows[place]] != run), -1) + 1
    length = SHORTEST + lot("run", seed, curator, rows[first]) % (LONGEST - SHORTEST + 1)
    return Line(last, run, len(rows) - first >= length)


def choose(scores: "NDArray[np.float32]", groups: "NDArray[np.int32]", vectors: "NDArray[np.float32]", line: Line) -> int:
    """Which of the examples with these priorities comes next; -1 where all are 0."""
    import numpy as np

    if not len(scores) or float(scores.max()) <= 0:
        return -1
    if line.last is not None:
        apart = np.where(vectors @ line.last > NEAR, 0, scores)
        scores = apart if float(apart.max()) > 0 else scores
    best = float(scores.max())
    is_run = groups == line.run
    within = np.where(is_run, scores, 0)
    if not line.is_over and float(within.max()) >= WORTH * best:
        return int(np.argmax(within))
    elsewhere = np.where(is_run, 0, scores) if line.is_over else scores
    if float(elsewhere.max()) <= 0:
        return int(np.argmax(scores))
    return int(np.argmax(np.where(groups == _richest(elsewhere, groups), elsewhere, 0)))


def _richest(scores: "NDArray[np.float32]", groups: "NDArray[np.int32]") -> int:
    """The exchange whose best few examples have the highest priority together: one that can carry a run."""
    import numpy as np

    order = np.lexsort((-scores, groups))
    ordered = groups[order]
    _, starts, places = np.unique(ordered, return_index=True, return_inverse=True)
    is_leading = np.arange(len(order)) - starts[places] < SHORTEST
    sums = np.bincount(places, weights=np.where(is_leading, scores[order], 0))
    return int(ordered[starts[int(np.argmax(sums))]])
