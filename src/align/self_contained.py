"""Whether a title says all that is needed to answer it (LIMA §2.1: questions that are self-contained in the title)."""

import re
from typing import TYPE_CHECKING, Any

from align.plain_arrays import bytes_of, truths_of

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

_POINTS_ELSEWHERE = re.compile(
    r"\b(?:this|these|those|above|below|following|attached|enclosed|aforementioned|(?:see|in|from) (?:the )?"
    r"(?:body|post|text|comments?|details|description|picture|image|link|inside|title|example)|title (?:says|is too long)|"
    r"part \d|pt\.? ?\d|(?:update|edit):|"
    r"cont(?:inued|'d)|my (?:code|program|script|setup|case|solution|answer|approach|proof|question|attempt|output|"
    r"results?|function|query|example))\b|\.\.\.$|…$|\bhere\b(?!['’]s)(?=\W*$)",
    re.IGNORECASE,
)
_WORDS_THAT_ASK = (
    "how what why when where which who whom whose is are was were am do does did can could should would will shall may might "
    "must has have had if"
)
_ASKS = re.compile(rf"(?:\W*(?:{_WORDS_THAT_ASK.replace(' ', '|')})\b)|.*\?\W*$", re.IGNORECASE | re.DOTALL)
_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
_WORDS_THAT_POINT = (
    "this these those above below following attached enclosed aforementioned see in from title part pt update edit "
    "continued cont my here pt0 pt1 pt2 pt3 pt4 pt5 pt6 pt7 pt8 pt9"
)
_POINTERS = frozenset(_WORDS_THAT_POINT.encode().split())
"""One of these stands in whatever `_POINTS_ELSEWHERE` finds, but for dots at the end and words with an apostrophe."""
_ASKING = frozenset(_WORDS_THAT_ASK.encode().split())
_IN_LOWER_CASE = bytes(ord(chr(sign).lower()) if sign < 128 and chr(sign).isalnum() else ord(" ") for sign in range(256))
"""Letters in lower case and digits; a blank for all else."""
LEAST_WORDS = 4


def is_self_contained(title: str) -> bool:
    """Whether an English title asks something, in four words or more, without pointing at a text that is not there.

    A rule of thumb, ours: the paper had people judge. It errs on the side of no, for there are more titles than places.
    """
    text = title.strip()
    if text.isascii() and "'" not in text and "_" not in text:  # most titles, and several times as fast
        plain = text.encode().translate(_IN_LOWER_CASE).split()
        if len(plain) < LEAST_WORDS or (plain[0] not in _ASKING and _ASKS.match(text) is None):
            return False
        if _POINTERS.isdisjoint(plain) and not text.endswith("..."):
            return True
    elif len(_WORD.findall(text)) < LEAST_WORDS or _ASKS.match(text) is None:
        return False
    return _POINTS_ELSEWHERE.search(text) is None


def are_self_contained(titles: "pa.Array") -> "np.ndarray[Any, Any]":
    """The same of many titles, none of which is absent or has blanks at its ends.

    Arrow's regular expressions read ASCII as Python's do, but cannot look ahead. Where that is needed, and what is no ASCII, is
    looked at once more.
    """
    import numpy as np
    import pyarrow.compute as pc

    asks = truths_of(pc.match_substring_regex(titles, _ASKS_IN_ASCII, ignore_case=True))
    has_words = truths_of(pc.match_substring_regex(titles, _WORDS_IN_ASCII))
    may_point = truths_of(pc.match_substring_regex(titles, _MAY_POINT_IN_ASCII, ignore_case=True))
    has_here = truths_of(pc.match_substring(pc.ascii_lower(titles), "here"))
    data, ends = bytes_of(titles)
    is_foreign = np.zeros(len(titles), bool)
    is_foreign[np.searchsorted(ends, np.flatnonzero(data > 127), "right") - 1] = True
    are: np.ndarray[Any, Any] = asks & has_words & ~may_point & ~is_foreign
    for place in np.flatnonzero((asks & has_words & may_point & has_here) | is_foreign).tolist():
        are[place] = is_self_contained(titles[place].as_py())
    return are


_ASKS_IN_ASCII = rf"^\W*(?:{_WORDS_THAT_ASK.replace(' ', '|')})\b|\?\W*$"
_BETWEEN_WORDS = "(?:[^0-9A-Za-z']|'[^0-9A-Za-z])[^0-9A-Za-z]*"
_WORD_IN_ASCII = "[0-9A-Za-z]+(?:'[0-9A-Za-z]+)*"
_WORDS_IN_ASCII = "[0-9A-Za-z]" + f"{_BETWEEN_WORDS}{_WORD_IN_ASCII}" * (LEAST_WORDS - 1)
_MAY_POINT_IN_ASCII = _POINTS_ELSEWHERE.pattern.replace(r"(?!['’]s)(?=\W*$)", r"\W*$")
