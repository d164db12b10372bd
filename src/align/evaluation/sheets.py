"""Tables that people fill in with a spreadsheet: written so that none changes them, read back whatever program saved them."""

import csv
import io
import json
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any, Generic, TypeVar

from align.errors import InputError
from align.files import write_text
from align.judges.reply import request_of
from align.records import Turn

T = TypeVar("T")

SHOWN = 5


@dataclass(frozen=True, slots=True)
class Form(Generic[T]):
    """What a sheet asks for."""

    field: str
    """The recipe's name for the files, for messages: `grades`."""
    column: str
    """Where people write: `grade`."""
    items: str
    """What a row shows: `responses`."""
    is_not: str
    """What is wrong with something else: `is no number from 1 to 6`."""
    wanted: str
    """What to write: `one from 1 to 6`."""
    read: Callable[[Any], T | None]
    """What someone wrote, understood; None where it cannot be."""

    def problem(self, path: Path, said: str) -> InputError:
        return InputError(f"{self.field}: {path}: {said}")


@dataclass(frozen=True, slots=True)
class Filled(Generic[T]):
    """What one person wrote of one item."""

    value: T
    comment: str = ""


def write_sheet(path: Path, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """One CSV file; what texts begin with cannot make a formula of them."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(map(_as_cell, columns))
    table.writerows([_as_cell(value) for value in row] for row in rows)
    write_text(path, "\ufeff" + text.getvalue())  # by this mark spreadsheets know UTF-8


def shuffled(groups: Mapping[str, Mapping[str, T]], draw: Random) -> Iterator[T]:
    """Prompts in random order, what belongs to one together: it is read once."""
    for prompt in draw.sample(sorted(groups), len(groups)):
        several = groups[prompt]
        for key in draw.sample(sorted(several), len(several)):
            yield several[key]


def asked(prompt: tuple[Turn, ...]) -> str:
    """What was asked, as a cell shows it: speakers are named where there are several turns."""
    return prompt[0].text if len(prompt) == 1 else request_of(prompt)


def still_waiting(form: Form[Any], written: Sequence[Path], wanted: Sequence[Path], count: int, how: str) -> None:
    """Stop, and say what to do, while a file that people are to fill in is not there."""
    waiting = [(sheet, path) for sheet, path in zip(written, wanted, strict=True) if not path.exists()]
    if waiting:
        copies = "; ".join(f"copy {sheet} to {path}" for sheet, path in waiting)
        raise InputError(f"{form.field}: {count} {form.items} wait for people. {copies}, {how}")


def waits_for(files: Sequence[Path]) -> tuple[str, ...]:
    """For `align plan`: where a run will stop."""
    return tuple(
        f"stops for people: {path} is not there yet; the run writes the sheet to fill in" for path in files if not path.exists()
    )


def named_files(given: Path | tuple[Path, ...] | None) -> tuple[Path, ...]:
    """The files that people fill in, one a person."""
    return given if isinstance(given, tuple) else () if given is None else (given,)


def read_filled(
    path: Path, sheet: Path, form: Form[T], rows: Mapping[str, str], wanted: Collection[str], may_lack: bool = False
) -> dict[str, Filled[T]]:
    """What someone wrote into a copy of `sheet`, by id: CSV, or JSON lines with `id` and the form's column.

    `rows` says which item each id stands for; all `wanted` ones are asked for, unless a file `may_lack` some.
    """
    found: dict[str, Filled[T]] = {}
    of_item: dict[str, str] = {}
    problems: list[str] = []
    read = list(rows_in(path, form))
    if (read or may_lack) and not any(_written(row, form) for row in read):
        raise form.problem(path, f"none of its {len(read)} rows has a {form.column} yet; write {form.wanted} into each.")
    for number, row in enumerate(read, 1):
        if not any(str(cell or "").strip() for value in row.values() for cell in (value if isinstance(value, list) else [value])):
            continue  # some spreadsheets write a last row of commas
        key, said = str(row.get("id") or "").strip(), row.get(form.column)
        value = form.read(said)
        if key not in rows:
            problems.append(f"row {number}: id {key!r} is none of these {form.items}")
        elif may_lack and not _written(row, form):
            continue
        elif value is None:
            problems.append(f"row {number}: {form.column} {said!r} {form.is_not}")
        elif of_item.setdefault(rows[key], key) != key:
            problems.append(
                f"row {number}: id {key!r} shows the same texts as id {of_item[rows[key]]!r}: a row of another's sheet"
            )
        elif found.setdefault(key, Filled(value, str(row.get("comment") or "").strip())).value != value:
            first = found[key].value
            problems.append(f"row {number}: id {key!r} has two {form.column}s, {_plain(first)} and {_plain(value)}")
    missing = len(set(wanted) - of_item.keys())
    if missing and not problems and not may_lack:
        problems.append(f"{missing} of {len(set(wanted))} {form.items} have no row")
    if problems:
        more = f" and {len(problems) - SHOWN} more" if len(problems) > SHOWN else ""
        raise form.problem(path, f"{'; '.join(problems[:SHOWN])}{more}. The sheet to fill in is {sheet}")
    return found


def _written(row: dict[str, Any], form: Form[Any]) -> bool:
    said = row.get(form.column)
    return said is not None and bool(str(said).strip())


def _plain(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


_LIKE_A_FORMULA = re.compile(r"([;\t\r\n])(?=\s*(?:[=+@]|-[^\s-]))")


def _as_cell(text: str) -> str:
    """A spreadsheet runs what begins like a formula; an apostrophe before it keeps it a text.

    Where semicolons or tabs part cells, quotation marks in the middle of a line hold nothing together: so one behind those, too.
    """
    text = _LIKE_A_FORMULA.sub(r"\1'", text)
    return f"'{text}" if text.lstrip()[:1] in ("=", "+", "-", "@") else text


def rows_in(path: Path, form: Form[Any]) -> Iterator[dict[str, Any]]:
    """The rows of a filled sheet as they stand there."""
    data = path.read_bytes()
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("cp1252", errors="replace")  # what is asked for is plain letters whatever wrote the rest
    if path.suffix in (".jsonl", ".json"):
        yield from _json_rows(path, text, form)
        return
    first = text.partition("\n")[0]
    comma = max(",;\t", key=first.count)  # spreadsheets of many countries write semicolons
    table = csv.DictReader(io.StringIO(text), delimiter=comma)
    lacking = {"id", form.column} - set(table.fieldnames or ())
    if lacking:
        names = " and ".join(sorted(lacking))
        said = f"has no column {names} (its first line: {first[:80]!r}). Fill in the sheet as it was written, and save it as CSV."
        raise form.problem(path, said)
    try:
        yield from table
    except csv.Error as error:
        raise form.problem(path, f"line {table.line_num} does not read as CSV: {error}") from error


def _json_rows(path: Path, text: str, form: Form[Any]) -> Iterator[dict[str, Any]]:
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError as error:
            raise form.problem(path, f"line {number} is no JSON: {error}") from error
        if not isinstance(row, dict):
            raise form.problem(path, f'line {number} is no object {{"id": ..., "{form.column}": ...}}')
        yield row
