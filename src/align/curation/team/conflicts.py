"""Examples on which curators stand against each other, for a lead to settle; and what they said before they saw each other."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter

from sqlalchemy import ColumnElement, Connection, func, select

from align.curation.database import tables
from align.curation.state.events import Event, read_events
from align.curation.state.folding import DISAGREE, EDITED_DIFFERENTLY, ends_of, fold_example
from align.curation.store import CurationStore
from align.curation.team.agreement import CLASS_OF, Class
from align.records import Turn

BLIND = ("calibration", "overlap")
"""Why an example is served to several curators without showing them each other's decisions."""
AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Position:
    """Where one curator stands."""

    curator: str
    event: Event
    """Their last word."""
    turns: tuple[Turn, ...]
    """The text as they left it; empty where they did not edit."""


@dataclass(frozen=True, slots=True)
class Conflict:
    """An example that nobody has adjudicated since its curators came to differ."""

    example_id: str
    content: str
    """Of the text they differ about."""
    why: str
    positions: tuple[Position, ...]
    """By curator."""


def find_conflicts(store: CurationStore) -> list[Conflict]:
    """Every open conflict, the oldest first, but for what was taken down; only examples with two curators or more are folded."""
    return store.database.read(_conflicts)


def blind_labels(store: CurationStore) -> dict[str, dict[str, Class]]:
    """By example and text: what each curator said of it blind, undone decisions left out; what one alone judged included."""
    return labels_of(store.database.read(_blind_events))


def labels_of(live: Iterable[Event]) -> dict[str, dict[str, Class]]:
    """The last word of each curator on each text they were shown blind; a skip counts where there is nothing else."""
    found: dict[str, dict[str, Event]] = {}
    for event in sorted(live, key=attrgetter("seq")):
        if not (event.blind and event.served in BLIND and event.action in CLASS_OF):
            continue
        said = found.setdefault(f"{event.example_id}@{event.content}", {})
        if event.action != "skip" or said.get(event.curator, event).action == "skip":
            said[event.curator] = event
    return {name: {curator: CLASS_OF[event.action] for curator, event in said.items()} for name, said in found.items()}


def _conflicts(connection: Connection) -> list[Conflict]:
    standings = tables.standings
    query = (
        select(standings.c.example_id)
        .where(standings.c.action.is_not(None), standings.c.action != "skip")
        .where(standings.c.example_id.not_in(select(tables.taken_down.c.example_id)))
        .group_by(standings.c.example_id)
        .having(func.count() > 1)
    )
    several = list(connection.execute(query).scalars())
    found = []
    for start in range(0, len(several), AT_ONCE):
        live = _live(connection, tables.live.c.example_id.in_(several[start : start + AT_ONCE]))
        for _, about in groupby(sorted(live, key=attrgetter("example_id", "seq")), key=attrgetter("example_id")):
            found += _conflicts_of(list(about))
    return sorted(found, key=lambda conflict: max(position.event.seq for position in conflict.positions))


def _conflicts_of(live: list[Event]) -> list[Conflict]:
    return [
        Conflict(
            flag.example_id,
            flag.example_content,
            flag.reason,
            tuple(Position(curator, *end) for curator, end in ends_of(live, flag.example_content).items()),
        )
        for flag in fold_example(live)
        if flag.action == "flag" and flag.reason in (DISAGREE, EDITED_DIFFERENTLY)
    ]


def _blind_events(connection: Connection) -> list[Event]:
    return _live(connection, tables.events.c.blind & tables.events.c.served.in_(BLIND))


def _live(connection: Connection, those: ColumnElement[bool]) -> list[Event]:
    query = select(tables.events).join(tables.live, tables.live.c.seq == tables.events.c.seq).where(those)
    return list(read_events(connection, query))
