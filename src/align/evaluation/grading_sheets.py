"""Sheets on which people grade responses without knowing whose they are, and the reading of what they wrote.

A row's id is made from the prompt and the response alone. So it tells nothing of the checkpoint, a text that several
checkpoints gave is graded once, and a grade given to another text than the one there is now is seen.
"""

import csv
import io
import json
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random
from typing import Any

from align.errors import InputError
from align.files import write_text
from align.judges.asking import question_key
from align.judges.reply import request_of
from align.records import Response

COLUMNS = ("id", "grade", "prompt", "response", "comment")
LOWEST, HIGHEST = 1, 6
SHOWN = 5
HOW = """\
Grade each response from 1 to 6 in the column `grade`: how helpful is it to the person who wrote the prompt?

  1  no help: beside the request, false or not to be understood
  2  hardly a help: touches the subject and leaves the need unmet
  3  some help: partly right, with serious gaps or errors
  4  a help: does what was asked, with small gaps, repetition or needless matter
  5  a great help: complete, right and clear
  6  as helpful as can be: what an expert who takes care would have written

Neither length nor layout counts for itself. The responses to one prompt stand together, in random order; who gave them is
not said. Leave the column `id` as it is; `comment` is yours. Every row needs a grade.
"""


def response_id(response: Response) -> str:
    """What names a response on a sheet; it begins with a letter, since spreadsheets round what looks like a number."""
    return f"r{question_key(response.turns[:-1], response.text)}"


def write_sheets(folder: Path, responses: Sequence[Response], people: int, seed: int) -> list[Path]:
    """One sheet a person, each in an order of its own, and what to do with it."""
    by_prompt: dict[str, dict[str, Response]] = {}
    for response in responses:
        by_prompt.setdefault(response.prompt_id, {})[response_id(response)] = response
    sheets = []
    for number in range(1, people + 1):
        draw = Random(f"{seed}/sheet/{number}")
        path = folder / f"sheet-{number}.csv"
        write_text(path, _as_csv(_shuffled(by_prompt, draw)))
        sheets.append(path)
    write_text(folder / "how-to-grade.txt", HOW)
    return sheets


def read_sheet(path: Path, responses: Sequence[Response], sheet: Path) -> dict[str, float]:
    """The grade of every response by its id, from a filled-in `sheet`: CSV, or JSON lines with `id` and `grade`."""
    wanted = {response_id(response) for response in responses}
    found: dict[str, float] = {}
    problems: list[str] = []
    read = list(_rows(path))
    if read and not any(str(row.get("grade") or "").strip() for row in read):
        raise InputError(
            f"grades: {path}: none of its {len(read)} rows has a grade yet; write one from {LOWEST} to {HIGHEST} into each."
        )
    for number, row in enumerate(read, 1):
        key, said = str(row.get("id") or "").strip(), row.get("grade")
        grade = _grade(said)
        if key not in wanted:
            problems.append(f"row {number}: id {key!r} is none of these responses")
        elif grade is None:
            problems.append(f"row {number}: grade {said!r} is no number from {LOWEST} to {HIGHEST}")
        elif found.setdefault(key, grade) != grade:
            problems.append(f"row {number}: id {key!r} has two grades, {found[key]:g} and {grade:g}")
    missing = len(wanted - found.keys())
    if missing and not problems:
        problems.append(f"{missing} of {len(wanted)} responses have no row")
    if problems:
        more = f" and {len(problems) - SHOWN} more" if len(problems) > SHOWN else ""
        raise InputError(f"grades: {path}: {'; '.join(problems[:SHOWN])}{more}. The sheet to fill in is {sheet}")
    return found


def _shuffled(by_prompt: dict[str, dict[str, Response]], draw: Random) -> Iterator[Response]:
    """Prompts in random order, the responses to one together: it is read once."""
    for prompt in draw.sample(sorted(by_prompt), len(by_prompt)):
        several = by_prompt[prompt]
        for key in draw.sample(sorted(several), len(several)):
            yield several[key]


def _as_csv(responses: Iterator[Response]) -> str:
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(COLUMNS)
    for response in responses:
        turns = response.turns[:-1]
        asked = turns[0].text if len(turns) == 1 else request_of(turns)
        table.writerow([response_id(response), "", _as_cell(asked), _as_cell(response.text), ""])
    return "\ufeff" + text.getvalue()  # by this mark spreadsheets know UTF-8


def _as_cell(text: str) -> str:
    """A spreadsheet runs what begins like a formula; an apostrophe before it keeps it a text."""
    return f"'{text}" if text.lstrip()[:1] in ("=", "+", "-", "@") else text


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    text = path.read_bytes().decode("utf-8-sig", errors="replace")  # ids and grades are plain letters whatever wrote the rest
    if path.suffix in (".jsonl", ".json"):
        yield from _json_rows(path, text)
        return
    first = text.partition("\n")[0]
    comma = max(",;\t", key=first.count)  # spreadsheets of many countries write semicolons
    table = csv.DictReader(io.StringIO(text), delimiter=comma)
    lacking = {"id", "grade"} - set(table.fieldnames or ())
    if lacking:
        raise InputError(
            f"grades: {path}: has no column {' and '.join(sorted(lacking))} (its first line: {first[:80]!r}). Fill in the sheet "
            f"as it was written, and save it as CSV."
        )
    try:
        yield from table
    except csv.Error as error:
        raise InputError(f"grades: {path}: line {table.line_num} does not read as CSV: {error}") from error


def _json_rows(path: Path, text: str) -> Iterator[dict[str, Any]]:
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError as error:
            raise InputError(f"grades: {path}: line {number} is no JSON: {error}") from error
        if not isinstance(row, dict):
            raise InputError(f'grades: {path}: line {number} is no object {{"id": ..., "grade": ...}}')
        yield row


def _grade(said: Any) -> float | None:
    """A number from 1 to 6, halves and decimal commas too."""
    try:
        value = float(str(said).strip().replace(",", "."))
    except ValueError:
        return None
    return value if math.isfinite(value) and LOWEST <= value <= HIGHEST else None
