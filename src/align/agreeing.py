"""How far those agree who put the same items into classes: LIMA's measure, and agreement beyond chance."""

from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING

from align.statistics import Estimate, bootstrap_figure

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

TIE = "tie"
"""The class of those who prefer neither."""


def discounted_points(first: str, second: str) -> float:
    """Tie-discounted accuracy of one item (LIMA §4.1): 1 where two say the same, 0.5 where exactly one says tie, else 0."""
    if first == second:
        return 1.0
    return 0.5 if TIE in (first, second) else 0.0


def nominal_alpha(counts: "NDArray[np.float64]", seed: int, clusters: Sequence[Hashable] | None = None) -> Estimate:
    """Krippendorff's alpha of a table that says how many raters put each item (row) into each class (column).

    1 less observed over expected disagreement, nominal, for any number of raters and any that are missing (Krippendorff,
    Computing Krippendorff's Alpha-Reliability, 2011, section C). What only one rated says nothing. Items of one cluster (the
    responses to one prompt) are drawn together.
    """
    import numpy as np

    judged = counts.sum(axis=1)
    kept = judged > 1
    if not kept.any():
        return Estimate(float("nan"), None, None)
    together = range(len(counts)) if clusters is None else clusters
    places: dict[Hashable, int] = {}
    numbers = np.array([places.setdefault(item, len(places)) for item, used in zip(together, kept, strict=True) if used])
    counts, judged = counts[kept], judged[kept]
    disagreeing = (counts * (judged[:, None] - counts)).sum(axis=1) / (judged - 1)
    rows = np.zeros((len(places), counts.shape[1] + 1))
    np.add.at(rows, numbers, np.column_stack([disagreeing, counts]))

    def alpha(sums: "NDArray[np.float64]") -> "NDArray[np.float64]":
        observed, classes = sums[:, 0], sums[:, 1:]
        total = classes.sum(axis=1)
        expected = total**2 - (classes**2).sum(axis=1)
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(expected > 0, 1 - (total - 1) * observed / expected, np.nan)

    return bootstrap_figure(rows, alpha, seed)


def with_words(found: Estimate, items: str) -> tuple[Estimate, str]:
    """An estimate with the way it was made; one that rests on nothing is told as such, and no interval is made up."""
    if found.value != found.value:
        return found, f"not defined: everyone put every {items} into one class, so chance alone would agree"
    if found.low is None:
        return found, f"too few {items}s for an interval"
    if found.low == found.high:
        return Estimate(found.value, None, None), f"every {items} says the same, so drawing them again gives no interval"
    return found, f"bootstrap over {items}s, 95 %"
