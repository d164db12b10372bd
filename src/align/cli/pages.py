"""The reference pages docs/cli.md and docs/kinds.md, which cog fills in; `make docs` writes them anew."""

import io
import os
from collections.abc import Iterator
from contextlib import redirect_stdout
from typing import TYPE_CHECKING

from align.cli.verbs import app

if TYPE_CHECKING:
    from align.reference import Kind, Parameter


def command_page() -> str:
    """The help of every verb, as wide as a terminal of 100 columns shows it."""
    verbs = [command.name or "" for command in app.registered_commands]
    parts = [f"```\n{_help()}```\n", *(f"## align {name}\n\n```\n{_help(name)}```\n" for name in verbs)]
    return "\n".join(parts)


def _help(*verb: str) -> str:
    before = os.environ.get("COLUMNS")
    os.environ["COLUMNS"] = "100"
    try:
        with redirect_stdout(io.StringIO()) as out:
            app([*verb, "--help"], prog_name="align", standalone_mode=False)
    finally:
        if before is None:
            del os.environ["COLUMNS"]
        else:
            os.environ["COLUMNS"] = before
    return out.getvalue()


def kind_page() -> str:
    """Every part that ships with align, family by family in the order of the journey."""
    from align.catalogue import load_catalogue
    from align.reference import families, kinds_of

    load_catalogue()
    parts = []
    for family, meaning in families().items():
        kinds = [item for item in kinds_of(family) if not item.is_plugin]
        if not kinds:
            continue
        links = " · ".join(f"[{item.kind}](#{family}-{item.kind})" for item in kinds)
        parts.append(f"## {family.capitalize()}\n\n{meaning}\n\n{links}\n")
        parts += [_kind(item) for item in kinds]
    return "\n".join(parts)


def _kind(item: "Kind") -> str:
    lines = [f"### {item.family} {item.kind}", "", item.meaning, ""]
    for parameter in item.parameters:
        if parameter.name not in ("inputs", "expect"):  # every stage has them: the page says so once
            lines += _parameter(parameter, "")
    return "\n".join([*lines, ""])


def _parameter(parameter: "Parameter", margin: str) -> Iterator[str]:
    default = "must be written" if parameter.default is None else f"default `{parameter.default}`"
    yield f"{margin}- **`{parameter.name}`**: {parameter.type}, {default}. {parameter.meaning}"
    for inner in parameter.inside:
        yield from _parameter(inner, margin + "  ")
