"""What an edit changed, word by word."""

import re
from itertools import groupby
from typing import Literal, NamedTuple

Change = Literal["same", "gone", "new"]

# A word with its apostrophes, a run of white space, or one sign.
_TOKEN = re.compile(r"\w+(?:['’]\w+)*|\s+|[^\w\s]")


class Piece(NamedTuple):
    """A stretch of text that both have, that only the original had, or that only the edit has."""

    change: Change
    text: str


def difference(before: str, after: str) -> list[Piece]:
    """The pieces in reading order: what is not new makes `before`, what is not gone makes `after`."""
    from rapidfuzz.distance import Indel

    old: list[str] = _TOKEN.findall(before)
    new: list[str] = _TOKEN.findall(after)
    pieces: list[Piece] = []
    for step in Indel.opcodes(old, new):
        gone, come = "".join(old[step.src_start : step.src_end]), "".join(new[step.dest_start : step.dest_end])
        pieces += [Piece("same", gone)] if step.tag == "equal" else [Piece("gone", gone), Piece("new", come)]
    return _legible([piece for piece in pieces if piece.text])


def _legible(pieces: list[Piece]) -> list[Piece]:
    """A blank between two changed words belongs to the change: three words replaced are one replacement, not three."""
    changed: list[Piece] = []
    for number, piece in enumerate(pieces):
        inside = 0 < number < len(pieces) - 1
        if piece.change == "same" and inside and piece.text.isspace():
            changed += [Piece("gone", piece.text), Piece("new", piece.text)]
        else:
            changed.append(piece)
    legible: list[Piece] = []
    for is_same, run in groupby(changed, key=lambda piece: piece.change == "same"):
        several = list(run)
        kinds: tuple[Change, ...] = ("same",) if is_same else ("gone", "new")
        texts = ["".join(piece.text for piece in several if piece.change == kind) for kind in kinds]
        legible += [Piece(kind, text) for kind, text in zip(kinds, texts, strict=True) if text]
    return legible
