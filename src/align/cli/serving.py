"""align app."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from align.cli.verbs import StoreFolder, store_of, verb

PORT = 8501
TRIED = 50
"""So many ports from `PORT` on are tried where none is asked for."""
START_SECONDS = 60
END_SECONDS = 5


class Way(Enum):
    """How people are known."""

    local = "local"
    proxy = "proxy"
    oidc = "oidc"


def register(app: typer.Typer) -> None:
    verb(app, "app", "align app recipes/quickstart.yaml")(app_verb)


def app_verb(
    recipe: Annotated[
        Path | None, typer.Argument(metavar="[RECIPE]", help="The recipe, a YAML file.", show_default="the quickstart")
    ] = None,
    stage: Annotated[
        str | None, typer.Option("--stage", metavar="NAME", help="The curate stage.", show_default="the only one")
    ] = None,
    database: Annotated[
        str | None,
        typer.Option("--db", metavar="URL", help="Database of the decisions.", show_default="$ALIGN_DB, else STORE/curation.db"),
    ] = None,
    port: Annotated[
        int | None,
        typer.Option("--port", metavar="N", min=1, max=65535, help="Port.", show_default=f"the first free from {PORT}"),
    ] = None,
    store: StoreFolder = None,
    host: Annotated[str, typer.Option("--host", metavar="ADDRESS", help="Address to listen at.")] = "127.0.0.1",
    auth: Annotated[
        Way, typer.Option("--auth", help="How people are known: names picked on this machine, a proxy's header, or signing in.")
    ] = Way.local,
    trusted_proxy: Annotated[
        list[str] | None, typer.Option("--trusted-proxy", metavar="ADDRESS", help="Address or network whose header is believed.")
    ] = None,
    proxy_header: Annotated[
        str | None, typer.Option("--proxy-header", metavar="NAME", help="Header with the name.", show_default="X-Forwarded-User")
    ] = None,
    claim: Annotated[
        str | None, typer.Option("--claim", metavar="NAME", help="Claim that names a person.", show_default="email, verified")
    ] = None,
    invite_domain: Annotated[
        list[str] | None, typer.Option("--invite-domain", metavar="DOMAIN", help="Whose addresses may come in as viewers.")
    ] = None,
    admin: Annotated[
        str | None,
        typer.Option("--admin", metavar="NAME", help="The first person of a fresh database, an admin."),
    ] = None,
    public_url: Annotated[
        str | None, typer.Option("--public-url", metavar="URL", help="Where browsers find the app.", show_default="this machine")
    ] = None,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Print the address and open no browser.")] = False,
) -> None:
    """Choose and edit examples in the browser.

    Makes the stages above the recipe's curate stage where they are missing, then serves the app until Ctrl-C. Decisions go to
    the database; a curate stage with `decisions: database` applies them. Secrets come from the environment: $ALIGN_PROXY_SECRET
    (a proxy sends it along), $ALIGN_OIDC_CLIENT_ID, _CLIENT_SECRET, _METADATA_URL and _COOKIE_SECRET (signing in).
    """
    from align.artifact import open_store
    from align.cli.entrance import door_of, entrance, environment_of, name_first_admin
    from align.cli.unread import warn_unread
    from align.curating import open_pool, prepare_desk
    from align.curation.database.place import VARIABLE
    from align.curation.store import CurationStore
    from align.recipe import load_recipe

    refuse_without_streamlit()
    door = door_of(host, auth.value, trusted_proxy or [], proxy_header, claim, invite_domain or [])
    folder = store_of(store)
    open_store(folder)  # the decisions lie in it, and the first admin is written before any stage is made
    url = _database(database, folder)
    CurationStore.open(url).close()  # a database that does not answer is told before anything is made
    name_first_admin(url, door, admin)
    desk = prepare_desk(recipe, stage, folder)
    loaded = load_recipe(Path(desk.recipe))
    warn_unread(loaded, folder, [desk.stage], url)
    open_pool(desk, loaded)  # so that the first visitor does not wait for it
    number = _free_port(host, port)
    address = f"http://{'localhost' if host == '127.0.0.1' else host}:{number}"
    own = {"ALIGN_APP_CHILD": "1", "ALIGN_APP_DESK": desk.as_json(), "ALIGN_APP_DOOR": door.model_dump_json(), VARIABLE: url}
    with (
        entrance(door, address, public_url) as given,
        _server(host, number, environment_of(os.environ, given) | own, given.flags) as server,
    ):
        _wait_until_up(server, host, number)
        typer.echo(address)
        typer.echo(f"stage {desk.stage} of {desk.recipe}; Ctrl-C ends the app", err=True)
        if not no_browser and _has_screen():
            import webbrowser

            webbrowser.open(address)
        code = server.wait()
    if code:
        raise SystemExit(code)


def _has_screen() -> bool:
    """Whether a browser could show up; without a screen a text browser would take the terminal."""
    return sys.platform in ("darwin", "win32") or any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY"))


def refuse_without_streamlit() -> None:
    """Name the extra that brings what the app needs."""
    from importlib.util import find_spec

    from align.errors import InputError

    missing = [name for name in ("streamlit", "sqlalchemy", "alembic", "curation_app") if find_spec(name) is None]
    if missing:
        raise InputError(f"the curation app needs {', '.join(missing)}: pip install 'align-lm[app]'")


def _database(url: str | None, store: Path) -> str:
    from align.curation.database.filesystems import refuse_network
    from align.curation.database.place import database_url, sqlite_file

    wanted = database_url(store, url)
    file = sqlite_file(wanted)  # tells of a mistake before anything starts
    if file is not None and (said := refuse_network(file)):
        typer.echo(f"note: {said}", err=True)
    return wanted


def _free_port(host: str, wanted: int | None) -> int:
    """The port that is asked for, or the first that nobody listens at."""
    import socket

    from align.errors import InputError

    for number in [wanted] if wanted is not None else range(PORT, PORT + TRIED):
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, number))
            except OSError as error:
                reason = error
            else:
                return number
    raise InputError(
        f"--port {wanted or PORT}: cannot listen at {host}:{wanted or PORT} ({reason.strerror}); name another --port"
    )


@contextmanager
def _server(host: str, port: int, environment: dict[str, str], more: list[str]) -> Iterator["subprocess.Popen[bytes]"]:
    """Streamlit in a process of its own, which ends with this one however this one ends."""
    flags = [f"--server.address={host}", f"--server.port={port}", "--server.headless=true", "--browser.gatherUsageStats=false"]
    flags += ["--server.fileWatcherType=none", *more]
    # It reads the pipe's end when this process is gone: not even kill -9 leaves a server behind.
    server = subprocess.Popen(
        [sys.executable, "-m", "curation_app", *flags], env=environment, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
        start_new_session=True,
    )  # fmt: skip
    before = signal.signal(signal.SIGTERM, _as_interrupt)
    try:
        yield server
    except KeyboardInterrupt:
        typer.echo("\nthe app has ended; what was decided is in the database", err=True)
        raise SystemExit(0) from None
    finally:
        signal.signal(signal.SIGTERM, before)
        _end(server)


def _as_interrupt(number: int, frame: object) -> None:
    raise KeyboardInterrupt


def _end(server: "subprocess.Popen[bytes]") -> None:
    if server.stdin is not None:
        server.stdin.close()
    server.terminate()
    try:
        server.wait(END_SECONDS)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


def _wait_until_up(server: "subprocess.Popen[bytes]", host: str, port: int) -> None:
    import time
    import urllib.error
    import urllib.request

    from align.errors import InputError

    address = f"http://{f'[{host}]' if ':' in host else host}:{port}/_stcore/health"
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        if server.poll() is not None:
            raise InputError(f"the app's server ended at once with code {server.returncode}; what it said stands above")
        try:
            with urllib.request.urlopen(address, timeout=2):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    raise InputError(f"the app's server did not answer at {address} within {START_SECONDS} seconds")
