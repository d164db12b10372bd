"""A database by its URL: short transactions, one writer of history at a time, no password in any message."""

import random
import sqlite3
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError

from align.errors import InputError, StoreError

T = TypeVar("T")

BUSY_SECONDS = 30
ATTEMPTS = 8
SECRETS = ("password", "sslpassword", "passfile")
RETRIED = ("40001", "40P01")
"""SQLSTATEs of PostgreSQL after which the same transaction may well succeed: not serializable, deadlock."""


class Database:
    """Transactions on one database; thread-safe. SQLite takes one writer at a time, and so does the history in PostgreSQL."""

    def __init__(self, url: str | URL, clock: Callable[[], datetime] | None = None) -> None:
        self.clock = clock or (lambda: datetime.now(UTC))
        self.url = url if isinstance(url, URL) else parse_url(url)
        self.name = redacted(self.url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self.engine = _sqlite(self.url) if self.is_sqlite else _postgres(self.url)
        # Threads queue here, by what they write: SQLite's busy handler sleeps ever longer and is not fair, and a row of
        # PostgreSQL that twenty of them wait for wakes all of them for each that it lets through.
        self._turns: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)

    def read(self, work: Callable[[Connection], T], *, whole: bool = False) -> T:
        """Run `work` in one transaction that writes nothing; with `whole`, all of it sees the same moment."""
        options = {"now": utc_text(self.clock())}
        if not self.is_sqlite:  # whose readers see one moment anyway; READ COMMITTED sees one a statement, and so does this
            options["isolation_level"] = "REPEATABLE READ" if whole else "AUTOCOMMIT"

        def tried() -> T:
            with self.engine.connect().execution_options(**options) as connection:
                return work(connection)

        with self._explained():
            try:
                return tried()
            except DBAPIError as error:
                if not error.connection_invalidated:
                    raise
                return tried()  # the connection had died since it was used last; all others of its age are gone by now, too

    def write(self, work: Callable[[Connection], T], *, turn: str = "", durable: bool = True) -> T:
        """Run `work` in one transaction, again where another one was in its way; `durable=False` may be lost in a power cut.

        Threads that write with the same `turn` do so one after the other. What is not durable in PostgreSQL begins with `hold`.
        """
        with self._explained():
            if self.is_sqlite:
                with self._turns[""]:
                    return self._commit(work, durable)
            if not turn:
                return self._insist(work, durable)
            with self._turns[turn]:
                return self._insist(work, durable)

    def close(self) -> None:
        self.engine.dispose()

    def _insist(self, work: Callable[[Connection], T], durable: bool) -> T:
        """Commit, again where another transaction was in the way or the connection dead; never where it may be committed."""
        is_through = False

        def noted(connection: Connection) -> T:
            nonlocal is_through
            result = work(connection)
            is_through = True
            return result

        for attempt in range(1, ATTEMPTS):
            try:
                return self._commit(noted, durable)
            except DBAPIError as error:
                is_old = error.connection_invalidated and attempt == 1 and not is_through
                if not is_old and getattr(error.orig, "sqlstate", None) not in RETRIED:
                    raise
                is_through = False
                time.sleep(0 if is_old else random.uniform(0, 0.005 * 2**attempt))
        return self._commit(work, durable)

    def _commit(self, work: Callable[[Connection], T], durable: bool) -> T:
        options = {"writes": True, "durable": durable, "now": utc_text(self.clock())}
        with self.engine.connect().execution_options(**options) as connection, connection.begin():
            return work(connection)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """What the database says, as an error a user can act on."""
        try:
            yield
        except (DBAPIError, sqlite3.Error) as error:
            raise StoreError(f"{self.name}: {self._said(error)}") from error

    def _said(self, error: DBAPIError | sqlite3.Error) -> str:
        orig = error if isinstance(error, sqlite3.Error) else error.orig
        said = _hide(str(orig).strip(), self.url)
        if "database is locked" in said:
            return f"another process has been writing for {BUSY_SECONDS} s; end it, or use PostgreSQL"
        if "not a database" in said:
            return "the file is no SQLite database; name another one with --db"
        if "unable to open" in said:
            return "cannot be opened; the folder must exist and be writable"
        if "disk is full" in said or "No space left" in said:
            return "the disk is full; nothing of this was saved. Make room and do it again"
        if not self.is_sqlite and (getattr(error, "connection_invalidated", False) or getattr(orig, "sqlstate", None) is None):
            return f"the database does not answer ({said}); what was not confirmed may not be saved"
        return said


