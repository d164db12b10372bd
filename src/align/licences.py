"""Licences: what a record stands under, whether its text may be passed on, and what is asked of whoever does."""

import re
from typing import NamedTuple

from align.records import Origin

UNSTATED = "not stated"

_OPEN = re.compile(
    r"CC0( 1\.0)?( UNIVERSAL)?"
    r"|CC BY( SA)?( [1-4]\.[05])?( INTERNATIONAL| UNPORTED)?"
    r"|(ODC )?PDDL( 1\.0)?"
    r"|MIT( LICENSE)?"
    r"|APACHE( LICENSE,?)?( VERSION)? 2(\.0)?"
)


class Terms(NamedTuple):
    """What is known of a licence."""

    hub_id: str
    """As the Hugging Face hub calls it."""
    url: str
    asks: str
    """In a sentence, for people; the text at `url` is what counts."""


def licence_of(origin: Origin) -> str:
    """The licences of all authors, `CC BY-SA 3.0 + CC BY-SA 4.0` where they differ; `not stated` where one of them has none."""
    names = {author.license.strip() or UNSTATED for author in origin.authors}
    return " + ".join(sorted(names)) or UNSTATED


def is_open(licence: str) -> bool:
    """Whether a text may be passed on as it is: CC0, CC BY, CC BY-SA, PDDL, MIT and Apache 2.0, of every author."""
    return all(_OPEN.fullmatch(_plain(name)) for name in licence.split(" + "))


def terms_of(licence: str) -> Terms:
    """What one licence (no sum of several) asks; of one that is not known, nothing."""
    name = _plain(licence)
    found = re.fullmatch(r"CC BY(?P<more>(?: (?:SA|NC|ND))*)(?: (?P<version>[1-4]\.[05]))?(?: INTERNATIONAL| UNPORTED)?", name)
    if found:
        more = found["more"].strip().lower().replace(" ", "-")
        code = f"by-{more}" if more else "by"
        version = found["version"] or "4.0"
        asks = ["name the authors, link the licence, say what was changed"]
        asks += ["pass adaptations on under the same licence"] * ("sa" in more)
        asks += ["no commercial use"] * ("nc" in more) + ["no adaptations"] * ("nd" in more)
        hub_id = f"cc-{code}-{version}" if found["version"] else f"cc-{code}-4.0"
        return Terms(hub_id, f"https://creativecommons.org/licenses/{code}/{version}/", "; ".join(asks))
    known = (terms for start, terms in _KNOWN.items() if name.startswith(start) and _OPEN.fullmatch(name))
    return next(known, Terms("other", "", "nothing is granted that its owners do not say"))


_KNOWN = {
    "CC0": Terms("cc0-1.0", "https://creativecommons.org/publicdomain/zero/1.0/", "nothing"),
    "PDDL": Terms("pddl", "https://opendatacommons.org/licenses/pddl/1-0/", "nothing"),
    "ODC PDDL": Terms("pddl", "https://opendatacommons.org/licenses/pddl/1-0/", "nothing"),
    "MIT": Terms("mit", "https://opensource.org/license/mit", "keep the copyright notice and the licence"),
    "APACHE": Terms(
        "apache-2.0", "https://www.apache.org/licenses/LICENSE-2.0", "keep the licence and the notices, say what was changed"
    ),
}


def _plain(licence: str) -> str:
    """One spelling: `cc-by_sa 4.0` is `CC BY SA 4.0`."""
    return " ".join(re.sub(r"[-_\s]+", " ", licence).upper().split())
