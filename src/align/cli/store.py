"""align ls, align gc."""

from typing import Annotated

import typer

from align.cli.verbs import AsJson, StoreFolder, in_bytes, print_json, print_table, store_of, verb


def register(app: typer.Typer) -> None:
    verb(app, "ls", "align ls")(ls)
    verb(app, "gc", "align gc --keep-runs 3 --yes")(gc)


def ls(store: StoreFolder = None, as_json: AsJson = False) -> None:
    """List runs and artifacts with sizes and dates."""
    from align.housekeeping import store_rows

    runs, artifacts = store_rows(store_of(store))
    if as_json:
        print_json({"runs": runs, "artifacts": artifacts})
        return
    if runs:
        rows = [[run.id, run.started, run.finished or "stopped", str(run.stages), in_bytes(run.bytes)] for run in runs]
        print_table(["run", "started", "finished", "stages", "size"], rows, right={"stages", "size"})
        typer.echo("")
    rows = [[item.key, item.stage, item.kind, item.made, in_bytes(item.bytes), str(len(item.runs))] for item in artifacts]
    print_table(["artifact", "stage", "kind", "made", "size", "runs"], rows, right={"size", "runs"})
    total = in_bytes(sum(item.bytes for item in artifacts))
    typer.echo(f"runs: {len(runs)}, artifacts: {len(artifacts)}, {total} in {store_of(store)}", err=True)


def gc(
    store: StoreFolder = None,
    keep_runs: Annotated[
        int | None,
        typer.Option(min=0, help="How many runs of each recipe to keep, the latest ones.", show_default="all"),
    ] = None,
    checkpoints: Annotated[
        bool,
        typer.Option("--checkpoints", help="Also the models of epochs that no stage still to be made reads; model/ stays."),
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Remove what is shown; without it nothing is touched.")] = False,
) -> None:
    """Show what no run names; remove it with --yes.

    Artifacts, work of stopped stages and, with --keep-runs, old runs, each with its size.
    Work on which a process sits right now is never touched.
    An artifact that loses models of epochs stays what it is, key and content; who asks for one of them is told that it is gone.
    """
    from align.housekeeping import remove, rubbish_of, spare_models

    folder = store_of(store)
    found = rubbish_of(folder, keep_runs)
    if checkpoints:
        spare, kept = spare_models(folder)
        found += spare
        for line in kept:
            typer.echo(line, err=True)
    shown = [item for item in found if item.what != "lock"]
    rows = [[str(item.path), in_bytes(item.bytes), item.why] for item in shown]
    if rows:
        print_table(["path", "size", "why"], rows, right={"size"})
    total = in_bytes(sum(item.bytes for item in found))
    if yes:
        typer.echo(f"removed {len(shown)} of {len(shown)} things, {in_bytes(remove(found, folder))}", err=True)
    elif shown:
        command = "align gc --checkpoints --yes" if checkpoints else "align gc --yes"
        typer.echo(f"{len(shown)} things, {total}; nothing removed yet: `{command}` removes them", err=True)
    else:
        typer.echo("nothing to remove", err=True)
