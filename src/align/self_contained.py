"""Whether a title says all that is needed to answer it (LIMA §2.1: questions that are self-contained in the title)."""

import re

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
