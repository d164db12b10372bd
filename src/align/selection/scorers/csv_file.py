"""Scores from a file that someone else made."""

import csv
import math
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Literal

from align.artifact import Artifact
from align.errors import InputError
from align.parts import RawFile
from align.records import Example
from align.selection.scorers.scorer import Scored, Scorer

SHOWN = 5


class CsvFile(Scorer):
    """The score of each example by its id, from a CSV file with a heading."""

    kind: Literal["csv"] = "csv"
    path: RawFile
    """The file."""
    id_column: str = "id"
    """Column with the examples' ids."""
    score_column: str = "score"
    """Column with the scores."""

    def scores(self, examples: Iterable[Example], named: Mapping[str, Artifact], work: Path) -> Iterator[Scored]:
        known = self._read()
        for example in examples:
            yield known.get(example.id, "no score in the file")

    def _read(self) -> dict[str, float]:
        found: dict[str, float] = {}
        try:
            with self.path.open(encoding="utf-8-sig", newline="") as file:
                rows = csv.DictReader(file, strict=True)
                missing = [name for name in (self.id_column, self.score_column) if name not in (rows.fieldnames or ())]
                if missing:
                    heading = ", ".join(rows.fieldnames or ()) or "nothing"
                    raise InputError(f"{self.path}: no column {' and '.join(map(repr, missing))}; the heading has: {heading}.")
                for row in rows:
                    self._add(found, row, rows.line_num)
        except (csv.Error, UnicodeDecodeError) as error:
            raise InputError(f"{self.path}: line {len(found) + 2:,} or after: not readable as CSV: {error}") from error
        return found

    def _add(self, found: dict[str, float], row: dict[str, str], line: int) -> None:
        name, text = row[self.id_column], row[self.score_column]
        try:
            score = float(text)
        except (TypeError, ValueError):
            score = math.nan
        if not math.isfinite(score):
            raise InputError(f"{self.path}:{line}: {self.score_column} must be a number (got {text!r:.80})")
        if name in found:
            raise InputError(f"{self.path}:{line}: {name!r} has a score already; give each example one")
        found[name] = score
