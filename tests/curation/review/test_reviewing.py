"""One person's review: messages done once, drafts that survive, decisions that follow the store."""

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from align.curation.pools.pool import Pool
from align.curation.queueing.accepted import Neighbour
from align.curation.review.many import asks_for
from align.curation.review.reviewing import Reviewing
from align.curation.sight import Sight
from align.curation.state import events
from align.curation.store import Ask, CurationStore
from align.errors import StoreError
from align.filters.first_person import FirstPerson
from align.records import content_of
from toy_records import artifact, example

EXAMPLES = [example(f"se/cooking/{number}", f"How do I cook dish {number}?", f"Heat pan {number}.") for number in range(8)]


class Served(NamedTuple):
    example_id: str
    why: str = "harvest"


class Line:
    """A queue that hands out the pool's order."""

    def __init__(self, pool: Pool, store: CurationStore) -> None:
        self.pool, self.store = pool, store

    def next(self, curator: str, count: int = 3, cells: Sequence[str] = (), hidden: Collection[str] = ()) -> list[Served]:
        decided = {decision.example_id for decision in self.store.decisions()}
        held = [lease.example_id for lease in self.store.leases_of(curator)]
        waiting = [name for name in dict.fromkeys([*held, *self.pool.ids]) if name not in decided]
        return [Served(name) for name in self.store.lease(curator, waiting, count)]

    def overfull(self, example_id: str) -> str:
        return ""


@pytest.fixture
def pool(tmp_path: Path) -> Pool:
    return Pool.open(artifact(tmp_path, "above", EXAMPLES), tmp_path / "store")


@pytest.fixture
def store(tmp_path: Path) -> CurationStore:
    opened = CurationStore.open(f"sqlite:///{tmp_path}/curation.db")
    opened.add_person("ada", "ada")
    opened.add_person("ada", "ben")
    return opened


def review(pool: Pool, store: CurationStore, curator: str = "ada") -> Reviewing:
    def near(name: str, count: int, _sight: Sight) -> list[Neighbour]:
        accepted = [item.example_id for item in store.decisions() if item.action in ("accept", "edit")]
        return [Neighbour(item, 0.5) for item in accepted if item != name][:count]

    reviewing = Reviewing(store, pool, Line(pool, store), curator, [FirstPerson()], near=near)
    reviewing.begin()
    return reviewing


def decide(reviewing: Reviewing, request: str, action: str = "accept", **more: Any) -> dict[str, Any]:
    """Decide about what is shown first."""
    card = reviewing.cards()[0]
    message = {"kind": "decide", "request": request, "action": action, "texts": None, "note": "", "reason": "", "seconds": 1.5}
    reviewing.take([message | {name: card[name] for name in ("id", "content", "version")} | more])
    return reviewing.answers[request]


def first(reviewing: Reviewing) -> str:
    return str(reviewing.cards()[0]["id"])


def test_the_next_examples_lie_ready_and_move_up(pool: Pool, store: CurationStore) -> None:
    reviewing = review(pool, store)
    assert [card["id"] for card in reviewing.cards()] == ["se/cooking/0", "se/cooking/1", "se/cooking/2"]
    assert decide(reviewing, "r1") == {"ok": True}
    assert [card["id"] for card in reviewing.cards()] == ["se/cooking/1", "se/cooking/2", "se/cooking/3"]


def test_a_message_that_comes_twice_is_done_once(pool: Pool, store: CurationStore) -> None:
    reviewing = review(pool, store)
    card = reviewing.cards()[0]
    message = {"kind": "decide", "request": "r1", "action": "accept", "id": card["id"], "content": card["content"], "version": 0}
    reviewing.take([message, message])
    reviewing.take([message])
    assert [event.request for event in store.events_since(0)] == ["r1"]


def test_a_message_from_before_a_restart_of_the_server_is_answered_as_before(pool: Pool, store: CurationStore) -> None:
    card = review(pool, store).cards()[0]
    message = {"kind": "decide", "request": "r1", "action": "accept", "id": card["id"], "content": card["content"], "version": 0}
    review(pool, store).take([message])
    again = review(pool, store)
    again.take([message])
    assert again.answers["r1"] == {"ok": True}
    assert len(store.events_since(0)) == 1


