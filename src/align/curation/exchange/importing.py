"""Decisions that were made elsewhere, in a file or another tool, added as those of the people who made them."""

import hashlib
from collections.abc import Iterator, Sequence

from sqlalchemy import Connection, or_, select

from align.curation.database import tables
from align.curation.decisions import moment_of
from align.curation.state.bulk import STEP, Bulk
from align.curation.state.changes import note_change
from align.curation.state.events import Ask, Event, decide, event_of_request
from align.curation.state.standings import version_of
from align.curation.team.people import ROLES, require, role_of
from align.errors import AlignError
from align.records import Decision, as_json

SERVED = "import"


def steps_of(decisions: Sequence[Decision]) -> Iterator[Sequence[Decision]]:
    """The decisions in the order in which they were made, some for each transaction; an edit before what it led to."""
    made = sorted(decisions, key=lambda decision: (moment_of(decision.at), decision.action != "edit"))
    return (made[start : start + STEP] for start in range(0, len(made), STEP))


def import_step(connection: Connection, actor: str, decisions: Sequence[Decision]) -> Bulk:
    """Add those that nobody's own word here stands against; holds the history. The same decision again is the same event."""
    require(connection, actor, "lead", "import decisions")
    events: list[Event] = []
    refused: dict[str, str] = {}
    added = 0
    for decision in decisions:
        request = f"{SERVED} {hashlib.sha256(as_json(decision).encode()).hexdigest()[:32]}"
        known = event_of_request(connection, request)
        if known is not None:
            events.append(known)
            continue
        reason = _against(connection, decision)
        if not reason:
            try:
                events.append(decide(connection, _ask(connection, decision, request)))
                added += 1
            except AlignError as error:
                reason = str(error)
        if reason:
            refused[f"{decision.example_id} by {decision.curator}"] = reason
    if added:
        note_change(connection, actor, "import decisions", "", f"{added:,} decisions")
    return Bulk(tuple(events), refused)


def _against(connection: Connection, decision: Decision) -> str:
    """Why a decision cannot come in; empty where it can."""
    role = role_of(connection, decision.curator)
    if role is None or ROLES.index(role) < ROLES.index("curator"):
        return f"{decision.curator} is no curator here; add them on the page Team, or name who they are"
    live, events = tables.live, tables.events
    own = select(events.c.seq).join(live, live.c.seq == events.c.seq).limit(1)
    own = own.where(live.c.example_id == decision.example_id, live.c.curator == decision.curator)
    # What was imported of another text, such as the edit that made this one, is no word against it.
    own = own.where(or_(events.c.served != SERVED, events.c.content == decision.example_content))
    return f"{decision.curator} has decided about it here" if connection.execute(own).scalar() is not None else ""


def _ask(connection: Connection, decision: Decision, request: str) -> Ask:
    version = version_of(connection, decision.example_id, decision.curator)
    note = "; ".join(filter(None, (decision.note, f"decided {decision.at}")))
    return Ask(
        request, decision.example_id, decision.example_content, version, decision.action, decision.curator,
        decision.turns, decision.reason, note, served=SERVED,
    )  # fmt: skip
