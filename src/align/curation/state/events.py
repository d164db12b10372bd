"""Decisions as events that are only ever added: deciding, undoing, reading them again."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any, Literal, get_args

from sqlalchemy import Connection, RowMapping, Select, bindparam, select

from align.curation.database import tables
from align.curation.database.engine import now_of
from align.curation.database.writes import Writes
from align.curation.decisions import Action
from align.curation.state.changes import HISTORY, next_number
from align.curation.state.standings import Stand, follow, stand_of
from align.curation.state.taken import refuse_taken, taken_error
from align.curation.team.people import NotAllowed, check_role, require
from align.errors import AlignError, InputError
from align.records import Turn, content_of

EventAction = Literal["accept", "reject", "edit", "flag", "skip", "undo", "adjudicate"]
ACTIONS: tuple[Action, ...] = get_args(Action)

# Built once: building a statement takes longer than running it.
_THIS_STAND = (
    tables.standings.c.example_id == bindparam("example_id"), tables.standings.c.curator == bindparam("curator"),
)  # fmt: skip
_BEFORE = select(
    select(tables.people.c.role).where(tables.people.c.name == bindparam("curator")).scalar_subquery().label("role"),
    select(tables.events.c.seq).where(tables.events.c.request == bindparam("request")).scalar_subquery().label("known"),
    select(tables.taken_down.c.seq)
    .where(tables.taken_down.c.example_id == bindparam("example_id"))
    .scalar_subquery()
    .label("taken"),
    *(
        select(tables.standings.c[name]).where(*_THIS_STAND).scalar_subquery().label(name)
        for name in ("version", "action", "seq")
    ),
    *(select(tables.turnstiles.c[name]).where(tables.turnstiles.c.name == HISTORY).scalar_subquery() for name in ("seq", "at")),
)
_SINCE = (
    select(tables.events).where(tables.events.c.seq > bindparam("after")).order_by(tables.events.c.seq).limit(bindparam("most"))
)


class StaleDecision(AlignError):
    """The page had not seen the curator's last event on this example; nothing was written."""


@dataclass(frozen=True, slots=True)
class Ask:
    """One decision, as a page sends it."""

    request: str
    """Made by the browser for one key press; the same request twice is one decision."""
    example_id: str
    content: str
    """`content_of` the turns that were shown."""
    version: int
    """How many events of this curator on this example the page had seen."""
    action: Action
    curator: str
    turns: tuple[Turn, ...] = ()
    """The dialogue as edited, where `action` is `edit`."""
    reason: str = ""
    note: str = ""
    seconds: float = 0.0
    """From shown to decided."""
    served: str = ""
    """Why it was served: calibration, harvest, uncertain, audit, overlap, search, bulk."""
    blind: bool = False
    batch: str = ""
    """Names decisions made together by one press, which can be undone together."""


@dataclass(frozen=True, slots=True)
class Event:
    """Something a person did about an example; never changed, never removed."""

    seq: int
    """Grows in the order in which events become visible."""
    request: str
    example_id: str
    content: str
    action: EventAction
    curator: str
    at: str
    """ISO 8601, UTC; never before the event before."""
    turns: tuple[Turn, ...] = ()
    reason: str = ""
    note: str = ""
    seconds: float = 0.0
    served: str = ""
    blind: bool = False
    undoes: int | None = None
    """`seq` of the event that an `undo` takes back."""
    decides: Action | Literal[""] = ""
    """What an `adjudicate` decides."""
    batch: str = ""


