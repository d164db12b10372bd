"""What a run of a recipe would take: which stages, how many examples, tokens and steps, how much memory, time and disk."""

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from align.artifact import Artifact
from align.errors import AlignError
from align.lineage import StageState, stage_states
from align.model_loads import model_loads, said
from align.rawfiles import MissingFile
from align.recipe import Recipe
from align.records import Example, PreferencePair, Response
from align.stage import Forecast, Takes

Status = Literal["reuse", "run", "continue", "unknown", "missing inputs"]

MAX_UNREAD_BYTES = 256 * 2**20
"""Planning does not read more of new dumps than this; their stages are planned as ones to run."""

LARGEST = ("gpu_gigabytes", "host_gigabytes")
"""Figures of which a run needs the largest and not the sum."""


@dataclass(frozen=True, slots=True)
class PlannedStage:
    """What would happen to one stage."""

    name: str
    kind: str
    status: Status
    """`reuse`, `run`, `continue` (an interrupted run left work), `unknown` (until `unknown_until` is made), `missing inputs`."""
    forecast: Forecast
    unknown_until: str | None = None
    missing: tuple[MissingFile, ...] = ()
    long_work: str = ""
    """What it does with a model or a judge that takes hours, counted or not; empty for a stage that does nothing of the kind."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run would take; `totals` counts only stages that are not there yet."""

    recipe: str
    stages: tuple[PlannedStage, ...]
    totals: dict[str, float]

    @property
    def missing(self) -> tuple[MissingFile, ...]:
        """Every raw input that is not there."""
        return tuple(file for stage in self.stages for file in stage.missing)


def plan_recipe(recipe: Recipe, store: Path) -> Plan:
    """Forecast every stage from what is there, else from what the recipe expects; loads no weights."""
    forecasts: dict[str, Forecast] = {}
    planned: list[PlannedStage] = []
    for state in stage_states(recipe, store, MAX_UNREAD_BYTES):
        forecast = _forecast(recipe, state, forecasts)
        forecasts[state.name] = forecast
        stage = state.stage
        made = PlannedStage(state.name, stage.kind, _status(state), forecast, state.waits_for, state.missing, stage.long_work)
        planned.append(made)
    return Plan(recipe.name, tuple(planned), _totals(planned))


def _status(state: StageState) -> Status:
    if state.missing:
        return "missing inputs"
    if state.artifact is not None:
        return "reuse"
    if state.waits_for is not None:
        return "unknown"
    return "continue" if state.has_partial else "run"


def _forecast(recipe: Recipe, state: StageState, forecasts: dict[str, Forecast]) -> Forecast:
    data = [forecasts[name] for name in recipe.sources_of(state.name)]
    named = {field: forecasts[name] for field, name in state.stage.references().items()}
    try:
        forecast = state.stage.forecast(data, named)
    except AlignError as error:
        forecast = Forecast(notes=(str(error),))
    return _with_loads(forecast, state, named) if state.artifact is None else _exact(state.artifact, forecast)


def _with_loads(forecast: Forecast, state: StageState, named: dict[str, Forecast]) -> Forecast:
    loads = model_loads(state.stage, named)
    takes = replace(forecast.takes, loads=loads)
    return replace(forecast, takes=takes, notes=(*forecast.notes, said(loads))) if loads else forecast


def _exact(artifact: Artifact, forecast: Forecast) -> Forecast:
    """What is there needs no figures; of the forecast only what its records do not say is kept."""
    tables = (Example, PreferencePair, Response)
    counts = [artifact.count(record) for record in tables]
    examples = next((count for count in counts if count), artifact.counts.kept)
    model = _model_config(artifact) or forecast.model
    return replace(
        forecast,
        examples=examples,
        tokens=None,
        basis="exact",
        model=model,
        figures={},
        notes=(),
        memory={},
        takes=Takes(),
        artifact=artifact,
    )


def _model_config(artifact: Artifact) -> dict[str, Any]:
    path = artifact.path / "model" / "config.json"
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    return found


def _totals(planned: list[PlannedStage]) -> dict[str, float]:
    totals: dict[str, float] = {}
    for stage in planned:
        for name, value in stage.forecast.figures.items():
            totals[name] = max(totals.get(name, 0), value) if name in LARGEST else totals.get(name, 0) + value
    return totals
