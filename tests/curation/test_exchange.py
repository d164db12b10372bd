"""Decisions to and from Argilla's and Label Studio's files."""

import json
from pathlib import Path
from typing import Any

import pytest

from align.curation.decisions import decision_for
from align.curation.exchange import argilla, label_studio
from align.curation.exchange.said import import_answers, is_told_in_full
from align.errors import InputError
from align.records import Decision, Example, Origin, Turn, content_of

NOW = "2026-03-04T05:06:07+00:00"
TIDES = Example("ocean/1", (Turn("user", "Why are there tides?"), Turn("assistant", "The moon pulls.")), Origin("ocean", "1"))
WAVES = Example("ocean/2", (Turn("user", "Why are there waves?"), Turn("assistant", "The wind blows.")), Origin("ocean", "2"))
TALK = Example(
    "ocean/3",
    (Turn("user", "Is it salty?"), Turn("assistant", "Yes."), Turn("user", "Why?"), Turn("assistant", "Rivers bring it.")),
    Origin("ocean", "3"),
)
POOL = {item.id: item for item in (TIDES, WAVES, TALK)}
LONGER = (Turn("user", "Why are there tides?"), Turn("assistant", "The moon pulls, and so does the sun."))
SAID = [
    (
        TIDES,
        (decision_for(TIDES, "edit", "ada", turns=LONGER, note="longer", at=NOW), decision_for(TIDES, "accept", "bo", at=NOW)),
    ),
    (WAVES, (decision_for(WAVES, "reject", "ada", reason="too short", at=NOW),)),
    (TALK, ()),
]
MODULES: list[tuple[Any, Any]] = [(argilla, argilla.records), (label_studio, label_studio.tasks)]


def write(tmp_path: Path, data: Any) -> Path:
    path = tmp_path / "export.json"
    path.write_text(json.dumps(data), encoding="utf-8")
    return path


@pytest.mark.parametrize(("tool", "export"), MODULES)
def test_what_is_exported_comes_back_the_same(tmp_path: Path, tool: Any, export: Any) -> None:
    found = import_answers(tool.answers(write(tmp_path, export(SAID)), NOW), POOL.get, {})
    in_utc = sorted(found.decisions, key=lambda item: (item.example_id, item.curator))
    wanted = [decision for _, decisions in SAID for decision in decisions]
    assert [vars_of(item) for item in in_utc] == [vars_of(item) for item in wanted]
    assert found.unread == ()


@pytest.mark.parametrize(("tool", "export"), MODULES)
def test_a_rejection_of_an_edited_text_does_not_come_back_as_the_edit(tmp_path: Path, tool: Any, export: Any) -> None:
    edit = decision_for(TIDES, "edit", "ada", turns=LONGER, at=NOW)
    edited = Example(TIDES.id, LONGER, TIDES.origin)
    reject = decision_for(edited, "reject", "ada", at=NOW.replace("06:07", "06:08"))
    accept = decision_for(edited, "accept", "ada", at=NOW.replace("06:07", "06:08"))
    for said, left in ((reject, "reject"), (accept, "edit")):
        items = [(TIDES, (said, edit))]  # as the store lists them: not by time
        found = import_answers(tool.answers(write(tmp_path, export(items)), NOW), POOL.get, {})
        assert [item.action for item in found.decisions] == [left]


def vars_of(decision: Decision) -> tuple[Any, ...]:
    return (decision.example_id, decision.example_content, decision.action, decision.curator, decision.turns, decision.reason)


@pytest.mark.parametrize(("tool", "export"), MODULES)
def test_a_decision_is_about_the_text_that_the_tool_showed(tmp_path: Path, tool: Any, export: Any) -> None:
    """Another dump may have changed the post since: then the decision is stale, and `curate` will say so."""
    newer = {TIDES.id: Example(TIDES.id, LONGER, TIDES.origin)}
    found = import_answers(tool.answers(write(tmp_path, export(SAID[:1])), NOW), newer.get, {})
    assert {item.example_content for item in found.decisions} == {content_of(TIDES.turns)}


