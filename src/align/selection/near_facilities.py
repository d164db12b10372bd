"""Facility location of a pool whose likeness of every two rows fits in no memory: gains are told by nearest neighbours alone.

A row's list of neighbours is complete above the least of them, so gains are exact as soon as what is taken covers every row
better than that; before, a candidate that is on few lists is valued too low (Lindgren et al., arXiv 1703.02690, study this form).
Rows are covered by their true likeness to what is taken and not by the lists: measured, that reaches as much with 64 neighbours
as all with all, where lists alone lose 0.2 to 0.8 %. Equal vectors are one candidate that stands for all of them.

A gain only falls as more is taken. So what was taken lately is held against the rows that list a leading candidate, and against
all only now and then, many at once; the picks are those of the plain loop, as all numbers are whole.
"""

from typing import TYPE_CHECKING

from align.selection.equal_rows import distinct_rows
from align.selection.neighbour_lists import STEPS, in_steps, products
from align.selection.neighbours import nearest_neighbours

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

BLOCK = 4096
"""Rows whose lists are gone through at once."""
PENDING = 64
"""At most so many taken rows are not yet held against all."""
LOOKED_AT = 64
"""At most so many candidates are looked at together: one, then twice as many as before."""
PATIENCE = 16
"""A look for the best that wants more than this part of the rows wants all."""


class NearFacilities:
    """Takes one row after the other. Memory holds the vectors again and the lists: 350 MB of 100,000 x 256 with 64 neighbours."""

    def __init__(self, vectors: "NDArray[np.float32]", neighbours: int, cells: "NDArray[np.int64] | None" = None) -> None:
        import numpy as np

        self._cells = np.zeros(len(vectors), dtype=np.int64) if cells is None else cells.copy()
        self._steps = in_steps(vectors)
        distinct, self._kinds = distinct_rows(self._steps)
        if len(distinct) < len(vectors):
            self._steps = self._steps[distinct]
        self._weights = np.bincount(self._kinds).astype(np.float32)
        self._near = nearest_neighbours(self._steps, neighbours)
        np.maximum(self._near.likeness, 0, out=self._near.likeness)
        self._starts, self._listers = _listers(self._near.rows, len(distinct))
        self._covered = np.zeros(len(distinct), dtype=np.float32)
        self._held_against = np.zeros(len(distinct), dtype=np.int64)
        self._taken: list[int] = []
        self._settled = 0
        self._gains = np.zeros(len(distinct))
        for start in range(0, len(distinct), BLOCK):
            rows = np.arange(start, min(start + BLOCK, len(distinct)))
            self._gains += self._summed(rows, self._near.likeness[rows])

    def next_row(self, cell: int = 0) -> int:
        """The row of a cell that adds most, the first of equal ones; -1 where the cell has none left."""
        import numpy as np

        rows = np.flatnonzero(self._cells == cell)
        if not len(rows):
            return -1
        kinds = self._kinds[rows]
        is_exact = np.zeros(len(self._gains), dtype=bool)
        several, looked_at = 1, 0
        while True:
            gains = self._gains[kinds]
            best = int(np.argmax(gains))
            if is_exact[kinds[best]]:
                return int(rows[best])
            leading = np.array([kinds[best]])
            if several > 1:
                gains[is_exact[kinds]] = -np.inf
                leading = np.unique(kinds[np.argpartition(-gains, several - 1)[:several]])
            stale = self._stale(leading)
            looked_at += len(stale)
            if looked_at > len(self._gains) // PATIENCE:
                self._settle()
                is_exact[:] = True
            else:
                self._hold_against(stale)
                is_exact[leading] = True
            several = min(2 * several, LOOKED_AT, len(kinds))

    def take(self, row: int) -> None:
        self._cells[row] = -1
        self._taken.append(int(self._kinds[row]))
        if len(self._taken) - self._settled >= PENDING:
            self._settle()

    @property
    def objective(self) -> float:
        """What is reached so far."""
        self._settle()
        return float((self._covered.astype(float) * self._weights).sum()) / STEPS**2

    def _stale(self, candidates: "NDArray[np.int64]") -> "NDArray[np.int64]":
        """The rows that list one of the candidates and were not held against all that is taken."""
        import numpy as np

        listing = [self._listers[self._starts[number] : self._starts[number + 1]] for number in candidates]
        rows = np.unique(np.concatenate(listing))
        return np.asarray(rows[self._held_against[rows] < len(self._taken)], dtype=np.int64)

    def _settle(self) -> None:
        """Hold all rows against all that is taken."""
        import numpy as np

        if self._settled < len(self._taken):
            self._hold_against(np.flatnonzero(self._held_against < len(self._taken)))
            self._settled = len(self._taken)

    def _hold_against(self, rows: "NDArray[np.int64]") -> None:
        """Cover the rows by what was taken since all were held against it, and lower the gains by that."""
        import numpy as np

        pending = self._steps[self._taken[self._settled :]].T
        for start in range(0, len(rows) if pending.size else 0, BLOCK):
            part = rows[start : start + BLOCK]
            likeness = products(self._steps[part], pending).max(axis=1)
            nearer = likeness > self._covered[part]
            part, likeness = part[nearer], likeness[nearer]
            before = self._covered[part, None]
            self._gains -= self._summed(part, np.clip(self._near.likeness[part], before, likeness[:, None]) - before)
            self._covered[part] = likeness
        self._held_against[rows] = len(self._taken)

    def _summed(self, rows: "NDArray[np.int64]", values: "NDArray[np.float32]") -> "NDArray[np.float64]":
        """The sum for each candidate of what the lists of `rows` say of it. Whole numbers, so their order does not matter."""
        import numpy as np

        weighted = (values.astype(np.float64) * self._weights[rows, None]).ravel()
        return np.asarray(np.bincount(self._near.rows[rows].ravel(), weighted, minlength=len(self._gains)), dtype=np.float64)


def _listers(lists: "NDArray[np.int32]", count: int) -> "tuple[NDArray[np.int32], NDArray[np.int32]]":
    """The rows that list each row, one after the other's; where each one's begin, and the rows."""
    import numpy as np
    from scipy.sparse import csr_array

    starts = np.arange(0, lists.size + 1, lists.shape[1], dtype=np.int32)
    table = csr_array((np.ones(lists.size, dtype=np.int8), lists.ravel(), starts), shape=(count, count)).tocsc()
    return table.indptr, table.indices
