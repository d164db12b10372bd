"""The examples that everybody sees first, so that their judgements can be compared."""

from typing import TYPE_CHECKING

from align.curation.pools.pool import Pool
from align.selection.turns import turns

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MOST_SHARE = 0.1
"""No more than this share of the pool: a small one is better reviewed than measured on."""


def draw_calibration(pool: Pool, order: "NDArray[np.int64]", wanted: "NDArray[np.float64]", most: int) -> list[int]:
    """The same rows for everybody, the first ones of `order`: from each cell by its target or, without targets, by its size."""
    import numpy as np

    codes = pool.cells.codes[order]
    sizes = np.bincount(codes, minlength=len(wanted))
    shares = np.where(np.isfinite(wanted), wanted, sizes)
    names = [str(number) for number in range(len(sizes))]
    by_name = dict(zip(names, sizes.tolist(), strict=True))
    places = turns(by_name, dict(zip(names, shares.tolist(), strict=True)), min(most, int(MOST_SHARE * len(pool))))
    waiting = {name: iter(order[codes == int(name)].tolist()) for name in set(places)}
    return [next(waiting[name]) for name in places]
