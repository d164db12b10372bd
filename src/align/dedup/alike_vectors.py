"""Vectors that point nearly the same way, found without comparing all with all (Charikar 2002, random hyperplanes).

Two vectors at an angle a lie on the same side of a random plane with probability 1 - a / pi. A bucket is a side of each of some
planes; a pair shares at least one of many draws of them the surer, the smaller its angle.
"""

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from align.dedup.buckets import Buckets
from align.progress import track

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SEED = 1
RECALL = 0.99
"""Share of the pairs just at the threshold that share a bucket."""
MOST_DRAWS = 64
PLANES = range(4, 25)
BLOCK = 4096


class Draws(NamedTuple):
    draws: int
    planes: int
    """Planes a draw."""


def draws_for(count: int, threshold: float) -> Draws:
    """Planes enough that a bucket holds some four vectors were they spread evenly, fewer where that took too many draws."""
    same_side = 1 - math.acos(min(threshold, 1.0)) / math.pi
    wanted = min(max(round(math.log2(max(count, 2))) - 2, PLANES.start), PLANES.stop - 1)
    for planes in range(wanted, 0, -1):
        together = same_side**planes
        draws = 1 if together == 1 else math.ceil(math.log(1 - RECALL) / math.log(1 - together))
        if draws <= MOST_DRAWS:
            return Draws(draws, planes)
    return Draws(MOST_DRAWS, 1)


def alike_in_buckets(
    vectors: "NDArray[np.float32]", order: Sequence[int], threshold: float, scratch: Path
) -> Iterator[tuple[int, int, float]]:
    """Each row of `order` as alike as `threshold` to a kept one before it in a bucket: row, the likest of those, cosine."""
    import numpy as np

    draws = draws_for(len(order), threshold)
    scratch.parent.mkdir(parents=True, exist_ok=True)
    buckets = Buckets(scratch, len(order), draws.draws)
    draw = np.random.default_rng(SEED)
    normals = draw.standard_normal((vectors.shape[1], draws.draws * draws.planes), dtype=np.float32)
    weights = np.uint32(1) << np.arange(draws.planes, dtype=np.uint32)
    starts = range(0, len(order), BLOCK)
    for start in track(starts, "sorting vectors into buckets", len(starts), "blocks"):
        sides = np.asarray(vectors[list(order[start : start + BLOCK])]) @ normals > 0
        buckets.add((sides.reshape(len(sides), *draws) * weights).sum(axis=2, dtype=np.uint32))
    kept: dict[int, list[int]] = {}
    for place, numbers in buckets.shared():
        row = order[place]
        others = sorted({other for number in numbers for other in kept.get(number, ())})
        if others:
            likeness = np.asarray(vectors[others]) @ np.asarray(vectors[row])
            best = int(likeness.argmax())
            if likeness[best] >= threshold - 1e-6:  # a cosine of 1 may miss it by the last digit
                yield row, others[best], float(likeness[best])
                continue
        for number in numbers:
            kept.setdefault(number, []).append(row)