def test_an_accepted_edit_is_an_edit_with_its_text(pool: Pool, store: CurationStore) -> None:
    decide(review(pool, store), "r1", texts=["How do I cook?", "Heat it."])
    [event] = store.events_since(0)
    assert (event.action, [turn.text for turn in event.turns]) == ("edit", ["How do I cook?", "Heat it."])


def test_texts_as_they_were_are_a_plain_acceptance(pool: Pool, store: CurationStore) -> None:
    decide(review(pool, store), "r1", texts=[turn.text for turn in EXAMPLES[0].turns])
    assert [event.action for event in store.events_since(0)] == ["accept"]


def test_a_rejected_edit_keeps_what_was_typed_and_is_undone_as_one(pool: Pool, store: CurationStore) -> None:
    reviewing = review(pool, store)
    decide(reviewing, "r1", "reject", texts=["How?", "Heat it."], reason="too narrow")
    assert [event.action for event in store.events_since(0)] == ["edit", "reject"]
    assert [(item.action, item.reason) for item in store.decisions() if item.action == "reject"] == [("reject", "too narrow")]
    reviewing.take([{"kind": "undo", "request": "u1"}])
    assert list(store.decisions()) == []
    assert reviewing.cards()[0]["draft"] == ["How?", "Heat it."]


def test_a_stale_decision_is_told_and_what_was_typed_stays(pool: Pool, store: CurationStore) -> None:
    reviewing = review(pool, store)
    answer = decide(reviewing, "r1", version=7, texts=["How?", "Typed in vain?"])
    assert not answer["ok"]
    assert "nothing was saved" in answer["said"]
    assert store.events_since(0) == []
    assert first(reviewing) == "se/cooking/0"
    assert reviewing.cards()[0]["draft"] == ["How?", "Typed in vain?"]


def test_what_was_decided_in_another_tab_leaves_this_one(pool: Pool, store: CurationStore) -> None:
    one, other = review(pool, store), review(pool, store)
    one.cards()
    stale = one.cards()[0]
    decide(other, "r1", "reject")
    answer = decide(one, "r2", id=stale["id"], version=stale["version"])
    assert not answer["ok"]
    assert first(one) == "se/cooking/1"
    assert [event.action for event in store.events_since(0)] == ["reject"]


def test_a_decision_about_another_text_is_refused(pool: Pool, store: CurationStore) -> None:
    answer = decide(review(pool, store), "r1", content="0123456789abcdef")
    assert "text has changed" in answer["said"]
    assert store.events_since(0) == []


def test_a_draft_and_the_place_survive_a_reload(pool: Pool, store: CurationStore) -> None:
    reviewing = review(pool, store)
    decide(reviewing, "r1")
    draft = {"kind": "draft", "request": "d1", "id": first(reviewing), "texts": ["How?", "I heat it."], "note": "check"}
    reviewing.take([draft])
    live = reviewing.answers["d1"]["live"]
    assert live["differences"][1] == [("gone", "Heat pan 1"), ("new", "I heat it"), ("same", ".")]
    assert live["rules"][0]["status"] == "failed"
    card = review(pool, store).cards()[0]
    assert (card["id"], card["draft"], card["note"]) == ("se/cooking/1", ["How?", "I heat it."], "check")


def test_answers_tell_what_follows_from_the_last_draft_alone_and_of_nothing_that_is_gone(
    pool: Pool, store: CurationStore
) -> None:
    reviewing = review(pool, store)
    name = first(reviewing)
    for number in range(3):
        reviewing.take([{"kind": "draft", "request": f"d{number}", "id": name, "texts": ["How?", "x" * number], "note": ""}])
    assert ["live" in reviewing.answers[f"d{number}"] for number in range(3)] == [False, False, True]
    store.take_down([name])
    pool.drop([name])
    assert name not in [card["id"] for card in reviewing.cards()]
    assert [list(reviewing.answers[f"d{number}"]) for number in range(3)] == [["ok"]] * 3


