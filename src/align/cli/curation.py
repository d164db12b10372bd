"""align backup, authored."""

from enum import Enum
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
    verb(app, "authored", "align authored train > authored_train.jsonl")(authored)


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


class Part(Enum):
    """What authored examples are for."""

    train = "train"
    dev = "dev"
    test = "test"


def authored(
    split: Annotated[Part, typer.Argument(metavar="SPLIT", help="train, dev or test.", show_choices=False)],
    database: DatabaseUrl = None,
    store: StoreFolder = None,
) -> None:
    """Print the ready examples that people wrote, as lines that a source of kind json_lines reads.

    Origin, the authors of every version and the licence come along; an ingest stage takes them into a recipe and a frozen set.
    """
    from align.curation.database.place import database_url, require_packages

    require_packages()
    from align.curation.store import CurationStore
    from align.curation.writing.authoring import export_lines
    from align.errors import InputError

    url = database_url(store_of(store), database)
    if not CurationStore.exists(url):
        raise InputError("there is no curation database: people write examples in `align app`; name another one with --db")
    opened = CurationStore.open(url)
    try:
        lines = list(export_lines(opened.all_authored(), split.value, opened.writers_of_authored()))
    finally:
        opened.close()
    typer.echo("".join(lines), nl=False)
    typer.echo(f"{len(lines):,} ready for {split.value}", err=True)
