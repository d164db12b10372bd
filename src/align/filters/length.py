"""The length of the response."""

from typing import Literal

from pydantic import model_validator

from align.filters.filter import Drop, Filter
from align.filters.score import signal_of
from align.records import Example


class Length(Filter):
    """Keep responses of a moderate length; LIMA §2.1 took 1,200 to 4,096 characters of Stack Exchange."""

    kind: Literal["length"] = "length"
    min_chars: int = 1200
    """Drop shorter responses (LIMA §2.1)."""
    max_chars: int | None = 4096
    """Drop longer ones (LIMA §2.1); null for no limit."""
    of: Literal["cleaned", "raw"] = "cleaned"
    """Measure the response as it is here, or the HTML it was made from (the signal raw_chars): the paper does not say which it took."""

    @model_validator(mode="after")
    def _check_range(self) -> "Length":
        if self.max_chars is not None and self.max_chars < self.min_chars:
            raise ValueError(f"max_chars {self.max_chars:,} is below min_chars {self.min_chars:,}, so nothing would be kept")
        return self

    def reason_to_drop(self, example: Example) -> Drop | None:
        chars = len(example.response) if self.of == "cleaned" else int(signal_of(example, "raw_chars", self.kind))
        if chars < self.min_chars:
            return Drop("too short", f"{chars:,} of at least {self.min_chars:,} characters")
        if self.max_chars is not None and chars > self.max_chars:
            return Drop("too long", f"{chars:,} of at most {self.max_chars:,} characters")
        return None
