"""Many decisions by one press, and taking them back together."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from align.curation.database import tables
from align.curation.database.engine import now_of
from align.curation.state.events import Ask, Event, StaleDecision, decide, event_at, event_of_request, take_back
from align.curation.state.taken import TakenDown
from align.curation.team.people import require

SERVED = "bulk"
"""Says of a decision that it was made with others at once."""
STEP = 50
"""How many decisions make one transaction: others wait for it."""


@dataclass(frozen=True, slots=True)
class Bulk:
    """What came of many decisions at once."""

    events: tuple[Event, ...]
    refused: dict[str, str]
    """Why nothing was saved, by example: someone has it open, decided it meanwhile, or it was taken down."""

    @classmethod
    def of(cls, parts: Sequence["Bulk"]) -> "Bulk":
        refused = {example_id: why for part in parts for example_id, why in part.refused.items()}
        return cls(tuple(event for part in parts for event in part.events), refused)


@dataclass(frozen=True, slots=True)
class Batch:
    """Decisions of one press, as far as they stand."""

    name: str
    count: int
    last: int
    """The number of its last decision."""
    action: str
    reason: str

    @property
    def words(self) -> str:
        why = f" (reason: {self.reason})" if self.reason else ""
        return f"{self.action} {self.count:,} example{'s' if self.count > 1 else ''} at once{why}"


def standing_batches(connection: Connection, curator: str, most: int) -> list[Batch]:
    """What a curator decided about many at once and has not taken back, the last press first."""
    live, told = tables.live.c, tables.events.c
    last = func.max(live.seq)
    query = (
        select(live.batch, func.count(), last)
        .select_from(tables.live.join(tables.events, live.seq == told.seq))
        .where(live.curator == curator, live.batch != "", told.served == SERVED)
        .group_by(live.batch)
        .order_by(last.desc())
        .limit(most)
    )
    found = [(*row, event_at(connection, row[2])) for row in connection.execute(query)]
    return [Batch(name, count, seq, event.action, event.reason) for name, count, seq, event in found]


def last_step(connection: Connection, curator: str) -> Batch | None:
    """The batch that `undo` would take one out of; None where the last decision that stands was made by itself."""
    live = tables.live.c
    last = connection.execute(select(func.max(live.seq)).where(live.curator == curator)).scalar()
    if last is None or event_at(connection, last).served != SERVED:
        return None
    return next(iter(standing_batches(connection, curator, 1)), None)


def decide_step(connection: Connection, asks: Sequence[Ask]) -> Bulk:
    """Save those that still can be; holds the history."""
    others = _held_by_others(connection, [ask.example_id for ask in asks], asks[0].curator)
    events: list[Event] = []
    refused: dict[str, str] = {}
    for ask in asks:
        if ask.example_id in others and event_of_request(connection, ask.request) is None:
            refused[ask.example_id] = f"{others[ask.example_id]} has it open"
            continue
        try:
            events.append(decide(connection, ask))
        except (StaleDecision, TakenDown) as error:
            refused[ask.example_id] = str(error)
    return Bulk(tuple(events), refused)


def undo_step(connection: Connection, curator: str, batch: str, below: int | None) -> tuple[Bulk, int | None]:
    """Take back the latest decisions of a batch that are numbered below; holds the history. With what to go on below."""
    require(connection, curator, "curator", "undo")
    live = tables.live
    left = select(live.c.seq, live.c.example_id).where(live.c.batch == batch, live.c.curator == curator)
    if below is not None:
        left = left.where(live.c.seq < below)
    rows = connection.execute(left.order_by(live.c.seq.desc()).limit(STEP)).all()
    others = _held_by_others(connection, [row.example_id for row in rows], curator)
    refused = {row.example_id: f"{others[row.example_id]} has it open" for row in rows if row.example_id in others}
    events = [take_back(connection, row.seq, f"undo {row.seq} of {batch}", batch) for row in rows if row.example_id not in others]
    return Bulk(tuple(events), refused), rows[-1].seq if len(rows) == STEP else None


def _held_by_others(connection: Connection, examples: Sequence[str], curator: str) -> dict[str, str]:
    leases = tables.leases
    held = select(leases.c.example_id, leases.c.curator).where(
        leases.c.example_id.in_(examples), leases.c.curator != curator, leases.c.until > now_of(connection)
    )
    return {example_id: holder for example_id, holder in connection.execute(held)}
