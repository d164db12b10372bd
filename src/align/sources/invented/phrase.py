"""Small grammar of the invented corpus: choices, slots, number, capitals; and a draw that is equal on every Python."""

import random
import re
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")

_CHOICE = re.compile(r"\{([^{}]*)\}")
_NUMBER = re.compile(r"\[([^\]/]*)/([^\]]*)\]")
_SLOT = re.compile(r"<(\w+)>")
_START = re.compile(r"((?:^|\n)(?:- |\d+\. )?\"?|[.?!:] \"|[.?!] )([a-z])")
_SPACES = re.compile(r"(?<=[ \n]) +|(?<=\n\") +")
_ARTICLE = re.compile(r"\b([Aa]) (?=[aeiou])(?!one\b|use|uni|eu)")


class Draw:
    """Random choices that rest on `random()` alone: the one sequence that Python promises never to change."""

    def __init__(self, seed: str) -> None:
        self._random = random.Random(seed).random

    def chance(self, share: float) -> bool:
        """True in that share of the draws."""
        return self._random() < share

    def number(self, low: int, high: int) -> int:
        """A whole number from `low` to `high`, both included."""
        return low + int(self._random() * (high - low + 1))

    def one(self, items: Sequence[T]) -> T:
        """One of `items`."""
        return items[int(self._random() * len(items))]

    def some(self, items: Sequence[T], count: int) -> list[T]:
        """`count` different ones of `items`, in drawn order; all where there are fewer."""
        left = list(items)
        taken: list[T] = []
        while left and len(taken) < count:
            taken.append(left.pop(int(self._random() * len(left))))
        return taken

    def say(self, template: str, **slots: str) -> str:
        """Fill the slots `<name>` of a template, then take one of each `{this/that}`."""
        text = _SLOT.sub(lambda found: slots[found[1]], template)
        while "{" in text:
            text = _CHOICE.sub(lambda found: self.one(found[1].split("/")), text)
        return text


def inflect(text: str, plural: bool) -> str:
    """Take the singular or the plural of each `[is/are]`."""
    return _NUMBER.sub(lambda found: found[2 if plural else 1], text)


def bare(noun: str) -> str:
    """A noun without its article."""
    return re.sub(r"^(a|an|the) ", "", noun)


def listed(items: Sequence[str]) -> str:
    """`a, b and c`."""
    return " and ".join([", ".join(items[:-1]), items[-1]]) if len(items) > 1 else "".join(items)


def polish(text: str) -> str:
    """Capitals at the start of sentences and lines, `an` before a vowel."""
    return _START.sub(lambda found: found[1] + found[2].upper(), _SPACES.sub("", _ARTICLE.sub(r"\1n ", text)))
