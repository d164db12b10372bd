"""BeaverTails: rows invented after its columns."""

import json
from pathlib import Path
from typing import Any

import pytest

from align.errors import InputError
from align.preferences.beavertails import BeaverTails
from align.preferences.pairs import Preferences
from toy_records import Made, inputs, run

WEAPONS = "drug_abuse,weapons,banned_substance"


def row(prompt: str, response: str, *harms: str) -> dict[str, Any]:
    return {
        "prompt": prompt,
        "response": response,
        "category": {WEAPONS: WEAPONS in harms, "self_harm": "self_harm" in harms},
        "is_safe": not harms,
    }


def made_of(tmp_path: Path, *rows: Any, seed: int = 1) -> Made:
    path = tmp_path / "30k_train.jsonl"
    path.write_text("".join(json.dumps(item) + "\n" for item in rows), encoding="utf-8")
    return run(Preferences(sources=(BeaverTails(paths=(path,), seed=seed),)), inputs(tmp_path), tmp_path / f"out{seed}")


def test_a_safe_answer_stands_against_an_unsafe_one_to_the_same_prompt(tmp_path: Path) -> None:
    made = made_of(tmp_path, row("a?", "Like so.", WEAPONS, "self_harm"), row("b?", "Hm."), row("a?", "Better not."))
    [pair] = made.pairs
    assert (pair.chosen, pair.rejected, pair.margin) == ("Better not.", "Like so.", None)
    assert pair.tags == ("safe/unsafe", f"harm:{WEAPONS}", "harm:self_harm")  # the name with commas is one name
    assert pair.origin.native_id == "3/1"
    assert made.counts.skipped == {"no unsafe answer to the same prompt": 1}


def test_each_unsafe_answer_has_one_safe_answer_and_safe_ones_serve_again(tmp_path: Path) -> None:
    made = made_of(tmp_path, row("a?", "s1"), row("a?", "s2"), *(row("a?", f"u{number}", WEAPONS) for number in range(5)))
    assert [pair.rejected for pair in made.pairs] == ["u0", "u1", "u2", "u3", "u4"]
    # five over two: three and two
    assert sorted([pair.chosen for pair in made.pairs].count(text) for text in ("s1", "s2")) == [2, 3]


def test_which_safe_answer_is_the_seeds(tmp_path: Path) -> None:
    rows = [row("a?", f"s{number}") for number in range(30)] + [row("a?", "u", WEAPONS)]
    chosen = {made_of(tmp_path, *rows, seed=seed).pairs[0].chosen for seed in (1, 2, 3)}
    assert len(chosen) > 1
    assert made_of(tmp_path, *rows).counts.skipped["no unsafe answer left to stand against"] == 29


def test_an_answer_that_people_marked_both_ways_proves_nothing(tmp_path: Path) -> None:
    made = made_of(
        tmp_path, row("a?", "Hm.", WEAPONS), row("a?", "Hm."), row("a?", "No."), row("a?", "No."), row("a?", "Yes.", WEAPONS)
    )
    assert [(pair.chosen, pair.rejected) for pair in made.pairs] == [("No.", "Yes.")]
    assert made.counts.skipped["an answer marked both safe and unsafe"] == 2
    assert made.counts.skipped["the same answer again"] == 1


def test_a_label_that_is_no_label_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="row 1: is_safe must be true or false .got 'False'"):
        made_of(tmp_path, row("a?", "Hm.") | {"is_safe": "False"})
