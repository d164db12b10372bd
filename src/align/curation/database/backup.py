"""Save a database to one SQLite file while people work on: a moment of it, whole, which opens like any other."""

import os
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, text

from align.curation.database.engine import Database, sqlite_url
from align.curation.database.place import shown_url
from align.curation.database.schema import has_tables, revision_of, upgrade_to
from align.curation.database.tables import VERSION_TABLE
from align.errors import InputError, StoreError

ROWS_AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class Backup:
    """What was saved."""

    path: Path
    source: str
    """The database, without its password."""
    events: int
    people: int
    bytes: int


def back_up(url: str, path: Path, force: bool = False) -> Backup:
    """Save the database at `url` to `path`, at the revision it has: nothing in it is upgraded, and nobody is kept waiting."""
    database = Database(url)
    try:
        _check_target(database, path, force)
        if not has_tables(database):
            raise StoreError(f"no curation database {shown_url(url)}: nothing to save")
        partial = path.with_name(f"{path.name}.partial")
        _remove(partial)
        try:
            if database.is_sqlite:
                _copy_pages(Path(str(database.url.database)), partial)
            else:
                database.read(lambda connection: _copy_rows(connection, partial), whole=True)
            found = _verify(partial)
            os.replace(partial, path)
        finally:
            _remove(partial)
        return Backup(path, shown_url(url), *found, path.stat().st_size)
    finally:
        database.close()


def _check_target(database: Database, path: Path, force: bool) -> None:
    if not path.parent.is_dir():
        raise InputError(f"{path}: there is no folder {path.parent}; make it first")
    if database.is_sqlite and path.exists() and path.samefile(str(database.url.database)):
        raise InputError(f"{path}: is the database itself; name another file")
    if path.exists() and not force:
        raise InputError(f"{path}: is there already; name another file, or write over it with --force")


def _copy_pages(source: Path, target: Path) -> None:
    # In one step: it reads one moment of the log, and writers go on meanwhile.
    with closing(sqlite3.connect(source, timeout=30)) as read, closing(sqlite3.connect(target)) as written:
        read.backup(written)
        written.execute("PRAGMA journal_mode=DELETE")  # one file, with no log beside it


def _copy_rows(source: Connection, target: Path) -> None:
    """Make the tables of the same revision in a file, and fill them row by row."""
    revision = str(revision_of(source))
    made = Database(sqlite_url(target))
    try:
        made.write(lambda connection: upgrade_to(connection, revision, made.name))
    finally:
        made.close()
    with closing(sqlite3.connect(target)) as written:
        tables = [name for (name,) in written.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for table in tables:
            columns = [row[1] for row in written.execute(f'PRAGMA table_info("{table}")')]
            if table == VERSION_TABLE:
                continue
            written.execute(f'DELETE FROM "{table}"')  # what the migration put there
            names = ", ".join(f'"{column}"' for column in columns)
            rows = source.execute(text(f'SELECT {names} FROM "{table}"').execution_options(yield_per=ROWS_AT_ONCE))
            insert = f'INSERT INTO "{table}" ({names}) VALUES ({", ".join("?" * len(columns))})'
            for some in rows.partitions():
                written.executemany(insert, [tuple(row) for row in some])
        written.commit()
        written.execute("PRAGMA journal_mode=DELETE")


def _verify(path: Path) -> tuple[int, int]:
    """Read the file back: its own check, and how many events and people it holds. Have it on the disk for good."""
    with closing(sqlite3.connect(path)) as saved:
        said = saved.execute("PRAGMA integrity_check").fetchone()[0]
        if said != "ok":
            raise StoreError(f"{path}: the copy is damaged ({said}); the disk may be failing")
        events, people = (saved.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in ("events", "people"))
    with path.open("rb") as file:
        os.fsync(file.fileno())
    return int(events), int(people)


def _remove(path: Path) -> None:
    for name in (path.name, f"{path.name}-wal", f"{path.name}-shm"):
        path.with_name(name).unlink(missing_ok=True)
