"""What follows from the events and is kept with them: what stands, and how often, so that no page folds or counts."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import Connection, bindparam, select

from align.curation.database import tables
from align.curation.database.writes import Writes

if TYPE_CHECKING:
    from align.curation.state.events import Event

ADJUDICATE = "adjudicate"

# Built once: building a statement takes longer than running it.
_STANDINGS, _LIVE = tables.standings.c, tables.live.c
_STAND = select(_STANDINGS.version, _STANDINGS.action, _STANDINGS.seq).where(
    _STANDINGS.example_id == bindparam("example_id"), _STANDINGS.curator == bindparam("curator")
)
_STANDS = select(_STANDINGS.example_id, _STANDINGS.version, _STANDINGS.action, _STANDINGS.seq).where(
    _STANDINGS.curator == bindparam("curator"), _STANDINGS.example_id.in_(bindparam("examples", expanding=True))
)
_COUNTS = select(tables.counts).order_by(tables.counts.c.curator, tables.counts.c.action)
_LEFT = (
    select(_LIVE.seq, _LIVE.action)
    .where(_LIVE.example_id == bindparam("example_id"), _LIVE.curator == bindparam("curator"))
    .where(_LIVE.action != ADJUDICATE, _LIVE.seq != bindparam("undone"))
    .order_by(_LIVE.action == "skip", _LIVE.seq.desc())
    .limit(1)
)


@dataclass(frozen=True, slots=True)
class CuratorCount:
    """How often one curator did one thing."""

    curator: str
    action: str
    standing: int
    """Examples on which it is the curator's standing decision."""
    events: int
    """Events in all, undone ones included."""


class Stand(NamedTuple):
    """A row of `standings`: what one curator says of one example."""

    version: int = 0
    """How many events the curator has on the example, undos included."""
    action: str | None = None
    seq: int | None = None


def stand_of(connection: Connection, example_id: str, curator: str) -> Stand:
    row = connection.execute(_STAND, {"example_id": example_id, "curator": curator}).first()
    return Stand() if row is None else Stand(*row)


def version_of(connection: Connection, example_id: str, curator: str) -> int:
    """How many events a curator has on an example, undos included."""
    return stand_of(connection, example_id, curator).version


def stands_of(connection: Connection, curator: str, examples: Sequence[str]) -> dict[str, Stand]:
    """What one curator says of each of some examples; those that they never decided about are missing."""
    rows = connection.execute(_STANDS, {"curator": curator, "examples": list(examples)})
    return {example_id: Stand(*stand) for example_id, *stand in rows}


def versions_by_example(connection: Connection, curator: str) -> dict[str, int]:
    """`version_of` each example that a curator has any event on."""
    standings = tables.standings
    rows = connection.execute(select(standings.c.example_id, standings.c.version).where(standings.c.curator == curator))
    return {example_id: version for example_id, version in rows}


def follow(writes: Writes, connection: Connection, event: "Event", before: Stand) -> None:
    """Keep right after an event what is not undone, and version, stand and counters of its example and curator."""
    about = {"example_id": event.example_id, "curator": event.curator}
    if event.undoes is not None:
        writes.drop(tables.live, seq=event.undoes)
    else:
        writes.insert(tables.live, seq=event.seq, **about, action=event.action, batch=event.batch)
    now = _now(connection, event, before)
    writes.put(tables.standings, **about, version=now.version, action=now.action, seq=now.seq)
    steps = {str(event.action): [0, 1]}
    if before.action != now.action:
        for name, step in ((before.action, -1), (now.action, 1)):
            if name is not None:
                steps.setdefault(name, [0, 0])[0] += step
    for name, (standing, events) in sorted(steps.items()):
        writes.add(tables.counts, curator=event.curator, action=name, standing=standing, events=events)


def _now(connection: Connection, event: "Event", before: Stand) -> Stand:
    version = before.version + 1
    if event.action == "undo":
        about = {"example_id": event.example_id, "curator": event.curator, "undone": event.undoes}
        left = connection.execute(_LEFT, about).first()
        return Stand(version) if left is None else Stand(version, left.action, left.seq)
    # A skip says nothing about the example, so it stands only where there is nothing else.
    if event.action == ADJUDICATE or (event.action == "skip" and before.action not in (None, "skip")):
        return Stand(version, before.action, before.seq)
    return Stand(version, event.action, event.seq)


def counts(connection: Connection) -> list[CuratorCount]:
    """Every curator's counters; nothing is counted for it."""
    return [CuratorCount(*row) for row in connection.execute(_COUNTS)]
