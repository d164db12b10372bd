"""What is unusual about a response, in words: `says I, me or my 9 times; its kind 0 to 1 times`."""

from collections.abc import Callable
from typing import NamedTuple

from align.style.features import FEWEST_WORDS


class Range(NamedTuple):
    """What a response has, and what nine of ten in its reference have."""

    value: float
    low: float
    high: float
    words: int
    """Of the response, to turn rates into counts."""


Wording = Callable[[Range], tuple[str, str]]
"""What the response does, and what its kind does."""


def reason(feature: str, found: Range, kind: str) -> str:
    """One sentence without its full stop; `kind` names the reference: `its kind`, `the whole set`."""
    done, usual = WORDINGS[feature](found)
    return f"{done}; {kind} {usual}"


def end_reason(which: str, name: str, share: float, kind: str) -> str:
    """`opens with a list, as 2 % of its kind do`."""
    verb = "opens with" if which == "opening" else "ends with"
    how_many = "hardly any" if share < 0.005 else f"{_percent(share)} %"
    return f"{verb} {name}, as {how_many} of {kind} do"


def _number(verb: str, noun: str, decimals: int = 0) -> Wording:
    def words(found: Range) -> tuple[str, str]:
        low, high = f"{found.low:,.{decimals}f}", f"{found.high:,.{decimals}f}"
        return f"{verb} {found.value:,.{decimals}f} {noun}", f"has {_span(low, high)}"

    return words


def _count(done: str) -> Wording:
    """Of a rate: how often in this response, and how often its kind does so in as many words."""

    def words(found: Range) -> tuple[str, str]:
        size = max(found.words, FEWEST_WORDS) / 100
        low, high = f"{found.low * size:.0f}", f"{found.high * size:.0f}"
        times = round(found.value * size)
        return f"{done} {times} {'time' if times == 1 else 'times'}", f"{_span(low, high)} times in as many words"

    return words


def _share(of: str) -> Wording:
    def words(found: Range) -> tuple[str, str]:
        return f"{_percent(found.value)} % of {of}", f"{_span(_percent(found.low), _percent(found.high))} %"

    return words


def _scale(more: str, less: str, what: str) -> Wording:
    def words(found: Range) -> tuple[str, str]:
        side = more if found.value > found.high else less
        return f"{side} ({what} {found.value:.0f})", f"has {_span(f'{found.low:.0f}', f'{found.high:.0f}')}"

    return words


def _span(low: str, high: str) -> str:
    return low if low == high else f"{low} to {high}"


def _percent(share: float) -> str:
    return f"{100 * share:.0f}"


WORDINGS: dict[str, Wording] = {
    "chars": _number("has", "characters"),
    "words": _number("has", "words"),
    "sentences": _number("has", "sentences"),
    "paragraphs": _number("has", "paragraphs"),
    "sentence_words": _number("has", "words a sentence"),
    "sentence_spread": _scale("its sentences differ more in length", "its sentences differ less in length", "spread in words"),
    "list_lines": _share("its lines are items of a list"),
    "code": _share("it is code"),
    "headings": _number("has", "headings"),
    "mtld": _scale("uses more different words", "repeats its words more", "MTLD"),
    "flesch": _scale("is easier to read", "is harder to read", "Flesch"),
    "punctuation": _number("has", "signs of punctuation in 100 characters", 1),
    "questions": _share("its sentences are questions"),
    "exclamations": _share("its sentences are exclamations"),
    "first_person": _count("says I, me or my"),
    "second_person": _count("says you or your"),
    "contractions": _count("contracts words (it's, don't)"),
    "hedges": _count("hedges (perhaps, usually)"),
    "imperatives": _share("its sentences begin with an instruction"),
    "emoji": _count("uses an emoji"),
    "links": _count("holds an address of the web"),
    "leftovers": _count("talks as on a forum (edit:, hope this helps, @user)"),
    "acknowledgement": _share("the question's words stand in its first sentence"),
    "delta": _number("uses common words in other shares: Burrows' Delta", "", 2),
}

NAMES = {
    "chars": "Characters",
    "words": "Words",
    "sentences": "Sentences",
    "paragraphs": "Paragraphs",
    "sentence_words": "Words a sentence",
    "sentence_spread": "Spread of sentence lengths",
    "list_lines": "Share of lines in lists",
    "code": "Share of code",
    "headings": "Headings",
    "mtld": "Variety of words (MTLD)",
    "flesch": "Reading ease (Flesch)",
    "punctuation": "Punctuation in 100 characters",
    "questions": "Share of questions",
    "exclamations": "Share of exclamations",
    "first_person": "I, me, my in 100 words",
    "second_person": "You, your in 100 words",
    "contractions": "Contractions in 100 words",
    "hedges": "Hedges in 100 words",
    "imperatives": "Share of instructions",
    "emoji": "Emoji in 100 words",
    "links": "Addresses in 100 words",
    "leftovers": "Forum talk in 100 words",
    "acknowledgement": "Question taken up at the start",
}
"""What features are called on a page."""
