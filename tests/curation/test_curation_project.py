"""What a project keeps beside its decisions: adjudications, bulk actions, guidelines, settings, assignments, authored examples."""

from dataclasses import replace
from typing import Any

import pytest

from align.curation.state.bulk import STEP
from align.curation.store import Ask, CurationStore, NotAllowed, StaleDecision
from align.curation.writing.authoring import AuthoredExample
from align.errors import InputError
from align.records import Turn

ODE = (Turn("user", "Write an ode to salt."), Turn("assistant", "O grain of the sea!"))


def test_a_lead_settles_what_curators_disagree_about_and_can_take_it_back(store: CurationStore) -> None:
    for number, (curator, action) in enumerate([("ben", "accept"), ("cem", "reject")]):
        store.decide(Ask(f"r{number}", "x/1", "c", 0, action, curator))  # type: ignore[arg-type]
    with pytest.raises(NotAllowed, match="ben is a curator and cannot adjudicate"):
        store.adjudicate("ben", "x/1", "c", "accept")
    event = store.adjudicate("lea", "x/1", "c", "reject", reason="outdated", request="j1")
    assert store.adjudicate("lea", "x/1", "c", "reject", reason="outdated", request="j1") == event
    assert [(item.action, item.curator, item.reason) for item in store.decisions()] == [("reject", "lea", "outdated")]
    # the curators' own words stay what they are
    assert [(item.curator, item.action) for item in store.standing("x/1")] == [
        ("ben", "accept"),
        ("cem", "reject"),
        ("lea", None),
    ]
    store.undo("lea", "u1")
    assert [(item.action, item.curator) for item in store.decisions()] == [("flag", "ben, cem")]


def bulk_of(count: int, action: Any = "reject") -> list[Ask]:
    return [Ask(f"b/{number}", f"x/{number}", "c", 0, action, "ben", served="bulk", batch="b") for number in range(count)]


def test_bulk_decisions_pass_over_what_others_have_open_and_go_back_together(store: CurationStore) -> None:
    count = 2 * STEP + 5
    store.lease("cem", ["x/3"])
    store.decide(Ask("r1", "x/4", "c", 0, "accept", "ben"))
    done = store.decide_many(bulk_of(count))
    assert len(done.events) == count - 2
    assert set(done.refused) == {"x/3", "x/4"}
    assert done.refused["x/3"] == "cem has it open"
    assert store.decide_many(bulk_of(count)).events == done.events  # the button was pressed twice
    store.lease("cem", ["x/7"])
    undone = store.undo_batch("ben", "b")
    assert len(undone.events) == count - 3
    assert undone.refused == {"x/7": "cem has it open"}
    assert [(item.example_id, item.action) for item in store.decisions()] == [("x/4", "accept"), ("x/7", "reject")]
    assert store.undo_batch("cem", "b").events == ()  # it was not theirs


def test_guidelines_have_versions_and_it_is_known_who_read_which(store: CurationStore) -> None:
    assert store.guidelines().version == 0
    with pytest.raises(NotAllowed, match="ben is a curator and cannot write guidelines"):
        store.write_guidelines("ben", "Anything goes.")
    store.write_guidelines("lea", "Be kind.")
    assert store.write_guidelines("lea", "Be kind.").version == 1
    store.acknowledge("ben", 1)
    store.acknowledge("ben", 1)
    latest = store.write_guidelines("ada", "Be kind and brief.", after=1)
    assert (latest.version, store.guidelines().text, store.guidelines(1).text) == (2, "Be kind and brief.", "Be kind.")
    with pytest.raises(InputError, match="ada has written version 2 since"):
        store.write_guidelines("lea", "Be brief.", after=1)
    with pytest.raises(InputError, match="there is none; the latest is 2"):
        store.acknowledge("ben", 3)
    assert store.acknowledged() == {"ada": 0, "ben": 1, "cem": 0, "lea": 0, "vic": 0}
    assert [row.what for row in store.audit(3)] == ["write guidelines", "read guidelines", "write guidelines"]


def test_a_setting_is_typed_and_its_name_is_known(store: CurationStore) -> None:
    assert store.settings().overlap_share == 0.1
    assert store.set_setting("lea", "overlap_share", 0.25).overlap_share == 0.25
    assert store.set_setting("lea", "reasons", ["too short"]).reasons == ("too short",)
    assert (store.settings().overlap_share, store.settings().reasons) == (0.25, ("too short",))
    with pytest.raises(InputError, match=r"overlap_share: .*less than or equal to 1 \(got 3"):
        store.set_setting("lea", "overlap_share", 3)
    with pytest.raises(InputError, match="did you mean 'overlap_share'"):
        store.set_setting("lea", "overlap_shares", 0.1)
    with pytest.raises(NotAllowed):
        store.set_setting("ben", "blind", False)
    assert store.audit(1)[0].detail.endswith('to ["too short"]')


def test_cells_are_assigned_to_who_can_decide(store: CurationStore) -> None:
    store.assign("lea", "ben", ["stem", "other", "stem"])
    store.assign("lea", "cem", ["other"])
    assert store.assignments() == {"ben": ("other", "stem"), "cem": ("other",)}
    store.assign("lea", "cem", [])
    assert store.assignments() == {"ben": ("other", "stem")}
    with pytest.raises(NotAllowed, match="vic is a viewer and cannot be assigned work"):
        store.assign("lea", "vic", ["stem"])


def test_every_version_of_an_authored_example_is_kept_and_no_one_writes_over_another(store: CurationStore) -> None:
    ode = AuthoredExample("authored/ode", "A", "example", ODE, tags=("poetry",))
    first = store.write_authored("ben", ode)
    assert store.write_authored("ben", ode) == first  # saved twice
    second = store.write_authored("lea", replace(first, state="ready"))
    with pytest.raises(StaleDecision, match="version 2 is there, the page had seen 1"):
        store.write_authored("ben", replace(first, note="salty"))
    assert store.authored("ben", "A") == store.all_authored() == [second]
    assert store.writers_of_authored() == {"authored/ode": ["ben", "lea"]}
    assert [(item.version, item.by, item.state) for item in store.versions_of_authored("ben", "authored/ode")] == [
        (1, "ben", "draft"),
        (2, "lea", "ready"),
    ]
    assert (second.turns, second.tags) == (ODE, ("poetry",))


def test_who_writes_for_training_does_not_write_the_test(store: CurationStore) -> None:
    store.write_authored("ben", AuthoredExample("authored/1", "A", "example", ODE))
    test = AuthoredExample("authored/2", "B", "safety", ODE)
    with pytest.raises(NotAllowed, match="ben is in group A and cannot write for group B"):
        store.write_authored("ben", test)
    store.write_authored("cem", test)
    assert [item.id for item in store.authored("cem", "B")] == ["authored/2"]
    with pytest.raises(InputError, match="belongs to group B"):
        store.write_authored("cem", replace(test, group="A", version=1))
    store.set_setting("lea", "groups_apart", False)
    store.write_authored("ben", AuthoredExample("authored/3", "B", "example", ODE))


def test_a_ready_example_has_something_in_every_turn(store: CurationStore) -> None:
    empty = AuthoredExample("authored/1", "A", "dialogue", (Turn("user", "Hm?"), Turn("assistant", " ")))
    store.write_authored("ben", empty)
    with pytest.raises(InputError, match="is not ready: turn 2 is empty"):
        store.write_authored("ben", replace(empty, state="ready", version=1))
