"""The win rate at equal length, against hand-worked cases, a grid, scipy and published verdicts."""

import ast
import json
import math
import random
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import expit

from align.evaluation.length_control import JudgedPair, fit, length_controlled, length_inputs, measure_length
from align.records import Measurement


def pairs_of(*groups: tuple[int, int, int, int]) -> list[JudgedPair]:
    """A prompt a pair: (extra characters, wins, ties, losses) of each group."""
    scores = [(extra, [1.0] * won + [0.5] * tied + [0.0] * lost) for extra, won, tied, lost in groups]
    flat = [(extra, score) for extra, several in scores for score in several]
    return [JudgedPair(f"p{number}", score, extra) for number, (extra, score) in enumerate(flat)]


def drawn(count: int, theta: float, phi: float, seed: int, samples: int = 1, ties: float = 0.2) -> list[JudgedPair]:
    """Verdicts of a judge with a known taste for length, a share of them ties."""
    source = random.Random(seed)
    found = []
    for number in range(count):
        for _ in range(samples):
            extra = round(source.gauss(120, 400))
            won = source.random() < 1 / (1 + math.exp(-theta - phi * math.tanh(extra / 400)))
            found.append(JudgedPair(f"p{number}", 0.5 if source.random() < ties else float(won), extra))
    return found


def told(pairs: Sequence[JudgedPair]) -> dict[str, Measurement]:
    return {item.metric: item for item in measure_length(pairs, "sft against base")}


def log_likelihood(theta: float, phi: float, pairs: Sequence[JudgedPair]) -> float:
    """The definition, pair by pair; samples of a prompt share its weight."""
    extras = [pair.extra_chars for pair in pairs]
    mean = sum(extras) / len(extras)
    spread = (sum((extra - mean) ** 2 for extra in extras) / (len(extras) - 1)) ** 0.5
    total = 0.0
    for pair in pairs:
        weight = 1 / sum(other.prompt_id == pair.prompt_id for other in pairs)
        chance = 1 / (1 + math.exp(-theta - phi * math.tanh(pair.extra_chars / spread)))
        total += weight * (pair.score * math.log(chance) + (1 - pair.score) * math.log(1 - chance))
    return total


def test_where_more_and_less_was_written_alike_the_rate_lies_halfway_in_log_odds() -> None:
    # 100 more: 8 of 10 won; 100 less: 4 of 10. theta = (ln 4 + ln 2/3) / 2 = ln(8/3) / 2, so the odds are sqrt(8/3)
    rate, theta, _ = length_controlled(pairs_of((100, 8, 0, 2), (-100, 4, 0, 6)))
    odds = math.sqrt(8 / 3)
    assert theta == pytest.approx(math.log(odds), abs=1e-4)
    assert rate.value == pytest.approx(odds / (1 + odds), abs=1e-4)


def test_a_tie_counts_as_half_a_win_and_half_a_loss() -> None:
    # 6 won, 4 tied and none lost is 8 of 10; 2 won, 4 tied and 4 lost is 4 of 10
    with_ties, _, _ = length_controlled(pairs_of((100, 6, 4, 0), (-100, 2, 4, 4)))
    without, _, _ = length_controlled(pairs_of((100, 8, 0, 2), (-100, 4, 0, 6)))
    assert with_ties.value == pytest.approx(without.value, abs=1e-9)


