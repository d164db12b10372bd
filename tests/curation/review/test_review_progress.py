"""How far one is: today by one's own clock, and the cell an example counts for."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from queue_setting import decide, pool_of, store_of

from align.curation.queueing.queue import Queue
from align.curation.review.progress import day_begins, progress_of

MORNING = datetime(2026, 3, 2, 1, 30, tzinfo=UTC)


def test_the_day_begins_at_midnight_where_the_person_sits() -> None:
    assert day_begins(MORNING, timedelta()) == "2026-03-02T00:00:00.000000+00:00"
    # In New York it is still the first of March, 20:30; its midnight was 05:00 in Greenwich.
    assert day_begins(MORNING, timedelta(hours=-5)) == "2026-03-01T05:00:00.000000+00:00"
    # In Tokyo it is 10:30 of the second; its midnight was 15:00 of the first in Greenwich.
    assert day_begins(MORNING, timedelta(hours=9)) == "2026-03-01T15:00:00.000000+00:00"


def test_a_skip_and_an_undone_decision_are_not_counted_for_today(tmp_path: Path) -> None:
    store = store_of(tmp_path)
    queue = Queue(pool_of(tmp_path, {"cooking": 5}), store, with_model=False)
    for number, action in enumerate(("accept", "reject", "skip", "accept")):
        decide(queue, store, f"stack_exchange/cooking/{number}", action)
    store.undo("ada", "back")
    queue.catch_up()
    found = progress_of(queue, "ada", [], "2000-01-01T00:00:00.000000+00:00", False)
    assert (found["today"], found["is_new"]) == (2, False)
    assert progress_of(queue, "ada", [], "2999-01-01T00:00:00.000000+00:00", False)["today"] == 0
    assert progress_of(queue, "ben", [], "2000-01-01T00:00:00.000000+00:00", False)["is_new"]
    queue.close()


def test_an_example_tells_of_its_own_cell_and_one_in_no_group_says_so(tmp_path: Path) -> None:
    store = store_of(tmp_path)
    queue = Queue(pool_of(tmp_path, {"cooking": 5, "ocean": 9}, each=4), store, with_model=False)
    decide(queue, store, "stack_exchange/cooking/0")
    decide(queue, store, "stack_exchange/cooking/1", "reject")
    queue.catch_up()
    names = ["stack_exchange/cooking/2", "stack_exchange/music/0"]
    cells = progress_of(queue, "ada", names, "", False)["cells"]
    assert cells[names[0]] == {"name": "cooking", "accepted": 1, "wanted": 5, "undecided": 2}
    # Music and garden, four examples each, are in no group.
    assert cells[names[1]] == {"name": "in no group", "accepted": 0, "wanted": None, "undecided": 8}
    store.take_down(names[:1])
    queue.catch_up()  # another one's page has heard of it, while this one's was drawn
    assert list(progress_of(queue, "ada", names, "", False)["cells"]) == names[1:]
    queue.close()


def test_blind_nothing_told_after_a_decision_depends_on_what_others_said_of_the_example(tmp_path: Path) -> None:
    names = [f"stack_exchange/cooking/{number}" for number in range(4)]
    told = []
    for place, others in enumerate(("", "accept", "reject", "flag")):  # what ben said before of the one that ada rejects
        store = store_of(tmp_path, f"{place}.db")
        queue = Queue(pool_of(tmp_path / str(place), {"cooking": 5}, each=4), store, with_model=False)
        decide(queue, store, names[0])
        if others:
            decide(queue, store, names[1], others, curator="ben")
        for step in range(2):
            if step:
                decide(queue, store, names[1], "reject")
            queue.catch_up()
            found = progress_of(queue, "ada", names[2:], "", True)
            assert found["cells"][names[2]] == {"name": "cooking", "accepted": 1, "wanted": 5, "undecided": None}
            told.append((step, found))
        queue.close()
    assert all(found == told[step][1] for step, found in told)
