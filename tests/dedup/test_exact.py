"""Exact duplicates."""

from dataclasses import replace
from pathlib import Path

import pytest

from align.dedup.exact import Exact
from align.errors import RecipeError
from align.records import Turn
from toy_records import document, example, inputs, run


def test_prompts_that_differ_in_case_space_and_letter_form_are_one(tmp_path: Path) -> None:
    # "ﬁ" (one ligature) and "fi" are the same letters after NFKC; "?" against "!" is another text.
    same = [
        example("a/1", "How do I find  a knot?"),
        example("a/2", "how do i ﬁnd\na KNOT?"),
        example("a/3", "How do I find a knot!"),
    ]
    made = run(Exact(), inputs(tmp_path, same), tmp_path / "out")
    assert made.ids == ["a/1", "a/3"]
    assert made.rejections == {"a/2": ("exact", "duplicate", "a/1")}


def test_by_default_two_answers_to_one_prompt_are_duplicates_and_with_both_they_are_not(tmp_path: Path) -> None:
    two = [example("a/1", "Why is the sky blue?", "Rayleigh."), example("a/2", "Why is the sky blue?", "It scatters.")]
    assert run(Exact(), inputs(tmp_path, two), tmp_path / "prompt").ids == ["a/1"]
    assert run(Exact(on="both"), inputs(tmp_path, two), tmp_path / "both").ids == ["a/1", "a/2"]


def test_the_same_answer_to_two_questions_is_found_on_the_response(tmp_path: Path) -> None:
    two = [example("a/1", "Why is the sky blue?", "Rayleigh."), example("a/2", "Who studied scattering?", "Rayleigh.")]
    assert run(Exact(on="response"), inputs(tmp_path, two), tmp_path / "out").ids == ["a/1"]


def test_a_long_answer_under_another_question_is_a_duplicate_and_a_short_one_is_not(tmp_path: Path) -> None:
    answer = "Rub it with beeswax. " * 10  # 209 characters without the last space
    waxed = [example("a/1", "Why does my drawer stick?", answer), example("a/2", "How do I wax a runner?", answer)]
    brief = [example("a/3", "May I oil it?", "Yes."), example("a/4", "May I paint it?", "Yes.")]
    made = run(Exact(), inputs(tmp_path, waxed + brief), tmp_path / "out")
    assert made.rejections == {"a/2": ("exact", "duplicate", "a/1")}
    assert run(Exact(min_chars=0), inputs(tmp_path, brief), tmp_path / "all").ids == ["a/3"]


def test_what_was_dropped_itself_drops_nothing_else(tmp_path: Path) -> None:
    # 2 has the prompt of 1 and the answer of 3; with 2 gone, 3 stands alone
    answer = "x" * 200
    chain = [example("a/1", "One?"), example("a/2", "One?", answer), example("a/3", "Three?", answer)]
    assert run(Exact(), inputs(tmp_path, chain), tmp_path / "out").ids == ["a/1", "a/3"]


def test_dialogues_that_open_alike_are_kept_apart(tmp_path: Path) -> None:
    hello = (Turn("user", "Hi!"), Turn("assistant", "Hello."))
    first = replace(example("a/1"), turns=(*hello, Turn("user", "What is a sextant?"), Turn("assistant", "An instrument.")))
    second = replace(example("a/2"), turns=(*hello, Turn("user", "What is a lute?"), Turn("assistant", "An instrument.")))
    assert run(Exact(), inputs(tmp_path, [first, second]), tmp_path / "out").ids == ["a/1", "a/2"]


def test_the_best_answered_one_stays_wherever_it_stands(tmp_path: Path) -> None:
    # scores 3, 9, 9, none: the first of the two nines stays; one without the signal never wins
    scores = [3, 9, 9]
    items = [example(f"a/{number}", "Which way is north?", answer_score=score) for number, score in enumerate(scores, 1)]
    made = run(Exact(keep="answer_score"), inputs(tmp_path, [example("a/0", "Which way is north?"), *items]), tmp_path / "out")
    assert made.ids == ["a/2"]
    assert {detail for _, _, detail in made.rejections.values()} == {"a/2"}


def test_a_signal_that_no_example_has_is_refused_with_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="keep: no example has a signal 'answer_scor'.*first, answer_score"):
        run(Exact(keep="answer_scor"), inputs(tmp_path, [example("a/1", answer_score=1)]), tmp_path / "out")


def test_what_has_no_such_text_is_kept_and_counted(tmp_path: Path) -> None:
    prompts = [example("a/1", "One?"), example("a/2", "Two?")]
    made = run(Exact(on="response"), inputs(tmp_path, prompts), tmp_path / "out")
    assert made.ids == ["a/1", "a/2"]
    assert made.counts.noted == {"nothing to compare": 2}


def test_a_document_is_its_own_prompt(tmp_path: Path) -> None:
    documents = [document("c/1", "Tides rise."), document("c/2", "tides  rise."), document("c/3", "Tides fall.")]
    assert run(Exact(), inputs(tmp_path, documents), tmp_path / "out").ids == ["c/1", "c/3"]
