"""What two duplicates have in common, which of them stays, and the record of the one that goes."""

from pathlib import Path
from typing import Literal

from align.artifact import Counts
from align.errors import EmptyResult, RecipeError
from align.files import RecordWriter
from align.records import Example, Rejection, Turn
from align.stage import Inputs
from align.text import normalize

Compared = Literal["prompt", "response", "both"]
Rank = tuple[float, int]
"""Sorts duplicates, best first."""

DUPLICATE = "duplicate"
NOT_COMPARED = "nothing to compare"


def compared_text(example: Example, on: Compared) -> str:
    """The normalised text that is compared; empty where the example has none of it.

    The prompt is all that stands before the last response, so two dialogues that open with "Hi!" are not one. A document
    is its own prompt.
    """
    texts = [normalize(turn.text) for turn in compared_turns(example, on)]
    return "\n".join(texts) if any(texts) else ""


def compared_turns(example: Example, on: Compared) -> tuple[Turn, ...]:
    """The turns whose texts are compared."""
    turns = example.turns
    answered = bool(turns) and turns[-1].role == "assistant"
    if on == "response":
        return turns[-1:] if answered else ()
    if on == "prompt" and answered:
        return turns[:-1]
    return turns


def rank_of(example: Example, keep: str, number: int) -> Rank:
    """Where an example, the `number`th that was read, stands among its duplicates."""
    value = 0.0 if keep == "first" else example.signals.get(keep)
    return (float("inf") if value is None else -value), number


def check_signal(kind: str, keep: str, inputs: Inputs) -> None:
    """Raise where `keep` names a signal that no example has."""
    known: set[str] = set()
    for example in inputs.read(Example):
        if keep == "first" or keep in example.signals:
            return
        known.update(example.signals)
    if known or inputs.count(Example):
        raise RecipeError(
            f"{kind}: keep: no example has a signal {keep!r} to prefer one duplicate to another by; "
            f"write one of these: {', '.join(['first', *sorted(known)])}."
        )


def write_unique(kind: str, inputs: Inputs, work: Path, details: dict[int, str], noted: dict[str, int]) -> Counts:
    """Keep every example but those whose number stands in `details`, which says of what each is a duplicate."""
    read = 0
    with RecordWriter(work, Example) as kept, RecordWriter(work, Rejection) as rejected:
        for number, example in enumerate(inputs.read(Example, "writing examples")):
            read += 1
            if number in details:
                rejected.write(Rejection(example.id, kind, DUPLICATE, details[number]))
            else:
                kept.write(example)
    if read == 0:
        raise EmptyResult(f"{kind}: 0 examples came in: the stage above gave none")
    dropped = {f"{kind}: {DUPLICATE}": len(details)} if details else {}
    return Counts(read, kept.count, dropped, noted={reason: count for reason, count in noted.items() if count})