def test_a_draft_may_be_empty_for_a_while_but_not_decided(pool: Pool, store: CurationStore) -> None:
    reviewing = review(pool, store)
    reviewing.take([{"kind": "draft", "request": "d1", "id": first(reviewing), "texts": ["How?", ""], "note": ""}])
    assert reviewing.answers["d1"]["ok"]
    assert "text is empty" in decide(reviewing, "r1", texts=["How?", ""])["said"]
    assert store.events_since(0) == []


def test_a_draft_that_a_tab_kept_for_long_undoes_nothing_newer(pool: Pool, store: CurationStore) -> None:
    reviewing = review(pool, store)
    name = first(reviewing)
    new = {"kind": "draft", "id": name, "texts": ["How?", "new"], "note": "", "version": 0, "age": 0}
    old = {**new, "request": "d2", "texts": ["How?", "old"], "age": 3600}
    reviewing.take([{**new, "request": "d1"}, old])
    assert reviewing.answers["d2"]["outdated"]
    assert reviewing.cards()[0]["draft"] == ["How?", "new"]
    reviewing.take([{**new, "request": "d3", "texts": ["How?", "newer"], "age": 2}])  # typed while the one before was on its way
    assert reviewing.cards()[0]["draft"] == ["How?", "newer"]


def test_a_draft_of_another_text_or_from_before_a_decision_is_not_saved(pool: Pool, store: CurationStore) -> None:
    reviewing = review(pool, store)
    name = first(reviewing)
    draft = {"kind": "draft", "id": name, "texts": ["How?", "late"], "note": "", "version": 0}
    reviewing.take([{**draft, "request": "d1", "content": "0" * 64}])
    assert "has changed" in reviewing.answers["d1"]["said"]
    assert store.draft("ada", name) is None
    content = reviewing.cards()[0]["content"]
    reviewing.take([{"kind": "decide", "request": "a1", "id": name, "content": content, "version": 0, "action": "accept"}])
    assert reviewing.answers["a1"]["ok"]
    reviewing.take([{**draft, "request": "d2", "content": content}])
    assert "decided about it" in reviewing.answers["d2"]["said"]
    assert store.draft("ada", name) is None


def test_a_draft_that_is_taken_back_is_gone(pool: Pool, store: CurationStore) -> None:
    reviewing = review(pool, store)
    name, texts = first(reviewing), [turn.text for turn in EXAMPLES[0].turns]
    reviewing.take([{"kind": "draft", "request": "d1", "id": name, "texts": ["How?", "x"], "note": ""}])
    reviewing.take([{"kind": "draft", "request": "d2", "id": name, "texts": texts, "note": ""}])
    assert store.draft("ada", name) is None


def test_a_skipped_edit_is_still_there_when_it_comes_back(pool: Pool, store: CurationStore) -> None:
    reviewing = review(pool, store)
    decide(reviewing, "r1", "skip", texts=["How?", "Half done"])
    draft = store.draft("ada", "se/cooking/0")
    assert draft is not None
    assert draft.turns[1].text == "Half done"


def test_undo_goes_back_as_often_as_asked_and_shows_what_it_took_back(pool: Pool, store: CurationStore) -> None:
    reviewing = review(pool, store)
    for number in range(3):
        decide(reviewing, f"r{number}")
    for number in (2, 1, 0):
        reviewing.take([{"kind": "undo", "request": f"u{number}"}])
        assert reviewing.answers[f"u{number}"]["said"] == f"Took back: accept of cooking/{number}."
        assert first(reviewing) == f"se/cooking/{number}"
    reviewing.take([{"kind": "undo", "request": "u9"}])
    assert reviewing.answers["u9"]["said"] == "There is nothing left to undo."
    assert list(store.decisions()) == []
    assert decide(reviewing, "again", "reject")["ok"]


