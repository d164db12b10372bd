"""Drop responses that are too short or too long (LIMA §2.1: 1,200 to 4,096 characters)."""

from typing import Literal

from pydantic import NonNegativeInt, model_validator

from align.errors import InputError
from align.filters.filter import Drop, Filter
from align.records import Example


class Length(Filter):
    """Keeps responses of `min_chars` to `max_chars` characters, both included."""

    kind: Literal["length"] = "length"
    min_chars: NonNegativeInt = 0
    """The least; LIMA §2.1 has 1,200 for Stack Exchange."""
    max_chars: NonNegativeInt | None = None
    """The most; LIMA §2.1 has 4,096 for Stack Exchange; by default any."""
    of: Literal["cleaned", "raw", "prompt"] = "cleaned"
    """Of the response as it is now, of the raw body it was cleaned from (signal raw_chars), or of the prompt. LIMA does not
    say which of the first two it measured."""

    @model_validator(mode="after")
    def _check_range(self) -> "Length":
        if self.max_chars is not None and self.max_chars < self.min_chars:
            raise ValueError(f"max_chars {self.max_chars:,} is below min_chars {self.min_chars:,}, so nothing would be kept")
        return self

    def reason_to_drop(self, example: Example) -> Drop | None:
        chars = self._chars(example)
        if chars < self.min_chars:
            return Drop(f"below {self.min_chars:,} characters", f"{chars:,}")
        if self.max_chars is not None and chars > self.max_chars:
            return Drop(f"above {self.max_chars:,} characters", f"{chars:,}")
        return None

    def measured(self, example: Example) -> str:
        return f"{self._chars(example):,} characters"

    def _chars(self, example: Example) -> int:
        if self.of == "prompt":
            return len(example.prompt)
        if self.of == "cleaned":
            return len(example.response)
        if "raw_chars" not in example.signals:
            raise InputError(
                f"example {example.id}: length: it has no signal 'raw_chars'; measure `of: cleaned`, or filter its source apart."
            )
        return int(example.signals["raw_chars"])
