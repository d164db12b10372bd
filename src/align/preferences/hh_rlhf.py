"""Anthropic's HH-RLHF: two whole dialogues a row, equal up to the last answer."""

from collections import Counter
from collections.abc import Iterator
from itertools import count
from typing import ClassVar, Literal

from align.dialogue import alternate, turns_of
from align.preferences.pairs import PairSource, pair_id
from align.records import PreferencePair, Rejection
from align.rows import Row, check_columns, read_rows

DIFFERENT = "differ before the last answer"
SPEAKERS = "speakers do not alternate"
NOTHING = "empty dialogue"


class HhRlhf(PairSource):
    """The common turns are the prompt, the last answers the pair; both dialogues are transcripts or lists of messages."""

    kind: Literal["hh_rlhf"] = "hh_rlhf"
    author: str = "Anthropic"
    license: str = "MIT"

    how_to_get: ClassVar[str] = (
        "HH-RLHF (github.com/anthropics/hh-rlhf, Git LFS): harmless-base/train.jsonl.gz, helpful-base/train.jsonl.gz."
    )

    def read(self, skipped: Counter[str]) -> Iterator[PreferencePair | Rejection]:
        for row in read_rows(self.paths):
            check_columns(row, ("chosen", "rejected"))
            yield self._read_row(row)

    def _read_row(self, row: Row) -> PreferencePair | Rejection:
        chosen, rejected = turns_of(row, "chosen"), turns_of(row, "rejected")
        if not chosen or not rejected:
            return Rejection(pair_id(self.kind, (), "", ""), self.kind, NOTHING, row.place)
        answers = chosen[-1].text, rejected[-1].text
        prompt = chosen[:-1]
        if prompt != rejected[:-1]:
            first = next(number for number in count(1) if chosen[number - 1 : number] != rejected[number - 1 : number])
            turns = f"turn {first} of {len(chosen)} and {len(rejected)}"
            return Rejection(pair_id(self.kind, prompt, *answers), self.kind, DIFFERENT, turns)
        if not prompt or not alternate(chosen) or not alternate(rejected) or prompt[-1].role != "user":
            roles = " ".join(turn.role for turn in chosen)
            return Rejection(pair_id(self.kind, prompt, *answers), self.kind, SPEAKERS, roles)
        return self.pair(row, prompt, answers)
