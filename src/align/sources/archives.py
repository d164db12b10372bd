"""Tables out of a .7z archive, to a folder on disk.

Disk and not memory: Posts.xml of one exchange can be larger than any memory. And not only a pipe: a table is read twice, and
its files lie in one solid block, which would be unpacked anew for each reading. The first reading goes along with the unpacking.
"""

import errno
import os
import shutil
import struct
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from subprocess import DEVNULL, PIPE, Popen
from tempfile import TemporaryFile
from typing import IO, TypeVar, cast

from align.errors import InputError, StoreError
from align.progress import track
from align.sources.bzip2_blocks import packed_folders, unpack_folder
from align.sources.growing import Growing, written_meanwhile

R = TypeVar("R")

_SIGNATURE = b"7z\xbc\xaf\x27\x1c"
_HEADER_BYTES = 32
_COPY_BYTES = 1 << 20


def check_archive(path: Path) -> None:
    """Refuse what is no .7z archive, or not all of one; reads 32 bytes."""
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            header = file.read(_HEADER_BYTES)
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from error
    if not header.startswith(_SIGNATURE[: len(header)]) or not header:
        raise InputError(
            f"{path}: not a .7z archive: it starts with {header[:16]!r}. Was a web page saved? Fetch the dump again."
        )
    # The first header says where the last one lies, and so how long the whole is.
    behind, length = struct.unpack_from("<QQ", header, 12) if len(header) == _HEADER_BYTES else (0, 1)
    whole = _HEADER_BYTES + behind + length
    if size < whole:
        raise InputError(
            f"{path}: cut off at byte {size:,} of {whole:,}. Fetch the archive again "
            f"(`curl -C - -O URL` goes on where it broke off)."
        )


def unpack_tables(path: Path, tables: tuple[str, ...], folder: Path) -> dict[str, Path]:
    """Unpack the named tables (`posts.xml`, in any case) of an archive into `folder`; return them by that name."""
    return read_unpacked(path, tables, folder, lambda found: found)


def read_unpacked(path: Path, tables: tuple[str, ...], folder: Path, read: Callable[[dict[str, Path]], R]) -> R:
    """Unpack the named tables into `folder`, and give what `read` makes of them.

    It is called at once: who reads a table through `read_blocks` waits for what is to come. Where one way to unpack fails, it is
    called again for the next. What is packed with BZip2 is unpacked by all cores where there are several. Else the 7z program is
    taken where there is one (it is faster and knows BCJ2), py7zr else, and where 7z fails (it lacks zstd).
    """
    check_archive(path)
    members = {member: size for member, size in _members(path).items() if _base(member) in tables}
    for table in tables:
        named = [member for member in members if _base(member) == table]
        if len(named) > 1:
            raise InputError(f"{path}: holds {table} {len(named)} times: {', '.join(named)}; a dump holds one exchange.")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    _check_room(folder, sum(members.values()), path)
    found = {_base(member): folder / Path(member).name for member in members}
    problems = []
    for unpack in _ways(path, list(members)):
        files = {folder / Path(member).name: Growing(size) for member, size in members.items()}
        for empty in (place for place, growing in files.items() if not growing.size):
            empty.touch()  # nobody waits for the first byte of it, and not every way to unpack makes it
        with ThreadPoolExecutor(1) as thread, written_meanwhile(files):
            unpacking = thread.submit(_unpack, unpack, path, list(members), files)
            given, error = _tried(read, found)
            for _ in track(_megabytes(unpacking, files), f"unpacking {path.name}", sum(members.values()) // 1_000_000, "MB"):
                pass
        problem = unpacking.result()
        if not problem and error is not None:
            raise error
        if not problem:
            return cast(R, given)
        problems.append(problem)
    if any(sign in problem for problem in problems for sign in ("No space left", "File too large")):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(folder))  # the archive is not at fault
    raise InputError(f"{path}: cannot be unpacked: {'; '.join(problems)}. Fetch the archive again.")


def _tried(read: Callable[[dict[str, Path]], R], found: dict[str, Path]) -> tuple[R | None, Exception | None]:
    """What came of reading, or its error: it is the archive's, if that turns out to be damaged."""
    try:
        return read(found), None
    except Exception as error:
        return None, error


