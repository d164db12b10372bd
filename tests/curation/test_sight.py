"""What a person in blind mode, or in a group of authors, may see of others."""

from pathlib import Path

import pytest
from queue_setting import decide, examples, pool_of, store_of

from align.curation.pools.browse import Browse, Filters
from align.curation.pools.layout import places_of, points_of
from align.curation.pools.pool import Pool
from align.curation.pools.search import TextIndex
from align.curation.queueing.accepted import Accepted
from align.curation.queueing.looks import QueueSettings
from align.curation.queueing.queue import Queue
from align.curation.review.reviewing import Reviewing
from align.curation.sight import refuse_other_group, sight_of
from align.curation.store import CurationStore, NotAllowed, Person
from align.curation.writing.authoring import AuthoredExample
from align.errors import AlignError
from align.records import Turn
from toy_records import artifact, example

SECRET = "Which of the nine muses drowned?"
BLIND = QueueSettings(uncertain=0, audit=0, overlap=1, calibration=0)


def person(store: CurationStore, name: str) -> Person:
    return next(item for item in store.people() if item.name == name)


def test_blind_only_ones_own_word_shows_and_a_lead_sees_everybodys(tmp_path: Path) -> None:
    pool, store = pool_of(tmp_path, {}, each=4), store_of(tmp_path)
    queue = Queue(pool, store)
    first, second, third = pool.ids[:3]
    decide(queue, store, first, "accept", "ben")
    decide(queue, store, second, "reject", "cem")
    decide(queue, store, third, "reject", "ben")
    decide(queue, store, third, "accept", "cem")
    tally = queue.catch_up()
    own = {name: sight_of(store, pool, person(store, name)).states(tally)[:4].tolist() for name in ("ada", "ben", "cem")}
    # 0 undecided, 1 accepted, 2 rejected, 3 flagged: that two differ is known to the admin alone
    assert own == {"ada": [1, 2, 3, 0], "ben": [1, 0, 2, 0], "cem": [0, 2, 1, 0]}
    store.set_setting("ada", "blind", False)
    assert sight_of(store, pool, person(store, "ben")).states(tally)[:4].tolist() == [1, 2, 3, 0]
    queue.close()


def test_blind_a_search_and_the_map_are_the_same_whatever_others_decided(tmp_path: Path) -> None:
    pool, store = pool_of(tmp_path, {}, each=4), store_of(tmp_path)
    queue = Queue(pool, store)
    browse = Browse(pool, TextIndex.open(tmp_path / "store", pool.folder, pool.examples()))
    places = places_of(pool, queue.topics)

    def seen() -> list[object]:
        sight = sight_of(store, pool, person(store, "ben"))
        states = sight.states(queue.catch_up())
        listings = [
            browse.find(Filters(chosen={"state": (state,)}), states, sight.rows(pool)) for state in ("undecided", "accepted")
        ]
        points = points_of(places, states, queue.order, 5, sight.rows(pool).tolist())
        return [(item.rows.tolist(), item.facets) for item in listings] + [points.rows.tolist(), points.states.tolist()]

    decide(queue, store, pool.ids[0], "accept", "ben")
    before = seen()
    for name, action in zip(pool.ids[1:5], ("accept", "reject", "flag", "accept"), strict=True):
        decide(queue, store, name, action, "cem")
    assert seen() == before
    queue.close()


def test_a_card_of_a_second_look_is_the_card_of_a_first_one(tmp_path: Path) -> None:
    pool, store = pool_of(tmp_path, {}, each=4), store_of(tmp_path)
    queue = Queue(pool, store, settings=BLIND)
    accepted = Accepted(pool, queue.tally)

    def card(name: str, why: str) -> object:
        reviewing = Reviewing(store, pool, queue, "ben", near=accepted.near, sight=sight_of(store, pool, person(store, "ben")))
        store.lease("ben", [name])
        reviewing.open = {name: why}
        found = next(item for item in reviewing.cards() if item["id"] == name)
        store.release("ben")
        return found

    fresh = card(pool.ids[0], "harvest")
    decide(queue, store, pool.ids[0], "accept", "cem", why="harvest")
    decide(queue, store, pool.ids[1], "accept", "cem")
    assert [(item.example_id, item.why) for item in queue.next("ben", 1)][0][1] == "overlap"
    assert card(pool.ids[0], "overlap") == fresh
    decide(queue, store, pool.ids[1], "accept", "ben")  # now they know of this one themselves
    queue.catch_up()
    assert [item["id"] for item in card(pool.ids[0], "overlap")["alike"]] == [pool.ids[1]]  # type: ignore[index]
    queue.close()


