"""Locks between processes: one file a key; the kernel drops the lock of a killed process."""

import fcntl
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

log = logging.getLogger(__name__)


@contextmanager
def hold_lock(store: Path, key: str) -> Iterator[int]:
    """Hold the right to make `key`; a second process waits.

    Gives the file descriptor that holds it: with a child that inherits it the lock lasts until both are gone.
    """
    path = store / "locks" / key
    path.parent.mkdir(parents=True, exist_ok=True)
    while True:
        with path.open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                log.info("waiting: another process is making %s", key)
                fcntl.flock(file, fcntl.LOCK_EX)
            if _is_there(file, path):
                yield file.fileno()
                return
            # `align gc` removed the file while this process waited: another one could hold the new file of that name.


@contextmanager
def free_lock(store: Path, key: str) -> Iterator[bool]:
    """Whether nobody makes `key`; nobody can begin to while the context lasts."""
    path = store / "locks" / key
    if not path.is_file():
        yield True
        return
    with path.open("r+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True


def _is_there(file: IO[str], path: Path) -> bool:
    try:
        return os.fstat(file.fileno()).st_ino == path.stat().st_ino
    except FileNotFoundError:
        return False
