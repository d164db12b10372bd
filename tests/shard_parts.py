"""A source whose shards do as their lines say, for tests of several processes."""

import os
import signal
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from align.errors import InputError
from align.parts import RawFile
from align.records import Example, Origin, Rejection, Turn
from align.sources.ingest import Shard, Source


class Ledgers(Source):
    """Each line of a file is an example, but for those that say what is to go wrong."""

    kind: Literal["test_ledgers"] = "test_ledgers"
    paths: tuple[RawFile, ...]

    def shards(self) -> list[Shard]:
        return [Shard(path.stem, path) for path in self.paths]

    def work_bytes(self, shard: Shard) -> int:
        return 1 << 30  # worth several processes

    def read(self, shard: Shard, skipped: Counter[str]) -> Iterator[Example | Rejection]:
        (shard.path.parent / f"{shard.name}.pid").write_text(str(os.getpid()))
        for line in shard.path.read_text().splitlines():
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
                yield Example(f"{shard.name}-{line}", (Turn("document", line * 50),), Origin("ledger", line))


def write_ledgers(folder: Path, **files: str) -> tuple[Path, ...]:
    """Files of lines, which stand here between commas."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, lines in files.items():
        (folder / f"{name}.txt").write_text("\n".join(lines.split(", ")))
    return tuple(folder / f"{name}.txt" for name in files)
