"""Which checkpoint is best by its grades, and how surely: prompts are the items, compared pair by pair."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from align.errors import EmptyResult
from align.records import Measurement, Rejection
from align.statistics import Estimate, clustered_mean, paired_difference

SCALE = "helpfulness"
BOOTSTRAP_SEED = 0
ROUNDING = 9
"""Decimals of a mean that count: means of equal grades added up in another order are equal."""

Place = tuple[str, int]
"""A prompt's id and the number of the response to it."""
Grades = Mapping[str, Mapping[Place, float | None]]
"""By checkpoint, in the order of epochs, the grade of each response; None where there is none."""


@dataclass(frozen=True, slots=True)
class Pick:
    """The checkpoint whose responses were graded highest, and what it rests on."""

    checkpoint: str
    means: dict[str, Estimate]
    """Mean grade of each checkpoint, over the prompts that all of them have grades for."""
    differences: dict[str, Estimate]
    """Mean grade of the picked one less that of each other, prompt by prompt."""
    prompts: int
    responses: int
    """How many responses of each checkpoint count."""
    left_out: dict[str, str]
    """Prompts without a grade of every checkpoint, and whose is missing."""

    @property
    def not_told_apart(self) -> list[str]:
        """The checkpoints whose difference from the picked one could be none: its interval holds 0, or there is none."""
        return [name for name, found in self.differences.items() if found.low is None or found.low <= 0]


def pick(grades: Grades) -> Pick:
    """The checkpoint with the highest mean grade; of equal ones the earliest."""
    complete, left_out = _complete(grades)
    if not complete:
        some = next(iter(left_out.items()), ("", "no prompt was graded"))
        raise EmptyResult(f"pick_checkpoint: no prompt has a readable grade of every checkpoint ({some[0]}: {some[1]}).")
    ids = list(dict.fromkeys(prompt for prompt, _ in complete))
    by_prompt = {name: _prompt_means(graded, complete, ids) for name, graded in grades.items()}
    means = {name: clustered_mean(values, ids) for name, values in by_prompt.items()}
    best = max(means, key=lambda name: round(means[name].value, ROUNDING))  # the first of equal ones
    differences = {
        name: paired_difference(by_prompt[best], values, BOOTSTRAP_SEED) for name, values in by_prompt.items() if name != best
    }
    return Pick(best, means, differences, len(ids), len(complete), left_out)


def measurements(found: Pick, model: str, judge: str, compared: str) -> list[Measurement]:
    """The grade of every checkpoint, what the picked one is ahead by, and which it is. `compared` says which there were."""
    count = found.prompts
    how = f"mean grade of {found.responses} responses from 1 to 6 by {judge}; 95 %, over prompts"
    rows = [Measurement(SCALE, f"{model}/{name}", *mean, count, how) for name, mean in found.means.items()]
    how = "mean difference of grades on the same prompts; bootstrap over prompts, 95 %, not corrected for picking the best"
    best = f"{model}/{found.checkpoint}"
    rows += [
        Measurement(f"{SCALE}_difference", f"{best} against {model}/{name}", *item, count, how)
        for name, item in found.differences.items()
    ]
    method = f"highest mean grade by {judge}, the earlier of equal ones; of {compared}; {_certainty(found)}"
    return [*rows, Measurement("picked_epoch", model, float(epoch_of(found.checkpoint)), count=count, method=method)]


def rejections(found: Pick) -> list[Rejection]:
    """The prompts that do not count, since a grade is missing."""
    return [Rejection(prompt, "pick_checkpoint", "ungraded", why) for prompt, why in found.left_out.items()]


def epoch_of(checkpoint: str) -> int:
    """5 of `epoch-05`."""
    return int(checkpoint.removeprefix("epoch-"))


def _certainty(found: Pick) -> str:
    alike = [str(epoch_of(name)) for name in found.not_told_apart]
    if not alike:
        return "told apart from every other"
    return f"not told apart from epoch{'s' * (len(alike) > 1)} {', '.join(alike)}"


def _complete(grades: Grades) -> tuple[list[Place], dict[str, str]]:
    """The responses of prompts that every checkpoint has all grades for, and the other prompts."""
    places = list(dict.fromkeys(place for graded in grades.values() for place in graded))
    left_out: dict[str, str] = {}
    for prompt, sample in places:
        for name, graded in grades.items():
            if graded.get((prompt, sample)) is None:
                left_out.setdefault(prompt, f"no readable grade of {name}, response {sample}")
    return [place for place in places if place[0] not in left_out], left_out


def _prompt_means(graded: Mapping[Place, float | None], places: Sequence[Place], ids: Sequence[str]) -> list[float]:
    values: dict[str, list[float]] = {prompt: [] for prompt in ids}
    for place in places:
        values[place[0]].append(float(graded[place] or 0))
    return [sum(several) / len(several) for several in values.values()]
