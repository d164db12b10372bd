"""A selection in the order in which it was made, so that its beginning is the smaller selection."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from align.artifact import SCRATCH, Counts, in_words
from align.embed.embedder import Of
from align.errors import EmptyResult, Shortfall
from align.files import RecordWriter, read_records
from align.records import Example, Rejection
from align.selection.spread import write_spread
from align.stage import Inputs

BUCKET = 10_000
"""At most so many examples are in memory while they are put into order."""
NOT_TAKEN = "not taken"
REASONS_SHOWN = 4
"""In an error; details, such as a judge's, can be as many as examples."""


def write_ordered(
    kind: str,
    inputs: Inputs,
    work: Path,
    taken: Sequence[int],
    unfit: Mapping[int, tuple[str, str]],
    wanted: int,
    on: Of = "both",
) -> Counts:
    """Write the examples with the numbers in `taken`, in that order; the others are rejected, `unfit` ones for their reason.

    `on` says what of them the selection went by, which its variety is measured on as well.
    """
    places = {number: place for place, number in enumerate(taken)}
    folders = [work / SCRATCH / f"order-{number:05d}" for number in range(-(-len(taken) // BUCKET))]
    writers = [RecordWriter(folder, Example) for folder in folders]
    positions: list[list[int]] = [[] for _ in folders]
    dropped: Counter[str] = Counter()
    read = 0
    ids: set[str] = set()
    with RecordWriter(work, Rejection) as rejected:
        for number, example in enumerate(inputs.read(Example, "writing the selection")):
            read += 1
            place = places.get(number)
            if place is not None:
                ids.add(example.id)
                writers[place // BUCKET].write(example)
                positions[place // BUCKET].append(place)
                continue
            reason, detail = unfit.get(number, (NOT_TAKEN, ""))
            rejected.write(Rejection(example.id, kind, reason, detail))
            dropped[f"{kind}: {reason}"] += 1
    for writer in writers:
        writer.__exit__(None)
    with RecordWriter(work, Example) as kept:
        for folder, order in zip(folders, positions, strict=True):
            several = sorted(zip(order, read_records(folder, Example), strict=True), key=lambda item: item[0])
            for _, example in several:
                kept.write(example)
    write_spread(inputs, ids, work, on)
    noted = {"missing": wanted - len(taken)} if len(taken) < wanted else {}
    return Counts(read, len(taken), dict(dropped), noted=noted)


def check_enough(kind: str, wanted: int, eligible: int, read: int, unfit: Mapping[int, tuple[str, str]], shortfall: str) -> None:
    """Raise where there are fewer examples than wanted, or none, and say what speaks against the `unfit` ones."""
    why = f" ({_reasons(unfit)})" if unfit else ""
    if eligible < wanted and shortfall == "error":
        less = "Lower `count`, give it more examples, or write `shortfall: report` to go on with what there is."
        raise Shortfall(
            f"wanted {wanted:,} examples, found {eligible:,} of {read:,} that are eligible{why}. "
            f"{less if eligible else 'Give it examples that are.'}"
        )
    if not eligible:
        raise EmptyResult(f"{kind}: 0 of {read:,} examples are eligible{why}")


def _reasons(unfit: Mapping[int, tuple[str, str]]) -> str:
    """The most frequent reasons with their counts; what else there is, in one number."""
    counts = Counter(f"{reason}: {detail}" if detail else reason for reason, detail in unfit.values())
    shown = dict(counts.most_common(REASONS_SHOWN))
    rest = counts.total() - sum(shown.values())
    return in_words(shown) + (f", other reasons {rest:,}" if rest else "")
