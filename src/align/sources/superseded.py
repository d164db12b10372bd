"""Of one example in several dumps the newest row stays; the others are rejected as superseded."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from align.files import RecordWriter, read_records, record_batches, record_parts
from align.records import Example, Rejection


class _Standing(NamedTuple):
    """How new a row is; the greater one stays."""

    modified: str
    newest_of_dump: str
    """Scores change without activity, so of two rows equally new the one of the newer dump is the truer."""
    number: int
    """Place of its dump in the recipe."""


def write_newest(folders: dict[str, Path], target: Path) -> int:
    """Write each part to `target` without the rows of which another part has a newer one; return how many went.

    `folders` holds the records of each part, by its name, in the order of the recipe. Memory grows with the number of Ids.
    """
    newest: dict[str, _Standing] = {}
    for number, folder in enumerate(folders.values()):
        dates = list(_dates(folder))
        latest = max((modified for _, modified in dates), default="")
        for example_id, modified in dates:
            standing = _Standing(modified, latest, number)
            if example_id not in newest or standing > newest[example_id]:
                newest[example_id] = standing
    return sum(_write_part(name, folder, number, newest, target) for number, (name, folder) in enumerate(folders.items()))


def _write_part(name: str, folder: Path, number: int, newest: dict[str, _Standing], target: Path) -> int:
    superseded = 0
    with RecordWriter(target, Example, name) as kept, RecordWriter(target, Rejection, name) as rejected:
        for rejection in read_records(folder, Rejection):
            rejected.write(rejection)
        for example in read_records(folder, Example):
            winner = newest[example.id]
            if winner.number == number:
                kept.write(example)
                continue
            detail = f"last active {example.origin.modified}; kept is the row last active {winner.modified} of a newer dump"
            rejected.write(Rejection(example.id, "ingest", "superseded", detail))
            superseded += 1
    return superseded


def _dates(folder: Path) -> Iterator[tuple[str, str]]:
    """Id and date of last activity of every example."""
    for part in record_parts(folder, Example):
        for batch in record_batches(part):
            yield from zip(batch.column("id").to_pylist(), batch.column("origin").field("modified").to_pylist(), strict=True)