def test_two_people_never_hold_one_example(pool: Pool, store: CurationStore) -> None:
    ada, ben = review(pool, store, "ada"), review(pool, store, "ben")
    for number in range(2):
        decide(ada, f"a{number}")
        decide(ben, f"b{number}")
        assert not set(ada.open) & set(ben.open)
    assert len({event.example_id for event in store.events_since(0)}) == 4


def test_an_example_that_somebody_else_has_open_cannot_be_taken(pool: Pool, store: CurationStore) -> None:
    ada, ben = review(pool, store, "ada"), review(pool, store, "ben")
    with pytest.raises(Exception, match="somebody else has it open"):
        ben.show(next(iter(ada.open)))


def test_an_example_asked_for_stays_first_until_it_is_decided(pool: Pool, store: CurationStore) -> None:
    reviewing = review(pool, store)
    reviewing.show("se/cooking/7")
    assert first(reviewing) == "se/cooking/7"
    decide(reviewing, "r1", "reject")
    assert store.events_since(0)[0].served == "search"
    assert first(reviewing) == "se/cooking/0"


def test_scores_stay_hidden_until_one_has_decided(tmp_path: Path, store: CurationStore) -> None:
    scored = example("se/cooking/0", "How?", "Heat it.", answer_score=12, educational=4.25)
    pool = Pool.open(artifact(tmp_path, "scored", [scored]), tmp_path / "store")
    reviewing = review(pool, store)
    assert reviewing.cards()[0]["suggestions"] == []
    decide(reviewing, "r1")
    reviewing.show("se/cooking/0")
    card = reviewing.cards()[0]
    assert (card["decided"], card["suggestions"]) == ("accept", ["educational 4.25"])
    store.set_setting("ada", "blind", False)
    reviewing.take([{"kind": "undo", "request": "u1"}])
    assert reviewing.cards()[0]["suggestions"] == ["educational 4.25"]


def test_a_person_without_the_role_gets_nothing_and_is_told_why(pool: Pool, store: CurationStore) -> None:
    store.add_person("ada", "vic", "viewer")
    reviewing = review(pool, store, "vic")
    assert reviewing.cards() == []
    assert "viewer" in reviewing.refusal


def test_accepted_neighbours_are_shown(pool: Pool, store: CurationStore) -> None:
    reviewing = review(pool, store)
    decide(reviewing, "r1")
    reviewing.show("se/cooking/5")
    assert [item["id"] for item in reviewing.cards()[0]["alike"]] == ["se/cooking/0"]


def test_a_message_of_another_version_of_the_page_is_refused_in_words(pool: Pool, store: CurationStore) -> None:
    reviewing = review(pool, store)
    reviewing.take([{"kind": "dance", "request": "x1"}])
    assert "reload" in reviewing.answers["x1"]["said"]
    assert "2 texts" not in decide(reviewing, "r1", texts=["one"])["said"]
    assert content_of(EXAMPLES[0].turns) == reviewing.cards()[0]["content"]


def test_what_a_person_picked_comes_first_in_its_order_and_then_the_queue(pool: Pool, store: CurationStore) -> None:
    """Of eight in the pool 7, 6, 5, 4 and 3 are picked; 6 is decided already, and somebody else has 4 open."""
    names = pool.ids
    store.decide(Ask("before", names[6], pool.contents[6], 0, "accept", "ada"))
    store.lease("ben", [names[4]])
    reviewing = review(pool, store)
    reviewing.show_line([*(names[number] for number in (7, 6, 5, 4, 3)), "unknown"])
    seen = []
    for number in range(4):
        seen.append(first(reviewing))
        decide(reviewing, f"line-{number}")
    assert seen == [names[7], names[5], names[3], names[0]]


