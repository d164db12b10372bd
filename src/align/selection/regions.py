"""Regions of a space of vectors (an inverted file, Sivic & Zisserman 2003): whose neighbours lie where, and who looks there.

Each row looks through the regions whose centres are most like it. What it sees there sees it, too: a pair is found when either of
the two looks into the other's region, which halves what is lost.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from align.progress import track
from align.selection.neighbour_lists import BLOCK, STEPS, NeighbourLists, Neighbours, floors_among, products

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SIZE = 200
"""Rows of a region, about."""
MOST = 1024
"""Regions."""
SAMPLE = 64
"""At most so many rows a region decide where the centres lie."""
ROUNDS = 4
NEAREST = 1024
"""Rows around a region that say what a neighbour must at least be like."""
ASKED = 256
"""Rows whose neighbours say what share is found."""
TOGETHER = 32
"""Of them at once: 40 MB of 100,000."""
SEED = 1


@dataclass(frozen=True)
class Regions:
    of: "NDArray[np.int64]"
    """Each row's region."""
    members: "list[NDArray[np.int64]]"
    around: "list[NDArray[np.int64]]"
    """Of each region the nearest ones, itself first, that hold NEAREST rows."""
    seen: "NDArray[np.uint8]"
    """Which rows look into a region, shape (regions, rows / 8), a bit each."""

    def looks(self, rows: "NDArray[np.int64]", regions: "NDArray[np.int64]") -> "NDArray[np.bool_]":
        """Whether each of the rows looks into the region beside it."""
        import numpy as np

        bits = self.seen[regions, rows >> 3] >> (7 - (rows & 7)).astype(np.uint8)
        return np.asarray((bits & 1).astype(bool))

    def share_found(self, steps: "NDArray[np.float32]", count: int) -> float:
        """The share of the true neighbours of some rows that a search would find."""
        import numpy as np

        found = []
        asked = np.unique(np.linspace(0, len(steps) - 1, ASKED).astype(np.int64))
        for start in range(0, len(asked), TOGETHER):
            likeness = products(steps[asked[start : start + TOGETHER]], steps.T)
            near = np.argpartition(likeness, len(steps) - count, axis=1)[:, len(steps) - count :].ravel()
            rows = np.repeat(asked[start : start + TOGETHER], count)
            found.append(self.looks(rows, self.of[near]) | self.looks(near, self.of[rows]))
        return float(np.concatenate(found).mean())

    def search(self, steps: "NDArray[np.float32]", count: int) -> Neighbours:
        """The nearest that lie in the regions of each."""
        import numpy as np

        floors = np.empty(len(steps), dtype=np.float32)
        for rows, around in zip(self.members, self.around, strict=True):
            others = np.concatenate([self.members[region] for region in around])[: max(NEAREST, count)]
            floors[rows] = floors_among(steps, rows, others, count)
        lists = NeighbourLists(count, floors)
        for region, rows in enumerate(track(self.members, "finding neighbours", len(self.members), "regions")):
            looking = np.flatnonzero(np.unpackbits(self.seen[region], count=len(steps)))
            for first in range(0, len(rows), BLOCK):
                self._compare(steps, lists, looking, rows[first : first + BLOCK])
        return lists.finished()

    def _compare(
        self, steps: "NDArray[np.float32]", lists: NeighbourLists, looking: "NDArray[np.int64]", there: "NDArray[np.int64]"
    ) -> None:
        """Offer what lies `there` to the rows that look there, and those to it where it does not look at them itself."""
        import numpy as np

        vectors = np.ascontiguousarray(steps[there].T)
        for start in range(0, len(looking), BLOCK):
            here = looking[start : start + BLOCK]
            likeness = products(steps[here], vectors)
            lists.offer_block(here, there, likeness)
            lists.offer_block_back(here, there, likeness, lambda rows, others: ~self.looks(others, self.of[rows]))


def regions_of(steps: "NDArray[np.float32]", searched: int, count: int) -> Regions:
    """Regions, and of each row the nearest of them that hold `searched` rows together, or more."""
    import numpy as np

    total = len(steps)
    centres = _centres(steps, max(1, min(MOST, total // SIZE)))
    of = np.concatenate([products(steps[at : at + BLOCK], centres.T).argmax(axis=1) for at in range(0, total, BLOCK)])
    names, of = np.unique(of, return_inverse=True)
    centres = _means(steps, of, centres[names])
    sizes = np.bincount(of)
    members = np.split(np.argsort(of, kind="stable"), np.cumsum(sizes)[:-1])
    around = [_nearest(line, sizes, max(NEAREST, count), own) for own, line in enumerate(products(centres, centres.T))]
    seen = np.empty((len(sizes), -(-total // 8)), dtype=np.uint8)
    for start in range(0, total, BLOCK):
        part = slice(start, min(start + BLOCK, total))
        is_seen = _most_like(products(steps[part], centres.T), sizes, searched)
        for place, region in enumerate(of[part]):
            is_seen[place, around[region]] = True
        seen[:, start // 8 : -(-part.stop // 8)] = np.packbits(is_seen.T, axis=1)
    return Regions(of, members, around, seen)


def _nearest(likeness: "NDArray[np.float32]", sizes: "NDArray[np.int64]", rows: int, own: int) -> "NDArray[np.int64]":
    """The regions nearest to `own`, itself first, until they hold so many rows."""
    import numpy as np

    order = np.argsort(-likeness, kind="stable")
    order = np.concatenate([[own], order[order != own]])
    return np.asarray(order[: int(np.searchsorted(np.cumsum(sizes[order]), rows)) + 1])


def _most_like(likeness: "NDArray[np.float32]", sizes: "NDArray[np.int64]", rows: int) -> "NDArray[np.bool_]":
    """Of each line the regions most like it, the first of equal ones, until they hold so many rows."""
    import numpy as np

    regions = np.arange(len(sizes))
    # a sort of numbers that carry their place is several times as fast as one that tells the places
    order = MOST - 1 - (np.sort(-(likeness.astype(np.int64) * MOST + (MOST - 1 - regions)), axis=1) * -1) % MOST
    held = np.cumsum(sizes[order], axis=1) - sizes[order]
    found = np.zeros(likeness.shape, dtype=bool)
    np.put_along_axis(found, order, held < rows, axis=1)
    return found


def _centres(steps: "NDArray[np.float32]", count: int) -> "NDArray[np.float32]":
    """k-means of a sample (Lloyd 1982), begun with rows drawn by lot."""
    import numpy as np

    sample = steps[np.linspace(0, len(steps) - 1, min(len(steps), SAMPLE * count)).astype(np.int64)]
    centres = sample[np.sort(np.random.default_rng(SEED).choice(len(sample), count, replace=False))]
    for _ in range(ROUNDS):
        centres = _means(sample, products(sample, centres.T).argmax(axis=1), centres)
    return centres


def _means(rows: "NDArray[np.float32]", of: "NDArray[np.int64]", centres: "NDArray[np.float32]") -> "NDArray[np.float32]":
    """The means of the rows of each, in whole steps; the old centre where there is none. Sums of whole numbers: exact."""
    import numpy as np

    names, sizes = np.unique(of, return_counts=True)
    members = np.split(np.argsort(of, kind="stable"), np.cumsum(sizes)[:-1])
    found = centres.copy()
    for name, places in zip(names, members, strict=True):
        total = rows[places].sum(axis=0, dtype=np.float64)
        found[name] = np.rint(total * (STEPS / max(float(np.sqrt((total * total).sum())), 1)))
    return found
