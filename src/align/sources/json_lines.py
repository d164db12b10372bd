"""JSON lines: prompts, examples and dialogues in the forms in which people keep them."""

from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import ClassVar, Literal

from pydantic import Field

from align.parts import RawFile
from align.records import Example, Rejection
from align.rows import read_rows
from align.sources.ingest import Shard
from align.sources.row_examples import RowSource


class JsonLines(RowSource):
    """One example a row: {prompt, response}, {prompt}, {messages}, ShareGPT's {conversations}, Alpaca's columns.

    {text} is a document to pretrain on, {turns, origin} an example as `align show` prints it. Also .json (a list), .csv, and
    any one as .gz, .xz, .bz2 or .zst. `id`, `url`, `date`, `author`, `license`, `tags` and numbers in `signals` are kept.
    """

    kind: Literal["json_lines"] = "json_lines"
    paths: tuple[RawFile, ...] = Field(min_length=1)
    """Files, or folders of them; their order is that of the examples."""

    how_to_get: ClassVar[str] = (
        'Write one example a line, e.g. {"id": "a-1", "prompt": "...", "response": "...", "license": "CC0-1.0"}.'
    )

    def raw_files(self) -> dict[str, Path]:
        """The files by number and name: an example's origin tells the name of its file."""
        return {f"paths.{number}.{path.name}": path for number, path in enumerate(self.paths)}

    def shards(self) -> list[Shard]:
        # One shard: an id that stands in two files is found only where both are read together.
        return [Shard(self.source.replace("/", "-") or "rows", self.paths[0])]

    def read(self, shard: Shard, skipped: Counter[str]) -> Iterator[Example | Rejection]:
        return self.examples(read_rows(self.paths, partial(self.pass_over, skipped)), skipped)
