"""Which checkpoint is picked, and how surely."""

import pytest

from align.errors import EmptyResult
from align.evaluation.picking import Grades, measurements, pick, rejections


def graded(**epochs: list[float | None]) -> Grades:
    """One response to each of the prompts p0, p1, ...: epoch05=[grade, grade, ...]."""
    return {
        name.replace("epoch", "epoch-"): {(f"p{number}", 0): value for number, value in enumerate(values)}
        for name, values in epochs.items()
    }


def test_the_highest_mean_grade_is_picked_with_its_lead_over_each_other() -> None:
    found = pick(graded(epoch05=[1, 2, 3], epoch06=[2, 4, 6], epoch07=[2, 4, 5]))
    assert found.checkpoint == "epoch-06"
    # mean 4, sd 2, error 2 / sqrt(3) = 1.1547, t(2) = 4.302653: reach 4.968
    assert found.means["epoch-06"] == pytest.approx((4.0, 4 - 4.968, 4 + 4.968), abs=1e-3)
    # 1, 2, 3 ahead of epoch 5: resampled, never below 1; 0, 0, 1 ahead of epoch 7, which may be nothing
    assert found.differences["epoch-05"].value == 2.0
    assert found.differences["epoch-05"].low == pytest.approx(1.0)
    assert found.differences["epoch-07"].value == pytest.approx(1 / 3)
    assert found.not_told_apart == ["epoch-07"]


def test_of_equal_means_the_earlier_epoch_is_picked() -> None:
    # tenths do not add up exactly in another order: 0.1 + 0.2 + 0.3 is not 0.3 + 0.2 + 0.1
    found = pick(graded(epoch09=[1.3, 1.2, 1.1], epoch10=[1.1, 1.2, 1.3]))
    assert found.checkpoint == "epoch-09"
    assert found.not_told_apart == ["epoch-10"]


def test_a_prompt_that_one_checkpoint_has_no_grade_for_counts_for_none() -> None:
    # with p0, epoch 6 would have the mean 3.5 against 2; on p1 alone epoch 5 is ahead
    found = pick(graded(epoch05=[None, 2], epoch06=[6, 1]))
    assert (found.checkpoint, found.prompts) == ("epoch-05", 1)
    [rejection] = rejections(found)
    assert (rejection.example_id, rejection.detail) == ("p0", "no readable grade of epoch-05, response 0")
    assert found.means["epoch-05"].low is None  # one prompt gives no interval
    assert found.not_told_apart == ["epoch-06"]


def test_five_responses_to_one_prompt_are_one_item() -> None:
    several = {
        "epoch-05": {("p", n): 1.0 for n in range(5)} | {("q", 0): 4.0},
        "epoch-06": {("p", n): 2.0 for n in range(5)} | {("q", 0): 1.0},
    }
    found = pick(several)
    # prompt means: 1 and 4 against 2 and 1; over responses epoch 6 would lead, 11 / 6 against 9 / 6
    assert (found.checkpoint, found.means["epoch-05"].value, found.prompts, found.responses) == ("epoch-05", 2.5, 2, 6)


def test_without_a_prompt_that_all_are_graded_on_nothing_is_picked() -> None:
    with pytest.raises(
        EmptyResult, match=r"no prompt has a readable grade of every checkpoint \(p0: no readable grade of epoch-05"
    ):
        pick(graded(epoch05=[None], epoch06=[3]))


def test_the_measurements_say_who_graded_and_what_is_not_told_apart() -> None:
    found = pick(graded(epoch05=[1, 2, 3], epoch06=[2, 4, 6], epoch07=[2, 4, 5]))
    rows = {(item.metric, item.subject): item for item in measurements(found, "sft", "2 people", "epochs 5, 6, 7")}
    assert rows["helpfulness", "sft/epoch-05"].value == 2.0
    assert rows["helpfulness_difference", "sft/epoch-06 against sft/epoch-05"].value == 2.0
    picked = rows["picked_epoch", "sft"]
    assert picked.value == 6.0
    assert (
        picked.method
        == "highest mean grade by 2 people, the earlier of equal ones; of epochs 5, 6, 7; not told apart from epoch 7"
    )
