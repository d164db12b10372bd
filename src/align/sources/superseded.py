"""Of one example in several dumps the newest row stays; the others are rejected as superseded."""

import shutil
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

from align.files import RecordWriter, read_records, record_batches, record_parts, write_whole
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
    losers: set[int] = set()
    for number, folder in enumerate(folders.values()):
        dates = list(_dates(folder))
        latest = max((modified for _, modified in dates), default="")
        for example_id, modified in dates:
            standing = _Standing(modified, latest, number)
            before = newest.setdefault(example_id, standing)
            if standing is not before:
                newest[example_id] = max(standing, before)
                losers.add(min(standing, before).number)
    superseded = 0
    for number, (name, folder) in enumerate(folders.items()):
        if number in losers:
            superseded += _write_part(name, folder, number, newest, target)
        else:
            _take_part(folder, target)
    return superseded


def _take_part(folder: Path, target: Path) -> None:
    """Put a part that loses no row to its place as it is; a killed ingest finds it where it was."""
    for record in (Example, Rejection):
        for part in record_parts(folder, record):
            write_whole(target / part.relative_to(folder), partial(_copy, part))


def _copy(part: Path, to: Path) -> None:
    try:
        to.hardlink_to(part)
    except OSError:  # not every file system can
        shutil.copyfile(part, to)


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
