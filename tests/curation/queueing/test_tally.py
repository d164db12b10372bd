"""The tally: what all events say, kept up event by event, as the curate stage would fold them."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from queue_setting import decide, pool_of, store_of

from align.curation.pools.pool import Pool
from align.curation.queueing.queue import Queue
from align.curation.queueing.tally import ACCEPTED, FLAGGED, REJECTED, UNDECIDED, Tally
from align.curation.store import Ask, CurationStore
from align.records import Turn, content_of

COOK, SEA = "stack_exchange/cooking/1", "stack_exchange/ocean/1"
EDITED = (Turn("user", "What of bread?"), Turn("assistant", "Knead it."))


@pytest.fixture
def pool(tmp_path: Path) -> Pool:
    return pool_of(tmp_path, {"cooking": 3, "ocean": 2}, each=3)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[CurationStore]:
    opened = store_of(tmp_path)
    yield opened
    opened.close()


@pytest.fixture
def queue(pool: Pool, store: CurationStore) -> Iterator[Queue]:
    made = Queue(pool, store)
    yield made
    made.close()


def tally_of(pool: Pool, store: CurationStore) -> Tally:
    tally = Tally(pool)
    tally.hear(store.events_since(0))
    return tally


def counted(tally: Tally, cell: str) -> tuple[int, int, int, int]:
    row = tally.pool.cells.names.index(cell)
    return tuple(int(tally.counts(state)[row]) for state in (UNDECIDED, ACCEPTED, REJECTED, FLAGGED))  # type: ignore[return-value]


def test_cells_count_what_stands_and_an_undone_decision_is_none(queue: Queue, store: CurationStore) -> None:
    decide(queue, store, COOK)
    decide(queue, store, "stack_exchange/cooking/2", "reject")
    decide(queue, store, SEA, "flag")
    tally = queue.catch_up()
    assert counted(tally, "cooking") == (1, 1, 1, 0)
    assert counted(tally, "ocean") == (2, 0, 0, 1)
    store.undo("ada", "u1")  # the flag
    store.undo("ada", "u2")  # the rejection
    tally = queue.catch_up()
    assert counted(tally, "cooking") == (2, 1, 0, 0)
    assert counted(tally, "ocean") == (3, 0, 0, 0)
    assert [review.action for review in tally.doings("ada").reviews.values()] == ["accept"]


def test_curators_who_disagree_leave_it_flagged_until_a_lead_decides(queue: Queue, store: CurationStore) -> None:
    decide(queue, store, COOK, "accept", "ben")
    decide(queue, store, COOK, "reject", "cem")
    assert counted(queue.catch_up(), "cooking") == (2, 0, 0, 1)
    assert queue.tally.labels[queue.pool.row(COOK)] == {"ben": True, "cem": False}
    content = queue.pool.contents[queue.pool.row(COOK)]
    store.adjudicate("ada", COOK, content, "accept")
    assert counted(queue.catch_up(), "cooking") == (2, 1, 0, 0)
    assert queue.tally.labels[queue.pool.row(COOK)] == {"ada": True}


def test_an_edit_accepts_and_a_rejection_of_the_edited_text_takes_it_back(queue: Queue, store: CurationStore) -> None:
    decide(queue, store, COOK, "edit", turns=EDITED)
    assert counted(queue.catch_up(), "cooking") == (2, 1, 0, 0)
    store.decide(Ask("r", COOK, content_of(EDITED), 1, "reject", "ada"))
    assert counted(queue.catch_up(), "cooking") == (2, 0, 1, 0)
    assert list(queue.tally.accepted) == []


def test_a_decision_on_another_text_leaves_the_example_undecided(queue: Queue, store: CurationStore) -> None:
    store.decide(Ask("r", COOK, content_of(EDITED), 0, "accept", "ada"))
    assert counted(queue.catch_up(), "cooking") == (3, 0, 0, 0)


def test_a_skip_decides_nothing(queue: Queue, store: CurationStore) -> None:
    decide(queue, store, COOK, "skip")
    tally = queue.catch_up()
    assert counted(tally, "cooking") == (3, 0, 0, 0)
    assert (tally.labels, tally.doings("ada").said, tally.doings("ada").skipped) == ({}, {}, {queue.pool.row(COOK): 1})


def test_events_about_other_pools_are_counted_and_passed_over(queue: Queue, store: CurationStore) -> None:
    event = store.decide(Ask("r", "wikihow/1", content_of(EDITED), 0, "accept", "ada"))
    tally = queue.catch_up()
    assert (tally.elsewhere, tally.heard, tally.seq) == (1, 0, event.seq)


def test_hearing_event_by_event_and_all_at_once_is_the_same(queue: Queue, pool: Pool, store: CurationStore) -> None:
    steps = [
        (COOK, "accept", "ben"),
        (SEA, "reject", "ben"),
        (COOK, "reject", "cem"),
        (SEA, "skip", "cem"),
        (COOK, "accept", "ada"),
    ]
    for example_id, action, curator in steps:
        decide(queue, store, example_id, action, curator)
        queue.catch_up()
    store.undo("cem", "u1")
    step_by_step, at_once = queue.catch_up(), tally_of(pool, store)
    assert step_by_step.states.tolist() == at_once.states.tolist()
    assert step_by_step.by_cell.tolist() == at_once.by_cell.tolist()
    assert step_by_step.words.tolist() == at_once.words.tolist()
    assert (step_by_step.labels, step_by_step.curators, list(step_by_step.accepted)) == (
        at_once.labels,
        at_once.curators,
        list(at_once.accepted),
    )


def test_all_labels_come_by_row_and_curator(queue: Queue, pool: Pool, store: CurationStore) -> None:
    """Of two curators one flags, which is no label; an undone decision leaves none."""
    cook, sea = pool.row(COOK), pool.row(SEA)
    decide(queue, store, SEA, "reject", "ben")
    decide(queue, store, COOK, "reject", "cem")
    decide(queue, store, COOK, "accept", "ben")
    decide(queue, store, SEA, "flag", "cem")
    decide(queue, store, pool.ids[1], "accept", "ada")
    store.undo("ada", "u1")
    rows, labels = queue.catch_up().all_labels()
    said = list(zip(rows.tolist(), labels.tolist(), strict=True))
    assert said == sorted([(cook, True), (cook, False), (sea, False)], key=lambda one: one[0])
