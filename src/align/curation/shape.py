"""What can be counted of a response in a glance: length, lines, lists, code, digits, questions, persons. About 0.1 ms a text.

These stand beside the vectors when the queue learns what people accept; the style stage measures more, and slower.
"""

import math
import re

FEATURES = (
    "chars", "prompt_chars", "words", "word_chars", "sentence_words", "paragraphs", "list_lines", "code_lines",
    "digits", "capitals", "punctuation", "questions", "exclamations", "first_person", "second_person", "varied_words",
)  # fmt: skip

_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
_SENTENCE_END = re.compile(r"[.!?…。！？]+(?:\s|$)|\n{2,}")
_LIST_LINE = re.compile(r"\s{0,12}(?:[-*+•]|\d{1,3}[.)])\s")
_CODE_LINE = re.compile(r"```|    |\t")
_FIRST = frozenset({"i", "i'm", "i've", "i'd", "i'll", "my", "me", "mine", "myself", "we", "our", "us"})
_SECOND = frozenset({"you", "your", "yours", "you're", "you'll", "you've", "yourself"})
READ = 8000
"""So many characters of a response are looked at."""


def shape_of(prompt: str, response: str) -> list[float]:
    """A number for each of `FEATURES`; lengths as logarithms, the rest as shares."""
    text = response[:READ]
    words = [word.casefold().replace("’", "'") for word in _WORD.findall(text)]
    lines = [line for line in text.split("\n") if line.strip()]
    chars, count = max(1, len(text)), max(1, len(words))
    sentences = max(1, len(_SENTENCE_END.findall(text)))
    return [
        math.log1p(len(response)),
        math.log1p(len(prompt)),
        math.log1p(len(words)),
        sum(map(len, words)) / count,
        math.log1p(count / sentences),
        math.log1p(text.count("\n\n")),
        sum(_LIST_LINE.match(line) is not None for line in lines) / max(1, len(lines)),
        sum(_CODE_LINE.match(line) is not None for line in lines) / max(1, len(lines)),
        sum(map(str.isdigit, text)) / chars,
        sum(map(str.isupper, text)) / chars,
        sum(text.count(sign) for sign in ",;:()\"'-") / chars,
        text.count("?") / sentences,
        text.count("!") / sentences,
        sum(word in _FIRST for word in words) / count,
        sum(word in _SECOND for word in words) / count,
        len(set(words[:200])) / max(1, min(count, 200)),
    ]
