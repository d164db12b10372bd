"""Bring a database to the tables of this version: make them, or upgrade what an older version made."""

from pathlib import Path

from sqlalchemy import Connection, inspect, text

from align.curation.database.engine import Database
from align.curation.database.tables import HEAD, VERSION_TABLE, metadata
from align.errors import StoreError

LOCK = 0x616C69676E
"""The advisory lock under which PostgreSQL's tables are made or changed: `align` in ASCII."""


def migrate(database: Database) -> None:
    """Make or upgrade the tables; several processes may do so at once. A newer database is refused."""
    if database.is_sqlite:
        _refuse_missing_folder(database)
    if database.read(revision_of) == HEAD:
        return
    database.write(lambda connection: upgrade_to(connection, HEAD, database.name))


def has_tables(database: Database) -> bool:
    """Whether it is a curation database, of whichever version; makes nothing."""
    if database.is_sqlite and not Path(str(database.url.database)).exists():
        return False
    return database.read(revision_of) is not None


def _refuse_missing_folder(database: Database) -> None:
    path = Path(str(database.url.database))
    if not path.parent.is_dir():
        raise StoreError(f"{database.name}: there is no folder {path.parent}; make it, or name another file with --db")


def revision_of(connection: Connection) -> str | None:
    """Which revision the tables have; None where there are none of ours."""
    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    found = connection.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar()
    return None if found is None else str(found)


def upgrade_to(connection: Connection, revision: str, name: str) -> None:
    """Make or change the tables in this transaction; in PostgreSQL, one process at a time."""
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
    found = revision_of(connection)
    if found == revision:
        return  # another process made them while this one waited
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    config.attributes["connection"] = connection
    if found is None:
        _refuse_strange_tables(connection, name)
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    newer = next((one for one in (found, revision) if one is not None and one not in known), None)
    if newer is not None:
        raise StoreError(
            f"{name}: was written by a newer align (schema {newer}, this one knows up to {HEAD}); "
            "upgrade align with pip install -U align-lm, or open a backup that this version made"
        )
    command.upgrade(config, revision)


def _refuse_strange_tables(connection: Connection, name: str) -> None:
    taken = sorted(set(inspect(connection).get_table_names()) & set(metadata.tables))
    if taken:
        raise StoreError(f"{name}: has tables named {', '.join(taken)} that align did not make; name another database with --db")
