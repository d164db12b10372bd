"""Rows of files: .json (a list), .jsonl or .ndjson, .csv; any one packed as .gz, .xz, .bz2 or .zst; or folders of them."""

import csv
import io
import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from align.errors import InputError
from align.files import visible_files
from align.raw_lines import COMPRESSIONS, LONGEST_LINE_BYTES, opened, read_lines

KINDS = (".json", ".jsonl", ".ndjson", ".csv")


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


Unread = Callable[[str, InputError], None]
"""Is told the place of a row that cannot be read alone, while those beside it can, and why."""


def read_rows(paths: Sequence[Path], unread: Unread | None = None) -> Iterator[Row]:
    """Every row of every file, in order; a file that is cut off, empty or no such format is named.

    A line that is no JSON and a row that is no object raise as well, or are told to `unread` and left out.
    """
    for path in paths:
        files = visible_files(path) if path.is_dir() else [path]
        wanted = [file for file in files if kind_of(file) in KINDS]
        if not wanted:
            raise InputError(
                f"{path}: holds no rows: wanted {', '.join(KINDS)} (or one as {', '.join(COMPRESSIONS)}), "
                f"or a folder with such files"
            )
        for file in wanted:
            yield from _read_file(file, unread or _raise)


def kind_of(path: Path) -> str:
    """The last part of a file's name that says what is in it: `.jsonl` of `a.jsonl.zst`."""
    name = path.name.lower()
    return Path(name.removesuffix(path.suffix.lower()) if path.suffix.lower() in COMPRESSIONS else name).suffix


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


_decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder()


def parse_json(data: bytes, place: str, remedy: str = "") -> Any:
    """The value that some JSON stands for; what is no JSON, nested too deep or no text raises `InputError`."""
    try:
        return _decoder.decode(data)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        pass  # NaN, UTF-16, numbers out of range: what json makes of it counts, and what it says
    try:
        value = json.loads(data.decode() if data.startswith(b'{"') else data)  # else it looks for UTF-16, byte by byte
        if b"\\u" in data:  # half of a surrogate pair reads well, and cannot be written again
            json.dumps(value, ensure_ascii=False).encode()
    except RecursionError as error:
        raise InputError(f"{place}: not readable as JSON: nested too deep{remedy}") from error
    except ValueError as error:
        raise InputError(f"{place}: not readable as JSON: {error}{remedy}") from error
    return value


def read_csv(path: Path, columns: Sequence[str] = ()) -> Iterator[Row]:
    """The rows of a CSV file by the names in its first one, or by `columns` where it has no such row; every value is text.

    A quote that never closes is an error.
    """
    csv.field_size_limit(LONGEST_LINE_BYTES)
    with opened(path) as file:
        reader = csv.reader(io.TextIOWrapper(file, "utf-8-sig", newline=""), strict=True)
        number, place = 0, 1
        try:
            header = list(columns) or next(reader, [])
            if len(set(header)) < len(header) or not any(header):
                raise InputError(f"{path}: the first line must name the columns, each once (got {header!r:.80})")
            for number, values in enumerate(filter(None, reader), 1):
                if len(values) != len(header):
                    raise InputError(
                        f"{path}: row {number:,} (line {place + 1:,}) has {len(values)} values for {len(header)} columns: "
                        f"a quote is open or missing there, or the file is cut off. Fetch or write it again."
                    )
                yield Row(path, number, dict(zip(header, values, strict=True)))
                place = reader.line_num
        except csv.Error as error:
            raise InputError(
                f"{path}: row {number + 1:,} (from line {place + 1:,}): {error}: a quote is open or missing there, "
                f"or the file is cut off. Fetch or write it again."
            ) from error
        except UnicodeDecodeError as error:
            raise InputError(f"{path}: after line {reader.line_num:,}: not UTF-8: {error}. Save the file as UTF-8.") from error


def _raise(place: str, problem: InputError) -> None:
    raise problem


def _read_file(path: Path, unread: Unread) -> Iterator[Row]:
    number = 0
    if kind_of(path) == ".csv":
        for row in read_csv(path):
            number = row.number
            yield row
    else:
        for number, (place, data) in enumerate(_values(path), 1):
            if isinstance(data, dict):
                yield Row(path, number, data)
            elif isinstance(data, InputError):
                unread(place, data)
            else:
                place = f"{path}: row {number:,}"
                unread(place, InputError(f"{place} is no JSON object (got {data!r:.80})"))
    if number == 0:
        raise InputError(f"{path}: holds no rows")


def _values(path: Path) -> Iterator[tuple[str, Any]]:
    """The place of each value, and the value; instead of one that cannot be read, why."""
    if kind_of(path) == ".json":
        with opened(path) as file:
            data = parse_json(file.read(), str(path), ". One object a line is .jsonl.")
        if not isinstance(data, list):
            raise InputError(f"{path}: must be a JSON list of objects (got {type(data).__name__})")
        yield from ((str(path), value) for value in data)
        return
    for line in read_lines(path):
        place = f"{path}:{line.number}"
        try:
            value = parse_json(line.data, place)
        except InputError as error:
            value = error
        yield place, value
