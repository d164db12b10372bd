"""Rows of JSON files: .json (a list), .jsonl, either one as .gz or .xz, or folders of them."""

import gzip
import json
import lzma
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any, NamedTuple, cast

from align.errors import InputError
from align.files import visible_files

FORMATS = (".json", ".jsonl", ".json.gz", ".jsonl.gz", ".json.xz", ".jsonl.xz")


class Row(NamedTuple):
    """One row of a file."""

    path: Path
    number: int
    """Counted from 1."""
    data: dict[str, Any]

    @property
    def place(self) -> str:
        """For errors: file and row."""
        return f"{self.path}: row {self.number:,}"


def read_rows(paths: Sequence[Path]) -> Iterator[Row]:
    """Every row of every file, in order; a file that is cut off, empty or no such format is named."""
    for path in paths:
        files = visible_files(path) if path.is_dir() else [path]
        wanted = [file for file in files if file.name.endswith(FORMATS)]
        if not wanted:
            raise InputError(f"{path}: holds no rows: wanted {', '.join(FORMATS)}, or a folder with such files")
        for file in wanted:
            yield from _read_file(file)


def check_columns(row: Row, wanted: Sequence[str]) -> None:
    """Raise, naming what is missing, where a row lacks a column."""
    missing = [name for name in wanted if name not in row.data]
    if missing:
        found = ", ".join(map(repr, row.data)) or "none"
        raise InputError(f"{row.place}: missing columns: {', '.join(map(repr, missing))}; the row has: {found}.")


def column(row: Row, name: str, kind: type, says: str) -> Any:
    """A value that must be of one type; `says` tells in words what it must be."""
    value = row.data[name]
    if type(value) is not kind:
        raise InputError(f"{row.place}: {name} must be {says} (got {value!r:.80})")
    return value


def _read_file(path: Path) -> Iterator[Row]:
    number = 0
    try:
        with _open(path) as file:
            for number, data in enumerate(_values(path, file), 1):
                if not isinstance(data, dict):
                    raise InputError(f"{path}: row {number:,} is no JSON object (got {data!r:.80})")
                yield Row(path, number, data)
    except (EOFError, zlib.error, lzma.LZMAError, gzip.BadGzipFile) as error:
        raise InputError(f"{path}: cut off or damaged after row {number:,} ({error}). Download it again.") from error
    if number == 0:
        raise InputError(f"{path}: holds no rows")


def _open(path: Path) -> IO[bytes]:
    if path.suffix == ".gz":
        return cast(IO[bytes], gzip.open(path, "rb"))
    if path.suffix == ".xz":
        return lzma.open(path, "rb")
    return path.open("rb")


def _values(path: Path, file: IO[bytes]) -> Iterator[Any]:
    if ".json" in path.suffixes:
        try:
            data = json.load(file)
        except ValueError as error:
            raise InputError(f"{path}: not readable as JSON: {error}. One object a line is .jsonl.") from error
        if not isinstance(data, list):
            raise InputError(f"{path}: must be a JSON list of objects (got {type(data).__name__})")
        yield from data
        return
    for number, line in enumerate(file, 1):
        if line.strip():
            try:
                yield json.loads(line)
            except ValueError as error:
                raise InputError(f"{path}:{number}: not readable as JSON: {error}") from error
