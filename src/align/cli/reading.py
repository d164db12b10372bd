"""align funnel, align show, align trace, align diff."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from align.cli.verbs import AsJson, Overrides, RecipePath, StageArgument, StoreFolder, print_json, print_table, store_of, verb

if TYPE_CHECKING:
    from align.diff import Change, Difference
    from align.trace import Event, Trace


def register(app: typer.Typer) -> None:
    verb(app, "funnel", "align funnel recipes/quickstart.yaml")(funnel)
    verb(app, "show", "align show recipes/quickstart.yaml rules --rejected --limit 5")(show)
    verb(app, "trace", "align trace recipes/quickstart.yaml stack_exchange/cooking/1812")(trace)
    verb(app, "diff", "align diff quickstart-1a2b3c4d quickstart-5e6f7a8b")(diff)


def funnel(recipe: RecipePath, overrides: Overrides = None, store: StoreFolder = None, as_json: AsJson = False) -> None:
    """Show what each stage kept and dropped, by reason."""
    from align.lineage import funnel as read_funnel
    from align.recipe import load_recipe

    rows = read_funnel(load_recipe(recipe, tuple(overrides or ())), store_of(store))
    if as_json:
        empty: dict[str, Any] = {"read": None, "kept": None, "dropped": {}, "skipped": {}, "noted": {}}
        counted = [(row, asdict(row.counts) if row.counts is not None else empty) for row in rows]
        print_json([{"stage": row.stage, "kind": row.kind, "made": row.counts is not None, **counts} for row, counts in counted])
        return
    lines: list[list[str]] = []
    for row in rows:
        if row.counts is None:
            lines.append([row.stage, row.kind, "", "", "not made yet"])
            continue
        counts = row.counts
        reasons = [
            *(f"{count:,}  {reason}" for reason, count in _largest_first(counts.dropped)),
            *(f"{count:,}  {reason} (never formed)" for reason, count in _largest_first(counts.skipped)),
            *(f"{count:,}  {what} (noted)" for what, count in _largest_first(counts.noted) if count),
        ]
        lines.append([row.stage, row.kind, f"{counts.read:,}", f"{counts.kept:,}", reasons[0] if reasons else ""])
        lines += [["", "", "", "", reason] for reason in reasons[1:]]
    print_table(["stage", "kind", "in", "out", "dropped, by reason"], lines, right={"in", "out"})


def _largest_first(counts: dict[str, int]) -> list[tuple[str, int]]:
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))


def show(
    recipe: Annotated[str, typer.Argument(metavar="RECIPE", help="The recipe, a YAML file, or the id of a run.")],
    stage: StageArgument,
    limit: Annotated[int | None, typer.Option(min=0, help="How many records at most.", show_default="all")] = None,
    rejected: Annotated[bool, typer.Option("--rejected", help="The records that the stage dropped, with their reasons.")] = False,
    table: Annotated[
        str | None,
        typer.Option(metavar="TABLE", help="Which table: examples, pairs, responses, ...", show_default="the stage's main one"),
    ] = None,
    store: StoreFolder = None,
) -> None:
    """Print a stage's records, one JSON object a line."""
    from itertools import islice

    from align.errors import RecipeError, StoreError
    from align.files import record_parts
    from align.lineage import load_run
    from align.parts import nearest
    from align.records import TABLES, as_json

    if rejected and table is not None:
        raise RecipeError("--rejected is --table rejections: give one of the two")
    run = load_run(recipe, store_of(store))
    if stage not in run and stage in run.recipe.get("stages", {}):
        raise StoreError(f"stage {stage} is not made yet: `align run {recipe} --until {stage}` makes it")
    artifact = run[stage]
    present = [name for name, record in TABLES.items() if record_parts(artifact.path, record)]
    main = next((name for name in present if name != "rejections"), next(iter(present), None))  # these `--rejected` asks for
    wanted = "rejections" if rejected else table or main
    if wanted is None:
        raise StoreError(f"stage {stage} holds no records; its files lie in {artifact.path}")
    if wanted not in TABLES:
        raise RecipeError(f"--table {wanted}: no such table; {nearest(wanted, TABLES)}")
    if wanted not in present:
        raise StoreError(f"stage {stage} has no table {wanted}; it has: {', '.join(present) or 'none'}")
    for record in islice(artifact.read(TABLES[wanted]), limit):
        typer.echo(as_json(record))


