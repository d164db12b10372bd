"""Agreement of raters against published figures and a second implementation."""

import random

import numpy as np
import pytest

from align.agreeing import discounted_points, nominal_alpha


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
    assert nominal_alpha(table_of(rows), seed=0).value == pytest.approx(published, abs=0.0005)
    assert naive_alpha(rows) == pytest.approx(nominal_alpha(table_of(rows), seed=0).value)


def test_alpha_with_many_gaps_is_the_published_one() -> None:
    # The table of three coders and fifteen units in Wikipedia's article on the measure: nominal alpha 0.691
    rows = [".....34121133.3", "1.213343.......", "..21344.21133.4"]
    assert nominal_alpha(table_of(rows), seed=0).value == pytest.approx(0.691, abs=0.0005)


def test_alpha_of_random_tables_is_that_of_the_coincidence_matrix() -> None:
    draw = random.Random(7)
    for _ in range(50):
        rows = ["".join(draw.choice("abc..") for _ in range(30)) for _ in range(4)]
        assert nominal_alpha(table_of(rows), seed=0).value == pytest.approx(naive_alpha(rows))


def test_items_of_one_prompt_are_drawn_together() -> None:
    draw = random.Random(3)
    table = np.array([draw.choice([[2, 0, 0], [0, 2, 0], [1, 1, 0], [0, 1, 1]]) for _ in range(60)], dtype=float)
    four = np.repeat(table, 4, axis=0)
    alone, together = nominal_alpha(table, 0), nominal_alpha(four, 0, [number // 4 for number in range(240)])
    careless = nominal_alpha(four, 0)
    # the same answer four times tells as much as once: about as wide, and not half as wide
    assert together.high - together.low == pytest.approx(alone.high - alone.low, rel=0.1)
    assert careless.high - careless.low < 0.65 * (alone.high - alone.low)
    # n - 1 of 480 ratings, and not of 120: all but the same
    assert together.value == pytest.approx(careless.value)


def test_points_of_every_two_verdicts() -> None:
    assert [discounted_points(*said) for said in (("one", "one"), ("tie", "tie"), ("one", "tie"), ("tie", "two"), ("one", "two"))] == [
        1, 1, 0.5, 0.5, 0,
    ]  # fmt: skip
