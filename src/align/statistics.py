"""Means, shares and differences, each with an interval that says how far to trust it.

A figure is an `Estimate`. The items it is taken over must be independent: several responses to one prompt are not,
so give them to `clustered_mean` (or average them first).
"""

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

LEVEL = 0.95
"""Confidence of every interval, two-sided; LIMA §5 reports the same."""
DRAWS = 10_000
CELLS_AT_ONCE = 4_000_000  # resampled items held in memory: 32 MB


class Estimate(NamedTuple):
    """A figure and its interval; `low` and `high` are None where one item alone gives no interval."""

    value: float
    low: float | None
    high: float | None


def wilson(successes: float, count: float, level: float = LEVEL) -> tuple[float, float]:
    """Interval of a share, good for few items and for shares near 0 and 1 (Wilson 1927, JASA 22, p. 209)."""
    from scipy.stats import norm

    if not 0 <= successes <= count:
        raise ValueError(f"wilson: {successes} successes of {count}: the successes lie between 0 and the count")
    if count == 0:
        return 0.0, 1.0
    z = float(norm.ppf((1 + level) / 2))
    share = successes / count
    middle = share + z * z / (2 * count)
    reach = z * (share * (1 - share) / count + z * z / (4 * count * count)) ** 0.5
    scale = 1 + z * z / count
    low, high = (middle - reach) / scale, (middle + reach) / scale
    return (low if successes else 0.0), (high if successes < count else 1.0)


def share(hits: Sequence[bool], clusters: Sequence[Hashable], level: float = LEVEL) -> tuple[Estimate, str]:
    """Share of hits, its interval, and how that was made: Wilson, or clustered where a cluster has several items."""
    if len(set(clusters)) == len(hits):
        return Estimate(sum(hits) / len(hits), *wilson(sum(hits), len(hits), level)), f"Wilson {100 * level:g} %"
    value, low, high = clustered_mean([float(hit) for hit in hits], clusters, level)
    inside = (None if low is None else max(0.0, low), None if high is None else min(1.0, high))
    return Estimate(value, *inside), f"{100 * level:g} %, clustered by prompt"


def clustered_share(hits: Sequence[bool], clusters: Sequence[Hashable], level: float = LEVEL) -> Estimate:
    """Share of hits and Wilson's interval of it for as many items as the clusters are worth: a width even where all are hits.

    The effective number gives a share of independent items the variance that clusters give it (Korn & Graubard 1998, Survey
    Methodology 24, p. 193, there with Clopper's and Pearson's interval); without any variance it is the number of clusters.
    """
    from scipy.stats import norm

    value, low, high = clustered_mean([float(hit) for hit in hits], clusters, level)
    effective = float(len(set(clusters)))
    if low is not None and high is not None and high - low > 1e-12 and effective < len(hits):
        effective = value * (1 - value) * (float(norm.ppf((1 + level) / 2)) / ((high - low) / 2)) ** 2
    return Estimate(value, *wilson(value * effective, effective, level))


def share_change(
    after: Sequence[bool], before: Sequence[bool], clusters: Sequence[Hashable], level: float = LEVEL
) -> tuple[Estimate, str]:
    """Share of hits after less that before, on the same items, its interval and how that was made.

    Bonett & Price 2012 (J. Educational and Behavioral Statistics 37, p. 479): unlike a bootstrap's it has a width where no item
    changed. Where a cluster has several items, the interval is that of `clustered_mean`.
    """
    from scipy.stats import norm

    changes = [int(new) - int(old) for new, old in zip(after, before, strict=True)]
    if len(set(clusters)) < len(changes):
        return clustered_mean(changes, clusters, level), f"{100 * level:g} %, clustered by prompt"
    count = len(changes) + 2
    gained, lost = (changes.count(1) + 1) / count, (changes.count(-1) + 1) / count
    reach = float(norm.ppf((1 + level) / 2)) * ((gained + lost - (gained - lost) ** 2) / count) ** 0.5
    low, high = max(-1.0, gained - lost - reach), min(1.0, gained - lost + reach)
    return Estimate(sum(changes) / len(changes), low, high), f"Bonett-Price {100 * level:g} %"


def bootstrap_mean(values: Sequence[float], seed: int, draws: int = DRAWS, level: float = LEVEL) -> Estimate:
    """Mean of independent items with its percentile bootstrap interval (Efron & Tibshirani 1993, chapter 13)."""
    return bootstrap_ratio(values, [1.0] * len(values), seed, draws, level)


def bootstrap_ratio(
    numerators: Sequence[float], denominators: Sequence[float], seed: int, draws: int = DRAWS, level: float = LEVEL
) -> Estimate:
    """Sum over sum, as in a mean a token: items (examples) are resampled whole, with their numerator and denominator."""
    import numpy as np

    above, below = np.asarray(numerators, dtype=np.float64), np.asarray(denominators, dtype=np.float64)
    if len(above) != len(below) or len(above) == 0:
        raise ValueError(f"bootstrap: {len(above)} numerators and {len(below)} denominators; give as many of each, one at least")
    value = float(above.sum() / below.sum())
    if len(above) == 1:
        return Estimate(value, None, None)
    resampled = _resampled_ratios(above, below, np.random.default_rng(seed), draws)
    low, high = np.quantile(resampled, [(1 - level) / 2, (1 + level) / 2])
    return Estimate(value, float(low), float(high))


