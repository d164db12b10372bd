"""Where a rule found something, and how a rejection shows it: the span in its neighbourhood, on one line."""

from typing import NamedTuple

NEIGHBOURHOOD_CHARS = 30


class Span(NamedTuple):
    """A place in a dialogue: the number of the turn, and the characters from `start` up to `end` of its text."""

    turn: int
    start: int
    end: int


def around(text: str, start: int, end: int) -> str:
    """`... the words before [span] the words after ...`."""
    before, after = text[max(0, start - NEIGHBOURHOOD_CHARS) : start], text[end : end + NEIGHBOURHOOD_CHARS]
    left, right = "…" * (start > NEIGHBOURHOOD_CHARS), "…" * (end + NEIGHBOURHOOD_CHARS < len(text))
    return " ".join(f"{left}{before}[{text[start:end]}]{after}{right}".split())