def decide(connection: Connection, ask: Ask, place: str | None = None) -> Event:
    """Add one decision, once; holds the history. `place` is what the person looks at from now on."""
    _check(ask)
    about = {"curator": ask.curator, "request": ask.request, "example_id": ask.example_id}
    role, known, taken, *stand, last, at = connection.execute(_BEFORE, about).one()
    check_role(role, ask.curator, "curator", "decide")
    if known is not None:
        return _same(event_at(connection, known), ask.curator, ask.example_id, ask.action)
    if taken is not None:
        raise taken_error(ask.example_id)
    before = Stand(stand[0] or 0, *stand[1:])
    if before.version != ask.version:
        raise StaleDecision(
            f"{ask.example_id}: {ask.curator} has decided about it {before.version} times, the page had seen {ask.version}; "
            "nothing was saved, look at it again"
        )
    writes = Writes()
    number = last + 1, max(at, now_of(connection))
    writes.put(tables.turnstiles, name=HISTORY, seq=number[0], at=number[1])
    for table in (tables.leases, tables.drafts):  # a decided example is neither held nor half written any more
        writes.drop(table, example_id=ask.example_id, curator=ask.curator)
    if place is not None:
        writes.put(tables.places, curator=ask.curator, example_id=place, at=now_of(connection))
    return add_event(
        connection,
        before,
        number,
        writes,
        request=ask.request, example_id=ask.example_id, content=ask.content, action=ask.action, curator=ask.curator,
        turns=ask.turns, reason=ask.reason, note=ask.note, seconds=ask.seconds, served=ask.served, blind=ask.blind,
        batch=ask.batch,
    )  # fmt: skip


def undo(connection: Connection, curator: str, request: str) -> Event | None:
    """Take back the curator's last event that still stands, and the edit that the same press saved; holds the history.

    None where nothing is left.
    """
    require(connection, curator, "curator", "undo")
    known = event_of_request(connection, request)
    if known is not None:
        return _same(known, curator, known.example_id, "undo")
    live = tables.live
    last = select(live.c.seq, live.c.batch).where(live.c.curator == curator).order_by(live.c.seq.desc()).limit(2)
    seqs = connection.execute(last).all()
    if not seqs:
        return None
    undone = take_back(connection, seqs[0].seq, request)
    batch = seqs[0].batch
    if batch and batch == event_at(connection, seqs[0].seq).request and len(seqs) > 1 and seqs[1].batch == batch:
        take_back(connection, seqs[1].seq, f"{request}/edit")
    return undone


def take_back(connection: Connection, seq: int, request: str, batch: str = "") -> Event:
    """Add the undo of event `seq`, unless somebody else has the example before them."""
    event = event_at(connection, seq)
    leases = tables.leases
    held = select(leases.c.curator).where(
        leases.c.example_id == event.example_id, leases.c.curator != event.curator, leases.c.until > now_of(connection)
    )
    holder = connection.execute(held).scalar()
    if holder is not None:
        raise NotAllowed(f"{event.example_id}: {holder} has it open now; undo it when they are done")
    return add_event(
        connection,
        request=request, example_id=event.example_id, content=event.content, action="undo", curator=event.curator,
        undoes=seq, batch=batch,
    )  # fmt: skip


def adjudicate(
    connection: Connection, actor: str, request: str, example_id: str, content: str, action: Action, turns: tuple[Turn, ...],
    reason: str, note: str,
) -> Event:  # fmt: skip
    """Settle what curators disagree about: it beats all they say, until it is undone. Holds the history."""
    _check(Ask(request, example_id, content, 0, action, actor, turns, reason, note))
    require(connection, actor, "lead", "adjudicate")
    known = event_of_request(connection, request)
    if known is not None:
        return _same(known, actor, example_id, "adjudicate")
    refuse_taken(connection, example_id)
    return add_event(
        connection,
        request=request, example_id=example_id, content=content, action="adjudicate", curator=actor, turns=turns,
        reason=reason, note=note, decides=action,
    )  # fmt: skip


