"""Vectors that cost something, kept in the store by the hash of their text: half precision, one file an embedder.

    embeddings/<embedder>/digests     16 bytes a text
    embeddings/<embedder>/vectors     float16, in the same order

A killed process leaves at most a torn tail, which the next one cuts off.
"""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from align.locks import hold_lock

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

FOLDER = "embeddings"


def digests_of(texts: Sequence[str]) -> "NDArray[np.uint64]":
    """Hash of each text, shape (texts, 2)."""
    import numpy as np

    joined = b"".join(hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest() for text in texts)
    return np.frombuffer(joined, dtype=np.uint64).reshape(-1, 2)


class VectorCache:
    """The vectors of one embedder that are known; memory holds 24 bytes a text, the vectors stay on the disk."""

    def __init__(self, store: Path, identity: str, width: int) -> None:
        self._store, self._identity, self._width = store, identity, width
        self._folder = store / FOLDER / identity
        self._folder.mkdir(parents=True, exist_ok=True)
        self._read()

    def find(self, digests: "NDArray[np.uint64]") -> "tuple[NDArray[np.bool_], NDArray[np.float32]]":
        """Which of the texts are known, and their vectors; zeros for the others."""
        import numpy as np

        vectors = np.zeros((len(digests), self._width), dtype=np.float32)
        if not len(self._first):
            return np.zeros(len(digests), dtype=bool), vectors
        places = np.searchsorted(self._first, digests[:, 0])
        places[places == len(self._first)] = 0
        known = (self._first[places] == digests[:, 0]) & (self._second[places] == digests[:, 1])
        if known.any():
            kept = np.memmap(self._folder / "vectors", dtype=np.float16, mode="r").reshape(-1, self._width)
            vectors[known] = kept[self._rows[places[known]]]
        return known, vectors

    def add(self, digests: "NDArray[np.uint64]", vectors: "NDArray[np.float32]") -> None:
        """Append; the digests are written last, so that none stands without its vector."""
        import numpy as np

        with hold_lock(self._store, f"{FOLDER}-{self._identity}"):
            rows = self._cut_torn_tail()
            for name, values in (("vectors", vectors.astype(np.float16)), ("digests", digests)):
                with (self._folder / name).open("ab") as file:
                    file.write(np.ascontiguousarray(values).tobytes())
        if rows == len(self._first):
            self._extend(digests, rows)
        else:
            self._read()

    def _read(self) -> None:
        import numpy as np

        with hold_lock(self._store, f"{FOLDER}-{self._identity}"):
            rows = self._cut_torn_tail()
            path = self._folder / "digests"
            digests = np.fromfile(path, dtype=np.uint64).reshape(-1, 2)[:rows] if rows else np.empty((0, 2), dtype=np.uint64)
        self._first = self._second = digests[:0, 0]
        self._rows = np.empty(0, dtype=np.int64)
        self._extend(digests, 0)

    def _extend(self, digests: "NDArray[np.uint64]", start: int) -> None:
        import numpy as np

        first = np.concatenate([self._first, digests[:, 0]])
        order = np.argsort(first, kind="stable")
        self._second = np.concatenate([self._second, digests[:, 1]])[order]
        self._rows = np.concatenate([self._rows, np.arange(start, start + len(digests))])[order]
        self._first = first[order]

    def _cut_torn_tail(self) -> int:
        """How many texts have both a digest and a vector; what stands behind them is cut off."""
        import os

        sizes = {"digests": 16, "vectors": 2 * self._width}
        for name in sizes:
            (self._folder / name).touch()
        rows = min((self._folder / name).stat().st_size // size for name, size in sizes.items())
        for name, size in sizes.items():
            if (self._folder / name).stat().st_size != rows * size:
                os.truncate(self._folder / name, rows * size)
        return rows
