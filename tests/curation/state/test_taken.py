"""An example that was taken down: nothing more is said of it, and a running app shows it no more."""

from pathlib import Path
from typing import cast

import pytest
from queue_setting import decide, pool_of, store_of

from align.curation.board import audited_rate, cells_of
from align.curation.pools.browse import Browse, Filters
from align.curation.pools.layout import places_of, points_of
from align.curation.pools.search import TextIndex
from align.curation.queueing.accepted import Accepted
from align.curation.queueing.queue import Queue
from align.curation.review.reviewing import Reviewing
from align.curation.state.watching import TakedownWatch
from align.curation.store import Ask, CurationStore, TakenDown
from align.curation.writing.authoring import AuthoredExample, export_lines
from align.errors import AlignError
from align.records import Decision, Turn
from align.takedowns import Takedown, add_takedown

SALT = "stack_exchange/ocean/1"
TURNS = (Turn("user", "Why is the sea salt?"), Turn("assistant", "Rivers carry it in."))
GONE = "was taken down"


def ask(request: str, example_id: str = SALT, curator: str = "ben") -> Ask:
    return Ask(request, example_id, "c1", 0, "accept", curator)


def test_nothing_can_be_said_about_it_any_more(store: CurationStore) -> None:
    before = store.decide(ask("r1"))
    store.lease("cem", [SALT])
    store.take_down([SALT])
    assert store.leases() == []
    assert store.decide(ask("r1")) == before  # sent again because the answer was lost: it was saved
    with pytest.raises(TakenDown, match=GONE):
        store.decide(ask("r2", curator="cem"))
    with pytest.raises(TakenDown, match=GONE):
        store.save_draft("cem", SALT, "c1", TURNS, "half a thought")
    with pytest.raises(TakenDown, match=GONE):
        store.adjudicate("lea", SALT, "c1", "accept")
    assert store.lease("cem", [SALT, "x/2"], 2) == ["x/2"]
    done = store.decide_many([ask("b1", curator="cem"), ask("b2", "x/2", "cem")])
    assert ([event.example_id for event in done.events], GONE in done.refused[SALT]) == (["x/2"], True)
    decision = Decision(SALT, "c1", "accept", "cem", "2026-01-01T00:00:00+00:00")
    assert GONE in store.import_decisions("lea", [decision]).refused[f"{SALT} by cem"]
    assert [event.request for event in store.events_since(0)] == ["r1", "b2"]


def test_a_process_gives_out_nothing_that_another_one_took_down_meanwhile(store: CurationStore) -> None:
    other = CurationStore(store.database)
    assert store.lease("cem", [SALT], 1) == [SALT]
    for gone in (SALT, "x/2"):  # the second time the process has heard of a takedown before
        other.take_down([gone])
        assert store.lease("cem", [SALT, "x/2", "x/3"], 1)[0] != gone
        store.release("cem")
    assert store.lease("cem", [SALT, "x/2", "x/3"], 3) == ["x/3"]


def test_it_is_listed_once_and_the_number_tells_what_is_new(store: CurationStore) -> None:
    store.take_down([SALT])
    [(seq, name)] = store.taken_down_since(0)
    assert name == SALT
    store.take_down([SALT, "x/2"])
    assert [item for _, item in store.taken_down_since(seq)] == ["x/2"]
    assert store.take_down([SALT]) == 0
    assert len(store.taken_down_since(0)) == 2


def test_what_somebody_wrote_goes_with_all_its_versions_and_drafts(store: CurationStore) -> None:
    first = store.write_authored("ben", AuthoredExample("authored/a-1", "A", "example", TURNS, "ready", ("secret",), "my own"))
    store.write_authored("ben", AuthoredExample("authored/a-1", "A", "example", TURNS[:1] * 2, "draft", version=first.version))
    store.save_draft("ben", "authored/a-1", "c1", TURNS, "and more")
    assert store.take_down(["authored/a-1"]) == 2
    for written in store.versions_of_authored("ben", "authored/a-1"):
        assert (written.turns, written.tags, written.note, written.state) == (
            (Turn("user", "[taken down]"),),
            (),
            "",
            "withdrawn",
        )
    assert store.draft("ben", "authored/a-1") is None
    assert list(export_lines(store.all_authored(), "train")) == []
    with pytest.raises(TakenDown, match=GONE):
        store.write_authored("ben", AuthoredExample("authored/a-1", "A", "example", TURNS, version=2))


