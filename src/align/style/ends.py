"""How a response begins and ends: classes, since first and last words carry most of a style (URIAL, arXiv 2312.01552)."""

import re

from align.style.lexicon import ACKNOWLEDGES, OFFERS, STORY

OPENINGS = {
    "acknowledgement": "a word to the asker",
    "story": "a story",
    "list": "a list",
    "heading": "a heading",
    "code": "code",
    "plain": "the matter itself",
}
"""Classes of openings, and what a reason calls them. Acknowledgement and story are told in English alone."""
CLOSINGS = {
    "offer": "good wishes or an offer of help",
    "question": "a question",
    "exclamation": "an exclamation",
    "list": "a list",
    "code": "code",
    "open": "no full stop",
    "plain": "a plain sentence",
}
"""Classes of closings; offers are told in English alone."""
_LIST = re.compile(r"\s{0,12}(?:[-*+•]|\d{1,3}[.)])\s")
_HEADING = re.compile(r"\s{0,3}(?:#{1,6}\s|\*\*[^*\n]{1,80}\*\*:?\s*$|(?i:title:))")
SEEN_CHARS = 240


def opening_of(text: str, plain: str, english: bool) -> str:
    """The class of its first line; `plain` is the text without code and quotations."""
    start = len(text) - len(text.lstrip())
    first = text[start : start + SEEN_CHARS].partition("\n")[0]
    if first.startswith(("```", "~~~", "`")):
        return "code"
    if _HEADING.match(first):
        return "heading"
    if _LIST.match(first):
        return "list"
    if not english:
        return "plain"
    if ACKNOWLEDGES.match(plain[start : start + SEEN_CHARS].lstrip()):
        return "acknowledgement"
    return "story" if STORY.search(text[start : start + SEEN_CHARS]) else "plain"


def closing_of(text: str, plain: str, english: bool) -> str:
    """The class of its last line."""
    end = text.rstrip()
    last = end[-SEEN_CHARS:].rpartition("\n")[2]
    if end.endswith(("```", "~~~")):
        return "code"
    if english and OFFERS.search(plain.rstrip()[-120:]):
        return "offer"
    if _LIST.match(last):
        return "list"
    sign = last.rstrip("\"'”’») ]*_")[-1:]
    if sign in ("?", "？"):
        return "question"
    if sign in ("!", "！"):
        return "exclamation"
    return "plain" if sign in (".", "。", "…") else "open"
