"""PKU-SafeRLHF: rows invented after its columns, and the real label-less file."""

import json
from pathlib import Path
from typing import Any

import pytest

from align.errors import InputError
from align.preferences.pairs import Preferences
from align.preferences.safe_rlhf import SafeRlhf
from toy_records import Made, inputs, run


def row(safe: tuple[bool, bool], better: int, safer: int, **more: Any) -> dict[str, Any]:
    return {
        "prompt": "a?",
        "response_0": "zero",
        "response_1": "one",
        "is_response_0_safe": safe[0],
        "is_response_1_safe": safe[1],
        "better_response_id": better,
        "safer_response_id": safer,
        **more,
    }


def new(levels: tuple[int, int]) -> dict[str, Any]:
    """The columns that newer releases add."""
    harms = [{"Violence": level > 0, "Drugs": level > 1} for level in levels]
    return {
        "response_0_harm_category": harms[0],
        "response_1_harm_category": harms[1],
        "response_0_severity_level": levels[0],
        "response_1_severity_level": levels[1],
    }


def made_of(tmp_path: Path, *rows: Any, **fields: Any) -> Made:
    path = tmp_path / "train.jsonl"
    path.write_text("".join(json.dumps(item) + "\n" for item in rows), encoding="utf-8")
    out = tmp_path / f"out{len(list(tmp_path.glob('out*')))}"
    return run(Preferences(sources=(SafeRlhf(paths=(path,), **fields),)), inputs(tmp_path), out)


BOTH, FIRST, NONE = (True, True), (True, False), (False, False)


@pytest.mark.parametrize(
    ("rule", "labels", "chosen"),
    [
        ("safe_first", (FIRST, 1, 0), "zero"),  # the unsafe one is the more helpful: safety goes first
        ("safe_first", (BOTH, 1, 0), "one"),  # both safe: the more helpful one
        ("safer", (FIRST, 1, 0), "zero"),
        ("safer", (BOTH, 1, 0), "zero"),
        ("safer", (NONE, 0, 1), "one"),
        ("helpful", (BOTH, 1, 0), "one"),
    ],
)
def test_each_rule_prefers_what_it_says(tmp_path: Path, rule: Any, labels: Any, chosen: str) -> None:
    assert [pair.chosen for pair in made_of(tmp_path, row(*labels), rule=rule).pairs] == [chosen]


def test_rows_that_a_rule_cannot_use_are_counted(tmp_path: Path) -> None:
    good = row(BOTH, 0, 0)
    assert made_of(tmp_path, good, row(NONE, 0, 1)).counts.skipped == {"both answers are unsafe": 1}
    assert made_of(tmp_path, good, row(FIRST, 0, 1)).counts.skipped == {"the unsafe answer is called the safer one": 1}
    assert made_of(tmp_path, good, row(FIRST, 0, 0), rule="helpful").counts.skipped == {"not both answers are safe": 1}


def test_new_columns_give_the_margin_and_the_harms_of_the_worse_answer(tmp_path: Path) -> None:
    [pair] = made_of(tmp_path, row(FIRST, 0, 0, **new((0, 3)))).pairs
    assert pair.margin == 3.0  # 3 severe less 0 safe
    assert pair.tags == ("safe/unsafe", "harm:Drugs", "harm:Violence", "no conflict")


def test_old_columns_and_two_safe_answers_have_no_margin(tmp_path: Path) -> None:
    assert [pair.margin for pair in made_of(tmp_path, row(FIRST, 1, 0)).pairs] == [None]
    [pair] = made_of(tmp_path, row(BOTH, 1, 0, **new((0, 0)))).pairs
    assert (pair.margin, pair.tags) == (None, ("safe/safe",))


def test_old_new_and_label_less_rows_are_read_side_by_side(tmp_path: Path) -> None:
    bare = {"prompt": "b?", "response": ["safer", "less safe"]}
    made = made_of(tmp_path, row(FIRST, 0, 0), bare, row(FIRST, 0, 0, prompt="c?", **new((0, 1))))
    assert [pair.chosen for pair in made.pairs] == ["zero", "safer", "zero"]
    assert made.pairs[1].tags == ("safer/less safe",)


@pytest.mark.parametrize(
    ("broken", "says"),
    [
        ({"better_response_id": 2}, "better_response_id must be 0 or 1 .got 2"),
        ({"is_response_0_safe": 1}, "is_response_0_safe must be true or false .got 1"),
        ({"response_1": None}, "response_1 must be text .got None"),
        ({"response_0_severity_level": "0", "response_1_severity_level": 0}, "response_0_severity_level must be a number from 0"),
    ],
)
def test_a_value_that_cannot_be_is_refused_with_file_and_row(tmp_path: Path, broken: dict[str, Any], says: str) -> None:
    with pytest.raises(InputError, match=f"train.jsonl: row 1: {says}"):
        made_of(tmp_path, row(FIRST, 0, 0) | broken)


def test_renamed_columns_fail_loudly(tmp_path: Path) -> None:
    renamed = {name.replace("safer_response_id", "safer"): value for name, value in row(FIRST, 0, 0).items()}
    with pytest.raises(InputError, match="row 1: missing columns: 'safer_response_id'; the row has: 'prompt'"):
        made_of(tmp_path, renamed)


def test_rows_without_labels_cannot_be_ranked_by_help(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="carry no labels, so rule 'helpful' cannot be applied"):
        made_of(tmp_path, {"prompt": "b?", "response": ["safer", "less safe"]}, rule="helpful")


def test_the_real_pairs_repeat_and_contradict_each_other(tmp_path: Path, real_data: Path) -> None:
    path = real_data / "preference" / "pku_saferlhf" / "pku_saferlhf_pairs.first1500.json"
    rows = [(item["prompt"], *item["response"]) for item in json.loads(path.read_text(encoding="utf-8"))]
    made = run(Preferences(sources=(SafeRlhf(paths=(path,)),)), inputs(tmp_path), tmp_path / "out")
    stripped = {tuple(text.strip() for text in item) for item in rows}
    sound = {item for item in stripped if item[1] != item[2]}
    opposed = {item for item in sound if (item[0], item[2], item[1]) in sound}
    assert made.counts.read == len(rows) == 1500
    assert len(made.pairs) == len(sound - opposed)
    assert opposed
