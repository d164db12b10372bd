"""What the outcomes of a benchmark say: accuracy with its interval, beside chance, and from one model to the next."""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from itertools import pairwise

from align.evaluation.benchmarks.benchmark import Benchmark, Outcome
from align.records import Measurement
from align.statistics import Estimate, clustered_mean, share, share_change, sign_test
from align.text import normalize

Answers = dict[str, list[Outcome]]
"""The outcomes of each model, of the same questions in the same order."""


def measure(task: Benchmark, answers: Answers, tagged: AbstractSet[str] | None) -> list[Measurement]:
    """Chance, accuracy of each model over all and by subject, without `tagged` questions, and the change between models."""
    found = []
    first = next(iter(answers.values()))
    if all(item.options for item in first):
        chance = sum(1 / item.options for item in first) / len(first)
        found.append(Measurement("chance", task.name, chance, count=len(first), method="mean over questions of 1 / options"))
    subjects = list(dict.fromkeys(item.subject for item in first if item.subject))
    for model, outcomes in answers.items():
        found.append(_accuracy(task, task.metric, f"{model} on {task.name}", outcomes))
        for subject in subjects:
            own = [item for item in outcomes if item.subject == subject]
            found.append(_accuracy(task, task.metric, f"{model} on {task.name}/{subject}", own))
        clean = None if tagged is None else [item for item in outcomes if not _is_tagged(item, tagged)]
        if clean:
            left_out = f", without {len(outcomes) - len(clean)} that stand in the training set"
            found.append(_accuracy(task, f"{task.metric}_clean", f"{model} on {task.name}", clean, left_out))
    for (old, before), (new, after) in pairwise(answers.items()):
        found.append(_change(task, f"{new} against {old} on {task.name}", before, after))
    return found


def _accuracy(task: Benchmark, metric: str, subject: str, outcomes: Sequence[Outcome], left_out: str = "") -> Measurement:
    questions = [item.asks for item in outcomes]
    scores = [item.score for item in outcomes]
    if _all_or_nothing(scores):
        rate, how = share([score == 1 for score in scores], questions)
    else:
        rate, how = _inside(clustered_mean(scores, questions), 0, 1), "95 %, clustered by question"
    what = f"{len(outcomes)} questions{left_out}, {task.words()}"
    return Measurement(metric, subject, *rate, len(set(questions)), f"{what}; {how}")


def _change(task: Benchmark, subject: str, before: Sequence[Outcome], after: Sequence[Outcome]) -> Measurement:
    questions = [item.asks for item in after]
    new, old = [item.score for item in after], [item.score for item in before]
    count = len(set(questions))
    if not _all_or_nothing([*new, *old]):
        differences = [late - early for late, early in zip(new, old, strict=True)]
        change = _inside(clustered_mean(differences, questions), -1, 1)
        words = f"change on the same {len(after)} questions; 95 %, clustered by question"
        return Measurement(f"{task.metric}_change", subject, *change, count, words)
    gained = sum(late > early for late, early in zip(new, old, strict=True))
    lost = sum(late < early for late, early in zip(new, old, strict=True))
    change, how = share_change([score == 1 for score in new], [score == 1 for score in old], questions)
    test = f"exact McNemar test over questions, p = {sign_test(gained, lost):.3g}"
    words = f"change on the same {len(after)} questions: {gained} gained, {lost} lost; {how}; {test}"
    return Measurement(f"{task.metric}_change", subject, *change, count, words)


def _all_or_nothing(scores: Sequence[float]) -> bool:
    return all(score in (0, 1) for score in scores)


def _inside(found: Estimate, least: float, most: float) -> Estimate:
    low = None if found.low is None else max(least, found.low)
    high = None if found.high is None else min(most, found.high)
    return Estimate(found.value, low, high)


def _is_tagged(item: Outcome, tagged: AbstractSet[str]) -> bool:
    return any(normalize(text) in tagged for text in item.asks)
