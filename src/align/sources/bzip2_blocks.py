"""BZip2 inside a .7z archive, its blocks unpacked on all cores: the 7z program takes one core for them.

The stream of a folder of the archive is a plain .bz2, so a reader of such files can be set on it. The archives of exchanges
have one folder packed with BZip2.
"""

import io
import os
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from align.sources.growing import Growing

_BZIP2 = b"\x04\x02\x02"
_COPY_BYTES = 1 << 20


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


def unpack_folder(path: Path, packed: PackedFolder, files: dict[Path, Growing], threads: int) -> str:
    """Write the wanted files of a packed folder to those of `files` with their names; return what went wrong, or nothing."""
    places = {file.name: file for file in files}
    import rapidgzip

    with path.open("rb") as archive, rapidgzip.IndexedBzip2File(_Slice(archive, packed), parallelization=threads) as stream:
        for member in packed.members:
            stream.seek(member.start)
            left, crc32 = member.size, 0
            place = places[Path(member.name).name]
            with place.open("wb") as file:
                while left and (data := stream.read(min(left, _COPY_BYTES))):
                    file.write(data)
                    file.flush()  # what is said to be there can be read
                    files[place].grow(len(data))
                    crc32 = zlib.crc32(data, crc32)
                    left -= len(data)
            if left or crc32 != (member.crc32 if member.crc32 is not None else crc32):
                return f"{member.name} is damaged"
    return ""


def _members(archive: Any, folder: Any, wanted: list[str]) -> tuple[Member, ...]:
    members, start = [], 0
    for file in archive.files:
        if file.folder is not folder:
            continue
        if file.filename in wanted:
            members.append(Member(file.filename, start, int(file.uncompressed), file.crc32))
        start += int(file.uncompressed)
    return tuple(members)


class _Slice(io.RawIOBase):
    """A part of a file as a file."""

    def __init__(self, file: io.BufferedReader, packed: PackedFolder) -> None:
        self._file = file
        self._packed = packed
        self._place = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        self._place = offset + (0, self._place, self._packed.size)[whence]
        return self._place

    def tell(self) -> int:
        return self._place

    def readinto(self, buffer: Any) -> int:
        data = os.pread(self._file.fileno(), min(len(buffer), self._packed.size - self._place), self._packed.offset + self._place)
        buffer[: len(data)] = data
        self._place += len(data)
        return len(data)
