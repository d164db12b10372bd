"""A private PostgreSQL for tests, out of what is installed: a folder of its own, a free port on 127.0.0.1, nobody else's data."""

import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg


class Server:
    """A running PostgreSQL; `align` is a user who may make databases and nothing else."""

    def __init__(self, folder: Path, binaries: Path, fsync: bool) -> None:
        self.folder, self.binaries = folder, binaries
        self.password = secrets.token_hex(8)
        self.settings = f"-c listen_addresses=127.0.0.1 -c fsync={'on' if fsync else 'off'} -c max_connections=200 -k {folder}"
        self.port = _free_port()
        self._number = 0
        self._shared = ""

    def start(self) -> None:
        self._run("pg_ctl", "-D", self.data, "-w", "-l", f"{self.folder}/log", "-o", f"{self.settings} -p {self.port}", "start")

    def stop(self, how: str = "fast") -> None:
        """`immediate` is what a crash of the server is to its clients."""
        self._run("pg_ctl", "-D", self.data, "-w", "-m", how, "stop")

    def kill(self) -> None:
        """End it and all its processes with SIGKILL, as the kernel does when memory runs out."""
        parent = int(Path(self.data, "postmaster.pid").read_text(encoding="utf-8").splitlines()[0])
        os.kill(parent, signal.SIGSTOP)  # so that it starts no more of them
        children = subprocess.run(["pgrep", "-P", str(parent)], capture_output=True, text=True, check=False).stdout.split()
        everyone = [parent, *map(int, children)]
        for process in everyone:
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        while any(_is_alive(process) for process in everyone):
            time.sleep(0.01)
        # Where nobody reaps the dead, they still have a number, and the next server would take them for the living.
        for lock in (Path(self.data, "postmaster.pid"), self.folder / f".s.PGSQL.{self.port}.lock"):
            lock.unlink(missing_ok=True)

    def fresh(self) -> str:
        """The URL of a new, empty database."""
        self._number += 1
        name = f"align_{self._number}"
        with psycopg.connect(self._url("postgres", driver=""), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return self._url(name)

    def emptied(self) -> str:
        """The URL of one database that is used again and again, made empty: a new one takes seven megabytes and their time."""
        if not self._shared:
            self._shared = self.fresh()
        with psycopg.connect(self._shared.replace("+psycopg", ""), autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
                " AND pid <> pg_backend_pid() AND backend_type = 'client backend'"  # autovacuum is nobody's to end
            )
            connection.execute("DROP SCHEMA public CASCADE")
            connection.execute("CREATE SCHEMA public")
        return self._shared

    @property
    def data(self) -> str:
        return f"{self.folder}/data"

    def set_up(self) -> None:
        secret = self.folder / "password"
        secret.write_text(self.password, encoding="utf-8")
        _give(self.folder)
        self._run(
            "initdb", "-D", self.data, "-U", "owner", "-A", "scram-sha-256", f"--pwfile={secret}", "-E", "UTF8", "--no-sync"
        )
        self.start()
        with psycopg.connect(self._url("postgres", "owner", driver=""), autocommit=True) as connection:
            connection.execute(f"CREATE ROLE align LOGIN CREATEDB PASSWORD '{self.password}'")

    def _url(self, database: str, user: str = "align", driver: str = "+psycopg") -> str:
        return f"postgresql{driver}://{user}:{self.password}@127.0.0.1:{self.port}/{database}"

    def _run(self, program: str, *arguments: str) -> None:
        as_whom = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []  # PostgreSQL refuses to run as root
        done = subprocess.run(
            [*as_whom, str(self.binaries / program), *arguments], cwd=self.folder, capture_output=True, text=True, timeout=120
        )
        assert done.returncode == 0, done.stderr + done.stdout


def find_postgres() -> Path | None:
    """The folder of PostgreSQL's programs, the newest version's; Debian keeps them outside of the path."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
    found = shutil.which("initdb")
    return folders[-1] if folders else Path(found).parent if found else None


@contextmanager
def postgres_server(binaries: Path, fsync: bool = False) -> Iterator[Server]:
    """Start one, and end it whatever happens."""
    folder = Path(tempfile.mkdtemp(prefix="align-postgres-"))
    server = Server(folder, binaries, fsync)
    try:
        server.set_up()
        yield server
    finally:
        with suppress(AssertionError):  # killed, or never started
            server.stop("immediate")
        shutil.rmtree(folder)


def _give(folder: Path) -> None:
    if os.geteuid() == 0:
        for path in (folder, *folder.rglob("*")):
            shutil.chown(path, "postgres", "postgres")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _is_alive(process: int) -> bool:
    state = Path(f"/proc/{process}/stat")
    try:
        return state.read_text(encoding="utf-8").rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False
