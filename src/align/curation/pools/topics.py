"""Topics of a pool: k-means on its vectors (Lloyd 1982), by which typical examples are found and one-sidedness is seen."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from align.curation.pools.pool import Labels, Pool
from align.lots import lot

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SAMPLE = 10_000
"""At most so many rows decide where the centres lie."""
MOST = 64
ROUNDS = 12
BLOCK = 16_384


@dataclass(frozen=True, slots=True)
class Topics:
    """Which topic each row belongs to, and which rows show it best."""

    codes: "NDArray[np.int32]"
    typicality: "NDArray[np.float32]"
    """Cosine of each row to its topic's centre."""
    earliness: "NDArray[np.float32]"
    """1 for the row to begin with, falling: within each cell the most typical rows of every topic, large topics more often."""

    @property
    def count(self) -> int:
        return int(self.codes.max(initial=-1)) + 1


def topics_of(pool: Pool) -> Topics:
    """The topics of a pool, kept beside its vectors; their number grows with the root of its size."""
    import numpy as np

    def make() -> "NDArray[np.float32]":
        codes, typicality = _cluster(pool)
        return np.stack([codes.astype(np.float32), typicality])

    kept = pool.kept_array("topics", make)
    codes, typicality = kept[0].astype(np.int32), np.asarray(kept[1])
    return Topics(codes, typicality, _earliness(codes, typicality, pool.cells))


def _cluster(pool: Pool) -> "tuple[NDArray[np.int32], NDArray[np.float32]]":
    import numpy as np

    total = len(pool)
    count = max(1, min(MOST, int((total / 2) ** 0.5)))
    drawn = sorted(range(total), key=lambda row: lot("topics", pool.ids[row]))[:SAMPLE]
    sample = np.asarray(pool.vectors[np.sort(np.array(drawn))])
    centres = _first_centres(sample, count)
    for _ in range(ROUNDS):
        nearest = (sample @ centres.T).argmax(axis=1)
        for number in range(count):
            own = sample[nearest == number]
            if len(own):
                centres[number] = _unit(own.sum(axis=0))
    codes, typicality = np.empty(total, dtype=np.int32), np.empty(total, dtype=np.float32)
    for start in range(0, total, BLOCK):
        part = slice(start, start + BLOCK)
        cosines = np.asarray(pool.vectors[part]) @ centres.T
        codes[part] = cosines.argmax(axis=1)
        typicality[part] = cosines.max(axis=1)
    # Numbered by size, the largest first, without gaps where a centre lost all its rows.
    names, places, sizes = np.unique(codes, return_inverse=True, return_counts=True)
    order = np.empty(len(names), dtype=np.int32)
    order[np.argsort(-sizes, kind="stable")] = np.arange(len(names), dtype=np.int32)
    return order[places].astype(np.int32), typicality


def _first_centres(sample: "NDArray[np.float32]", count: int) -> "NDArray[np.float32]":
    """k-means++ (Arthur & Vassilvitskii 2007) with a fixed seed: far apart, yet not only outliers."""
    import numpy as np

    random = np.random.default_rng(1)
    chosen = [int(random.integers(len(sample)))]
    away = 1 - sample @ sample[chosen[0]]
    while len(chosen) < count:
        weights = np.maximum(away, 0) ** 2
        total = float(weights.sum(dtype=np.float64))
        chosen.append(int(np.searchsorted(np.cumsum(weights, dtype=np.float64), random.random() * total)) if total > 0 else 0)
        chosen[-1] = min(chosen[-1], len(sample) - 1)
        away = np.minimum(away, 1 - sample @ sample[chosen[-1]])
    return np.array(sample[chosen])


def _unit(vector: "NDArray[np.float32]") -> "NDArray[np.float32]":
    import numpy as np

    return np.asarray(vector / max(float(np.linalg.norm(vector)), 1e-12), dtype=np.float32)


def _earliness(codes: "NDArray[np.int32]", typicality: "NDArray[np.float32]", cells: Labels) -> "NDArray[np.float32]":
    """Rank of each row by (place in its topic + 1/2) / size of the topic, within its cell, from 1 for the first towards 0."""
    import numpy as np

    order = np.lexsort((np.arange(len(codes)), -typicality, codes, cells.codes))
    groups = cells.codes[order].astype(np.int64) * (int(codes.max(initial=0)) + 1) + codes[order]
    _, starts, places, sizes = np.unique(groups, return_index=True, return_inverse=True, return_counts=True)
    within = (np.arange(len(order)) - starts[places] + 0.5) / sizes[places]
    by_place = order[np.lexsort((order, within, cells.codes[order]))]
    ordered = cells.codes[by_place]
    _, firsts, owners, counts = np.unique(ordered, return_index=True, return_inverse=True, return_counts=True)
    rank = np.arange(len(by_place)) - firsts[owners]
    found = np.empty(len(codes), dtype=np.float32)
    found[by_place] = 1 - rank / counts[owners]
    return found
