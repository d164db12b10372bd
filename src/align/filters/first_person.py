"""Drop responses written in the first person (LIMA §2.1: "I", "my")."""

import re
from typing import Literal

from align.filters.filter import Drop, Filter
from align.filters.spans import around
from align.records import Example
from align.text import prose

_ANY_CASE = r"[Mm]y|MY"
_STRICT = r"I['’](?:m|ve|d|ll)|[Mm]e|[Mm]ine|[Mm]yself"

_NUMERAL_BEFORE = re.compile(
    r"(?:\b(?:World\s+War|War|Type|Part|Phase|Class|Chapter|Section|Volume|Vol\.|Book|Act|Scene|Grade|Level|Stage|Group|Category|Figure|"
    r"Fig\.|Table|Appendix|Article|Title|Division|Tier|Step|Round|Mark|Model|Unit|Elizabeth|Charles|James|William|George|Francis|"
    r"Frederick|Nicholas|Napoleon|Pope\s+\w+|King\s+\w+|Queen\s+\w+|Emperor\s+\w+|Tsar\s+\w+|Form|Schedule|Calculus|Algebra|Analysis)\s+)$"
)
_NO_PRONOUN_AFTER = re.compile(
    r"/[A-Z0-9]|\.\s?[a-zA-Z]\.|\.e\b|[.)]\s|[-–][A-Za-z0-9]|['’]s\b|\s*(?:=|\^|[+*/<>≤≥]\s)|\s+(?:and|to|or|through|–|-)\s+[IVX]{2,}\b"
)
_LIST_START = re.compile(r"(?:^|\n)[ \t]*(?:[-*+]\s+)?\(?$")


class FirstPerson(Filter):
    """Drops a response that says I or my outside code, quotations and formulas.

    I/O, I.e., World War I, an enumeration's I. and other roman numerals say nothing of a person. Knows English only.
    """

    kind: Literal["first_person"] = "first_person"
    strict: bool = False
    """Also look for I'm, I've, I'd, I'll, me, mine, myself. LIMA's list is "I", "my", ...; its real set holds contractions."""

    def reason_to_drop(self, example: Example) -> Drop | None:
        text = prose(example.response)
        for match in (_STRICT_WORDS if self.strict else _WORDS).finditer(text):
            if match[0] == "I" and not _is_pronoun(text, match.start()):
                continue
            return Drop(f"says {match[0].capitalize().replace('’', chr(39))}", around(example.response, *match.span()))
        return None


# I' begins I'm and its like, which only the strict rule counts; I- and -I are parts of names.
_WORDS = re.compile(rf"(?<![\w'’.-])(?:I(?![\w'’])|(?:{_ANY_CASE})(?![\w'’-]))")
_STRICT_WORDS = re.compile(rf"(?<![\w'’.-])(?:(?:{_STRICT})(?![\w-])|I(?![\w'’])|(?:{_ANY_CASE})(?![\w'’-]))")


def _is_pronoun(text: str, place: int) -> bool:
    before, after = text[max(0, place - 40) : place], text[place + 1 : place + 12]
    if _NUMERAL_BEFORE.search(before):
        return False
    if _LIST_START.search(before) and re.match(r"[.):]", after):
        return False
    return not _NO_PRONOUN_AFTER.match(after)
