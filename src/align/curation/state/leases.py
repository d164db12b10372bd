"""Who has which example open, so that two people never get the same one."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, bindparam, delete, literal_column, select, union_all, update

from align.curation.database import tables
from align.curation.database.engine import now_of, utc_text
from align.curation.database.upsert import put_many
from align.curation.state.taken import Listed
from align.curation.team.people import check_role

# Built once: building a statement takes longer than running it.
_LEASES, _TAKEN, _EVENTS = tables.leases.c, tables.taken_down.c, tables.events.c
_ALL = select(tables.leases).where(_LEASES.until > bindparam("now")).order_by(_LEASES.example_id)
_NONE: Any = literal_column("0")
_BARRED = union_all(
    select(literal_column("'role'"), tables.people.c.role, _NONE).where(tables.people.c.name == bindparam("whose")),
    select(literal_column("'held'"), _LEASES.example_id, _NONE).where(
        _LEASES.until > bindparam("now"), _LEASES.curator != bindparam("whose")
    ),
    select(literal_column("'taken'"), _TAKEN.example_id, _TAKEN.seq).where(_TAKEN.seq > bindparam("heard")),
    select(literal_column("'decided'"), _EVENTS.example_id, _NONE).where(_EVENTS.seq > bindparam("seen")),
)
_NEVER = 2**62


Fitting = Callable[[set[str], Sequence[str]], Sequence[str]]
"""Given what others hold or have decided meanwhile, and the free candidates: those of these that fit beside it."""


@dataclass(frozen=True, slots=True)
class Lease:
    """An example that one person has open until then."""

    example_id: str
    curator: str
    until: str
    """ISO 8601, UTC."""


def lease(
    connection: Connection, curator: str, candidates: Sequence[str], count: int, minutes: float, seen: int | None,
    listed: Listed, fitting: Fitting | None = None,
) -> list[str]:  # fmt: skip
    """Hold the first `count` of the candidates that nobody else holds; what the person holds already counts and is renewed.

    What was taken down is passed over, and with `seen` what anybody decided about after event `seen`, of which the queue had not
    heard. Whoever calls holds the turnstile of leases.
    """
    barred = _barred(connection, curator, seen, listed)
    free: Sequence[str] = [item for item in dict.fromkeys(candidates) if item not in barred and item not in listed.ids]
    taken = list(free if fitting is None else fitting(barred, free))[:count]
    if taken:
        until = _until(connection, minutes)
        put_many(connection, tables.leases, [{"example_id": item, "curator": curator, "until": until} for item in taken])
    return taken


def renew(connection: Connection, curator: str, minutes: float) -> int:
    """Keep whatever the person still holds for `minutes` more; how many that are. What ran out is not taken up again."""
    leases = tables.leases
    held = update(leases).where(leases.c.curator == curator, leases.c.until > now_of(connection))
    return connection.execute(held.values(until=_until(connection, minutes))).rowcount


def release(connection: Connection, curator: str, examples: Sequence[str] | None) -> int:
    """Give back some of what the person holds, or all of it."""
    leases = tables.leases
    gone = delete(leases).where(leases.c.curator == curator)
    if examples is not None:
        gone = gone.where(leases.c.example_id.in_(examples))
    return connection.execute(gone).rowcount


def leases_held(connection: Connection, curator: str | None) -> list[Lease]:
    """What is held now, by one person or by all."""
    query = _ALL if curator is None else _ALL.where(_LEASES.curator == curator)
    return [Lease(*row) for row in connection.execute(query, {"now": now_of(connection)})]


def _barred(connection: Connection, curator: str, seen: int | None, listed: Listed) -> set[str]:
    """What others hold now, a few for each person whatever the size of the pool, and what was decided after `seen`.

    `listed` hears of what was taken down. Refuses who may take nothing.
    """
    about = {"whose": curator, "now": now_of(connection), "seen": _NEVER if seen is None else seen, "heard": listed.seq}
    role: Any = None
    barred = set()
    for what, value, number in connection.execute(_BARRED, about):
        if what == "role":
            role = value
        elif what == "taken":
            listed.hear(number, value)
        else:
            barred.add(value)
    check_role(role, curator, "curator", "take examples")
    return barred


def _until(connection: Connection, minutes: float) -> str:
    return utc_text(datetime.fromisoformat(now_of(connection)) + timedelta(minutes=minutes))
