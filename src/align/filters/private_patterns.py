"""What private data looks like, and the checks that tell it from other numbers.

Every pattern is bounded, so that no text takes more than time in proportion to its length.
"""

import ipaddress
import re
from collections.abc import Callable
from functools import cache
from typing import NamedTuple


class Found(NamedTuple):
    """Something private: what, and where."""

    name: str
    start: int
    end: int


class Pattern(NamedTuple):
    """How one kind of private data is found."""

    signs: tuple[str, ...]
    """The pattern is only tried where one of these stands in the text; empty: where there are digits."""
    pattern: str
    is_real: Callable[[str], bool]
    """Whether a match is what it looks like."""


def find_private(text: str, allow: tuple[str, ...] = ()) -> list[Found]:
    """Everything private in a text, in order; of two that overlap the one whose pattern comes first."""
    found: list[Found] = []
    has_digits = _DIGIT.search(text) is not None
    for name, (signs, pattern, is_real) in PATTERNS.items():
        if name in allow or not (any(sign in text for sign in signs) if signs else has_digits):
            continue
        for match in _compiled(pattern).finditer(text):
            start, end = match.span()
            if is_real(match[0]) and all(end <= other.start or start >= other.end for other in found):
                found.append(Found(name, start, end))
    return sorted(found, key=lambda item: item.start)


def passes_luhn(digits: str) -> bool:
    """The check digit of credit cards (ISO/IEC 7812-1, annex B)."""
    doubled = [int(digit) * (1 + number % 2) for number, digit in enumerate(reversed(digits))]
    return sum(value - 9 * (value > 9) for value in doubled) % 10 == 0


def passes_iban(iban: str) -> bool:
    """The check digits of an IBAN (ISO 13616): the rest by 97 is 1."""
    return int("".join(str(int(sign, 36)) for sign in iban[4:] + iban[:4])) % 97 == 1


_IBAN_LENGTHS = """
    AD:24 AE:23 AL:28 AT:20 AZ:28 BA:20 BE:16 BG:22 BH:22 BR:29 CH:21 CR:22 CY:28 CZ:24 DE:22 DK:18 DO:28 EE:20
    EG:29 ES:24 FI:18 FO:18 FR:27 GB:22 GE:22 GI:23 GL:18 GR:27 GT:28 HR:21 HU:28 IE:22 IL:23 IS:26 IT:27 JO:30
    KW:30 KZ:20 LB:28 LI:21 LT:20 LU:20 LV:21 MC:27 MD:24 ME:22 MK:19 MT:31 NL:18 NO:15 PK:24 PL:28 PT:25 QA:29
    RO:24 RS:22 SA:24 SE:24 SI:19 SK:24 SM:27 TN:24 TR:26 UA:29 VA:22 XK:20
"""
_IBAN_CHARS = dict(entry.split(":") for entry in _IBAN_LENGTHS.split())
_CARD = re.compile(r"4\d{12}(?:\d{3}){0,2}|5[1-5]\d{14}|2[2-7]\d{14}|3[47]\d{13}|3(?:0[0-5]|[68]\d)\d{11}|6(?:011|5\d\d)\d{12}")
"""Visa, Mastercard (two ranges), American Express, Diners Club, Discover, by their first digits."""
_SAMPLE_CARDS = {"4242424242424242", "4111111111111111", "5555555555554444", "378282246310005", "6011111111111117"}
"""The numbers that every payment service prints in its documentation."""
_RESERVED_MAIL = re.compile(
    r"(?i)@(?:[\w-]{1,63}\.){0,4}(?:example(?:\.\w{2,3})?|test|invalid|localhost|local|domain\.\w{2,3}|(?:your|my|some)\w{0,20}\.\w{2,3})$"
    r"|^([a-z])\1{2,}@|^(?:git|root|hg|svn|user|username|noreply|no-reply)@"
)
_SAMPLE_KEY = re.compile(r"(?i)example|sample|placeholder|your|xxxx|0000|1234|abcd|\*\*\*|\.\.\.")


def _is_mail(text: str) -> bool:
    return _RESERVED_MAIL.search(text) is None


def _is_card(text: str) -> bool:
    digits = re.sub(r"\D", "", text)
    return _CARD.fullmatch(digits) is not None and passes_luhn(digits) and digits not in _SAMPLE_CARDS


def _is_iban(text: str) -> bool:
    iban = re.sub(r"\s", "", text)
    return _IBAN_CHARS.get(iban[:2]) == str(len(iban)) and passes_iban(iban)


