"""A source whose shards do as their lines say, for tests of several processes."""

import os
import signal
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar, Literal

from align.errors import InputError
from align.filters.filter import Drop, Filter, Outcome
from align.parts import RawFile
from align.records import Example, Origin, Rejection, Turn
from align.sources.ingest import Shard, Source


class Ledgers(Source):
    """Each line of a file is an example, but for those that say what is to go wrong."""

    kind: Literal["test_ledgers"] = "test_ledgers"
    paths: tuple[RawFile, ...]
    lines_a_piece: int | None = None
    """Cut each file into pieces of so many lines."""

    def shards(self) -> list[Shard]:
        return [Shard(path.stem, path) for path in self.paths]

    def is_cut(self, shard: Shard) -> bool:
        return self.lines_a_piece is not None

    def cut(self, shard: Shard, skipped: Counter[str]) -> list[range]:
        assert shard.scratch is not None
        assert self.lines_a_piece is not None
        lines = [line for line in shard.path.read_text().splitlines() if line != "#"]
        skipped["remark"] += len(shard.path.read_text().splitlines()) - len(lines)
        shard.scratch.mkdir()
        (shard.scratch / "lines").write_text("\n".join(lines))
        with (shard.path.parent / f"{shard.name}.cuts").open("a") as cuts:
            cuts.write("x")
        starts = range(0, len(lines), self.lines_a_piece)
        return [range(start, min(start + self.lines_a_piece, len(lines))) for start in starts]

    def work_bytes(self, shard: Shard) -> int:
        return 1 << 30  # worth several processes

    def read(self, shard: Shard, skipped: Counter[str]) -> Iterator[Example | Rejection]:
        (shard.path.parent / f"{shard.name}.pid").write_text(str(os.getpid()))
        for line in lines_of(shard):
            if line == "REFUSE":
                raise InputError(f"{shard.path}: a pebble in the shoe")
            if line == "BUG":
                raise KeyError("pebble")
            if line == "SLEEP":
                time.sleep(600)
            if line == "DIE":
                os.kill(os.getpid(), signal.SIGKILL)
            died = shard.path.with_suffix(".died")
            if line == "DIE ONCE":
                if not died.exists():
                    died.touch()
                    os.kill(os.getpid(), signal.SIGKILL)
            elif line == "WAIT":
                while not shard.path.with_suffix(".go").exists():
                    time.sleep(0.01)
            elif line.startswith("#"):
                skipped["remark"] += 1
            elif line.startswith("!"):
                yield Rejection(line[1:], self.kind, "secret")
            else:
                yield Example(f"{shard.name.partition('.')[0]}-{line}", (Turn("document", line * 50),), Origin("ledger", line))


def lines_of(shard: Shard) -> list[str]:
    if shard.piece is None or shard.kept is None:
        return shard.path.read_text().splitlines()
    return (shard.kept / "lines").read_text().splitlines()[shard.piece.start : shard.piece.stop]


def write_ledgers(folder: Path, **files: str) -> tuple[Path, ...]:
    """Files of lines, which stand here between commas."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, lines in files.items():
        (folder / f"{name}.txt").write_text("\n".join(lines.split(", ")))
    return tuple(folder / f"{name}.txt" for name in files)


class Sieve(Filter):
    """Drops every third number and notes the even ones; kills the process at one of them."""

    kind: Literal["test_sieve"] = "test_sieve"
    kill_at: int | None = None
    notes_in: Path | None = None
    """Where to leave a file for each process that applies it."""

    def apply(self, example: Example) -> Outcome:
        number = int(example.origin.native_id)
        if self.notes_in is not None:
            (self.notes_in / f"{os.getpid()}").touch()
        if number == self.kill_at:
            os.kill(os.getpid(), signal.SIGKILL)
        notes = ("even",) if number % 2 == 0 else ()
        return Outcome(example, Drop("every third", "of numbers") if number % 3 == 0 else None, notes)


class Remembering(Filter):
    """Keeps the first example of each length: what it saw before decides."""

    kind: Literal["test_remembering"] = "test_remembering"
    in_order: ClassVar[bool] = True
    seen: ClassVar[set[int]] = set()

    def reason_to_drop(self, example: Example) -> Drop | None:
        length = len(example.turns[-1].text)
        known = length in self.seen
        self.seen.add(length)
        return Drop("length seen") if known else None
