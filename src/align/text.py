"""What text is, for every rule that looks at it: its Markdown, its words, its normal form, its prose."""

import re
import unicodedata
from functools import lru_cache

from align.markdown import FORMULA, markdown_from_html

__all__ = ["code_chars", "markdown_from_html", "normalize", "prose", "words"]

_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
_FENCE = re.compile(r"(`{3,}|~{3,})[^`]*$")
_LIST_OR_QUOTE = re.compile(r"\s*(?:(?:[-*+]|\d{1,9}[.)])\s+|>\s?)*")
# Bounded, or else backticks that nothing closes would each be sought to the end of the text.
_TICKS = r"(?P<ticks>(?<!`)`+(?!`)).{1,2000}?(?<!`)(?P=ticks)(?!`)"
_TICKED = re.compile(_TICKS, re.DOTALL)
_ASIDE = re.compile(
    rf"{_TICKS}"
    rf"|{FORMULA}"
    # A quotation mark opens after a space and closes before one, so that inches (5") open nothing.
    r'|(?<![^\s(\[—–-])"(?=\S)(?:[^"\n]|\n(?!\s*\n)){1,400}?(?<=\S)"(?!\w)'
    r"|“[^“”]{1,400}”|„[^„“”]{1,400}[“”]|«[^«»]{1,400}»",
    re.DOTALL,
)


def words(text: str) -> list[str]:
    """The words in lower case, of any script; `don't` is one word, punctuation is none."""
    return _WORD.findall(text.lower())


def normalize(text: str) -> str:
    """One form for texts that differ only in case, white space or the way a character is coded."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def code_chars(markdown: str) -> int:
    """How many characters that are no white space stand in code: fenced blocks with their fences, and code in lines."""
    outside = _TICKED.sub("", _without_blocks(markdown, quotations=False))
    return _visible(markdown) - _visible(outside)


@lru_cache(maxsize=2)  # several rules in a row ask for the same text
def prose(markdown: str) -> str:
    """The author's own sentences: code, quotations and formulas blanked out, so that every position stays what it was."""
    return _ASIDE.sub(lambda aside: re.sub(r"[^\n]", " ", aside[0]), _without_blocks(markdown, quotations=True))


def _visible(text: str) -> int:
    return len(text) - sum(map(str.isspace, text))


def _without_blocks(markdown: str, quotations: bool) -> str:
    """The text with fenced blocks, and lines of a quotation if these are to go too, blanked out."""
    lines = []
    fence = ""
    for line in markdown.split("\n"):
        start = _LIST_OR_QUOTE.match(line)
        head = start[0] if start else ""
        content = line[len(head) :]
        opened = _FENCE.match(content)
        if fence:
            fence = "" if content.startswith(fence) and not content.strip(fence[0]).strip() else fence
            lines.append(" " * len(line))
        elif opened:
            fence = opened[1]
            lines.append(" " * len(line))
        else:
            lines.append(" " * len(line) if quotations and ">" in head else line)
    return "\n".join(lines)
