"""Agreement on the page and in words: what is said of a judge is what the interval tells."""

from pathlib import Path

import pytest
from fake_run import Make
from test_report import report

from align.artifact import Artifact
from align.records import Comparison, Measurement
from align.report.agreements import standing

LEAD = "mini with people less people among themselves"


def agreement(make: Make, lead: Measurement | None) -> Artifact:
    figures = [
        Measurement("tie_discounted_accuracy", "people among themselves", 0.8, 0.7, 0.9, 50),
        Measurement("tie_discounted_accuracy", "people and judges", 0.75, 0.65, 0.84, 50),
        Measurement("krippendorff_alpha", "all raters", 0.5, 0.3, 0.7, 50),
        *([lead] if lead else []),
        Measurement("tie_discounted_accuracy", "person 1 and mini", 0.75, 0.65, 0.84, 50),
        Measurement("krippendorff_alpha", "person 1 and mini", -0.13, -0.309, -0.0003, 50),
        Measurement("opposite_items", "all raters", 2, count=50),
    ]
    rows = [
        Comparison("eggs", "base", "sft", "first", "person 1"),
        Comparison("eggs", "base", "sft", "second", "person 2"),
        Comparison("eggs", "base", "sft", "tie", "mini"),
    ]
    return make("agreed", "agreement", [*rows, *figures])


def test_the_page_has_groups_beside_limas_figures_each_two_and_the_disputed_items(make: Make, tmp_path: Path) -> None:
    page = report([agreement(make, Measurement("agreement_difference", LEAD, -0.05, -0.15, 0.06, 50))], tmp_path).text
    assert "people among themselves 80 % (70–90) 78–82 % – 50" in page
    assert "people and judges 75 % (65–84) 78–79 % – 50" in page
    assert "all raters – – 0.50 (0.30 to 0.70) 50" in page
    assert "person 1 and mini 75 % (65–84) – −0.13 (−0.31 to 0.00) 50" in page
    assert "Two are opposite on 2 of 50 pairs of answers" in page
    assert "eggs person 1: base; person 2: sft; mini: neither" in page
    assert "Tie-discounted accuracy of people among themselves 80 % (70–90) and people and judges 75 % (65–84); LIMA" in page
    assert "cannot be told: the interval of the difference holds 0; −5 points (−15 to +6)." in page
    assert "mini is no worse" not in page


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [
        (0.0, 0.2, "mini is no worse than people: it agrees with them at least as well as they do among themselves"),
        (-0.01, 0.2, "cannot be told"),
        (-0.2, -0.01, "mini agrees with people less than they do among themselves"),
        (None, None, "Nothing can be said of mini beside people"),
    ],
)
def test_a_judge_is_called_no_worse_only_where_the_interval_tells_it(low: float | None, high: float | None, said: str) -> None:
    assert said in standing(Measurement("agreement_difference", LEAD, 0.05, low, high, 50))


def test_people_alone_are_told_without_a_judge(make: Make, tmp_path: Path) -> None:
    page = report([agreement(make, None)], tmp_path).text
    assert "How far people and judges agree" in page
    assert "no worse" not in page
