"""Drop responses that shout."""

import re
from typing import Literal

from pydantic import Field

from align.filters.filter import Drop, Filter
from align.records import Example
from align.text import prose

_WORD = re.compile(r"[^\W\d_]{2,}")
FEW_WORDS = 20


class Capitals(Filter):
    """Drops responses, or documents, too many of whose words of two letters or more stand in capitals.

    Code, quotations and formulas are not looked at, nor is a text of fewer than 20 such words. Scripts without capitals
    have none.
    """

    kind: Literal["capitals"] = "capitals"
    max_share: float = Field(default=0.3, ge=0, le=1)
    """The largest share of words in capitals; our number: of LIMA's 1,000 responses the largest is 0.19."""

    def reason_to_drop(self, example: Example) -> Drop | None:
        found = _WORD.findall(prose(example.turns[-1].text)) if example.turns else []
        if len(found) < FEW_WORDS:
            return None
        share = sum(word.isupper() for word in found) / len(found)
        return Drop("in capitals", f"{share:.0%} of {len(found)} words") if share > self.max_share else None
