"""Drop examples below a score (LIMA §2.1: the top answer, if its score is at least 10)."""

from typing import Literal

from pydantic import model_validator

from align.errors import InputError
from align.filters.filter import Drop, Filter
from align.parts import nearest
from align.records import Example


class Score(Filter):
    """Keeps examples whose signal lies between `min` and `max`, both included."""

    kind: Literal["score"] = "score"
    min: float | None = None
    """The least; LIMA §2.1 has 10 votes."""
    max: float | None = None
    """The most; by default any."""
    signal: str = "answer_score"
    """Which number about the example: answer_score and question_score are votes."""

    @model_validator(mode="after")
    def _check_bounds(self) -> "Score":
        if self.min is None and self.max is None:
            raise ValueError("write min, max or both; without a bound nothing would be dropped")
        if self.min is not None and self.max is not None and self.max < self.min:
            raise ValueError(f"max {self.max:g} is below min {self.min:g}, so nothing would be kept")
        return self

    def reason_to_drop(self, example: Example) -> Drop | None:
        if self.signal not in example.signals:
            raise InputError(
                f"example {example.id}: score: it has no signal {self.signal!r}; {nearest(self.signal, example.signals)}. "
                f"Filter sources without it in a stage of their own."
            )
        value = example.signals[self.signal]
        if self.min is not None and value < self.min:
            return Drop(f"{self.signal} below {self.min:g}", f"{value:g}")
        if self.max is not None and value > self.max:
            return Drop(f"{self.signal} above {self.max:g}", f"{value:g}")
        return None

    def measured(self, example: Example) -> str:
        return f"{self.signal} {example.signals[self.signal]:g}" if self.signal in example.signals else ""
