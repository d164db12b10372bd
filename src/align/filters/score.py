"""A number about the example: its score, its views, whether it is closed."""

from typing import Literal

from pydantic import model_validator

from align.errors import InputError
from align.filters.filter import Drop, Filter
from align.parts import nearest
from align.records import Example


class Score(Filter):
    """Keep examples whose signal lies within bounds; LIMA §2.1 took answers with a score of at least 10."""

    kind: Literal["score"] = "score"
    min: float | None = None
    """Drop examples below."""
    max: float | None = None
    """Drop examples above; {signal: is_closed, max: 0} drops closed questions."""
    signal: str = "answer_score"
    """Which of the example's signals; an example without it is an error."""

    @model_validator(mode="after")
    def _check_bounds(self) -> "Score":
        if self.min is None and self.max is None:
            raise ValueError("write min, max or both; without a bound nothing would be dropped")
        if self.min is not None and self.max is not None and self.max < self.min:
            raise ValueError(f"max {self.max:g} is below min {self.min:g}, so nothing would be kept")
        return self

    def reason_to_drop(self, example: Example) -> Drop | None:
        value = signal_of(example, self.signal, self.kind)
        if self.min is not None and value < self.min:
            return Drop(f"{self.signal} too low", f"{value:g} of at least {self.min:g}")
        if self.max is not None and value > self.max:
            return Drop(f"{self.signal} too high", f"{value:g} of at most {self.max:g}")
        return None


def signal_of(example: Example, signal: str, kind: str) -> float:
    """A signal of an example; one that is not there is the user's mistake, not a zero."""
    if signal not in example.signals:
        raise InputError(
            f"filter {kind}: example {example.id} (source {example.origin.source}) has no signal {signal!r}; "
            f"{nearest(signal, example.signals)}. Filter only the source that has it, before sources are mixed."
        )
    return example.signals[signal]
