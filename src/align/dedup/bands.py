"""Bands: so many numbers of a sketch each, hashed to one."""

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


class Shape(NamedTuple):
    bands: int
    rows: int
    """Numbers a band."""


def band_shape(threshold: float) -> Shape:
    """Rows as many as `MOST_ROWS` or `MOST_BANDS` allow, bands half as many again as find a pair with `RECALL`.

    A pair of similarity s agrees in all rows of a band with s^rows, in at least one band with 1 - (1 - s^rows)^bands. The half
    makes up for short texts, whose bins are not independent.
    """
    for rows in range(MOST_ROWS, 1, -1):
        bands = next((n for n in range(1, MOST_BANDS + 1) if 1 - (1 - threshold**rows) ** n >= RECALL), 0)
        if bands:
            return Shape(-(-3 * bands // 2), rows)
    return Shape(-(-3 * MOST_BANDS // 2), 1)


def band_hashes(found: "NDArray[np.uint32]", shape: Shape) -> "NDArray[np.uint32]":
    """A hash for each text and band, of `sketches`."""
    import numpy as np

    draw = Random(SEED)
    numbers = shape.bands * shape.rows
    order = [number for _ in range(-(-numbers // BINS)) for number in draw.sample(range(BINS), BINS)]
    factors = np.array([draw.getrandbits(32) | 1 for _ in range(shape.rows)], dtype=np.uint32)
    drawn = found[:, order[:numbers]].reshape(len(found), *shape)
    hashes = (drawn * factors).sum(axis=2, dtype=np.uint32)
    return np.asarray(hashes ^ (hashes >> np.uint32(15)))
