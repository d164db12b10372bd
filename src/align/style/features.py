"""What is measured of a response: its length and shape, its signs, its words, how it begins and ends.

Measured on the author's own sentences: code, quotations and formulas count for the share of code and nothing else. A feature of
`ENGLISH` rests on English words and is not a number where the text is in another language.
"""

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from align.languages import is_english
from align.style import lexicon
from align.style.ends import closing_of, opening_of
from align.text import code_chars, prose, words

NAN = math.nan
FEWEST_WORDS = 50
"""Rates are taken of so many words at least: a single "I" in ten words is no habit."""
TTR_LIMIT = 0.72
"""Where MTLD begins anew (McCarthy & Jarvis 2010, Behavior Research Methods 42, p. 381)."""

_SENTENCE_END = re.compile(r"(?<=[.!?…])[\"'”’)\]]{0,3}\s+|(?<=[。！？])|\n+")
_LIST_LINE = re.compile(r"\s{0,12}(?:[-*+•]|\d{1,3}[.)])\s")
_HEADING = re.compile(r"\s{0,3}#{1,6}\s|\s{0,3}\*\*[^*\n]{1,80}\*\*:?\s*$")
_PUNCTUATION = re.compile(r"[!-/:-@\[-`{-~¡-¿‐-⁞。、「」，；：？！]")
_EMOJI = re.compile("[\U0001f300-\U0001faff\u2600-\u27bf]|(?<!\\S)[:;]-?[)(DP](?!\\S)")
_LINK = re.compile(r"https?://|\bwww\.")
_VOWELS = re.compile(r"[aeiouy]+")


@dataclass(frozen=True, slots=True)
class Measured:
    """One response in figures."""

    values: dict[str, float]
    """By feature; not a number where a feature cannot be taken."""
    opening: str
    closing: str
    word_counts: Counter[str]
    """How often each word stands in it, for Burrows' Delta."""
    word_total: int
    is_english: bool


ENGLISH = frozenset(
    {"flesch", "first_person", "second_person", "contractions", "hedges", "imperatives", "leftovers", "acknowledgement"}
)
VOICE = ("first_person", "second_person", "contractions", "exclamations", "emoji", "leftovers")
"""Features of the voice, which should be one over all sources."""


def measure(text: str, prompt: str = "") -> Measured:
    """Every feature of a response to `prompt`."""
    plain = prose(text)
    found = words(plain)
    english = is_english(plain)
    lines = [line for line in plain.split("\n") if line.strip()]
    sentences = [part for part in _SENTENCE_END.split(plain) if any(map(str.isalnum, part))]
    values = _shape(text, plain, lines, found) | _sentences(sentences)
    values |= _english(plain, sentences, found, prompt) if english else dict.fromkeys(ENGLISH, NAN)
    return Measured(
        values, opening_of(text, plain, english), closing_of(text, plain, english), Counter(found), len(found), english
    )


def rate(count: int, total: int) -> float:
    """How often in 100 words."""
    return 100 * count / max(total, FEWEST_WORDS)


def mtld(found: Sequence[str]) -> float:
    """How many words it takes until they repeat themselves, read from both ends; not a number below 50 words."""
    if len(found) < FEWEST_WORDS:
        return NAN
    return (_factors(found) + _factors(found[::-1])) / 2


def _factors(found: Sequence[str]) -> float:
    factors = 0.0
    seen: set[str] = set()
    count = 0
    for word in found:
        count += 1
        seen.add(word)
        if len(seen) <= TTR_LIMIT * count:
            factors += 1
            seen, count = set(), 0
    if count:
        factors += (1 - len(seen) / count) / (1 - TTR_LIMIT)
    return len(found) / max(factors, 1.0)


def _shape(text: str, plain: str, lines: list[str], found: list[str]) -> dict[str, float]:
    visible = max(1, len(text) - sum(map(str.isspace, text)))
    chars = max(1, len("".join(plain.split())))
    all_lines = max(1, len(lines))
    return {
        "chars": float(len(text)),
        "words": float(len(found)),
        "paragraphs": float(len([part for part in re.split(r"\n\s*\n", text.strip()) if part])),
        "list_lines": sum(_LIST_LINE.match(line) is not None for line in lines) / all_lines,
        "code": code_chars(text) / visible,
        "headings": float(sum(_HEADING.match(line) is not None for line in lines)),
        "mtld": mtld(found),
        "punctuation": 100 * len(_PUNCTUATION.findall(plain)) / chars,
        "emoji": rate(len(_EMOJI.findall(plain)), len(found)),
        "links": rate(len(_LINK.findall(text)), len(found)),
    }


def _sentences(sentences: list[str]) -> dict[str, float]:
    sizes = [len(sentence.split()) for sentence in sentences]
    count = len(sizes)
    mean = sum(sizes) / count if count else NAN
    spread = (sum((size - mean) ** 2 for size in sizes) / (count - 1)) ** 0.5 if count > 1 else NAN
    ends = [sentence.rstrip("\"'”’) ]*_")[-1:] for sentence in sentences]
    return {
        "sentences": float(count),
        "sentence_words": mean,
        "sentence_spread": spread,
        "questions": sum(end in "?？" for end in ends if end) / max(1, count),
        "exclamations": sum(end in "!！" for end in ends if end) / max(1, count),
    }


def _english(plain: str, sentences: list[str], found: list[str], prompt: str) -> dict[str, float]:
    total = len(found)
    counts = Counter(word.replace("’", "'") for word in found)
    begun = [words(sentence[:60])[:1] for sentence in sentences]
    syllables = sum(_syllables(word) * count for word, count in counts.items())
    return {
        "flesch": 206.835 - 1.015 * total / max(1, len(sentences)) - 84.6 * syllables / total if total else NAN,
        "first_person": rate(sum(counts[word] for word in lexicon.FIRST_PERSON), total),
        "second_person": rate(sum(counts[word] for word in lexicon.SECOND_PERSON), total),
        "contractions": rate(len(lexicon.CONTRACTION.findall(plain)), total),
        "hedges": rate(sum(counts[word] for word in lexicon.HEDGES), total),
        "imperatives": sum(bool(first) and first[0] in lexicon.IMPERATIVES for first in begun) / max(1, len(sentences)),
        "leftovers": rate(len(lexicon.LEFTOVER.findall(plain)), total),
        "acknowledgement": _overlap(sentences[0] if sentences else "", prompt) if prompt else NAN,
    }


def _syllables(word: str) -> int:
    """Groups of vowels, less a silent e at the end; right for about nine English words of ten."""
    count = len(_VOWELS.findall(word))
    return max(1, count - (word.endswith("e") and not word.endswith("le") and count > 1))


def _overlap(sentence: str, prompt: str) -> float:
    """Share of the prompt's content words (four letters or more) that its answer's first sentence takes up."""
    asked = {word for word in words(prompt[:2000]) if len(word) > 3}
    return len(asked & set(words(sentence))) / len(asked) if asked else NAN


def burrows_profile(counts: Counter[str], total: int, profile_words: Sequence[str]) -> list[float]:
    """How often each word of a profile stands in 1,000 words."""
    return [1000 * counts[word] / max(total, 1) for word in profile_words]
