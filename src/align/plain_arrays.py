"""Arrow arrays of plain values, made of their bytes.

`pyarrow.array` and `pyarrow.scalar` import pandas where it is installed (pyarrow 25, `_PandasAPIShim`): a fifth of a second,
which every process that reads a shard would pay.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa


def array_of(values: Any, kind: "pa.DataType") -> "pa.Array":
    """An array of texts (or their UTF-8) or of floats; of other kinds, and where one is absent, as pyarrow makes it."""
    import pyarrow as pa

    if pa.types.is_string(kind) and (encoded := _encoded(values)) is not None:
        ends = offsets_of(list(map(len, encoded)))
        made = pa.Array.from_buffers(kind, len(encoded), [None, ends.buffers()[1], pa.py_buffer(b"".join(encoded))])
        made.validate(full=True)
        return made
    if pa.types.is_float64(kind) and (numbers := _floats(values)) is not None:
        return pa.Array.from_buffers(kind, len(numbers), [None, pa.py_buffer(numbers)])
    return pa.array(values, kind)


def offsets_of(lengths: Sequence[int]) -> "pa.Array":
    """Where each of several items of such lengths begins that lie one after the other, and where the last one ends."""
    import numpy as np
    import pyarrow as pa

    ends = np.zeros(len(lengths) + 1, np.int64)
    np.cumsum(np.fromiter(lengths, np.int64, len(lengths)), out=ends[1:])
    if ends[-1] >= 1 << 31:
        raise pa.ArrowCapacityError(f"{ends[-1]:,} bytes or items in one column of a batch; an array of Arrow holds 2 GiB.")
    return pa.Array.from_buffers(pa.int32(), len(ends), [None, pa.py_buffer(ends.astype(np.int32))])


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


def _encoded(values: Sequence[Any]) -> list[bytes] | None:
    """The UTF-8 of texts; None where one is absent, or something else stands among them."""
    kinds = set(map(type, values))
    if kinds <= {str}:
        return list(map(str.encode, values))
    return [value if type(value) is bytes else value.encode() for value in values] if kinds <= {str, bytes} else None


def _floats(values: Any) -> "np.ndarray[Any, Any] | None":
    """Floats as they lie in memory; None where something else stands among them."""
    import numpy as np

    if isinstance(values, np.ndarray):
        return np.ascontiguousarray(values) if values.dtype == np.float64 and values.ndim == 1 else None
    return np.fromiter(values, np.float64, len(values)) if set(map(type, values)) <= {float} else None
