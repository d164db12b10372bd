"""A takedown and a draft at the same moment, from two processes: whichever comes first, no word of the example stays."""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import pytest
from sqlalchemy import Connection

from align.curation.state import changes, drafts, redaction
from align.curation.store import CurationStore, TakenDown
from align.records import Turn

SALT = "stack_exchange/ocean/1"
DRAFT = (SALT, "c1", (Turn("user", "Why is the sea salt?"),), "half a thought")
LONG_SECONDS = 0.3
"""So long the one that came first goes on, while the other one waits for it or, wrongly, does not."""


@pytest.fixture
def other(db_url: str, store: CurationStore) -> Iterator[CurationStore]:
    """The same database, opened by another process."""
    opened = CurationStore.open(db_url)
    yield opened
    opened.close()


def beside(work: Any, *values: Any) -> "Future[Any]":
    """Begin something, and go on when it waits."""
    thread = ThreadPoolExecutor(1)
    begun = thread.submit(work, *values)
    thread.shutdown(wait=False)
    with suppress(TimeoutError):
        begun.exception(LONG_SECONDS)
    return begun


def test_a_draft_that_is_just_being_saved_goes_with_the_others(store: CurationStore, other: CurationStore) -> None:
    def save(connection: Connection) -> "Future[Any]":
        drafts.save_draft(connection, "cem", *DRAFT)
        return beside(other.take_down, [SALT])

    store.database.write(save).result(20)
    assert store.draft("cem", SALT) is None


def test_a_draft_that_comes_while_an_example_is_taken_down_is_refused(store: CurationStore, other: CurationStore) -> None:
    def take_down(connection: Connection) -> "Future[Any]":
        changes.hold(connection, changes.HISTORY)
        redaction.take_down(connection, [SALT])
        return beside(other.save_draft, "cem", *DRAFT)

    begun = store.database.write(take_down, turn=changes.HISTORY)
    with pytest.raises(TakenDown, match="was taken down"):
        begun.result(20)
    assert store.draft("cem", SALT) is None
