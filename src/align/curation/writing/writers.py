"""Which group each author belongs to. Who is in one neither reads nor writes what the other does (LIMA §2.2)."""

from sqlalchemy import Connection, delete, select

from align.curation.database import tables
from align.curation.database.upsert import put
from align.curation.state.changes import note_change
from align.curation.state.settings import read_settings
from align.curation.team.people import NotAllowed, require
from align.curation.writing.authoring import Group

APART = "who trains the model does not write its test. A lead can switch the setting groups_apart off"


def group_of(connection: Connection, person: str) -> Group | None:
    """The group somebody was put in or has written for."""
    table = tables.writers
    return connection.execute(select(table.c.group).where(table.c.person == person)).scalar()


def groups(connection: Connection) -> dict[str, Group]:
    """Everyone's group, by name; who is missing is in none."""
    table = tables.writers
    rows = connection.execute(select(table.c.person, table.c.group).order_by(table.c.person))
    return {person: group for person, group in rows}


def set_group(connection: Connection, actor: str, person: str, group: Group | None) -> None:
    """Put somebody into a group, or out of any; who has written for one never comes to the other while the groups are apart."""
    require(connection, actor, "lead", "put people into groups")
    require(connection, person, "curator", "be an author")
    before = group_of(connection, person)
    if before == group:
        return
    if group is not None:
        _refuse_other(connection, person, group)
    note_change(connection, actor, "set group", person, group or "none")
    if group is None:
        connection.execute(delete(tables.writers).where(tables.writers.c.person == person))
    else:
        put(connection, tables.writers, person=person, group=group)


def join_group(connection: Connection, person: str, group: Group) -> None:
    """Let somebody write for a group; the first thing they write puts them there."""
    if not read_settings(connection).groups_apart:
        return
    before = group_of(connection, person)
    if before is not None and before != group:
        raise NotAllowed(f"{person} is in group {before} and cannot write for group {group}: {APART}")
    _refuse_other(connection, person, group)
    if before is None:
        note_change(connection, person, "set group", person, group)
        put(connection, tables.writers, person=person, group=group)


def require_reader(connection: Connection, person: str, group: Group) -> None:
    """Refuse who may not see what a group writes: those of the other, and curators of none."""
    role = require(connection, person, "curator", "read what authors write")
    if not read_settings(connection).groups_apart:
        return
    own = group_of(connection, person)
    if own is not None and own != group:
        raise NotAllowed(f"{person} is in group {own} and does not see what group {group} writes: {APART}")
    if own is None and role == "curator":
        raise NotAllowed(f"{person} is in no group of authors; a lead puts people into one")


def _refuse_other(connection: Connection, person: str, group: Group) -> None:
    table = tables.authored
    other = select(table.c.id).where(table.c.by == person, table.c.group != group).limit(1)
    if read_settings(connection).groups_apart and connection.execute(other).first() is not None:
        raise NotAllowed(f"{person} has written for the other group and cannot write for group {group}: {APART}")
