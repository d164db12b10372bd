"""The first person: a response that speaks of its author."""

import re
from functools import cache
from typing import ClassVar, Literal

from align.filters.english import EnglishRule
from align.filters.filter import Drop
from align.filters.spans import Span, around
from align.records import Example
from align.text import prose


class FirstPerson(EnglishRule):
    """Drop responses written in the first person: "I" and "my" (LIMA §2.1) outside code, quotations and formulas.

    I/O, I.e., I-beams, a current I = U/R and the numeral of World War I are no first person.
    """

    kind: Literal["first_person"] = "first_person"
    strict: bool = False
    """Also I'm, I've, I'd, I'll, me, mine and myself; LIMA's own examples hold a few of them."""

    version: ClassVar[int] = 2  # 2: other languages are not judged

    def reason_to_drop(self, example: Example) -> Drop | None:
        for number, turn in enumerate(example.turns):
            if turn.role != "assistant":
                continue
            text = prose(turn.text)
            for found in _pattern(self.strict).finditer(text):
                if found.lastgroup != "pronoun" or not _is_numeral(text, found.start()):
                    said = f"says {found[0].capitalize().replace('’', chr(39))}"
                    return Drop(said, around(turn.text, *found.span()), Span(number, *found.span()))
        return None


# A symbol stands beside an operator (I = U/R), an enumeration ends in a full stop or bracket (I. Scope), and an
# abbreviation goes on after the letter (I/O, I.e., I-95, I's).
_PRONOUN = r"""
    (?P<pronoun>
      (?<![\w.’'/\\@%#&§+=^<>|-]) (?<![\w)]\*) (?<![=+^<>]\ ) I (?![\w/\\@&^=+]|['’]\w|[.-]\w|\*\w|\ ?[=+^<>≈×])
    )
"""
_MY = r"""
    (?<![\w./\\@_-]) (?:my | My(?!\ (?:Documents|Computer|Network|Pictures|Music|Videos|Drive|Account)\b) | MY)
    (?![\w@_]|[./\\-]\w|['’]\w)
"""
_STRICT = r"(?<!\w) (?: I['’](?:m|ve|d|ll) | [Mm]e | [Mm]ine | [Mm]yself ) (?![\w/]|['’]\w|[.-]\w)"

# What a numeral I follows, in lower or upper case.
_NUMBERED = re.compile(
    r"(?i:\b(?:war|part|type|class|phase|stage|level|grade|group|category|table|figure|fig\.|appendix|chapter|book|volume|vol\.|"
    r"section|article|title|act|scene|step|case|theorem|lemma|mark|factor|photosystem|polymerase|complex|calculus|algebra|"
    r"algorithms|physics|chemistry|division|tier|schedule|no\.|number|numeral|letter|pronoun|symbol|current|matrix|interval)\ )$"
    r"|\b(?:Charles|James|George|Napoleon|Elizabeth|Henry|Edward|William|Richard|Frederick|Friedrich|Wilhelm|Nicholas|Alexander|"
    r"Peter|Paul|Mary|Catherine|Francis|Louis|Philip|Ferdinand|Leopold|Otto|Suleiman|Darius|Xerxes|Ptolemy|Ramesses|Leo|Gregory|"
    r"Pius|Clement|Constantine|Justinian|Theodosius|Henri|Umberto|Selim|Mehmed|Murad|Franz Joseph|Khosrow|Seti|Basil)\ $"
)
_OTHER_NUMERALS = re.compile(r"(?:,|,?\ (?:and|or|&|to|through|vs\.?)|\ ?[-–/])\ ?(?:I{2,3}|IV|VI{0,3}|IX|X)\b")
_FIRST_PERSON_VERB = re.compile(
    r"\ (?:am|have|do|did|agree|disagree|believe|could|find|found|get|got|guess|hope|know|like|love|made|mean|must|need|"
    r"prefer|recommend|said|say|see|should|suggest|suppose|think|tried|use|used|want|wonder|would|wrote)\b"
)
_LINE_START = re.compile(r"(?:^|\n)[ #*_>(-]*$")


def _is_numeral(text: str, start: int) -> bool:
    """Whether the I at `start` counts something: World War I, parts I and II, the heading `I. Scope`."""
    before, after = text[max(0, start - 40) : start], text[start + 1 : start + 30]
    if _OTHER_NUMERALS.match(after) or (before.endswith("(") and after.startswith(")")):
        return True
    if _LINE_START.search(before) and re.match(r"\.\ |\)|:|\ [-–—]\ ", after):
        return True
    is_initial = re.search(r"\b[A-Z](?:[a-z]+|\.)\ $", before) is not None and re.match(r"\.\ [A-Z][a-z]+", after) is not None
    return is_initial or (_NUMBERED.search(before) is not None and _FIRST_PERSON_VERB.match(after) is None)


@cache
def _pattern(strict: bool) -> re.Pattern[str]:
    return re.compile("|".join((_PRONOUN, _MY, _STRICT) if strict else (_PRONOUN, _MY)), re.VERBOSE)
