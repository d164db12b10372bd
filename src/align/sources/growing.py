"""Files that are read while another thread still writes them: a table of a dump while it is unpacked."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class Growing:
    """How far a file is of which the size at its end is known."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.written = 0
        self._has_ended = False
        self._changed = threading.Condition()

    def grow(self, count: int) -> None:
        """Say that so many bytes more are written, and can be read."""
        with self._changed:
            self.written += count
            self._changed.notify_all()

    def end(self) -> None:
        """Say that no more will come, be the file whole or not."""
        with self._changed:
            self._has_ended = True
            self._changed.notify_all()

    def wait_for(self, end: int) -> None:
        """Wait until the bytes up to `end` are written, or all that will come."""
        with self._changed:
            self._changed.wait_for(lambda: self._has_ended or self.written >= min(end, self.size))


_growing: dict[Path, Growing] = {}
"""The files that are written now, for whoever in this process reads one: a reader of rows knows nothing of archives."""


@contextmanager
def written_meanwhile(files: dict[Path, Growing]) -> Iterator[None]:
    """While the context lasts, those who read the files wait for what is to come."""
    _growing.update(files)
    try:
        yield
    finally:
        for file in files:
            del _growing[file]


def size_of(path: Path) -> int | None:
    """How large a file is, or will be; None where there is none."""
    growing = _growing.get(path)
    if growing is not None:
        return growing.size
    return path.stat().st_size if path.is_file() else None


def read_blocks(path: Path, size: int) -> Iterator[bytes]:
    """The bytes of a file, `size` at a time."""
    growing = _growing.get(path)
    place = 0
    if growing is not None:
        growing.wait_for(1)  # before that it may not be there
    with path.open("rb") as file:
        while True:
            if growing is not None:
                growing.wait_for(place + size)
            block = file.read(size)
            place += len(block)
            if not block:
                return
            yield block
