"""Fresh databases of both kinds for the tests of curation."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from align.curation.store import CurationStore
from postgres_server import Server, find_postgres, postgres_server


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """A private PostgreSQL; skips where none is installed."""
    binaries = find_postgres()
    if binaries is None:
        pytest.skip("no PostgreSQL here (apt-get install postgresql)")
    with postgres_server(binaries) as server:
        yield server


@pytest.fixture(params=["sqlite", "postgres"])
def db_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a fresh database, once of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/curation.db"
    server: Server = request.getfixturevalue("postgres")
    return server.emptied()


@pytest.fixture
def store(db_url: str) -> Iterator[CurationStore]:
    """A store with ada (admin), lea (lead), ben and cem (curators) and vic (viewer)."""
    opened = CurationStore.open(db_url)
    opened.add_person("ada", "ada")
    for name, role in (("lea", "lead"), ("ben", "curator"), ("cem", "curator"), ("vic", "viewer")):
        opened.add_person("ada", name, role)
    yield opened
    opened.close()
