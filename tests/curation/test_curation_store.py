"""The state of curation, the same in SQLite and PostgreSQL."""

from typing import Any

import pytest
from sqlalchemy import event

from align.curation.store import Ask, CurationStore, NotAllowed, StaleDecision
from align.errors import InputError
from align.records import Turn, content_of

TIDES = "stack_exchange/ocean/1"
WAVES = "stack_exchange/ocean/2"
TEXT = (Turn("user", "Why are there tides?"), Turn("assistant", "The moon pulls."))
LONGER = (Turn("user", "Why are there tides?"), Turn("assistant", "The moon pulls, and so does the sun."))
CONTENT = content_of(TEXT)


def ask(request: str, action: Any = "accept", curator: str = "ben", version: int = 0, **fields: Any) -> Ask:
    return Ask(request, fields.pop("example_id", TIDES), fields.pop("content", CONTENT), version, action, curator, **fields)


def said(store: CurationStore) -> list[tuple[str, str, str]]:
    return [(item.example_id, item.action, item.curator) for item in store.decisions()]


def counted(store: CurationStore, curator: str) -> dict[str, tuple[int, int]]:
    return {item.action: (item.standing, item.events) for item in store.counts() if item.curator == curator}


def test_the_same_request_twice_is_one_decision(store: CurationStore) -> None:
    first = store.decide(ask("r1", reason="clear", seconds=4.5, served="audit", blind=True))
    assert store.decide(ask("r1")) == first
    assert store.events_since(0) == [first]
    assert counted(store, "ben") == {"accept": (1, 1)}


def test_a_request_used_for_another_decision_is_refused(store: CurationStore) -> None:
    store.decide(ask("r1"))
    with pytest.raises(InputError, match="request r1 was used for another decision"):
        store.decide(ask("r1", example_id=WAVES))


def test_a_page_that_has_not_seen_the_last_event_writes_nothing(store: CurationStore) -> None:
    store.decide(ask("r1"))
    with pytest.raises(StaleDecision, match="ben has decided about it 1 times, the page had seen 0"):
        store.decide(ask("r2", "reject"))
    assert said(store) == [(TIDES, "accept", "ben")]
    store.decide(ask("r3", "reject", version=1))
    assert said(store) == [(TIDES, "reject", "ben")]


def test_undo_goes_back_one_event_at_a_time_to_the_very_first(store: CurationStore) -> None:
    store.decide(ask("r1"))
    store.decide(ask("r2", example_id=WAVES))
    store.decide(ask("r3", "reject", version=1))
    assert store.undo("ben", "u1").undoes == 8  # five people came before the decisions: 6, 7, 8
    assert said(store) == [(TIDES, "accept", "ben"), (WAVES, "accept", "ben")]
    assert store.undo("ben", "u1").undoes == 8  # the key was pressed once
    assert store.undo("ben", "u2").example_id == WAVES
    assert store.undo("ben", "u3").example_id == TIDES
    assert said(store) == []
    assert store.undo("ben", "u4") is None
    assert counted(store, "ben") == {"accept": (0, 2), "reject": (0, 1), "undo": (0, 3)}
    assert store.standing(TIDES)[0].version == 4


def test_an_undo_is_refused_while_another_person_has_the_example_open(store: CurationStore) -> None:
    store.decide(ask("r1"))
    assert store.lease("cem", [TIDES]) == [TIDES]
    with pytest.raises(NotAllowed, match="cem has it open now"):
        store.undo("ben", "u1")
    store.release("cem")
    assert store.undo("ben", "u1") is not None


def test_a_decision_gives_back_the_lease_and_drops_the_draft(store: CurationStore) -> None:
    store.lease("ben", [TIDES, WAVES], 2)
    store.save_draft("ben", TIDES, CONTENT, LONGER, "the sun")
    draft = store.draft("ben", TIDES)
    assert draft is not None
    assert (draft.turns, draft.note, draft.content) == (LONGER, "the sun", CONTENT)
    store.decide(ask("r1", "edit", turns=LONGER))
    assert store.draft("ben", TIDES) is None
    assert [lease.example_id for lease in store.leases_of("ben")] == [WAVES]


def test_a_lease_passes_over_what_others_hold_and_keeps_what_one_holds_already(store: CurationStore) -> None:
    pool = ["a", "b", "c", "d"]
    assert store.lease("ben", pool, 2) == ["a", "b"]
    assert store.lease("cem", pool, 1) == ["c"]
    assert store.lease("ben", pool, 3) == ["a", "b", "d"]
    assert store.lease("cem", ["a", "b"], 1) == []


def test_a_lease_that_ran_out_can_be_taken_and_is_not_renewed(store: CurationStore) -> None:
    assert store.lease("ben", ["a"], minutes=0) == ["a"]
    assert store.renew("ben") == 0
    assert store.lease("cem", ["a"]) == ["a"]
    assert store.renew("cem", 30) == 1


def test_an_example_decided_after_the_queue_last_looked_is_not_handed_out(store: CurationStore) -> None:
    seen = store.decide(ask("r1")).seq
    store.decide(ask("r2", example_id=WAVES))
    assert store.lease("cem", [WAVES, TIDES], 2, seen=seen) == [TIDES]


def test_a_place_survives(store: CurationStore) -> None:
    assert store.place("vic") is None
    store.keep_place("vic", TIDES)
    store.keep_place("vic", WAVES)
    assert store.place("vic") == WAVES


