"""The family of sources, and the stage that reads one into examples."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

from align.artifact import SCRATCH, Counts
from align.files import RecordWriter, read_records, write_json
from align.parts import Part
from align.records import Example, Rejection
from align.stage import Inputs, Stage


@dataclass(frozen=True, slots=True)
class Shard:
    """A piece of a source that can be read by itself, e.g. one exchange's dump."""

    name: str
    """Unique within the source; names the part file."""
    path: Path
    group: str = ""
    """Shards of one group may hold the same example ids; the newer row wins."""


class Source(Part):
    """Reads raw files into examples."""

    def shards(self) -> list[Shard]:
        """The pieces to read, in order; also checks that they can be read at all."""
        raise NotImplementedError

    def read(self, shard: Shard, skipped: Counter[str]) -> Iterator[Example | Rejection]:
        """The examples of one shard. Raw rows that form none are counted in `skipped` by reason."""
        raise NotImplementedError


class Ingest(Stage):
    """Read a source: one Parquet part a shard, so that a killed ingest goes on with the shards that are missing."""

    kind: Literal["ingest"] = "ingest"
    source: Source
    """What to read: {kind: stack_exchange, dumps: [...]} for example; `align kinds source` lists them."""

    reads: ClassVar[Literal["none", "previous", "all"]] = "none"

    def run(self, inputs: Inputs, work: Path) -> Counts:
        raise NotImplementedError
