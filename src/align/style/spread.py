"""How alike a set's responses are: the spread of each feature, what of it the source explains, how openings vary.

All of it on a sample that fits into memory; every figure says how many responses it rests on.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence

from align.records import Measurement
from align.style.features import Measured


def measure_spread(by_kind: Mapping[str, Sequence[Measured]]) -> list[Measurement]:
    """The spread of every feature over the set, the share of it that lies between kinds, and the entropy of openings."""
    everything = [item for several in by_kind.values() for item in several]
    found = [_entropy("the set", everything), *(_entropy(kind, several) for kind, several in by_kind.items())]
    for feature in everything[0].values:
        columns = [[value for item in several if math.isfinite(value := item.values[feature])] for several in by_kind.values()]
        told = [value for column in columns for value in column]
        if not told:
            continue
        found.append(_relative_spread(feature, told))
        if sum(map(bool, columns)) > 1:
            how = "share of the variance that lies between sources (eta squared); 0: the source says nothing of it, 1: all"
            found.append(Measurement("style_between", feature, eta_squared(columns), count=len(told), method=how))
    return found


def entropy_bits(classes: Sequence[str]) -> float:
    """Entropy of a class's distribution in bits; 0 where all are one."""
    shares = [count / len(classes) for count in Counter(classes).values()]
    return -sum(share * math.log2(share) for share in shares) + 0.0


def eta_squared(groups: Sequence[Sequence[float]]) -> float:
    """Share of the sum of squares that lies between groups, 0 to 1; 0 where nothing varies."""
    filled = [group for group in groups if group]
    values = [value for group in filled for value in group]
    mean = math.fsum(values) / len(values)
    total = math.fsum((value - mean) ** 2 for value in values)
    between = math.fsum(len(group) * (math.fsum(group) / len(group) - mean) ** 2 for group in filled)
    return min(1.0, between / total) if total > 0 else 0.0


def _entropy(subject: str, several: Sequence[Measured]) -> Measurement:
    how = "entropy of the classes of openings in bits; 0: all begin in one way, 2.58: in six equally"
    return Measurement(
        "style_openings", subject, entropy_bits([item.opening for item in several]), count=len(several), method=how
    )


def _relative_spread(feature: str, told: Sequence[float]) -> Measurement:
    ordered = sorted(told)
    middle = ordered[len(ordered) // 2]
    deviation = sorted(abs(value - middle) for value in ordered)[len(ordered) // 2]
    how = "half of the responses lie within so much of the median (median absolute deviation), in the feature's own unit"
    return Measurement("style_spread", feature, deviation, count=len(told), method=how)
