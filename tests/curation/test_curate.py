"""Decisions of people, and the stage that applies them."""

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from align.curation.curate import Curate
from align.curation.decisions import decision_for, fold, verdict_on
from align.errors import EmptyResult, InputError, RecipeError, Shortfall
from align.rawfiles import hash_raw_files, missing_files
from align.records import Decision, Turn, as_json
from align.runner import artifact_key
from align.stage import Inputs
from toy_records import Made, example, inputs, run

TIDES = example("stack_exchange/ocean/1", "Why are there tides?", "The moon pulls.")
WAVES = example("stack_exchange/ocean/2", "Why are there waves?", "The wind blows.")
SALT = example("stack_exchange/ocean/3", "Why is the sea salty?", "Rivers bring it.")
SEA = [TIDES, WAVES, SALT]
LONGER = (Turn("user", "Why are there tides?"), Turn("assistant", "The moon pulls, and so does the sun."))


def decide(item: Any, action: Any, at: int = 1, curator: str = "ada", **fields: Any) -> Decision:
    return decision_for(item, action, curator, at=f"2026-01-02T03:04:{at:02d}+00:00", **fields)


def write(tmp_path: Path, *decisions: Decision, name: str = "decisions.jsonl") -> Path:
    path = tmp_path / name
    path.write_text("".join(as_json(decision) + "\n" for decision in decisions), encoding="utf-8")
    return path


def curated(tmp_path: Path, *decisions: Decision, **fields: Any) -> Made:
    return run(Curate(decisions=write(tmp_path, *decisions), **fields), inputs(tmp_path, SEA), tmp_path / "out")


def test_accepted_and_edited_examples_stay_and_rejected_ones_go_with_the_persons_reason(tmp_path: Path) -> None:
    edit = decide(TIDES, "edit", turns=LONGER)
    reject = decide(WAVES, "reject", reason="not self-contained", note="asks for a picture")
    accept = decide(SALT, "accept")
    made = curated(tmp_path, edit, reject, accept)
    assert [(item.id, item.turns) for item in made.examples] == [(TIDES.id, LONGER), (SALT.id, SALT.turns)]
    assert made.rejections == {WAVES.id: ("person", "not self-contained", "ada: asks for a picture")}
    assert made.decisions == [edit, reject, accept]
    assert made.counts.dropped == {"person: not self-contained": 1}
    assert made.counts.noted == {"edited": 1, "accepted": 1}


@pytest.mark.parametrize(("undecided", "kept"), [("drop", [TIDES.id]), ("keep", [TIDES.id, WAVES.id, SALT.id])])
def test_undecided_and_flagged_examples_are_dropped_or_kept(tmp_path: Path, undecided: Any, kept: list[str]) -> None:
    made = curated(tmp_path, decide(TIDES, "accept"), decide(WAVES, "flag", note="is it the wind alone?"), undecided=undecided)
    assert made.ids == kept
    assert made.counts.noted["undecided"] == 2
    if undecided == "drop":
        assert made.rejections[WAVES.id] == ("curate", "undecided", "ada: flag: is it the wind alone?")
        assert made.rejections[SALT.id] == ("curate", "undecided", "")


def test_a_decision_on_other_text_is_listed_and_never_applied(tmp_path: Path) -> None:
    other = example(TIDES.id, "Why are there tides?", "The moon pulls at the water.")
    made = curated(tmp_path, decide(other, "reject", reason="wrong", note="no sun"), decide(WAVES, "accept"))
    assert made.rejections[TIDES.id] == ("curate", "undecided", "every decision is stale")
    assert [(item.example_id, item.note) for item in made.decisions] == [
        (TIDES.id, "stale: made on another text; no sun"),
        (WAVES.id, ""),
    ]
    assert made.counts.noted["stale decisions"] == 1


def test_decisions_about_examples_that_are_not_there_are_counted(tmp_path: Path) -> None:
    made = curated(tmp_path, decide(example("stack_exchange/ocean/9"), "accept"), undecided="keep")
    assert made.counts.noted["decisions on unknown examples"] == 1
    assert made.decisions == []


def test_the_last_decision_by_time_counts_then_the_last_in_the_file() -> None:
    late, early = decide(TIDES, "reject", at=9), decide(TIDES, "accept", at=1)
    assert fold([late, early]) == [late]
    first, second = decide(TIDES, "accept", at=5), decide(TIDES, "reject", at=5)
    assert fold([first, second]) == [second]


def test_times_are_compared_as_moments_and_not_as_text() -> None:
    # 10:30 in India is 05:00 UTC, before 06:00 UTC, though "10" is the larger text
    india = decision_for(TIDES, "accept", "ada", at="2026-01-02T10:30:00+05:30")
    london = decision_for(TIDES, "reject", "bob", at="2026-01-02T06:00:00Z")
    assert fold([london, india]) == [london]


def test_who_skips_does_not_undo_what_another_decided() -> None:
    accept, skip = decide(TIDES, "accept", at=1), decide(TIDES, "skip", at=2, curator="bob")
    assert fold([accept, skip]) == [accept]
    assert fold([skip]) == [skip]


