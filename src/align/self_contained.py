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
LEAST_WORDS = 4


def is_self_contained(title: str) -> bool:
    """Whether an English title asks something, in four words or more, without pointing at a text that is not there.

    A rule of thumb, ours: the paper had people judge. It errs on the side of no, for there are more titles than places.
    """
    text = title.strip()
    if len(_WORD.findall(text)) < LEAST_WORDS or _ASKS.match(text) is None:
        return False
    return _POINTS_ELSEWHERE.search(text) is None