@pytest.mark.parametrize("samples", [1, 3])
def test_the_fit_is_the_best_of_a_fine_grid_and_of_scipy(samples: int) -> None:
    # of three samples the first prompt has one, the second two, the third three, the fourth one; each prompt weighs the same
    every = drawn(40, theta=-0.3, phi=0.8, seed=4, samples=samples)
    pairs = [pair for place, pair in enumerate(every) if place % samples <= place // samples % samples]
    assert len(pairs) == {1: 40, 3: 79}[samples]
    _, theta, phi = length_controlled(pairs)
    best, step = (0.0, 0.0), 1.0
    while step > 1e-4:  # a grid around the best of the coarser one
        near = [(best[0] + i * step, best[1] + j * step) for i in range(-3, 4) for j in range(-3, 4)]
        best, step = max(near, key=lambda place: log_likelihood(*place, pairs)), step / 2.5
    assert (theta, phi) == pytest.approx(best, abs=5e-4)
    found = minimize(lambda place: -log_likelihood(*place, pairs), (0, 0), method="BFGS")
    assert (theta, phi) == pytest.approx(tuple(found.x), abs=2e-4)


def test_a_resample_is_fitted_as_if_its_prompts_stood_there_so_often() -> None:
    pairs = drawn(30, theta=0.2, phi=1.0, seed=1)
    inputs, scores = length_inputs(pairs), np.array([pair.score for pair in pairs])
    times = np.random.default_rng(5).multinomial(30, np.full(30, 1 / 30), size=8)
    together = fit(inputs, scores, times.astype(float))
    for number, row in enumerate(times):
        theta, phi = fit(np.repeat(inputs, row), np.repeat(scores, row), np.ones((1, 30)))
        assert (together[0][number], together[1][number]) == pytest.approx((theta[0], phi[0]), abs=1e-6)


def test_five_equal_samples_a_prompt_tell_no_more_than_one() -> None:
    single = drawn(40, theta=0.1, phi=0.9, seed=2)
    five = [pair for pair in single for _ in range(5)]
    assert length_controlled(five)[0].value == pytest.approx(length_controlled(single)[0].value, abs=2e-3)  # sd of 200, not of 40
    as_if_apart = [JudgedPair(f"{pair.prompt_id}/{number}", pair.score, pair.extra_chars) for number, pair in enumerate(five)]
    clustered, naive = (told(pairs)["length_controlled_win_rate"] for pairs in (five, as_if_apart))
    one = told(single)["length_controlled_win_rate"]
    assert (clustered.count, naive.count) == (40, 200)
    assert clustered.high - clustered.low == pytest.approx(one.high - one.low, rel=0.02)
    # five times the items, so an interval narrower by about sqrt(5) = 2.2
    assert (clustered.high - clustered.low) / (naive.high - naive.low) == pytest.approx(math.sqrt(5), rel=0.15)


def test_a_model_that_wins_by_length_alone_is_brought_back_to_what_it_is_worth() -> None:
    # worth 1 / (1 + e^0.4) = 0.401 at equal length, and longer most of the time
    pairs = drawn(1000, theta=-0.4, phi=2.5, seed=3, ties=0)
    found = told(pairs)["length_controlled_win_rate"]
    assert sum(pair.score for pair in pairs) / 1000 > 0.5
    assert found.low < 0.401 < found.high < 0.5
    assert "d is characters of the first model's answer less the second's" in found.method
    assert "without its term for the instruction's difficulty" in found.method


@pytest.mark.parametrize(
    ("pairs", "why"),
    [
        (pairs_of((100, 6, 0, 4), (-100, 4, 0, 5)), "19 prompts with a readable outcome, and 20 are the least"),
        ([JudgedPair("p", float(n % 2), n - 9) for n in range(90)], "1 prompts with a readable outcome"),
        (pairs_of((100, 0, 15, 0), (-30, 0, 15, 0)), "every pair is a tie"),
        (pairs_of((0, 15, 3, 12)), "the two answers to every prompt are equally long"),
        (pairs_of((20, 15, 3, 12), (1, 3, 3, 3)), "the first model's answer is the longer one for every prompt"),
        (pairs_of((-20, 15, 3, 12)), "the first model's answer is the shorter one for every prompt"),
        (pairs_of((20, 15, 0, 0), (-5, 15, 0, 0)), "the first model won every pair, whatever the lengths"),
        (pairs_of((20, 0, 0, 15), (-5, 0, 0, 15)), "the first model lost every pair"),
        (pairs_of((20, 15, 0, 0), (5, 0, 9, 0), (-5, 0, 0, 15)), "the difference in length parts wins from losses"),
        (pairs_of((20, 0, 0, 15), (-5, 15, 0, 2)), "the difference in length parts wins from losses"),
    ],
)  # fmt: skip
def test_where_there_is_none_the_reason_stands_in_its_place(pairs: list[JudgedPair], why: str) -> None:
    found = told(pairs)
    assert "length_controlled_win_rate" not in found
    assert f"no win rate at equal length: {why}" in found["no_length_control"].method
    assert found["no_length_control"].value == len({pair.prompt_id for pair in pairs})
    assert all(math.isfinite(item.value) for item in found.values())


def test_ties_at_two_lengths_hold_a_curve_that_wins_and_losses_alone_would_not() -> None:
    pairs = pairs_of((20, 12, 0, 0), (5, 0, 1, 0), (-2, 0, 1, 0), (-5, 0, 0, 12))
    _, theta, phi = length_controlled(pairs)
    best = minimize(lambda place: -log_likelihood(*place, pairs), (0, 0), method="Nelder-Mead")
    assert (theta, phi) == pytest.approx(tuple(best.x), rel=5e-3)


def test_no_verdict_at_all_gives_no_figure() -> None:
    assert measure_length([], "sft against base") == []


def test_strata_are_taken_by_prompt_and_leave_equal_lengths_out() -> None:
    pairs = [
        JudgedPair("a", 1, 5), JudgedPair("a", 0, 9), JudgedPair("b", 1, 3),  # longer: a 0.5, b 1
        JudgedPair("b", 0.5, -1), JudgedPair("c", 0, -7),  # shorter: b 0.5, c 0
        JudgedPair("c", 1, 0),
    ]  # fmt: skip
    found = told(pairs)
    assert (found["win_rate_where_longer"].value, found["win_rate_where_longer"].count) == (0.75, 2)
    assert (found["win_rate_where_shorter"].value, found["win_rate_where_shorter"].count) == (0.25, 2)
    assert "1 pairs of equal length are in neither" in found["win_rate_where_longer"].method


def published(real_data: Path) -> list[tuple[str, str, str, str]]:
    """Verdicts of GPT-4 on two models' answers to LIMA's prompts: answers, and the verdict in each order from the first's side."""
    rows = json.loads((real_data / "eval" / "cherry_llm" / "lima_wrap_reviews_gpt4.json").read_text(encoding="utf-8"))["data"]
    found = []
    for row in rows:
        one, two = ast.literal_eval(row["scores"])
        other, same = ast.literal_eval(row["scores_reverse"])
        found.append((row["Answer1"], row["Answer2"], _better(one, two), _better(same, other)))
    return found


def _better(one: float, two: float) -> str:
    return "one" if one > two else "two" if two > one else "tie"


def test_of_published_verdicts_the_rate_at_equal_length_is_lower_for_the_wordier_model(real_data: Path) -> None:
    share = {"one": 1.0, "two": 0.0, "tie": 0.5}
    pairs = [
        JudgedPair(str(number), share[forth] if forth == back else 0.5, len(one.strip()) - len(two.strip()))
        for number, (one, two, forth, back) in enumerate(published(real_data))
    ]
    found = told(pairs)
    raw = sum(pair.score for pair in pairs) / len(pairs)
    controlled = found["length_controlled_win_rate"]
    extras = np.array([pair.extra_chars for pair in pairs], dtype=float)
    inputs, scores = np.tanh(extras / extras.std(ddof=1)), np.array([pair.score for pair in pairs])
    best = minimize(
        lambda place: float(
            np.logaddexp(0, place[0] + place[1] * inputs).sum() - (scores * (place[0] + place[1] * inputs)).sum()
        ),
        (0, 0),
    )
    assert controlled.value == pytest.approx(float(expit(best.x[0])), abs=1e-4)
    assert extras.mean() > 0
    assert best.x[1] > 0
    assert controlled.value < raw
    assert controlled.low < controlled.value < controlled.high
    assert found["win_rate_where_shorter"].value < controlled.value < found["win_rate_where_longer"].value
