"""Private data: addresses, numbers and keys that belong to somebody and have no place in a training set."""

from collections import Counter
from dataclasses import replace
from typing import Literal

from pydantic import field_validator

from align.filters.filter import Drop, Filter, Outcome
from align.filters.private_patterns import PATTERNS, Found, find_private
from align.filters.spans import Span
from align.parts import nearest
from align.records import Example, Turn

REDACTED = "redacted"
"""Tag of an example in which something was masked."""
SHOWN_CHARS = 30


class PrivateData(Filter):
    """Find e-mail and IP addresses, telephone numbers, IBANs, credit cards and secret keys in every turn; drop or mask them.

    Numbers are checked (Luhn, IBAN's remainder, the range of an octet), and what is reserved for documentation (example.org,
    192.0.2.0/24, 555-0100, Stripe's and AWS's sample keys) is nobody's. Names and street addresses are not looked for.
    """

    kind: Literal["private_data"] = "private_data"
    action: Literal["drop", "redact"] = "drop"
    """`redact` writes [e-mail], [telephone], ... instead, gives the tag `redacted`, and says so in origin.modified, as the
    licences of most dumps ask for."""
    allow: tuple[str, ...] = ()
    """What is none for you, of: e-mail, telephone, iban, credit card, ip address, secret key."""

    @field_validator("allow")
    @classmethod
    def _check_names(cls, allow: tuple[str, ...]) -> tuple[str, ...]:
        for name in allow:
            if name not in PATTERNS:
                raise ValueError(f"nothing private is called {name!r}; {nearest(name, PATTERNS)}")
        return allow

    def apply(self, example: Example) -> Outcome:
        found = [find_private(turn.text, self.allow) for turn in example.turns]
        everything = [item for several in found for item in several]
        if not everything:
            return Outcome(example)
        if self.action == "drop":
            number, first = next((number, several[0]) for number, several in enumerate(found) if several)
            detail = _masked_around(example.turns[number].text, first)
            return Outcome(example, Drop(first.name, detail, Span(number, first.start, first.end)))
        turns = tuple(Turn(turn.role, redact(turn.text, several)) for turn, several in zip(example.turns, found, strict=True))
        return Outcome(_as_edited(example, turns, everything), notes=(REDACTED,))

    def reason_to_drop(self, example: Example) -> Drop | None:
        return self.apply(example).drop


def redact(text: str, found: list[Found]) -> str:
    """The text with `[e-mail]` and the like where something private stood."""
    parts = []
    end = 0
    for item in found:
        parts += [text[end : item.start], f"[{item.name}]"]
        end = item.end
    return "".join([*parts, text[end:]])


def mask(secret: str) -> str:
    """`a…g`: enough to find it again, too little to use it."""
    return f"{secret[0]}…{secret[-1]}" if len(secret) > 4 else "…"


def _masked_around(text: str, found: Found) -> str:
    """The span with its neighbourhood, all private data in it masked, that which its rim cuts too."""
    start, end = max(0, found.start - SHOWN_CHARS), min(len(text), found.end + SHOWN_CHARS)
    parts = ["…" * (start > 0)]
    place = start
    for item in find_private(text):
        if item.end <= start or item.start >= end:
            continue
        shown = mask(text[found.start : found.end]) if item == found else item.name
        parts += [text[place : max(place, item.start)], f"[{shown}]"]
        place = item.end
    return " ".join("".join([*parts, text[place:end], "…" * (end < len(text))]).split())


def _as_edited(example: Example, turns: tuple[Turn, ...], found: list[Found]) -> Example:
    counts = Counter(item.name for item in found)
    said = f"{REDACTED}: {', '.join(f'{count} {name}' for name, count in sorted(counts.items()))}"
    modified = "; ".join(filter(None, (example.origin.modified, said)))
    tags = example.tags if REDACTED in example.tags else (*example.tags, REDACTED)
    return replace(example, turns=turns, origin=replace(example.origin, modified=modified), tags=tags)
