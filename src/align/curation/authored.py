"""Examples that people write themselves, with every version kept, in two groups that stay apart: A trains, B tests."""

import json
from dataclasses import dataclass, replace
from typing import Literal, get_args

from sqlalchemy import Connection, Row, and_, func, insert, select

from align.curation.changes import note_change
from align.curation.database import tables
from align.curation.events import StaleDecision, check_text, text_as_turns, turns_as_text
from align.curation.people import NotAllowed, require
from align.curation.settings import read_settings
from align.errors import InputError
from align.records import Turn

Group = Literal["A", "B"]
Form = Literal["example", "dialogue", "safety", "format_constraint"]
State = Literal["draft", "ready", "withdrawn"]


@dataclass(frozen=True, slots=True)
class AuthoredExample:
    """One version of an example that somebody wrote."""

    id: str
    """`authored/...`, made by the page for a new one; it never changes."""
    group: Group
    """A: for training and development; B: for the test set."""
    form: Form
    turns: tuple[Turn, ...]
    state: State = "draft"
    tags: tuple[str, ...] = ()
    note: str = ""
    version: int = 0
    """What is written: the version that the page had seen, 0 for a new one. What is read: the number of this version."""
    by: str = ""
    at: str = ""


def write_authored(connection: Connection, actor: str, written: AuthoredExample) -> AuthoredExample:
    """Add a version. Refused where somebody has written since, or where it would mix the groups."""
    require(connection, actor, "curator", "write examples")
    _check(written)
    before = versions_of(connection, written.id)
    seen = before[-1].version if before else 0
    if before and _said(before[-1]) == _said(written) and before[-1].by == actor:
        return before[-1]
    if seen != written.version:
        raise StaleDecision(
            f"{written.id}: version {seen} is there, the page had seen {written.version}; nothing was saved, look at it again"
        )
    _keep_groups_apart(connection, actor, written, before)
    version = seen + 1
    _, at = note_change(connection, actor, f"write {written.form}", written.id, f"version {version}, {written.state}")
    saved = replace(written, version=version, by=actor, at=at)
    connection.execute(
        insert(tables.authored).values(
            id=saved.id, version=version, group=saved.group, form=saved.form, state=saved.state, turns=turns_as_text(saved.turns),
            tags=json.dumps(saved.tags), note=saved.note, by=actor, at=at,
        )
    )  # fmt: skip
    return saved


def authored(connection: Connection, group: Group | None) -> list[AuthoredExample]:
    """The latest version of each, by id; of one group or of both, withdrawn ones included."""
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


def _keep_groups_apart(connection: Connection, actor: str, written: AuthoredExample, before: list[AuthoredExample]) -> None:
    if before and before[0].group != written.group:
        raise InputError(f"{written.id}: belongs to group {before[0].group}; write a new example for group {written.group}")
    if not read_settings(connection).groups_apart:
        return
    table = tables.authored
    other = select(table.c.id).where(table.c.by == actor, table.c.group != written.group).limit(1)
    if connection.execute(other).first() is not None:
        raise NotAllowed(
            f"{actor} has written for the other group and cannot write for group {written.group}: who trains the model does not "
            "write its test. A lead can switch the setting groups_apart off"
        )


def _check(written: AuthoredExample) -> None:
    for field, kinds in (("group", Group), ("form", Form), ("state", State)):
        if getattr(written, field) not in get_args(kinds):
            raise InputError(f"{field} {getattr(written, field)!r}: wanted one of {', '.join(get_args(kinds))}")
    if not written.id.startswith("authored/"):
        raise InputError(f"id {written.id!r}: an authored example is called authored/...")
    for field in ("id", "note"):
        check_text(field, getattr(written, field))
    roles = [turn.role for turn in written.turns]
    if written.state == "ready" and (not roles or roles[-1] == "system" or any(not turn.text.strip() for turn in written.turns)):
        raise InputError(f"{written.id}: a ready example has turns, none of them empty; save it as a draft until then")


def _said(written: AuthoredExample) -> AuthoredExample:
    return replace(written, version=0, by="", at="")


def _authored(row: Row[tuple[object, ...]]) -> AuthoredExample:
    values = row._mapping
    fields = {name: values[name] for name in ("id", "group", "form", "state", "note", "version", "by", "at")}
    return AuthoredExample(**fields, turns=text_as_turns(values["turns"]), tags=tuple(json.loads(values["tags"])))
