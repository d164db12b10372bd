"""A judge without a model: does a response speak of what was asked?"""

import re
from typing import Literal

from pydantic import Field

from align.judges.judge import Judge, Verdict
from align.records import Turn

_STOP_WORDS = (
    "a about above after again against all also am an and any are as at be because been before being below between both but "
    "by can could did do does doing done down during each either else ever every few for from further get give given go "
    "good had has have having he her here hers him his how i if in into is it its just know let like make many may me might "
    "mine more most much must my no nor not now of off on once one only or other our out over own please same say she "
    "should so some such tell than that the their theirs them then there these they this those through to too under until "
    "up us use very want was way we well were what when where which while who whom whose why will with without would yes "
    "yet you your yours "
)
STOP_WORDS = frozenset(_STOP_WORDS.split())
"""English words that say nothing of the subject."""


class WordOverlap(Judge):
    """A plain baseline that prefers the response sharing more content words with the prompt.

    It measures staying on the subject and nothing else: a wrong answer wins over a right one in other words, and an echo
    of the prompt wins over everything. It needs no model and no network; take `openai_chat` to judge quality.
    """

    kind: Literal["word_overlap"] = "word_overlap"
    margin: float = Field(default=0.02, ge=0, le=1)
    """Overlaps (0 to 1) that differ by no more than this are a tie."""

    def compare(self, prompt: tuple[Turn, ...], first: str, second: str) -> Verdict:
        asked = " ".join(turn.text for turn in prompt if turn.role == "user")
        one, two = overlap(asked, first), overlap(asked, second)
        said = f"overlap with the prompt {one:.3f} and {two:.3f}"
        if abs(one - two) <= self.margin:
            return Verdict("tie", f"{said}, within {self.margin}")
        return Verdict("first" if one > two else "second", said)


def overlap(prompt: str, response: str) -> float:
    """F1 of two sets of content words: twice those shared over those of the one and of the other, in [0, 1]."""
    asked, answered = content_words(prompt), content_words(response)
    return 2 * len(asked & answered) / (len(asked) + len(answered)) if asked and answered else 0.0


def content_words(text: str) -> set[str]:
    return set(re.findall(r"\w+", text.casefold())) - STOP_WORDS
