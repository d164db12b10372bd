"""align backup."""

from pathlib import Path
from typing import Annotated

import typer

from align.cli.verbs import StoreFolder, in_bytes, store_of, verb

DatabaseUrl = Annotated[
    str | None,
    typer.Option(
        "--db",
        metavar="URL",
        help="Database of the decisions: sqlite:///FILE or postgresql+psycopg://USER@HOST/NAME.",
        show_default="$ALIGN_DB, else STORE/curation.db",
    ),
]


def register(app: typer.Typer) -> None:
    verb(app, "backup", "align backup decisions-of-monday.db")(backup)


def backup(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where to save it.")],
    database: DatabaseUrl = None,
    store: StoreFolder = None,
    force: Annotated[bool, typer.Option("--force", help="Write over a file that is there.")] = False,
) -> None:
    """Save people's decisions to one file, while they work on.

    It is an SQLite database, whatever the decisions lie in: `--db sqlite:///FILE` opens it.
    A password is best left out of the URL: ~/.pgpass or $ALIGN_DB keep it out of the list of processes.
    """
    from align.curation.database.place import database_url, require_packages

    require_packages()
    from align.curation.database.backup import back_up

    saved = back_up(database_url(store_of(store), database), file, force)
    typer.echo(f"saved {saved.source}: {saved.events:,} events of {saved.people} people, {in_bytes(saved.bytes)}", err=True)
    typer.echo(saved.path)
