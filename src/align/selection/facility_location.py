"""Facility location: the examples that, together, have something alike for each of the pool (Mirchandani & Francis 1990).

The objective is the sum over the pool of each one's greatest likeness to a taken one, negative likeness counting as none. It is
submodular, so the greedy choice reaches at least 1 - 1/e of the best (Nemhauser et al. 1978), and a gain once computed is an
upper bound for later (lazy greedy, Minoux 1978).
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

LOOKED_AT = 64
"""At most so many candidates have their gain computed anew at once; the first two, then twice as many as before."""


class FacilityLocation:
    """Takes one row after the other. Memory holds the likeness of every two rows: 100 MB of 5,000."""

    def __init__(self, vectors: "NDArray[np.float32]", cells: "NDArray[np.int64] | None" = None) -> None:
        import numpy as np

        self._likeness = np.maximum(np.asarray(vectors) @ np.asarray(vectors).T, 0)
        self._covered = np.zeros(len(vectors), dtype=np.float32)
        self._cells = np.zeros(len(vectors), dtype=np.int64) if cells is None else cells
        self._bounds = self._likeness.sum(axis=1, dtype=np.float64)

    def next_row(self, cell: int = 0) -> int:
        """The row of a cell that adds most, the first of equal ones; -1 where the cell has none left."""
        import numpy as np

        bounds = np.where(self._cells == cell, self._bounds, -np.inf)
        exact = np.zeros(len(bounds), dtype=bool)
        several = 1
        while True:
            best = int(np.argmax(bounds))
            if not np.isfinite(bounds[best]):
                return -1
            if exact[best]:
                return best
            several = min(2 * several, LOOKED_AT, len(bounds))
            waiting = np.where(exact, -np.inf, bounds)
            looked_at = np.sort(np.argpartition(-waiting, several - 1)[:several])
            looked_at = looked_at[np.isfinite(waiting[looked_at])]
            gains = np.maximum(self._likeness[looked_at] - self._covered, 0).sum(axis=1, dtype=np.float64)
            bounds[looked_at] = self._bounds[looked_at] = gains
            exact[looked_at] = True

    def take(self, row: int) -> None:
        import numpy as np

        np.maximum(self._covered, self._likeness[row], out=self._covered)
        self._bounds[row] = -np.inf

    @property
    def objective(self) -> float:
        """What is reached so far."""
        return float(self._covered.sum(dtype=float))


def take_facilities(facilities: FacilityLocation, cells: Sequence[int]) -> list[int]:
    """The rows in the order in which they are taken, one of each cell of `cells` in turn."""
    taken = []
    for cell in cells:
        row = facilities.next_row(cell)
        facilities.take(row)
        taken.append(row)
    return taken
