"""Tables out of a .7z archive, to a folder on disk.

Disk and not memory: Posts.xml of one exchange can be larger than any memory. And not a pipe: a table is read twice, and
its files lie in one solid block, which would be unpacked anew for each reading.
"""

import errno
import os
import shutil
import struct
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path

from align.errors import InputError, StoreError
from align.progress import track
from align.sources.bzip2_blocks import packed_folders, unpack_folder

_SIGNATURE = b"7z\xbc\xaf\x27\x1c"
_HEADER_BYTES = 32


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
    """Unpack the named tables (`posts.xml`, in any case) of an archive into `folder`; return them by that name.

    What is packed with BZip2 is unpacked by all cores where there are several. Else the 7z program is taken where there is one
    (it is faster and knows BCJ2), py7zr else, and where 7z fails (it lacks zstd).
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
    problems = []
    for unpack in _ways(path, list(members)):
        problem = _watched(partial(unpack, path, list(members), folder), path, folder, sum(members.values()))
        if not problem:
            return {_base(member): folder / Path(member).name for member in members}
        problems.append(problem)
    if any(sign in problem for problem in problems for sign in ("No space left", "File too large")):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(folder))  # the archive is not at fault
    raise InputError(f"{path}: cannot be unpacked: {'; '.join(problems)}. Fetch the archive again.")


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


def _ways(path: Path, members: list[str]) -> Iterator[Callable[[Path, list[str], Path], str]]:
    """The ways to unpack an archive, the fastest first."""
    if cores() > 1 and packed_folders(path, members) is not None:
        yield _unpack_by_blocks
    if _program() is not None:
        yield _unpack_by_program
    yield _unpack_in_python


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _program() -> str | None:
    return next(filter(None, map(shutil.which, ("7z", "7zz", "7za"))), None)


def _unpack_by_blocks(path: Path, members: list[str], folder: Path) -> str:
    """Unpack with a thread a core; return what went wrong, or nothing."""
    try:
        said = [unpack_folder(path, packed, folder, cores()) for packed in packed_folders(path, members) or ()]
    except Exception as error:  # damage shows as any error at all, a full disk too
        said = [f"{type(error).__name__}: {error}"]
    return "".join(f"rapidgzip: {problem}" for problem in said if problem)


def _unpack_by_program(path: Path, members: list[str], folder: Path) -> str:
    """Unpack with the 7z program; return what went wrong, or nothing."""
    program = _program() or ""
    # `e` leaves folders out of the names, so nothing can be written elsewhere; -spd: a `*` in a name is no pattern.
    asked = [program, "e", "-y", "-spd", "-bd", "-bso0", f"-o{folder}", "--", str(path.absolute()), *members]
    done = subprocess.run(asked, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", check=False)
    said = next((line.strip() for line in done.stderr.splitlines() if line.strip()), "no message")
    return f"{Path(program).name} ended with {done.returncode}: {said}" if done.returncode else ""


def _unpack_in_python(path: Path, members: list[str], folder: Path) -> str:
    import py7zr

    try:
        with py7zr.SevenZipFile(path) as archive:
            archive.extract(folder, targets=members)
    except Exception as error:  # every codec has errors of its own; both ways are told together
        return f"py7zr: {type(error).__name__}: {error}"
    for member in members:  # as the program leaves them: without the folders of the archive
        (folder / member).rename(folder / Path(member).name)
    return ""


def _watched(work: Callable[[], str], path: Path, folder: Path, size: int) -> str:
    """Run `work` and show how much of `size` lies in `folder`."""
    with ThreadPoolExecutor(1) as thread:
        future = thread.submit(work)
        for _ in track(_megabytes(future, folder), f"unpacking {path.name}", size // 1_000_000, "MB"):
            pass
        return future.result()


def _megabytes(future: "Future[str]", folder: Path) -> Iterator[int]:
    shown = 0
    while not future.done():
        time.sleep(0.02 if shown < 10 else 0.2)
        written = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) // 1_000_000
        yield from range(shown, written)
        shown = max(shown, written)
