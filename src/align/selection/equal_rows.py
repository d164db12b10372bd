"""Equal rows told apart from others: a thousand copies of one vector are one with a weight of a thousand."""

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SEED = 1
BLOCK = 2048


class Distinct(NamedTuple):
    rows: "NDArray[np.int64]"
    """The first of each kind, rising."""
    of: "NDArray[np.int64]"
    """Of each row its kind."""


def distinct_rows(rows: "NDArray[np.float32]") -> Distinct:
    """Kinds of rows by a hash of their numbers, each held against the first of its kind."""
    import numpy as np

    factors = np.random.default_rng(SEED).integers(1 << 62, size=rows.shape[1], dtype=np.uint64) | np.uint64(1)
    hashes = np.empty(len(rows), dtype=np.uint64)
    for start in range(0, len(rows), BLOCK):
        # adding 0.0 makes one of both zeros
        bits = np.ascontiguousarray(rows[start : start + BLOCK] + np.float32(0)).view(np.uint32)
        hashes[start : start + BLOCK] = (bits.astype(np.uint64) * factors).sum(axis=1, dtype=np.uint64)
    _, first, kinds = np.unique(hashes, return_index=True, return_inverse=True)
    owners = first[kinds]
    for start in range(0, len(rows), BLOCK):
        part = slice(start, start + BLOCK)
        other = (rows[part] != rows[owners[part]]).any(axis=1)
        # two kinds of one hash: such a row stands for itself
        owners[part][other] = np.arange(len(rows))[part][other]
    found, of = np.unique(owners, return_inverse=True)
    return Distinct(found, of)
