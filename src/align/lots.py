"""Drawing lots: a seeded random order that does not depend on how many take part, so that a small draw lies in a larger one."""

import hashlib


def lot(*parts: str | int) -> int:
    """The lot of what `parts` name (purpose, seed, id), 64 bits: sorting by it is a random order, the same everywhere.

    The purpose keeps two draws with one seed apart: else the first of one would also be the first of the other.
    """
    text = "\x1f".join(map(str, parts))
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big")
