"""The queue: who gets which example next."""

from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from queue_setting import CURATORS, SUBJECTS, decide, pool_of, store_of

from align.curation.queueing.looks import QueueSettings
from align.curation.queueing.queue import Queue
from align.curation.queueing.sequence import LONGEST, NEAR
from align.curation.store import CurationStore, NotAllowed

NOTHING_ELSE = QueueSettings(uncertain=0, audit=0, overlap=0, calibration=0)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[CurationStore]:
    opened = store_of(tmp_path)
    yield opened
    opened.close()


def queue_of(
    tmp_path: Path,
    store: CurationStore,
    targets: dict[str, int],
    plan: QueueSettings = NOTHING_ELSE,
    each: int = 30,
    seed: int = 1,
) -> Queue:
    return Queue(pool_of(tmp_path, targets, each), store, seed=seed, settings=plan)


def review(queue: Queue, store: CurationStore, looks: int, curator: str = "ada", like: str = "") -> list[str]:
    """Look at so many, one after the other, and accept those whose id holds `like`; what was seen."""
    seen = []
    for _ in range(looks):
        served = queue.next(curator)
        if not served:
            break
        example_id = served[0].example_id
        decide(queue, store, example_id, "accept" if like in example_id else "reject", curator, served[0].why)
        seen.append(example_id)
    return seen


def test_everybody_begins_with_the_same_examples_from_every_cell(tmp_path: Path, store: CurationStore) -> None:
    queue = queue_of(tmp_path, store, {"cooking": 20, "ocean": 10}, QueueSettings(calibration=6))
    first = review(queue, store, 6, "ben")
    assert Counter(item.split("/")[1] for item in first) == {"cooking": 4, "ocean": 2}  # two to one, as the targets
    assert [served.why for served in queue.next("ben")] != ["calibration"] * 3
    assert sorted(review(queue, store, 6, "cem")) == sorted(first)
    queue.close()


def test_two_people_calibrate_at_once_and_neither_waits(tmp_path: Path, store: CurationStore) -> None:
    queue = queue_of(tmp_path, store, {"cooking": 20, "ocean": 20}, QueueSettings(calibration=6))
    ben, cem = queue.next("ben"), queue.next("cem")
    assert {item.why for item in ben + cem} == {"calibration"}
    assert not {item.example_id for item in ben} & {item.example_id for item in cem}
    queue.close()


def test_what_somebody_holds_stays_theirs_in_its_order_and_is_filled_up(tmp_path: Path, store: CurationStore) -> None:
    queue = queue_of(tmp_path, store, {"cooking": 20, "ocean": 20})
    before = queue.next("ada")
    assert queue.next("ada") == before
    decide(queue, store, before[0].example_id)
    after = queue.next("ada")
    assert after[:2] == before[1:]
    assert len(after) == 3
    queue.close()


def test_a_queue_that_starts_anew_gives_back_what_was_held(tmp_path: Path, store: CurationStore) -> None:
    queue = queue_of(tmp_path, store, {"cooking": 20, "ocean": 20})
    before = {item.example_id for item in queue.next("ada")}
    queue.close()
    again = queue_of(tmp_path, store, {"cooking": 20, "ocean": 20})
    assert {item.example_id for item in again.next("ada")} == before
    again.close()


def test_nothing_comes_from_a_cell_that_is_full_or_not_wanted(tmp_path: Path, store: CurationStore) -> None:
    queue = queue_of(tmp_path, store, {"cooking": 4, "ocean": 2})
    seen = review(queue, store, 100)
    assert Counter(item.split("/")[1] for item in seen) == {"cooking": 4, "ocean": 2}
    assert queue.next("ada") == []
    queue.close()


def test_the_last_place_of_a_cell_is_handed_to_one_person_only(tmp_path: Path, store: CurationStore) -> None:
    queue = queue_of(tmp_path, store, {"cooking": 2})
    assert len(queue.next("ada")) == 2  # two are lacking, so a third could be one too many
    assert queue.next("ben") == []
    decide(queue, store, queue.next("ada")[0].example_id, "reject")
    # ada holds one and lacks none beyond it: the place the rejected one gave back is anybody's
    assert len(queue.next("ben")) == 1
    queue.close()