def test_who_takes_no_part_or_only_looks_decides_nothing(store: CurationStore) -> None:
    for curator, told in (("eve", "eve takes no part"), ("vic", "vic is a viewer and cannot decide")):
        with pytest.raises(NotAllowed, match=told):
            store.decide(ask("r1", curator=curator))
    with pytest.raises(NotAllowed, match="ben is a curator and cannot change roles"):
        store.set_role("ben", "ben", "admin")
    with pytest.raises(NotAllowed, match="ada is the only admin"):
        store.set_role("ada", "ada", "viewer")
    assert store.events_since(0) == []
    assert store.role_of("eve") is None


def test_what_is_no_decision_is_refused_with_its_field(store: CurationStore) -> None:
    with pytest.raises(InputError, match="an edit brings the edited turns"):
        store.decide(ask("r1", "edit"))
    with pytest.raises(InputError, match="half a surrogate pair"):
        store.decide(ask("r1", "edit", turns=(Turn("user", "\ud83d"),)))
    with pytest.raises(InputError, match="the edit changes nothing; accept it"):
        store.decide(ask("r1", "edit", turns=TEXT))
    with pytest.raises(InputError, match="note: holds a NUL"):
        store.decide(ask("r1", note="a\x00b"))
    with pytest.raises(InputError, match="request is empty"):
        store.decide(ask(""))


def test_a_text_that_no_database_could_hold_comes_back_as_it_was(store: CurationStore) -> None:
    odd = (Turn("user", "nul \x00, \u2028 and 💡"), Turn("assistant", "yes"))
    assert store.decide(ask("r1", "edit", turns=odd)).turns == odd
    assert store.events_since(0)[0].turns == odd
    half = (Turn("user", "half of \ud83d"),)
    store.save_draft("ben", WAVES, "c", half)
    draft = store.draft("ben", WAVES)
    assert draft is not None
    assert draft.turns == half


def test_the_audit_lists_decisions_and_roles_together_a_page_at_a_time(store: CurationStore) -> None:
    store.decide(ask("r1", "reject", reason="too short"))
    store.set_role("ada", "vic", "curator")
    page = store.audit(2)
    assert [(row.who, row.what, row.about, row.detail) for row in page] == [
        ("ada", "set role", "vic", "viewer to curator"),
        ("ben", "reject", TIDES, "too short"),
    ]
    assert [row.about for row in store.audit(2, before=page[-1].seq)] == ["vic", "cem"]


def test_an_edit_and_a_rejection_of_one_press_are_saved_and_undone_together(store: CurationStore) -> None:
    edit = Ask("p/edit", "se/1", "old", 0, "edit", "ben", (Turn("user", "Why?"),), batch="p")
    no = Ask("p", "se/1", content_of(edit.turns), 1, "reject", "ben", batch="p")
    assert store.decide(edit, no).action == "reject"
    assert store.decide(edit, no).request == "p"  # sent again
    for _ in range(2):
        undone = store.undo("ben", "u")
        assert undone is not None
        assert undone.action == "undo"
    assert list(store.decisions()) == []
    assert [event.action for event in store.events_since(0)] == ["edit", "reject", "undo", "undo"]
    assert store.undo("ben", "v") is None


def test_a_decision_moves_the_place_on_and_a_refused_one_does_not(store: CurationStore) -> None:
    store.decide(ask("r1"), place=WAVES)
    assert store.place("ben") == WAVES
    with pytest.raises(StaleDecision):
        store.decide(ask("r2"), place=TIDES)
    assert store.place("ben") == WAVES


def test_terms_follow_every_change_by_whoever_made_it(store: CurationStore) -> None:
    other = CurationStore(store.database)  # as another process would
    before = store.terms()
    assert store.terms() is before
    store.decide(ask("r1"))
    assert store.terms() is before  # a decision is no change of terms
    other.set_setting("lea", "prefetch", 7)
    assert store.terms().settings.prefetch == 7
    other.write_guidelines("lea", "Be kind.")
    other.acknowledge("ben", 1)
    other.assign("lea", "ben", ["cooking"])
    now = store.seat("ben", []).terms
    assert (now.guidelines.text, now.read_by("ben"), now.read_by("cem"), now.cells_of("ben")) == ("Be kind.", 1, 0, ("cooking",))
    other.remove_person("ada", "ben")
    assert store.terms().cells_of("ben") == ()


def test_a_seat_holds_the_persons_own_word_alone(store: CurationStore) -> None:
    store.decide(ask("r1", "reject"))
    store.decide(ask("r2", curator="cem"))
    store.save_draft("ben", WAVES, CONTENT, LONGER, "half")
    store.save_draft("cem", WAVES, CONTENT, TEXT)
    seat = store.seat("ben", [TIDES, WAVES])
    assert (seat.stand(TIDES).action, seat.stand(TIDES).version, seat.stand(WAVES).action) == ("reject", 1, None)
    assert {name: draft.turns for name, draft in seat.drafts.items()} == {WAVES: LONGER}


def test_everybody_else_waits_for_three_statements_of_a_decision(store: CurationStore) -> None:
    """PostgreSQL: the turnstile, what stands, what follows. SQLite, which has no journey to a server, a row at a time."""
    said: list[str] = []
    event.listen(store.database.engine, "before_cursor_execute", lambda *given: said.append(given[2].split()[0]))
    store.decide(ask("r1"), place=WAVES)
    rows = ["turnstiles", "leases", "drafts", "places", "events", "live", "standings", "counts"]
    assert len(said) == (1 + len(rows) if store.database.is_sqlite else 3)
    assert said[0] == "SELECT"
