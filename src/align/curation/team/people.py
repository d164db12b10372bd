"""Who may do what: people with a role each, checked in the transaction that writes."""

from dataclasses import dataclass
from typing import Literal, get_args

from sqlalchemy import Connection, bindparam, delete, func, insert, select, update

from align.curation.database import tables
from align.curation.state.changes import note_change
from align.errors import AlignError, InputError

Role = Literal["viewer", "curator", "lead", "admin"]
ROLES: tuple[Role, ...] = get_args(Role)
"""From the least to the most: each may do what those before it may."""

MAX_NAME_CHARS = 200

_ROLE = select(tables.people.c.role).where(tables.people.c.name == bindparam("person"))


class NotAllowed(AlignError):
    """The person's role does not allow it, or there is no such person."""


@dataclass(frozen=True, slots=True)
class Person:
    """Someone who takes part."""

    name: str
    role: Role
    by: str
    """Who added them."""
    at: str


def require(connection: Connection, name: str, least: Role, to: str) -> Role:
    """The role of `name`; refuses, with the remedy, who may not do `to`."""
    return check_role(role_of(connection, name), name, least, to)


def check_role(role: Role | None, name: str, least: Role, to: str) -> Role:
    """The same, where the role is known already."""
    if role is None:
        raise NotAllowed(f"{name or '(nobody)'} takes no part in this project and cannot {to}; an admin can add them")
    if ROLES.index(role) < ROLES.index(least):
        raise NotAllowed(f"{name} is a {role} and cannot {to}; that takes a {least}, whom an admin can appoint")
    return role


def allow(connection: Connection, actor: str, what: str, about: str) -> None:
    """Let a lead apply, freeze, take out; with a line in the history."""
    require(connection, actor, "lead", what)
    note_change(connection, actor, what, about)


def role_of(connection: Connection, name: str) -> Role | None:
    return connection.execute(_ROLE, {"person": name}).scalar()


def all_people(connection: Connection) -> list[Person]:
    return [Person(*row) for row in connection.execute(select(tables.people).order_by(tables.people.c.name))]


def add(connection: Connection, actor: str, name: str, role: Role) -> Person:
    """Add someone. Who adds themselves to a project without people becomes its admin, whatever role they asked for."""
    check_name(name)
    _check_role(role)
    if connection.execute(select(tables.people.c.name).limit(1)).first() is None:
        if actor != name:
            raise NotAllowed(f"nobody takes part yet; the first person adds themselves (got {actor!r} adding {name!r})")
        role = "admin"
    else:
        require(connection, actor, "admin", "add people")
        if role_of(connection, name) is not None:
            raise InputError(f"{name} takes part already; change the role instead")
    _, at = note_change(connection, actor, "add person", name, role)
    connection.execute(insert(tables.people).values(name=name, role=role, by=actor, at=at))
    return Person(name, role, actor, at)


def join_invited(connection: Connection, name: str) -> Person:
    """Let somebody in whom nobody added, as a viewer: the server saw that the invitation is theirs."""
    check_name(name)
    role = role_of(connection, name)
    if role is not None:
        return next(person for person in all_people(connection) if person.name == name)
    if _was_removed(connection, name):
        raise NotAllowed(f"{name} was removed from this project; an admin can add them again")
    _, at = note_change(connection, name, "join by invitation", name, "viewer")
    connection.execute(insert(tables.people).values(name=name, role="viewer", by=name, at=at))
    return Person(name, "viewer", name, at)


def set_role(connection: Connection, actor: str, name: str, role: Role) -> None:
    """Give someone another role; a project keeps at least one admin."""
    _check_role(role)
    require(connection, actor, "admin", "change roles")
    before = role_of(connection, name)
    if before is None:
        raise InputError(f"{name} takes no part in this project; add them first")
    if before == role:
        return
    admins = select(func.count()).where(tables.people.c.role == "admin")
    if before == "admin" and connection.execute(admins).scalar_one() == 1:
        raise NotAllowed(f"{name} is the only admin; make someone else an admin first")
    note_change(connection, actor, "set role", name, f"{before} to {role}")
    connection.execute(update(tables.people).where(tables.people.c.name == name).values(role=role))


def remove(connection: Connection, actor: str, name: str) -> None:
    """Take somebody out: they see and decide nothing more. What they decided and wrote stays; what they held is given back."""
    require(connection, actor, "admin", "remove people")
    role = role_of(connection, name)
    if role is None:
        raise InputError(f"{name} takes no part in this project")
    admins = select(func.count()).where(tables.people.c.role == "admin")
    if role == "admin" and connection.execute(admins).scalar_one() == 1:
        raise NotAllowed(f"{name} is the only admin; make someone else an admin first")
    note_change(connection, actor, "remove person", name, role)
    connection.execute(delete(tables.people).where(tables.people.c.name == name))
    for table in (tables.leases, tables.assignments):
        connection.execute(delete(table).where(table.c.curator == name))


def _was_removed(connection: Connection, name: str) -> bool:
    """Whether an admin took them out: an invitation of a whole domain is no way back in."""
    history = tables.changes.c
    removed = select(history.seq).where(history.what == "remove person", history.about == name).limit(1)
    return connection.execute(removed).scalar() is not None


def check_name(name: str) -> None:
    """Refuse what could not be told apart or shown."""
    if not name.strip() or name != name.strip() or len(name) > MAX_NAME_CHARS or not name.isprintable():
        raise InputError(f"name {name[:MAX_NAME_CHARS]!r}: wanted 1 to {MAX_NAME_CHARS} printable characters, no space around")


def _check_role(role: str) -> None:
    if role not in ROLES:
        raise InputError(f"role {role!r}: wanted one of {', '.join(ROLES)}")
