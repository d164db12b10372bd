"""The family of sources, and the stage that reads one into examples."""

import json
import logging
import os
import shutil
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from align.artifact import SCRATCH, Counts, in_words
from align.asides import aside, put
from align.engine import Task, map_shards
from align.errors import EmptyResult, PartError, StoreError
from align.files import RecordWriter, sync_tree, visible_files, write_json
from align.garbage import settled
from align.hashing import HashAhead
from align.parts import Part
from align.progress import Bar
from align.records import Example, Rejection
from align.sources.superseded import write_newest
from align.stage import Inputs, Stage

if TYPE_CHECKING:
    import pyarrow as pa

log = logging.getLogger(__name__)

KEPT = "kept"
SEVERAL_KILOBYTES = 16_000
"""From so much text beside the largest shard on, several processes are worth their start: a second or two of reading."""
_UNPACKED = {".7z": 5, ".zst": 8, ".gz": 4, ".xz": 6, ".bz2": 5}
"""How many times larger text is than its archive, about."""


@dataclass(frozen=True, slots=True)
class Shard:
    """A piece of a source that can be read by itself, e.g. one exchange's dump."""

    name: str
    """Unique within the source; names the part file."""
    path: Path
    group: str = ""
    """Shards of one group may hold the same example ids; the newer row wins."""
    scratch: Path | None = None
    """A folder for what only reading needs, e.g. an unpacked archive; set by the stage, removed when the shard is read."""
    kept: Path | None = None
    """A folder that outlives a kill, for what a shard need not do twice; set by the stage, removed when that is finished."""
    piece: range | None = None
    """Of a shard that was cut, which of its items to read; `kept` holds what was made ready for that."""


class Source(Part):
    """Reads raw files into examples."""

    adapted: ClassVar[str] = ""
    """What it changes in every text, for the attribution."""
    terms: ClassVar[str] = ""
    """What its publisher says of its use, for the card of a set; in Markdown."""

    def shards(self) -> list[Shard]:
        """The pieces to read, in order; also checks that they can be read at all."""
        raise NotImplementedError

    def read(self, shard: Shard, skipped: Counter[str]) -> "Iterator[Example | Rejection | pa.RecordBatch]":
        """The examples of one shard, singly or as rows of their table. Raw rows that form none are counted in `skipped`."""
        raise NotImplementedError

    def is_cut(self, shard: Shard) -> bool:
        """Whether a shard is so large that `cut` divides it. Nothing but what is to be read may decide it."""
        return False

    def cut(self, shard: Shard, skipped: Counter[str]) -> list[range]:
        """Make ready in `shard.scratch` what the pieces of a shard need, and give the pieces, in order: at least one.

        The folder is moved before a piece is read, by any process, and is `kept` then. Where they are cut enters no output.
        """
        raise NotImplementedError

    def work_bytes(self, shard: Shard) -> int:
        """How much there is to read, about; an archive is counted as what comes out of it."""
        return text_bytes(shard.path)


