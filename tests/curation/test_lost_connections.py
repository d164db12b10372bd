"""A server that was restarted, or a firewall that forgets: connections that lay idle are dead when they are used again."""

from collections.abc import Iterator

import psycopg
import pytest
from sqlalchemy import Connection, text

from align.curation.store import Ask, CurationStore
from align.errors import StoreError
from postgres_server import Server

END_ALL = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
    " AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
)


@pytest.fixture
def url(postgres: Server) -> str:
    return postgres.emptied()


@pytest.fixture
def store(url: str) -> Iterator[CurationStore]:
    opened = CurationStore.open(url)
    opened.add_person("ada", "ada")
    yield opened
    opened.close()


def cut(url: str) -> None:
    """End every connection to the database."""
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute(END_ALL)


def test_who_reads_or_decides_over_a_dead_connection_notices_nothing(url: str, store: CurationStore) -> None:
    cut(url)
    assert [person.name for person in store.people()] == ["ada"]
    cut(url)
    event = store.decide(Ask("r1", "se/a/1", "c", 0, "accept", "ada"))
    cut(url)
    assert store.lease("ada", ["se/a/2"]) == ["se/a/2"]
    assert store.events_since(0) == [event]


def test_a_transaction_whose_connection_dies_half_way_is_done_again_once(url: str, store: CurationStore) -> None:
    calls = []

    def work(connection: Connection) -> None:
        calls.append(1)
        connection.execute(text("UPDATE people SET by = by || '+'"))
        if len(calls) == 1:
            cut(url)
            connection.execute(text("SELECT 1"))

    store.database.write(work)
    assert [person.by for person in store.people()] == ["ada+"]


def test_what_may_have_been_committed_is_not_done_again(url: str, store: CurationStore) -> None:
    calls = []

    def work(connection: Connection) -> None:
        calls.append(1)
        connection.execute(text("UPDATE people SET by = by || '+'"))
        cut(url)

    with pytest.raises(StoreError, match="may not be saved"):
        store.database.write(work)
    assert len(calls) == 1
