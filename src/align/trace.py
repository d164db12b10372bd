"""The life of one example: where it came from, and what every stage of a recipe did with it."""

import difflib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from align.artifact import Artifact
from align.errors import AlignError, StoreError
from align.files import parquet_file, record_parts, rows_as_records
from align.lineage import StageState, stage_states
from align.recipe import Recipe
from align.records import Decision, Example, Grade, Origin, PreferencePair, Rejection, Response, Turn

R = TypeVar("R")

ID_COLUMNS: dict[type[Any], str] = {
    Example: "id",
    PreferencePair: "id",
    Rejection: "example_id",
    Decision: "example_id",
    Response: "prompt_id",
    Grade: "prompt_id",
}
"""The column of a table that names an example."""


@dataclass(frozen=True, slots=True)
class Event:
    """What one stage did with the example."""

    stage: str
    kind: str
    what: str
    """`made`, `kept` (or the stage's own verb), `edited`, `dropped`, `read`, `answered`, `graded`."""
    by: str = ""
    """The part, the person or the model."""
    reason: str = ""
    detail: str = ""
    changes: tuple[str, ...] = ()
    """Of an edit: the lines of a unified diff of the turns."""
    decisions: tuple[Decision, ...] = ()
    """What people said of it at this stage."""


@dataclass(frozen=True, slots=True)
class Trace:
    """The life of one example in one recipe."""

    example_id: str
    origin: Origin | None
    """None where only its rejection was kept."""
    tags: tuple[str, ...]
    events: tuple[Event, ...]


def trace_example(recipe: Recipe, store: Path, example_id: str) -> Trace:
    """Follow one id through all stages made so far; an id that no stage knows is an error that names the nearest ones."""
    states = [state for state in stage_states(recipe, store) if state.artifact is not None]
    if not states:
        raise StoreError(f"{store}: nothing of recipe {recipe.name!r} is made yet; run it first")
    seen: dict[str, Example | PreferencePair] = {}
    events: list[Event] = []
    for state in states:
        assert state.artifact is not None
        sources = [name for field, name in state.stage.references().items() if field.startswith("sources.")]
        above = [seen[name] for name in [*recipe.sources_of(state.name), *sources] if name in seen]
        known: list[Example | PreferencePair] = [*find(state.artifact, Example, example_id)]
        known += find(state.artifact, PreferencePair, example_id)
        found = known[0] if known else None
        if found is not None:
            seen[state.name] = found
        events += _events(state, state.artifact, example_id, above, found)
    if not events:
        raise AlignError(f"{recipe.name}: no stage knows an example {example_id!r}; {_nearest_ids(example_id, states)}")
    first = next(iter(seen.values()), None)
    return Trace(example_id, first.origin if first else None, first.tags if first else (), tuple(events))


def find(artifact: Artifact, record: type[R], example_id: str) -> list[R]:
    """The records of one table that name `example_id`; reads the column of ids alone until it meets it."""
    import pyarrow.compute as pc

    found: list[R] = []
    for part in record_parts(artifact.path, record):
        with parquet_file(part) as file:
            for group in range(file.num_row_groups):
                ids = file.read_row_group(group, columns=[ID_COLUMNS[record]]).column(0)
                # of no chunk pyarrow dies: https://github.com/apache/arrow/issues/51018
                places = pc.indices_nonzero(pc.equal(ids, example_id)) if len(ids) else ()
                if len(places):
                    found += rows_as_records(file.read_row_group(group).take(places), record)
    return found


def _events(
    state: StageState,
    artifact: Artifact,
    example_id: str,
    above: list[Example | PreferencePair],
    found: Example | PreferencePair | None,
) -> Iterator[Event]:
    """What one stage did with it, in the order: decided, came through or went, was used."""
    decisions = tuple(find(artifact, Decision, example_id))
    kind = state.stage.kind
    if found is not None and not above:
        detail = found.origin.dump or found.origin.source
        yield Event(state.name, kind, "made", _maker(state), detail=detail, decisions=decisions)
    elif found is not None:
        changes = _changes(above[0], found)
        by = ", ".join(dict.fromkeys(item.curator for item in decisions if item.action == "edit"))
        yield Event(state.name, kind, "edited" if changes else state.stage.verb, by, changes=changes, decisions=decisions)
    rejections = find(artifact, Rejection, example_id)
    for number, rejection in enumerate(rejections):
        said = decisions if found is None and number == 0 else ()
        yield Event(state.name, kind, "dropped", rejection.by, rejection.reason, rejection.detail, decisions=said)
    if found is None and not rejections and (above or decisions):
        has_records = bool(record_parts(artifact.path, Example) or record_parts(artifact.path, PreferencePair))
        yield Event(state.name, kind, "not drawn" if has_records else "read", decisions=decisions)
    for response in find(artifact, Response, example_id):
        yield Event(state.name, kind, "answered", response.model, detail=f"{response.tokens:,} tokens")
    for grade in find(artifact, Grade, example_id):
        yield Event(state.name, kind, "graded", grade.judge, grade.model, f"{grade.value:g} on {grade.scale}")


def _maker(state: StageState) -> str:
    source = getattr(state.stage, "source", None)
    return str(getattr(source, "kind", "") or state.stage.kind)


def _changes(before: Example | PreferencePair, after: Example | PreferencePair) -> tuple[str, ...]:
    """Unified diff of the dialogue, without its header; empty where nothing changed."""
    old, new = _lines(before), _lines(after)
    return () if old == new else tuple(difflib.unified_diff(old, new, lineterm="", n=1))[2:]


def _lines(record: Example | PreferencePair) -> list[str]:
    turns = record.turns if isinstance(record, Example) else (*record.prompt, Turn("assistant", record.chosen))
    return [line for turn in turns for line in (f"[{turn.role}]", *turn.text.splitlines())]


def _nearest_ids(example_id: str, states: list[StageState]) -> str:
    from rapidfuzz import process

    ids: set[str] = set()
    for state in states:
        assert state.artifact is not None
        for record in (Example, PreferencePair, Rejection):
            ids |= _ids(state.artifact, record)
    close = [name for name, _, _ in process.extract(example_id, sorted(ids), limit=3, score_cutoff=60)]
    some = f"did you mean {', '.join(map(repr, close))}?" if close else f"ids look like {', '.join(map(repr, sorted(ids)[:3]))}"
    return f"{some} (`align show RECIPE STAGE` prints them)"


def _ids(artifact: Artifact, record: type[Any]) -> set[str]:
    found: set[str] = set()
    for part in record_parts(artifact.path, record):
        with parquet_file(part) as file:
            found.update(file.read(columns=[ID_COLUMNS[record]]).column(0).to_pylist())
    return found
