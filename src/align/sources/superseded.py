"""Of one example in several dumps the newest row stays; the others are rejected as superseded."""

import shutil
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from align.files import RecordWriter, record_batches, record_parts, write_whole
from align.records import Example, Rejection, table_name

if TYPE_CHECKING:
    import pyarrow as pa


class _Standing(NamedTuple):
    """How new a row is; the greater one stays."""

    modified: str
    newest_of_dump: str
    """Scores change without activity, so of two rows equally new the one of the newer dump is the truer."""
    number: int
    """Place of its dump in the recipe."""


def write_newest(folders: list[Path], target: Path) -> int:
    """Write the parts of each folder to `target` without the rows of which another has a newer one; return how many went.

    Each of `folders` holds the records of a dump, in the order of the recipe. Memory grows with the number of Ids, and more with
    those that stand in several dumps.
    """
    rivals = _ids_in_several(folders)
    newest = _newest(folders, rivals) if len(rivals) else {}
    superseded = 0
    for number, folder in enumerate(folders):
        losers = {example_id: winner.modified for example_id, winner in newest.items() if winner.number != number}
        for part in record_parts(folder, Example):
            if losers and any(goes.true_count for _, goes in _rows_with(part, losers, ["id"])):
                superseded += _write_part(part, losers, target)
            else:
                _take_part(part, target)
    return superseded


def _ids_in_several(folders: list[Path]) -> "pa.Array":
    """The Ids of which there is more than one row: in files of different months there is none."""
    import pyarrow as pa
    import pyarrow.compute as pc

    ids = [rows.column("id").cast(pa.large_string()) for folder in folders for rows in _columns(folder, ["id"])]
    counted = pc.value_counts(pa.chunked_array(ids, pa.large_string()))
    return counted.field("values").filter(pc.greater(counted.field("counts"), 1)).cast(pa.string())


def _newest(folders: list[Path], rivals: "pa.Array") -> dict[str, _Standing]:
    """The newest row of every Id that stands in several dumps."""
    import pyarrow.compute as pc

    newest: dict[str, _Standing] = {}
    for number, folder in enumerate(folders):
        latest = ""
        found: list[tuple[str, str]] = []
        for rows in _columns(folder, ["id", "origin.modified"]):
            modified = pc.struct_field(rows.column("origin"), "modified")
            latest = max(latest, pc.max(modified).as_py())
            compared = pc.is_in(rows.column("id"), rivals)
            found += zip(rows.column("id").filter(compared).to_pylist(), modified.filter(compared).to_pylist(), strict=True)
        for example_id, modified in found:
            standing = _Standing(modified, latest, number)
            newest[example_id] = max(standing, newest.get(example_id, standing))
    return newest


def _columns(folder: Path, columns: list[str]) -> "Iterator[pa.RecordBatch]":
    return (rows for part in record_parts(folder, Example) for rows in record_batches(part, columns))


def _rows_with(
    part: Path, losers: Iterable[str], columns: list[str] | None = None
) -> "Iterator[tuple[pa.RecordBatch, pa.BooleanArray]]":
    """The rows of a part, and which of them go."""
    import pyarrow as pa
    import pyarrow.compute as pc

    gone = pa.array(losers, pa.string())
    for rows in record_batches(part, columns):
        yield rows, pc.is_in(rows.column("id"), gone)


def _take_part(part: Path, target: Path) -> None:
    """Put a part that loses no row to its place as it is; a killed ingest finds it where it was."""
    for file in (part, _rejections_beside(part)):
        write_whole(target / file.parent.name / file.name, partial(_copy, file))


def _copy(part: Path, to: Path) -> None:
    try:
        to.hardlink_to(part)
    except OSError:  # not every file system can
        shutil.copyfile(part, to)


def _write_part(part: Path, losers: dict[str, str], target: Path) -> int:
    import pyarrow.compute as pc

    name = part.stem.removeprefix("part-")
    superseded = 0
    with RecordWriter(target, Example, name) as kept, RecordWriter(target, Rejection, name) as rejected:
        for rows in record_batches(_rejections_beside(part)):
            rejected.write_rows(rows)
        for rows, goes in _rows_with(part, losers):
            kept.write_rows(rows.filter(pc.invert(goes)))
            gone = rows.filter(goes)
            modified = pc.struct_field(gone.column("origin"), "modified")
            for example_id, date in zip(gone.column("id").to_pylist(), modified.to_pylist(), strict=True):
                detail = f"last active {date}; kept is the row last active {losers[example_id]} of a newer dump"
                rejected.write(Rejection(example_id, "ingest", "superseded", detail))
            superseded += gone.num_rows
    return superseded


def _rejections_beside(part: Path) -> Path:
    """The part of the same name with what was rejected."""
    return part.parent.parent / table_name(Rejection) / part.name
