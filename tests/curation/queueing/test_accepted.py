"""The nearest accepted examples, as the decisions come and go; beside a search through the pool's vectors."""

from pathlib import Path

import numpy as np
import pytest
from queue_setting import decide, pool_of, store_of

from align.curation.pools.pool import Pool
from align.curation.queueing.accepted import Accepted
from align.curation.queueing.queue import Queue
from align.curation.store import CurationStore


@pytest.fixture
def pool(tmp_path: Path) -> Pool:
    return pool_of(tmp_path, {})


@pytest.fixture
def store(tmp_path: Path) -> CurationStore:
    return store_of(tmp_path)


def searched(pool: Pool, name: str, rows: list[int], count: int) -> list[tuple[str, float]]:
    """All with all, sorted."""
    own = pool.row(name)
    found = [(-float(np.dot(pool.vectors[row], pool.vectors[own])), row) for row in rows if row != own]
    return [(pool.ids[row], pytest.approx(-cosine, abs=1e-6)) for cosine, row in sorted(found)[:count]]


def test_the_nearest_are_those_of_all_that_stand_accepted(pool: Pool, store: CurationStore) -> None:
    queue = Queue(pool, store)
    accepted = Accepted(pool, queue.tally)
    assert accepted.near(pool.ids[0], 3) == []
    taken: list[int] = []
    for number in range(0, 60, 3):
        decide(queue, store, pool.ids[number], "accept")
        queue.catch_up()
        taken.append(number)
        if number == 30:  # what is taken back is near nothing any more, though it stands in the middle
            store.undo("ada", "u1")
            queue.catch_up()
            taken.remove(30)
        for asked in (pool.ids[0], pool.ids[50]):  # the first is accepted itself
            assert accepted.near(asked, 3) == searched(pool, asked, taken, 3)
    queue.close()


def test_of_equally_near_ones_the_first_in_the_pool_comes_first(pool: Pool, store: CurationStore) -> None:
    queue = Queue(pool, store)
    pool.vectors = np.ones_like(pool.vectors)
    for number in (7, 3, 5, 9):
        decide(queue, store, pool.ids[number], "accept")
    queue.catch_up()
    assert [item.example_id for item in Accepted(pool, queue.tally).near(pool.ids[9], 2)] == [pool.ids[3], pool.ids[5]]
    queue.close()
