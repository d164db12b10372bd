"""Decisions that were made elsewhere, in a file or another tool, added as those of the people who made them."""

import hashlib
from collections.abc import Sequence

from sqlalchemy import Connection, select

from align.curation.bulk import Bulk
from align.curation.database import tables
from align.curation.events import Ask, Event, decide, event_of_request
from align.curation.people import ROLES, require, role_of
from align.curation.standings import version_of
from align.errors import AlignError
from align.records import Decision, as_json

SERVED = "import"


def import_step(connection: Connection, actor: str, decisions: Sequence[Decision]) -> Bulk:
    """Add those that nobody's own word here stands against; holds the history. The same decision again is the same event."""
    require(connection, actor, "lead", "import decisions")
    events: list[Event] = []
    refused: dict[str, str] = {}
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
            except AlignError as error:
                reason = str(error)
        if reason:
            refused[f"{decision.example_id} by {decision.curator}"] = reason
    return Bulk(tuple(events), refused)


def _against(connection: Connection, decision: Decision) -> str:
    """Why a decision cannot come in; empty where it can."""
    role = role_of(connection, decision.curator)
    if role is None or ROLES.index(role) < ROLES.index("curator"):
        return f"{decision.curator} is no curator here; add them on the page Team, or name who they are"
    live = tables.live
    own = select(live.c.seq).where(live.c.example_id == decision.example_id, live.c.curator == decision.curator).limit(1)
    return f"{decision.curator} has decided about it here" if connection.execute(own).scalar() is not None else ""


def _ask(connection: Connection, decision: Decision, request: str) -> Ask:
    version = version_of(connection, decision.example_id, decision.curator)
    note = "; ".join(filter(None, (decision.note, f"decided {decision.at}")))
    return Ask(
        request, decision.example_id, decision.example_content, version, decision.action, decision.curator,
        decision.turns, decision.reason, note, served=SERVED,
    )  # fmt: skip
