import pytest
from sqlalchemy import text

from align.curation.state.events import Ask
from align.curation.state.redaction import GONE
from align.curation.store import CurationStore
from align.errors import StoreError
from align.records import Turn

EDITED = (Turn("user", "Why?"), Turn("assistant", "Because of the yeast, said Ada."))


def ask(request: str, example: str, **more: object) -> Ask:
    fields = {"content": "0123456789abcdef", "version": 0, "action": "accept", "curator": "ben", **more}
    return Ask(request=request, example_id=example, **fields)  # type: ignore[arg-type]


def test_words_about_an_example_go_and_the_history_of_decisions_stays(store: CurationStore) -> None:
    store.decide(ask("r1", "beer/1", action="edit", turns=EDITED, note="Ada's own words"))
    store.decide(ask("r2", "beer/1", curator="cem", action="reject", reason="dull"))
    store.decide(ask("r3", "beer/2", action="edit", turns=EDITED, note="stays"))
    store.save_draft("cem", "beer/1", "0123456789abcdef", EDITED, "half a thought")
    # one edit, and two events with a note or a reason
    assert store.take_down(["beer/1"]) == 3
    first, second, third = store.events_since(0)
    assert (first.action, first.turns, first.note, first.curator) == ("edit", GONE, "", "ben")
    assert (second.action, second.reason) == ("reject", "")
    assert (third.turns, third.note) == (EDITED, "stays")
    assert store.draft("cem", "beer/1") is None
    assert store.take_down(["beer/1"]) == 0
    assert [row.what for row in store.audit(10, None)].count("taken down") == 1


def test_events_are_held_fast_again_afterwards(store: CurationStore) -> None:
    store.decide(ask("r1", "beer/1", note="a note"))
    store.take_down(["beer/1"])
    with pytest.raises(StoreError, match="events is only ever added to"):
        store.database.write(lambda connection: connection.execute(text("UPDATE events SET note = 'another'")))
    with pytest.raises(StoreError, match="events is only ever added to"):
        store.database.write(lambda connection: connection.execute(text("DELETE FROM events")))
