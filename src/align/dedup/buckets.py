"""Buckets: texts whose sketches agree in a band share one. Most texts are alone in all of theirs, and cost nothing more.

The buckets lie on the disk, four bytes a band and text, and are gone through band by band; memory holds only the members of those
with several.
"""

from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, NamedTuple

from align.dedup.sketches import BINS

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SEED = 1
MOST_ROWS = 8
MOST_BANDS = 42
RECALL = 0.99
"""Share of the pairs just at the threshold that share a bucket; of more similar ones it is more. Measured over sizes of texts:
0.98 of those with 10 shingles between them, 0.99 and more from 20 on."""


class Shared(NamedTuple):
    """A text that is not alone."""

    place: int
    buckets: list[int]
    """The numbers of its buckets that hold others, too."""


class Buckets:
    """Takes the sketches of `count` texts in order, and tells then who shares a bucket with whom."""

    def __init__(self, path: Path, count: int, bands: int, rows: int) -> None:
        import numpy as np

        self._path, self._count, self._bands, self._rows = path, count, bands, rows
        draw = Random(SEED)
        order = [number for _ in range(-(-bands * rows // BINS)) for number in draw.sample(range(BINS), BINS)]
        self._bins = np.array(order[: bands * rows])
        self._factors = np.array([draw.getrandbits(32) | 1 for _ in range(rows)], dtype=np.uint32)
        self._at = 0
        path.write_bytes(b"")

    def add(self, found: "NDArray[np.uint32]") -> None:
        """Add the next texts: a row of `sketches` each."""
        import numpy as np

        drawn = found[:, self._bins].reshape(len(found), self._bands, self._rows)
        hashes = (drawn * self._factors).sum(axis=2, dtype=np.uint32)
        hashes ^= hashes >> np.uint32(15)
        with self._path.open("r+b") as file:
            for band, column in enumerate(np.ascontiguousarray(hashes.T)):
                file.seek(4 * (band * self._count + self._at))
                file.write(column.tobytes())
        self._at += len(found)

    def shared(self) -> Iterator[Shared]:
        """The texts that share a bucket, in order."""
        import numpy as np

        if self._count < 2:
            return
        places, numbers = (np.concatenate(parts) for parts in zip(*self._members(), strict=True))
        order = np.argsort(places, kind="stable")
        places, numbers = places[order], numbers[order]
        starts = np.flatnonzero(np.concatenate([[True], places[1:] != places[:-1]])) if len(places) else np.empty(0, np.int64)
        ends = [*starts[1:].tolist(), len(places)]
        for start, end in zip(starts.tolist(), ends, strict=False):
            yield Shared(int(places[start]), numbers[start:end].tolist())

    def _members(self) -> "Iterator[tuple[NDArray[np.uint32], NDArray[np.uint32]]]":
        """Of each band the places of texts in buckets with several, and the numbers of those."""
        import numpy as np

        known = 0
        positions = np.arange(self._count, dtype=np.uint64)
        for band in range(self._bands):
            hashes = np.fromfile(self._path, dtype=np.uint32, count=self._count, offset=4 * band * self._count)
            # hash and place in one number: a sort of those alone is several times as fast as one that carries places along
            packed = np.sort((hashes.astype(np.uint64) << np.uint64(32)) | positions)
            same = (packed[1:] >> np.uint64(32)) == (packed[:-1] >> np.uint64(32))
            member = np.concatenate([[False], same]) | np.concatenate([same, [False]])
            first = member & ~np.concatenate([[False], same])
            numbers = np.cumsum(first)[member] + (known - 1)
            known += int(first.sum())
            yield packed[member].astype(np.uint32), numbers.astype(np.uint32)


def band_shape(threshold: float) -> tuple[int, int]:
    """Bands and rows: rows as many as `MOST_ROWS` or `MOST_BANDS` allow, bands half as many again as find a pair with `RECALL`.

    A pair of similarity s agrees in all rows of a band with s^rows, in at least one band with 1 - (1 - s^rows)^bands. The half
    makes up for short texts, whose bins are not independent.
    """
    for rows in range(MOST_ROWS, 0, -1):
        bands = next((n for n in range(1, MOST_BANDS + 1) if 1 - (1 - threshold**rows) ** n >= RECALL), 0)
        if bands or rows == 1:
            return -(-3 * (bands or MOST_BANDS) // 2), rows
    raise AssertionError
