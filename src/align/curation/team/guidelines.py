"""What the project asks of its curators: a text with versions, and who has read which."""

from dataclasses import dataclass

from sqlalchemy import Connection, func, insert, select

from align.curation.database import tables
from align.curation.database.engine import now_of
from align.curation.database.upsert import upsert
from align.curation.state.changes import note_change
from align.curation.state.events import check_text
from align.curation.team.people import require
from align.errors import InputError


@dataclass(frozen=True, slots=True)
class Guidelines:
    """One version of the text, in Markdown."""

    version: int = 0
    """0: nobody has written any yet."""
    text: str = ""
    by: str = ""
    at: str = ""


def guidelines_at(connection: Connection, version: int | None) -> Guidelines:
    """One version, by default the latest."""
    table = tables.guidelines
    query = select(table).order_by(table.c.version.desc()).limit(1)
    if version is not None:
        query = query.where(table.c.version == version)
    row = connection.execute(query).first()
    return Guidelines() if row is None else Guidelines(*row)


def write_guidelines(connection: Connection, actor: str, text: str, after: int | None) -> Guidelines:
    """Add a version; the same text again adds none. With `after`, refuses if somebody has written since that version."""
    require(connection, actor, "lead", "write guidelines")
    check_text("guidelines", text)
    before = guidelines_at(connection, None)
    if after is not None and before.version != after:
        raise InputError(f"guidelines: {before.by} has written version {before.version} since; bring your change into that one")
    if before.version and before.text == text:
        return before
    version = before.version + 1
    _, at = note_change(connection, actor, "write guidelines", f"version {version}", f"{len(text):,} characters")
    connection.execute(insert(tables.guidelines).values(version=version, text=text, by=actor, at=at))
    return Guidelines(version, text, actor, at)


def acknowledge(connection: Connection, curator: str, version: int) -> None:
    """Note that somebody has read a version."""
    require(connection, curator, "viewer", "acknowledge guidelines")
    latest = connection.execute(select(func.max(tables.guidelines.c.version))).scalar() or 0
    if not 1 <= version <= latest:
        raise InputError(f"guidelines version {version}: there is none; the latest is {latest}")
    row = upsert(tables.acknowledgements, connection).values(curator=curator, version=version, at=now_of(connection))
    if connection.execute(row.on_conflict_do_nothing().returning(tables.acknowledgements.c.version)).first() is not None:
        note_change(connection, curator, "read guidelines", f"version {version}")


def acknowledged(connection: Connection) -> dict[str, int]:
    """The latest version each person has read; 0 for who has read none."""
    table = tables.acknowledgements
    people = dict.fromkeys(connection.execute(select(tables.people.c.name)).scalars(), 0)
    read = connection.execute(select(table.c.curator, func.max(table.c.version)).group_by(table.c.curator))
    return people | {curator: version for curator, version in read}
