"""Checkpoints a killed training goes on from: sealed with the hash of every file, verified before they are used.

transformers writes a checkpoint file by file, takes the newest without looking, and where the optimizer's or the random
numbers' state is missing goes on silently with other weights. So a checkpoint counts only if its seal, written last, is there
and every file is what the seal says; any other is deleted and the one before it is taken.
"""

import logging
import os
import shutil
from pathlib import Path
from typing import Any

from align.artifact import SCRATCH
from align.errors import TrainingRefused
from align.files import hash_file, write_json
from align.models import CHECKPOINTS

log = logging.getLogger(__name__)

SEAL = "seal.json"
PREFIX = "checkpoint-"


def trainer_folder(work: Path) -> Path:
    """Where the trainer keeps its state; removed when the stage is done."""
    return work / SCRATCH / "trainer"


def seal(work: Path, step: int, asked: dict[str, Any]) -> None:
    """Vouch for the checkpoint of `step` and for the epochs' models that stand beside it.

    `asked` is what the training depends on: a hash of the data, parameters, processes.
    """
    folder = trainer_folder(work) / f"{PREFIX}{step}"
    earlier = _hashed_epochs(work)
    epochs = {name: earlier.get(name) or hash_file(path) for name, path in _epoch_files(work).items()}
    files = {name: hash_file(path) for name, path in _files(folder).items()}
    for path in _files(folder).values():
        _to_disk(path)
    write_json(folder / SEAL, {"asked": asked, "files": files, "epochs": epochs})


def newest_verified(work: Path, asked: dict[str, Any]) -> Path | None:
    """The checkpoint to go on from, if there is one; what cannot be trusted is deleted."""
    shutil.rmtree(work / SCRATCH / "saving", ignore_errors=True)
    for folder in _newest_first(work):
        if _verified(folder, work):
            _check_asked(folder, asked)
            log.info("going on from step %s", folder.name.removeprefix(PREFIX))
            return folder
        log.warning("%s is incomplete or damaged (no trust without its seal); deleted", folder)
        shutil.rmtree(folder)
    return None


def _newest_first(work: Path) -> list[Path]:
    found = [folder for folder in trainer_folder(work).glob(f"{PREFIX}*") if folder.is_dir()]
    return sorted(found, key=lambda folder: int(folder.name.removeprefix(PREFIX)), reverse=True)


def _verified(folder: Path, work: Path) -> bool:
    sealed = _read_seal(folder)
    if sealed is None:
        return False
    there, epochs = _files(folder), _epoch_files(work)
    return all(name in there and hash_file(there[name]) == digest for name, digest in sealed["files"].items()) and all(
        name in epochs and hash_file(epochs[name]) == digest for name, digest in sealed["epochs"].items()
    )


def _read_seal(folder: Path) -> dict[str, Any] | None:
    import json

    try:
        sealed: dict[str, Any] = json.loads((folder / SEAL).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return sealed if {"asked", "files", "epochs"} <= sealed.keys() else None


def _check_asked(folder: Path, asked: dict[str, Any]) -> None:
    sealed = _read_seal(folder)
    before = {} if sealed is None else sealed["asked"]
    changed = sorted(name for name in asked.keys() | before.keys() if asked.get(name) != before.get(name))
    if changed:
        was = ", ".join(f"{name}: {before.get(name)} then, {asked.get(name)} now" for name in changed)
        raise TrainingRefused(
            f"{folder}: cannot go on from it: it was made with other {' and '.join(changed)} ({was}). To start over, delete "
            f"{folder.parent}."
        )


def _hashed_epochs(work: Path) -> dict[str, str]:
    """Hashes of epochs' models that an earlier seal vouches for: they do not change, so they are read once."""
    known: dict[str, str] = {}
    for folder in _newest_first(work):
        known |= (_read_seal(folder) or {"epochs": {}})["epochs"]
    return known


def _files(folder: Path) -> dict[str, Path]:
    return {
        path.relative_to(folder).as_posix(): path for path in sorted(folder.rglob("*")) if path.is_file() and path.name != SEAL
    }


def _epoch_files(work: Path) -> dict[str, Path]:
    return _files(work / CHECKPOINTS)


def _to_disk(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())
