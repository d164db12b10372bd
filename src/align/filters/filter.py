"""The family of filters, and the stage that applies them in order."""

import json
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal, NamedTuple

from pydantic import Field

from align.artifact import SCRATCH, Counts
from align.asides import aside, put
from align.engine import Task, map_shards
from align.errors import EmptyResult
from align.files import RecordWriter, record_parts, write_json
from align.filters.spans import Span
from align.parts import Part
from align.pieces import Piece, pieces_of
from align.progress import track
from align.records import Example, Rejection
from align.stage import Inputs, Stage

PIECE_EXAMPLES = 16_384
SEVERAL_EXAMPLES = 30_000
"""From so many examples beside the largest piece on, several processes are worth their start."""


class Drop(NamedTuple):
    """Why an example goes: a reason that can be counted, and what exactly was found."""

    reason: str
    detail: str = ""
    span: Span | None = None
    """Where it stands, of a rule that looks for something."""


class Outcome(NamedTuple):
    """What a filter makes of an example."""

    example: Example
    """The example, with what the filter changed in it."""
    drop: Drop | None = None
    notes: tuple[str, ...] = ()
    """What else is to be counted, e.g. `not English: not judged`."""


class Filter(Part):
    """Judges one example by itself."""

    in_order: ClassVar[bool] = False
    """Whether it remembers what it saw, so that one process must show it all examples in order."""

    def reason_to_drop(self, example: Example) -> Drop | None:
        """Why to drop `example`, or None to keep it."""
        raise NotImplementedError

    def apply(self, example: Example) -> Outcome:
        """What becomes of `example`; a filter that changes what it keeps, or has something to note, defines this instead."""
        return Outcome(example, self.reason_to_drop(example))

    def measured(self, example: Example) -> str:
        """What the rule measures of `example`, in words (`812 characters`); empty where it measures nothing."""
        return ""


class FilterStage(Stage):
    """Keep the examples that no filter drops; each dropped one is kept as a Rejection with the first filter's reason."""

    kind: Literal["filter"] = "filter"
    filters: tuple[Filter, ...] = Field(min_length=1)
    """Applied in order; the first that objects gives the reason."""

    def run(self, inputs: Inputs, work: Path) -> Counts:
        work = work.absolute()  # other processes, and other machines, write along
        pieces = pieces_of(inputs.data, Example, PIECE_EXAMPLES)
        tasks = [Task(f"piece {piece.number}", piece.rows, _Filtering(self.filters, piece, work)) for piece in pieces]
        remembers = any(part.in_order for part in self.filters)
        # One that remembers has to see again what a killed run had shown to it.
        finished = {} if remembers else {task.name: note for task in tasks if (note := _finished(task.shard)) is not None}
        _forget_others(work, {f"part-{task.shard.piece.number:05d}.parquet" for task in tasks if task.name in finished})
        least = sys.maxsize if remembers else SEVERAL_EXAMPLES
        left_over = [task for task in tasks if task.name not in finished]
        for task, note in map_shards(filter_piece, left_over, "filtering", "examples", least, work):
            finished[task.name] = note
        return self._counts([finished[task.name] for task in tasks], work)

    def _counts(self, notes: list[dict[str, Any]], work: Path) -> Counts:
        dropped: Counter[str] = Counter()
        noted: Counter[str] = Counter()
        read, left = 0, [0] * len(self.filters)
        for note in notes:
            read += note["read"]
            dropped.update(note["dropped"])
            noted.update(note["noted"])
            left = [before + here for before, here in zip(left, note["left"], strict=True)]
        kept = read - dropped.total()
        if kept == 0:
            raise EmptyResult(_empty(self.filters, read, left, work))
        return Counts(read, kept, dict(dropped), noted=dict(noted))


@dataclass(frozen=True, slots=True)
class _Filtering:
    """All that another process needs to filter a piece."""

    filters: tuple[Filter, ...]
    piece: Piece
    work: Path

    @property
    def note(self) -> Path:
        return self.work / SCRATCH / "finished" / f"{self.piece.number}.json"


def filter_piece(filtering: _Filtering) -> dict[str, Any]:
    """Filter one piece; gives what was counted. All is written aside and renamed at the end: done twice, it is there once."""
    filters, piece = filtering.filters, filtering.piece
    dropped: Counter[str] = Counter()
    noted: Counter[str] = Counter()
    left = [0] * len(filters)
    with aside(filtering.work, f"piece-{piece.number}") as folder:
        with RecordWriter(folder, Example, piece.number) as kept, RecordWriter(folder, Rejection, piece.number) as rejected:
            for example in track(
                piece.read(Example), f"filtering {', '.join(part.kind for part in filters)}", piece.rows, "examples"
            ):
                for number, part in enumerate(filters):
                    example, drop, notes = part.apply(example)
                    noted.update(f"{part.kind}: {note}" for note in notes)
                    if drop is not None:
                        rejected.write(Rejection(example.id, part.kind, drop.reason, drop.detail))
                        dropped[f"{part.kind}: {drop.reason}"] += 1
                        break
                    left[number] += 1
                else:
                    kept.write(example)
        put(folder, filtering.work)
    counted = {"read": kept.count + rejected.count, "left": left, "dropped": dropped, "noted": noted}
    note = {"piece": piece.told(), **counted}
    write_json(filtering.note, note)
    return note


def _forget_others(work: Path, parts: set[str]) -> None:
    """Remove what a killed run wrote of an input that was cut into other pieces."""
    for table in (Example, Rejection):
        for part in record_parts(work, table):
            if part.name not in parts:
                part.unlink()


def _finished(filtering: _Filtering) -> dict[str, Any] | None:
    """What was counted when just this piece was filtered; None if it was not, or not to its end."""
    if not filtering.note.is_file():
        return None
    note = dict(json.loads(filtering.note.read_text(encoding="utf-8")))
    return note if note["piece"] == filtering.piece.told() else None


def _empty(filters: tuple[Filter, ...], read: int, left: list[int], work: Path) -> str:
    """`0 examples left after first_person: 218 dropped, 0 kept`: names the filter that took the last ones."""
    if read == 0:
        return "0 examples came in: the stage above gave none"
    number = next(number for number, count in enumerate(left) if count == 0)
    came = left[number - 1] if number else read
    return (
        f"0 examples left after {filters[number].kind}: {came:,} dropped, 0 kept (of {read:,} that entered the stage). "
        f"Loosen that filter; the rejections with their reasons lie in {work / 'rejections'}."
    )
