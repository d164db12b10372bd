"""The family of sources, and the stage that reads one into examples."""

import json
import logging
import shutil
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from align.artifact import SCRATCH, Counts
from align.asides import aside, put
from align.engine import Task, map_shards
from align.errors import EmptyResult, PartError
from align.files import RecordWriter, visible_files, write_json
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
        tasks = [
            Task(
                shard.name,
                self.source.work_bytes(shard) // 1000,
                _Reading(self.source, shard, _folder(shard, groups, work), work),
            )
            for shard in shards
            if _finished(shard, work) is None
        ]
        for task, note in map_shards(read_shard, tasks, f"reading {self.source.kind}", "kB", SEVERAL_KILOBYTES, work):
            log.info("%s  %s  %s examples", self.source.kind, task.name, f"{note['kept']:,}")
        superseded = 0
        for group in groups.values():
            if len(group) > 1:
                superseded += write_newest({shard.name: _folder(shard, groups, work) for shard in group}, work)
        return self._counts([_finished(shard, work) for shard in shards], superseded)

    def _counts(self, notes: list[dict[str, Any] | None], superseded: int) -> Counts:
        dropped: Counter[str] = Counter()
        skipped: Counter[str] = Counter()
        kept = -superseded
        for note in notes:
            assert note is not None
            kept += note["kept"]
            dropped += Counter(note["dropped"])
            skipped += Counter(note["skipped"])
        if superseded:
            dropped["ingest: superseded"] = superseded
        if kept == 0:
            reasons = dropped + skipped
            why = ", ".join(f"{reason} {count:,}" for reason, count in reasons.most_common()) or "the files hold no rows"
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
    """Read one shard; gives what was counted. All is written aside and renamed at the end: read twice, it is there once."""
    source, shard = reading.source, reading.shard
    skipped: Counter[str] = Counter()
    rejected: Counter[str] = Counter()
    kept = reading.work / SCRATCH / KEPT / shard.name
    with aside(reading.work, shard.name) as folder:
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
    write_json(_note(shard, reading.work), note)
    shutil.rmtree(kept, ignore_errors=True)
    return note


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


def _note(shard: Shard, work: Path) -> Path:
    return work / SCRATCH / "finished" / f"{shard.name}.json"


def _finished(shard: Shard, work: Path) -> dict[str, Any] | None:
    """What was counted when the shard was read; None if it was not read to its end. The note is written last."""
    note = _note(shard, work)
    return dict(json.loads(note.read_text(encoding="utf-8"))) if note.is_file() else None
