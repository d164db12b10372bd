"""Records as Parquet, and files that are either whole or absent."""

import hashlib
import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import fields, is_dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, get_args, get_origin, get_type_hints

from align.errors import StoreError
from align.records import adapter, table_name

if TYPE_CHECKING:
    import pyarrow as pa

R = TypeVar("R")

ROWS_PER_GROUP = 4096


class RecordWriter:
    """Append records of one type to one Parquet part; the part appears under its name only when closed without error.

    Memory holds at most `ROWS_PER_GROUP` records. `count` is how many were written.
    """

    def __init__(self, folder: Path, record: type[Any], part: int | str = 0) -> None:
        name = f"part-{part:05d}.parquet" if isinstance(part, int) else f"part-{part}.parquet"
        self.path = folder / table_name(record) / name
        self.count = 0
        self._record = record
        self._rows: list[Any] = []
        self._writer: Any = None

    def __enter__(self) -> "RecordWriter":
        return self

    def write(self, record: Any) -> None:
        self._rows.append(record)
        self.count += 1
        if len(self._rows) >= ROWS_PER_GROUP:
            self._flush()

    def __exit__(self, failed: type[BaseException] | None, *_: object) -> None:
        if failed is None:
            self._flush()
        if self._writer is not None:
            with _disk_errors(self.path):
                self._writer.close()
        if failed is None:
            with _disk_errors(self.path):
                _commit(self._temporary, self.path)
        else:
            self._temporary.unlink(missing_ok=True)

    @property
    def _temporary(self) -> Path:
        return self.path.with_name(self.path.name + ".tmp")

    def _flush(self) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        schema = arrow_schema(self._record)
        with _disk_errors(self.path):
            if self._writer is None:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                self._writer = pq.ParquetWriter(self._temporary, schema, compression="zstd")
            if self._rows:
                rows = [_to_row(record) for record in self._rows]
                self._writer.write_table(pa.Table.from_pylist(rows, schema=schema))
        self._rows.clear()


def write_records(folder: Path, record: type[R], records: Iterable[R], part: int | str = 0) -> int:
    """Write `records` as one part of the table of their type below `folder`; return how many."""
    with RecordWriter(folder, record, part) as writer:
        for item in records:
            writer.write(item)
    return writer.count


def read_records(folder: Path, record: type[R]) -> Iterator[R]:
    """The records of one type below `folder`, part by part; none where the table is absent."""
    import pyarrow.parquet as pq

    read = adapter(record).validate_python
    maps = _map_columns(record)
    for part in record_parts(folder, record):
        for batch in pq.ParquetFile(part).iter_batches(batch_size=ROWS_PER_GROUP):
            for row in batch.to_pylist():
                for column in maps:
                    row[column] = {item["name"]: item["value"] for item in row[column]}
                yield read(row)


def record_parts(folder: Path, record: type[Any]) -> list[Path]:
    """The finished Parquet parts of one record type, in order."""
    return sorted((folder / table_name(record)).glob("part-*.parquet"))


def count_records(folder: Path, record: type[Any]) -> int:
    """How many records of one type lie below `folder`, read from the footers alone."""
    import pyarrow.parquet as pq

    return sum(int(pq.read_metadata(part).num_rows) for part in record_parts(folder, record))


@cache
def arrow_schema(record: type[Any]) -> "pa.Schema":
    """The one Arrow schema of a record type, derived from its fields."""
    import pyarrow as pa

    hints = get_type_hints(record)
    return pa.schema([pa.field(item.name, _arrow_type(hints[item.name])) for item in fields(record)])


def _arrow_type(hint: Any) -> "pa.DataType":
    import pyarrow as pa

    plain = {str: pa.string(), float: pa.float64(), int: pa.int64(), bool: pa.bool_()}
    if hint in plain:
        return plain[hint]
    if is_dataclass(hint):
        hints = get_type_hints(hint)
        return pa.struct([pa.field(item.name, _arrow_type(hints[item.name])) for item in fields(hint)])
    arguments = get_args(hint)
    if get_origin(hint) is tuple:
        return pa.list_(_arrow_type(arguments[0]))
    if get_origin(hint) is dict:
        # A list of pairs and not Arrow's map: `datasets` and polars have no map.
        return pa.list_(pa.struct([pa.field("name", pa.string()), pa.field("value", _arrow_type(arguments[1]))]))
    options = [option for option in arguments if option is not type(None)]
    return _arrow_type(type(options[0]) if isinstance(options[0], str) else options[0])


@cache
def _map_columns(record: type[Any]) -> tuple[str, ...]:
    hints = get_type_hints(record)
    return tuple(item.name for item in fields(record) if get_origin(hints[item.name]) is dict)


def _to_row(value: Any) -> Any:
    if is_dataclass(value):
        return {item.name: _to_row(getattr(value, item.name)) for item in fields(value)}
    if isinstance(value, tuple):
        return [_to_row(item) for item in value]
    if isinstance(value, dict):
        return [{"name": name, "value": float(value[name])} for name in sorted(value)]
    return value


def hash_table(folder: Path, record: type[Any]) -> str:
    """Hash of the records themselves, in order: the same for any split into parts, codec or Parquet version.

    Each leaf column feeds its own digest with validity, lengths and values, so nothing is built in Python.
    """
    import pyarrow.parquet as pq

    digests: dict[str, Any] = {}
    for part in record_parts(folder, record):
        for batch in pq.ParquetFile(part).iter_batches():
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
            # field(), unlike flatten(), ignores the slice; flatten() keeps it.
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


def hash_file(path: Path) -> str:
    """sha256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def hash_tree(path: Path) -> str:
    """sha256 of a file, or of a folder's files with their names below it, hidden ones left out."""
    if path.is_file():
        return hash_file(path)
    digest = hashlib.sha256()
    for file in sorted(path.rglob("*")):
        if file.is_file() and not file.name.startswith("."):
            digest.update(f"{file.relative_to(path).as_posix()} {hash_file(file)}\n".encode())
    return digest.hexdigest()


def write_text(path: Path, text: str) -> None:
    """Write a file that is either whole or absent, whatever kills the process."""
    with _disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
        temporary.write_text(text, encoding="utf-8")
        _commit(temporary, path)


def write_json(path: Path, value: Any) -> None:
    """Write `value` as indented JSON, whole or not at all."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def _commit(temporary: Path, path: Path) -> None:
    with temporary.open("rb") as file:
        os.fsync(file.fileno())
    os.replace(temporary, path)


@contextmanager
def _disk_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise disk_error(path, error) from error


def disk_error(path: Path, error: OSError) -> StoreError:
    """An `OSError` of writing, said with the file, the room left and the remedy."""
    import shutil

    folder = next((parent for parent in (path, *path.parents) if parent.exists()), Path("/"))
    free = shutil.disk_usage(folder).free / 2**20
    return StoreError(
        f"{path}: cannot be written: {error.strerror or error} ({free:,.0f} MiB free there). Free some room "
        f"(`align gc` shows what no run names) or name another place with --store, then run the same command: "
        f"finished stages are kept."
    )
