"""Drop texts that repeat themselves (Gopher's rule, Rae et al. 2021, arXiv 2112.11446, table A1)."""

from collections import Counter
from typing import Literal

from pydantic import Field, PositiveInt

from align.filters.filter import Drop, Filter
from align.records import Example
from align.text import prose, words


class Repetition(Filter):
    """Drops a response, or a document, too many of whose n-grams of words occur more than once; code may repeat itself."""

    kind: Literal["repetition"] = "repetition"
    size: PositiveInt = 5
    """Words in an n-gram."""
    max_share: float = Field(default=0.15, ge=0, le=1)
    """The largest share of n-grams that may be repeats of an earlier one. Gopher allows 0.15 of characters in 5-grams."""

    def reason_to_drop(self, example: Example) -> Drop | None:
        text = example.response or " ".join(turn.text for turn in example.turns if turn.role == "document")
        found = words(prose(text))
        grams = Counter(tuple(found[start : start + self.size]) for start in range(len(found) - self.size + 1))
        total = grams.total()
        share = (total - len(grams)) / total if total else 0.0
        if share <= self.max_share:
            return None
        most, count = grams.most_common(1)[0]
        return Drop("repeats itself", f"{share:.0%} of {self.size}-grams; {' '.join(most)!r} {count} times")
