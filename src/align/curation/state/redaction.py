"""What people typed of examples that are taken down: the words go, the history that somebody decided stays."""

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager

from sqlalchemy import Connection, delete, insert, or_, text, update

from align.curation.database import tables
from align.curation.state import changes
from align.curation.state.events import turns_as_text
from align.curation.state.taken import taken_among
from align.records import Turn

GONE = (Turn("user", "[taken down]"),)
STEP = 500


def take_down(connection: Connection, ids: Collection[str]) -> int:
    """List these examples, blank what was typed of them and end who has them open; how many events and versions lost words.

    Those listed before are passed over: nothing was written about them since. Holds the history. SQLite overwrites what it frees.
    """
    changes.hold(connection, changes.LEASES)  # nobody is given one between this and the list
    listed = {name for step in _steps(sorted(ids)) for name in taken_among(connection, step)}
    fresh = sorted(set(ids) - listed)
    if not fresh:
        return 0
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("PRAGMA secure_delete = ON")
    else:  # a draft is saved without holding the history: end those under way, and let the next ones find the list
        connection.execute(text("LOCK TABLE drafts IN SHARE ROW EXCLUSIVE MODE"))
    with _opened(connection, "events"), _opened(connection, "authored"):
        count = sum(_blank(connection, step) for step in _steps(fresh))
    seq, _ = changes.note_change(connection, "align", "taken down", ", ".join(fresh)[:2000], f"{count} texts and notes")
    connection.execute(insert(tables.taken_down), [{"example_id": name, "seq": seq} for name in fresh])
    return count


@contextmanager
def _opened(connection: Connection, table: str) -> Iterator[None]:
    """Such a table is only ever added to, and the database holds that; this is the one exception, within one transaction."""
    if connection.dialect.name != "sqlite":
        connection.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER {table}_stays"))
        yield
        connection.execute(text(f"ALTER TABLE {table} ENABLE TRIGGER {table}_stays"))
        return
    query = text("SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = :name")
    triggers = [(str(name), str(sql)) for name, sql in connection.execute(query, {"name": table})]
    for name, _ in triggers:
        connection.exec_driver_sql(f'DROP TRIGGER "{name}"')
    yield
    for _, sql in triggers:
        connection.exec_driver_sql(sql)


def _steps(ids: list[str]) -> list[list[str]]:
    return [ids[start : start + STEP] for start in range(0, len(ids), STEP)]


def _blank(connection: Connection, ids: Sequence[str]) -> int:
    events, authored, blank = tables.events, tables.authored, turns_as_text(GONE)
    for table in (tables.drafts, tables.leases, tables.places):
        connection.execute(delete(table).where(table.c.example_id.in_(ids)))
    about = events.c.example_id.in_(ids)
    edits = connection.execute(update(events).where(about, events.c.turns.not_in(["", blank])).values(turns=blank))
    notes = connection.execute(
        update(events).where(about, or_(events.c.note != "", events.c.reason != "")).values(note="", reason="")
    )
    own = update(authored).where(authored.c.id.in_(ids))
    written = connection.execute(own.values(turns=blank, tags="[]", note="", state="withdrawn"))
    return int(edits.rowcount) + int(notes.rowcount) + int(written.rowcount)
