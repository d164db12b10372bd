"""The family of judges: each says which of two responses to a prompt is better."""

from dataclasses import dataclass
from typing import ClassVar, Literal

from align.parts import Part
from align.records import Turn

Choice = Literal["first", "second", "tie", "unparsed"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a judge said of two responses in the order in which it saw them."""

    verdict: Choice
    explanation: str = ""
    raw: str = ""
    """The judge's own words, where it has any; `unparsed` keeps them to be read."""


class Judge(Part):
    """Compares two responses without knowing who gave them."""

    incidental: ClassVar[frozenset[str]] = frozenset()
    """Fields that say how the judge is reached, not what it answers; they do not decide the artifact."""

    @property
    def label(self) -> str:
        """How the judge is named in records."""
        return self.kind

    def calls_at_once(self) -> int:
        """How many comparisons may wait for an answer at the same time."""
        return 1

    def compare(self, prompt: tuple[Turn, ...], first: str, second: str) -> Verdict:
        """Which of the two answers to `prompt` is better; `tie` where neither is significantly so."""
        raise NotImplementedError
