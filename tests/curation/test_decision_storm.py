"""Decisions of many processes, with processes and servers killed on the way."""

from pathlib import Path

import pytest

from decision_storm import Result, kill_some, storm
from postgres_server import Server, find_postgres, postgres_server

WRITERS, DECISIONS = 6, 120


def check(result: Result) -> None:
    assert (result.noted, result.events) == (WRITERS * DECISIONS, WRITERS * DECISIONS), result
    assert (result.lost, result.double, result.followed) == (0, 0, True), result


@pytest.mark.long
def test_of_decisions_by_processes_killed_in_sqlite_none_is_lost_and_none_is_double(tmp_path: Path) -> None:
    blows = [kill_some(3, seed) for seed in range(3)]
    check(storm(f"sqlite:///{tmp_path}/curation.db", tmp_path, WRITERS, DECISIONS, blows))


@pytest.mark.long
def test_of_decisions_by_processes_and_a_server_killed_none_is_lost_and_none_is_double(tmp_path: Path) -> None:
    binaries = find_postgres()
    if binaries is None:
        pytest.skip("no PostgreSQL here (apt-get install postgresql)")

    with postgres_server(binaries, fsync=True) as server:
        check(storm(server.fresh(), tmp_path, WRITERS, DECISIONS, [kill_some(3, 1), lambda _: restart(server), kill_some(3, 2)]))


def restart(server: Server) -> None:
    server.kill()
    server.start()
