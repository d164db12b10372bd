"""A private PostgreSQL for tests, out of what is installed: a folder of its own, a free port on 127.0.0.1, nobody else's data."""

import os
import secrets
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest


class Server:
    """A running PostgreSQL; `align` is a user who may make databases and nothing else."""

    def __init__(self, folder: Path, binaries: Path, fsync: bool) -> None:
        self.folder, self.binaries = folder, binaries
        self.password = secrets.token_hex(8)
        self.settings = f"-c listen_addresses=127.0.0.1 -c fsync={'on' if fsync else 'off'} -c max_connections=200 -k {folder}"
        self.port = _free_port()
        self._number = 0

    def start(self) -> None:
        self._run("pg_ctl", "-D", self.data, "-w", "-l", f"{self.folder}/log", "-o", f"{self.settings} -p {self.port}", "start")

    def stop(self, how: str = "fast") -> None:
        """`immediate` is what a crash of the server is to its clients."""
        self._run("pg_ctl", "-D", self.data, "-w", "-m", how, "stop")

    def fresh(self) -> str:
        """The URL of a new, empty database."""
        self._number += 1
        name = f"align_{self._number}"
        with psycopg.connect(self._url("postgres", driver=""), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return self._url(name)

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


@contextmanager
def postgres_server(fsync: bool = False) -> Iterator[Server]:
    """Start one, or skip, saying what is missing."""
    binaries = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
    found = shutil.which("initdb")
    if not binaries and found is None:
        pytest.skip("no PostgreSQL here (apt-get install postgresql)")
    folder = Path(tempfile.mkdtemp(prefix="align-postgres-"))
    server = Server(folder, binaries[-1] if binaries else Path(str(found)).parent, fsync)
    try:
        server.set_up()
        yield server
    finally:
        if Path(server.data, "postmaster.pid").exists():
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
