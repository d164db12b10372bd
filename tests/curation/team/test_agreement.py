"""Agreement of curators against figures worked out by hand and published ones."""

import math
import random
from itertools import combinations

import pytest

from align.curation.team.agreement import (
    CLASSES,
    Class,
    cohen_kappa,
    krippendorff_alpha,
    measure_agreement,
    tie_discounted_accuracy,
)


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