def bootstrap_figure(
    rows: "NDArray[np.float64]",
    figure: "Callable[[NDArray[np.float64]], NDArray[np.float64]]",
    seed: int,
    draws: int = DRAWS,
    level: float = LEVEL,
) -> Estimate:
    """A figure that is computed from column sums over independent items (rows), with its percentile bootstrap interval.

    `figure` takes sums, shape (draws, columns), and gives a value for each, NaN where they say nothing. Resamples without a value
    are left out; there is no interval where one item alone, or more than half of the resamples, give none.
    """
    import numpy as np

    if len(rows) == 0:
        raise ValueError("bootstrap: no items; give one at least")
    value = float(figure(rows.sum(axis=0, keepdims=True))[0])
    if len(rows) == 1 or not np.isfinite(value):
        return Estimate(value, None, None)
    random = np.random.default_rng(seed)
    step = max(1, CELLS_AT_ONCE // len(rows))
    weights = np.full(len(rows), 1 / len(rows))
    sums = [random.multinomial(len(rows), weights, size=min(step, draws - start)) @ rows for start in range(0, draws, step)]
    found = figure(np.concatenate(sums))
    told = found[np.isfinite(found)]
    if 2 * len(told) < draws:
        return Estimate(value, None, None)
    low, high = np.quantile(told, [(1 - level) / 2, (1 + level) / 2])
    return Estimate(value, float(low), float(high))


def paired_difference(
    after: Sequence[float], before: Sequence[float], seed: int, draws: int = DRAWS, level: float = LEVEL
) -> Estimate:
    """Mean of `after` less mean of `before`, measured on the same items, which are resampled as pairs."""
    return bootstrap_mean([new - old for new, old in zip(after, before, strict=True)], seed, draws, level)


def clustered_mean(values: Sequence[float], clusters: Sequence[Hashable], level: float = LEVEL) -> Estimate:
    """Mean of items of which those of one cluster (the responses to one prompt) are not independent.

    Cluster-robust variance sum_i (sum_j e_ij)^2 / N^2 times G / (G - 1), with Student's t of G - 1 degrees of freedom
    (Cameron & Miller 2015, J. Human Resources 50, §II). With equal clusters it is the interval of the cluster means.
    """
    from scipy.stats import t

    if len(values) != len(clusters) or not values:
        raise ValueError(f"clustered_mean: {len(values)} values and {len(clusters)} clusters; give as many of each, one at least")
    mean = sum(values) / len(values)
    sums: dict[Hashable, float] = {}
    for value, cluster in zip(values, clusters, strict=True):
        sums[cluster] = sums.get(cluster, 0.0) + value - mean
    count = len(sums)
    if count == 1:
        return Estimate(mean, None, None)
    error = (sum(total * total for total in sums.values()) * count / (count - 1)) ** 0.5 / len(values)
    reach = float(t.ppf((1 + level) / 2, count - 1)) * error
    return Estimate(mean, mean - reach, mean + reach)


def sign_test(wins: int, losses: int) -> float:
    """Two-sided exact p-value of `wins` against `losses` under no difference, ties left out.

    On paired pass/fail it is McNemar's exact test (Dixon & Mood 1946, JASA 41; McNemar 1947, Psychometrika 12).
    """
    from scipy.stats import binomtest

    return float(binomtest(wins, wins + losses).pvalue) if wins + losses else 1.0


def auc(chances: "NDArray[np.float64]", is_one: "NDArray[np.bool_]") -> float:
    """Chance that one of a class gets a higher score than one of the others, ties half (Mann-Whitney); NaN of one class alone."""
    import numpy as np

    return next(resampled_auc(chances, is_one, [np.ones(len(chances), dtype=np.int64)]))


def resampled_auc(
    chances: "NDArray[np.float64]", is_one: "NDArray[np.bool_]", drawn: "Iterable[NDArray[np.int64]]"
) -> Iterator[float]:
    """The same for each of several draws, which say how often each item is taken; the scores are sorted but once."""
    import numpy as np

    values, places = np.unique(chances, return_inverse=True)
    for taken in drawn:
        ones = np.bincount(places, weights=taken * is_one, minlength=len(values))
        others = np.bincount(places, weights=taken * ~is_one, minlength=len(values))
        if not ones.sum() or not others.sum():
            yield float("nan")
            continue
        below = np.cumsum(others) - others
        yield float((ones * (below + others / 2)).sum() / (ones.sum() * others.sum()))


def rank_correlation(first: "NDArray[np.float64]", second: "NDArray[np.float64]") -> float:
    """Spearman's: the correlation of ranks, -1 to 1; NaN where one of the two does not vary."""
    import numpy as np
    from scipy.stats import rankdata

    ranks = [rankdata(values) for values in (first, second)]
    if any(values.std() == 0 for values in ranks):
        return float("nan")
    return float(np.corrcoef(*ranks)[0, 1])


def _resampled_ratios(
    above: "NDArray[np.float64]", below: "NDArray[np.float64]", random: "np.random.Generator", draws: int
) -> "NDArray[np.float64]":
    import numpy as np

    count = len(above)
    found = np.empty(draws)
    step = max(1, CELLS_AT_ONCE // count)
    for start in range(0, draws, step):
        chosen = random.integers(0, count, size=(min(step, draws - start), count))
        found[start : start + step] = above[chosen].sum(axis=1) / below[chosen].sum(axis=1)
    return found
