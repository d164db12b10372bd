"""Single answers with their labels."""

import json
from pathlib import Path
from typing import Any

import pytest

from align.errors import EmptyResult, InputError
from align.preferences.beavertails import BeaverTails
from align.preferences.json_lines import JsonLines
from align.preferences.labelled import LabelledResponses
from align.preferences.pairs import PairSource
from align.preferences.safe_rlhf import SafeRlhf
from align.records import Example, Origin, Turn
from toy_records import Made, inputs, run


def row(prompt: str, response: str, safe: bool = True, **harms: bool) -> dict[str, Any]:
    return {"prompt": prompt, "response": response, "category": harms, "is_safe": safe}


def made_of(tmp_path: Path, *rows: Any, source: type[PairSource] = BeaverTails, out: str = "out", **fields: Any) -> Made:
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps(item) + "\n" for item in rows), encoding="utf-8")
    without = fields.pop("elsewhere", None)
    read = inputs(tmp_path) if without is None else inputs(tmp_path, without=without)
    return run(LabelledResponses(sources=(source(paths=(path,), license="CC0-1.0"),), **fields), read, tmp_path / out)


def told(made: Made) -> dict[str, float]:
    return {example.response: example.signals["desirable"] for example in made.examples}


def test_every_answer_of_beavertails_has_its_label_with_or_without_a_counterpart(tmp_path: Path) -> None:
    made = made_of(tmp_path, row("a?", "Better not."), row("b?", "Like so.", False, self_harm=True, privacy_violation=False))
    assert told(made) == {"Better not.": 1.0, "Like so.": 0.0}
    assert [example.tags for example in made.examples] == [("safe",), ("unsafe", "harm:self_harm")]
    first = made.examples[0]
    assert first.turns == (Turn("user", "a?"), Turn("assistant", "Better not."))
    assert (first.origin.native_id, first.origin.authors[0].license) == ("1", "CC0-1.0")


def test_of_safe_rlhf_both_answers_of_a_row_count_by_their_own_labels(tmp_path: Path) -> None:
    both = {"response_0": "No.", "response_1": "Yes.", "is_response_0_safe": True, "is_response_1_safe": False}
    made = made_of(tmp_path, {"prompt": "a?"} | both, source=SafeRlhf)
    assert told(made) == {"No.": 1.0, "Yes.": 0.0}
    assert [example.origin.native_id for example in made.examples] == ["1/0", "1/1"]
    # the published form without labels says only which of two is safer
    with pytest.raises(InputError, match="missing columns: 'response_0'"):
        made_of(tmp_path, {"prompt": "a?", "response": ["No.", "Yes."]}, source=SafeRlhf)


def test_of_pairs_the_preferred_answer_is_desirable(tmp_path: Path) -> None:
    made = made_of(tmp_path, {"prompt": "a?", "chosen": "Aye.", "rejected": "Nay."}, source=JsonLines)
    assert told(made) == {"Aye.": 1.0, "Nay.": 0.0}


def test_empty_repeated_and_contradicted_answers_go_with_their_reason(tmp_path: Path) -> None:
    rows = [
        row("a?", "Hm."),
        row("a?", "Hm.", False),
        row("a?", "No."),
        row("a?", " No. "),
        row("a?", "", False),
        row("b?", "Hm."),
    ]
    made = made_of(tmp_path, *rows)
    assert [(example.prompt, example.response) for example in made.examples] == [("a?", "No."), ("b?", "Hm.")]
    assert made.counts.dropped == {
        "labelled_responses: called both desirable and undesirable": 2,
        "labelled_responses: duplicate": 1,
        "labelled_responses: empty answer": 1,
    }


def test_safe_answers_alone_are_examples_to_fine_tune_on(tmp_path: Path) -> None:
    rows = [row("a?", "Better not."), row("a?", "Like so.", False), row("b?", "Ask first.")]
    held_out = [Example("held/1", (Turn("user", "b?"),), Origin("held", "1"))]
    made = made_of(tmp_path, *rows, keep="desirable", without=("held",), elsewhere=held_out)
    assert told(made) == {"Better not.": 1.0}
    assert {reason for _, reason, _ in made.rejections.values()} == {"on the other side", "prompt in a set it must stay out of"}
    with pytest.raises(EmptyResult, match="0 of 1 answers"):
        made_of(tmp_path, row("a?", "Better not."), keep="undesirable", out="none")


def test_a_smaller_limit_lies_in_a_larger_one(tmp_path: Path) -> None:
    rows = [row(f"question {number}?", "Hm.", bool(number % 3)) for number in range(30)]
    few, many = ({example.id for example in made_of(tmp_path, *rows, out=str(limit), limit=limit).examples} for limit in (5, 12))
    assert len(few) == 5
    assert few < many