def test_a_queue_that_is_running_hands_it_out_no_more_and_counts_it_no_more(tmp_path: Path) -> None:
    pool, store = pool_of(tmp_path, {"cooking": 3, "ocean": 3}), store_of(tmp_path)
    queue = Queue(pool, store)
    shown = queue.next("ada", 3)
    gone, accepted = shown[0].example_id, shown[1].example_id
    row = pool.row(accepted)
    decide(queue, store, accepted)
    assert list(queue.catch_up().accepted) == [row]
    store.take_down([gone, accepted])
    left = [item.example_id for item in queue.next("ada", 3)]
    assert not {gone, accepted} & set(left)
    assert len(left) == 3
    assert list(queue.catch_up().accepted) == []
    for curator in ("ben", "cem"):  # neither among the calibration set, nor for a second look
        assert not {gone, accepted} & {item.example_id for item in queue.next(curator, 50)}
    assert sum(cell.accepted + cell.rejected + cell.left for cell in cells_of(queue)) == 58  # 30 and 30, less two
    assert audited_rate(queue)[1] == 0
    queue.close()


def test_neither_search_nor_the_map_nor_the_neighbours_show_it(tmp_path: Path) -> None:
    pool = pool_of(tmp_path, {}, each=6)
    name, other = pool.ids[0], pool.ids[1]
    store = store_of(tmp_path)
    queue = Queue(pool, store)
    for near in pool.ids[:3]:
        decide(queue, store, near)
    accepted = Accepted(pool, queue.catch_up())
    assert {item.example_id for item in accepted.near(other, 5)} == {name, pool.ids[2]}
    store.take_down([name])
    tally = queue.catch_up()
    assert {item.example_id for item in accepted.near(other, 5)} == {pool.ids[2]}
    browse = Browse(pool, TextIndex.open(tmp_path / "store", pool.folder, pool.examples()))
    everything = browse.find(Filters(), tally.states)
    assert (len(everything.rows), everything.facets["state"]) == (23, {"undecided": 21, "accepted": 2})
    assert list(browse.find(Filters(words="cooking0"), tally.states).rows) == []
    points = points_of(places_of(pool, queue.topics), tally.states, queue.order)
    assert 0 not in points.rows.tolist()
    with pytest.raises(AlignError, match=GONE):
        pool.example(name)
    assert name not in pool
    queue.close()


def test_an_index_that_is_made_afterwards_holds_none_of_its_words(tmp_path: Path) -> None:
    pool = pool_of(tmp_path, {}, each=6)
    pool.drop([pool.ids[0]])
    index = TextIndex.open(tmp_path / "store", pool.folder, pool.examples())
    assert index.find("cooking0", 5).total == 0
    assert list(index.find("cooking1", 5).rows) == [1]


def test_a_page_that_has_it_open_goes_on_to_the_next_one_and_saves_nothing(tmp_path: Path) -> None:
    pool, store = pool_of(tmp_path, {}, each=6), store_of(tmp_path)
    queue = Queue(pool, store)
    reviewing = Reviewing(store, pool, queue, "ada")
    reviewing.begin()
    cards = reviewing.cards()
    gone = str(cards[0]["id"])
    store.take_down([gone])
    message = {"kind": "decide", "request": "r1", "action": "accept", "texts": ["my words", "his words"]}
    reviewing.take([message | {name: cards[0][name] for name in ("id", "content", "version")}])
    assert (reviewing.answers["r1"]["ok"], GONE in reviewing.answers["r1"]["said"]) == (False, True)
    assert gone not in [card["id"] for card in reviewing.cards()]
    second = str(reviewing.cards()[0]["id"])
    store.take_down([second])
    reviewing.take([{"kind": "alive", "request": "r2", "id": second}])  # somebody reads and presses nothing
    assert second not in [card["id"] for card in reviewing.cards()]
    assert store.events_since(0) == []
    queue.close()


def test_a_list_that_another_process_wrote_reaches_the_database_and_an_unchanged_one_costs_nothing(tmp_path: Path) -> None:
    store = store_of(tmp_path)
    watch = TakedownWatch(tmp_path, store)
    watch.heed()
    add_takedown(tmp_path, Takedown("https://sea.example/users/7", (SALT,), "", "now"))
    watch.heed()
    assert [name for _, name in store.taken_down_since(0)] == [SALT]
    add_takedown(tmp_path, Takedown("authored/a-9", (), "", "now"))  # nothing in the store of artifacts holds it
    watch.heed()
    assert {name for _, name in store.taken_down_since(0)} == {SALT, "authored/a-9"}
    store.close()
    watch.store = cast(CurationStore, None)
    watch.heed()  # the list is as it was: no database is asked