@pytest.fixture
def apart(tmp_path: Path) -> tuple[Pool, CurationStore]:
    """A pool with an example of each group; ben writes for A, cem for B, lea is a lead of group A."""
    store = store_of(tmp_path)
    store.add_person("ada", "lea", "lead")
    for name, group in (("ben", "A"), ("cem", "B"), ("lea", "A")):
        store.set_group("ada", name, group)  # type: ignore[arg-type]
    store.write_authored("cem", AuthoredExample("authored/b-1", "B", "example", (Turn("user", SECRET),), split="test"))
    own = [
        example("authored/a-1", "Why is bread salted?", "For its taste.", tags=("group A", "train", "baking")),
        example("authored/b-1", SECRET, tags=("test", "sworn to secrecy")),  # its tag is lost; the database knows it
        example("authored/b-2", f"{SECRET} Again?", tags=("group B", "test")),  # written in another database
    ]
    return Pool.open(artifact(tmp_path, "above", [*own, *examples(2)]), tmp_path / "store"), store


def test_nobody_of_a_group_is_shown_what_the_other_wrote_and_who_is_in_none_is(apart: tuple[Pool, CurationStore]) -> None:
    pool, store = apart
    hidden = {name: sorted(sight_of(store, pool, person(store, name)).hidden) for name in ("ada", "ben", "cem", "lea")}
    assert hidden == {"ada": [], "ben": ["authored/b-1", "authored/b-2"], "cem": ["authored/a-1"], "lea": hidden["ben"]}
    store.set_setting("ada", "groups_apart", False)
    assert sight_of(store, pool, person(store, "ben")).hidden == frozenset()


def test_it_is_neither_served_nor_opened_nor_searched_nor_drawn(apart: tuple[Pool, CurationStore], tmp_path: Path) -> None:
    pool, store = apart
    for settings in (BLIND, QueueSettings(calibration=30)):
        queue = Queue(pool, store, settings=settings)
        sight = sight_of(store, pool, person(store, "ben"))
        assert not sight.hidden & {item.example_id for item in queue.next("ben", 50, hidden=sight.hidden)}
        store.release("ben")
        store.lease("ben", ["authored/b-1"])  # held from before they came into the group
        assert not sight.hidden & {item.example_id for item in queue.next("ben", 50, hidden=sight.hidden)}
        queue.close()
    reviewing = Reviewing(store, pool, queue, "ben", sight=sight)
    with pytest.raises(AlignError, match="was written by the other group of authors"):
        reviewing.show("authored/b-1")
    asked = {"id": "authored/b-1", "content": "c", "version": 0, "texts": None}
    reviewing.take([{"kind": kind, "request": kind, "action": "skip", **asked} for kind in ("draft", "decide")])
    assert [(answer["ok"], SECRET in str(answer)) for answer in reviewing.answers.values()] == [(False, False)] * 2
    assert store.events_since(0) == []
    browse = Browse(pool, TextIndex.open(tmp_path / "store", pool.folder, pool.examples()))
    hidden = sight.rows(pool)
    listing = browse.find(Filters(words="muses"), queue.tally.states, hidden)
    assert (listing.rows.tolist(), listing.facets["source"]) == ([], {})
    assert "sworn to secrecy" in browse.tags()
    assert not {"sworn to secrecy", "group B"} & set(browse.tags(hidden))
    points = points_of(places_of(pool, queue.topics), queue.tally.states, queue.order, hidden=hidden.tolist())
    assert not set(hidden.tolist()) & set(points.rows.tolist())


def test_a_set_with_its_texts_is_handed_to_nobody_of_the_other_group(apart: tuple[Pool, CurationStore]) -> None:
    pool, store = apart
    everything = list(pool.examples())
    for name in ("ben", "lea", "cem"):
        with pytest.raises(NotAllowed, match=f"written by the other group of authors, and {name} is in group"):
            refuse_other_group(store, name, everything, "stage picked")
    refuse_other_group(store, "ada", everything, "stage picked")
    refuse_other_group(store, "lea", [item for item in everything if not item.id.startswith("authored/b")], "stage picked")
