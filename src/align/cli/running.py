"""align run, align plan."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from align.cli.verbs import AsJson, Overrides, RecipePath, StoreFolder, print_json, print_table, store_of, verb

if TYPE_CHECKING:
    from collections.abc import Iterable

    from align.artifact import Artifact
    from align.planning import Plan, PlannedStage


def register(app: typer.Typer) -> None:
    verb(app, "run", "align run recipes/quickstart.yaml --set stages.sft.epochs=5 --until sft")(run)
    verb(app, "plan", "align plan recipes/lima65b.yaml")(plan)


def run(
    recipe: RecipePath,
    overrides: Overrides = None,
    until: Annotated[
        str | None, typer.Option("--until", metavar="STAGE", help="The last stage to make.", show_default="all stages")
    ] = None,
    engine: Annotated[
        str | None,
        typer.Option(
            "--engine", metavar="native|ray", help="Where shards are worked on.", show_default="$ALIGN_ENGINE, else the recipe's"
        ),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(
            "--workers",
            min=0,
            metavar="N",
            help="Processes that work on shards at once.",
            show_default="$ALIGN_WORKERS, else one a core",
        ),
    ] = None,
    store: StoreFolder = None,
) -> None:
    """Make every stage, or reuse what is made.

    Stopped, the same command goes on from there.
    The last line on stdout is the path of the report, else the id of the run.
    """
    from align.cli.unread import warn_unread
    from align.engine import engine_of
    from align.recipe import load_recipe
    from align.runner import run_recipe, stages_until
    from align.runs import run_id

    loaded, folder = load_recipe(recipe, tuple(overrides or ())), store_of(store)
    wanted = stages_until(loaded, until)
    told = warn_unread(loaded, folder, wanted)  # before hours are spent
    made = run_recipe(loaded, folder, until, engine_of(loaded.engine, engine, workers))
    warn_unread(loaded, folder, [name for name in wanted if name not in told])  # of those whose examples were not made yet
    report = _report(made)
    typer.echo(report if report is not None else run_id(loaded, made))


def _report(made: "dict[str, Artifact]") -> Path | None:
    pages = [artifact.path / "report.html" for artifact in made.values()]
    return next((page.absolute() for page in reversed(pages) if page.is_file()), None)


def plan(
    recipe: RecipePath,
    overrides: Overrides = None,
    measured: Annotated[
        bool, typer.Option("--calibrate", help="Make two steps of every training whose model is here, and say what they took.")
    ] = False,
    store: StoreFolder = None,
    as_json: AsJson = False,
) -> None:
    """Say what a run would make, and what it takes.

    Examples, tokens, steps, GPU memory, hours and disk, stage by stage.
    Loads no weights and needs neither dumps nor a GPU: what is missing is listed with the way to get it, and counted from
    the recipe's `expect`, labelled "expected".
    """
    from align.cli.unread import warn_unread
    from align.planning import plan_recipe
    from align.recipe import load_recipe

    loaded = load_recipe(recipe, tuple(overrides or ()))
    warn_unread(loaded, store_of(store))
    planned = plan_recipe(loaded, store_of(store))
    if measured:
        from align.calibration import calibrate

        planned = calibrate(loaded, store_of(store), planned)
    if as_json:
        print_json(_plan_as_json(planned))
    else:
        _print_plan(planned)


def _plan_as_json(planned: "Plan") -> dict[str, Any]:
    from align.ordering import in_words, not_counted, order_of

    stages = []
    order = order_of(planned)
    for stage in planned.stages:
        forecast = asdict(stage.forecast)
        artifact = forecast.pop("artifact")
        forecast["notes"] = list(stage.forecast.notes)
        key = stage.forecast.artifact.key if stage.forecast.artifact is not None and artifact else None
        missing = [_missing_as_json(file) for file in stage.missing]
        stages.append(
            {
                "stage": stage.name,
                "kind": stage.kind,
                "status": stage.status,
                "unknown_until": stage.unknown_until,
                "artifact": key,
                "missing": missing,
                "long_work": stage.long_work,
                **forecast,
            }
        )
    return {
        "recipe": planned.recipe,
        "order": None if order is None else {**asdict(order), "text": in_words(order)},
        "stages": stages,
        "missing": [_missing_as_json(file) for file in planned.missing],
        "totals": planned.totals,
        "not_counted": not_counted(planned),
    }


def _missing_as_json(file: Any) -> dict[str, str]:
    return {name: "" if value is None else str(value) for name, value in asdict(file).items()}


_COLUMNS = {
    "steps": "steps",
    "tokens": "trained on",
    "gpu_gigabytes": "GPU GB",
    "host_gigabytes": "host GB",
    "hours": "hours",
    "disk_gigabytes": "disk GB",
}
"""Figures with a column of their own; the others stand in the notes."""


def _print_plan(planned: "Plan") -> None:
    from align.ordering import in_words, not_counted, order_of, uncounted_in_words

    order = order_of(planned)
    if order is not None:
        typer.echo(in_words(order))
    shown = [name for name in _COLUMNS if any(name in stage.forecast.figures for stage in planned.stages)]
    headings = ["stage", "kind", "would", "examples", "tokens", "basis", *(_COLUMNS[name] for name in shown)]
    rows = [_plan_row(stage, shown) for stage in planned.stages]
    hours = _hours(planned.stages)
    total = ["total", "", "", "", "", "", *(hours if name == "hours" else _number(planned.totals.get(name)) for name in shown)]
    print_table(headings, [*rows, total], right={"examples", "tokens", *_COLUMNS.values()})
    uncounted = uncounted_in_words(not_counted(planned))
    if uncounted is not None:
        typer.echo(f"  {uncounted}")
    for stage in planned.stages:
        for note in (*_other_figures(stage), *stage.forecast.notes):
            typer.echo(f"  {stage.name}: {note}")
    if planned.missing:
        typer.echo("\nMissing inputs; `align run` needs them:")
        for file in planned.missing:
            typer.echo(f"  {file}")


def _plan_row(stage: "PlannedStage", shown: list[str]) -> list[str]:
    would = f"unknown until {stage.unknown_until}" if stage.unknown_until is not None else stage.status
    forecast = stage.forecast
    basis = "" if forecast.basis == "unknown" else forecast.basis
    figures = [_hours([stage]) if name == "hours" else _number(forecast.figures.get(name)) for name in shown]
    return [stage.name, stage.kind, would, _number(forecast.examples), _number(forecast.tokens), basis, *figures]


def _hours(stages: "Iterable[PlannedStage]") -> str:
    """`0.4-0.74`, over all stages that have hours; one figure where no stage has a range."""
    forecasts = [stage.forecast for stage in stages if "hours" in stage.forecast.figures]
    ranges = [item.takes.hours or (item.figures["hours"], item.figures["hours"]) for item in forecasts]
    low, high = sum(item[0] for item in ranges), sum(item[1] for item in ranges)
    return "" if not ranges else _number(low) if low == high else f"{_number(low)}-{_number(high)}"


def _other_figures(stage: "PlannedStage") -> list[str]:
    others = {name: value for name, value in stage.forecast.figures.items() if name not in _COLUMNS}
    return [" · ".join(f"{name.replace('_', ' ')} {_number(value)}" for name, value in others.items())] if others else []


def _number(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if value >= 100 or float(value).is_integer() else f"{value:,.2g}" if value < 1 else f"{value:,.1f}"
