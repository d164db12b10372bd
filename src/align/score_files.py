"""Scores that someone else gave: a CSV file with a heading, one example a row."""

import csv
import math
from pathlib import Path

from align.errors import InputError


def read_scores(path: Path, id_column: str = "id", score_column: str = "score") -> dict[str, float]:
    """The score of each id; a row without a number, and an id that comes twice, are errors."""
    found: dict[str, float] = {}
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.DictReader(file, strict=True)
            missing = [name for name in (id_column, score_column) if name not in (rows.fieldnames or ())]
            if missing:
                heading = ", ".join(rows.fieldnames or ()) or "nothing"
                raise InputError(f"{path}: no column {' and '.join(map(repr, missing))}; the heading has: {heading}.")
            for row in rows:
                _add(found, row[id_column], row[score_column], f"{path}:{rows.line_num}", score_column)
    except (csv.Error, UnicodeDecodeError) as error:
        raise InputError(f"{path}: line {len(found) + 2:,} or after: not readable as CSV: {error}") from error
    return found


def _add(found: dict[str, float], name: str, text: str | None, place: str, column: str) -> None:
    try:
        score = float(text or "")
    except ValueError:
        score = math.nan
    if not math.isfinite(score):
        raise InputError(f"{place}: {column} must be a number (got {text!r:.80})")
    if name in found:
        raise InputError(f"{place}: {name!r} has a score already; give each example one")
    found[name] = score
