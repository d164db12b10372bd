"""Lists of the rows most like each: what is offered is kept as long as nothing nearer has come."""

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    IsNew = Callable[[NDArray[np.int64], NDArray[np.int64]], NDArray[np.bool_]]

STEPS = 4000
"""Steps from 0 to 1 in a component of a unit vector.

Sums of products of whole numbers are exact in single precision up to 2**24, which two such vectors do not reach (1.6e7). So
likeness is the same whatever the block, the number of threads and the library that multiplies; it is off by 1e-4.
"""
BLOCK = 2048
"""Rows that are gone through at once, a multiple of 8."""
SPARE = 32
"""Places of a list beyond those that count: it is cut when they are used up."""
NOTHING = -(1 << 62)
LAST = (1 << 31) - 1


class Neighbours(NamedTuple):
    """Of each row those most like it, itself included, in no order; shapes (rows, neighbours)."""

    rows: "NDArray[np.int32]"
    likeness: "NDArray[np.float32]"
    """Whole numbers of 1 / STEPS**2."""


def in_steps(vectors: "NDArray[np.float32]") -> "NDArray[np.float32]":
    """Unit vectors in whole steps, a copy."""
    import numpy as np

    found = np.empty(vectors.shape, dtype=np.float32)
    for start in range(0, len(vectors), BLOCK):
        part = slice(start, start + BLOCK)
        np.rint(np.asarray(vectors[part]) * np.float32(STEPS), out=found[part])
    return found


def products(one: "NDArray[np.float32]", other: "NDArray[np.float32]") -> "NDArray[np.float32]":
    """`one @ other` of numbers that are all finite.

    Rarely, a kernel of OpenBLAS raises the flag of an invalid operation for lanes of a register that hold nothing of ours, and
    numpy would warn of it; the numbers are right.
    """
    import numpy as np

    with np.errstate(invalid="ignore"):
        return np.asarray(one @ other)


class NeighbourLists:
    """Of equally near rows the first ones stay. Memory holds 8 bytes a place, and again as much for a copy in the end."""

    def __init__(self, count: int, floors: "NDArray[np.float32]") -> None:
        """Each row must be offered at least `count` others that are as like it as its floor."""
        import numpy as np

        self.floors = floors
        self._count = count
        self._width = count + SPARE
        # likeness above, below it the row, counted backwards: the largest numbers are the nearest, then the first rows
        self._keys = np.full((len(floors), self._width), NOTHING, dtype=np.int64)
        self._filled = np.zeros(len(floors), dtype=np.int64)

    def offer_block(self, here: "NDArray[np.int64]", there: "NDArray[np.int64]", likeness: "NDArray[np.float32]") -> None:
        """Offer to each row of `here` all of `there`."""
        import numpy as np

        flat = np.flatnonzero(likeness >= self.floors[here, None])
        rows, columns = np.divmod(flat.astype(np.int32), np.int32(likeness.shape[1]))
        self._offer(here[rows], there[columns], likeness.ravel()[flat])

    def offer_block_back(
        self,
        here: "NDArray[np.int64]",
        there: "NDArray[np.int64]",
        likeness: "NDArray[np.float32]",
        is_new: "IsNew | None" = None,
    ) -> None:
        """Offer to each row of `there` all of `here`, or those that are new to it."""
        import numpy as np

        flat = np.flatnonzero(likeness >= self.floors[there])
        rows, columns = np.divmod(flat.astype(np.int32), np.int32(likeness.shape[1]))
        if is_new is not None:
            new = is_new(here[rows], there[columns])
            flat, rows, columns = flat[new], rows[new], columns[new]
        order = np.argsort(columns.astype(np.int16), kind="stable")
        self._offer(there[columns[order]], here[rows[order]], likeness.ravel()[flat[order]])

    def _offer(self, rows: "NDArray[np.int64]", others: "NDArray[np.int64]", likeness: "NDArray[np.float32]") -> None:
        """Offer one other row to each of `rows`, in which equal ones stand together."""
        import numpy as np

        if not len(rows):
            return
        keys = (likeness.astype(np.int64) << 32) | (LAST - others)
        starts = np.flatnonzero(np.concatenate([[True], rows[1:] != rows[:-1]]))
        widths = np.diff(starts, append=len(rows))
        owners = rows[starts]
        columns = np.arange(len(rows)) - np.repeat(starts - self._filled[owners], widths)
        filled = self._filled[owners] + widths
        is_over = filled > self._width
        fits = np.repeat(~is_over, widths)
        self._keys[rows[fits], columns[fits]] = keys[fits]
        self._filled[owners[~is_over]] = filled[~is_over]
        if not is_over.any():
            return
        places = np.repeat(np.cumsum(is_over) - 1, widths)[~fits]
        self._cut(owners[is_over], places, columns[~fits], keys[~fits])

    def _cut(
        self, owners: "NDArray[np.int64]", places: "NDArray[np.int64]", columns: "NDArray[np.int64]", keys: "NDArray[np.int64]"
    ) -> None:
        """Keep the nearest of what the lists of `owners` hold and of what no longer fits in; `places` counts in `owners`."""
        import numpy as np

        table = np.full((len(owners), int(columns.max()) + 1), NOTHING, dtype=np.int64)
        table[:, : self._width] = self._keys[owners]
        table[places, columns] = keys
        table.partition(table.shape[1] - self._count, axis=1)
        nearest = table[:, table.shape[1] - self._count :]
        self._keys[owners, : self._count] = nearest
        self._keys[owners, self._count :] = NOTHING
        self._filled[owners] = self._count
        self.floors[owners] = nearest[:, 0] >> 32

    def finished(self) -> Neighbours:
        import numpy as np

        shape = (len(self._keys), self._count)
        found = Neighbours(np.empty(shape, dtype=np.int32), np.empty(shape, dtype=np.float32))
        for start in range(0, len(self._keys), BLOCK):
            part = slice(start, start + BLOCK)
            nearest = np.partition(self._keys[part], self._width - self._count, axis=1)[:, self._width - self._count :]
            found.rows[part] = LAST - (nearest & LAST)
            found.likeness[part] = nearest >> 32
        return found


def floors_among(
    steps: "NDArray[np.float32]", rows: "NDArray[np.int64]", others: "NDArray[np.int64]", count: int
) -> "NDArray[np.float32]":
    """What at least `count` of the `others` are as like each of the rows as."""
    import numpy as np

    there = steps[others].T
    found = np.empty(len(rows), dtype=np.float32)
    for start in range(0, len(rows), BLOCK):
        likeness = products(steps[rows[start : start + BLOCK]], there)
        likeness.partition(len(others) - count, axis=1)
        found[start : start + BLOCK] = likeness[:, len(others) - count]
    return found
