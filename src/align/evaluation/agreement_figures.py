"""How far people and judges agree, as figures with intervals; a prompt is the item that is drawn again."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

from align.agreeing import discounted_points, nominal_alpha, with_words
from align.evaluation.raters import CLASSES, Compared, Rater
from align.records import Measurement
from align.statistics import Estimate, bootstrap_figure, bootstrap_ratio, share

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SEED = 0
ROUNDING = 1e-9
"""A narrower interval is the rounding of sums, and no width."""
ACCURACY, ALPHA, DIFFERENCE, OPPOSITE = "tie_discounted_accuracy", "krippendorff_alpha", "agreement_difference", "opposite_items"
EVERYONE = "all raters"
PEOPLE, MIXED, JUDGES = "people among themselves", "people and judges", "judges among themselves"
POINTS = "1 where two say the same, 0.5 where exactly one says neither, 0 where they are opposite"


@dataclass(frozen=True, slots=True)
class _Two:
    """Two raters, and their points on each prompt that both judged."""

    one: Rater
    two: Rater
    points: dict[str, list[float]]

    @property
    def group(self) -> str:
        people = self.one.is_person + self.two.is_person
        return (JUDGES, MIXED, PEOPLE)[people]


def measure_agreement(compared: Compared) -> list[Measurement]:
    """Accuracy of the three groups and of each two raters, alpha beside it, and how judges stand beside people."""
    twos = [two for two in _twos(compared.raters) if two.points]
    groups = {group: [two for two in twos if two.group == group] for group in (PEOPLE, MIXED, JUDGES)}
    found = [_accuracy(group, members) for group, members in groups.items() if members]
    found += _alphas(compared.raters)
    for judge in compared.raters:
        beside = [] if judge.is_person else [two for two in groups[MIXED] if judge in (two.one, two.two)]
        if beside and groups[PEOPLE]:
            found.append(_difference(judge, beside, groups[PEOPLE]))
    for two in twos:
        subject = f"{two.one.name} and {two.two.name}"
        found += [_accuracy(subject, [two]), _alpha(subject, [two.one, two.two])]
    return found


def _twos(raters: Sequence[Rater]) -> Iterator[_Two]:
    for one, two in combinations(raters, 2):
        points: dict[str, list[float]] = {}
        for place, said in one.said.items():
            if place in two.said:
                points.setdefault(place[0], []).append(discounted_points(said, two.said[place]))
        yield _Two(one, two, points)


def _sums(twos: Sequence[_Two]) -> dict[str, tuple[float, float]]:
    """By prompt: the points of all these pairs of raters, and how many they could have been."""
    found: dict[str, tuple[float, float]] = {}
    for two in twos:
        for prompt, points in two.points.items():
            above, below = found.get(prompt, (0.0, 0.0))
            found[prompt] = (above + sum(points), below + len(points))
    return found


def _accuracy(subject: str, twos: Sequence[_Two]) -> Measurement:
    sums = list(_sums(twos).values())
    points = {above / below for above, below in sums}
    if points in ({0.0}, {1.0}):  # drawing equal values again gives no width, however few they are
        found, how = share([above > 0 for above, _ in sums], range(len(sums)))
    else:
        found, how = with_words(bootstrap_ratio([a for a, _ in sums], [b for _, b in sums], SEED), "prompt")
    return Measurement(ACCURACY, subject, *found, len(sums), f"{POINTS}; {how}")


def _alphas(raters: Sequence[Rater]) -> list[Measurement]:
    people, judges = [item for item in raters if item.is_person], [item for item in raters if not item.is_person]
    groups = {EVERYONE: raters, PEOPLE: people, JUDGES: judges}
    return [_alpha(subject, members) for subject, members in groups.items() if _shared(members)]


def _shared(raters: Sequence[Rater]) -> list[tuple[str, int]]:
    """What two or more of them judged."""
    places = [place for rater in raters for place in rater.said]
    counts: dict[tuple[str, int], int] = {}
    for place in places:
        counts[place] = counts.get(place, 0) + 1
    return [place for place, count in counts.items() if count > 1]


def _alpha(subject: str, raters: Sequence[Rater]) -> Measurement:
    import numpy as np

    shared = _shared(raters)
    said = [[rater.said[place] for rater in raters if place in rater.said] for place in shared]
    counts = np.array([[classes.count(name) for name in CLASSES] for classes in said], dtype=np.float64)
    prompts = [prompt for prompt, _ in shared]
    found, how = with_words(nominal_alpha(counts, SEED, prompts), "prompt")
    return Measurement(ALPHA, subject, *found, len(set(prompts)), f"nominal, 0 is chance and 1 full agreement; {how}")


def _difference(judge: Rater, beside: Sequence[_Two], people: Sequence[_Two]) -> Measurement:
    """How much better a judge agrees with people than they do with each other, prompts drawn for both at once."""
    import numpy as np

    ours, theirs = _sums(beside), _sums(people)
    prompts = list(dict.fromkeys([*ours, *theirs]))
    rows = np.array([[*ours.get(prompt, (0, 0)), *theirs.get(prompt, (0, 0))] for prompt in prompts], dtype=np.float64)

    def lead(sums: "NDArray[np.float64]") -> "NDArray[np.float64]":
        with np.errstate(divide="ignore", invalid="ignore"):
            return sums[:, 0] / sums[:, 1] - sums[:, 2] / sums[:, 3]

    measured = bootstrap_figure(rows, lead, SEED)
    if measured.low is not None and measured.high is not None and measured.high - measured.low < ROUNDING:
        measured = Estimate(measured.value, measured.value, measured.value)
    found, how = with_words(measured, "prompt")
    subject = f"{judge.name} with people less {PEOPLE}"
    return Measurement(DIFFERENCE, subject, *found, len(prompts), f"difference of the two accuracies; {how}")
