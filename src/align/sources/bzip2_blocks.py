"""BZip2 inside a .7z archive, its blocks unpacked on all cores: the 7z program takes one core for them.

The stream of a folder of the archive is a plain .bz2, which is cut into smaller ones. The archives of exchanges have one folder
packed with BZip2. Each smaller stream goes to a 7z program of its own, which takes the least CPU of all: for the same rapidgzip
0.16.1 took 1.1 to 1.5 times as much, the module `bz2` 1.5 times.
"""

import bz2
import os
import subprocess
import zlib
from collections import deque
from collections.abc import Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any

from align.sources.bzip2_streams import divided
from align.sources.growing import Growing

_BZIP2 = b"\x04\x02\x02"
_STREAM_BYTES = 2 << 20
"""Packed bytes to unpack at once: a quarter of a second of work."""


@dataclass(frozen=True, slots=True)
class Member:
    """A file in the stream of a folder."""

    name: str
    start: int
    """Where it begins in what the folder unpacks to."""
    size: int
    crc32: int | None


@dataclass(frozen=True, slots=True)
class PackedFolder:
    """A folder of an archive that is nothing but BZip2, and the wanted files in it."""

    offset: int
    """Where its packed stream begins in the archive."""
    size: int
    members: tuple[Member, ...]


def packed_folders(path: Path, wanted: list[str]) -> list[PackedFolder] | None:
    """Where the wanted files lie; None where one of them is packed in another way."""
    import py7zr  # takes a tenth of a second to import

    with py7zr.SevenZipFile(path) as archive:
        streams = archive.header.main_streams
        if streams is None:  # files without a byte
            return None
        folders, sizes = streams.unpackinfo.folders, streams.packinfo.packsizes
        if len(folders) != len(sizes):  # a folder of several packed streams, such as BCJ2
            return None
        offset = int(archive.afterheader + streams.packinfo.packpos)
        found = []
        for folder, size in zip(folders, sizes, strict=True):
            members = _members(archive, folder, wanted)
            if members and [coder["method"] for coder in folder.coders] != [_BZIP2]:
                return None
            if members:
                found.append(PackedFolder(offset, int(size), members))
            offset += int(size)
        return found


def unpack_folder(path: Path, packed: PackedFolder, files: dict[Path, Growing], threads: int, program: str | None) -> str:
    """Write the wanted files of a packed folder to those of `files` with their names; return what went wrong, or nothing.

    `program` is the 7z program; without one the module `bz2` unpacks.
    """
    places = {file.name: file for file in files}
    with path.open("rb") as archive:
        streams = divided(partial(_read, archive.fileno(), packed), packed.size, _STREAM_BYTES)
        with closing(_unpacked(streams, threads, program)) as pieces:
            text = _Text(pieces)
            for member in packed.members:
                place = places[Path(member.name).name]
                crc32 = 0
                with place.open("wb") as file:
                    for data in text.read(member.start, member.start + member.size):
                        file.write(data)
                        file.flush()  # what is said to be there can be read
                        files[place].grow(len(data))
                        crc32 = zlib.crc32(data, crc32)
                if files[place].written < member.size or crc32 != (member.crc32 if member.crc32 is not None else crc32):
                    return f"{member.name} is damaged"
    return ""


def _read(archive: int, packed: PackedFolder, start: int, count: int) -> bytes:
    return os.pread(archive, min(count, packed.size - start), packed.offset + start)


def _unpacked(streams: Iterator[bytes], threads: int, program: str | None) -> Generator[bytes]:
    """What the streams hold, in order; so many are unpacked at once, and two more wait."""
    unpack = bz2.decompress if program is None else partial(_unpack_by, program)
    waiting: deque[Future[bytes]] = deque()
    with ThreadPoolExecutor(threads) as pool:
        try:
            for stream in streams:
                waiting.append(pool.submit(unpack, stream))
                if len(waiting) > threads + 1:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for one in waiting:
                one.cancel()


def _unpack_by(program: str, stream: bytes) -> bytes:
    with _file_in_memory() as given, _file_in_memory() as taken:
        given.write(stream)
        given.seek(0)
        command = [program, "x", "-tbzip2", "-si", "-so", "-bd", "-mmt=1"]
        done = subprocess.run(command, stdin=given, stdout=taken, stderr=subprocess.PIPE, check=False)
        if done.returncode:
            said = " ".join(done.stderr.decode(errors="replace").split())
            raise ValueError(f"{Path(program).name} ended with {done.returncode}: {said or 'no message'}")
        taken.seek(0)
        return taken.read()


def _file_in_memory() -> IO[bytes]:
    return os.fdopen(os.memfd_create("bzip2"), "w+b", buffering=0) if hasattr(os, "memfd_create") else TemporaryFile()


class _Text:
    """What a folder unpacks to, read from front to back."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._piece = memoryview(b"")
        self._end = 0
        """Where the piece at hand ends."""

    def read(self, start: int, end: int) -> Iterator[memoryview]:
        """The bytes from `start`, which lies no further ahead than what was read, to `end`; less where there is no more."""
        while start < end:
            if start >= self._end:
                self._piece = memoryview(next(self._pieces, b""))
                self._end += len(self._piece)
                if not self._piece:
                    return
                continue
            from_end = self._end - start
            data = self._piece[len(self._piece) - from_end :][: end - start]
            yield data
            start += len(data)


def _members(archive: Any, folder: Any, wanted: list[str]) -> tuple[Member, ...]:
    members, start = [], 0
    for file in archive.files:
        if file.folder is not folder:
            continue
        if file.filename in wanted:
            members.append(Member(file.filename, start, int(file.uncompressed), file.crc32))
        start += int(file.uncompressed)
    return tuple(members)
