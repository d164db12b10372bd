"""The nearest neighbours of each of many vectors: of all, or of the regions around each where a sample says that few are lost."""

import logging
from typing import TYPE_CHECKING

from align.progress import track
from align.selection.neighbour_lists import BLOCK, NeighbourLists, Neighbours, floors_among, products
from align.selection.regions import regions_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

log = logging.getLogger(__name__)

SEARCHED = 10_000
"""Rows that are looked at for each, or SEARCHED_A_NEIGHBOUR times the neighbours: a tenth of 100,000."""
SEARCHED_A_NEIGHBOUR = 128
WORTHWHILE = 3
"""So many times those rows make the regions worth their while: below, all with all takes no longer."""
RECALL = 0.95
"""Share of a sample's neighbours that the regions must find; where they find fewer, all are compared with all."""


def nearest_neighbours(steps: "NDArray[np.float32]", count: int) -> Neighbours:
    """The `count` rows most like each, of equal ones the first; all of them where there are fewer. `steps`: see `in_steps`."""
    count = min(count, len(steps))
    searched = max(SEARCHED, SEARCHED_A_NEIGHBOUR * count)
    if len(steps) > WORTHWHILE * searched:
        regions = regions_of(steps, searched, count)
        share = regions.share_found(steps, count)
        if share >= RECALL:
            log.info(
                "neighbours of %s rows: %.1f %% of those of a sample lie in the regions searched", f"{len(steps):,}", 100 * share
            )
            return regions.search(steps, count)
        log.info(
            "neighbours of %s rows: all are compared with all, as regions would find %.0f %% (wanted %.0f %%)",
            *(f"{len(steps):,}", 100 * share, 100 * RECALL),
        )
    return all_with_all(steps, count)


def all_with_all(steps: "NDArray[np.float32]", count: int) -> Neighbours:
    """The same, exactly: no likeness is computed twice. Takes time with the square of the rows."""
    import numpy as np

    everything = np.arange(len(steps))
    # evenly spaced, as examples of one source often lie together
    sample = np.unique(np.linspace(0, len(steps) - 1, min(len(steps), max(BLOCK, count))).round().astype(np.int64))
    lists = NeighbourLists(count, floors_among(steps, everything, sample, count))
    starts = range(0, len(steps), BLOCK)
    for number, start in enumerate(track(starts, "finding neighbours", len(starts), "blocks")):
        here = everything[start : start + BLOCK]
        for other in starts[number:]:
            there = everything[other : other + BLOCK]
            likeness = products(steps[start : start + BLOCK], steps[other : other + BLOCK].T)
            lists.offer_block(here, there, likeness)
            if other != start:
                lists.offer_block_back(here, there, likeness)
    return lists.finished()
