"""Rows of a table from their columns, where an object a row would cost more than the row is worth."""

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from align.files import arrow_schema
from align.plain_arrays import array_of, chosen, offsets_of

if TYPE_CHECKING:
    import pyarrow as pa


class Same(NamedTuple):
    """A column that says the same in every row."""

    value: Any
    rows: int


class Cycle(NamedTuple):
    """A column that says the same few values over and over."""

    values: tuple[Any, ...]
    times: int


class Lists(NamedTuple):
    """A column of lists: how long each is, and the items of all of them, one list after the other."""

    lengths: Sequence[int] | Same
    items: Any


def rows_of_columns(record: type[Any], columns: dict[str, Any]) -> "pa.RecordBatch":
    """Rows of the table of a record type.

    A column is a sequence of values, an array of Arrow, `Same`, `Cycle`, `Lists`, or a mapping of columns by field.
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
        return _cycle((values.value,), kind, values.rows)
    if isinstance(values, Cycle):
        return _cycle(values.values, kind, values.times)
    return array_of(values, kind)


def _offsets(lengths: Sequence[int] | Same) -> "pa.Array":
    """Where each list begins, and where the last one ends."""
    if isinstance(lengths, Same):
        return _even_offsets(lengths.value, _room_for(lengths.rows))[: lengths.rows + 1]
    return offsets_of(lengths)


def _cycle(values: tuple[Any, ...], kind: "pa.DataType", times: int) -> "pa.Array":
    return _long_cycle(values, kind, _room_for(times))[: times * len(values)]


def _room_for(count: int) -> int:
    """A power of two, so that columns which differ little in length are cut from one array."""
    return 1 << count.bit_length()


@lru_cache(maxsize=64)
def _long_cycle(values: tuple[Any, ...], kind: "pa.DataType", times: int) -> "pa.Array":
    import numpy as np

    return chosen(values, kind, np.tile(np.arange(len(values)), times))


@lru_cache(maxsize=16)
def _even_offsets(length: int, rows: int) -> "pa.Array":
    return offsets_of([length] * rows)
