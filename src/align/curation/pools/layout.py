"""A pool on a plane: topics lie as far apart as they differ, as well as two dimensions can say, and their examples around them.

Classical scaling of the topics' centres (Torgerson 1952), then each example beside its centre by the two directions in which
examples differ most within topics. No randomness, no library for it; the same pool gives the same map.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING

from align.curation.pools.pool import Pool
from align.curation.pools.topics import Topics
from align.curation.queueing.tally import GONE, UNDECIDED

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

BLOCK = 16_384
ROOM = 0.45
"""Examples of a topic spread over so much of the way to the nearest other topic, at two deviations."""


@dataclass(frozen=True, slots=True)
class Points:
    """Examples on the map."""

    rows: "NDArray[np.int64]"
    places: "NDArray[np.float32]"
    """Shape (points, 2), both coordinates within -1 and 1."""
    states: "NDArray[np.int8]"
    """As in `align.curation.queueing.tally`."""

    def within(self, left: float, bottom: float, right: float, top: float) -> "NDArray[np.int64]":
        """The rows in a rectangle."""
        import numpy as np

        x, y = self.places.T
        is_inside = (x >= left) & (x <= right) & (y >= bottom) & (y <= top)
        return np.asarray(self.rows[is_inside])


def places_of(pool: Pool, topics: Topics) -> "NDArray[np.float32]":
    """Where each row lies, shape (rows, 2), within -1 and 1; kept beside the pool's vectors."""
    import numpy as np

    return np.asarray(pool.kept_array("map", lambda: _lay_out(pool, topics)))


def points_of(
    places: "NDArray[np.float32]", states: "NDArray[np.int8]", order: "NDArray[np.int64]", most: int = 5000,
    hidden: Collection[int] = (),
) -> Points:  # fmt: skip
    """What a page can draw: every example that is decided by `states`, and undecided ones by lot up to `most` in all."""
    import numpy as np

    shown = states.copy()
    shown[list(hidden)] = GONE
    decided = np.flatnonzero((shown != UNDECIDED) & (shown != GONE))
    rest = order[shown[order] == UNDECIDED][: max(0, most - len(decided))]
    rows = np.sort(np.concatenate([decided, rest]))
    return Points(rows, places[rows], states[rows])


def _lay_out(pool: Pool, topics: Topics) -> "NDArray[np.float32]":
    import numpy as np

    count, width = topics.count, pool.vectors.shape[1]
    sums, sizes = np.zeros((count, width)), np.bincount(topics.codes, minlength=count)
    for part in _parts(len(pool)):
        np.add.at(sums, topics.codes[part], np.asarray(pool.vectors[part], dtype=np.float64))
    centres = sums / sizes[:, None]
    moments = np.zeros((width, width))
    for part in _parts(len(pool)):
        apart = np.asarray(pool.vectors[part]) - centres[topics.codes[part]]
        moments += apart.T @ apart
    directions = _first_two(moments / len(pool))
    anchors = _scaled(centres)
    found = np.empty((len(pool), 2))
    for part in _parts(len(pool)):
        codes = topics.codes[part]
        found[part] = anchors[codes] + _reach(anchors)[codes, None] * _standard(
            (np.asarray(pool.vectors[part]) - centres[codes]) @ directions, moments, directions, len(pool)
        )
    found -= (found.max(axis=0) + found.min(axis=0)) / 2
    return np.asarray(found / max(float(np.abs(found).max()), 1e-12), dtype=np.float32)


def _parts(total: int) -> list[slice]:
    return [slice(start, start + BLOCK) for start in range(0, total, BLOCK)]


def _scaled(centres: "NDArray[np.float64]") -> "NDArray[np.float64]":
    """Places of the centres, shape (topics, 2), whose distances follow theirs."""
    import numpy as np

    apart = centres - centres.mean(axis=0)
    values, vectors = np.linalg.eigh(apart @ apart.T)
    found = np.zeros((len(centres), 2))
    for column, number in enumerate(np.argsort(-values)[:2]):
        found[:, column] = _signed(vectors[:, number]) * np.sqrt(max(float(values[number]), 0.0))
    return found


def _reach(anchors: "NDArray[np.float64]") -> "NDArray[np.float64]":
    """How far the examples of each topic may lie from its place, for one standard deviation."""
    import numpy as np

    if len(anchors) == 1:
        return np.ones(1)
    apart = np.linalg.norm(anchors[:, None] - anchors[None], axis=2)
    np.fill_diagonal(apart, np.inf)
    # at least some room where two topics fall on one place
    return np.asarray(np.maximum(apart.min(axis=1), 0.2 * np.median(apart.min(axis=1))) * ROOM / 2)


def _standard(
    places: "NDArray[np.float64]", moments: "NDArray[np.float64]", directions: "NDArray[np.float64]", total: int
) -> "NDArray[np.float64]":
    import numpy as np

    spread = np.sqrt(np.einsum("id,de,ei->i", directions.T, moments / total, directions))
    return np.asarray(np.clip(places / np.maximum(spread, 1e-12), -2.5, 2.5))


def _first_two(moments: "NDArray[np.float64]") -> "NDArray[np.float64]":
    """The two directions of largest variance, shape (width, 2)."""
    import numpy as np

    values, vectors = np.linalg.eigh(moments)
    found = np.zeros((len(moments), 2))
    for column, number in enumerate(np.argsort(-values)[:2]):
        found[:, column] = _signed(vectors[:, number])
    return found


def _signed(vector: "NDArray[np.float64]") -> "NDArray[np.float64]":
    """An eigenvector has two signs: the one whose largest entry is positive."""
    import numpy as np

    return np.asarray(vector if vector[np.argmax(np.abs(vector))] > 0 else -vector)
