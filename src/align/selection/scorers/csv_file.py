"""Scores from a file that someone else made."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Literal

from align.artifact import Artifact
from align.parts import RawFile
from align.records import Example
from align.score_files import read_scores
from align.selection.scorers.scorer import Scored, Scorer


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
        known = read_scores(self.path, self.id_column, self.score_column)
        for example in examples:
            yield known.get(example.id, "no score in the file")
