"""How alike a set is: figures worked out by hand, or by a second, naive implementation."""

import math
from random import Random

import numpy as np
import pytest
from two_voices import answers

from align.statistics import auc, resampled_auc
from align.style.features import measure
from align.style.guessing import guess_sources
from align.style.spread import entropy_bits, eta_squared, measure_spread


def test_entropy_counts_the_ways_to_begin() -> None:
    assert entropy_bits(["plain"] * 5) == 0
    assert entropy_bits(["plain", "list", "code", "story"]) == 2  # four equal ones: 2 bits


def test_eta_squared_is_the_share_between_groups() -> None:
    # means 1 and 3, mean 2: between 2*1 + 2*1 = 4; within 4 * 1 = 4; 4 of 8
    assert eta_squared([[0, 2], [2, 4]]) == 0.5
    assert eta_squared([[1, 1], [3, 3]]) == 1
    assert eta_squared([[1], [1, 1], []]) == 0


def test_auc_is_the_share_of_pairs_in_the_right_order() -> None:
    random = Random(1)
    chances = [random.randint(0, 5) / 5 for _ in range(60)]
    is_one = [random.random() < 0.4 for _ in range(60)]
    ones = [chance for chance, one in zip(chances, is_one, strict=True) if one]
    others = [chance for chance, one in zip(chances, is_one, strict=True) if not one]
    naive = sum((a > b) + 0.5 * (a == b) for a in ones for b in others) / (len(ones) * len(others))
    assert auc(np.array(chances), np.array(is_one)) == pytest.approx(naive)
    # drawn twice is the same as standing there twice
    weights = np.array([2 if one else 1 for one in is_one])
    assert next(resampled_auc(np.array(chances), np.array(is_one), [weights])) == pytest.approx(naive)
    assert math.isnan(auc(np.array([0.1]), np.array([True])))


def test_two_voices_are_told_apart_and_one_voice_is_not() -> None:
    plain, chat = ([measure(row.response, row.prompt) for row in answers(source, 40)] for source in ("plain", "chat"))
    apart = {(item.metric, item.subject): item for item in guess_sources({"plain": plain, "chat": chat}, 1)}
    assert apart["style_source_auc", "all sources"].value > 0.99
    same = guess_sources({"a": plain[:20], "b": plain[20:]}, 1)[0]
    assert same.low is not None
    assert same.high is not None
    assert same.low < 0.6
    assert same.high - same.low > 0.2  # 40 responses say little, and the interval says so
    assert guess_sources({"plain": plain}, 1) == []
    assert guess_sources({"plain": plain, "few": chat[:5]}, 1) == []


def test_what_differs_between_sources_is_told() -> None:
    found = {source: [measure(row.response) for row in answers(source, 30)] for source in ("plain", "chat")}
    figures = {(item.metric, item.subject): item.value for item in measure_spread(found)}
    assert figures["style_between", "first_person"] > 0.9
    assert figures["style_openings", "plain"] == 0
    assert figures["style_openings", "the set"] == 1  # half plain, half acknowledgement
    assert figures["style_spread", "code"] == 0
