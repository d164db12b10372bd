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
_ASKS = re.compile(
    r"(?:\W*(?:how|what|why|when|where|which|who|whom|whose|is|are|was|were|am|do|does|did|can|could|should|would|will|shall|may|"
    r"might|must|has|have|had|if)\b)|.*\?\W*$",
    re.IGNORECASE | re.DOTALL,
)
_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
_WORDS_THAT_POINT = (
    "this these those above below following attached enclosed aforementioned see in from title part pt update edit "
    "continued cont my here pt0 pt1 pt2 pt3 pt4 pt5 pt6 pt7 pt8 pt9"
)
_POINTERS = frozenset(_WORDS_THAT_POINT.split())
"""One of these stands in whatever `_POINTS_ELSEWHERE` finds, but for dots at the end and words with an apostrophe."""
LEAST_WORDS = 4


def is_self_contained(title: str) -> bool:
    """Whether an English title asks something, in four words or more, without pointing at a text that is not there.

    A rule of thumb, ours: the paper had people judge. It errs on the side of no, for there are more titles than places.
    """
    text = title.strip()
    is_plain = text.isascii() and "'" not in text
    words = _WORD.findall(text.lower() if is_plain else text)
    if len(words) < LEAST_WORDS or _ASKS.match(text) is None:
        return False
    if is_plain and _POINTERS.isdisjoint(words) and not text.endswith("..."):  # most titles: three times as fast
        return True
    return _POINTS_ELSEWHERE.search(text) is None
