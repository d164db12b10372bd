"""Two server processes that hand out examples of one database: neither knows the other, and no cell gets more than it wants."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from queue_setting import decide, pool_of, store_of

from align.curation.queueing.looks import QueueSettings
from align.curation.queueing.queue import Queue
from align.curation.review.reviewing import Reviewing
from align.curation.store import CurationStore

HARVEST = QueueSettings(uncertain=0, audit=0, overlap=0, calibration=0)


class Interrupted:
    """A store whose next lease comes too late: something happens between the looking and the taking."""

    def __init__(self, store: CurationStore) -> None:
        self.store = store
        self.meanwhile: Callable[[list[str]], object] = lambda wanted: None

    def lease(self, curator: str, candidates: list[str], *args: Any, **more: Any) -> list[str]:
        happens, self.meanwhile = self.meanwhile, lambda wanted: None
        happens(candidates)
        return self.store.lease(curator, candidates, *args, **more)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.store, name)


@pytest.fixture
def two(tmp_path: Path) -> Iterator[tuple[Queue, Interrupted]]:
    """Our queue, and our way to the store we share with another process; two of cooking are wanted, and three of ocean."""
    pool, store = pool_of(tmp_path, {"cooking": 2, "ocean": 3}), store_of(tmp_path)
    slow = Interrupted(store)
    ours = Queue(pool, slow, settings=HARVEST)
    yield ours, slow
    ours.close()


def take_others(queue: Queue, store: CurationStore, wanted: list[str]) -> list[str]:
    """Ben gets two of each cell from the other process, none of which we want."""
    open_ones = [name for name in queue.pool.ids if name not in wanted]
    cells = [[name for name in open_ones if f"/{cell}/" in name][:2] for cell in ("cooking", "ocean")]
    return store.lease("ben", [name for names in cells for name in names], 4)


def held(store: Any) -> list[str]:
    return sorted(lease.example_id.split("/")[1] for lease in store.leases())


def test_what_the_other_took_a_moment_ago_takes_room(two: tuple[Queue, Interrupted]) -> None:
    ours, slow = two
    slow.meanwhile = lambda wanted: take_others(ours, slow.store, wanted)
    assert len(ours.next("ada", 4)) == 1  # five are wanted, and four were gone
    assert held(slow.store) == ["cooking", "cooking", "ocean", "ocean", "ocean"]


@pytest.mark.parametrize(("action", "left"), [("accept", 1), ("reject", 4)])
def test_what_the_other_took_and_accepted_a_moment_ago_takes_room(two: tuple[Queue, Interrupted], action: str, left: int) -> None:
    ours, slow = two

    def decide_four(wanted: list[str]) -> None:
        for name in take_others(ours, slow.store, wanted):
            decide(ours, slow.store, name, action, "ben")

    slow.meanwhile = decide_four
    assert len(ours.next("ada", 4)) == left
    accepted = [item.example_id.split("/")[1] for item in slow.store.decisions() if item.action == "accept"]
    found = sorted([*accepted, *held(slow.store)])
    assert (found.count("cooking"), found.count("ocean")) in ({(2, 3)} if left == 1 else {(2, 2), (1, 3)})


def test_who_accepts_into_a_full_cell_is_told_and_not_refused(two: tuple[Queue, Interrupted]) -> None:
    queue, slow = two
    names = [name for name in queue.pool.ids if "/cooking/" in name][:3]
    reviewing = Reviewing(slow.store, queue.pool, queue, "ben")
    reviewing.begin()
    said = []
    for number, name in enumerate(names):
        reviewing.show(name)
        card = reviewing.cards()[0]
        message = {"kind": "decide", "request": f"r{number}", "action": "accept", "texts": None}
        reviewing.take([message | {key: card[key] for key in ("id", "content", "version")}])
        said.append(reviewing.answers[f"r{number}"].get("said", ""))
    assert said == ["", "", "Accepted, though cooking is full: it has 3 of 2 wanted."]
