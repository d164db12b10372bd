"""Insert a row, or change the one of the same key: both databases say it alike, SQLAlchemy does not."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Table
from sqlalchemy.dialects.postgresql import insert as insert_postgres
from sqlalchemy.dialects.sqlite import insert as insert_sqlite


def upsert(table: Table, connection: Connection) -> Any:
    """An INSERT of `table` that offers `on_conflict_do_update`."""
    return _insert(table, connection.dialect.name)


def put(connection: Connection, table: Table, **values: Any) -> None:
    """Write a row, every column of it; the one of the same primary key is replaced."""
    connection.execute(_put(table, connection.dialect.name), values)


def put_many(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    connection.execute(_put(table, connection.dialect.name), rows)


def add_to(connection: Connection, table: Table, **values: Any) -> None:
    """Write a row, or add its numbers to those of the row of the same primary key."""
    connection.execute(_add_to(table, connection.dialect.name), values)


def _insert(table: Table, dialect: str) -> Any:
    return insert_postgres(table) if dialect == "postgresql" else insert_sqlite(table)


# Building a statement takes longer than running it, so each is built once.
@lru_cache
def _put(table: Table, dialect: str) -> Any:
    row = _insert(table, dialect)
    keys = [column.name for column in table.primary_key]
    rest = {column.name: row.excluded[column.name] for column in table.columns if column.name not in keys}
    return row.on_conflict_do_update(index_elements=keys, set_=rest)


@lru_cache
def _add_to(table: Table, dialect: str) -> Any:
    row = _insert(table, dialect)
    keys = [column.name for column in table.primary_key]
    rest = {column.name: column + row.excluded[column.name] for column in table.columns if column.name not in keys}
    return row.on_conflict_do_update(index_elements=keys, set_=rest)
