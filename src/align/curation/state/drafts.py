"""What people have half written, and where they were: both survive a reload."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, delete, select

from align.curation.database import tables
from align.curation.database.engine import now_of
from align.curation.database.upsert import put
from align.curation.state.events import check_text, text_as_turns, turns_as_text
from align.curation.state.taken import refuse_taken
from align.curation.team.people import require
from align.records import Turn

_DRAFTS = select(tables.drafts).where(
    tables.drafts.c.curator == bindparam("whose"), tables.drafts.c.example_id.in_(bindparam("examples", expanding=True))
)


@dataclass(frozen=True, slots=True)
class Draft:
    """An edit that is not decided yet."""

    example_id: str
    content: str
    """Of the text that was being edited."""
    turns: tuple[Turn, ...]
    note: str
    at: str


def save_draft(connection: Connection, curator: str, example_id: str, content: str, turns: tuple[Turn, ...], note: str) -> None:
    """Keep the one draft a person has of an example."""
    require(connection, curator, "curator", "write drafts")
    check_text("note", note)
    put(
        connection,
        tables.drafts,
        curator=curator,
        example_id=example_id,
        content=content,
        turns=turns_as_text(turns),
        note=note,
        at=now_of(connection),
    )
    refuse_taken(connection, example_id)  # last: from here on a takedown waits, and what came before is seen


def draft_of(connection: Connection, curator: str, example_id: str) -> Draft | None:
    return drafts_of(connection, curator, [example_id]).get(example_id)


def drafts_of(connection: Connection, curator: str, examples: Sequence[str]) -> dict[str, Draft]:
    """The drafts a person has of some examples."""
    rows = connection.execute(_DRAFTS, {"whose": curator, "examples": list(examples)})
    return {row.example_id: Draft(row.example_id, row.content, text_as_turns(row.turns), row.note, row.at) for row in rows}


def drop_draft(connection: Connection, curator: str, example_id: str) -> None:
    drafts = tables.drafts
    connection.execute(delete(drafts).where(drafts.c.curator == curator, drafts.c.example_id == example_id))


def keep_place(connection: Connection, curator: str, example_id: str) -> None:
    require(connection, curator, "viewer", "keep a place")
    put(connection, tables.places, curator=curator, example_id=example_id, at=now_of(connection))


def place_of(connection: Connection, curator: str) -> str | None:
    return connection.execute(select(tables.places.c.example_id).where(tables.places.c.curator == curator)).scalar()
