"""Bytes and lines of raw files: plain, .gz, .xz, .bz2 or .zst, a block at a time; damage is told with file and place."""

import bz2
import gzip
import io
import lzma
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, NamedTuple, cast

from align.errors import InputError

COMPRESSIONS = (".gz", ".xz", ".bz2", ".zst")
BLOCK_BYTES = 1 << 18
"""Small enough that what is made of a block, and let go, needs no fresh memory of the system each time."""
READ_BYTES = 1 << 17
"""What zstd unpacks at once; to ask it for more takes half as much time again, in fresh memory."""
LONGEST_LINE_BYTES = 1 << 28
WINDOW_LOG = 31
"""Pushshift's monthly dumps look back 2 GiB; the default of zstd refuses anything above 128 MiB."""


class CutOff(InputError):
    """A packed file that breaks off, or whose bytes are damaged."""


class Line(NamedTuple):
    """One line of a file, without its end."""

    number: int
    """Counted from 1."""
    data: bytes


class Block(NamedTuple):
    """Lines in a row, each with its end; the last line of a file is given one if it has none."""

    number: int
    """That of the first line, counted from 1."""
    data: bytes
    ends: Any
    """Where in it the lines end, as an array."""

    @property
    def lines(self) -> int:
        """How many there are."""
        return len(self.ends)


@contextmanager
def opened(path: Path) -> Iterator[IO[bytes]]:
    """The bytes of a file, unpacked where its name says that it is packed. What is cut off or damaged raises `InputError`."""
    try:
        with _open(path) as file:
            yield file
    except _damage(path) as error:
        raise CutOff(f"{path}: cut off or damaged: {error}. Fetch the file again.") from error
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from error


def packed(path: Path) -> Any:
    """A file to write that is packed with zstd, whatever its name is; fast rather than small."""
    zstd = _zstd()
    return zstd.ZstdFile(path, "wb", level=1)


def read_lines(path: Path) -> Iterator[Line]:
    """Every line that is not blank. Memory holds a block and the longest line, so a character never falls apart."""
    for block in read_blocks(path):
        for number, line in enumerate(block.data[:-1].split(b"\n"), block.number):
            if line.strip():
                yield Line(number, line)


def read_blocks(path: Path) -> Iterator[Block]:
    """The lines of a file, those of a block at a time. Memory holds two blocks and the longest line."""
    import numpy as np

    number = 1
    with opened(path) as file:
        try:
            for lines in _whole_lines(file, _damage(path)):
                ends = np.flatnonzero(np.frombuffer(lines, np.uint8) == _LINE_END)  # twice as fast as to count them
                yield Block(number, lines, ends)
                number += len(ends)
        except _damage(path) as error:
            raise CutOff(f"{path}: cut off or damaged after line {number - 1:,} ({error}). Fetch the file again.") from error
        except _Endless as error:
            raise InputError(
                f"{path}:{number}: no line ends within {LONGEST_LINE_BYTES >> 20} MiB: not a file of lines."
            ) from error


_LINE_END = ord("\n")


class _Endless(Exception):
    """A line that does not end."""


def _whole_lines(file: IO[bytes], damage: tuple[type[Exception], ...]) -> Iterator[bytes]:
    """About a block of lines at a time, and those before a cut before it is told."""
    begun: list[bytes] = []  # joined once: a packed file comes in small pieces, and a long line would take its square
    size = held = 0
    failure: Exception | None = None
    while failure is None:
        try:
            piece = cast(io.BufferedReader, file).read1(min(READ_BYTES, BLOCK_BYTES))
        except damage as error:
            failure = error
            break
        if not piece:
            break
        end = piece.rfind(b"\n") + 1
        # What is begun ends at the first end of a line; how far that is says whether the line is too long.
        if held + (piece.find(b"\n") if end else len(piece)) > LONGEST_LINE_BYTES:
            failure = _Endless()
            break
        held = len(piece) - end if end else held + len(piece)
        size += len(piece)
        if end and size >= BLOCK_BYTES:
            yield b"".join((*begun, memoryview(piece)[:end]))
            begun, size = [piece[end:]], held
        else:
            begun.append(piece)
    left = b"".join(begun)
    whole = left.rfind(b"\n") + 1
    if whole:
        yield left[:whole]
    if failure is not None:
        raise failure
    if whole < len(left):
        yield left[whole:] + b"\n"


def _open(path: Path) -> IO[bytes]:
    suffix = path.suffix.lower()
    if suffix == ".gz":
        return cast(IO[bytes], gzip.open(path, "rb"))
    if suffix == ".xz":
        return lzma.open(path, "rb")
    if suffix == ".bz2":
        return cast(IO[bytes], bz2.open(path, "rb"))
    if suffix == ".zst":
        # ZstdFile and not a reader of the package `zstandard`: that one takes a frame that is cut off for the end of the file.
        zstd = _zstd()
        return cast(IO[bytes], zstd.ZstdFile(path, options={zstd.DecompressionParameter.window_log_max: WINDOW_LOG}))
    return path.open("rb")


def _damage(path: Path) -> tuple[type[Exception], ...]:
    """What unpacking a file can raise where it is no fault of the disk's."""
    common = (EOFError, zlib.error, lzma.LZMAError, gzip.BadGzipFile)
    return (*common, _zstd().ZstdError) if path.suffix.lower() == ".zst" else common


def _zstd() -> Any:
    """A module of the standard library from Python 3.14 on, of a package before."""
    if sys.version_info >= (3, 14):
        from compression import zstd
    else:
        from backports import zstd
    return zstd
