"""The hash of a table of records: of what they say, not of how the file holds them."""

import hashlib
from pathlib import Path
from typing import Any

from align.files import record_batches, record_parts


def hash_table(folder: Path, record: type[Any]) -> str:
    """Hash of the records themselves, in order: the same for any split into parts, codec or Parquet version.

    Each leaf column feeds its own digest with validity, lengths and values, so nothing is built in Python.
    """
    digests: dict[str, Any] = {}
    for part in record_parts(folder, record):
        for batch in record_batches(part):
            for name, column in zip(batch.schema.names, batch.columns, strict=True):
                _hash_column(name, column, digests)
    joined = "\n".join(f"{name} {digests[name].hexdigest()}" for name in sorted(digests))
    return hashlib.sha256(joined.encode()).hexdigest()


def _hash_column(name: str, column: Any, digests: dict[str, Any]) -> None:
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    digest = digests.setdefault(name, hashlib.sha256())
    digest.update(np.asarray(column.is_valid()).astype(np.uint8).tobytes())
    kind = column.type
    if pa.types.is_struct(kind):
        for position, item in enumerate(kind):
            # flatten() keeps the slice and the struct's own nulls; field() loses both.
            _hash_column(f"{name}.{item.name}", column.flatten()[position], digests)
    elif pa.types.is_list(kind):
        digest.update(pc.fill_null(pc.list_value_length(column), 0).to_numpy(zero_copy_only=False).astype(np.int64).tobytes())
        _hash_column(f"{name}[]", column.flatten(), digests)
    elif pa.types.is_string(kind):
        filled = pc.fill_null(column, "")
        digest.update(pc.binary_length(filled).to_numpy(zero_copy_only=False).astype(np.int64).tobytes())
        digest.update(_string_bytes(filled))
    else:
        digest.update(pc.fill_null(column, False if pa.types.is_boolean(kind) else 0).to_numpy(zero_copy_only=False).tobytes())


def _string_bytes(column: Any) -> memoryview:
    import numpy as np

    _, offsets, data = column.buffers()
    if data is None or len(column) == 0:
        return memoryview(b"")
    ends = np.frombuffer(offsets, dtype=np.int32)
    return memoryview(data)[int(ends[column.offset]) : int(ends[column.offset + len(column)])]
