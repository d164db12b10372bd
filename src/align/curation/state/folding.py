"""What stands of one example: each curator's own word, and the one decision that follows from all of them.

Curators who say the same, each after their own edits, agree; an edit is an acceptance, so who accepts and who edits agree, and
the edit is taken. Anything else among them is a disagreement: it stands as a flag that names them until a lead adjudicates, which
beats all. An undone event counts as if it had never been.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from typing import cast

from sqlalchemy import Connection, select

from align.curation.database import tables
from align.curation.decisions import Action
from align.curation.state.events import Event, read_events
from align.records import Decision, Turn, content_of

ACCEPTING = ("accept", "edit")
DISAGREE = "curators disagree"
EDITED_DIFFERENTLY = "curators edited differently"


@dataclass(frozen=True, slots=True)
class Standing:
    """What one curator says of one example."""

    example_id: str
    curator: str
    version: int
    """How many events the curator has on the example: what the next `Ask` brings."""
    action: Action | None
    event: Event | None
    """The event behind `action`; None where everything is undone."""
    turns: tuple[Turn, ...] = ()
    """The text as the curator edited it, where that still stands."""


def standings_of(connection: Connection, example_id: str) -> list[Standing]:
    """One a curator who ever decided about the example, by name."""
    table = tables.standings
    rows = connection.execute(select(table).where(table.c.example_id == example_id).order_by(table.c.curator)).all()
    own = [event for event in live_events(connection, example_id) if event.action != "adjudicate"]
    return [
        Standing(
            example_id,
            row.curator,
            row.version,
            row.action,
            next((event for event in own if event.seq == row.seq), None),
            _edited(event for event in own if event.curator == row.curator),
        )
        for row in rows
    ]


def live_events(connection: Connection, example_id: str | None = None) -> list[Event]:
    """The events that are not undone, in order; of one example or of all."""
    query = select(tables.events).join(tables.live, tables.live.c.seq == tables.events.c.seq)
    if example_id is not None:
        query = query.where(tables.live.c.example_id == example_id)
    return list(read_events(connection, query))


def fold_events(live: Iterable[Event]) -> Iterator[Decision]:
    """The decisions that stand, sorted by example and content, given the events that are not undone."""
    by_example = sorted(live, key=lambda event: (event.example_id, event.seq))
    for _, about in groupby(by_example, key=attrgetter("example_id")):
        yield from sorted(fold_example(list(about)), key=attrgetter("example_content"))


def fold_example(live: list[Event]) -> list[Decision]:
    """The decisions about one example that follow from its events, in the order in which they build on each other."""
    own = [event for event in live if event.action != "adjudicate"]
    adjudicated = next((event for event in reversed(live) if event.action == "adjudicate"), None)
    settled = [] if adjudicated is None else [*_edits_towards(own, adjudicated.content), _decision(adjudicated)]
    results = {content_of(event.turns) for event in own if event.turns}
    contents = sorted(dict.fromkeys(event.content for event in own), key=results.__contains__)
    folded: dict[str, Decision | None] = {decision.example_content: decision for decision in settled}
    folded |= {content_of(decision.turns): None for decision in settled if content_of(decision.turns) not in folded}
    for content in contents:  # first the texts that no edit made: those of the pool, now or formerly
        _settle(own, content, folded)
    return [decision for decision in folded.values() if decision is not None]


def ends_of(live: Iterable[Event], content: str) -> dict[str, tuple[Event, tuple[Turn, ...]]]:
    """Where each curator who spoke of the text `content` ended: the last word, and the text it leaves where they edited."""
    own = [event for event in live if event.action != "adjudicate"]
    said = {event.curator: event for event in own if event.content == content and event.action != "skip"}
    found = {}
    for curator, first in sorted(said.items()):
        last, left = _end(own, first)
        found[curator] = (last, next((event.turns for event in own if event.turns and content_of(event.turns) == left), ()))
    return found


def _settle(own: list[Event], content: str, folded: dict[str, Decision | None], author: Event | None = None) -> None:
    """Fold what was said of `content`, then of the text an edit made of it. Its author has accepted it by writing it."""
    if content in folded:
        return
    about = [event for event in own if event.content == content and (author is None or event.seq > author.seq)]
    said = {event.curator: event for event in about if event.action != "skip"}
    if not said:
        folded[content] = _decision(about[-1]) if about and author is None else None
        return
    ends = {curator: _end(own, event) for curator, event in said.items()}
    if author is not None:
        ends.setdefault(author.curator, (author, content))
    clash = _clash(content, ends)
    if clash:
        folded[content] = _flag(content, clash, ends)
        return
    # Of those who agree, who leaves another text is taken, then who edits at all, then the last one.
    event = max(said.values(), key=lambda event: (ends[event.curator][1] != content, event.action == "edit", event.seq))
    folded[content] = _decision(event)
    if event.action == "edit":
        # The others' last words have been heard already, and agree with this edit.
        further = [other for other in own if other.curator == event.curator or other.curator not in ends]
        _settle(further, content_of(event.turns), folded, author=event)


def _end(own: list[Event], first: Event) -> tuple[Event, str]:
    """The curator's last word after their own edits, and the content it leaves."""
    last, content = first, first.content
    seen = {content}
    while last.action == "edit":
        content = content_of(last.turns)
        further = [
            event
            for event in own
            if event.curator == first.curator and event.content == content and event.seq > last.seq and event.action != "skip"
        ]
        if not further or content in seen:
            break
        seen.add(content)
        last = further[-1]
    return last, content


def _clash(start: str, ends: dict[str, tuple[Event, str]]) -> str:
    """What the curators differ in; empty where they agree."""
    if len({"accept" if event.action in ACCEPTING else event.action for event, _ in ends.values()}) > 1:
        return DISAGREE
    texts = {content for event, content in ends.values() if event.action in ACCEPTING and content != start}
    return EDITED_DIFFERENTLY if len(texts) > 1 else ""


def _flag(content: str, clash: str, ends: dict[str, tuple[Event, str]]) -> Decision:
    events = {curator: event for curator, (event, _) in sorted(ends.items())}
    said = "; ".join(": ".join(filter(None, (f"{curator} {event.action}", event.reason))) for curator, event in events.items())
    latest = max(event.at for event in events.values())
    example_id = next(iter(events.values())).example_id
    return Decision(example_id, content, "flag", ", ".join(events), latest, (), clash, said)


def _edits_towards(own: list[Event], content: str) -> list[Decision]:
    """The edits that made the text `content`, the first one first; none where it is the example's own text."""
    path: list[Decision] = []
    seen = {content}
    while True:
        made = next((event for event in reversed(own) if event.turns and content_of(event.turns) == content), None)
        if made is None or made.content in seen:
            return path
        path.insert(0, _decision(made))
        content = made.content
        seen.add(content)


def _edited(own: Iterable[Event]) -> tuple[Turn, ...]:
    turns: tuple[Turn, ...] = ()
    for event in own:
        if event.action == "edit":
            turns = event.turns
        elif event.action != "skip" and event.content != content_of(turns):
            turns = ()  # they went back to the example's own text and decided about that
    return turns


def _decision(event: Event) -> Decision:
    action = event.decides or cast(Action, event.action)
    return Decision(event.example_id, event.content, action, event.curator, event.at, event.turns, event.reason, event.note)