def test_what_was_skipped_comes_back_to_the_same_person_after_a_while_and_to_others_at_once(
    tmp_path: Path, store: CurationStore
) -> None:
    plan = QueueSettings(uncertain=0, audit=0, overlap=0, calibration=0, cool_down=4)
    queue = queue_of(tmp_path, store, {"cooking": 5}, plan, each=7)
    skipped = queue.next("ada", 1)[0].example_id
    decide(queue, store, skipped, "skip")
    assert skipped in {item.example_id for item in queue.next("ben", 7)}
    store.release("ben")
    seen = [queue.next("ada", 1)[0].example_id for _ in range(1)]
    for _ in range(3):
        decide(queue, store, seen[-1], "reject")
        seen.append(queue.next("ada", 1)[0].example_id)
    assert skipped not in seen
    decide(queue, store, seen[-1], "reject")  # the fourth look after it
    rest = [item.example_id for item in queue.next("ada", 7)]
    assert skipped in rest
    queue.close()


def test_if_only_skipped_examples_are_left_they_come_at_once(tmp_path: Path, store: CurationStore) -> None:
    queue = queue_of(tmp_path, store, {"cooking": 5}, each=2)
    for _ in range(2):
        decide(queue, store, queue.next("ada", 1)[0].example_id, "skip")
    assert len(queue.next("ada", 1)) == 1
    queue.close()


def test_a_second_look_goes_to_another_curator_and_only_once(tmp_path: Path, store: CurationStore) -> None:
    plan = QueueSettings(uncertain=0, audit=0, overlap=1, calibration=0)
    queue = queue_of(tmp_path, store, {"cooking": 20, "ocean": 20}, plan)
    first = review(queue, store, 4, "ada")
    served = queue.next("ben", 8)
    second = [item.example_id for item in served if item.why == "overlap"]
    assert sorted(second) == sorted(first)
    assert [item.why for item in served[4:]] == ["harvest"] * 4  # nothing is left for a second look
    for example_id in second:
        decide(queue, store, example_id, "accept", "ben", "overlap")
    assert not {item.example_id for item in queue.next("cem", 8)} & set(first)  # two have seen them
    queue.close()


def test_an_undone_acceptance_makes_room_again(tmp_path: Path, store: CurationStore) -> None:
    queue = queue_of(tmp_path, store, {"cooking": 1})
    decide(queue, store, queue.next("ada")[0].example_id)
    assert queue.next("ada") == []
    store.undo("ada", "u1")
    assert len(queue.next("ada")) == 1
    queue.close()


def test_a_curator_gets_only_what_the_assigned_cells_hold(tmp_path: Path, store: CurationStore) -> None:
    queue = queue_of(tmp_path, store, {"cooking": 20, "ocean": 20})
    assert {item.example_id.split("/")[1] for item in queue.next("ada", 8, ["ocean"])} == {"ocean"}
    queue.close()


def test_the_same_seed_and_the_same_events_give_the_same_examples(tmp_path: Path) -> None:
    plan = QueueSettings(calibration=5)
    lines = []
    for name in ("one.db", "two.db"):
        store = store_of(tmp_path, name)
        queue = queue_of(tmp_path, store, {site: 20 for site in SUBJECTS}, plan)
        lines.append(review(queue, store, 75, like="/ocean/"))
        queue.close()
        # a queue that starts now and reads the whole history goes on with the same
        again = queue_of(tmp_path, store, {site: 20 for site in SUBJECTS}, plan)
        queue = queue_of(tmp_path, store, {site: 20 for site in SUBJECTS}, plan)
        store.release("ada")
        expected = queue.next("ada")
        store.release("ada")
        assert again.next("ada") == expected
        again.close()
        queue.close()
        store.close()
    assert lines[0] == lines[1]


def test_what_people_accept_comes_more_often_once_it_is_learnt(tmp_path: Path, store: CurationStore) -> None:
    # one cell, so that only the model can prefer a subject; ada accepts one subject of four. Without novelty, which would
    # rightly ask for other subjects once so many examples of one are accepted.
    pool = pool_of(tmp_path, {}, each=60)
    queue = Queue(pool, store, {}, settings=NOTHING_ELSE, with_novelty=False)
    seen = review(queue, store, 110, like="/ocean/")
    early = sum("/ocean/" in item for item in seen[:50]) / 50
    late = sum("/ocean/" in item for item in seen[70:]) / 40
    assert early < 0.4
    assert late > 0.8
    queue.close()


