"""How much of a win rate is the judge's taste, in words and on the page."""

import re
from pathlib import Path

from fake_run import Make
from test_headline import told
from test_report import report

from align.artifact import Artifact
from align.evaluation.canaries import KINDS
from align.records import Measurement

SUBJECT = "sft against base"


def rate(metric: str, value: float, low: float | None = None, high: float | None = None, count: int = 60) -> Measurement:
    return Measurement(metric, SUBJECT, value, low, high, count, f"how {metric}")


RAW = rate("win_rate", 0.62, 0.53, 0.7)
LONGER = rate("longer_share", 0.7, 0.61, 0.78)
NO_CURVE = Measurement("no_length_control", SUBJECT, 7, count=7, method="no win rate at equal length: every pair is a tie")


def check(right: int, wrong: str = "") -> Measurement:
    return Measurement("canaries_right", "openai_chat m", right, 1, 9, 11, f"known; Wilson 95 %{wrong and f'; wrong: {wrong}'}")


def test_the_rate_at_equal_length_stands_beside_the_win_rate() -> None:
    said = told([RAW, rate("length_controlled_win_rate", 0.58, 0.52, 0.66), LONGER])
    assert "At equal length it is 58 % (52–66)." in said
    assert "length may be all" not in said


def test_a_rate_that_changes_sides_at_equal_length_is_warned_of() -> None:
    said = told([RAW, rate("length_controlled_win_rate", 0.46, 0.37, 0.55), LONGER])
    assert (
        "The longer answer won 70 % (61–78) of the verdicts that chose one, and at equal length the win rate of sft against base is "
        "46 % (37–55) instead of 62 % (53–70), on the other side of 50 %: length may be all that was preferred."
    ) in said
    assert "At equal length it is" not in said  # the same figure twice
    # a win of the second model that is owed to length, too
    said = told([rate("win_rate", 0.4, 0.3, 0.49), rate("length_controlled_win_rate", 0.55, 0.45, 0.6), LONGER])
    assert "on the other side of 50 %" in said


def test_a_rate_that_is_lost_in_its_interval_at_equal_length_is_warned_of() -> None:
    said = told([RAW, rate("length_controlled_win_rate", 0.54, 0.46, 0.62), LONGER])
    assert "instead of 62 % (53–70), which cannot be told from 50 %: length may be all that was preferred." in said


def test_without_a_taste_for_length_nothing_is_warned_of() -> None:
    other_side = rate("length_controlled_win_rate", 0.46, 0.37, 0.55)
    assert "length may be all" not in told([RAW, other_side, rate("longer_share", 0.55, 0.46, 0.64)])
    assert "length may be all" not in told([RAW, other_side, rate("longer_share", 0.3, 0.21, 0.4)])


def test_why_there_is_no_rate_at_equal_length_is_said() -> None:
    assert "No win rate at equal length: every pair is a tie." in told([RAW, NO_CURVE])


def test_a_judge_whose_verdicts_hang_on_the_order_is_warned_of() -> None:
    first = rate("first_shown_share", 0.85, 0.8, 0.9)
    said = told([RAW, first, rate("flip_rate", 0.7, 0.6, 0.8)])
    assert (
        "70 % (60–80) of the pairs were judged otherwise in the other order, and the answer shown first won 85 % (80–90)" in said
    )
    assert "in the other order" not in told([RAW, first, rate("flip_rate", 0.4, 0.3, 0.5)])
    # shown once each, nothing can flip
    assert "each pair was seen in one order, and the answer shown first won 85 % (80–90)" in told([RAW, first])
    assert "seen in one order" not in told([RAW, rate("first_shown_share", 0.55, 0.45, 0.65)])


def test_a_judge_that_fails_its_test_is_not_to_be_believed() -> None:
    assert "openai_chat m judged 11 of 11 pairs with a known answer rightly." in told([RAW, check(11)])
    said = told([RAW, check(5, "2 of 2 of identical answers")])
    assert (
        "The judge fails its test: openai_chat m judged 5 of 11 pairs with a known answer rightly, and wrongly 2 of 2 of identical "
        "answers. What it prefers says nothing of quality."
    ) in said
    assert "fails its test" not in told([RAW, check(6, "2 of 2 of identical answers")])


def test_a_judge_that_an_answer_can_steer_is_told_even_if_it_gets_the_rest_right() -> None:
    said = told([RAW, check(10, f"1 of 3 {KINDS['steering']}")])
    assert "What an answer says to it can steer it." in said
    assert "can steer it" not in told([RAW, check(10, f"1 of 3 {KINDS['empty']}")])


def judged(make: Make, name: str, *figures: Measurement) -> Artifact:
    return make(name, "compare", list(figures), parameters={"judge": {"kind": "openai_chat", "model": "m"}})


def test_the_page_has_the_panel_its_warnings_and_no_second_place_for_them(make: Make, tmp_path: Path) -> None:
    stage = judged(
        make, "judged", RAW, rate("length_controlled_win_rate", 0.46, 0.37, 0.55), LONGER,
        rate("first_shown_share", 0.52, 0.48, 0.56), rate("said_tie_share", 0.2, 0.15, 0.26),
        rate("win_rate_where_longer", 0.71, 0.6, 0.8), rate("win_rate_where_shorter", 0.33, 0.2, 0.45), check(4, "2 of 2 of identical answers"),
    )  # fmt: skip
    page = report([stage], tmp_path)
    assert re.search(
        r"sft against base judged 62 % \(53–70\) 46 % \(37–55\) 71 % \(60–80\) 33 % \(20–45\) 70 % \(61–78\) 52 % \(48–56\) 20 % \(15–26\)",
        page.text,
    )
    assert "how length_controlled_win_rate." in page.text
    html = (tmp_path / "report.html").read_text(encoding="utf-8")
    notices = [re.sub(r"\u2060", "", text) for text in re.findall(r'<p class="notice">(.*?)</p>', html)]
    assert ["length may be all" in text for text in notices] == [True, False]
    assert notices[1].startswith("The judge fails its test")
    assert 'id="other"' not in html


def test_several_comparisons_share_a_sentence_and_those_without_a_curve_say_why(make: Make, tmp_path: Path) -> None:
    other = Measurement("win_rate", "dpo against sft", 0.5, 0.3, 0.7, 7)
    why = Measurement(
        "no_length_control", "dpo against sft", 7, count=7, method="no win rate at equal length: every pair is a tie"
    )
    page = report(
        [
            judged(make, "one", RAW, rate("length_controlled_win_rate", 0.58, 0.52, 0.66)), judged(make, "two", other, why),
        ],
        tmp_path,
    )  # fmt: skip
    assert (
        "At equal length: of sft against base 58 % (52–66). For dpo against sft there is no win rate at equal length; the table says why."
        in page.text
    )
    assert "dpo against sft, two: no win rate at equal length: every pair is a tie." in page.text


def test_a_comparison_from_before_the_panel_has_none(make: Make, tmp_path: Path) -> None:
    assert "Length and place" not in report([judged(make, "old", RAW)], tmp_path).text