def now_of(connection: Connection) -> str:
    """When the transaction began, as it is stored."""
    return str(connection.get_execution_options()["now"])


def utc_text(moment: datetime) -> str:
    """A moment as it is stored: it sorts as text."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def parse_url(text: str) -> URL:
    """`sqlite:///FILE` or `postgresql+psycopg://...`; anything else is told with both forms."""
    forms = "write sqlite:///FILE or postgresql+psycopg://USER@HOST/DATABASE (the password in the URL or in ~/.pgpass)"
    try:
        url = make_url(text)
    except (ArgumentError, ValueError) as error:
        raise InputError(f"--db: this is no URL of a database; {forms}") from error  # it may hold a password: not repeated
    backend = url.get_backend_name()
    if backend in ("postgresql", "postgres"):
        return url.set(drivername="postgresql+psycopg")
    if backend != "sqlite":
        raise InputError(f"--db: align keeps decisions in SQLite or PostgreSQL, not {backend!r}; {forms}")
    if url.database in (None, "", ":memory:"):
        raise InputError("--db: a database in memory is gone when the app ends; write sqlite:///FILE")
    return url


def sqlite_url(path: Path) -> str:
    return URL.create("sqlite", database=str(path)).render_as_string()


def redacted(url: str | URL) -> str:
    """The URL as it may be shown: no password, wherever it stood."""
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        return "(no legible URL)"
    shown = {key: "***" if key in SECRETS else value for key, value in parsed.query.items()}
    return parsed.set(query=shown).render_as_string(hide_password=True)


def _hide(text: str, url: URL) -> str:
    hidden = [url.password, *(url.query.get(key) for key in SECRETS)]
    for secret in hidden:
        if secret:
            text = text.replace(str(secret), "***")
    return text


def _sqlite(url: URL) -> Engine:
    if sqlite3.sqlite_version_info < (3, 35):
        raise StoreError(f"SQLite {sqlite3.sqlite_version} is too old; align needs 3.35 or later (of 2021), or PostgreSQL")
    # Kept open between transactions: the last one to close a file merges its log, which costs more than a decision.
    engine = create_engine(url, pool_size=5, max_overflow=-1, connect_args={"timeout": BUSY_SECONDS})
    event.listen(engine, "connect", _set_up_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _set_up_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # the driver's own BEGIN would come too late and would not be IMMEDIATE
    for attempt in range(1, ATTEMPTS + 1):
        try:
            connection.execute("PRAGMA journal_mode=WAL")  # readers never wait for the writer; the file remembers it
            break
        except sqlite3.OperationalError:  # two that switch a fresh file at once do not wait for each other
            if attempt == ATTEMPTS:
                raise
            time.sleep(random.uniform(0, 0.005 * 2**attempt))


def _begin_sqlite(connection: Connection) -> None:
    options = connection.get_execution_options()
    run: Any = connection.connection.dbapi_connection  # past SQLAlchemy, which makes ten times as much work of it
    if not options.get("writes", False):
        run.execute("BEGIN")
        return
    # FULL: an acknowledged decision survives a power cut, too.
    run.execute(f"PRAGMA synchronous={'FULL' if options['durable'] else 'NORMAL'}")
    # Taking the lock at once: a reader that turns writer half way cannot wait, it fails.
    run.execute("BEGIN IMMEDIATE")


def _postgres(url: URL) -> Engine:
    try:
        return create_engine(
            url,
            pool_size=10,
            max_overflow=20,
            pool_use_lifo=True,
            isolation_level="READ COMMITTED",
            connect_args={"connect_timeout": 10},
        )
    except (ModuleNotFoundError, NoSuchModuleError) as error:
        raise StoreError("PostgreSQL needs the package psycopg: pip install 'align-lm[postgres]'") from error
