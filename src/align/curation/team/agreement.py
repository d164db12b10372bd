"""How far curators agree who judged the same examples without seeing each other: by LIMA's measure, and beyond chance.

A class is what a decision says of an example: `accept` (an edit accepts what it leaves), `reject`, or `tie` (a flag or a skip
says neither). Kappa and alpha take the three as names without an order.
"""

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import TYPE_CHECKING, Literal, get_args

from align.agreeing import discounted_points, nominal_alpha, with_words
from align.records import Measurement
from align.statistics import Estimate, bootstrap_figure, bootstrap_mean, share

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Class = Literal["accept", "reject", "tie"]
Labels = Mapping[str, Mapping[str, Class]]
"""By example: what each curator said."""

CLASSES: tuple[Class, ...] = get_args(Class)
CLASS_OF: dict[str, Class] = {"accept": "accept", "edit": "accept", "reject": "reject", "flag": "tie", "skip": "tie"}
"""What an action counts as."""
EVERYONE = "all curators"
SEED = 0
TIES = "a flag or a skip counts as a tie"


def measure_agreement(labels: Labels) -> list[Measurement]:
    """The three measures over everyone and for each two curators, over the examples that two or more of them judged."""
    shared = {name: said for name, said in labels.items() if len(said) > 1}
    if not shared:
        return []
    curators = sorted({curator for said in shared.values() for curator in said})
    found = [
        _measurement("tie_discounted_accuracy", EVERYONE, *tie_discounted_accuracy(shared), len(shared)),
        _measurement("krippendorff_alpha", EVERYONE, *krippendorff_alpha(shared), len(shared)),
    ]
    for first, second in combinations(curators, 2):
        both = {name: {first: said[first], second: said[second]} for name, said in shared.items() if {first, second} <= {*said}}
        if not both:
            continue
        subject = f"{first} and {second}"
        found.append(_measurement("tie_discounted_accuracy", subject, *tie_discounted_accuracy(both), len(both)))
        pairs = [(said[first], said[second]) for said in both.values()]
        found.append(_measurement("cohen_kappa", subject, *cohen_kappa(pairs), len(both)))
    return found


def tie_discounted_accuracy(labels: Labels) -> tuple[Estimate, str]:
    """LIMA §4.1: 1 where two say the same, 0.5 where exactly one says tie, else 0; the mean over pairs, then over examples."""
    points = [
        _mean([discounted_points(*pair) for pair in combinations(said.values(), 2)]) for said in labels.values() if len(said) > 1
    ]
    if set(points) in ({0.0}, {1.0}):
        # Resampling equal values gives no width, however few they are.
        found, how = share([point == 1.0 for point in points], range(len(points)))
        return found, f"{how}; {TIES}"
    return bootstrap_mean(points, SEED), f"bootstrap over examples, 95 %; {TIES}"


def cohen_kappa(pairs: Sequence[tuple[Class, Class]]) -> tuple[Estimate, str]:
    """Agreement of two curators beyond what their own shares of each class give by chance (Cohen 1960, EPM 20, p. 37)."""
    import numpy as np

    size = len(CLASSES)
    tables = np.zeros((len(pairs), size * size))
    for row, (first, second) in enumerate(pairs):
        tables[row, size * CLASSES.index(first) + CLASSES.index(second)] = 1

    def kappa(sums: "NDArray[np.float64]") -> "NDArray[np.float64]":
        shares = sums.reshape(-1, size, size) / sums.sum(axis=1)[:, None, None]
        observed = np.trace(shares, axis1=1, axis2=2)
        by_chance = (shares.sum(axis=1) * shares.sum(axis=2)).sum(axis=1)
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(by_chance < 1, (observed - by_chance) / (1 - by_chance), np.nan)

    return with_words(bootstrap_figure(tables, kappa, SEED), "example")


def krippendorff_alpha(labels: Labels) -> tuple[Estimate, str]:
    """Agreement of any number of curators beyond chance, nominal; what only one curator judged says nothing."""
    import numpy as np

    counts = np.array([[list(said.values()).count(name) for name in CLASSES] for said in labels.values()], dtype=np.float64)
    return with_words(nominal_alpha(counts.reshape(-1, len(CLASSES)), SEED), "example")


def _measurement(metric: str, subject: str, found: Estimate, how: str, count: int) -> Measurement:
    return Measurement(metric, subject, *found, count, how)


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
