"""The accepted examples most like one. Their vectors are kept together: gathering them for each card costs a millisecond."""

from threading import Lock
from typing import TYPE_CHECKING, NamedTuple

from align.curation.pools.pool import Pool
from align.curation.queueing.tally import Tally
from align.curation.sight import Sight

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Neighbour(NamedTuple):
    """An example that is like another one."""

    example_id: str
    similarity: float
    """Cosine of the two vectors, -1 to 1."""


class Accepted:
    """Follows what a tally says is accepted. Threads may share it."""

    def __init__(self, pool: Pool, tally: Tally) -> None:
        import numpy as np

        self._pool, self._tally = pool, tally
        self._lock = Lock()
        self._known: list[int] = []
        self._vectors: NDArray[np.float32] = np.empty((0, pool.vectors.shape[1]), dtype=np.float32)
        """Of the known rows, in their order; what lies behind them is room for more."""

    def near(self, example_id: str, count: int, seen_by: Sight | None = None) -> list[Neighbour]:
        """The accepted examples most like this one, itself left out; of equal ones the first in the pool.

        `seen_by`: only those whose acceptance this person may know before they have decided about the example.
        """
        import numpy as np

        own = self._pool.row(example_id)
        rows, vectors = self._follow()
        likeness = vectors @ self._pool.vectors[own]
        likeness[rows == own] = -np.inf
        if seen_by is not None:
            likeness[~seen_by.may_know_accepted(self._pool, self._tally, rows)] = -np.inf
        count = min(count, int(np.isfinite(likeness).sum()))
        if not count:
            return []
        least = np.partition(likeness, len(likeness) - count)[len(likeness) - count]
        found = np.flatnonzero(likeness >= least)
        best = found[np.lexsort((rows[found], -likeness[found]))][:count]
        return [Neighbour(self._pool.ids[int(rows[place])], float(likeness[place])) for place in best]

    def _follow(self) -> "tuple[NDArray[np.int64], NDArray[np.float32]]":
        """The rows accepted now and their vectors; as a rule a few have come to those known before."""
        import numpy as np

        with self._lock:
            now = list(self._tally.accepted)
            kept = len(self._known) if now[: len(self._known)] == self._known else 0
            if len(now) > len(self._vectors) or not kept:
                grown = np.empty((2 * len(now), self._vectors.shape[1]), dtype=np.float32)
                grown[:kept] = self._vectors[:kept]
                self._vectors = grown  # whoever reads the former one goes on with it
            self._vectors[kept : len(now)] = self._pool.vectors[now[kept:]]
            self._known = now
            return np.array(now, dtype=np.int64), self._vectors[: len(now)]