def _members(path: Path) -> dict[str, int]:
    """Names and sizes of the files in an archive."""
    import py7zr  # takes a tenth of a second to import

    try:
        with py7zr.SevenZipFile(path) as archive:
            return {
                file.filename: int(file.uncompressed) for file in archive.list() if not file.is_directory and not file.is_symlink
            }
    except Exception as error:  # damage shows as any error at all
        raise InputError(
            f"{path}: its list of files cannot be read ({type(error).__name__}: {error}). Fetch the archive again."
        ) from error


def _base(member: str) -> str:
    return Path(member).name.lower()


def _check_room(folder: Path, needed: int, path: Path) -> None:
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise StoreError(
            f"{folder}: {needed / 1e9:,.1f} GB are needed to unpack {path.name}, {free / 1e9:,.1f} GB are free. "
            f"Free some room, or name a larger disk with --store."
        )


_Way = Callable[[Path, list[str], dict[Path, Growing]], str]
"""Writes the members of an archive to the files, which are in the same order; gives what went wrong, or nothing."""


def _ways(path: Path, members: list[str]) -> Iterator[_Way]:
    """The ways to unpack an archive, the fastest first."""
    if cores() > 1 and packed_folders(path, members) is not None:
        yield _unpack_by_blocks
    if _program() is not None:
        yield _unpack_by_program
    yield _unpack_in_python


def _unpack(way: _Way, path: Path, members: list[str], files: dict[Path, Growing]) -> str:
    try:
        return way(path, members, files)
    finally:
        for file in files.values():
            file.end()


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _program() -> str | None:
    return next(filter(None, map(shutil.which, ("7z", "7zz", "7za"))), None)


def _unpack_by_blocks(path: Path, members: list[str], files: dict[Path, Growing]) -> str:
    """Unpack with a thread a core."""
    try:
        said = [unpack_folder(path, packed, files, cores(), _program()) for packed in packed_folders(path, members) or ()]
    except Exception as error:  # damage shows as any error at all, a full disk too
        said = [f"{type(error).__name__}: {error}"]
    return "".join(f"its blocks: {problem}" for problem in said if problem)


def _unpack_by_program(path: Path, members: list[str], files: dict[Path, Growing]) -> str:
    """Unpack with the 7z program, through a pipe: a file it writes itself may have its full size before its bytes."""
    program = _program() or ""
    # -spd: a `*` in a name is no pattern. All members come in one stream, in the order of the archive.
    asked = [program, "x", "-so", "-spd", "-bd", "--", str(path.absolute()), *members]
    with TemporaryFile("w+", errors="replace") as messages:
        with Popen(asked, stdin=DEVNULL, stdout=PIPE, stderr=messages, pipesize=_COPY_BYTES) as process:
            assert process.stdout is not None
            try:
                surplus = _divide(process.stdout, files)
            except OSError as error:
                process.kill()
                return f"{Path(program).name}: {error}"
        messages.seek(0)
        said = next((line.strip() for line in messages if line.strip()), "no message")
    if process.returncode or surplus:
        return f"{Path(program).name} ended with {process.returncode}: {said}"
    return ""


def _divide(stream: IO[bytes], files: dict[Path, Growing]) -> bool:
    """Write a stream to the files, one after the other; whether it was too long or too short for them."""
    for place, growing in files.items():
        with place.open("wb") as file:
            while growing.written < growing.size:
                data = stream.read1(min(growing.size - growing.written, _COPY_BYTES))  # type: ignore[attr-defined]  # buffered
                if not data:
                    return True
                file.write(data)
                file.flush()  # what is said to be there can be read
                growing.grow(len(data))
    return bool(stream.read(1))


def _unpack_in_python(path: Path, members: list[str], files: dict[Path, Growing]) -> str:
    import py7zr

    folder = next(iter(files), Path()).parent
    try:
        with py7zr.SevenZipFile(path) as archive:
            archive.extract(folder, targets=members)
    except Exception as error:  # every codec has errors of its own; all ways are told together
        return f"py7zr: {type(error).__name__}: {error}"
    for member, file in zip(members, files, strict=True):  # without the folders of the archive
        (folder / member).rename(file)
    return ""


def _megabytes(unpacking: "Future[str]", files: dict[Path, Growing]) -> Iterator[int]:
    shown = 0
    while not unpacking.done():
        time.sleep(0.02 if shown < 10 else 0.2)
        written = sum(file.written for file in files.values()) // 1_000_000
        yield from range(shown, written)
        shown = max(shown, written)
