"""Drop responses that are not written in a wanted language."""

from typing import Literal

from pydantic import Field, NonNegativeInt, field_validator

from align.filters.filter import Drop, Filter, Outcome
from align.languages import known_languages, language_of
from align.parts import nearest
from align.records import Example
from align.text import prose

TOO_SHORT = "too short to tell"
UNCLEAR = "language unclear"


class InLanguage(Filter):
    """Keeps responses, documents and prompts alone that are written in one of some languages.

    Code, quotations and formulas are not looked at. py3langid tells 97 languages, offline.
    """

    kind: Literal["language"] = "language"
    keep: tuple[str, ...] = Field(default=("en",), min_length=1)
    """The wanted languages as ISO 639-1 codes, e.g. [en, de]."""
    min_confidence: float = Field(default=0.5, ge=0, le=1)
    """A language told with less than this is counted as `language unclear`."""
    min_letters: NonNegativeInt = 30
    """A text with fewer letters than this outside code is counted as `too short to tell`."""
    unclear: Literal["keep", "drop"] = "keep"
    """What to do with either. Of LIMA's 1,000 responses 4 are unclear, all of them English with little but code."""

    @field_validator("keep")
    @classmethod
    def _check_codes(cls, keep: tuple[str, ...]) -> tuple[str, ...]:
        for code in keep:
            if code not in known_languages():
                raise ValueError(f"no language is called {code!r}; {nearest(code, known_languages())}")
        return keep

    def apply(self, example: Example) -> Outcome:
        last = example.turns[-1].text if example.turns else ""
        text = prose(last)
        letters = sum(map(str.isalpha, text))
        # A Chinese character says about as much as three letters do.
        if letters + 2 * sum("\u3040" <= sign <= "\u9fff" or "\uac00" <= sign <= "\ud7a3" for sign in text) < self.min_letters:
            return self._untold(example, Drop(TOO_SHORT, f"{letters} letters outside code"))
        code, confidence = language_of(text)
        if confidence < self.min_confidence:
            return self._untold(example, Drop(UNCLEAR, f"{code} with a confidence of {confidence:.2f}"))
        if code not in self.keep:
            return Outcome(example, Drop(f"written in {code}", f"with a confidence of {confidence:.2f}"))
        return Outcome(example)

    def _untold(self, example: Example, drop: Drop) -> Outcome:
        return Outcome(example, drop) if self.unclear == "drop" else Outcome(example, notes=(drop.reason,))

    def reason_to_drop(self, example: Example) -> Drop | None:
        return self.apply(example).drop