def _is_address(text: str) -> bool:
    """Whether it is the address of a machine somewhere, and not one of a home network, a mask or of the documentation."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    return address.is_global and not address.is_multicast and text not in _KNOWN_SERVERS


_KNOWN_SERVERS = {"8.8.8.8", "8.8.4.4", "1.1.1.1", "1.0.0.1", "9.9.9.9", "208.67.222.222", "208.67.220.220"}
"""Public name servers, which every answer on networks names."""


def _is_telephone(text: str) -> bool:
    """Of 8 to 15 digits (E.164), not one of 555-0100 to 555-0199, and not toll-free, as those of help lines and firms are."""
    digits = re.sub(r"\D", "", text)
    is_nobodys = re.fullmatch(r"1?(?:\d{3}55501\d\d|8(?:00|33|44|55|66|77|88)\d{7})", digits) is not None
    return 8 <= len(digits) <= 15 and not is_nobodys and len(set(digits)) > 2


def _is_key(text: str) -> bool:
    return _SAMPLE_KEY.search(text) is None


PATTERNS: dict[str, Pattern] = {
    "secret key": Pattern(
        ("PRIVATE KEY", "AKIA", "ASIA", "ghp_", "gho_", "ghs_", "github_pat_", "glpat-", "sk-", "sk_live_", "rk_live_", "xox",
         "AIza", "hf_", "npm_", "pypi-", "SG.", "eyJ"),
        r"-----BEGIN (?:[A-Z0-9]{1,12} ){0,3}PRIVATE KEY(?: BLOCK)?-----(?:(?!-----END)[\s\S]){0,20000}"
        r"(?:-----END (?:[A-Z0-9]{1,12} ){0,3}PRIVATE KEY(?: BLOCK)?-----)?"
        r"|\b(?:AKIA|ASIA)[0-9A-Z]{16}\b|\bgh[pos]_[A-Za-z0-9]{36,255}\b|\bgithub_pat_\w{60,100}\b|\bglpat-[\w-]{20,64}"
        r"|\bsk-(?:proj-|ant-)?[A-Za-z0-9_-]{20,200}\b|\b[sr]k_live_[A-Za-z0-9]{20,120}\b|\bxox[abprs]-[A-Za-z0-9-]{10,120}\b"
        r"|\bAIza[\w-]{35}|\bhf_[A-Za-z0-9]{30,40}\b|\bnpm_[A-Za-z0-9]{36}\b|\bpypi-[\w-]{50,250}|\bSG\.[\w-]{22}\.[\w-]{43}"
        r"|\beyJ[\w-]{10,2000}\.eyJ[\w-]{10,4000}\.[\w-]{20,2000}",
        _is_key,
    ),
    "e-mail": Pattern(
        ("@",),
        r"(?<![\w.+%/:-])[A-Za-z0-9][\w.+%-]{0,63}@(?:[A-Za-z0-9][A-Za-z0-9-]{0,62}\.){1,5}[A-Za-z]{2,24}(?![\w-]|\.\w)",
        _is_mail,
    ),
    "iban": Pattern((), r"(?<!\w)[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?(?!\w)", _is_iban),
    "credit card": Pattern((), r"(?<![\w.,-])\d(?:[ -]?\d){12,18}(?![\w-]|[.,]\d)", _is_card),
    "ip address": Pattern(
        (".", ":"),
        r"(?<![\w.:/§-])(?:\d{1,3}\.){3}\d{1,3}(?![\w-]|\.\d)|(?<![\w.:])(?:[0-9A-Fa-f]{1,4}:){3,7}(?::?[0-9A-Fa-f]{1,4}){1,4}(?![\w:])",
        _is_address,
    ),
    "telephone": Pattern(
        (),
        # With a country, as people write it; or with a bracketed or separated area code of North America.
        r"(?<![\w.,+*/=^-])\+\d{1,3}(?:[ .-]?\(?\d{1,4}\)?){2,6}(?![\w]|[.,]\d)"
        r"|(?<![\w.,+*/=^-])(?:1[ .-])?(?:\(\d{3}\) ?|\d{3}[.-])\d{3}[.-]\d{4}(?![\w]|[.,-]\d)",
        _is_telephone,
    ),
}  # fmt: skip
"""What is looked for, by name, in this order."""
_DIGIT = re.compile(r"\d{3}")


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)
