"""Sheets on which people grade responses without knowing whose they are, and the reading of what they wrote.

A row's id is made from the prompt and the response alone. So it tells nothing of the checkpoint, a text that several
checkpoints gave is graded once, and a grade given to another text than the one there is now is seen.
"""

import math
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any

from align.evaluation.sheets import Form, asked, read_filled, shuffled, write_sheet
from align.files import write_text
from align.judges.asking import question_key
from align.records import Response

COLUMNS = ("id", "grade", "prompt", "response", "comment")
LOWEST, HIGHEST = 1, 6
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
        path = folder / f"sheet-{number}.csv"
        write_sheet(path, COLUMNS, map(_row, shuffled(by_prompt, Random(f"{seed}/sheet/{number}"))))
        sheets.append(path)
    write_text(folder / "how-to-grade.txt", HOW)
    return sheets


def read_sheet(path: Path, responses: Sequence[Response], sheet: Path) -> dict[str, float]:
    """The grade of every response by its id, from a filled-in `sheet`: CSV, or JSON lines with `id` and `grade`."""
    wanted = {response_id(response) for response in responses}
    found = read_filled(path, sheet, FORM, {key: key for key in wanted}, wanted)
    return {key: filled.value for key, filled in found.items()}


def _row(response: Response) -> tuple[str, ...]:
    return response_id(response), "", asked(response.turns[:-1]), response.text, ""


def _grade(said: Any) -> float | None:
    """A number from 1 to 6, halves and decimal commas too."""
    try:
        value = float(str(said).strip().replace(",", "."))
    except ValueError:
        return None
    return value if math.isfinite(value) and LOWEST <= value <= HIGHEST else None


FORM = Form(
    field="grades",
    column="grade",
    items="responses",
    is_not=f"is no number from {LOWEST} to {HIGHEST}",
    wanted=f"one from {LOWEST} to {HIGHEST}",
    read=_grade,
)
