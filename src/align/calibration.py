"""Measure what `align plan` computes: two real steps of a training on made-up rows of full length, in processes of their own."""

import json
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from align.artifact import Artifact
from align.errors import AlignError
from align.files import write_records
from align.launching import run_in_processes
from align.lineage import StageState, stage_states
from align.planning import Plan, PlannedStage
from align.recipe import Recipe
from align.stage import REHEARSAL, Forecast, Inputs, Rehearsal

GIGA = 1e9


@dataclass(frozen=True, slots=True)
class Measured:
    """Two steps of a training on this machine."""

    gigabytes: float
    """Of the fullest process: of its GPU, or of its memory where it has none."""
    on_gpu: bool
    seconds_per_step: float
    """Of the second step; the first one also prepares."""
    tokens_per_step: int


def calibrate(recipe: Recipe, store: Path, plan: Plan) -> Plan:
    """The plan with what was measured beside what was computed, for every training whose model is here."""
    states = {state.name: state for state in stage_states(recipe, store)}
    return replace(plan, stages=tuple(_calibrated(recipe, stage, states) for stage in plan.stages))


def _calibrated(recipe: Recipe, planned: PlannedStage, states: dict[str, StageState]) -> PlannedStage:
    if not planned.forecast.memory:
        return planned
    try:
        measured = measure(recipe, planned.name, states)
    except AlignError as error:
        return _noted(planned, f"not measured: {error}")
    noted = _noted(planned, _said(planned.forecast, measured))
    memory = planned.forecast.memory | {"measured": measured.gigabytes}
    return replace(noted, forecast=replace(noted.forecast, memory=memory))


def _said(forecast: Forecast, measured: Measured) -> str:
    table, tokens = forecast.memory, forecast.figures.get("tokens")
    # torch counts what it gave out, and knows nothing of the driver and of what lies in between
    what, computed = ("of a GPU", table["sum"] - table["overhead"]) if measured.on_gpu else ("of a process", table["sum"])
    said = (
        f"measured: {measured.gigabytes:,.2f} GB {what} where {computed:,.2f} were computed; a step of "
        f"{measured.tokens_per_step:,} tokens in {measured.seconds_per_step:,.2f} s"
    )
    if tokens is None:
        return said
    hours = tokens / measured.tokens_per_step * measured.seconds_per_step / 3600
    return f"{said}, so {tokens:,.0f} in {hours:,.2g} h"


def _noted(planned: PlannedStage, note: str) -> PlannedStage:
    return replace(planned, forecast=replace(planned.forecast, notes=(*planned.forecast.notes, note)))


def measure(recipe: Recipe, name: str, states: dict[str, StageState]) -> Measured:
    """Run two steps of a stage with its real settings, and keep nothing of it."""
    rehearsal = recipe.stages[name].rehearsal()
    if rehearsal is None:
        raise AlignError(f"a stage of kind {recipe.stages[name].kind} has no made-up rows to measure with")
    with tempfile.TemporaryDirectory(prefix="align-calibrate-") as folder:
        work = Path(folder)
        named = {field: _there(states[wanted], work / field) for field, wanted in rehearsal.stage.references().items()}
        return _two_steps(rehearsal, Inputs((_artifact(work / "data", rehearsal.records),), named), work / "work")


def _there(state: StageState, folder: Path) -> Artifact:
    """A stage's artifact; one that only points at a model is made on the way."""
    if state.artifact is not None:
        return state.artifact
    if state.stage.kind != "base_model":
        raise AlignError(f"stage {state.name} has to be made first: `align run ... --until {state.name}`")
    folder.mkdir()
    state.stage.run(Inputs(), folder)
    return Artifact(state.name, "", "", folder, {"kind": state.stage.kind})


def _artifact(folder: Path, records: Iterable[Any]) -> Artifact:
    listed = list(records)
    write_records(folder, type(listed[0]), listed)
    return Artifact("made_up", "", "", folder, {"kind": "ingest"})


def _two_steps(rehearsal: Rehearsal, inputs: Inputs, work: Path) -> Measured:
    notes = work / "measured"
    notes.mkdir(parents=True)
    try:
        run_in_processes(rehearsal.stage, inputs, work, environment={REHEARSAL: str(notes)})
    except AlignError:
        if not list(notes.glob("*.json")):
            raise  # it never came to the second step
    found = [json.loads(file.read_text(encoding="utf-8")) for file in notes.glob("*.json")]
    return Measured(
        max(item["bytes"] for item in found) / GIGA,
        bool(found[0]["on_gpu"]),
        max(item["seconds"] for item in found),
        int(found[0]["tokens"]),
    )