class Ingest(Stage):
    """Read a source: one Parquet part a shard, so that a killed ingest goes on with the shards that are missing.

    Large shards are read by several processes at once, or on a Ray cluster (docs/scale.md).
    """

    kind: Literal["ingest"] = "ingest"
    source: Source
    """What to read: {kind: stack_exchange, dumps: [...]} for example; `align kinds source` lists them."""

    reads: ClassVar[Literal["none", "previous", "all"]] = "none"

    def run(self, inputs: Inputs, work: Path) -> Counts:
        work = work.absolute()  # other processes, and other machines, read along
        shards = self.source.shards()
        groups = _groups(shards, self.source.kind)
        tasks = [task for shard in shards for task in _tasks(_Reading(self.source, shard, _folder(shard, groups, work), work))]
        self._read(tasks, work)
        superseded = 0
        for group in groups.values():
            if len(group) > 1:
                superseded += write_newest([_folder(shard, groups, work) for shard in group], work)
        return self._counts([note for shard in shards for note in _notes(shard, work)], superseded)

    def _read(self, tasks: list[Task["_Reading"]], work: Path) -> None:
        """Read what is left to read, and hash what is finished meanwhile."""
        pieces_left = Counter(task.shard.shard.kept for task in tasks)
        unread = {task.name for task in tasks}

        def further(task: Task[_Reading], note: dict[str, Any]) -> list[Task[_Reading]]:
            pieces = _tasks(task.shard) if "pieces" in note else []
            pieces_left.update(piece.shard.shard.kept for piece in pieces)
            unread.update(piece.name for piece in pieces)
            return pieces

        title = f"reading {self.source.kind}"
        with HashAhead(work, Example) as ahead:
            for task, note in map_shards(read_shard, tasks, title, "kB", SEVERAL_KILOBYTES, work, further):
                came = f"{note['kept']:,} examples" if "pieces" not in note else f"in {len(note['pieces']):,} pieces"
                log.info("%s  %s  %s", self.source.kind, task.name, came)
                kept = task.shard.shard.kept
                pieces_left[kept] -= 1
                if kept is not None and not pieces_left[kept]:
                    shutil.rmtree(kept, ignore_errors=True)
                unread.remove(task.name)
                ahead.hash_before(min((f"part-{name}." for name in unread), default=""))

    def _counts(self, notes: list[dict[str, Any]], superseded: int) -> Counts:
        dropped: Counter[str] = Counter()
        skipped: Counter[str] = Counter()
        kept = -superseded
        for note in notes:
            kept += note["kept"]
            dropped += Counter(note["dropped"])
            skipped += Counter(note["skipped"])
        if superseded:
            dropped["ingest: superseded"] = superseded
        if kept == 0:
            reasons = dropped + skipped
            why = in_words(reasons) if reasons else "the files hold no rows"
            raise EmptyResult(f"0 examples from {self.source.kind}: {why}. Look whether the source names the right files.")
        read = kept + dropped.total() + skipped.total()
        return Counts(read, kept, dict(sorted(dropped.items())), dict(sorted(skipped.items())))


def text_bytes(path: Path) -> int:
    """About how much text a file holds, or the files of a folder do."""
    files = visible_files(path) if path.is_dir() else [path]
    return sum(file.stat().st_size * _UNPACKED.get(file.suffix.lower(), 1) for file in files if file.is_file())


@dataclass(frozen=True, slots=True)
class _Reading:
    """All that another process needs to read a shard."""

    source: Source
    shard: Shard
    folder: Path
    """Where the part goes."""
    work: Path


def read_shard(reading: _Reading) -> dict[str, Any]:
    """Read one shard, a piece of one, or cut it; gives what was counted.

    All is written aside and renamed at the end: read twice, it is there once.
    """
    source, shard = reading.source, reading.shard
    if shard.piece is None and source.is_cut(shard):
        return _cut_shard(reading)
    skipped: Counter[str] = Counter()
    rejected: Counter[str] = Counter()
    kept = shard.kept or _kept(shard, reading.work)
    with aside(reading.work, shard.name) as folder, settled():
        with (
            RecordWriter(folder, Example, shard.name) as examples,
            RecordWriter(folder, Rejection, shard.name) as rejections,
            Bar(f"reading {shard.name}", None, unit="examples") as bar,
        ):
            for record in source.read(replace(shard, scratch=folder / SCRATCH, kept=kept), skipped):
                bar.move(examples.count)
                if isinstance(record, Rejection):
                    rejections.write(record)
                    rejected[f"{record.by}: {record.reason}"] += 1
                elif isinstance(record, Example):
                    examples.write(record)
                else:
                    examples.write_rows(record)
        put(folder, reading.folder)
    note = {"kept": examples.count, "dropped": rejected, "skipped": skipped}
    write_json(_note(shard.name, reading.work), note)
    if shard.piece is None:
        shutil.rmtree(kept, ignore_errors=True)
    return note


