"""A judge that looks at nothing but length."""

from typing import Literal

from pydantic import Field

from align.judges.judge import Judge, Verdict
from align.records import Turn


class Longest(Judge):
    """A plain baseline that prefers the longer response; a judge that agrees with it too often counts words."""

    kind: Literal["longest"] = "longest"
    margin: float = Field(default=0.0, ge=0, le=1)
    """Lengths that differ by no more than this share of the longer one are a tie."""

    def compare(self, prompt: tuple[Turn, ...], first: str, second: str) -> Verdict:
        one, two = len(first.strip()), len(second.strip())
        said = f"{one:,} and {two:,} characters"
        if abs(one - two) <= self.margin * max(one, two):
            return Verdict("tie", said)
        return Verdict("first" if one > two else "second", said)
