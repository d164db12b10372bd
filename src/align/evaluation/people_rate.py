"""From people's verdicts to a win rate: what several people say of one pair are repeated measures, so prompts are the items."""

from collections.abc import Sequence
from dataclasses import replace

from align.evaluation.win_rate import COUNTED, Outcome, counted, rates, scores_by_prompt
from align.records import Measurement


def measure_people(outcomes: Sequence[Outcome], subject: str, people: int) -> list[Measurement]:
    """Counts of pairs and rates over prompts, from the first model's side; an outcome has a share for each person.

    In the rates every verdict counts as much, averaged by prompt before prompts are resampled. In the counts a pair is won by the
    model that more people preferred; where as many preferred the other it is a tie.
    """
    who = people_in_words(people)
    rule = "each saw a pair once, in an order drawn for them"
    if people > 1:
        rule += "; a pair goes to the model that more of them preferred, of as many each it is a tie"
    sides = [_side(outcome) for outcome in outcomes]
    found = [
        counted(metric, subject, sides.count(score), len(sides), f"pairs that {whose}, by {who}; {rule}; Wilson 95 %")
        for metric, score, whose in COUNTED
    ]
    single = [Outcome(outcome.prompt_id, (share,)) for outcome in outcomes for share in outcome.shares]
    how = f"verdicts of {who}, averaged by prompt"
    return found + [replace(item, method=f"{how}: {item.method}") for item in rates(scores_by_prompt(single), subject)]


def people_in_words(number: int) -> str:
    """`1 person`, `2 people`."""
    return "1 person" if number == 1 else f"{number} people"


def _side(outcome: Outcome) -> float:
    """1 where more people preferred the first model, 0 the second, 0.5 as many each."""
    wins, losses = outcome.shares.count(1.0), outcome.shares.count(0.0)
    return 0.5 if wins == losses else float(wins > losses)
