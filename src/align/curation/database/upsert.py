"""Insert a row, or change the one of the same key: both databases say it alike, SQLAlchemy does not."""

from typing import Any

from sqlalchemy import Connection, Table
from sqlalchemy.dialects.postgresql import insert as insert_postgres
from sqlalchemy.dialects.sqlite import insert as insert_sqlite


def upsert(table: Table, connection: Connection) -> Any:
    """An INSERT of `table` that offers `on_conflict_do_update`."""
    return insert_postgres(table) if connection.dialect.name == "postgresql" else insert_sqlite(table)


def put(connection: Connection, table: Table, **values: Any) -> None:
    """Write a row whole; the one of the same primary key is replaced."""
    keys = [column.name for column in table.primary_key]
    rest = {name: value for name, value in values.items() if name not in keys}
    connection.execute(upsert(table, connection).values(**values).on_conflict_do_update(index_elements=keys, set_=rest))