def test_words_of_another_tool_are_translated_and_others_are_listed(tmp_path: Path) -> None:
    data = [
        {
            "id": TIDES.id,
            "fields": {"text": "another form"},
            "responses": {"decision": [{"value": "good", "user_id": "u1"}, {"value": "maybe", "user_id": "u2"}]},
        },
        {
            "id": "ocean/9",
            "fields": {"text": "unknown here"},
            "responses": {"decision": [{"value": "good", "user_id": "u1"}], "note": [{"value": "hm", "user_id": "u3"}]},
        },
    ]
    found = import_answers(argilla.answers(write(tmp_path, data), NOW, {"u1": "ada"}), POOL.get, {"good": "accept"})
    assert [(item.example_id, item.action, item.curator) for item in found.decisions] == [(TIDES.id, "accept", "ada")]
    assert [(item.example_id, item.reason) for item in found.unread] == [
        (TIDES.id, "'maybe' stands for none of accept, reject, edit, flag, skip"),
        ("ocean/9", "not in the pool, and the file does not hold its text"),
        ("ocean/9", "no answer"),
    ]


def test_an_edit_that_changed_nothing_is_an_acceptance_and_an_acceptance_with_a_change_an_edit(tmp_path: Path) -> None:
    data = label_studio.tasks([(TIDES, ()), (WAVES, ())])
    data[0]["annotations"] = [annotation(decision="edit", edited_response="The moon pulls.", curator="ada")]
    data[1]["annotations"] = [annotation(decision="accept", edited_response="The wind blows hard.", curator="ada")]
    found = import_answers(label_studio.answers(write(tmp_path, data), NOW), POOL.get, {})
    assert [item.action for item in found.decisions] == ["accept", "edit"]
    assert found.decisions[1].turns[-1].text == "The wind blows hard."


def annotation(**said: str) -> dict[str, Any]:
    return {
        "result": [
            {
                "from_name": name,
                "to_name": "dialogue",
                "type": "any",
                "value": {"choices": [text]} if name == "decision" else {"text": text},
            }
            for name, text in said.items()
        ]
    }


def test_a_task_skipped_in_label_studio_is_a_skip_by_the_person_who_did(tmp_path: Path) -> None:
    data = label_studio.tasks([(TIDES, ())])
    data[0]["annotations"] = [{"result": [], "was_cancelled": True, "completed_by": {"id": 7, "email": "ada@example.org"}}]
    names = {"ada@example.org": "ada"}
    found = import_answers(label_studio.answers(write(tmp_path, data), NOW, names), POOL.get, {})
    assert [(item.action, item.curator) for item in found.decisions] == [("skip", "ada")]


def test_a_dialogues_inner_turns_cannot_be_told_to_another_tool() -> None:
    inner = (*TALK.turns[:1], Turn("assistant", "Very."), *TALK.turns[2:])
    outer = (*TALK.turns[:3], Turn("assistant", "Rivers and volcanoes bring it."))
    assert not is_told_in_full(decision_for(TALK, "edit", "ada", turns=inner), TALK)
    assert is_told_in_full(decision_for(TALK, "edit", "ada", turns=outer), TALK)


@pytest.mark.parametrize(
    ("module", "text", "said"),
    [
        (argilla, "{", "not JSON"),
        (argilla, '{"id": 1}', "not a list of objects"),
        (argilla, '[{"fields": {}}]', "record 1: has no id"),
        (
            argilla,
            '[{"id": "a", "fields": {"dialogue": [{"role": "user"}]}, "responses": {}}]',
            "list of objects with role and content",
        ),
        (argilla, '[{"id": "a", "fields": {}, "responses": {"decision": ["accept"]}}]', "an answer is"),
        (label_studio, '[{"data": {}}]', "data.example_id is missing"),
        (label_studio, '[{"data": {"example_id": "a"}}]', "annotations is no list"),
        (label_studio, '[{"data": {"example_id": "a"}, "annotations": [{"result": 3}]}]', "not as Label Studio writes it"),
        (label_studio, '[{"data": {"example_id": "a"}, "annotations": [{"result": []}]}]', "nobody stands as the curator"),
    ],
)
def test_a_file_of_another_form_is_told_with_its_place(tmp_path: Path, module: Any, text: str, said: str) -> None:
    path = tmp_path / "export.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=f"(?s){path}.*{said}"):
        list(module.answers(path, NOW))