def trace(
    recipe: RecipePath,
    example_id: Annotated[str, typer.Argument(metavar="EXAMPLE_ID", help="The id of an example, kept or dropped.")],
    overrides: Overrides = None,
    store: StoreFolder = None,
    as_json: AsJson = False,
) -> None:
    """Tell the life of one example.

    Its source's URL, authors and licence, and what every stage did with it: kept, drawn, edited by whom, dropped
    for which reason.
    """
    from align.recipe import load_recipe
    from align.trace import trace_example

    found = trace_example(load_recipe(recipe, tuple(overrides or ())), store_of(store), example_id)
    if as_json:
        print_json(asdict(found))
    else:
        _print_trace(found)


def _print_trace(found: "Trace") -> None:
    typer.echo(found.example_id)
    if found.origin is not None:
        origin = found.origin
        for name in ("url", "source", "native_id", "dump", "date", "modified"):
            if getattr(origin, name):
                typer.echo(f"  {name.replace('_', ' '):<10} {getattr(origin, name)}")
        for author in origin.authors:
            said = [author.name or "(unnamed)", author.role, author.license or "licence not stated", author.url]
            typer.echo(f"  {'author':<10} {' · '.join(part for part in said if part)}")
    if found.tags:
        typer.echo(f"  {'tags':<10} {', '.join(found.tags)}")
    width = max(len(event.stage) for event in found.events)
    for event in found.events:
        _print_event(event, width)


def _print_event(event: "Event", width: int) -> None:
    said = [event.what, f"by {event.by}" if event.by else "", event.reason, event.detail]
    typer.echo(f"{event.stage:<{width}}  {' · '.join(part for part in said if part)}")
    for decision in event.decisions:
        reason = ": ".join(part for part in (decision.reason, decision.note) if part)
        typer.echo(f"{'':<{width}}    {decision.at} {decision.curator}: {decision.action}{f' ({reason})' if reason else ''}")
    for line in event.changes:
        typer.echo(f"{'':<{width}}    {line}")


def diff(
    first: Annotated[str, typer.Argument(metavar="RUN", help="The id of a run, or a recipe.")],
    second: Annotated[str, typer.Argument(metavar="RUN", help="The id of another run, or a recipe.")],
    store: StoreFolder = None,
    as_json: AsJson = False,
) -> None:
    """Show what differs between two runs.

    Parameters, counts, records, metrics and versions of packages.
    """
    from align.diff import compare_runs
    from align.lineage import load_run

    found = compare_runs(load_run(first, store_of(store)), load_run(second, store_of(store)))
    if as_json:
        print_json(asdict(found))
    else:
        _print_difference(found)


def _print_difference(found: "Difference") -> None:
    sections: dict[str, tuple[Change, ...]] = {
        "parameters": found.parameters,
        "counts": found.counts,
        "metrics": found.metrics,
        "versions": found.machine,
    }
    for title, changes in sections.items():
        if changes:
            typer.echo(f"{title}:")
            rows = [[change.stage, change.what, _value(change.first), _value(change.second)] for change in changes]
            print_table(["  stage", "what", found.first, found.second], [[f"  {row[0]}", *row[1:]] for row in rows])
    if found.data:
        typer.echo("records:")
        rows = [[f"  {item.stage}", f"{item.only_first:,}", f"{item.only_second:,}", f"{item.changed:,}"] for item in found.data]
        print_table(["  stage", "only in the first", "only in the second", "other text"], rows)
    if not found.data and not any(sections.values()):
        typer.echo("no difference")


def _value(value: Any) -> str:
    return "-" if value is None else f"{value:.6g}" if isinstance(value, float) else str(value)
