"""Evaluation texts in training data."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from align.dedup.contamination import Contamination
from align.dedup.overlap import index_runs, shared_runs
from align.errors import EmptyResult
from align.records import Example, Origin, Turn
from toy_records import Made, document, example, inputs, run

LONG = "Please write me a plan for a week of hiking along the coast of Brittany with two small children and a dog"  # 21 words
SHORT = "Which stars can a sailor steer by at night?"  # 9 words
TINY = "Tell me a story."  # 4 words
TESTS = [example("test/long", LONG), example("test/short", SHORT), example("test/tiny", TINY)]
CLEAN = example("pool/clean", "What is a sextant?", "An instrument that measures angles.")


def clean_of(tmp_path: Path, *pool: Example, sought: list[Example] | None = None, **fields: Any) -> Made:
    stage = Contamination(against=("test_prompts",), **fields)
    return run(stage, inputs(tmp_path, [CLEAN, *pool], against=sought or TESTS), tmp_path / "out")


def test_thirteen_words_in_a_row_anywhere_in_a_response_are_a_hit_and_twelve_are_not(tmp_path: Path) -> None:
    words = LONG.split()
    thirteen = example("pool/13", "Any ideas?", "You asked: " + " ".join(words[3:16]).upper() + "?!")
    twelve = example("pool/12", "Any ideas?", "You asked: " + " ".join(words[3:15]) + "?!")
    made = clean_of(tmp_path, thirteen, twelve)
    assert made.ids == ["pool/clean", "pool/12"]
    by, reason, detail = made.rejections["pool/13"]
    assert (by, reason) == ("contamination", "in against")
    assert detail == 'test/long: shares 13 words, "a plan for a week of hiking along the coast of brittany with"'


def test_a_short_prompt_counts_where_a_document_holds_all_of_it(tmp_path: Path) -> None:
    whole = document("pool/whole", "He asked me: which stars can a sailor steer by at night? I did not know.")
    part = document("pool/part", "He asked me which stars can a sailor steer by in fog.")
    made = clean_of(tmp_path, whole, part)
    assert made.ids == ["pool/clean", "pool/part"]
    assert 'test/short: shares 9 words, "which stars can a sailor steer by at night"' in made.rejections["pool/whole"][2]


def test_a_common_phrase_is_only_a_hit_as_a_whole_prompt(tmp_path: Path) -> None:
    inside = example("pool/inside", "Tell me a story. It should have a dragon in it.", "Once upon a time.")
    asked = example("pool/asked", "tell me a story!", "Once upon a time.")
    made = clean_of(tmp_path, inside, asked)
    # "tell me a story." and "tell me a story!": 15 of 16 characters agree, 2 * 15 / 32 = 0.94
    assert made.rejections == {
        "pool/asked": ("contamination", "in against", 'test/tiny: same prompt (similarity 0.94), "tell me a story"')
    }


def test_an_evaluation_prompt_that_is_one_sentence_of_a_prompt_is_found_though_a_word_differs(tmp_path: Path) -> None:
    # "which stars can a sailor steer by at night?" has 43 characters, with "one" for "a sailor" 38; 36 agree in order:
    # 2 * 36 / 81 = 0.89, so a limit of 0.85 finds it
    asked = example("pool/asked", "The sky is clear. Which stars can one steer by at night? The moon is down.", "Polaris.")
    made = clean_of(tmp_path, asked, similarity=0.85)
    assert made.rejections["pool/asked"][2].startswith("test/short: same sentence (similarity 0.89)")


def test_a_later_question_of_a_dialogue_is_compared_too(tmp_path: Path) -> None:
    turns = (Turn("user", "Hi!"), Turn("assistant", "Hello."), Turn("user", TINY), Turn("assistant", "No."))
    made = clean_of(tmp_path, Example("pool/dialogue", turns, Origin("pool", "1")))
    assert list(made.rejections) == ["pool/dialogue"]


def test_the_answers_of_a_held_out_set_are_looked_for_as_well(tmp_path: Path) -> None:
    answer = "Fill the hollow with warm sand and wait until the glue has set before you take the clamp away."
    held_out = [example("held/1", "How do I bend the ribs of a lute?", answer)]
    made = clean_of(tmp_path, document("pool/copy", f"An old trick. {answer}"), sought=held_out)
    assert list(made.rejections) == ["pool/copy"]


def test_a_run_does_not_reach_from_one_turn_into_the_next(tmp_path: Path) -> None:
    words = LONG.split()
    split = example("pool/split", " ".join(words[:10]), " ".join(words[10:]))
    assert clean_of(tmp_path, split).rejections == {}


def test_every_evaluation_item_that_is_hit_is_named(tmp_path: Path) -> None:
    both = example("pool/both", SHORT, LONG)
    detail = clean_of(tmp_path, both).rejections["pool/both"][2]
    assert [part.split(":")[0] for part in detail.split("; ")] == ["test/long", "test/short"]


def test_tag_keeps_the_example_and_lists_the_hit(tmp_path: Path) -> None:
    asked = example("pool/asked", TINY, "Once.")
    made = clean_of(tmp_path, asked, action="tag")
    assert made.examples == [CLEAN, replace(asked, tags=("contaminated",))]
    assert made.counts.noted == {"contamination: in against": 1}
    hits = [json.loads(line) for line in (made.path / "files" / "hits.jsonl").read_text().splitlines()]
    assert hits == [{"example_id": "pool/asked", "hits": 'test/tiny: same prompt (similarity 1.00), "tell me a story"'}]


def test_how_much_of_each_evaluation_set_was_found_is_measured(tmp_path: Path) -> None:
    made = clean_of(tmp_path, example("pool/1", TINY, "Once."), example("pool/2", TINY, "Twice."))
    assert made.measurements == {("evaluation_items_found", "against"): 1.0}  # both examples hit the same item


def test_when_nothing_is_left_the_error_says_where_everything_stands(tmp_path: Path) -> None:
    with pytest.raises(EmptyResult, match=r"each of them stands in an evaluation set \(in against [1-9]\)"):
        run(Contamination(against=("t",)), inputs(tmp_path, [example("pool/1", TINY)], against=TESTS), tmp_path / "out")


def test_short_words_above_words_is_refused() -> None:
    with pytest.raises(ValidationError, match="short_words .9. must not be more than words .8."):
        Contamination(against=("t",), words=8, short_words=9)


def test_the_index_finds_what_comparing_every_place_finds() -> None:
    sought = [list("abcdefgh"), list("cdcdcd"), list("xy")]
    passing = [list("zabcdcdcdz"), list("xy"), [], list("bcdef")]
    index = index_runs(sought, run_words=4, short_words=2)
    found = {(run.text, run.indexed): len(run.words) for run in shared_runs(index, passing)}
    assert found == {
        (text, item): longest
        for text, words in enumerate(passing)
        for item, other in enumerate(sought)
        if (longest := max(_common(words, other), default=0)) >= min(4, len(other))
    }
    assert found == {(0, 0): 4, (0, 1): 6, (1, 2): 2, (3, 0): 5}


def _common(first: list[str], second: list[str]) -> Iterator[int]:
    for start in range(len(first)):
        for other in range(len(second)):
            length = 0
            while (
                start + length < len(first) and other + length < len(second) and first[start + length] == second[other + length]
            ):
                length += 1
            yield length


def test_the_prompt_that_stands_in_both_halves_of_lima_is_found(tmp_path: Path, real_data: Path) -> None:
    train = [
        example(f"train/{number}", row["instruction"], row["output"])
        for number, row in enumerate(json.loads((real_data / "lima" / "lima.json").read_text(encoding="utf-8")))
    ]
    lines = (real_data / "lima" / "lima_test_set.jsonl").read_text(encoding="utf-8").splitlines()
    tests = [example(f"test/{number}", json.loads(line)["conversations"]) for number, line in enumerate(lines)]
    both = {item.prompt for item in train} & {item.prompt for item in tests}
    made = run(Contamination(against=("t",)), inputs(tmp_path, train, against=tests), tmp_path / "out")
    assert len(both) == 1
    assert {item.id for item in train if item.prompt in both} <= set(made.rejections)
    assert len(made.rejections) <= 5, made.rejections


def test_other_words_in_another_order_are_found_by_their_vectors_only_where_asked(tmp_path: Path) -> None:
    # all words of the evaluation prompt, turned round: no run of words, few characters in order
    turned = example("pool/turned", "At night, steer by which stars? Can a sailor?", "By the pole star.")
    assert clean_of(tmp_path / "plain", turned).rejections == {}
    found = clean_of(tmp_path / "vectors", turned, method="embedding").rejections
    assert found == {
        "pool/turned": (
            "contamination",
            "in against",
            'test/short: alike prompt (cosine 1.00), "which stars can a sailor steer by at night"',
        )
    }
    assert clean_of(tmp_path / "both", turned, method="both").rejections == found


def test_vectors_alone_do_not_see_a_prompt_inside_a_response(tmp_path: Path) -> None:
    quoted = example("pool/quoted", "Any ideas?", f"You asked: {LONG}")
    assert "pool/quoted" in clean_of(tmp_path / "vectors", quoted, method="embedding").ids
    both = clean_of(tmp_path / "both", quoted, method="both", cosine=0.5)
    assert list(both.rejections) == ["pool/quoted"]


def test_each_turn_of_a_user_is_compared_by_itself(tmp_path: Path) -> None:
    turns = (Turn("user", "Hello there"), Turn("assistant", "Hi"), Turn("user", TINY), Turn("assistant", "Once."))
    chat = Example("pool/chat", turns, Origin("pool", "1"))
    assert (
        clean_of(tmp_path, chat, method="embedding")
        .rejections["pool/chat"][2]
        .startswith("test/tiny: alike prompt (cosine 1.00)")
    )
