"""The `lima_table` stage: a built set beside table 1 of LIMA, row by row."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

from align.artifact import Artifact, Counts
from align.errors import RecipeError
from align.files import RecordWriter
from align.parts import RawFile, StageName
from align.progress import track
from align.records import Example, Measurement
from align.report.datasets import tokenizer_of
from align.report.lima import EXAMPLES, INPUT, OUTPUT, TABLE_1
from align.stage import Inputs, Stage
from align.strata import read_groups, site_of

SPLITS = ("train", "dev", "test")


@dataclass(slots=True)
class _Sums:
    examples: int = 0
    asked: int = 0
    answered: int = 0
    responses: int = 0


class LimaTable(Stage):
    """Count the examples of each source and split as LIMA's table 1 does, with the mean length of prompts and responses.

    The report shows it beside the paper's; what a source lacks stands in the funnel, too. It keeps no records and drops none.
    """

    kind: Literal["lima_table"] = "lima_table"
    train: StageName
    """The set to train on (LIMA: 1,000)."""
    dev: StageName | None = None
    """The prompts by which a checkpoint is picked (LIMA: 50)."""
    test: StageName | None = None
    """The prompts for the final judgement (LIMA: 300)."""
    groups: RawFile
    """YAML file that says which exchanges are `stem` and which `other`."""
    tokenizer: StageName | None = None
    """A stage with a tokenizer, to count tokens, as the paper does with LLaMA's; by default words between blanks are counted."""

    reads: ClassVar[Literal["none", "previous", "all"]] = "none"

    def run(self, inputs: Inputs, work: Path) -> Counts:
        lengths, unit = _counter(inputs.named.get("tokenizer"))
        owners = {site: group for group, sites in read_groups(self.groups).items() for site in sites}
        read = 0
        missing: dict[str, int] = {}
        with RecordWriter(work, Measurement) as writer:
            for split in SPLITS:
                artifact = inputs.named.get(split)
                if artifact is None:
                    continue
                sums = _sums(artifact, split, owners, lengths)
                read += artifact.count(Example)
                for subject, found in sums.items():
                    for figure in _figures(subject, found, unit):
                        writer.write(figure)
                for row in TABLE_1:
                    subject = f"{row.split}: {row.source}"
                    if row.split == split and sums[subject].examples < row.examples:
                        missing[f"missing of {subject}"] = row.examples - sums[subject].examples
        return Counts(read, read, noted=missing)


def _figures(subject: str, found: _Sums, unit: str) -> Iterator[Measurement]:
    yield Measurement(EXAMPLES, subject, float(found.examples), count=found.examples)
    if found.examples:
        yield Measurement(INPUT, subject, round(found.asked / found.examples, 1), count=found.examples, method=unit)
    if found.responses:
        yield Measurement(OUTPUT, subject, round(found.answered / found.responses, 1), count=found.responses, method=unit)


def _sums(artifact: Artifact, split: str, owners: dict[str, str], length_of: Callable[[str], int]) -> dict[str, _Sums]:
    """What was found of each row of the split, those of the paper first, in its order."""
    rows = {(row.origin, row.group): f"{split}: {row.source}" for row in TABLE_1 if row.split == split}
    found = {subject: _Sums() for subject in rows.values()}
    grouped = {origin for origin, group in rows if group}
    for example in track(artifact.read(Example), f"measuring {artifact.name}", artifact.count(Example)):
        source = example.origin.source
        group = owners.get(site_of(example), "") if source in grouped else ""
        named = f"{split}: {source}, {group}" if group else f"{split}: {source}"
        sums = found.setdefault(rows.get((source, group), named), _Sums())
        sums.examples += 1
        sums.asked += length_of(example.prompt)
        if example.response:
            sums.answered += length_of(example.response)
            sums.responses += 1
    return found


def _counter(artifact: Artifact | None) -> tuple[Callable[[str], int], str]:
    """What counts the length of a text, and in which unit."""
    if artifact is None:
        return (lambda text: len(text.split())), "words"
    tokenizer = tokenizer_of(artifact)
    if tokenizer is None:
        raise RecipeError(f"tokenizer: stage {artifact.name!r} holds none; name a base model, a tokenizer or a training")
    return (lambda text: len(tokenizer.encode(text, add_special_tokens=False).ids)), "tokens"
