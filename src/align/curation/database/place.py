"""Which database a store's decisions lie in, and what stands there; light to import."""

import os
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from align.errors import StoreError
from align.records import Decision

if TYPE_CHECKING:
    from align.curation.store import CurationStore

VARIABLE = "ALIGN_DB"
FILE = "curation.db"


def database_url(store: Path, given: str | None = None) -> str:
    """`given`, else `$ALIGN_DB`, else the file `curation.db` in the store. May hold a password: show it with `shown_url`."""
    # A % or ? of a folder's name would be read as part of the URL.
    return given or os.environ.get(VARIABLE) or f"sqlite:///{quote(str((store / FILE).absolute()))}"


def is_unmade(store: Path) -> bool:
    """Whether nobody has decided anything yet: no database is named, and the store has none."""
    return not os.environ.get(VARIABLE) and not (store / FILE).exists()


def shown_url(url: str) -> str:
    """The URL without its password; of a file, the file."""
    from align.curation.database.engine import parse_url, redacted

    parsed = parse_url(url)
    return str(parsed.database) if parsed.get_backend_name() == "sqlite" else redacted(parsed)


def sqlite_file(url: str) -> Path | None:
    """The file of an SQLite database; None for a server's."""
    from align.curation.database.engine import parse_url

    parsed = parse_url(url)
    return Path(str(parsed.database)) if parsed.get_backend_name() == "sqlite" else None


def open_database(url: str) -> "CurationStore":
    """Open it, or tell what has to be installed."""
    require_packages()
    from align.curation.store import CurationStore

    return CurationStore.open(url)


def why_missing(url: str) -> str:
    """Why nothing can be read there: no such database, or no answer. Empty where there is one; makes nothing."""
    try:
        require_packages()
        from align.curation.store import CurationStore

        return "" if CurationStore.exists(url) else f"no curation database {shown_url(url)}"
    except StoreError as error:
        return f"no curation database that can be read: {error}"


def decisions_at(url: str) -> list[Decision]:
    """The decisions that stand, sorted by example."""
    store = open_database(url)
    try:
        return list(store.decisions())
    finally:
        store.close()


def require_packages() -> None:
    from importlib.util import find_spec

    missing = [name for name in ("sqlalchemy", "alembic") if find_spec(name) is None]
    if missing:
        raise StoreError(f"decisions in a database need {' and '.join(missing)}: pip install 'align-lm[app]'")
