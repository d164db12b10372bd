"""Examples and artifacts in one line each, for tests of stages that read records and write records."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from align.artifact import Artifact, Counts, content_hash
from align.files import read_records, write_records
from align.records import Decision, Example, Measurement, Origin, PreferencePair, Rejection, Turn
from align.stage import Inputs, Stage


def example(example_id: str, prompt: str = "", response: str = "", tags: tuple[str, ...] = (), **signals: float) -> Example:
    """A question with its answer; without `response` a prompt alone. The source is the first part of the id."""
    said = [Turn("user", prompt or f"What about {example_id}?")] + ([Turn("assistant", response)] if response else [])
    return Example(example_id, tuple(said), Origin(example_id.split("/")[0], example_id), tags, signals)


def document(example_id: str, text: str) -> Example:
    return Example(example_id, (Turn("document", text),), Origin("corpus", example_id))


def artifact(folder: Path, name: str, records: Iterable[Any]) -> Artifact:
    """What a stage of that name left: the records, of one type."""
    path = folder / name
    items = list(records)
    write_records(path, type(items[0]) if items else Example, items)
    return Artifact(name, f"key-of-{name}", content_hash(path), path, {"stage": name, "kind": "toy", "counts": {}})


def inputs(folder: Path, *sets: Iterable[Any], **named: Iterable[Any]) -> Inputs:
    """What a stage reads: `above`, `above2`, ... and, for a field with several stages, one stage of the field's own name."""
    data = tuple(artifact(folder, f"above{number or ''}", records) for number, records in enumerate(sets))
    return Inputs(data, {f"{field}.0": artifact(folder, field, records) for field, records in named.items()})


@dataclass(frozen=True)
class Made:
    """What a stage wrote."""

    counts: Counts
    path: Path

    @property
    def ids(self) -> list[str]:
        return [item.id for item in self.examples]

    @property
    def examples(self) -> list[Example]:
        return list(read_records(self.path, Example))

    @property
    def pairs(self) -> list[PreferencePair]:
        return list(read_records(self.path, PreferencePair))

    @property
    def decisions(self) -> list[Decision]:
        return list(read_records(self.path, Decision))

    @property
    def rejections(self) -> dict[str, tuple[str, str, str]]:
        return {item.example_id: (item.by, item.reason, item.detail) for item in read_records(self.path, Rejection)}

    @property
    def measurements(self) -> dict[tuple[str, str], float]:
        return {(item.metric, item.subject): item.value for item in read_records(self.path, Measurement)}


def run(stage: Stage, read: Inputs, folder: Path) -> Made:
    """Run a stage twice: what it writes must not depend on what an earlier, killed attempt left."""
    folder.mkdir(parents=True, exist_ok=True)
    stage.run(read, folder)
    first = content_hash(folder)
    counts = stage.run(read, folder)
    assert content_hash(folder) == first
    made = Made(counts, folder)
    assert counts.kept == len(made.examples) + len(made.pairs)
    assert counts.read == counts.kept + sum(counts.dropped.values()) + sum(counts.skipped.values()), (
        "each is kept or has its reason"
    )
    return made
