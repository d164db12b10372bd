"""What all verbs share: their options, their errors, their ways to print."""

import logging
import os
import sys
import traceback
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

app = typer.Typer(
    help="From raw dumps to a judged model: curate, fine-tune, make safe, evaluate, report.",
    epilog="\b\nExample:\n  $ align run recipes/quickstart.yaml",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        from align import __version__

        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass


RecipePath = Annotated[Path, typer.Argument(metavar="RECIPE", help="The recipe, a YAML file.")]
StageArgument = Annotated[str, typer.Argument(metavar="STAGE", help="The name of a stage of the recipe.")]
Overrides = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="stages.NAME.FIELD=VALUE", help="Another value for one field; may be given many times."),
]
StoreFolder = Annotated[
    Path | None,
    typer.Option("--store", metavar="DIR", help="Folder of artifacts and runs.", show_default="$ALIGN_STORE, else .align"),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for another program.")]

Command = Callable[..., None]


def verb(into: typer.Typer, name: str, example: str) -> Callable[[Command], Command]:
    """Make a function a verb: its help ends with `example`, its errors become exit codes."""

    def decorate(command: Command) -> Command:
        guarded = _guarded(command)
        # \b keeps the lines as they are, so that an example can be copied.
        into.command(name, epilog=f"\b\nExample:\n  $ {example}")(guarded)
        return guarded

    return decorate


def _guarded(command: Command) -> Command:
    @wraps(command)
    def run(*args: Any, **kwargs: Any) -> None:
        _log_to_stderr()
        try:
            command(*args, **kwargs)
            sys.stdout.flush()
        except BrokenPipeError:
            # The reader has enough, as in `align show ... | head`. Python would complain again when it closes stdout.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        except KeyboardInterrupt:
            typer.echo("\nstopped; the same command goes on from here", err=True)
            raise SystemExit(130) from None
        except Exception as error:
            _fail(error)

    return run


def _fail(error: Exception) -> NoReturn:
    """Tell a user's mistake in its own words; of a bug of ours keep the traceback."""
    from align.errors import AlignError, without_passwords
    from align.parts import plugin_fault

    if isinstance(error, (SystemExit, typer.Exit, typer.Abort, typer.BadParameter)):
        raise error
    debug = os.environ.get("ALIGN_DEBUG", "") not in ("", "0")
    if debug:
        traceback.print_exception(error)
    fault = "" if isinstance(error, AlignError) else plugin_fault(error)
    if isinstance(error, AlignError) or fault:
        typer.echo(f"error: {f'the plugin failed at {fault}' if fault else error}", err=True)
        raise SystemExit(1)
    notes = "".join(f" ({note})" for note in getattr(error, "__notes__", ()))
    typer.echo(without_passwords(f"error: {type(error).__name__}: {error}{notes}"), err=True)
    if not debug:
        typer.echo(f"This is a bug of align, not yours. Please report it with {_write_traceback(error)}", err=True)
    raise SystemExit(3)


def _write_traceback(error: Exception) -> Path:
    import platform
    import tempfile

    from align import __version__
    from align.errors import without_passwords

    program = f"align {__version__}, Python {platform.python_version()}, {platform.platform()}\n{sys.argv}"
    text = without_passwords(f"{program}\n\n{''.join(traceback.format_exception(error))}")
    with tempfile.NamedTemporaryFile("w", prefix="align-bug-", suffix=".log", delete=False, encoding="utf-8") as file:
        file.write(text)
    return Path(file.name)


def _log_to_stderr() -> None:
    log = logging.getLogger("align")
    log.setLevel(logging.INFO)
    logging.getLogger("bitsandbytes").setLevel(logging.ERROR)  # it tells of optional kernels
    log.addHandler(_stderr)  # adding it again does nothing
    if not sys.stderr.isatty():
        # A log is no place for bars; transformers shows one for each model that it loads.
        os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")


class _Stderr(logging.Handler):
    """Writes to what stderr is now, which a test or a notebook may have changed since."""

    def emit(self, record: logging.LogRecord) -> None:
        sys.stderr.write(f"{self.format(record)}\n")


_stderr = _Stderr()


def store_of(folder: Path | None) -> Path:
    """The store that `--store` names, else the default one."""
    from align.artifact import default_store

    return folder if folder is not None else default_store()


def print_json(value: Any) -> None:
    """One JSON document on stdout; dataclasses and paths are written as what they hold."""
    import json
    from dataclasses import asdict, is_dataclass

    def plain(item: Any) -> Any:
        if is_dataclass(item) and not isinstance(item, type):
            return asdict(item)
        return str(item)

    typer.echo(json.dumps(value, indent=2, ensure_ascii=False, default=plain))


def print_table(headings: list[str], rows: list[list[str]], right: set[str] | None = None) -> None:
    """Columns two spaces apart; those of `right` are numbers."""
    widths = [max(len(row[number]) for row in [headings, *rows]) for number in range(len(headings))]
    for row in [headings, *rows]:
        cells = [
            cell.rjust(width) if heading in (right or set()) else cell.ljust(width)
            for cell, width, heading in zip(row, widths, headings, strict=True)
        ]
        typer.echo("  ".join(cells).rstrip())


def in_bytes(count: float) -> str:
    """`1.2 MB`: a size for people."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000 or unit == "GB":
            break
        count /= 1000
    return f"{count:,.0f} {unit}" if unit == "B" else f"{count:,.1f} {unit}"
