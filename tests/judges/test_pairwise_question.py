"""What a judge model is shown, and what is read from its reply."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from align.judges.pairwise_question import pairwise_question, read_verdict
from align.records import Turn

PROMPT = (Turn("user", "Why is the sky blue?"),)


def test_the_rules_stand_below_the_answers_and_the_answers_between_marks() -> None:
    system, user = pairwise_question(PROMPT, "Because of {Rayleigh}.", "It is not.")
    assert (system["role"], user["role"]) == ("system", "user")
    text = user["content"]
    order = [text.index(part) for part in ("user: Why is the sky blue?", "Because of {Rayleigh}.", "It is not.", "Rules:")]
    assert order == sorted(order)


@given(st.text(), st.text())
def test_no_answer_can_close_its_own_mark(first: str, second: str) -> None:
    user = pairwise_question(PROMPT, first, second)[1]["content"]
    code = user.split("\n")[0].removeprefix("[request ").removesuffix("]")
    assert code not in first + second
    # six marks (opened and closed thrice) and the rule that names the code
    assert user.count(code) == 7


def test_the_marks_differ_from_question_to_question_and_not_from_time_to_time() -> None:
    assert pairwise_question(PROMPT, "a", "b") == pairwise_question(PROMPT, "a", "b")
    assert pairwise_question(PROMPT, "a", "b")[1]["content"][:30] != pairwise_question(PROMPT, "b", "a")[1]["content"][:30]


@pytest.mark.parametrize(
    ("reply", "verdict", "reason"),
    [
        ('{"reason": "clear", "verdict": "first"}', "first", "clear"),
        ('{"verdict": "neither"}', "tie", ""),
        ('Sure!\n```json\n{"reason": "it has {braces}", "verdict": "second"}\n```', "second", "it has {braces}"),
        ('<think>maybe {"verdict": "first"}?</think>\n{"reason": "no", "verdict": "Second"}', "second", "no"),
        ("Answer 1 errs.\nVerdict: second.", "second", "Answer 1 errs."),
        ("**Final verdict: neither**\n", "tie", ""),
        ('{"verdict": "first"', "first", ""),
    ],
)
def test_a_verdict_is_read_whatever_stands_around_it(reply: str, verdict: str, reason: str) -> None:
    assert read_verdict(reply) == (verdict, reason)


@pytest.mark.parametrize(
    "reply",
    ["", "The first, but the second is fine too.", '{"verdict": "both"}', "firstly", '{"reason": "first"}', '{"a":' * 3000],
)
def test_what_is_no_verdict_is_not_guessed(reply: str) -> None:
    assert read_verdict(reply) is None
