"""What people have half written, and where they were: both survive a reload."""

from dataclasses import dataclass

from sqlalchemy import Connection, delete, select

from align.curation.database import tables
from align.curation.database.engine import now_of
from align.curation.database.upsert import put
from align.curation.state.events import check_text, text_as_turns, turns_as_text
from align.curation.team.people import require
from align.records import Turn


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


def draft_of(connection: Connection, curator: str, example_id: str) -> Draft | None:
    drafts = tables.drafts
    query = select(drafts).where(drafts.c.curator == curator, drafts.c.example_id == example_id)
    row = connection.execute(query).first()
    return None if row is None else Draft(row.example_id, row.content, text_as_turns(row.turns), row.note, row.at)


def drop_draft(connection: Connection, curator: str, example_id: str) -> None:
    drafts = tables.drafts
    connection.execute(delete(drafts).where(drafts.c.curator == curator, drafts.c.example_id == example_id))


def keep_place(connection: Connection, curator: str, example_id: str) -> None:
    require(connection, curator, "viewer", "keep a place")
    put(connection, tables.places, curator=curator, example_id=example_id, at=now_of(connection))


def place_of(connection: Connection, curator: str) -> str | None:
    return connection.execute(select(tables.places.c.example_id).where(tables.places.c.curator == curator)).scalar()
