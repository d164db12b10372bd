"""Agreement of curators against figures worked out by hand and published ones."""

import math
import random
from itertools import combinations

import numpy as np
import pytest

from align.curation.team.agreement import (
    CLASSES,
    Class,
    cohen_kappa,
    krippendorff_alpha,
    measure_agreement,
    nominal_alpha,
    tie_discounted_accuracy,
)


def table_of(rows: list[str]) -> np.ndarray:
    """How many observers put each unit into each class, from one string an observer; a dot is a missing value."""
    classes = sorted(set("".join(rows)) - {"."})
    return np.array([[[row[unit] for row in rows].count(name) for name in classes] for unit in range(len(rows[0]))], dtype=float)


def naive_alpha(rows: list[str]) -> float:
    """By the coincidence matrix, pair by pair."""
    together: dict[tuple[str, str], float] = {}
    for unit in zip(*rows, strict=True):
        values = [value for value in unit if value != "."]
        for place, one in enumerate(values):
            for other_place, other in enumerate(values):
                if place != other_place:
                    together[one, other] = together.get((one, other), 0.0) + 1 / (len(values) - 1)
    sizes: dict[str, float] = {}
    for (one, _), count in together.items():
        sizes[one] = sizes.get(one, 0.0) + count
    total = sum(sizes.values())
    observed = sum(count for (one, other), count in together.items() if one != other)
    expected = sum(sizes[one] * sizes[other] for one in sizes for other in sizes if one != other) / (total - 1)
    return 1 - observed / expected


@pytest.mark.parametrize(
    ("rows", "published"),
    [
        # Krippendorff 2011, A: two observers, binary, no missing values
        (["0100000010", "1110010000"], 0.095),
        # B: two observers, five classes
        (["aabbdcccedda", "babbbccceddd"], 0.692),
        # C: four observers, missing values (unit 12 has one value and says nothing)
        (["123321412...", "1233224125.3", ".3332342251.", "12332441251."], 0.743),
    ],
)
def test_alpha_is_that_of_krippendorffs_own_examples(rows: list[str], published: float) -> None:
    assert nominal_alpha(table_of(rows)).value == pytest.approx(published, abs=0.0005)
    assert naive_alpha(rows) == pytest.approx(nominal_alpha(table_of(rows)).value)


def test_alpha_with_many_gaps_is_the_published_one() -> None:
    # The table of three coders and fifteen units in Wikipedia's article on the measure: nominal alpha 0.691
    rows = [".....34121133.3", "1.213343.......", "..21344.21133.4"]
    assert nominal_alpha(table_of(rows)).value == pytest.approx(0.691, abs=0.0005)


def test_alpha_of_random_tables_is_that_of_the_coincidence_matrix() -> None:
    draw = random.Random(7)
    for _ in range(50):
        rows = ["".join(draw.choice("abc..") for _ in range(30)) for _ in range(4)]
        assert nominal_alpha(table_of(rows)).value == pytest.approx(naive_alpha(rows))


def test_kappa_is_that_worked_out_by_hand() -> None:
    # 50 grants: both yes 20, first alone 5, second alone 10, both no 15. Observed 0.7; chance 0.5*0.6 + 0.5*0.4 = 0.5; 0.2/0.5
    pairs: list[tuple[Class, Class]] = [("accept", "accept")] * 20 + [("accept", "reject")] * 5
    pairs += [("reject", "accept")] * 10 + [("reject", "reject")] * 15
    found, how = cohen_kappa(pairs)
    assert found.value == pytest.approx(0.4)
    assert found.low is not None
    assert found.high is not None
    # Large-sample error by Fleiss, Cohen & Everitt 1969 for this table is 0.128: the percentile interval is about as wide
    assert found.low == pytest.approx(0.4 - 1.96 * 0.128, abs=0.03)
    assert found.high == pytest.approx(0.4 + 1.96 * 0.128, abs=0.03)
    assert how == "bootstrap over examples, 95 %"


def test_tie_discounted_accuracy_gives_half_where_exactly_one_ties() -> None:
    # same 1, one tie 0.5, both tie 1, opposite 0: mean 2.5 / 4
    said: list[tuple[Class, Class]] = [("accept", "accept"), ("tie", "reject"), ("tie", "tie"), ("accept", "reject")]
    found, how = tie_discounted_accuracy({str(number): {"ada": one, "bo": two} for number, (one, two) in enumerate(said)})
    assert found.value == pytest.approx(0.625)
    assert "a flag or a skip counts as a tie" in how