def test_a_decision_about_the_edited_text_is_about_that_text() -> None:
    edited = example(TIDES.id, LONGER[0].text, LONGER[1].text)
    edit, reject = decide(TIDES, "edit", at=1, turns=LONGER), decide(edited, "reject", at=2)
    verdict = verdict_on(TIDES, fold([reject, edit]))
    assert (verdict.action, verdict.stale) == ("reject", [])
    before = decide(edited, "accept", at=0)  # made before anybody edited this example: about another text
    verdict = verdict_on(TIDES, fold([before, edit]))
    assert (verdict.applied, verdict.stale) == ([edit], [before])


def test_an_edit_back_and_forth_ends() -> None:
    edited = example(TIDES.id, LONGER[0].text, LONGER[1].text)
    there, back = decide(TIDES, "edit", at=1, turns=LONGER), decide(edited, "edit", at=2, turns=TIDES.turns)
    verdict = verdict_on(TIDES, fold([there, back]))
    assert verdict.turns(TIDES) == TIDES.turns


def key_of(tmp_path: Path, path: Path) -> str:
    stage = Curate(decisions=path)
    return artifact_key(stage, Inputs(inputs(tmp_path, SEA).data), hash_raw_files(stage, tmp_path / "store"))


def test_what_stands_decides_the_key_and_not_the_bytes_of_the_file(tmp_path: Path) -> None:
    accept, reject = decide(TIDES, "accept", at=3), decide(WAVES, "reject", at=3)
    key = key_of(tmp_path, write(tmp_path, accept, reject, name="a.jsonl"))
    assert key_of(tmp_path, write(tmp_path, decide(TIDES, "flag", at=1), reject, accept, name="b.jsonl")) == key
    assert key_of(tmp_path, write(tmp_path, accept, decide(WAVES, "reject", at=3, reason="wrong"), name="c.jsonl")) != key


def test_a_missing_file_is_told_like_any_raw_file(tmp_path: Path) -> None:
    stage = Curate(decisions=tmp_path / "nobody.jsonl")
    stage.identity()  # the plan counts on without it
    [missing] = missing_files("picked", stage)
    assert (missing.field, missing.path) == ("decisions", tmp_path / "nobody.jsonl")
    assert missing_files("picked", Curate(decisions=write(tmp_path))) == []


def test_an_empty_file_means_that_nobody_has_decided_yet(tmp_path: Path) -> None:
    with pytest.raises(EmptyResult, match=r"0 of 3 examples are accepted \([a-z ]+ 3\); decide"):
        curated(tmp_path)


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("{", "decisions.jsonl:1: line: Invalid JSON"),
        ('{"example_id": "x"}', "example_content: .*curator: "),
        (json.dumps(json.loads(as_json(decide(TIDES, "accept"))) | {"action": "approve"}), "action: Input should be 'accept'"),
        (
            json.dumps(json.loads(as_json(decide(TIDES, "accept"))) | {"at": "yesterday"}),
            "at: not an ISO 8601 time .got 'yesterday'",
        ),
        (json.dumps(json.loads(as_json(decide(TIDES, "accept"))) | {"action": "edit"}), "an edit brings the edited turns"),
    ],
)
def test_a_line_that_is_no_decision_is_told_with_its_number(tmp_path: Path, line: str, says: str) -> None:
    (tmp_path / "decisions.jsonl").write_text(line + "\n", encoding="utf-8")
    with pytest.raises(InputError, match=says):
        run(Curate(decisions=tmp_path / "decisions.jsonl"), inputs(tmp_path, SEA), tmp_path / "out")


def test_stop_names_the_cell_that_lacks_accepted_examples(tmp_path: Path) -> None:
    groups = tmp_path / "groups.yaml"
    groups.write_text("stem: [ocean]\nother: [cooking]\n", encoding="utf-8")
    stage: dict[str, Any] = {"undecided": "stop", "take": {"stem": 2}, "groups": groups}
    with pytest.raises(Shortfall, match=r"cell 'stem' wants 2, accepted 1, 2 undecided \(stack_exchange/ocean/2, stack"):
        curated(tmp_path, decide(TIDES, "accept"), **stage)
    with pytest.raises(Shortfall, match="cell 'stem' wants 2, accepted 1, none left to decide: draw a larger shortlist"):
        curated(tmp_path, decide(TIDES, "accept"), decide(WAVES, "reject"), decide(SALT, "reject"), **stage)
    made = curated(tmp_path, decide(TIDES, "accept"), decide(WAVES, "accept"), **stage)
    assert made.ids == [TIDES.id, WAVES.id]


def test_stop_without_a_quota_waits_for_every_example(tmp_path: Path) -> None:
    with pytest.raises(Shortfall, match=r"not enough is decided: 1 undecided \(stack_exchange/ocean/3\)"):
        curated(tmp_path, decide(TIDES, "accept"), decide(WAVES, "reject"), undecided="stop")


def test_settings_that_do_nothing_together_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="`take` says when `undecided: stop` may go on"):
        Curate(decisions=tmp_path, take={"stem": 1})


def test_an_edit_without_turns_is_no_decision() -> None:
    with pytest.raises(RecipeError, match="an edit brings the edited turns"):
        decision_for(TIDES, "edit", "ada")
