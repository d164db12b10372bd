"""Insert a row, or change the one of the same key: both databases say it alike, SQLAlchemy does not."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Table
from sqlalchemy.dialects.postgresql import insert as insert_postgres
from sqlalchemy.dialects.sqlite import insert as insert_sqlite


def upsert(table: Table, connection: Connection) -> Any:
    """An INSERT of `table` that offers `on_conflict_do_update`."""
    return insert_into(table, connection.dialect.name)


def put(connection: Connection, table: Table, **values: Any) -> None:
    """Write a row, every column of it; the one of the same primary key is replaced."""
    connection.execute(_put(table, connection.dialect.name), values)


def put_many(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    connection.execute(_put(table, connection.dialect.name), rows)


def insert_into(table: Table, dialect: str) -> Any:
    return insert_postgres(table) if dialect == "postgresql" else insert_sqlite(table)


def conflicting(row: Any, table: Table, adds: bool = False) -> Any:
    """The INSERT, which replaces the row of the same primary key or adds its numbers to it."""
    keys = [column.name for column in table.primary_key]
    rest = {
        column.name: column + row.excluded[column.name] if adds else row.excluded[column.name]
        for column in table.columns
        if column.name not in keys
    }
    return row.on_conflict_do_update(index_elements=keys, set_=rest)


# Building a statement takes longer than running it, so each is built once.
@lru_cache
def _put(table: Table, dialect: str) -> Any:
    return conflicting(insert_into(table, dialect), table)
