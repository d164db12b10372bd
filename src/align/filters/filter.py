"""The family of filters, and the stage that applies them in order."""

from collections import Counter
from pathlib import Path
from typing import Literal, NamedTuple

from align.artifact import Counts
from align.errors import EmptyResult
from align.files import RecordWriter
from align.filters.spans import Span
from align.parts import Part
from align.records import Example, Rejection
from align.stage import Inputs, Stage


class Drop(NamedTuple):
    """Why an example goes: a reason that can be counted, and what exactly was found."""

    reason: str
    detail: str = ""
    span: Span | None = None
    """Where it stands, of a rule that looks for something."""


class Outcome(NamedTuple):
    """What a filter makes of an example."""

    example: Example
    """The example, with what the filter changed in it."""
    drop: Drop | None = None
    notes: tuple[str, ...] = ()
    """What else is to be counted, e.g. `not English: not judged`."""


class Filter(Part):
    """Judges one example by itself."""

    def reason_to_drop(self, example: Example) -> Drop | None:
        """Why to drop `example`, or None to keep it."""
        raise NotImplementedError

    def apply(self, example: Example) -> Outcome:
        """What becomes of `example`; a filter that changes what it keeps, or has something to note, defines this instead."""
        return Outcome(example, self.reason_to_drop(example))

    def measured(self, example: Example) -> str:
        """What the rule measures of `example`, in words (`812 characters`); empty where it measures nothing."""
        return ""


class FilterStage(Stage):
    """Keep the examples that no filter drops; each dropped one is kept as a Rejection with the first filter's reason."""

    kind: Literal["filter"] = "filter"
    filters: tuple[Filter, ...]
    """Applied in order; the first that objects gives the reason."""

    def run(self, inputs: Inputs, work: Path) -> Counts:
        dropped: Counter[str] = Counter()
        noted: Counter[str] = Counter()
        read = 0
        left = [0] * len(self.filters)
        with RecordWriter(work, Example) as kept, RecordWriter(work, Rejection) as rejected:
            for example in inputs.read(Example):
                read += 1
                for number, part in enumerate(self.filters):
                    example, drop, notes = part.apply(example)
                    noted.update(f"{part.kind}: {note}" for note in notes)
                    if drop is not None:
                        rejected.write(Rejection(example.id, part.kind, drop.reason, drop.detail))
                        dropped[f"{part.kind}: {drop.reason}"] += 1
                        break
                    left[number] += 1
                else:
                    kept.write(example)
        if kept.count == 0:
            raise EmptyResult(_empty(self.filters, read, left, work))
        return Counts(read, kept.count, dict(dropped), noted=dict(noted))


def _empty(filters: tuple[Filter, ...], read: int, left: list[int], work: Path) -> str:
    """`0 examples left after first_person: 218 dropped, 0 kept`: names the filter that took the last ones."""
    if read == 0:
        return "0 examples came in: the stage above gave none"
    number = next(number for number, count in enumerate(left) if count == 0)
    came = left[number - 1] if number else read
    return (
        f"0 examples left after {filters[number].kind}: {came:,} dropped, 0 kept (of {read:,} that entered the stage). "
        f"Loosen that filter; the rejections with their reasons lie in {work / 'rejections'}."
    )
