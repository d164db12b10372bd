"""What a person writes down as pairs: `good=accept, bad=reject`."""

from collections.abc import Sequence

from align.errors import InputError
from align.parts import nearest


def read_pairs(text: str, allowed: Sequence[str] = ()) -> dict[str, str]:
    """The pairs, left to right; a right side that is not `allowed` is an error."""
    pairs: dict[str, str] = {}
    for part in filter(str.strip, text.split(",")):
        left, sign, right = (item.strip() for item in part.partition("="))
        if not (left and sign and right):
            raise InputError(f"{part.strip()!r} is no pair; write what stands there, =, and what it means here")
        if allowed and right not in allowed:
            raise InputError(f"{part.strip()!r}: {nearest(right, allowed)}")
        pairs[left] = right
    return pairs
