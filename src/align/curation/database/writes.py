"""Rows that are written together, collected first.

PostgreSQL takes them as one statement: while a decision is written everybody else waits, and each statement is a journey to the
server and back. No two of them may write the same row, for none sees what another one did.
"""

from functools import lru_cache
from typing import Any, Literal

from sqlalchemy import Connection, Table, bindparam, delete, literal, select

from align.curation.database.upsert import conflicting, insert_into

Kind = Literal["insert", "put", "add", "drop"]
Shape = tuple[Kind, Table, tuple[str, ...]]


class Writes:
    """What one transaction is about to write."""

    def __init__(self) -> None:
        self._shapes: list[Shape] = []
        self._rows: list[dict[str, Any]] = []

    def insert(self, table: Table, **row: Any) -> None:
        """A row that is not there yet."""
        self._note("insert", table, row)

    def put(self, table: Table, **row: Any) -> None:
        """A row, every column of it, in place of the one of the same primary key."""
        self._note("put", table, row)

    def add(self, table: Table, **row: Any) -> None:
        """A row, or its numbers on top of those of the row of the same primary key."""
        self._note("add", table, row)

    def drop(self, table: Table, **keys: Any) -> None:
        """Rows with these values are to go."""
        self._note("drop", table, keys)

    def write(self, connection: Connection) -> None:
        dialect = connection.dialect.name
        if dialect == "postgresql":
            values = {f"{name}_{number}": value for number, row in enumerate(self._rows) for name, value in row.items()}
            connection.execute(_joined(tuple(self._shapes)), values)
            return
        for shape, row in zip(self._shapes, self._rows, strict=True):
            connection.execute(_statement(shape, dialect, 0), {f"{name}_0": value for name, value in row.items()})

    def _note(self, kind: Kind, table: Table, row: dict[str, Any]) -> None:
        self._shapes.append((kind, table, tuple(row)))
        self._rows.append(row)


# Building a statement takes longer than running it, so each is built once.
@lru_cache
def _joined(shapes: tuple[Shape, ...]) -> Any:
    written = [_statement(shape, "postgresql", number).cte(f"written_{number}") for number, shape in enumerate(shapes)]
    return select(literal(1)).add_cte(*written)


@lru_cache
def _statement(shape: Shape, dialect: str, number: int) -> Any:
    kind, table, names = shape
    values = {name: bindparam(f"{name}_{number}", type_=table.c[name].type) for name in names}
    if kind == "drop":
        return delete(table).where(*(table.c[name] == value for name, value in values.items()))
    row = insert_into(table, dialect).values(values)
    return row if kind == "insert" else conflicting(row, table, adds=kind == "add")
