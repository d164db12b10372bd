"""The records of a stage's inputs in pieces of about equal size, each of which can be read by itself."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from align.artifact import Artifact
from align.files import parquet_file, record_parts, rows_as_records

R = TypeVar("R")


class Slice(NamedTuple):
    """Some row groups of a Parquet part."""

    part: Path
    first: int
    groups: int
    rows: int


@dataclass(frozen=True, slots=True)
class Piece:
    """So many records that stand one after the other."""

    number: int
    slices: tuple[Slice, ...]

    @property
    def rows(self) -> int:
        return sum(item.rows for item in self.slices)

    def read(self, record: type[R]) -> Iterator[R]:
        """Its records, in order."""
        for item in self.slices:
            with parquet_file(item.part) as file:
                for batch in file.iter_batches(row_groups=range(item.first, item.first + item.groups)):
                    yield from rows_as_records(batch, record)

    def told(self) -> list[list[Any]]:
        """What it consists of, as JSON: artifact, part, row groups, rows."""
        return [[item.part.parent.parent.name, item.part.name, *item[1:]] for item in self.slices]


def pieces_of(artifacts: Sequence[Artifact], record: type[Any], rows: int) -> list[Piece]:
    """All records of the artifacts, in order, in pieces of `rows` or a row group more; the last may be smaller."""
    pieces: list[Piece] = []
    gathered: list[Slice] = []
    for item in _slices(artifacts, record, rows):
        gathered.append(item)
        if sum(one.rows for one in gathered) >= rows:
            pieces.append(Piece(len(pieces), tuple(gathered)))
            gathered = []
    return [*pieces, Piece(len(pieces), tuple(gathered))] if gathered else pieces


def _slices(artifacts: Sequence[Artifact], record: type[Any], rows: int) -> Iterator[Slice]:
    """The parts, those of more than `rows` cut between row groups."""
    for part in (part for artifact in artifacts for part in record_parts(artifact.path.absolute(), record)):
        with parquet_file(part) as file:
            sizes = [file.metadata.row_group(number).num_rows for number in range(file.num_row_groups)]
        first, held = 0, 0
        for number, size in enumerate(sizes, 1):
            held += size
            if held >= rows or number == len(sizes):
                yield Slice(part, first, number - first, held)
                first, held = number, 0