def test_a_rejected_edit_is_saved_whole_or_not_at_all(pool: Pool, store: CurationStore, monkeypatch: pytest.MonkeyPatch) -> None:
    write, made = events.add_event, []

    def fail_second(*args: Any, **values: Any) -> Any:
        made.append(values["action"])
        if values["action"] == "reject":
            raise StoreError("the disk is full")
        return write(*args, **values)

    monkeypatch.setattr(events, "add_event", fail_second)
    reviewing = review(pool, store)
    assert not decide(reviewing, "r1", "reject", texts=["How do I cook?", "Heat it."])["ok"]
    # An edit alone would stand for an acceptance of what the person rejected.
    assert (made, store.events_since(0)) == (["edit", "reject"], [])
    monkeypatch.undo()
    assert next(iter(reviewing.open)) == EXAMPLES[0].id
    assert decide(reviewing, "r2", "reject", texts=["How do I cook?", "Heat it."])["ok"]
    assert [event.action for event in store.events_since(0)] == ["edit", "reject"]


def test_what_was_picked_says_which_of_how_many_it_is(pool: Pool, store: CurationStore) -> None:
    reviewing = review(pool, store)
    picked = ["se/cooking/6", "se/cooking/4", "se/cooking/7", "se/cooking/5", "gone/1"]
    reviewing.show_line(picked)
    assert reviewing.places_in_line() == {"se/cooking/6": (1, 4), "se/cooking/4": (2, 4), "se/cooking/7": (3, 4)}
    decide(reviewing, "r1")
    assert reviewing.places_in_line() == {"se/cooking/4": (2, 4), "se/cooking/7": (3, 4), "se/cooking/5": (4, 4)}
    for number in range(3):
        decide(reviewing, f"s{number}")
    assert reviewing.cards()
    assert reviewing.places_in_line() == {}  # the queue's own come after


def test_what_is_no_nearer_than_by_chance_is_not_shown_as_near(
    pool: Pool, store: CurationStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    decide(review(pool, store), "r1")
    [nearest] = review(pool, store).cards()[0]["alike"]
    assert nearest["id"] == "se/cooking/0"
    likeness = nearest["similarity"]
    monkeypatch.setattr(pool, "near_from", likeness + 0.01)
    assert review(pool, store).cards()[0]["alike"] == []


def test_undo_takes_nothing_out_of_a_batch_and_all_of_it_when_asked_again(pool: Pool, store: CurationStore) -> None:
    reviewing = review(pool, store)
    decide(reviewing, "d1")
    store.decide_many(asks_for(pool, [5, 6, 7], "reject", "ada", store.versions("ada"), "press", reason="dull"))
    told = "Your last step was to reject 3 examples at once (reason: dull). U again takes all of them back; so does Browse."
    reviewing.take([{"kind": "undo", "request": "u1"}])
    assert reviewing.answers["u1"] == {"ok": True, "said": told}
    reviewing.take([{"kind": "undo", "request": "u1"}])  # the same press, sent again
    assert len(list(store.decisions())) == 4
    decide(reviewing, "d2")
    reviewing.take([{"kind": "undo", "request": "u2"}])
    assert reviewing.answers["u2"]["said"].startswith("Took back: ")
    # the batch still stands below; what was said of it before is no consent by now
    reviewing.take([{"kind": "undo", "request": "u3"}])
    assert reviewing.answers["u3"]["said"] == told
    reviewing.take([{"kind": "undo", "request": "u4"}])
    assert reviewing.answers["u4"]["said"] == "Took back 3 decisions."
    assert [item.example_id for item in store.decisions()] == [pool.ids[0]]
    reviewing.take([{"kind": "undo", "request": "u5"}])
    assert list(store.decisions()) == []


def test_a_batch_can_be_found_as_long_as_any_of_it_stands(pool: Pool, store: CurationStore) -> None:
    store.decide_many(asks_for(pool, [0, 1], "reject", "ada", {}, "first", reason="dull"))
    store.decide_many(asks_for(pool, [2, 3, 4], "accept", "ada", {}, "second"))
    store.undo("ada", "one of them")
    decide(review(pool, store), "d1")
    assert [(batch.name, batch.count, batch.action) for batch in store.standing_batches("ada")] == [
        ("second", 2, "accept"), ("first", 2, "reject"),
    ]  # fmt: skip
    assert store.standing_batches("ben") == []
    store.undo_batch("ada", "second")
    assert [batch.words for batch in store.standing_batches("ada")] == ["reject 2 examples at once (reason: dull)"]