def test_novelty_asks_for_other_subjects_once_many_of_one_are_accepted(tmp_path: Path, store: CurationStore) -> None:
    shares = []
    for name, with_novelty in (("with.db", True), ("without.db", False)):
        other = store_of(tmp_path, name)
        queue = Queue(pool_of(tmp_path, {}, each=60), other, {}, settings=NOTHING_ELSE, with_novelty=with_novelty)
        shares.append(sum("/ocean/" in item for item in review(queue, other, 90, like="/ocean/")[60:]))
        queue.close()
        other.close()
    assert shares[0] < shares[1]


def test_examples_of_one_exchange_come_in_runs_and_near_neighbours_never_in_a_row(tmp_path: Path, store: CurationStore) -> None:
    queue = Queue(pool_of(tmp_path, {}, each=60), store, {}, settings=NOTHING_ELSE)
    seen = review(queue, store, 60)
    sites = [item.split("/")[1] for item in seen]
    runs = [len(run) for run in "".join("|" if a != b else "." for a, b in zip(sites, sites[1:], strict=False)).split("|")]
    assert sum(run + 1 >= 3 for run in runs) > len(runs) / 2
    assert max(runs) + 1 <= LONGEST
    vectors = [queue.pool.vectors[queue.pool.row(item)] for item in seen]
    assert max(float(a @ b) for a, b in zip(vectors, vectors[1:], strict=False)) <= NEAR
    queue.close()


@pytest.mark.slow
def test_looks_are_shared_out_as_the_settings_say_in_the_long_run(tmp_path: Path, store: CurationStore) -> None:
    plan = QueueSettings(uncertain=0.2, audit=0.2, overlap=0.2, calibration=0)
    queue = Queue(pool_of(tmp_path, {}, each=120), store, {}, settings=plan)
    review(queue, store, 80, "ben", like="/ocean/")
    review(queue, store, 150, "ada", like="/ocean/")
    served = queue.catch_up().doings("ada").served
    # three deviations of 150 draws at 0.2 are 15; ben has taught the model, so that it can be uncertain
    for why in ("uncertain", "audit", "overlap"):
        assert abs(served[why] - 30) <= 15, served
    assert "overlap" not in queue.tally.doings("ben").served  # there was nobody to look after
    queue.close()


@pytest.mark.slow
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(st.sampled_from(CURATORS), st.sampled_from(["accept", "accept", "reject", "skip", "flag", "undo"])), max_size=60
    )
)
def test_no_example_is_with_two_people_and_no_cell_overflows(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, str]]
) -> None:
    folder = tmp_path_factory.mktemp("steps")
    targets = {"cooking": 6, "ocean": 3}
    store = store_of(folder)
    queue = queue_of(folder, store, targets, QueueSettings(overlap=0.2, calibration=2), each=12)
    held: dict[str, list[str]] = {}
    for number, (curator, action) in enumerate(steps):
        served = queue.next(curator)
        held[curator] = [item.example_id for item in served]
        everything = [item for lease in store.leases() for item in [lease.example_id]]
        assert len(everything) == len(set(everything))
        assert len(served) == len(set(held[curator]))
        for other, theirs in held.items():
            assert other == curator or not set(theirs) & set(held[curator])
        if action == "undo":
            with suppress(NotAllowed):  # somebody else has it open by now
                store.undo(curator, f"undo {number}")
        elif served:
            decide(queue, store, served[0].example_id, action, curator, served[0].why)
            held[curator].pop(0)
        tally = queue.catch_up()
        for cell, target in targets.items():
            assert tally.by_cell[queue.pool.cells.names.index(cell), 1] <= target
    queue.close()
    store.close()


def test_settings_that_a_lead_changes_hold_for_what_is_handed_out_next(tmp_path: Path, store: CurationStore) -> None:
    queue = queue_of(tmp_path, store, {"cooking": 20, "ocean": 20}, QueueSettings(calibration=2))
    assert [item.why for item in queue.next("ada", 4)] == ["calibration", "calibration", "harvest", "harvest"]
    queue.use(QueueSettings(calibration=0, uncertain=0, audit=1, overlap=0))
    assert queue.calibration == []
    assert {item.why for item in queue.next("ben", 4)} == {"audit"}
    queue.close()
