"""The order of everything that changes state, and the list of it with who and when."""

from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, case, func, insert, select, update

from align.curation.database import tables
from align.curation.database.engine import now_of

HISTORY = "events"
LEASES = "leases"


@dataclass(frozen=True, slots=True)
class AuditRow:
    """One thing that changed state: a decision, an undo, a role, a setting, a text."""

    seq: int
    at: str
    who: str
    what: str
    about: str
    """The example, person, setting or text that changed."""
    detail: str


# Built once: building a statement takes longer than running it.
_TURNSTILE = tables.turnstiles.c
_HOLD = select(_TURNSTILE.seq).where(_TURNSTILE.name == bindparam("turnstile")).with_for_update()
_HOLD_LIGHTLY = _HOLD.add_columns(func.set_config("synchronous_commit", "off", True))
_NEXT = (
    update(tables.turnstiles)
    .where(_TURNSTILE.name == HISTORY)
    .values(seq=_TURNSTILE.seq + 1, at=case((_TURNSTILE.at < bindparam("now"), bindparam("now")), else_=_TURNSTILE.at))
    .returning(_TURNSTILE.seq, _TURNSTILE.at)
)


def hold(connection: Connection, turnstile: str) -> None:
    """Wait until nobody else writes there, and keep others waiting until the transaction ends.

    So the numbers of the history appear in their order: who has read up to one never misses a smaller one.
    """
    if connection.dialect.name != "sqlite":  # which has one writer at a time anyway
        is_durable = connection.get_execution_options()["durable"]
        connection.execute(_HOLD if is_durable else _HOLD_LIGHTLY, {"turnstile": turnstile})


def next_number(connection: Connection) -> tuple[int, str]:
    """Number and time of the next entry of the history; the time never runs backwards, whatever the servers' clocks say."""
    seq, at = connection.execute(_NEXT, {"now": now_of(connection)}).one()
    return int(seq), str(at)


def note_change(connection: Connection, who: str, what: str, about: str, detail: str = "") -> tuple[int, str]:
    """Write one line of the audit; number and time of it."""
    seq, at = next_number(connection)
    connection.execute(insert(tables.changes).values(seq=seq, at=at, who=who, what=what, about=about, detail=detail))
    return seq, at


def audit(connection: Connection, limit: int, before: int | None) -> list[AuditRow]:
    """The latest changes below number `before`, the last one first: decisions and everything else."""
    events, changes = tables.events, tables.changes
    decided = select(
        events.c.seq, events.c.at, events.c.curator, events.c.action, events.c.example_id, events.c.decides, events.c.reason
    )
    other = select(changes)
    if before is not None:
        decided, other = decided.where(events.c.seq < before), other.where(changes.c.seq < before)
    rows = [
        AuditRow(seq, at, who, what, about, ": ".join(filter(None, (decides, reason))))
        for seq, at, who, what, about, decides, reason in connection.execute(decided.order_by(events.c.seq.desc()).limit(limit))
    ]
    rows += [AuditRow(*row) for row in connection.execute(other.order_by(changes.c.seq.desc()).limit(limit))]
    return sorted(rows, key=lambda row: -row.seq)[:limit]
