"""Words parted by blanks: plain English by one table of bytes, which is several times as fast as looking for each word."""

import re

from align.text import words

_TABLE = bytes(code if chr(code).isalnum() or chr(code) == "'" else 32 for code in range(128)) + bytes([32] * 128)
_LOOSE = re.compile(rb"(?<![a-z0-9])'|'(?![a-z0-9])")


def words_apart(text: str) -> bytes:
    """The words of `align.text.words` with blanks between them, one or more."""
    if not text.isascii():
        return " ".join(words(text)).encode()
    found = text.lower().encode().translate(_TABLE)
    return _LOOSE.sub(b" ", found) if b"'" in found else found