def test_three_curators_of_one_example_weigh_as_much_as_two_of_another() -> None:
    # Pairs of the first: 1, 0, 0 = 1/3; of the second: 1. Mean of examples 2/3, and not 2 pairs of 4
    labels: dict[str, dict[str, Class]] = {
        "first": {"ada": "accept", "bo": "accept", "cy": "reject"},
        "second": {"ada": "reject", "bo": "reject"},
    }
    assert tie_discounted_accuracy(labels)[0].value == pytest.approx(2 / 3)


def test_full_agreement_on_few_examples_is_not_told_as_certain() -> None:
    labels: dict[str, dict[str, Class]] = {
        str(n): {"ada": "accept" if n % 2 else "reject", "bo": "accept" if n % 2 else "reject"} for n in range(8)
    }
    accuracy = tie_discounted_accuracy(labels)[0]
    assert accuracy.value == 1
    assert accuracy.low is not None
    assert accuracy.low < 0.7  # Wilson of 8 of 8: 0.676
    alpha, how = krippendorff_alpha(labels)
    assert (alpha.value, alpha.low, alpha.high) == (1.0, None, None)
    assert "no interval" in how


def test_one_class_alone_has_no_kappa_and_no_alpha() -> None:
    labels: dict[str, dict[str, Class]] = {str(n): {"ada": "accept", "bo": "accept"} for n in range(30)}
    measured = {(item.metric, item.subject): item for item in measure_agreement(labels)}
    assert math.isnan(measured["cohen_kappa", "ada and bo"].value)
    assert "not defined" in measured["cohen_kappa", "ada and bo"].method
    assert math.isnan(measured["krippendorff_alpha", "all curators"].value)
    assert measured["tie_discounted_accuracy", "ada and bo"].value == 1


def test_what_one_curator_alone_judged_counts_nowhere() -> None:
    labels: dict[str, dict[str, Class]] = {
        "shared": {"ada": "accept", "bo": "reject"},
        "alone": {"ada": "accept"},
        "other": {"cy": "tie", "bo": "tie"},
    }
    counts = {(item.metric, item.subject): item.count for item in measure_agreement(labels)}
    assert counts["tie_discounted_accuracy", "all curators"] == 2
    assert counts["tie_discounted_accuracy", "ada and bo"] == 1
    assert ("cohen_kappa", "ada and cy") not in counts
    assert measure_agreement({"alone": {"ada": "accept"}}) == []


def test_the_intervals_hold_what_they_promise() -> None:
    """Of 200 sets drawn from one truth, about 95 in 100 intervals hold the true alpha and the true accuracy."""
    draw = random.Random(3)
    # Two curators say the truth (accept 0.5) with 0.9 each, else the opposite: they agree with 0.82
    truth_agreement = 0.9 * 0.9 + 0.1 * 0.1
    truth_alpha = 1 - (1 - truth_agreement) / 0.5
    held = {"accuracy": 0, "alpha": 0}
    for _ in range(200):
        labels: dict[str, dict[str, Class]] = {}
        for number in range(60):
            truth = draw.random() < 0.5
            said = [truth if draw.random() < 0.9 else not truth for _ in range(2)]
            labels[str(number)] = {name: "accept" if one else "reject" for name, one in zip("ab", said, strict=True)}
        for name, (found, _), true in (
            ("accuracy", tie_discounted_accuracy(labels), truth_agreement),
            ("alpha", krippendorff_alpha(labels), truth_alpha),
        ):
            assert found.low is not None
            assert found.high is not None
            held[name] += found.low <= true <= found.high
    assert 180 <= held["accuracy"] <= 200
    assert 180 <= held["alpha"] <= 200


def test_points_of_every_pair_of_classes() -> None:
    points = {
        (one, two): tie_discounted_accuracy({"x": {"a": one, "b": two}})[0].value
        for one, two in combinations([*CLASSES, *CLASSES], 2)
    }
    assert points["accept", "reject"] == 0
    assert points["reject", "accept"] == 0
    assert points["accept", "tie"] == points["tie", "reject"] == 0.5
    assert points["tie", "tie"] == points["accept", "accept"] == points["reject", "reject"] == 1
