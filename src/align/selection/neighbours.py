"""The nearest neighbours of each of many vectors, exactly, by blocks: no likeness is computed twice, few are kept.

A sample says of each row what its neighbours are sure to be above; blocks of rows are compared with each other once, for both
sides, and of a block only what lies above is looked at. A row whose sample promised too much is compared with all anew.
"""

import math
from typing import TYPE_CHECKING, NamedTuple

from align.progress import track

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

BLOCK = 2048
"""Rows compared at once with as many: 16 MB."""
SAMPLE = 4096


class Neighbours(NamedTuple):
    """Of each row those most like it, itself included, in no order; shapes (rows, neighbours)."""

    rows: "NDArray[np.int32]"
    likeness: "NDArray[np.float32]"


class _Found(NamedTuple):
    """Likenesses above the floors of some rows."""

    places: "NDArray[np.int32]"
    """Which of the block's rows."""
    rows: "NDArray[np.int32]"
    likeness: "NDArray[np.float32]"


def nearest_neighbours(vectors: "NDArray[np.float32]", count: int) -> Neighbours:
    """The `count` rows most like each; all of them where there are fewer.

    Takes time with the square of the rows; memory holds some 1,000 bytes a row with 64 neighbours.
    """
    import numpy as np

    total = len(vectors)
    count = min(count, total)
    found = Neighbours(np.empty((total, count), dtype=np.int32), np.empty((total, count), dtype=np.float32))
    floors = _floors(vectors, count)
    starts = range(0, total, BLOCK)
    waiting: dict[int, list[_Found]] = {start: [] for start in starts}
    for start in track(starts, "finding neighbours", len(starts), "blocks"):
        here = slice(start, start + BLOCK)
        for other in starts[start // BLOCK :]:
            there = slice(other, other + BLOCK)
            likeness = vectors[here] @ vectors[there].T
            waiting[start].append(_above(likeness, floors[here, None], other, across=False))
            if other != start:
                waiting[other].append(_above(likeness, floors[there], start, across=True))
        block = Neighbours(found.rows[here], found.likeness[here])
        for place in _keep_nearest(waiting.pop(start), block):
            everything = vectors @ vectors[start + place]
            block.rows[place] = np.argpartition(-everything, count - 1)[:count]
            block.likeness[place] = everything[block.rows[place]]
    return found


def _floors(vectors: "NDArray[np.float32]", count: int) -> "NDArray[np.float32]":
    """What hardly a row has fewer than `count` others above, told by a sample; minus infinity where a sample says nothing."""
    import numpy as np

    total = len(vectors)
    if total <= SAMPLE:
        return np.full(total, -np.inf, dtype=np.float32)
    # evenly spaced, as examples of one source often lie together
    sample = vectors[np.linspace(0, total - 1, SAMPLE).astype(np.int64)]
    expected = count * SAMPLE / total
    place = max(SAMPLE - math.ceil(expected + 3 * math.sqrt(expected) + 1), 0)
    found = [
        np.partition(vectors[start : start + BLOCK] @ sample.T, place, axis=1)[:, place].copy()
        for start in range(0, total, BLOCK)
    ]
    return np.concatenate(found)


def _above(likeness: "NDArray[np.float32]", floors: "NDArray[np.float32]", start: int, across: bool) -> _Found:
    """What lies above the floors, of the block's rows, or `across`, of its columns; the others' numbers begin with `start`."""
    import numpy as np

    flat = np.flatnonzero(likeness > floors)
    rows, columns = np.divmod(flat.astype(np.int32), np.int32(likeness.shape[1]))
    places, others = (columns, rows) if across else (rows, columns)
    return _Found(places, others + np.int32(start), likeness.ravel()[flat])


def _keep_nearest(parts: list[_Found], block: Neighbours) -> "NDArray[np.int64]":
    """Write the nearest of what was found into `block`; gives the rows for which too few were."""
    import numpy as np

    length, count = block.rows.shape
    places, rows, likeness = (np.concatenate(column) for column in zip(*parts, strict=True))
    order = np.argsort(places.astype(np.int16), kind="stable")
    widths = np.bincount(places, minlength=length)
    starts = np.cumsum(widths) - widths
    columns = np.arange(len(places)) - np.repeat(starts, widths)
    width = max(int(widths.max()), count)
    table, numbers = np.full((length, width), -np.inf, dtype=np.float32), np.zeros((length, width), dtype=np.int32)
    table[places[order], columns], numbers[places[order], columns] = likeness[order], rows[order]
    best = np.argpartition(table, width - count, axis=1)[:, width - count :]
    block.rows[:], block.likeness[:] = np.take_along_axis(numbers, best, 1), np.take_along_axis(table, best, 1)
    return np.flatnonzero(widths < count)