def _cut_shard(reading: _Reading) -> dict[str, Any]:
    """Make ready what the pieces of a shard need; gives what was counted meanwhile, and where each begins and ends."""
    skipped: Counter[str] = Counter()
    shard, kept = reading.shard, _kept(reading.shard, reading.work)
    with aside(reading.work, shard.name) as folder:
        pieces = reading.source.cut(replace(shard, scratch=folder / SCRATCH), skipped)
        sync_tree(folder / SCRATCH)  # the note says that it is there, whatever happens to the machine
        kept.parent.mkdir(parents=True, exist_ok=True)
        with suppress(OSError):  # it is there: cut by another one as well, who was killed before the note, or was as fast
            os.rename(folder / SCRATCH, kept)
    if not kept.is_dir():
        raise StoreError(f"{kept}: what was made ready for the pieces of {shard.name} cannot be put there.")
    note = {"kept": 0, "dropped": {}, "skipped": skipped, "pieces": [[piece.start, piece.stop] for piece in pieces]}
    write_json(_note(shard.name, reading.work), note)
    return note


def _tasks(reading: _Reading) -> list[Task[_Reading]]:
    """What is left to do of a shard: nothing, all of it, or those of its pieces that are not read yet."""
    shard, size = reading.shard, reading.source.work_bytes(reading.shard) // 1000
    note = _finished(shard.name, reading.work)
    if note is None:
        return [Task(shard.name, size, reading, reading.source.is_cut(shard))]
    pieces = _pieces(shard, note, reading.work)
    return [
        Task(piece.name, size // len(pieces) // 2, replace(reading, shard=piece))  # to cut it was the other half
        for piece in pieces
        if _finished(piece.name, reading.work) is None
    ]


def _pieces(shard: Shard, note: dict[str, Any], work: Path) -> list[Shard]:
    """The pieces of a shard that was cut. A part of each stands where the one part of the whole would."""
    kept = _kept(shard, work)
    return [
        replace(shard, name=f"{shard.name}.{number:05d}", kept=kept, piece=range(start, stop))
        for number, (start, stop) in enumerate(note.get("pieces", ()))
    ]


def _groups(shards: list[Shard], kind: str) -> dict[str, list[Shard]]:
    """The shards by group; a shard without one is a group of its own."""
    twice = [name for name, count in Counter(shard.name for shard in shards).items() if count > 1]
    if twice:
        raise PartError(f"source {kind}: several shards are named {twice[0]!r}; a shard's name must be unique within its source")
    groups: dict[str, list[Shard]] = {}
    for shard in shards:
        groups.setdefault(f"group {shard.group}" if shard.group else f"shard {shard.name}", []).append(shard)
    return groups


def _folder(shard: Shard, groups: dict[str, list[Shard]], work: Path) -> Path:
    """Where a shard's records go: to their place, or aside while a newer row of another dump may replace them."""
    has_rivals = bool(shard.group) and len(groups[f"group {shard.group}"]) > 1
    return work / SCRATCH / "rivals" / shard.name if has_rivals else work


def _kept(shard: Shard, work: Path) -> Path:
    return work / SCRATCH / KEPT / shard.name


def _note(name: str, work: Path) -> Path:
    return work / SCRATCH / "finished" / f"{name}.json"


def _finished(name: str, work: Path) -> dict[str, Any] | None:
    """What was counted when a shard was read, or a piece; None if it was not read to its end. The note is written last."""
    note = _note(name, work)
    return dict(json.loads(note.read_text(encoding="utf-8"))) if note.is_file() else None


def _notes(shard: Shard, work: Path) -> Iterator[dict[str, Any]]:
    """What was counted of a shard and of its pieces, all of which are finished."""
    note = _finished(shard.name, work)
    assert note is not None
    yield note
    for piece in _pieces(shard, note, work):
        counted = _finished(piece.name, work)
        assert counted is not None
        yield counted
