"""What follows from the events and is kept with them: what stands, and how often, so that no page folds or counts."""

from dataclasses import dataclass

from sqlalchemy import Connection, delete, insert, select

from align.curation.database import tables
from align.curation.database.upsert import put, upsert

ADJUDICATE = "adjudicate"


@dataclass(frozen=True, slots=True)
class CuratorCount:
    """How often one curator did one thing."""

    curator: str
    action: str
    standing: int
    """Examples on which it is the curator's standing decision."""
    events: int
    """Events in all, undone ones included."""


def version_of(connection: Connection, example_id: str, curator: str) -> int:
    """How many events a curator has on an example, undos included."""
    standings = tables.standings
    query = select(standings.c.version).where(standings.c.example_id == example_id, standings.c.curator == curator)
    return connection.execute(query).scalar() or 0


def versions_by_example(connection: Connection, curator: str) -> dict[str, int]:
    """`version_of` each example that a curator has any event on."""
    standings = tables.standings
    rows = connection.execute(select(standings.c.example_id, standings.c.version).where(standings.c.curator == curator))
    return {example_id: version for example_id, version in rows}


def keep_live(connection: Connection, seq: int, example_id: str, curator: str, action: str, batch: str) -> None:
    """Add a decision to those that are not undone."""
    row = {"seq": seq, "example_id": example_id, "curator": curator, "action": action, "batch": batch}
    connection.execute(insert(tables.live).values(row))


def drop_live(connection: Connection, seq: int) -> None:
    connection.execute(delete(tables.live).where(tables.live.c.seq == seq))


def restate(connection: Connection, example_id: str, curator: str, action: str) -> None:
    """Keep version, stand and counters of a curator right after one more event, an `action`, on an example."""
    standings, live = tables.standings, tables.live
    about = (standings.c.example_id == example_id, standings.c.curator == curator)
    before = connection.execute(select(standings.c.version, standings.c.action).where(*about)).first()
    # A skip says nothing about the example, so it stands only where there is nothing else.
    stand = connection.execute(
        select(live.c.seq, live.c.action)
        .where(live.c.example_id == example_id, live.c.curator == curator, live.c.action != ADJUDICATE)
        .order_by(live.c.action != "skip", live.c.seq)
    ).all()
    now = stand[-1] if stand else None
    version, was = (before.version, before.action) if before else (0, None)
    put(
        connection,
        standings,
        example_id=example_id,
        curator=curator,
        version=version + 1,
        action=now and now.action,
        seq=now and now.seq,
    )
    is_now = now.action if now else None
    _count(connection, curator, action, standing=0, events=1)
    if was != is_now:
        for name, step in ((was, -1), (is_now, 1)):
            if name is not None:
                _count(connection, curator, name, standing=step, events=0)


def counts(connection: Connection) -> list[CuratorCount]:
    """Every curator's counters; nothing is counted for it."""
    table = tables.counts
    return [CuratorCount(*row) for row in connection.execute(select(table).order_by(table.c.curator, table.c.action))]


def _count(connection: Connection, curator: str, action: str, standing: int, events: int) -> None:
    table = tables.counts
    row = upsert(table, connection).values(curator=curator, action=action, standing=standing, events=events)
    added = {"standing": table.c.standing + standing, "events": table.c.events + events}
    connection.execute(row.on_conflict_do_update(index_elements=["curator", "action"], set_=added))
