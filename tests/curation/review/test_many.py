"""Deciding about many examples by one press."""

from pathlib import Path

import numpy as np
import pytest

from align.curation.pools.browse import STATES
from align.curation.pools.pool import Pool
from align.curation.review import many
from align.curation.review.many import asks_for, preview
from align.curation.store import CurationStore
from toy_records import artifact, example

ALL = [example(f"stack_exchange/ocean/{number}", f"Question {number}?", f"Answer {number}.") for number in range(5)]
UNDECIDED, ACCEPTED, REJECTED = (STATES.index(name) for name in ("undecided", "accepted", "rejected"))  # type: ignore[arg-type]
STANDS = np.array([UNDECIDED, ACCEPTED, UNDECIDED, REJECTED, UNDECIDED], dtype=np.int8)


@pytest.fixture
def pool(tmp_path: Path) -> Pool:
    return Pool.open(artifact(tmp_path, "above", ALL), tmp_path / "store")


@pytest.fixture
def store(tmp_path: Path) -> CurationStore:
    opened = CurationStore.open(f"sqlite:///{tmp_path / 'curation.db'}")
    opened.add_person("ada", "ada")
    return opened


def test_what_is_decided_already_is_left_alone_unless_asked_for(pool: Pool) -> None:
    seen = preview(pool, [4, 3, 2, 1, 0], STANDS, decided_too=False)
    assert seen.rows == (4, 2, 0)
    assert seen.by_state == {"undecided": 3, "rejected": 1, "accepted": 1}
    assert preview(pool, [4, 3, 2, 1, 0], STANDS, decided_too=True).rows == (4, 3, 2, 1, 0)


def test_what_is_too_much_for_one_press_is_told(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(many, "MOST", 2)
    seen = preview(pool, [0, 1, 2, 4], STANDS, decided_too=False)
    assert (seen.rows, seen.left_out) == ((0, 2), 1)


def test_a_press_that_comes_twice_decides_once_and_is_undone_together(pool: Pool, store: CurationStore) -> None:
    asks = asks_for(pool, [0, 2], "reject", "ada", store.versions("ada"), "batch-1", reason="off topic")
    for _ in range(2):
        assert store.decide_many(asks).refused == {}
    assert [(item.example_id, item.action, item.reason) for item in store.decisions()] == [
        ("stack_exchange/ocean/0", "reject", "off topic"),
        ("stack_exchange/ocean/2", "reject", "off topic"),
    ]
    assert store.versions("ada") == {"stack_exchange/ocean/0": 1, "stack_exchange/ocean/2": 1}
    assert len(store.undo_batch("ada", "batch-1").events) == 2
    assert list(store.decisions()) == []


def test_an_example_that_was_skipped_before_can_be_decided_with_others(pool: Pool, store: CurationStore) -> None:
    """Its version is 1 by then; an ask that said 0 would be stale."""
    store.decide_many(asks_for(pool, [0], "skip", "ada", store.versions("ada"), "batch-1"))
    done = store.decide_many(asks_for(pool, [0, 2], "accept", "ada", store.versions("ada"), "batch-2"))
    assert done.refused == {}
    assert len(done.events) == 2
