"""What LIMA reports of its data, to stand beside one's own (arXiv 2305.11206, table 1)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from align.artifact import Artifact
from align.records import Measurement


class Published(NamedTuple):
    """One row of table 1."""

    split: str
    source: str
    examples: int
    input_tokens: int
    output_tokens: int | None
    """None where the paper gives none."""
    origin: str
    """What records call the source."""
    group: str = ""
    """Of which group of exchanges."""


TABLE_1 = (
    Published("train", "Stack Exchange, STEM", 200, 117, 523, "stack_exchange", "stem"),
    Published("train", "Stack Exchange, other", 200, 119, 530, "stack_exchange", "other"),
    Published("train", "wikiHow", 200, 12, 1811, "wikihow"),
    Published("train", "r/WritingPrompts", 150, 34, 274, "reddit"),
    Published("train", "Natural Instructions", 50, 236, 92, "natural_instructions"),
    Published("train", "authored, group A", 200, 40, 334, "authored"),
    Published("dev", "authored, group A", 50, 36, None, "authored"),
    Published("test", "r/AskReddit", 70, 30, None, "reddit"),
    Published("test", "authored, group B", 230, 31, None, "authored"),
)

EXAMPLES, INPUT, OUTPUT = "table_1_examples", "table_1_input", "table_1_output"
"""Metrics of a `lima_table` stage; the subject is `split: source`."""


@dataclass(frozen=True, slots=True)
class BesideRow:
    """One row of table 1 beside what was built."""

    split: str
    source: str
    examples: int
    input_length: float | None
    """Mean length of the prompt, in the table's unit; None without examples."""
    output_length: float | None
    wanted: int | None
    """As many as the paper has; None where it has no such source."""
    input_tokens: int | None
    output_tokens: int | None
    missing: int
    """How many fewer there are than in the paper."""


@dataclass(frozen=True, slots=True)
class Beside:
    """What one `lima_table` stage found."""

    stage: str
    unit: str
    """What lengths are counted in: words or tokens."""
    rows: tuple[BesideRow, ...]


def tables_beside(artifacts: Sequence[Artifact]) -> tuple[Beside, ...]:
    """The tables of all `lima_table` stages."""
    return tuple(
        _beside(artifact.name, list(artifact.read(Measurement))) for artifact in artifacts if artifact.kind == "lima_table"
    )


def _beside(stage: str, found: list[Measurement]) -> Beside:
    published = {f"{row.split}: {row.source}": row for row in TABLE_1}
    lengths = {(item.metric, item.subject): item for item in found}
    rows = []
    for item in found:
        if item.metric != EXAMPLES:
            continue
        asked, answered = lengths.get((INPUT, item.subject)), lengths.get((OUTPUT, item.subject))
        paper = published.get(item.subject)
        split, _, source = item.subject.partition(": ")
        rows.append(
            BesideRow(
                split=split,
                source=source,
                examples=int(item.value),
                input_length=asked.value if asked else None,
                output_length=answered.value if answered else None,
                wanted=paper.examples if paper else None,
                input_tokens=paper.input_tokens if paper else None,
                output_tokens=paper.output_tokens if paper else None,
                missing=max(0, paper.examples - int(item.value)) if paper else 0,
            )
        )
    return Beside(stage, next((item.method for item in found if item.metric == INPUT), ""), tuple(rows))
