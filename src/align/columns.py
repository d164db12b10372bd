"""Rows of a table from their columns, where an object a row would cost more than the row is worth."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from align.files import arrow_schema
from align.plain_arrays import array_of, offsets_of, repeated

if TYPE_CHECKING:
    import pyarrow as pa


class Same(NamedTuple):
    """A column that says the same in every row."""

    value: Any
    rows: int


class Lists(NamedTuple):
    """A column of lists: how long each is, and the items of all of them, one list after the other."""

    lengths: Sequence[int] | Same
    items: Any


def rows_of_columns(record: type[Any], columns: dict[str, Any]) -> "pa.RecordBatch":
    """Rows of the table of a record type.

    A column is a sequence of values, an array of Arrow, `Same`, `Lists`, or a mapping of columns by field.
    """
    import pyarrow as pa

    schema = arrow_schema(record)
    return pa.RecordBatch.from_arrays([_array(columns[item.name], item.type) for item in schema], schema=schema)


def _array(values: Any, kind: "pa.DataType") -> "pa.Array":
    import pyarrow as pa

    if isinstance(values, pa.Array):
        return values
    if pa.types.is_struct(kind):
        return pa.StructArray.from_arrays([_array(values[item.name], item.type) for item in kind], fields=list(kind))
    if pa.types.is_list(kind):
        return pa.ListArray.from_arrays(_offsets(values.lengths), _array(values.items, kind.value_type), type=kind)
    if isinstance(values, Same):
        return repeated(values.value, kind, values.rows)
    return array_of(values, kind)


def _offsets(lengths: Sequence[int] | Same) -> "pa.Array":
    """Where each list begins, and where the last one ends."""
    return offsets_of([lengths.value] * lengths.rows if isinstance(lengths, Same) else lengths)
