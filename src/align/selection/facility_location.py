"""Facility location: the examples that, together, have something alike for each of the pool (Mirchandani & Francis 1990).

The objective is the sum over the pool of each one's greatest likeness to a taken one, negative likeness counting as none. It is
submodular, so the greedy choice reaches at least 1 - 1/e of the best (Nemhauser et al. 1978), and a gain once computed is an
upper bound for later (lazy greedy, Minoux 1978). The bounds are kept nearly exact: a taken row is the likest yet of some others,
ever fewer of them, and what that takes from every gain is told by the rows of those, as likeness is mutual.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from align.progress import track

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

LOOKED_AT = 64
"""At most so many candidates have their gain computed anew at once; the first one, then twice as many as before."""
BLOCK = 16
"""Rows that are gone through at once: they stay in the cache."""
ROUNDING = 1e-5
"""Relative error of a sum of single precision numbers, with much to spare: bounds stay bounds."""


class FacilityLocation:
    """Takes one row after the other. Memory holds the likeness of every two rows: 100 MB of 5,000."""

    def __init__(self, vectors: "NDArray[np.float32]", cells: "NDArray[np.int64] | None" = None) -> None:
        import numpy as np

        self._likeness = np.asarray(vectors) @ np.asarray(vectors).T
        np.maximum(self._likeness, 0, out=self._likeness)
        self._covered = np.zeros(len(vectors), dtype=np.float32)
        self._cells = np.zeros(len(vectors), dtype=np.int64) if cells is None else cells
        self._bounds = (self._likeness @ np.ones(len(vectors), dtype=np.float32)).astype(np.float64) * (1 + ROUNDING)

    def next_row(self, cell: int = 0) -> int:
        """The row of a cell that adds most, the first of equal ones; -1 where the cell has none left."""
        import numpy as np

        bounds = np.where(self._cells == cell, self._bounds, -np.inf)
        exact: list[int] = []
        several = 1
        while True:
            best = int(np.argmax(bounds))
            if not np.isfinite(bounds[best]):
                return -1
            if best in exact:
                return best
            looked_at = np.array([best])
            if several > 1:
                waiting = bounds.copy()
                waiting[exact] = -np.inf
                looked_at = np.sort(np.argpartition(-waiting, several - 1)[:several])
                looked_at = looked_at[np.isfinite(waiting[looked_at])]
            gains = np.maximum(self._likeness[looked_at] - self._covered, 0).sum(axis=1, dtype=np.float64)
            bounds[looked_at] = self._bounds[looked_at] = gains
            exact += looked_at.tolist()
            several = min(2 * several, LOOKED_AT, len(bounds))

    def take(self, row: int) -> None:
        import numpy as np

        likeness = self._likeness[row]
        nearer = np.flatnonzero(likeness > self._covered)
        self._lower_bounds(nearer, self._covered[nearer], likeness[nearer])
        self._covered[nearer] = likeness[nearer]
        self._bounds[row] = -np.inf

    def _lower_bounds(self, rows: "NDArray[np.int64]", before: "NDArray[np.float32]", after: "NDArray[np.float32]") -> None:
        """Take from every gain what it loses where `rows` are now covered up to `after`: so much of it as lay above `before`."""
        import numpy as np

        lost = np.zeros(len(self._bounds), dtype=np.float32)
        ones = np.ones(BLOCK, dtype=np.float32)
        for start in range(0, len(rows), BLOCK):
            part = slice(start, start + BLOCK)
            several = self._likeness[rows[part]]
            # one pass of `clip` takes a third of the time of `minimum` and `maximum` after each other
            np.clip(several, before[part, None], after[part, None], out=several)
            several -= before[part, None]
            lost += ones[: len(several)] @ several
        self._bounds -= lost.astype(np.float64) * (1 - ROUNDING)

    @property
    def objective(self) -> float:
        """What is reached so far."""
        return float(self._covered.sum(dtype=float))


class Facilities(Protocol):
    """What takes one row after the other."""

    def next_row(self, cell: int = 0) -> int: ...

    def take(self, row: int) -> None: ...


def take_facilities(facilities: Facilities, cells: Sequence[int]) -> list[int]:
    """The rows in the order in which they are taken, one of each cell of `cells` in turn."""
    taken = []
    for cell in track(cells, "taking those that stand for most", unit="examples"):
        row = facilities.next_row(cell)
        facilities.take(row)
        taken.append(row)
    return taken
