"""Which language a text is written in: told offline, by a model that lies in the package py3langid (97 languages, no pickle)."""

from functools import cache, lru_cache
from typing import TYPE_CHECKING, NamedTuple

from align.text import words

if TYPE_CHECKING:
    from py3langid.langid import LanguageIdentifier

READ_CHARS = 4000
"""A longer text is told by its beginning: the answer does not change, and the time is bounded."""
FEW_WORDS = 20
ENGLISH_SHARE = 0.05
"""Of 989 responses of LIMA with `FEW_WORDS` or more, those in other languages have 0.002 or less of `ENGLISH_WORDS`, English ones
0.05 or more, but for three lists; those the model tells."""
_ENGLISH = "the and of that with this you are from have not but which your can they there when would what then their these"
ENGLISH_WORDS = frozenset(_ENGLISH.split())
"""English words that are no words of another common language."""


class Language(NamedTuple):
    """What a text is written in."""

    code: str
    """ISO 639-1, e.g. `en`."""
    confidence: float
    """0 to 1; a number or a name alone is in no language, and gets little."""


def language_of(text: str) -> Language:
    """The language of a text; blank out code and quotations before (`align.text.prose`)."""
    # Half of a surrogate pair is no text, and would not be encoded.
    code, confidence = _identifier().classify(text[:READ_CHARS].encode("utf-8", "replace").decode())
    return Language(str(code), float(confidence))


def known_languages() -> frozenset[str]:
    """The codes of the languages that can be told."""
    return frozenset(map(str, _identifier().labels))


@lru_cache(maxsize=2)
def is_english(text: str) -> bool:
    """Whether rules made of English words can judge a text; a few words alone count as English."""
    found = words(text[:READ_CHARS])
    if len(found) < FEW_WORDS:
        return True
    if sum(word in ENGLISH_WORDS for word in found) >= ENGLISH_SHARE * len(found):
        return True
    language = language_of(text)
    return language.code == "en" or language.confidence < 0.5


@cache
def _identifier() -> "LanguageIdentifier":
    # Heavy: a model of 4.6 MB that takes most of a second to unpack.
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
