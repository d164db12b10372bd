"""Making, upgrading and refusing databases."""

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text

from align.curation.database import migrations
from align.curation.database.engine import Database, parse_url, redacted
from align.curation.database.tables import HEAD, VERSION_TABLE, metadata
from align.curation.store import Ask, CurationStore
from align.errors import AlignError, InputError, StoreError
from postgres_server import Server

HERE = Path(__file__).parent
OPEN = (
    "import sys; from align.curation.store import CurationStore; sys.stdin.readline(); CurationStore.open(sys.argv[1]).people()"
)


def run_script(url: str, script: str) -> None:
    """What a database at an older revision was made by, as it was dumped then."""
    database = Database(url)
    if database.is_sqlite:
        with sqlite3.connect(str(database.url.database)) as connection:
            connection.executescript(script)
        connection.close()
        return
    raw = database.engine.raw_connection()
    raw.cursor().execute(script)
    raw.commit()
    raw.close()
    database.close()


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_a_database_of_the_first_revision_is_upgraded_with_all_it_holds(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    if kind == "sqlite":
        url = f"sqlite:///{tmp_path}/old.db"
    else:
        server: Server = request.getfixturevalue("postgres")
        url = server.emptied()
    run_script(url, (HERE / f"revision_0001.{kind}.sql").read_text(encoding="utf-8"))
    assert CurationStore.exists(url)
    store = CurationStore.open(url)
    # ben's edit stands; ada and ben disagree about the second; ada took the third back
    assert [(item.example_id[-1], item.action, item.curator) for item in store.decisions()] == [
        ("1", "edit", "ben"),
        ("2", "flag", "ada, ben"),
    ]
    draft = store.draft("ben", "stack_exchange/ocean/3")
    assert draft is not None
    assert draft.note == "half done"
    store.write_guidelines("ada", "Be kind.")
    assert store.decide(Ask("r9", "stack_exchange/ocean/3", "c3", 2, "accept", "ada")).seq == 9
    store.close()


def test_the_migrations_make_the_very_tables_that_the_code_uses(db_url: str) -> None:
    CurationStore.open(db_url).close()
    database = Database(db_url)
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE, "compare_type": True})
        assert compare_metadata(context, metadata) == []
        assert context.get_current_revision() == HEAD
    database.close()
    config = Config()
    config.set_main_option("script_location", str(Path(str(migrations.__file__)).parent))
    assert ScriptDirectory.from_config(config).get_current_head() == HEAD


def test_a_database_of_a_newer_align_is_refused_and_left_alone(db_url: str) -> None:
    CurationStore.open(db_url).close()
    database = Database(db_url)
    database.write(lambda connection: connection.execute(text(f"UPDATE {VERSION_TABLE} SET version_num = '9999'")))
    with pytest.raises(StoreError, match=r"written by a newer align \(schema 9999.*upgrade align with pip install -U"):
        CurationStore.open(db_url)
    database.close()


def test_processes_that_open_a_fresh_database_at_once_all_get_it(db_url: str) -> None:
    processes = [
        subprocess.Popen([sys.executable, "-c", OPEN, db_url], stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in processes:
        _, told = process.communicate(timeout=60)
        assert process.returncode == 0, told
    store = CurationStore.open(db_url)
    store.add_person("ada", "ada")
    assert [person.name for person in store.people()] == ["ada"]
    store.close()


@pytest.mark.parametrize("table", ["events", "changes", "guidelines", "acknowledgements", "authored"])
def test_the_history_can_neither_be_changed_nor_removed(store: CurationStore, table: str) -> None:
    store.write_guidelines("ada", "Be kind.")
    store.acknowledge("ben", 1)
    store.decide(Ask("r1", "x/1", "c", 0, "accept", "ben"))
    if table == "authored":
        from align.curation.writing.authoring import AuthoredExample

        store.write_authored("ben", AuthoredExample("authored/1", "A", "example", ()))
    column = {"changes": "who", "acknowledgements": "curator", "events": "curator"}.get(table, "by")
    for act in (f"DELETE FROM {table}", f"UPDATE {table} SET \"{column}\" = 'eve'"):
        with pytest.raises(StoreError, match=f"{table} is only ever added to"):
            store.database.write(lambda connection, act=act: connection.execute(text(act)))  # type: ignore[misc]


def test_tables_of_another_program_are_not_taken_over(db_url: str) -> None:
    run_script(db_url, "CREATE TABLE people (id INTEGER PRIMARY KEY)")
    with pytest.raises(StoreError, match="has tables named people that align did not make"):
        CurationStore.open(db_url)


def test_a_file_that_is_no_database_is_told(tmp_path: Path) -> None:
    path = tmp_path / "curation.db"
    path.write_text("not a database, but a text long enough to be read as one " * 20, encoding="utf-8")
    with pytest.raises(StoreError, match="no SQLite database; name another one"):
        CurationStore.open(f"sqlite:///{path}")


def test_a_folder_that_is_missing_is_told(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="there is no folder"):
        CurationStore.open(f"sqlite:///{tmp_path}/nowhere/curation.db")


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("curation.db", "no URL of a database"),
        ("mysql://x@y/z", "SQLite or PostgreSQL, not 'mysql'"),
        ("sqlite://", "in memory is gone"),
        ("postgresql://ada:hunter2@host:notaport/x", "no URL of a database"),
    ],
)
def test_what_is_no_url_of_ours_is_told_with_the_right_form(url: str, told: str) -> None:
    with pytest.raises(InputError, match=told) as caught:
        parse_url(url)
    assert "sqlite:///FILE" in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_a_password_is_shown_nowhere(postgres: Server) -> None:
    assert redacted("postgresql://ada:hunter2@h/x?password=hunter2&sslmode=require") == (
        "postgresql://ada:***@h/x?password=%2A%2A%2A&sslmode=require"
    )
    url = postgres.emptied().replace(postgres.password, "hunter2")
    for attempt in (url, f"{url.replace(':hunter2', '')}?password=hunter2", url.replace(str(postgres.port), "9")):
        with pytest.raises(AlignError, match="does not answer") as caught:
            CurationStore.open(attempt)
        assert "hunter2" not in str(caught.value)
