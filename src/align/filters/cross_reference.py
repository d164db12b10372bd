"""Drop responses that point at other posts (LIMA §2.1: "as mentioned", "stack exchange", ...)."""

import re
from typing import Literal

from align.filters.filter import Drop, Filter
from align.filters.spans import around
from align.records import Example
from align.text import prose

_PERSON = r"(?:[A-Z]\w+|the\s+OP|others?|someone|everyone|people|you)"
_POST = r"(?:answers?|posts?|repl(?:y|ies)|comments?|responses?|suggestions?)"
PATTERNS: dict[str, str] = {
    "as mentioned": (
        r"\bas\s+(?:(?:already|previously|has\s+been|was|is|I|have|others?\s+(?:have\s+)?|@?\w+)\s+){0,3}?"
        r"(?:mentioned|noted|pointed\s+out|said|stated|suggested|explained|discussed|commented|described)\b"
        # A document is no answer.
        r"(?!\s+(?:in|on|at|by)\s+(?:the\s+)?(?:RFC|docs|documentation|manual|man\s+page|wikipedia|book|paper|standard))"
    ),
    "other answers": (
        r"\b(?:other|another|previous|earlier|accepted|existing|top|first|second|above|preceding|both|all|these|those|most)\s+"
        r"(?:of\s+the\s+)?(?:other\s+)?answers?\b(?!\s+(?:to|is|choices?|keys?|the\s+question)\b)"
    ),
    "someone's answer": rf"\b(?:{_PERSON}['’]s?|his|her|their|your)\s+(?:\w+\s+)?{_POST}\b",
    "answer above": rf"\b{_POST}\s+(?:above|below|here)\b|\b(?:above|below)\s+{_POST}\b",
    "the asker": r"\bOP(?:['’]s)?\b|\b(?:original|topic)\s+poster\b",
    "stack exchange": (
        r"\bstack\s?(?:exchange|overflow)\b|\bSE\s+(?:site|network|community)\b"
        r"|\bthis\s+(?:site|forum|community|question\s+(?:was|is|should|has|belongs))\b"
    ),
    "site talk": (
        r"\b(?:up|down)-?vot(?:e|es|ed|ing)\b|\bflag(?:ged)?\s+(?:as|for)\b|\boff[\s-]topic\b"
        r"|\bmeta\s+(?:site|post|question)\b"
    ),
    "edit note": (
        r"(?:^|\n)[ \t>*_#-]*(?:EDIT(?:ED)?|UPDATED?|Edit(?:ed)?|Updated?|ETA)"
        r"\s*(?:\d+|\([^)\n]*\)|#\d+)?[ \t*_]*[:;—–-]"
    ),
    "addressed user": r"(?<![\w.@/`])@[A-Za-z]\w+(?![\w.]*\.\w)",
}
"""By name, what counts as a reference; measured against real answers."""


class CrossReference(Filter):
    """Drops a response that refers to other answers, their authors, the asker or the site. Knows English only."""

    kind: Literal["cross_reference"] = "cross_reference"

    def reason_to_drop(self, example: Example) -> Drop | None:
        text = prose(example.response)
        for name, pattern in _COMPILED.items():
            found = pattern.search(text)
            if found is not None:
                start = found.start() + len(found[0]) - len(found[0].lstrip())
                return Drop(name, around(example.response, start, found.end()))
        return None


_CASE_MATTERS = {"someone's answer", "the asker", "edit note", "addressed user"}
_COMPILED = {name: re.compile(pattern, 0 if name in _CASE_MATTERS else re.IGNORECASE) for name, pattern in PATTERNS.items()}
