"""From verdicts to a win rate: wins, ties and losses stay apart, and what could not be read is counted."""

from collections.abc import Sequence
from dataclasses import dataclass

from align.records import Measurement
from align.statistics import bootstrap_mean, sign_test, wilson

BOOTSTRAP_SEED = 0
COUNTED = (
    ("wins", 1.0, "the first model won"),
    ("ties", 0.5, "neither model won"),
    ("losses", 0.0, "the second model won"),
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the judge said of one pair."""

    prompt_id: str
    shares: tuple[float | None, ...]
    """For each order shown: 1 the first model is better, 0 the second, 0.5 neither, None not readable."""

    @property
    def score(self) -> float | None:
        """1 a win of the first model, 0 a loss, 0.5 a tie or a verdict that changed with the order; None if one is missing."""
        if None in self.shares:
            return None
        return self.shares[0] if len(set(self.shares)) == 1 else 0.5


def measure_outcomes(outcomes: Sequence[Outcome], subject: str, judge: str, orders: str) -> list[Measurement]:
    """Counts, rates and their intervals over prompts, from the first model's side."""
    scores = [outcome.score for outcome in outcomes if outcome.score is not None]
    rule = "a win in one order alone is a tie" if orders == "both" else "each pair shown in one order, drawn from the prompt's id"
    found = [
        counted(metric, subject, scores.count(score), len(scores), f"pairs that {whose}, by {judge}; {rule}; Wilson 95 %")
        for metric, score, whose in COUNTED
    ]
    by_prompt = scores_by_prompt(outcomes)
    if by_prompt:
        found += rates(by_prompt, subject)
    found.append(_unparsed(outcomes, scores, subject, judge))
    read = [outcome for outcome in outcomes if outcome.score is not None and len(outcome.shares) == 2]
    if read:
        flips = sum(len(set(outcome.shares)) > 1 for outcome in read)
        how = "share of pairs whose verdict changed with the order shown, Wilson 95 %"
        found.append(Measurement("flip_rate", subject, flips / len(read), *wilson(flips, len(read)), len(read), how))
    return found


def scores_by_prompt(outcomes: Sequence[Outcome]) -> list[list[float]]:
    """The readable scores of each prompt: its samples are not independent, so the prompt is the item."""
    found: dict[str, list[float]] = {}
    for outcome in outcomes:
        if outcome.score is not None:
            found.setdefault(outcome.prompt_id, []).append(outcome.score)
    return list(found.values())


def rates(by_prompt: list[list[float]], subject: str) -> list[Measurement]:
    means = [sum(scores) / len(scores) for scores in by_prompt]
    wins, losses = sum(mean > 0.5 for mean in means), sum(mean < 0.5 for mean in means)
    test = f"sign test over prompts: {wins} against {losses}, p = {sign_test(wins, losses):.3g}"
    least = [sum(score >= 0.5 for score in scores) / len(scores) for scores in by_prompt]
    over = "bootstrap over prompts, 95 %"
    count = len(means)
    return [
        Measurement("win_rate", subject, *bootstrap_mean(means, BOOTSTRAP_SEED), count, f"wins + ties / 2; {over}; {test}"),
        Measurement("at_least_as_good", subject, *bootstrap_mean(least, BOOTSTRAP_SEED), count, f"wins + ties; {over}"),
    ]


def counted(metric: str, subject: str, number: int, count: int, how: str) -> Measurement:
    low, high = wilson(number, count)
    return Measurement(metric, subject, float(number), low * count, high * count, count, how)


def _unparsed(outcomes: Sequence[Outcome], scores: Sequence[float], subject: str, judge: str) -> Measurement:
    """Pairs left out of the rates, and how far they could have moved the win rate."""
    missing, total = len(outcomes) - len(scores), len(outcomes)
    how = f"pairs without a readable verdict by {judge}, left out of the rates"
    if missing:
        worst, best = sum(scores) / total, (sum(scores) + missing) / total
        how += f"; had all been losses the win rate over pairs would be {worst:.3f}, had all been wins {best:.3f}"
    return Measurement("unparsed", subject, float(missing), count=total, method=how)
