"""A win rate at equal length: what is left of it once the judge's taste for long answers is taken out."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import stdev
from typing import TYPE_CHECKING

from align.records import Measurement
from align.statistics import CELLS_AT_ONCE, LEVEL, Estimate, bootstrap_mean

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MIN_PROMPTS = 20
"""Two parameters want about ten events each (Peduzzi et al. 1996, J. Clinical Epidemiology 49, p. 1373): fewer prompts cannot
have them."""
DRAWS = 2_000
BOOTSTRAP_SEED = 0
RIDGE = 1e-4
"""Weight of (theta² + phi²) / 2 against the sum over prompts: it moves a fit in the fourth digit, and gives a resample that
happens to be separated a rate near 0 or 1 and no infinity."""
STEPS, CLOSE = 200, 1e-8
DECIMALS = 9
"""Of a rate: machines that add up in other orders still write the same."""


@dataclass(frozen=True, slots=True)
class JudgedPair:
    """One pair with a readable outcome."""

    prompt_id: str
    score: float
    """1 a win of the first model, 0 a loss, 0.5 a tie."""
    extra_chars: int
    """Characters of the first model's answer less those of the second's."""


def measure_length(pairs: Sequence[JudgedPair], subject: str) -> list[Measurement]:
    """The win rate at equal length, or why there is none, and the raw one where the first model wrote more and less."""
    return [_controlled(pairs, subject), *_strata(pairs, subject)] if pairs else []


def _controlled(pairs: Sequence[JudgedPair], subject: str) -> Measurement:
    prompts = len({pair.prompt_id for pair in pairs})
    why_not = _why_not(pairs, prompts)
    if why_not:
        return Measurement("no_length_control", subject, float(prompts), count=prompts, method=why_not)
    spread = stdev(pair.extra_chars for pair in pairs)
    rate, theta, phi = length_controlled(pairs)
    how = (
        "win rate at equal length: logit P(win) = theta + phi tanh(d / sd d), a tie half a win, here at d = 0; d is characters "
        f"of the first model's answer less the second's, sd {spread:,.0f}; theta {theta:.3f}, phi {phi:.3f}; AlpacaEval's form "
        f"without its term for the instruction's difficulty; {DRAWS:,} resamples of prompts, {100 * LEVEL:g} %"
    )
    return Measurement("length_controlled_win_rate", subject, *rate, prompts, how)


def length_controlled(pairs: Sequence[JudgedPair]) -> tuple[Estimate, float, float]:
    """Win rate at equal length with its interval over prompts, theta and phi; every prompt weighs the same.

    After length_controlled_v1 of alpaca_eval (arXiv:2404.04475; metrics/glm_winrate.py), in characters as there. Left out is what
    needs a leaderboard: the difficulty of each instruction, fitted over many models, and the gamed baselines that are fitted
    along. Least regularisation stands for its cross-validated L1, so that figures are to be compared with each other only.
    """
    import numpy as np

    inputs, scores = length_inputs(pairs), np.array([pair.score for pair in pairs])
    numbers = {prompt: number for number, prompt in enumerate(dict.fromkeys(pair.prompt_id for pair in pairs))}
    places = np.array([numbers[pair.prompt_id] for pair in pairs])
    weights = 1 / np.bincount(places)[places]
    theta, phi = (float(found[0]) for found in fit(inputs, scores, weights[None, :]))
    random, count = np.random.default_rng(BOOTSTRAP_SEED), len(numbers)
    step = max(1, CELLS_AT_ONCE // (4 * len(pairs)))
    rates = []
    for start in range(0, DRAWS, step):
        times = random.multinomial(count, np.full(count, 1 / count), size=min(step, DRAWS - start))
        rates.append(_logistic(fit(inputs, scores, times[:, places] * weights)[0]))
    low, high = np.quantile(np.concatenate(rates), [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    value, low, high = (round(float(rate), DECIMALS) for rate in (_logistic(np.array(theta)), low, high))
    return Estimate(value, low, high), theta, phi


def length_inputs(pairs: Sequence[JudgedPair]) -> "NDArray[np.float64]":
    """tanh(d / sd d) of each pair; d is not centred, since 0 has to stay equal length."""
    import numpy as np

    extra = np.array([pair.extra_chars for pair in pairs], dtype=np.float64)
    return np.asarray(np.tanh(extra / extra.std(ddof=1)))


def fit(
    inputs: "NDArray[np.float64]", scores: "NDArray[np.float64]", weights: "NDArray[np.float64]"
) -> "tuple[NDArray[np.float64], NDArray[np.float64]]":
    """Parameters of greatest likelihood, theta and phi, for each row of `weights`, shape (fits, pairs).

    Newton's method, its steps shortened by log(1 + m) / m, m the most that a pair's logit would move: it converges from
    anywhere (Sun & Tran-Dinh 2019, Mathematical Programming 178, p. 145, nu = 2).
    """
    import numpy as np

    theta, phi = np.zeros(len(weights)), np.zeros(len(weights))
    ends = inputs.min(), inputs.max()
    left = np.arange(len(weights))
    for _ in range(STEPS):
        taken = weights[left]
        chances = _logistic(theta[left, None] + phi[left, None] * inputs)
        missing = taken * (scores - chances)
        curve = taken * chances * (1 - chances)
        up, along = missing.sum(axis=1) - RIDGE * theta[left], missing @ inputs - RIDGE * phi[left]
        h_up, h_both, h_along = curve.sum(axis=1) + RIDGE, curve @ inputs, curve @ inputs**2 + RIDGE
        scale = h_up * h_along - h_both**2
        by_theta, by_phi = (h_along * up - h_both * along) / scale, (h_up * along - h_both * up) / scale
        most = np.maximum(*(np.abs(by_theta + by_phi * end) for end in ends))
        short = np.log1p(most) / np.maximum(most, 1e-300)
        theta[left] += by_theta * short
        phi[left] += by_phi * short
        left = left[most > CLOSE]
        if not len(left):
            break
    return theta, phi


def _why_not(pairs: Sequence[JudgedPair], prompts: int) -> str:
    """Why the verdicts allow no fit; empty where they do."""
    none = "no win rate at equal length: "
    if prompts < MIN_PROMPTS:
        return f"{none}{prompts} prompts with a readable outcome, and {MIN_PROMPTS} are the least for it"
    if all(pair.score == 0.5 for pair in pairs):
        return f"{none}every pair is a tie"
    extra = {pair.extra_chars for pair in pairs}
    if extra == {0}:
        return f"{none}the two answers to every prompt are equally long, so the raw rate is that already"
    if min(extra) > 0 or max(extra) < 0:
        side = "longer" if min(extra) > 0 else "shorter"
        return f"{none}the first model's answer is the {side} one for every prompt, so nothing was judged at equal length"
    separated = _separation(pairs)
    return none + separated if separated else ""


def _separation(pairs: Sequence[JudgedPair]) -> str:
    """Whether some length parts wins from losses, so that the likelihood has no greatest value (Albert & Anderson 1984)."""
    won = [pair.extra_chars for pair in pairs if pair.score == 1]
    lost = [pair.extra_chars for pair in pairs if pair.score == 0]
    tied = [pair.extra_chars for pair in pairs if 0 < pair.score < 1]
    if len(set(tied)) > 1:
        return ""  # ties at two lengths hold the curve from both sides
    if not tied and not (won and lost):
        return f"the first model {'won' if won else 'lost'} every pair, whatever the lengths"
    above, below = [*won, *tied], [*lost, *tied]
    if min(above) >= max(below) or max(above) <= min(below):
        return "the difference in length parts wins from losses without exception, so that no curve fits best"
    return ""


def _strata(pairs: Sequence[JudgedPair], subject: str) -> list[Measurement]:
    """The raw win rate over the prompts to which the first model wrote more, and over those to which it wrote less."""
    equal = sum(pair.extra_chars == 0 for pair in pairs)
    found = []
    for metric, which, sign in (("win_rate_where_longer", "longer", 1), ("win_rate_where_shorter", "shorter", -1)):
        by_prompt: dict[str, list[float]] = {}
        for pair in pairs:
            if pair.extra_chars * sign > 0:
                by_prompt.setdefault(pair.prompt_id, []).append(pair.score)
        if by_prompt:
            means = [sum(scores) / len(scores) for scores in by_prompt.values()]
            how = f"wins + ties / 2 of the pairs in which the first model's answer is the {which} one"
            how += "; bootstrap over prompts, 95 %"
            how += f"; {equal} pairs of equal length are in neither" if equal else ""
            found.append(Measurement(metric, subject, *bootstrap_mean(means, BOOTSTRAP_SEED), len(means), how))
    return found


def _logistic(logits: "NDArray[np.float64]") -> "NDArray[np.float64]":
    from scipy.special import expit

    return expit(logits)  # type: ignore[no-any-return]
