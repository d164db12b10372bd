"""Records as Parquet, and files that are either whole or absent."""

import errno
import hashlib
import json
import os
import stat
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import fields, is_dataclass
from itertools import accumulate
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, get_args, get_origin, get_type_hints

from align.errors import AlignError, PartError, StoreError
from align.progress import Bar
from align.records import adapter, table_name

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

R = TypeVar("R")

ROWS_PER_GROUP = 4096
MEGABYTE = 1 << 20


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
        self._batches: list[pa.RecordBatch] = []
        """Rows that wait to be written, before those of `_rows`."""
        self._writer: Any = None

    def __enter__(self) -> "RecordWriter":
        return self

    def write(self, record: Any) -> None:
        if type(record) is not self._record:
            raise PartError(f"{self.path}: holds {self._record.__name__} records, not {type(record).__name__} ({record!r:.80})")
        self._rows.append(record)
        self.count += 1
        if len(self._rows) >= ROWS_PER_GROUP:
            self._flush()

    def write_rows(self, rows: "pa.RecordBatch") -> None:
        """Write rows that have the table's schema already."""
        if self._rows:
            self._batches.append(self._as_rows())
        self._batches.append(rows)
        self.count += rows.num_rows
        if sum(batch.num_rows for batch in self._batches) >= ROWS_PER_GROUP:
            self._flush()

    def __exit__(self, failed: type[BaseException] | None, *_: object) -> None:
        try:
            if failed is None:
                self._flush()  # also without a record: an empty part says that the table is finished
                with _disk_errors(self.path):
                    self._writer.close()
                    commit_file(self._temporary, self.path)
        finally:
            if self._writer is not None and self._writer.is_open:
                with suppress(OSError):  # the first failure is the one to tell
                    self._writer.close()
                self._writer.is_open = False  # else its destructor would try again
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
                # No dictionaries and statistics: ids and texts are all different, and nobody asks. A quarter faster, and smaller.
                options = {"compression": "zstd", "use_dictionary": False, "write_statistics": False}
                self._writer = pq.ParquetWriter(self._temporary, schema, **options)
            if self._rows:
                self._batches.append(self._as_rows())
            if self._batches:
                self._writer.write_table(pa.Table.from_batches(self._batches, schema))
        self._batches.clear()

    def _as_rows(self) -> "pa.RecordBatch":
        """The records at hand as rows of the table."""
        import pyarrow as pa

        schema = arrow_schema(self._record)
        try:
            columns = [_column(list(map(attrgetter(item.name), self._rows)), item.type) for item in schema]
        except (TypeError, ValueError, AttributeError) as error:  # the first two are what Arrow's own errors derive from
            raise self._unwritable(schema) from error
        self._rows.clear()
        return pa.RecordBatch.from_arrays(columns, schema=schema)

    def _unwritable(self, schema: "pa.Schema") -> AlignError:
        """Name the first record that does not fit its type, and the field."""
        for record in self._rows:
            for column in schema:
                try:
                    _column([getattr(record, column.name)], column.type)
                except (TypeError, ValueError, AttributeError) as error:
                    said = "half of a surrogate pair, which is no text" if isinstance(error, UnicodeError) else str(error)
                    named = [getattr(record, name) for name in ("id", "example_id", "prompt_id") if hasattr(record, name)]
                    whose = f"{self._record.__name__} {(named or [record])[0]!r:.80}"
                    return PartError(f"{self.path}: {whose}: {column.name!r} cannot be stored: {said}")
        raise AssertionError("a table failed whose cells do not")


def write_records(folder: Path, record: type[R], records: Iterable[R], part: int | str = 0) -> int:
    """Write `records` as one part of the table of their type below `folder`; return how many."""
    with RecordWriter(folder, record, part) as writer:
        for item in records:
            writer.write(item)
    return writer.count


def read_records(folder: Path, record: type[R]) -> Iterator[R]:
    """The records of one type below `folder`, part by part; none where the table is absent."""
    for part in record_parts(folder, record):
        for batch in record_batches(part):
            yield from rows_as_records(batch, record)


def rows_as_records(rows: "pa.RecordBatch | pa.Table", record: type[R]) -> Iterator[R]:
    """The records that some rows of a Parquet part hold."""
    read = adapter(record).validate_python
    maps = _map_columns(record)
    for row in rows.to_pylist():
        for column in maps:
            row[column] = {item["name"]: item["value"] for item in row[column]}
        try:
            yield read(row)
        except ValueError as error:  # pydantic's: a plugin wrote None where a text belongs
            raise StoreError(f"a stored {record.__name__} does not read as one: {' '.join(str(error).split())}") from error


def record_batches(part: Path, columns: list[str] | None = None) -> "Iterator[pa.RecordBatch]":
    """The rows of a Parquet part, a group at a time; of all columns, or of some (`origin.modified`)."""
    with parquet_file(part) as file:
        yield from (batch for batch in file.iter_batches(batch_size=ROWS_PER_GROUP, columns=columns) if batch.num_rows)