def add_event(
    connection: Connection, before: Stand | None = None, number: tuple[int, str] | None = None, writes: Writes | None = None,
    **values: Any,
) -> Event:  # fmt: skip
    """Write an event and everything that follows from it, with `writes`; holds the history.

    `before` is the stand and `number` the event's number and time, where they are known.
    """
    seq, at = number or next_number(connection)
    event = Event(seq=seq, at=at, **values)
    writes = writes or Writes()
    row = {field.name: getattr(event, field.name) for field in fields(Event)} | {"turns": turns_as_text(event.turns)}
    writes.insert(tables.events, **row)
    follow(writes, connection, event, before or stand_of(connection, event.example_id, event.curator))
    writes.write(connection)
    return event


def event_of_request(connection: Connection, request: str) -> Event | None:
    row = connection.execute(select(tables.events).where(tables.events.c.request == request)).mappings().first()
    return None if row is None else _event(row)


def event_at(connection: Connection, seq: int) -> Event:
    return _event(connection.execute(select(tables.events).where(tables.events.c.seq == seq)).mappings().one())


def events_since(connection: Connection, seq: int, limit: int) -> list[Event]:
    """The events after number `seq`, in order."""
    return [_event(row) for row in connection.execute(_SINCE, {"after": seq, "most": limit}).mappings()]


def last_events(connection: Connection, limit: int, before: int | None, curator: str | None, example: str | None) -> list[Event]:
    """A page of events below number `before`, the last one first."""
    events = tables.events
    query = select(events).order_by(events.c.seq.desc()).limit(limit)
    if before is not None:
        query = query.where(events.c.seq < before)
    if curator is not None:
        query = query.where(events.c.curator == curator)
    if example is not None:
        query = query.where(events.c.example_id == example)
    return [_event(row) for row in connection.execute(query).mappings()]


def read_events(connection: Connection, query: Select[Any]) -> Iterator[Event]:
    for row in connection.execute(query.order_by(tables.events.c.seq)).mappings():
        yield _event(row)


def turns_as_text(turns: tuple[Turn, ...]) -> str:
    """JSON in ASCII: PostgreSQL's text holds neither NUL nor halves of surrogate pairs, which a draft may."""
    return json.dumps([[turn.role, turn.text] for turn in turns]) if turns else ""


def text_as_turns(text: str) -> tuple[Turn, ...]:
    return tuple(Turn(role, said) for role, said in json.loads(text)) if text else ()


def check_text(field: str, text: str) -> None:
    """Refuse what the databases cannot hold alike."""
    check_whole(field, text)
    if "\x00" in text:
        raise InputError(f"{field}: holds a NUL character, which PostgreSQL does not keep; remove it")


def check_whole(field: str, text: str) -> None:
    if any("\ud800" <= letter <= "\udfff" for letter in text):
        raise InputError(f"{field}: holds half a surrogate pair, which is no text; remove it")


def _event(row: RowMapping) -> Event:
    return Event(**{**row, "turns": text_as_turns(row["turns"])})


def _same(known: Event, curator: str, example_id: str, action: str) -> Event:
    if (known.curator, known.example_id, known.action) != (curator, example_id, action):
        raise InputError(f"request {known.request} was used for another decision; every key press needs a request of its own")
    return known


def _check(ask: Ask) -> None:
    if ask.action not in ACTIONS:
        raise InputError(f"action {ask.action!r}: wanted one of {', '.join(ACTIONS)}")
    if (ask.action == "edit") != bool(ask.turns):
        raise InputError(
            f"decision about {ask.example_id}: an edit brings the edited turns, and nothing else does ({ask.action})"
        )
    for turn in ask.turns:
        check_whole(f"turn of {turn.role}", turn.text)
    if ask.turns and content_of(ask.turns) == ask.content:
        raise InputError(f"decision about {ask.example_id}: the edit changes nothing; accept it instead")
    for field in ("request", "example_id", "content"):
        if not getattr(ask, field):
            raise InputError(f"decision about {ask.example_id or '?'}: {field} is empty")
    for field in ("request", "example_id", "content", "reason", "note", "served", "batch"):
        check_text(field, getattr(ask, field))
