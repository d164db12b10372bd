"""align freeze, align rehydrate, align takedown, align carry."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from align.cli.curation import DatabaseUrl
from align.cli.verbs import AsJson, Overrides, RecipePath, StageArgument, StoreFolder, print_json, print_table, store_of, verb

if TYPE_CHECKING:
    from align.freezing.checks import Dehydrated, FreezePreview
    from align.freezing.holders import HeldBy
    from align.freezing.takedown import TakedownPlan


def register(app: typer.Typer) -> None:
    verb(app, "freeze", "align freeze recipes/quickstart.yaml train_set --dev dev_prompts --test test_prompts")(freeze)
    verb(app, "rehydrate", "align rehydrate ./quickstart-train_set-frozen --dumps ~/dumps/cooking.stackexchange.com.7z")(
        rehydrate
    )
    verb(app, "carry", "align carry recipes/quickstart.yaml final --dumps ~/dumps/2026-09")(carry)
    verb(app, "takedown", "align takedown https://cooking.stackexchange.com/questions/1812 --yes")(takedown)


def freeze(
    recipe: RecipePath,
    stage: StageArgument,
    dev: Annotated[str | None, typer.Option(metavar="STAGE", help="Stage of the dev split.", show_default="none")] = None,
    test: Annotated[str | None, typer.Option(metavar="STAGE", help="Stage of the test split.", show_default="none")] = None,
    to: Annotated[Path | None, typer.Option(metavar="DIR", help="Folder to write.", show_default="./RECIPE-STAGE-frozen")] = None,
    dehydrated: Annotated[
        str,
        typer.Option(metavar="auto|all|none", help="Rows that go out without their text: as licences want it, all, none."),
    ] = "auto",
    strict: Annotated[bool, typer.Option("--strict", help="Refuse rows that state no licence.")] = False,
    allow: Annotated[
        list[str] | None,
        typer.Option(
            metavar="WHAT",
            help="Allow near-duplicates or contamination between splits; the card says it.",
            show_default="neither",
        ),
    ] = None,
    tokenizer: Annotated[
        str | None, typer.Option(metavar="STAGE", help="Measure lengths with this stage's tokenizer.", show_default="words")
    ] = None,
    check: Annotated[bool, typer.Option("--check", help="Only tell what would be frozen and what speaks against it.")] = False,
    overrides: Overrides = None,
    store: StoreFolder = None,
    as_json: AsJson = False,
) -> None:
    """Publish stages as train, dev and test: rows, card, attribution, licences, hashes.

    STAGE holds the training split. Rows under anything but CC0, CC BY, CC BY-SA, PDDL, MIT or Apache-2.0 go out as ids
    and edits, without their text; `align rehydrate` fills them from one's own dumps. Refused are rows that stand in two splits.
    The last line on stdout is the folder; `datasets.load_dataset(FOLDER)` reads it.
    """
    from align.cli.unread import warn_unread
    from align.freezing.checks import freeze_preview
    from align.freezing.freeze import freeze as freeze_stages
    from align.lineage import run_of_recipe
    from align.recipe import load_recipe
    from align.runs import file_name

    kind = _dehydrated(dehydrated)
    loaded = load_recipe(recipe, tuple(overrides or ()))
    stages = {split: name for split, name in (("train", stage), ("dev", dev), ("test", test)) if name is not None}
    folder, allowed = store_of(store), tuple(allow or ())
    warn_unread(loaded, folder)
    if check:
        preview = freeze_preview(loaded, folder, stages, kind, strict, allowed)
        print_json(preview) if as_json else _print_preview(preview)
        raise typer.Exit(1 if preview.problems else 0)
    model = run_of_recipe(loaded, folder)[tokenizer] if tokenizer is not None else None
    target = to if to is not None else Path(f"{file_name(loaded)}-{stage}-frozen")
    done = freeze_stages(loaded, folder, stages, target, dehydrated=kind, strict=strict, allow=allowed, tokenizer=model)
    if as_json:
        print_json(
            {"folder": done.set.folder, "is_new": done.is_new, "counts": done.set.manifest["counts"], "checks": done.preview}
        )
        return
    _print_preview(done.preview)
    typer.echo("frozen" if done.is_new else "stood there already, byte for byte", err=True)
    typer.echo(done.set.folder)


def _dehydrated(value: str) -> "Dehydrated":
    for known in ("auto", "all", "none"):
        if value == known:
            return known
    raise typer.BadParameter(f"--dehydrated {value}: wanted auto, all or none")


def _print_preview(preview: "FreezePreview") -> None:
    """For people, on stderr: what comes out, and what is worth a look."""
    for item in preview.splits:
        without = f", {item.dehydrated:,} of them without their text" if item.dehydrated else ""
        answered = f", {item.response_words:,.0f} a response" if item.response_words else ""
        lengths = f"{item.prompt_words:,.0f} words a prompt{answered}"
        typer.echo(f"{item.split:<6} {item.stage}: {item.rows:,} rows{without}; {lengths}", err=True)
    for row in preview.licences:
        typer.echo(f"{row.rows:>6,} rows under {row.licence}{'' if row.is_open else ' (text may not be passed on)'}", err=True)
    for warning in preview.warnings:
        typer.echo(f"note: {warning}", err=True)
    for problem in preview.problems:
        typer.echo(f"problem: {problem}", err=True)


def rehydrate(
    folder: Annotated[Path, typer.Argument(metavar="FROZEN", help="The folder of a frozen set.")],
    dumps: Annotated[
        list[str],
        typer.Option(metavar="PATH", help="Your dump, file or folder; with several sources STAGE=PATH or STAGE.FIELD=PATH."),
    ],
    to: Annotated[Path | None, typer.Option(metavar="DIR", help="Folder to write.", show_default="FROZEN-whole")] = None,
    allow_missing: Annotated[bool, typer.Option("--allow-missing", help="Exit 0 though rows could not be filled.")] = False,
    as_json: AsJson = False,
) -> None:
    """Fill the rows without text of a frozen set from your own dumps.

    They are read as they were when the set was made; each row must have the hash it had. Rows that are gone or changed are left
    out, listed in left_out.jsonl and told, and the exit code is 1. The last line on stdout is the folder.
    """
    from align.freezing.rehydrate import rehydrate as fill

    target = to if to is not None else folder.absolute().with_name(f"{folder.absolute().name}-whole")
    done = fill(folder, tuple(dumps), target)
    if as_json:
        counts = {"filled": done.filled, "renamed": done.renamed, "left_out": done.left_out}
        print_json({"folder": done.set.folder, **counts})
    else:
        typer.echo(f"{done.filled:,} rows filled", err=True)
        for item in done.left_out:
            typer.echo(f"{item.why}: {item.id} {item.url} ({item.detail})", err=True)
        if done.renamed:
            typer.echo(f"{len(done.renamed):,} rows have their text, but other names of authors or titles than before", err=True)
        typer.echo(done.set.folder)
    if done.left_out and not allow_missing:
        typer.echo(
            f"error: {len(done.left_out):,} rows could not be filled; --allow-missing takes the set without them", err=True
        )
        raise typer.Exit(1)


def carry(
    recipe: Annotated[Path, typer.Argument(metavar="RECIPE", help="The recipe, a YAML file; or the folder of a frozen set.")],
    dumps: Annotated[
        list[str],
        typer.Option(metavar="PATH", help="The other dump, file or folder; with several sources STAGE=PATH or STAGE.FIELD=PATH."),
    ],
    stage: Annotated[str | None, typer.Argument(metavar="STAGE", help="The stage whose selection it is.")] = None,
    to: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Folder to write.", show_default="./RECIPE-STAGE-carried")
    ] = None,
    overrides: Overrides = None,
    store: StoreFolder = None,
    as_json: AsJson = False,
) -> None:
    """Compare a selection with a newer dump, and keep the decisions that still hold.

    The source is read as the recipe says, from the other files. carried.csv tells of every example whether it is unchanged,
    changed or vanished; changed.jsonl has similarity, diff and the decisions to make again; decisions.jsonl those that hold,
    for the `curate` stage of the next run. The last line on stdout is the folder.
    """
    from align.freezing.carry import carry_frozen, carry_stage, summary, write_carried
    from align.recipe import load_recipe

    if recipe.is_dir():
        if stage is not None:
            raise typer.BadParameter(f"{recipe} is a frozen set; a stage ({stage}) needs a recipe")
        found, name = carry_frozen(recipe, tuple(dumps)), recipe.absolute().name
    else:
        if stage is None:
            raise typer.BadParameter("name a stage of the recipe, or give the folder of a frozen set instead of a recipe")
        found = carry_stage(load_recipe(recipe, tuple(overrides or ())), store_of(store), stage, tuple(dumps))
        name = f"{recipe.stem}-{stage}"
    target = (to if to is not None else Path(f"{name}-carried")).absolute()
    write_carried(found, target)
    counts = {**summary(found), "decisions that hold": len(found.holding), "decisions to make again": len(found.open)}
    if as_json:
        print_json({"folder": target, "counts": counts, "examples": found.fates})
        return
    for what, count in counts.items():
        typer.echo(f"{count:>7,} {what}", err=True)
    typer.echo(target)


def takedown(
    asked: Annotated[
        str, typer.Argument(metavar="URL-OR-ID", help="An example's id, its address, or the address of an author's profile.")
    ],
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Why; stands in the store's list and in the rejections.")] = "",
    frozen: Annotated[
        list[Path] | None,
        typer.Option(metavar="DIR", help="A frozen set that was moved.", show_default="those of the store"),
    ] = None,
    database: DatabaseUrl = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do it; without it only what is there is shown.")] = False,
    store: StoreFolder = None,
    as_json: AsJson = False,
) -> None:
    """Remove an example from the store and from frozen sets, for good.

    The store remembers it (takedowns.jsonl): no stage reads it again. Artifacts that hold it are removed, and `align run` makes
    them anew without it; frozen sets are written anew. Trained models that saw it are listed: they cannot forget.
    Killed in the middle, the same command finishes.
    """
    from align.freezing.takedown import plan_takedown, take_down

    folder, sets = store_of(store), tuple(frozen or ())
    plan = take_down(folder, asked, reason, sets, database) if yes else plan_takedown(folder, asked, sets)
    if as_json:
        print_json(_takedown_facts(plan))
    else:
        _print_takedown(plan, yes)


def _takedown_facts(plan: "TakedownPlan") -> dict[str, object]:
    return {
        "asked": plan.asked,
        "examples": {name: origin.url for name, origin in plan.found.items()},
        "artifacts": [{"key": item.artifact.key, "stage": item.artifact.name, "rows": item.rows} for item in plan.held],
        "other": [*plan.unfinished, *plan.pools],
        "frozen": [{"folder": item.set.folder, "ids": item.ids} for item in plan.frozen],
        "models": [{"key": item.key, "stage": item.name} for item in plan.models],
    }


def _print_takedown(plan: "TakedownPlan", is_done: bool) -> None:
    for name, origin in plan.found.items():
        typer.echo(f"{name}  {origin.url}".rstrip())
    rows = [[item.artifact.key, item.artifact.name, item.artifact.kind, _rows(item), _fate(item)] for item in plan.held]
    rows += [[path.name, "", "stopped work", "", "removed"] for path in plan.unfinished]
    rows += [[path.name, "", "the app's copy", "", "removed"] for path in plan.pools]
    rows += [[str(item.set.folder), "", "frozen set", f"{len(item.ids)} rows", "written anew"] for item in plan.frozen]
    if rows:
        print_table(["where", "stage", "kind", "holds", "is" if is_done else "would be"], rows)
    for model in plan.models:
        typer.echo(f"saw it and cannot forget: {model.kind} {model.name} ({model.key}); only training without it helps", err=True)
    if is_done:
        typer.echo("taken down; `align run` makes what was removed anew, without it", err=True)
    elif plan.is_empty and plan.is_listed:
        typer.echo("taken down before; nothing holds it", err=True)
    else:
        held = "nothing here holds it; with --yes the store keeps out what is read under it later" if plan.is_empty else ""
        typer.echo(held or "nothing is changed yet: --yes does it", err=True)


def _rows(held: "HeldBy") -> str:
    return ", ".join(f"{count} in {table}" for table, count in held.rows.items())


def _fate(held: "HeldBy") -> str:
    return "cleared of these rows" if held.is_model else "removed"
