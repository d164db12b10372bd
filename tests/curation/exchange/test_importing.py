"""Decisions that were made elsewhere, added to a database."""

from dataclasses import replace
from pathlib import Path

import pytest

from align.curation.decisions import decision_for, verdict_on
from align.curation.store import Ask, CurationStore
from align.errors import AlignError
from align.records import Decision, Turn, content_of
from toy_records import example

TIDES = example("stack_exchange/ocean/1", "Why are there tides?", "The moon pulls.")
WAVES = example("stack_exchange/ocean/2", "Why are there waves?", "The wind blows.")
LONGER = (Turn("user", "Why are there tides?"), Turn("assistant", "The moon pulls, and so does the sun."))
THEN = "2026-01-02T03:04:05+00:00"
EDIT = decision_for(TIDES, "edit", "bo", turns=LONGER, at=THEN)
REJECT = decision_for(WAVES, "reject", "bo", reason="too short", at=THEN)


@pytest.fixture
def store(tmp_path: Path) -> CurationStore:
    opened = CurationStore.open(f"sqlite:///{tmp_path / 'curation.db'}")
    opened.add_person("ada", "ada")
    opened.add_person("ada", "bo")
    return opened


def test_a_file_comes_in_once_however_often_it_is_imported(store: CurationStore) -> None:
    for _ in range(2):
        assert store.import_decisions("ada", [EDIT, REJECT]).refused == {}
    found = list(store.decisions())
    assert [(item.example_id, item.action, item.curator, item.turns, item.reason) for item in found] == [
        (TIDES.id, "edit", "bo", LONGER, ""),
        (WAVES.id, "reject", "bo", (), "too short"),
    ]
    assert verdict_on(TIDES, found).turns(TIDES) == LONGER
    assert found[0].note == f"decided {THEN}"


def test_what_a_person_decided_here_stands_against_what_they_said_elsewhere(store: CurationStore) -> None:
    store.decide(Ask("here", WAVES.id, content_of(WAVES.turns), 0, "accept", "bo"))
    done = store.import_decisions("ada", [EDIT, REJECT])
    assert done.refused == {f"{WAVES.id} by bo": "bo has decided about it here"}
    assert {item.example_id: item.action for item in store.decisions()} == {TIDES.id: "edit", WAVES.id: "accept"}


def test_decisions_of_somebody_unknown_stay_out_and_are_told(store: CurationStore) -> None:
    done = store.import_decisions("ada", [replace(REJECT, curator="cleo"), EDIT])
    assert list(done.refused) == [f"{WAVES.id} by cleo"]
    assert "add them on the page Team" in done.refused[f"{WAVES.id} by cleo"]
    assert len(done.events) == 1


def test_who_is_no_lead_imports_nothing(store: CurationStore) -> None:
    with pytest.raises(AlignError, match="lead"):
        store.import_decisions("bo", [EDIT])
    assert list(store.decisions()) == []


def test_the_curators_own_undo_takes_an_imported_decision_back(store: CurationStore) -> None:
    store.import_decisions("ada", [EDIT])
    store.undo("bo", "undo-1")
    assert list(store.decisions()) == []


@pytest.mark.parametrize("is_turned", [False, True])
def test_a_rejection_of_an_edited_text_comes_in_with_its_edit(store: CurationStore, is_turned: bool) -> None:
    no = Decision(TIDES.id, content_of(LONGER), "reject", "bo", EDIT.at, (), "still wrong")
    told = [no, EDIT] if is_turned else [EDIT, no]  # a file is sorted by content, not by what builds on what
    assert store.import_decisions("ada", told).refused == {}
    assert verdict_on(TIDES, store.decisions()).action == "reject"


def test_the_history_tells_who_imported_what_others_said(store: CurationStore) -> None:
    for _ in range(2):  # the second time nothing comes in, and nothing is told
        store.import_decisions("ada", [EDIT, REJECT])
    told = [(row.who, row.detail) for row in store.audit() if row.what == "import decisions"]
    assert told == [("ada", "2 decisions")]
