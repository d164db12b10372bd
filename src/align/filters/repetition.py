"""Text that repeats itself."""

from collections.abc import Sequence
from typing import Literal

from align.filters.filter import Drop, Filter
from align.records import Example
from align.text import prose, words


class Repetition(Filter):
    """Drop responses that say the same again and again; code, quotations and formulas may."""

    kind: Literal["repetition"] = "repetition"
    max_line_share: float = 0.3
    """Most of the lines that may repeat an earlier one, 0 to 1 (Gopher, arXiv 2112.11446, table A1)."""
    max_gram_share: float = 0.15
    """Most of the 5-word sequences that may repeat an earlier one, 0 to 1 (Gopher's share of characters in such sequences)."""

    def reason_to_drop(self, example: Example) -> Drop | None:
        text = prose(example.response)
        lines = [line.strip() for line in text.split("\n") if line.strip()]
        tokens = words(text)
        grams = [tuple(tokens[start : start + 5]) for start in range(len(tokens) - 4)]
        for name, items, most in (("lines", lines, self.max_line_share), ("5-word sequences", grams, self.max_gram_share)):
            share, repeated = _repeats(items)
            if share > most:
                said = repeated if isinstance(repeated, str) else " ".join(repeated)
                return Drop(f"repeated {name}", f"{share:.0%} of at most {most:.0%}, e.g. {said[:80]}")
        return None


def _repeats(items: Sequence[str] | Sequence[tuple[str, ...]]) -> tuple[float, str | tuple[str, ...]]:
    """The share of items that stood before, and the first that did."""
    seen: set[str | tuple[str, ...]] = set()
    again: list[str | tuple[str, ...]] = []
    for item in items:
        if item in seen:
            again.append(item)
        seen.add(item)
    return len(again) / max(1, len(items)), again[0] if again else ""
