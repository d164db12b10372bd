"""align init."""

import json
import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from align.cli.verbs import verb


def register(app: typer.Typer) -> None:
    verb(app, "init", "align init my-recipe --base ./llama-7b --dumps ./stack_exchange")(init)


def init(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder for recipe.yaml; made if it is not there.")] = Path("."),
    base: Annotated[
        str | None, typer.Option(metavar="MODEL", help="Base model: a folder of safetensors, or OWNER/NAME@COMMIT on the hub.")
    ] = None,
    dumps: Annotated[
        list[str] | None,
        typer.Option(metavar="PATH", help="Stack Exchange dump: .7z, folder or Posts.xml; may be given many times."),
    ] = None,
    examples: Annotated[
        list[str] | None, typer.Option(metavar="FILE", help="JSON lines with examples of your own; may be given many times.")
    ] = None,
    prompts: Annotated[
        list[str] | None,
        typer.Option(metavar="FILE", help="JSON lines with prompts to judge on; without any, nothing is judged."),
    ] = None,
    preferences: Annotated[
        list[str] | None,
        typer.Option(
            metavar="[KIND:]FILE", help="Preference pairs for safety DPO; KIND as in `align kinds pairsource`, else safe_rlhf."
        ),
    ] = None,
    judge_url: Annotated[
        str | None,
        typer.Option(metavar="URL", help="An OpenAI-like server that judges.", show_default="a plain word-overlap baseline"),
    ] = None,
    judge_model: Annotated[str, typer.Option(metavar="NAME", help="Name of the judge on that server.")] = "judge",
    name: Annotated[str | None, typer.Option(metavar="NAME", help="Name of the recipe.", show_default="the folder's")] = None,
    force: Annotated[bool, typer.Option("--force", help="Write over a recipe.yaml that is there.")] = False,
) -> None:
    """Write a commented recipe for your own base model.

    Asks for what no option gives. The numbers are LIMA's, each with the section it comes from. The path of the recipe is
    printed on stdout.
    """
    from align.errors import RecipeError
    from align.files import write_text
    from align.recipe import load_recipe

    path = folder / "recipe.yaml"
    if path.exists() and not force:
        raise RecipeError(f"{path}: is there already; --force writes over it")
    base = base or _ask("Base model (a folder of safetensors, or OWNER/NAME@COMMIT on the Hugging Face hub)", "--base")
    if not dumps and not examples:
        dumps = [_ask("Stack Exchange dump (.7z, folder or Posts.xml)", "--dumps or --examples")]
    answers = {
        "name": name or path.absolute().parent.name or "recipe",
        "file": os.path.relpath(path),
        "dumps": _paths(dumps, folder),
        "examples": _paths(examples, folder),
        "prompts": _paths(prompts, folder),
        "preferences": _sources(preferences, folder),
        "judge_url": judge_url,
        "judge_model": judge_model,
        **_base(base, folder),
    }
    before = path.read_text(encoding="utf-8") if path.exists() else None
    write_text(path, _fill(answers))
    try:
        load_recipe(path)
    except RecipeError:
        # What does not load is not left behind; the old recipe comes back.
        path.unlink() if before is None else write_text(path, before)
        raise
    typer.echo(f"Next: align plan {answers['file']}, then align run {answers['file']}", err=True)
    typer.echo(path)


def _ask(question: str, option: str) -> str:
    """Ask on the terminal; where nobody sits there, name the option."""
    if not sys.stdin.isatty():
        raise typer.BadParameter(f"nobody to ask; give {option}")
    return str(typer.prompt(question, err=True))


def _paths(given: list[str] | None, folder: Path) -> list[str]:
    return [_path(item, folder) for item in given or ()]


def _path(given: str, folder: Path) -> str:
    """As seen from the recipe's folder; an absolute path or one below `~` stays as it is."""
    return given if given.startswith("~") or os.path.isabs(given) else os.path.relpath(given, folder)


def _base(given: str, folder: Path) -> dict[str, Any]:
    from align.errors import RecipeError

    hub, at, revision = given.rpartition("@")
    if at and not Path(given).exists():
        return {"hub": hub, "revision": revision}
    looks_like_hub = given.count("/") == 1 and not given.startswith((".", "/", "~")) and not Path(given).exists()
    if looks_like_hub:
        raise RecipeError(
            f"--base {given}: no such folder; a model on the hub is named with its commit, {given}@COMMIT (40 hexadecimal digits)"
        )
    return {"base": _path(given, folder)}


def _sources(given: list[str] | None, folder: Path) -> str:
    """`[{kind: safe_rlhf, paths: [...]}, ...]` as YAML."""
    from align.catalogue import load_catalogue
    from align.reference import kinds_of

    load_catalogue()
    known = {item.kind for item in kinds_of("pairsource")} if given else set()
    sources = []
    for item in given or ():
        kind, colon, path = item.partition(":")
        kind, path = (kind, path) if colon and kind in known else ("safe_rlhf", item)
        sources.append(f"{{kind: {kind}, paths: {_quoted([_path(path, folder)])}}}")
    return f"[{', '.join(sources)}]" if sources else ""


def _quoted(value: str | list[str]) -> str:
    """A text or list as YAML; JSON is YAML too, and needs no thought about colons and hashes."""
    return json.dumps(value, ensure_ascii=False)


def _fill(answers: dict[str, Any]) -> str:
    from importlib.resources import files

    from jinja2 import Environment, StrictUndefined

    last_own = "own_clean" if answers["prompts"] else "own"
    sets = ["final"] * bool(answers["dumps"]) + [last_own] * bool(answers["examples"])
    models = ["base", "sft", *(["dpo"] if answers["preferences"] else [])]
    environment = Environment(undefined=StrictUndefined, keep_trailing_newline=True, autoescape=False)  # noqa: S701 - YAML, not HTML
    environment.filters["quoted"] = _quoted
    template = environment.from_string(files("align.cli").joinpath("recipe.yaml.jinja").read_text(encoding="utf-8"))
    chosen = {"hub": None, "base": None, "revision": None} | answers
    return template.render(
        **chosen,
        sets=f"[{', '.join(sets)}]",
        models=models,
        models_list=f"[{', '.join(models)}]",
        contests=list(zip(models, models[1:], strict=False)),
    )
