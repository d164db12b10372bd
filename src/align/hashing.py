"""The hash of a table of records: of what they say, not of how the file holds them."""

import hashlib
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

from align.ahead import read_ahead
from align.files import count_records, record_batches, record_parts
from align.progress import Bar


def hash_table(folder: Path, record: type[Any]) -> str:
    """Hash of the records themselves, in order: the same for any split into parts, codec or Parquet version."""
    parts = record_parts(folder, record)
    begun = _ahead.pop((folder.absolute(), record), None)
    table = begun if begun is not None and begun.begins(parts) else _Hash()
    left = parts[len(table.parts) :]
    with Bar("hashing records", partial(count_records, folder, record), table.rows, unit="records") as bar:
        for batch in read_ahead(batch for part in left for batch in record_batches(part)):
            table.add(batch)
            bar.move(table.rows)
    return table.hexdigest()


class HashAhead:
    """Hashes the first parts of a table while others are still written; `hash_table` goes on from there.

    It holds for parts that are the same at the end; else all is hashed anew.
    """

    def __init__(self, folder: Path, record: type[Any]) -> None:
        self._folder, self._record = folder.absolute(), record
        self._table = _Hash()
        self._before = ""
        self._thread = ThreadPoolExecutor(1)

    def __enter__(self) -> "HashAhead":
        return self

    def hash_before(self, name: str) -> None:
        """Say that no more parts come that stand before this name."""
        if name > self._before:
            self._before = name
            self._thread.submit(self._hash_before, name)

    def __exit__(self, failed: type[BaseException] | None, *_: object) -> None:
        self._thread.shutdown(cancel_futures=True)
        if failed is None and self._table.parts:
            _ahead[self._folder, self._record] = self._table

    def _hash_before(self, name: str) -> None:
        for part in record_parts(self._folder, self._record)[len(self._table.parts) :]:
            if part.name >= name:
                return
            try:
                self._table.parts.append(_stamp(part))
                for batch in record_batches(part):
                    self._table.add(batch)
            except Exception:  # half of a part is fed: all is hashed anew at the end, which says what is wrong if it still is
                self._table.parts.append(())


class _Hash:
    """The hash of a table as far as it was read.

    Validity, lengths and values of each leaf column feed a digest each: one digest for all three would see where a batch ends.
    """

    def __init__(self) -> None:
        self.rows = 0
        self.parts: list[tuple[Any, ...]] = []
        """What tells that a part was read ahead and is still the same."""
        self._digests: dict[str, Any] = {}

    def begins(self, parts: list[Path]) -> bool:
        """Whether the first of the parts are those that were read ahead."""
        return self.parts == [_stamp(part) for part in parts[: len(self.parts)]]

    def add(self, batch: Any) -> None:
        self.rows += batch.num_rows
        for name, column in zip(batch.schema.names, batch.columns, strict=True):
            _hash_column(name, column, self._digests)

    def hexdigest(self) -> str:
        joined = "\n".join(f"{name} {self._digests[name].hexdigest()}" for name in sorted(self._digests))
        return hashlib.sha256(joined.encode()).hexdigest()


_ahead: dict[tuple[Path, type[Any]], _Hash] = {}


def _stamp(part: Path) -> tuple[Any, ...]:
    state = part.stat()
    return part.name, state.st_ino, state.st_size, state.st_mtime_ns


def _hash_column(name: str, column: Any, digests: dict[str, Any]) -> None:
    """Feed one column of a batch, nothing of it built in Python; a slice feeds what it shows."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    def feed(what: str, data: bytes | memoryview) -> None:
        digests.setdefault(f"{name} {what}", hashlib.sha256()).update(data)

    valid = _numbers(column.is_valid()) if column.null_count else np.ones(len(column), bool)
    feed("valid", valid.astype(np.uint8).tobytes())
    kind = column.type
    if pa.types.is_struct(kind):
        # flatten() keeps the slice and the struct's own nulls; field() loses both.
        for item, inner in zip(kind, column.flatten(), strict=True):
            _hash_column(f"{name}.{item.name}", inner, digests)
    elif pa.types.is_list(kind):
        feed("lengths", _numbers(_filled(pc.list_value_length(column), 0)).astype(np.int64).tobytes())
        _hash_column(f"{name}[]", column.flatten(), digests)
    elif pa.types.is_string(kind):
        filled = _filled(column, "")
        feed("lengths", _numbers(pc.binary_length(filled)).astype(np.int64).tobytes())
        feed("values", _string_bytes(filled))
    else:
        zero = False if pa.types.is_boolean(kind) else 0
        feed("values", _numbers(_filled(column, zero)).tobytes())


def _numbers(column: Any) -> Any:
    """A column without absent values as numpy has it; `to_numpy` would import pandas, which takes a fifth of a second."""
    import numpy as np
    import pyarrow as pa

    data = column.buffers()[1]
    if data is None or len(column) == 0:
        return np.zeros(0, np.int64)
    if pa.types.is_boolean(column.type):
        bits = np.unpackbits(np.frombuffer(data, np.uint8), bitorder="little")
        return bits[column.offset : column.offset + len(column)].astype(bool)
    sign = "f" if pa.types.is_floating(column.type) else "i"
    return np.frombuffer(data, f"{sign}{column.type.bit_width // 8}", len(column), column.offset * column.type.bit_width // 8)


def _filled(column: Any, value: Any) -> Any:
    """The column with `value` where nothing stands; made only where it must be, as a scalar of Arrow imports pandas, too."""
    import pyarrow.compute as pc

    return pc.fill_null(column, value) if column.null_count else column


def _string_bytes(column: Any) -> memoryview:
    import numpy as np

    _, offsets, data = column.buffers()
    if data is None or len(column) == 0:
        return memoryview(b"")
    ends = np.frombuffer(offsets, dtype=np.int32)
    return memoryview(data)[int(ends[column.offset]) : int(ends[column.offset + len(column)])]
