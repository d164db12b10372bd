"""A text told as pieces of the text it was made from: offsets to copy, and what people or rules put in.

A row that may not be passed on is published so. Any run of `SHORTEST` characters that stands in the source is told by its
offsets, wherever the editor moved it: what a piece says in letters is no text of the source, but for shorter runs.
"""

from collections.abc import Sequence
from typing import Any

from align.errors import InputError

SHORTEST = 8
"""Characters of the shortest run that is copied."""
TRIED = 64
"""Of a run that stands in the source more often, so many places are tried for the longest copy."""

Copy = tuple[int, int, int]
"""Number of a turn of the source, first and last character but one: code points, counted from 0."""
Piece = str | Copy


def pieces_of(text: str, source: Sequence[str]) -> list[Piece]:
    """`text` as pieces of the texts in `source`; put together again they are exactly `text`."""
    if text in source and text:
        return [(list(source).index(text), 0, len(text))]
    grams = _grams(source)
    pieces: list[Piece] = []
    written = position = 0
    while position <= len(text) - SHORTEST:
        copy = _longest(text, position, source, grams)
        if copy is None:
            position += 1
            continue
        if position > written:
            pieces.append(text[written:position])
        pieces.append(copy)
        position += copy[2] - copy[1]
        written = position
    return [*pieces, text[written:]] if written < len(text) else pieces


def text_of(pieces: Sequence[Any], source: Sequence[str]) -> str:
    """The text that the pieces make of the source; a piece that points outside of it is an error."""
    said: list[str] = []
    for piece in pieces:
        if isinstance(piece, str):
            said.append(piece)
            continue
        try:
            turn, start, end = piece
            fits = all(type(number) is int for number in piece) and 0 <= turn < len(source)
            if not (fits and 0 <= start < end <= len(source[turn])):
                raise ValueError
        except (TypeError, ValueError) as error:
            sizes = ", ".join(str(len(text)) for text in source)
            raise InputError(
                f"a piece is a text or [turn, start, end] within turns of {sizes} characters (got {piece!r:.60})"
            ) from error
        said.append(source[turn][start:end])
    return "".join(said)


def copied_chars(pieces: Sequence[Piece]) -> int:
    """How many characters are the source's own."""
    return sum(piece[2] - piece[1] for piece in pieces if not isinstance(piece, str))


def _grams(source: Sequence[str]) -> dict[str, list[tuple[int, int]]]:
    """Where each run of `SHORTEST` characters stands: turn and place, the first few."""
    grams: dict[str, list[tuple[int, int]]] = {}
    for turn, text in enumerate(source):
        for start in range(len(text) - SHORTEST + 1):
            places = grams.setdefault(text[start : start + SHORTEST], [])
            if len(places) < TRIED:
                places.append((turn, start))
    return grams


def _longest(text: str, position: int, source: Sequence[str], grams: dict[str, list[tuple[int, int]]]) -> Copy | None:
    best: Copy | None = None
    for turn, start in grams.get(text[position : position + SHORTEST], ()):
        length = _common_length(text, position, source[turn], start)
        if best is None or length > best[2] - best[1]:
            best = (turn, start, start + length)
    return best


def _common_length(one: str, at: int, other: str, start: int) -> int:
    """How far two texts agree from there on, found by halves: a loop over characters is slow in Python."""
    low, high = 0, min(len(one) - at, len(other) - start)
    step = SHORTEST
    while low + step <= high and one[at + low : at + low + step] == other[start + low : start + low + step]:
        low += step
        step *= 2
    high = min(high, low + step)
    while low < high:
        middle = (low + high + 1) // 2
        if one[at + low : at + middle] == other[start + low : start + middle]:
            low = middle
        else:
            high = middle - 1
    return low
