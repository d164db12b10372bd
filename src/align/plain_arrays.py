"""Arrow arrays of plain values, made of their bytes.

`pyarrow.array` and `pyarrow.scalar` import pandas where it is installed (pyarrow 25, `_PandasAPIShim`): a fifth of a second,
which every process that reads a shard would pay.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

_FIRST_BYTE_OF_A_SIGN = -64
"""In UTF-8 the bytes of a sign but the first are 128 to 191, which as signed numbers are below it."""


def array_of(values: Any, kind: "pa.DataType") -> "pa.Array":
    """An array of texts (or their UTF-8) or of floats; of other kinds, and where one is absent, as pyarrow makes it."""
    import pyarrow as pa

    if pa.types.is_string(kind) and set(map(type, values)) <= {str}:
        return texts_of(values)
    if pa.types.is_string(kind) and (encoded := _encoded(values)) is not None:
        ends = offsets_of(list(map(len, encoded)))
        made = pa.Array.from_buffers(kind, len(encoded), [None, ends.buffers()[1], pa.py_buffer(b"".join(encoded))])
        made.validate(full=True)
        return made
    if pa.types.is_float64(kind) and (numbers := _floats(values)) is not None:
        return pa.Array.from_buffers(kind, len(numbers), [None, pa.py_buffer(numbers)])
    return pa.array(values, kind)


def texts_of(values: Sequence[str], before: str = "") -> "pa.Array":
    """An array of texts, `before` in front of each."""
    import numpy as np
    import pyarrow as pa

    joined = before + before.join(values) if values else ""
    data = joined.encode()
    ends = np.zeros(len(values) + 1, np.int64)
    np.cumsum(np.fromiter(map(len, values), np.int64, len(values)) + len(before), out=ends[1:])
    if len(data) > len(joined):  # signs of several bytes: the first one of each has another bit
        begins = np.flatnonzero(np.frombuffer(data, np.int8) >= _FIRST_BYTE_OF_A_SIGN)
        ends = np.append(begins, len(data))[ends]
    return pa.Array.from_buffers(pa.string(), len(values), [None, _as_offsets(ends), pa.py_buffer(data)])


def bytes_of(texts: "pa.Array") -> "tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]":
    """The bytes of texts without an absent one, one text after the other, and where in them each begins and the last one ends."""
    import numpy as np

    _, offsets, data = texts.buffers()
    ends = np.frombuffer(offsets, np.int32)[texts.offset : texts.offset + len(texts) + 1]
    return np.frombuffer(data, np.uint8)[ends[0] : ends[-1]], ends - ends[0]


def truths_of(column: "pa.Array") -> "np.ndarray[Any, Any]":
    """What an array of true and false without an absent one says, as numpy has it."""
    import numpy as np

    bits = np.unpackbits(np.frombuffer(column.buffers()[1], np.uint8), bitorder="little")
    return bits[column.offset : column.offset + len(column)].astype(bool)


def offsets_of(lengths: Sequence[int]) -> "pa.Array":
    """Where each of several items of such lengths begins that lie one after the other, and where the last one ends."""
    import numpy as np
    import pyarrow as pa

    ends = np.zeros(len(lengths) + 1, np.int64)
    np.cumsum(np.fromiter(lengths, np.int64, len(lengths)), out=ends[1:])
    return pa.Array.from_buffers(pa.int32(), len(ends), [None, _as_offsets(ends)])


def repeated(value: Any, kind: "pa.DataType", count: int) -> "pa.Array":
    """An array that says the same `count` times."""
    import numpy as np

    return chosen([value], kind, np.zeros(count, np.int32))


def chosen(values: Sequence[Any], kind: "pa.DataType", places: "np.ndarray[Any, Any]") -> "pa.Array":
    """An array of the values at some places, which may come again."""
    import numpy as np
    import pyarrow as pa

    numbers = np.ascontiguousarray(places, np.int32)
    return array_of(values, kind).take(pa.Array.from_buffers(pa.int32(), len(numbers), [None, pa.py_buffer(numbers)]))


def _as_offsets(ends: "np.ndarray[Any, Any]") -> "pa.Buffer":
    import numpy as np
    import pyarrow as pa

    if ends[-1] >= 1 << 31:
        raise pa.ArrowCapacityError(f"{ends[-1]:,} bytes or items in one column of a batch; an array of Arrow holds 2 GiB.")
    return pa.py_buffer(ends.astype(np.int32))


def _encoded(values: Sequence[Any]) -> list[bytes] | None:
    """The UTF-8 of texts, some of which are UTF-8 already; None where one is absent, or something else stands among them."""
    kinds = set(map(type, values))
    return [value if type(value) is bytes else value.encode() for value in values] if kinds <= {str, bytes} else None


def _floats(values: Any) -> "np.ndarray[Any, Any] | None":
    """Floats as they lie in memory; None where something else stands among them."""
    import numpy as np

    if isinstance(values, np.ndarray):
        return np.ascontiguousarray(values) if values.dtype == np.float64 and values.ndim == 1 else None
    return np.fromiter(values, np.float64, len(values)) if set(map(type, values)) <= {float} else None
