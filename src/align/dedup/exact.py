"""Exact duplicates: texts that differ in nothing but case, white space and the form of their letters."""

import hashlib
from pathlib import Path
from typing import Literal

from pydantic import Field

from align.artifact import Counts
from align.dedup.duplicates import NOT_COMPARED, Rank, check_signal, compared_text, rank_of, write_unique
from align.records import Example
from align.stage import Inputs, Stage


class Exact(Stage):
    """Keep one example of each text. Memory holds digests, never the texts."""

    kind: Literal["exact"] = "exact"
    on: Literal["either", "prompt", "response", "both"] = "either"
    """What must be equal. By default `either` the prompt (two answers to one prompt contradict each other or add nothing) or the
    response (one answer under two questions says nothing new). `both` only drops what is the same throughout. A document is
    its own prompt."""
    min_chars: int = Field(default=200, ge=0)
    """With `either`, a response shorter than this is no duplicate by itself: many questions have the answer "Yes"."""
    keep: str = "first"
    """Which duplicate stays: `first`, or the one with the highest value of the signal named here, e.g. `answer_score`."""

    def run(self, inputs: Inputs, work: Path) -> Counts:
        check_signal(self.kind, self.keep, inputs)
        entries: list[tuple[Rank, str, tuple[bytes, ...]]] = []
        for number, example in enumerate(inputs.read(Example, "reading texts")):
            entries.append((rank_of(example, self.keep, number), example.id, self._digests(example)))
        owners: dict[bytes, str] = {}
        details: dict[int, str] = {}
        for (_, number), example_id, digests in sorted(entries):
            kept = next((owners[digest] for digest in digests if digest in owners), None)
            if kept is not None:
                details[number] = kept
                continue
            owners.update(dict.fromkeys(digests, example_id))
        return write_unique(self.kind, inputs, work, details, {NOT_COMPARED: sum(not digests for _, _, digests in entries)})

    def _digests(self, example: Example) -> tuple[bytes, ...]:
        """Of each text that may not come twice."""
        if self.on != "either":
            texts = [(self.on, compared_text(example, self.on))]
        else:
            response = compared_text(example, "response")
            texts = [
                ("prompt", compared_text(example, "prompt")),
                ("response", response if len(response) >= self.min_chars else ""),
            ]
        return tuple(hashlib.blake2b(f"{what} {text}".encode(), digest_size=16).digest() for what, text in texts if text)
