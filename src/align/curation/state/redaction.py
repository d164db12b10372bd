"""What people typed about examples that were taken down: the words go, the history that somebody decided stays."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, delete, or_, text, update

from align.curation.database import tables
from align.curation.state import changes
from align.curation.state.events import turns_as_text
from align.curation.store import CurationStore
from align.records import Turn

GONE = (Turn("user", "[taken down]"),)
STEP = 500


def redact(store: CurationStore, ids: Collection[str]) -> int:
    """Blank the edits and notes of these examples and delete their drafts; return how many events lost words.

    Doing it again changes nothing. SQLite overwrites what it frees.
    """

    def work(connection: Connection) -> int:
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql("PRAGMA secure_delete = ON")
        changes.hold(connection, changes.HISTORY)
        with _history_open(connection):
            count = sum(_redact(connection, step) for step in _steps(sorted(ids)))
        if count:
            changes.note_change(connection, "align", "taken down", ", ".join(sorted(ids))[:2000], f"{count} events")
        return count

    return store.database.write(work)


@contextmanager
def _history_open(connection: Connection) -> Iterator[None]:
    """Events are only ever added to, and the database holds that; this is the one exception, within one transaction."""
    if connection.dialect.name != "sqlite":
        connection.execute(text("ALTER TABLE events DISABLE TRIGGER events_stays"))
        yield
        connection.execute(text("ALTER TABLE events ENABLE TRIGGER events_stays"))
        return
    query = text("SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'events'")
    triggers = [(str(name), str(sql)) for name, sql in connection.execute(query)]
    for name, _ in triggers:
        connection.exec_driver_sql(f'DROP TRIGGER "{name}"')
    yield
    for _, sql in triggers:
        connection.exec_driver_sql(sql)


def _steps(ids: list[str]) -> list[list[str]]:
    return [ids[start : start + STEP] for start in range(0, len(ids), STEP)]


def _redact(connection: Connection, ids: list[str]) -> int:
    events, blank = tables.events, turns_as_text(GONE)
    connection.execute(delete(tables.drafts).where(tables.drafts.c.example_id.in_(ids)))
    about = events.c.example_id.in_(ids)
    edits = connection.execute(update(events).where(about, events.c.turns.not_in(["", blank])).values(turns=blank))
    notes = connection.execute(
        update(events).where(about, or_(events.c.note != "", events.c.reason != "")).values(note="", reason="")
    )
    return int(edits.rowcount) + int(notes.rowcount)
