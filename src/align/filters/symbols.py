"""Drop what is no running text: symbols, bullets, torn lines (Gopher's rules, Rae et al. 2021, arXiv 2112.11446, table A1)."""

from typing import Literal

from pydantic import Field, PositiveFloat

from align.filters.filter import Drop, Filter
from align.records import Example
from align.text import prose

BULLETS = ("•", "‣", "-", "*", "+", "–")
ELLIPSES = ("...", "…")
FEW_WORDS = 5


class Symbols(Filter):
    """Drops a response, or a document, that breaks one of Gopher's rules on symbols and lines.

    Its rules on length are the filter `length`, on repetition `repetition`. Code, quotations and formulas are not looked at,
    nor is a text of fewer than five words. Made for web pages: of LIMA's 1,000 responses it would drop 20,
    lists of names and tables.
    """

    kind: Literal["symbols"] = "symbols"
    max_symbols_a_word: PositiveFloat = 0.1
    """The most hash signs, or ellipses, a word; headings of Markdown count none. Gopher: 0.1."""
    max_bullet_lines: float = Field(default=0.9, ge=0, le=1)
    """The largest share of lines that begin with a bullet. Gopher: 0.9."""
    max_ellipsis_lines: float = Field(default=0.3, ge=0, le=1)
    """The largest share of lines that end with an ellipsis. Gopher: 0.3."""
    min_words_with_letters: float = Field(default=0.8, ge=0, le=1)
    """The least share of words that hold a letter. Gopher: 0.8."""
    min_mean_word_chars: float = Field(default=3, ge=0)
    """The least mean length of words, where white space parts them. Gopher: 3."""
    max_mean_word_chars: float = Field(default=10, gt=0)
    """The largest mean length of words; scripts that write without spaces are not measured by it. Gopher: 10."""

    def reason_to_drop(self, example: Example) -> Drop | None:
        text = prose(example.turns[-1].text) if example.turns else ""
        lines = [line.strip() for line in text.split("\n") if line.strip()]
        found = [word for line in lines for word in line.lstrip("#").split() if word not in BULLETS]
        if len(found) < FEW_WORDS:
            return None
        return self._symbols(" ".join(line.lstrip("#") for line in lines), len(found)) or self._lines(lines) or self._words(found)

    def _symbols(self, text: str, count: int) -> Drop | None:
        for name, signs in (("hash signs", ("#",)), ("ellipses", ELLIPSES)):
            number = sum(text.count(sign) for sign in signs)
            if number > self.max_symbols_a_word * count:
                return Drop(f"too many {name}", f"{number} in {count} words")
        return None

    def _lines(self, lines: list[str]) -> Drop | None:
        bullets = sum(line.startswith(BULLETS) and not line.startswith("**") for line in lines) / len(lines)
        if bullets > self.max_bullet_lines:
            return Drop("nothing but bullets", f"{bullets:.0%} of {len(lines)} lines")
        torn = sum(line.endswith(ELLIPSES) for line in lines) / len(lines)
        return Drop("torn lines", f"{torn:.0%} of {len(lines)} lines end in ...") if torn > self.max_ellipsis_lines else None

    def _words(self, found: list[str]) -> Drop | None:
        with_letters = sum(any(map(str.isalpha, word)) for word in found) / len(found)
        if with_letters < self.min_words_with_letters:
            return Drop("few words with letters", f"{with_letters:.0%} of {len(found)}")
        signs = "".join(found)
        if (
            sum("\u0e00" <= sign <= "\u0fff" or "\u1000" <= sign <= "\u109f" or "\u3040" <= sign <= "\u9fff" for sign in signs)
            > len(signs) / 2
        ):
            return None
        mean = len(signs) / len(found)
        if mean < self.min_mean_word_chars:
            return Drop("short words", f"{mean:.1f} characters in the mean")
        return Drop("long words", f"{mean:.1f} characters in the mean") if mean > self.max_mean_word_chars else None
