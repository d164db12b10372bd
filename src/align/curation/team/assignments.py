"""Which cells of the quota each curator works on; who has none assigned works on all."""

import json
from collections.abc import Sequence

from sqlalchemy import Connection, delete, select

from align.curation.database import tables
from align.curation.database.upsert import put
from align.curation.state.changes import note_change
from align.curation.team.people import require


def assign(connection: Connection, actor: str, curator: str, cells: Sequence[str]) -> None:
    """Give a curator these cells in place of the former; no cells: all of them again."""
    require(connection, actor, "lead", "assign work")
    require(connection, curator, "curator", "be assigned work")
    wanted = tuple(sorted(set(cells)))
    if assignments(connection).get(curator, ()) == wanted:
        return
    note_change(connection, actor, "assign", curator, ", ".join(wanted) or "all cells")
    if wanted:
        put(connection, tables.assignments, curator=curator, cells=json.dumps(wanted))
    else:
        connection.execute(delete(tables.assignments).where(tables.assignments.c.curator == curator))


def assignments(connection: Connection) -> dict[str, tuple[str, ...]]:
    """Cells by curator; who is missing works on all."""
    table = tables.assignments
    return {curator: tuple(json.loads(cells)) for curator, cells in connection.execute(select(table).order_by(table.c.curator))}
