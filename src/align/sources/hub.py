"""Data sets of the Hugging Face hub, at a pinned revision."""

import os
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import Field, ValidationInfo, field_validator

from align.errors import InputError
from align.records import Example, Rejection
from align.rows import Row
from align.sources.ingest import Shard
from align.sources.row_examples import RowSource

_DATASET = r"[\w.-]+(/[\w.-]+)?"
_COMMIT = "[0-9a-f]{40}"
_WANTED = {
    "dataset": (_DATASET, "write OWNER/NAME, as it stands behind huggingface.co/datasets/"),
    "revision": (
        _COMMIT,
        "write a commit, 40 hexadecimal digits in small letters: a branch or a tag can move. The data set's page lists them "
        "under Files and versions, History",
    ),
}
"""Fields of one form, and what to write there."""


class Hub(RowSource):
    """One example a row of a split, in the forms that `json_lines` reads; code of the data set is never run.

    What the cache of `datasets` holds (HF_HOME) is not asked for again, so that a second run needs no network. A token for a
    gated set is read from HF_TOKEN.
    """

    kind: Literal["hub"] = "hub"
    dataset: str = Field(pattern=rf"^{_DATASET}$")
    """OWNER/NAME of the data set."""
    revision: str = Field(pattern=rf"^{_COMMIT}$")
    """The commit to read, 40 hexadecimal digits: a branch moves, and with it what a recipe means. The page "Files and versions"
    of the data set lists them."""
    config: str | None = None
    """The configuration (subset), where the data set has several."""
    split: str = "train"
    """The split to read."""
    source: str = "hub"
    """What the source is called in origins, quotas and the report; the first part of an id that a row does not have."""
    license: str = "unstated"
    """Licence of rows that state none; the data set's page tells it."""

    how_to_get: ClassVar[str] = "Data sets: huggingface.co/datasets."

    @field_validator("dataset", "revision", mode="before")
    @classmethod
    def _check_words(cls, value: Any, info: ValidationInfo) -> Any:
        pattern, wanted = _WANTED[str(info.field_name)]
        if isinstance(value, str) and not re.fullmatch(pattern, value):
            raise ValueError(wanted)
        return value

    def shards(self) -> list[Shard]:
        # One shard: an id that stands twice is found only where all rows are read together.
        return [Shard(self.source.replace("/", "-") or "rows", Path(self.dataset))]

    def read(self, shard: Shard, skipped: Counter[str]) -> Iterator[Example | Rejection]:
        rows = (Row(Path(self.dataset), number, dict(row)) for number, row in enumerate(self._load(), 1))
        for example in self.examples(rows, skipped):
            url = example.origin.url or f"https://huggingface.co/datasets/{self.dataset}"
            dump = f"{self.dataset}@{self.revision} {self.split}"
            yield replace(example, origin=replace(example.origin, url=url, dump=dump))

    def _load(self) -> Any:
        """The split, on disk in Arrow and mapped into memory, so that only what is read is held."""
        import datasets  # takes two seconds to import

        try:
            return datasets.load_dataset(
                self.dataset, self.config, split=self.split, revision=self.revision, token=os.environ.get("HF_TOKEN") or None
            )
        except Exception as error:  # the library raises what it is made of: HTTP, Arrow, JSON, its own
            said = " ".join(str(error).split())[:300]
            raise InputError(
                f"hub: {self.dataset} at {self.revision[:12]}, split {self.split!r}, cannot be loaded: "
                f"{type(error).__name__}: {said}. Look whether name, config, split and revision are right, whether HF_TOKEN may "
                f"read it, and whether the network is there; without one, fetch it elsewhere and copy that HF_HOME."
            ) from error
