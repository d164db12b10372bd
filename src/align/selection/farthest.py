"""Greedy selection by distance: the example least like those taken so far comes next, with a weight on quality if wanted.

With no quality it is the farthest-first traversal (Gonzalez 1985), which covers the pool with balls at most twice as wide as the
best choice of as many centres could (k-center); with quality it is maximal marginal relevance (Carbonell & Goldstein 1998).

An example's score only falls as more are taken. So scores are kept as upper bounds: those of a few thousand that lead are exact,
and the rest is looked at again only when the leaders have fallen to what it could reach. The picks are those of the plain loop.
"""

import mmap
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from align.progress import track

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

LEADERS = 4096
"""At most so many examples are followed exactly."""
BLOCK = 16_384
"""Rows that are read from the disk at once: 16 MB of 256 numbers each."""
CENTRES = 256
"""Taken examples that a block is compared with at once, and rows that are copied at once."""


@dataclass(slots=True)
class _Leaders:
    rows: "NDArray[np.int64]"
    """In rising order, so that of two equal scores the first row wins."""
    vectors: "NDArray[np.float32]"
    scores: "NDArray[np.float32]"
    cells: "NDArray[np.int64]"
    floors: "NDArray[np.float32]"
    """For each cell the highest score that a row outside may have."""


class FarthestFirst:
    """Takes one row after the other; `vectors` has a row of unit length for each example and may lie on the disk."""

    def __init__(
        self,
        vectors: "NDArray[np.float32]",
        quality: "NDArray[np.float32] | None" = None,
        quality_weight: float = 0.0,
        cells: "NDArray[np.int64] | None" = None,
    ) -> None:
        """`quality` lies in [0, 1]; `cells` numbers the cell of each row from 0; -1 is none, and never taken."""
        import numpy as np

        self._vectors = vectors
        self._weight = np.float32(1 - quality_weight)
        self._cells = np.zeros(len(vectors), dtype=np.int64) if cells is None else cells
        relevance = np.zeros(len(vectors), dtype=np.float32) if quality is None else quality
        self._relevance = np.asarray(np.float32(quality_weight) * relevance, dtype=np.float32)
        # Before the first is taken: as if the opposite of each were.
        self._bounds = self._relevance + self._weight
        self._bounds[self._cells < 0] = -np.inf
        self._pending: list[int] = []
        self._leaders: _Leaders | None = None
        self.passes = 0
        """How often the whole pool was read."""

    def take(self, row: int) -> None:
        """Take this row, whatever its score."""
        import numpy as np

        self._bounds[row] = -np.inf
        self._pending.append(row)
        if self._leaders is None:
            return
        leaders = self._leaders
        likeness = leaders.vectors @ _gathered(self._vectors, np.array([row]))[0]
        relevance = self._relevance[leaders.rows]
        np.minimum(leaders.scores, relevance - self._weight * likeness, out=leaders.scores)
        leaders.scores[leaders.rows == row] = -np.inf

    def next_row(self, cell: int = 0) -> int:
        """The row of a cell with the highest score, the first of equal ones; -1 where the cell has none left."""
        import numpy as np

        for is_fresh in (False, True):
            if self._leaders is None or is_fresh:
                self._look_at_all()
            leaders = self._leaders
            if leaders is None or not len(leaders.rows):
                return -1
            scores = np.where(leaders.cells == cell, leaders.scores, -np.inf)
            best = int(np.argmax(scores))
            if np.isfinite(scores[best]) and (is_fresh or scores[best] > leaders.floors[cell]):
                return int(leaders.rows[best])
        return -1

    def _look_at_all(self) -> None:
        """Bring every bound up to date, and find the new leaders."""
        import numpy as np

        self.passes += 1
        for first in range(0, len(self._pending), CENTRES):
            centres = _gathered(self._vectors, np.array(self._pending[first : first + CENTRES]))
            for start in range(0, len(self._vectors), BLOCK):
                part = slice(start, start + BLOCK)
                likeness = (np.asarray(self._vectors[part]) @ centres.T).max(axis=1)
                np.minimum(self._bounds[part], self._relevance[part] - self._weight * likeness, out=self._bounds[part])
                release(self._vectors)
        self._pending = []
        self._leaders = self._find_leaders()

    def _find_leaders(self) -> _Leaders:
        import numpy as np

        count = int(self._cells.max(initial=0)) + 1
        each = max(1, LEADERS // count)
        floors = np.full(count, -np.inf, dtype=np.float32)
        found = []
        # rows of one cell stand together in this order, each group rising
        order = np.argsort(self._cells, kind="stable")
        ends = np.searchsorted(self._cells[order], np.arange(count + 1))
        for cell in range(count):
            rows = order[ends[cell] : ends[cell + 1]]
            rows = rows[np.isfinite(self._bounds[rows])]
            best, floors[cell] = _highest(self._bounds[rows], each)
            found.append(rows[best])
        rows = np.sort(np.concatenate(found)) if found else np.empty(0, dtype=np.int64)
        vectors = _gathered(self._vectors, rows)
        return _Leaders(rows, vectors, self._bounds[rows], self._cells[rows], floors)


def take_greedily(
    greedy: FarthestFirst, first: int, cells: Sequence[int], on_pick: Callable[[int], None] | None = None
) -> list[int]:
    """The rows in the order in which they are taken: `first`, then one of each cell of `cells[1:]` in turn."""
    taken: list[int] = []
    for number, cell in enumerate(track(cells, "taking the farthest", unit="examples")):
        row = greedy.next_row(cell) if number or first < 0 else first
        greedy.take(row)
        taken.append(row)
        if on_pick is not None:
            on_pick(number + 1)
    return taken


def _highest(scores: "NDArray[np.float32]", count: int) -> "tuple[NDArray[np.int64], float]":
    """Places of the `count` highest scores, the first of equal ones, rising; and the highest score left out."""
    import numpy as np

    if len(scores) <= count:
        return np.arange(len(scores)), -np.inf
    least = float(np.partition(scores, len(scores) - count)[len(scores) - count])
    above = np.flatnonzero(scores > least)
    equal = np.flatnonzero(scores == least)
    chosen = np.sort(np.concatenate([above, equal[: count - len(above)]]))
    outside = scores[scores < least]
    floor = least if len(equal) > count - len(above) else float(outside.max()) if len(outside) else -np.inf
    return chosen, floor


def _gathered(vectors: "NDArray[np.float32]", rows: "NDArray[np.int64]") -> "NDArray[np.float32]":
    """Copies of some rows. Reading one from a file maps a hundred kilobytes around it, so the memory is given back in between."""
    import numpy as np

    found = np.empty((len(rows), vectors.shape[1]), dtype=np.float32)
    for start in range(0, len(rows), CENTRES):
        found[start : start + CENTRES] = vectors[rows[start : start + CENTRES]]
        release(vectors)
    return found


def release(vectors: Any) -> None:
    """Give back the memory of a mapped file's pages; they are read again when needed."""
    base = vectors
    while base is not None and not isinstance(base, mmap.mmap):
        base = getattr(base, "base", None)
    if base is not None and hasattr(base, "madvise"):
        base.madvise(mmap.MADV_DONTNEED)
