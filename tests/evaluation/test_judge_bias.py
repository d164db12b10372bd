"""Shares of verdicts: for the first answer, for the longer one, for neither."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from align.evaluation.judge_bias import ShownPair, measure_bias
from align.judges.judge import Choice
from align.records import Measurement
from align.statistics import wilson


def told(shown: Sequence[ShownPair]) -> dict[str, Measurement]:
    return {item.metric: item for item in measure_bias(shown, "sft against base", "someone")}


def both(prompt: str, extra: int, forth: Choice, back: Choice) -> list[ShownPair]:
    """One pair in both orders; `extra` characters more of the first model."""
    return [ShownPair(prompt, forth, extra), ShownPair(prompt, back, -extra)]


def test_shares_rest_on_the_verdicts_that_can_say_something() -> None:
    shown = [
        *both("a", 50, "first", "second"),  # the longer one twice; once the first shown
        *both("b", -50, "first", "first"),  # the shorter, then the longer one
        *both("c", 0, "second", "tie"),  # equally long: says nothing of length
        *both("d", 9, "unparsed", "first"),  # the shorter one
    ]
    found = told(shown)
    # first shown: a 1 of 2, b 2 of 2, c 0 of 1, d 1 of 1
    assert found["first_shown_share"].value == pytest.approx(4 / 6)
    # longer: a 2 of 2, b 1 of 2, d 0 of 1
    assert found["longer_share"].value == pytest.approx(3 / 5)
    assert found["longer_share"].count == 3
    # prompts: a for the longer one, d against it, b for neither: 2 * P(1 or fewer of 2) is more than 1
    assert "1 against 1, p = 1" in found["longer_share"].method
    assert found["said_tie_share"].value == pytest.approx(1 / 7)
    assert "share of 5 verdicts for the longer answer, in characters, by someone" in found["longer_share"].method


def test_a_judge_that_always_takes_the_first_answer_shows_in_its_place_and_not_in_length() -> None:
    found = told([item for number in range(30) for item in both(str(number), number + 1, "first", "first")])
    assert (found["first_shown_share"].value, found["longer_share"].value) == (1, 0.5)
    # all alike, so 30 prompts are 30 items: Wilson of 30 of 30
    assert (found["first_shown_share"].low, found["first_shown_share"].high) == pytest.approx(wilson(30, 30))


def test_both_orders_of_one_pair_are_one_item() -> None:
    found = told([item for number in range(3) for item in both(str(number), 10, "first", "second")])
    # six verdicts for the longer answer, three prompts: Wilson of 3 of 3 begins at 0.44, of 6 of 6 at 0.61
    assert found["longer_share"].low == pytest.approx(wilson(3, 3)[0])
    assert found["longer_share"].low < 0.5
    assert "3 against 0, p = 0.25" in found["longer_share"].method


def test_without_a_decided_verdict_nothing_is_said_of_place_and_length() -> None:
    assert [*told(both("a", 5, "tie", "tie"))] == ["said_tie_share"]
    assert told(both("a", 5, "unparsed", "unparsed")) == {}


def test_people_who_labelled_published_pairs_took_the_longer_answer_too(real_data: Path) -> None:
    rows = json.loads((real_data / "eval" / "llmbar" / "Processed_MT-Bench.json").read_text(encoding="utf-8"))
    shown = [
        ShownPair(str(number), "first" if row["label"] == 1 else "second", len(row["output_1"]) - len(row["output_2"]))
        for number, row in enumerate(rows)
    ]
    longer = [len(row[f"output_{row['label']}"]) > len(row[f"output_{3 - row['label']}"]) for row in rows]
    unequal = [len(row["output_1"]) != len(row["output_2"]) for row in rows]
    found = told(shown)["longer_share"]
    assert (found.value, found.count) == (sum(longer) / sum(unequal), sum(unequal))
    assert (found.low, found.high) == pytest.approx(wilson(sum(longer), sum(unequal)))
    assert found.low > 0.5
