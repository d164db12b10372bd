"""What differs between two runs: parameters, data, metrics."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from align.artifact import Artifact
from align.files import record_parts
from align.lineage import Run
from align.records import Example, PreferencePair, content_of


@dataclass(frozen=True, slots=True)
class Change:
    """One value that differs; None where one run does not have it."""

    stage: str
    what: str
    """Dotted name of a parameter, `count.kept`, `win_rate of sft against base`, ..."""
    first: Any
    second: Any


@dataclass(frozen=True, slots=True)
class DataChange:
    """How the records of one stage differ, where their content does."""

    stage: str
    only_first: int
    only_second: int
    changed: int
    """Records of one id that say something else."""


@dataclass(frozen=True, slots=True)
class Difference:
    """All that differs between two runs."""

    first: str
    second: str
    parameters: tuple[Change, ...]
    counts: tuple[Change, ...]
    data: tuple[DataChange, ...]
    metrics: tuple[Change, ...]
    machine: tuple[Change, ...]
    """Versions of align, of packages, and of the repository; empty where one of the two is a recipe."""


def compare_runs(first: Run, second: Run) -> Difference:
    """Everything that differs, stage by stage in the order of the first run."""
    stages = list(dict.fromkeys([*first.artifacts, *second.artifacts]))
    old, new = first.recipe.get("stages", {}), second.recipe.get("stages", {})
    named = dict.fromkeys([*old, *new])
    return Difference(
        first.id,
        second.id,
        tuple(change for stage in named for change in _changes(stage, old.get(stage, {}), new.get(stage, {}))),
        tuple(change for stage in stages for change in _changes(stage, _counts(first, stage), _counts(second, stage))),
        tuple(change for stage in stages for change in _data_change(stage, first, second)),
        tuple(change for stage in stages for change in _changes(stage, _metrics(first, stage), _metrics(second, stage))),
        tuple(_changes("", _machine(first), _machine(second))) if first.align and second.align else (),
    )


def _changes(stage: str, first: Any, second: Any) -> Iterator[Change]:
    old, new = dict(_flat(first)), dict(_flat(second))
    for name in dict.fromkeys([*old, *new]):
        if old.get(name) != new.get(name):
            yield Change(stage, name, old.get(name), new.get(name))


def _flat(value: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """`{a: {b: 1}}` as `a.b: 1`, so that a nested parameter has one line."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, (list, tuple)) else None
    if items is None:
        yield prefix, value
        return
    for name, inner in items:
        yield from _flat(inner, f"{prefix}.{name}" if prefix else str(name))


def _counts(run: Run, stage: str) -> dict[str, Any]:
    return asdict(run.counts(stage)) if stage in run else {}


def _metrics(run: Run, stage: str) -> dict[str, float]:
    if stage not in run:
        return {}
    return {f"{item.metric} of {item.subject}".replace(".", "·"): item.value for item in run.measurements(stage)}


def _machine(run: Run) -> dict[str, Any]:
    return {"align": run.align, "commit": run.commit, **run.packages}


def _data_change(stage: str, first: Run, second: Run) -> Iterator[DataChange]:
    if stage not in first or stage not in second or first[stage].content == second[stage].content:
        return
    old, new = _said(first[stage]), _said(second[stage])
    shared = old.keys() & new.keys()
    change = DataChange(stage, len(old) - len(shared), len(new) - len(shared), sum(old[name] != new[name] for name in shared))
    if change.only_first or change.only_second or change.changed:
        yield change


def _said(artifact: Artifact) -> dict[str, str]:
    """What each record says, by its id; empty for an artifact of other things."""
    if record_parts(artifact.path, Example):
        return {example.id: content_of(example.turns) for example in artifact.read(Example)}
    return {pair.id: f"{content_of(pair.prompt)}\0{pair.chosen}\0{pair.rejected}" for pair in artifact.read(PreferencePair)}
