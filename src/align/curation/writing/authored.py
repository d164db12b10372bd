"""Examples that people write themselves, with every version kept, in two groups that stay apart: A trains, B tests."""

import json
from dataclasses import replace
from typing import get_args

from sqlalchemy import Connection, Row, and_, func, insert, select

from align.curation.database import tables
from align.curation.state.changes import note_change
from align.curation.state.events import StaleDecision, check_text, text_as_turns, turns_as_text
from align.curation.state.taken import refuse_taken
from align.curation.team.people import require
from align.curation.writing.authoring import AuthoredExample, Form, Group, Split, State, missing_in
from align.curation.writing.writers import join_group, require_reader
from align.errors import InputError


def write_authored(connection: Connection, actor: str, written: AuthoredExample) -> AuthoredExample:
    """Add a version. Refused where somebody has written since, or where it would mix the groups."""
    require(connection, actor, "curator", "write examples")
    _check(written)
    refuse_taken(connection, written.id)
    before = versions_of(connection, written.id)
    seen = before[-1].version if before else 0
    if before and _said(before[-1]) == _said(written) and before[-1].by == actor:
        return before[-1]
    if seen != written.version:
        raise StaleDecision(
            f"{written.id}: version {seen} is there, the page had seen {written.version}; nothing was saved, look at it again"
        )
    if before and before[0].group != written.group:
        raise InputError(f"{written.id}: belongs to group {before[0].group}; write a new example for group {written.group}")
    join_group(connection, actor, written.group)
    version = seen + 1
    _, at = note_change(connection, actor, f"write {written.form}", written.id, f"version {version}, {written.state}")
    saved = replace(written, version=version, by=actor, at=at)
    connection.execute(
        insert(tables.authored).values(
            id=saved.id, version=version, group=saved.group, form=saved.form, state=saved.state, turns=turns_as_text(saved.turns),
            tags=json.dumps(saved.tags), note=saved.note, by=actor, at=at, split=saved.split, license=saved.license,
        )
    )  # fmt: skip
    return saved


def read_authored(connection: Connection, reader: str, group: Group) -> list[AuthoredExample]:
    """The latest version of each of a group, for somebody who may see it."""
    require_reader(connection, reader, group)
    return authored(connection, group)


def read_versions(connection: Connection, reader: str, name: str) -> list[AuthoredExample]:
    """Every version of one, the first one first, for somebody who may see it."""
    found = versions_of(connection, name)
    if found:
        require_reader(connection, reader, found[0].group)
    return found


def writers_of(connection: Connection) -> dict[str, list[str]]:
    """By id: who wrote its versions, in the order in which they came to it."""
    table = tables.authored
    found: dict[str, list[str]] = {}
    for name, by in connection.execute(select(table.c.id, table.c.by).order_by(table.c.id, table.c.version)):
        if by not in found.setdefault(name, []):
            found[name].append(by)
    return found


def groups_of(connection: Connection) -> dict[str, Group]:
    """By id, the group that each was written by."""
    table = tables.authored
    return {name: group for name, group in connection.execute(select(table.c.id, table.c.group).distinct())}


def authored(connection: Connection, group: Group | None) -> list[AuthoredExample]:
    """The latest version of each, by id; of one group or of both, withdrawn ones included. For no person to see."""
    table = tables.authored
    latest = select(table.c.id, func.max(table.c.version).label("version")).group_by(table.c.id).subquery()
    query = select(table).join(latest, and_(table.c.id == latest.c.id, table.c.version == latest.c.version))
    if group is not None:
        query = query.where(table.c.group == group)
    return [_authored(row) for row in connection.execute(query.order_by(table.c.id))]


def versions_of(connection: Connection, name: str) -> list[AuthoredExample]:
    """Every version of one example, the first one first."""
    table = tables.authored
    return [_authored(row) for row in connection.execute(select(table).where(table.c.id == name).order_by(table.c.version))]


def _check(written: AuthoredExample) -> None:
    for field, kinds in (("group", Group), ("form", Form), ("state", State), ("split", Split)):
        if getattr(written, field) not in (*get_args(kinds), *([""] if field == "split" else [])):
            raise InputError(f"{field} {getattr(written, field)!r}: wanted one of {', '.join(get_args(kinds))}")
    if not written.id.startswith("authored/"):
        raise InputError(f"id {written.id!r}: an authored example is called authored/...")
    for field in ("id", "note", "license"):
        check_text(field, getattr(written, field))
    missing = missing_in(written) if written.state == "ready" else []
    if missing:
        raise InputError(f"{written.id}: is not ready: {'; '.join(missing)}; save it as a draft until then")


def _said(written: AuthoredExample) -> AuthoredExample:
    return replace(written, version=0, by="", at="")


def _authored(row: Row[tuple[object, ...]]) -> AuthoredExample:
    values = row._mapping
    fields = {name: values[name] for name in ("id", "group", "form", "state", "note", "version", "by", "at", "split", "license")}
    return AuthoredExample(**fields, turns=text_as_turns(values["turns"]), tags=tuple(json.loads(values["tags"])))