@contextmanager
def parquet_file(part: Path) -> "Iterator[pq.ParquetFile]":
    """Open a Parquet part; a damaged one is named."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(part, pre_buffer=False) as file:  # else all of the part stays in memory until it is closed
            yield file
    except (pa.ArrowException, OSError) as error:
        folder = part.parent.parent
        raise StoreError(
            f"{part}: damaged or unreadable ({error}). Delete the folder {folder} and run again: it is made anew."
        ) from error


def record_parts(folder: Path, record: type[Any]) -> list[Path]:
    """The finished Parquet parts of one record type, in order."""
    return sorted((folder / table_name(record)).glob("part-*.parquet"))


def count_records(folder: Path, record: type[Any]) -> int:
    """How many records of one type lie below `folder`, read from the footers alone."""
    total = 0
    for part in record_parts(folder, record):
        with parquet_file(part) as file:
            total += file.metadata.num_rows
    return total


def arrow_schema(record: type[Any]) -> "pa.Schema":
    """The one Arrow schema of a record type, derived from its fields."""
    import pyarrow as pa

    if record not in _schemas:
        hints = get_type_hints(record)
        _schemas[record] = pa.schema([pa.field(item.name, _arrow_type(hints[item.name])) for item in fields(record)])
    return _schemas[record]


_schemas: dict[type[Any], "pa.Schema"] = {}


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


def _map_columns(record: type[Any]) -> tuple[str, ...]:
    hints = get_type_hints(record)
    return tuple(item.name for item in fields(record) if get_origin(hints[item.name]) is dict)


def _column(values: list[Any], kind: "pa.DataType") -> "pa.Array":
    """One Arrow column, built from its leaves up: five times as fast as from a dictionary a row."""
    import pyarrow as pa

    if pa.types.is_struct(kind):
        children = [_column(list(map(attrgetter(item.name), values)), item.type) for item in kind]
        return pa.StructArray.from_arrays(children, fields=list(kind))
    if not pa.types.is_list(kind):
        return pa.array(values, kind)
    offsets = pa.array([0, *accumulate(map(len, values))], pa.int32())
    if any(isinstance(value, dict) for value in values):
        names = pa.array([name for value in values for name in sorted(value)], pa.string())
        numbers = pa.array([float(value[name]) for value in values for name in sorted(value)], pa.float64())
        return pa.ListArray.from_arrays(offsets, pa.StructArray.from_arrays([names, numbers], fields=list(kind.value_type)))
    return pa.ListArray.from_arrays(offsets, _column([item for value in values for item in value], kind.value_type))


def hash_file(path: Path) -> str:
    """sha256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as file, Bar(f"hashing {path.name}", path.stat().st_size // MEGABYTE, unit="MB") as bar:
        digest = hashlib.sha256()
        block = memoryview(bytearray(MEGABYTE))
        while size := file.readinto(block):
            digest.update(block[:size])
            bar.move(file.tell() // MEGABYTE)
    return digest.hexdigest()


def hash_tree(path: Path) -> str:
    """sha256 of a file, or of a folder's files with their names below it, hidden ones left out."""
    if path.is_file():
        return hash_file(path)
    digest = hashlib.sha256()
    for file in visible_files(path):
        digest.update(f"{file.relative_to(path).as_posix()} {hash_file(file)}\n".encode())
    return digest.hexdigest()


def visible_files(folder: Path) -> list[Path]:
    """The files below `folder`, sorted; nothing hidden, nor what lies in a hidden folder such as `.git`."""
    below = (file for file in folder.rglob("*") if file.is_file())
    return sorted(file for file in below if not any(name.startswith(".") for name in file.relative_to(folder).parts))


def write_text(path: Path, text: str) -> None:
    """Write a file that is either whole or absent, whatever kills the process."""
    write_whole(path, lambda temporary: temporary.write_text(text, encoding="utf-8"))


def write_whole(path: Path, write: Callable[[Path], object]) -> None:
    """Let `write` fill a temporary file, and give it its name only then."""
    with _disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f"{path.name}.{os.getpid()}-{threading.get_native_id()}.tmp")
        try:
            write(temporary)
            commit_file(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)


def write_json(path: Path, value: Any) -> None:
    """Write `value` as indented JSON, whole or not at all."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def commit_file(temporary: Path, path: Path) -> None:
    """Give a file that is written its name, once its bytes are on the disk."""
    with temporary.open("rb") as file:
        os.fsync(file.fileno())
    os.replace(temporary, path)


def open_as_folder(file: Path) -> None:
    """Let those read `file` who may read the folder it lies in."""
    readers = stat.S_IMODE(file.parent.stat().st_mode) & 0o444
    mode = stat.S_IMODE(file.stat().st_mode)
    if mode | readers != mode:
        file.chmod(mode | readers)


def sync_tree(folder: Path) -> None:
    """Have all files and folders below on the disk for good, whatever happens to the machine."""
    for path in (folder, *folder.rglob("*")):
        sync_folder(path)


def sync_folder(path: Path) -> None:
    """Have a folder's names, or a file's bytes, on the disk for good."""
    opened = os.open(path, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


@contextmanager
def _disk_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise disk_error(path, error) from error


_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def disk_error(path: Path, error: Exception) -> StoreError:
    """A failure to write, said with the file, the room left and the remedy."""
    said = getattr(error, "strerror", None) or str(error)
    remedy = "Make it writable"
    if is_full(path, error):
        remedy = f"{free_megabytes(path):,.0f} MB are free there. Free some room (`align gc --checkpoints` shows what could go)"
    return StoreError(
        f"{path}: cannot be written: {said}. {remedy}, or name another place with --store; then run the same command: "
        f"finished stages are kept."
    )


def is_full(path: Path, error: BaseException) -> bool:
    """Whether `error` says that there is no room, in a library's own words too."""
    if isinstance(error, OSError) and error.errno is not None:
        return error.errno in _FULL
    # safetensors, torch and others wrap the system's error in one of their own.
    if "No space left" in str(error) or "File too large" in str(error):
        return True
    return free_megabytes(path) < 1 and not isinstance(error, AlignError)


def free_megabytes(path: Path) -> float:
    """Free room on the disk that `path` lies on or would lie on, in MB."""
    import shutil

    folder = next((parent for parent in (path, *path.absolute().parents) if parent.exists()), Path("/"))
    return shutil.disk_usage(folder).free / 1e6
