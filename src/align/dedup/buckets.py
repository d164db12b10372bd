"""Buckets: texts whose hashes agree in a band share one. Most texts are alone in all of theirs, and cost nothing more.

The buckets lie on the disk, four bytes a band and text, and are gone through band by band; memory holds only the members of those
with several.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Shared(NamedTuple):
    """A text that is not alone."""

    place: int
    buckets: list[int]
    """The numbers of its buckets that hold others, too."""


class Buckets:
    """Takes the hashes of `count` texts in order, one a band, and tells then who shares a bucket with whom."""

    def __init__(self, path: Path, count: int, bands: int) -> None:
        self._path, self._count, self._bands = path, count, bands
        self._at = 0
        path.write_bytes(b"")

    def add(self, hashes: "NDArray[np.uint32]") -> None:
        """Add the next texts: a row of hashes each, one a band."""
        import numpy as np

        with self._path.open("r+b") as file:
            for band, column in enumerate(np.ascontiguousarray(hashes.T)):
                file.seek(4 * (band * self._count + self._at))
                file.write(column.tobytes())
        self._at += len(hashes)

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
