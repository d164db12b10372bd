"""Raw files: which are missing, and the hashes of those that are there, remembered between runs."""

import hashlib
import json
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from align.errors import InputError
from align.files import hash_tree, visible_files, write_json
from align.stage import Stage


@dataclass(frozen=True, slots=True)
class MissingFile:
    """A raw file, or a database, that a stage names and that is not there."""

    stage: str
    part: str
    """Kind of the part that reads it."""
    field: str
    path: Path | None
    """None where it is no file."""
    how_to_get: str
    what: str
    """What is missing, in words."""

    def __str__(self) -> str:
        return f"stage {self.stage}: {self.part}: {self.field}: {self.what}\n    {self.how_to_get}"


_PUT_IT_THERE = "Put it there, or write its path into the recipe (relative paths are relative to the recipe)."


def missing_files(name: str, stage: Stage) -> list[MissingFile]:
    """The raw files of a stage that are not there, and whatever else it lacks."""
    files = [
        MissingFile(name, part.kind, label.split(".")[0], path, part.how_to_get or _PUT_IT_THERE, f"no file or folder {path}")
        for part in stage.walk()
        for label, path in part.raw_files().items()
        if not path.exists()
    ]
    others = [
        MissingFile(name, part.kind, lack.field, None, lack.how_to_get, lack.what)
        for part in stage.walk()
        for lack in part.lacks()
    ]
    return files + others


def hash_raw_files(stage: Stage, store: Path) -> dict[str, dict[str, Any]]:
    """Label, path and sha256 of every raw file the stage reads; a file of the same size and times is not read again."""
    return {
        f"{number}.{label}": {"path": str(path), "sha256": _known_hash(path, store) or _remember(path, store)}
        for number, part in enumerate(stage.walk())
        for label, path in part.raw_files().items()
    }


def unread_bytes(stage: Stage, store: Path) -> int:
    """How many bytes `hash_raw_files` would have to read, because they are new or changed."""
    paths = [path for part in stage.walk() for path in part.raw_files().values()]
    return sum(file[1] for path in paths if _known_hash(path, store) is None for file in _stamp(path))


_SETTLED_NANOSECONDS = 2_000_000_000
"""A file changed less than this ago could change again within one tick of its clock, so its hash is not remembered."""


def _known_hash(path: Path, store: Path) -> str | None:
    try:
        known = json.loads(_memory(path, store).read_text(encoding="utf-8"))
        return str(known["sha256"]) if known["stamp"] == _stamp(path) else None
    except (OSError, ValueError, KeyError, TypeError):  # nothing remembered, or nothing legible
        return None


def _remember(path: Path, store: Path) -> str:
    stamp = _stamp(path)
    digest = hash_tree(path)
    newest = max((file[2] for file in stamp), default=0)
    settled = _stamp(path) == stamp and newest < time.time_ns() - _SETTLED_NANOSECONDS
    if settled and store.is_dir():
        write_json(_memory(path, store), {"path": str(path.absolute()), "sha256": digest, "stamp": stamp})
    return digest


def _memory(path: Path, store: Path) -> Path:
    """One file a path, so that two processes that hash different dumps never overwrite each other's memory."""
    return store / "hashes" / f"{hashlib.sha256(str(path.absolute()).encode()).hexdigest()[:16]}.json"


def _check_name(file: Path) -> None:
    """Names go into keys, manifests and origins, all of which are text."""
    try:
        str(file).encode()
    except UnicodeEncodeError as error:
        shown = os.fsencode(file).decode("utf-8", "backslashreplace")
        raise InputError(f"{shown}: the name is not UTF-8. Rename the file or folder, e.g. with convmv.") from error


def _stamp(path: Path) -> list[list[Any]]:
    """Name, size and times of every file; the time of the inode's change tells of a copy that kept its date."""
    files = [path] if path.is_file() else visible_files(path)
    for file in files:
        _check_name(file)
    states = [(file, file.stat()) for file in files]
    return [[str(file), state.st_size, max(state.st_mtime_ns, state.st_ctime_ns)] for file, state in states]
