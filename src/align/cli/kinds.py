"""align kinds, align schema."""

from typing import TYPE_CHECKING, Annotated

import typer

from align.cli.verbs import AsJson, print_json, print_table, verb

if TYPE_CHECKING:
    from align.reference import Kind, Parameter


def register(app: typer.Typer) -> None:
    verb(app, "kinds", "align kinds filter length")(kinds)
    verb(app, "schema", "align schema > recipe.schema.json")(schema)


def kinds(
    family: Annotated[
        str | None, typer.Argument(metavar="FAMILY", help="stage, source, filter, judge, ...; without it, one line a part.")
    ] = None,
    kind: Annotated[str | None, typer.Argument(metavar="KIND", help="One kind of the family.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show every part that a recipe can name.

    Without FAMILY one line a part; with it, its parameters with their types, defaults and meanings.
    """
    from align.catalogue import load_catalogue
    from align.reference import kinds_of

    load_catalogue()
    found = kinds_of(family, kind)
    if as_json:
        print_json(found)
    elif family is None:
        print_table(["family", "kind", "what it is for"], [[item.family, item.kind, _first_line(item.meaning)] for item in found])
    else:
        for number, item in enumerate(found):
            if number:
                typer.echo("")
            _print_kind(item)


def _first_line(text: str) -> str:
    return text.partition("\n\n")[0].replace("\n", " ")


def _print_kind(item: "Kind") -> None:
    from textwrap import indent

    typer.echo(f"{item.family} {item.kind}")
    typer.echo(indent(item.meaning, "  "))
    for parameter in item.parameters:
        _print_parameter(parameter, "  ")


def _print_parameter(parameter: "Parameter", margin: str) -> None:
    from textwrap import fill

    default = "must be written" if parameter.default is None else f"default {parameter.default}"
    typer.echo(f"{margin}{parameter.name}: {parameter.type} ({default})")
    if parameter.meaning:
        typer.echo(fill(parameter.meaning, 110, initial_indent=margin + "    ", subsequent_indent=margin + "    "))
    for inner in parameter.inside:
        _print_parameter(inner, margin + "    ")


def schema() -> None:
    """Print the JSON Schema of a recipe, for editors."""
    from align.catalogue import load_catalogue
    from align.reference import recipe_schema

    load_catalogue()
    print_json(recipe_schema())
