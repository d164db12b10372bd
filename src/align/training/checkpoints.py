"""Checkpoints a killed training goes on from: sealed with the hash of every file, verified before they are used.

transformers writes a checkpoint file by file, takes the newest without looking, and where the optimizer's or the random
numbers' state is missing goes on silently with other weights. So a checkpoint counts only if its seal, written when all else is
on the disk, is there and every file is what the seal says; any other is deleted and the one before it is taken. One full state
is kept, and the one before it until the newer one is sealed.
"""

import json
import logging
import os
import shutil
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from align.artifact import SCRATCH
from align.errors import TrainingRefused
from align.files import hash_file, sync_folder, sync_tree, write_json
from align.models import CHECKPOINTS

log = logging.getLogger(__name__)

SEAL = "seal.json"
PREFIX = "checkpoint-"
SAVING = "saving"
"""Folder in scratch in which the model of an epoch is written before it gets its name."""
HASHED_AT_ONCE = 8
"""Files read at the same time: a full state of 65B has a terabyte."""


def trainer_folder(work: Path) -> Path:
    """Where the trainer keeps its state; removed when the stage is done."""
    return work / SCRATCH / "trainer"


def hash_share(work: Path, step: int, rank: int = 0, world: int = 1) -> dict[str, str]:
    """Have the checkpoint of `step` on the disk, and hash one process's share of its files; all must have been written."""
    folder = trainer_folder(work) / f"{PREFIX}{step}"
    sync_tree(folder)  # each process: what it wrote may be in its own machine's memory
    names = sorted(_files(folder).items())
    return _hashes(dict(names[rank::world]))


def seal(work: Path, step: int, asked: dict[str, Any], files: dict[str, str]) -> None:
    """Vouch for the checkpoint of `step` and for the epochs' models that stand beside it; older checkpoints go.

    `asked` is what the training depends on: a hash of the data, parameters, processes, versions; `files` are the hashes of all
    its files.
    """
    folder = trainer_folder(work) / f"{PREFIX}{step}"
    known = _hashed_epochs(work)
    there = _epoch_files(work)
    epochs = known | _hashes({name: path for name, path in there.items() if name not in known})
    write_json(folder / SEAL, {"asked": asked, "files": files, "epochs": {name: epochs[name] for name in there}})
    for changed in (folder, folder.parent):
        sync_folder(changed)
    for older in _newest_first(work):
        if _step_of(older) < step:
            shutil.rmtree(older)


def keep_model(work: Path, name: str) -> None:
    """Give the model that was written to scratch its name among the epochs' checkpoints, once it is on the disk for good."""
    saving, kept = work / SCRATCH / SAVING, work / CHECKPOINTS / name
    sync_tree(saving)
    shutil.rmtree(kept, ignore_errors=True)
    kept.parent.mkdir(parents=True, exist_ok=True)
    os.replace(saving, kept)
    sync_folder(kept.parent)


def newest_verified(work: Path, asked: dict[str, Any]) -> Path | None:
    """The checkpoint to go on from, if there is one; what cannot be trusted is deleted."""
    shutil.rmtree(work / SCRATCH / SAVING, ignore_errors=True)
    for folder in _newest_first(work):
        sealed = _read_seal(folder)
        problem = "it was not finished" if sealed is None else _damage(folder, work, sealed)
        if sealed is not None and not problem:
            check_asked(folder, sealed["asked"], asked)
            log.info("going on from step %s", _step_of(folder))
            return folder
        log.warning("%s: deleted, since %s", folder, problem)
        shutil.rmtree(folder)
    return None


def newest_left(work: Path) -> Path | None:
    """What the first process found worth going on from; for the others, once it has looked."""
    return next(iter(_newest_first(work)), None)


def discard_unsealed(work: Path) -> None:
    """Give back the room of what was being written when the disk was full."""
    shutil.rmtree(work / SCRATCH / SAVING, ignore_errors=True)
    for folder in _newest_first(work):
        if _read_seal(folder) is None:
            shutil.rmtree(folder, ignore_errors=True)


def check_asked(folder: Path, then: dict[str, Any], now: dict[str, Any]) -> None:
    """Refuse to go on with other data, parameters or code, and warn of what may change the last digits."""
    changed = _changes(then, now, "must_equal")
    if changed:
        raise TrainingRefused(
            f"{folder}: cannot go on from it, for what it was made with has changed: {'; '.join(changed)}. Change it back, or "
            f"delete {folder.parent} to start over."
        )
    noted = _changes(then, now, "noted")
    if noted:
        log.warning("going on with a change that can show in the last digits: %s", "; ".join(noted))


def _changes(then: dict[str, Any], now: dict[str, Any], group: str) -> list[str]:
    """`learning_rate: 1e-05 then, 2e-05 now` for each that differs, those of nested ones by their path."""
    before, after = _flat(then.get(group, {})), _flat(now.get(group, {}))
    names = sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))
    return [f"{name}: {before.get(name, 'nothing')} then, {after.get(name, 'nothing')} now" for name in names]


def _flat(value: dict[str, Any], above: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, item in value.items():
        inner = "" if name == "parameters" else f"{above}{name}."  # a parameter is called as in the recipe
        found |= _flat(item, inner) if isinstance(item, dict) else {f"{above}{name}": item}
    return found


def _newest_first(work: Path) -> list[Path]:
    found = [folder for folder in trainer_folder(work).glob(f"{PREFIX}*") if folder.is_dir()]
    return sorted(found, key=_step_of, reverse=True)


def _step_of(folder: Path) -> int:
    return int(folder.name.removeprefix(PREFIX))


def _damage(folder: Path, work: Path, sealed: dict[str, Any]) -> str:
    """What differs from what the seal vouches for; empty where nothing does."""
    return _difference(_files(folder), sealed["files"]) or _difference(_epoch_files(work), sealed["epochs"])


def _difference(there: dict[str, Path], sealed: dict[str, str]) -> str:
    missing = [name for name in sealed if name not in there]
    if missing:
        return f"its file {missing[0]} is missing"
    found = _hashes({name: there[name] for name in sealed})
    changed = [name for name in sealed if found[name] != sealed[name]]
    return f"its file {changed[0]} is damaged" if changed else ""


def _read_seal(folder: Path) -> dict[str, Any] | None:
    try:
        sealed: dict[str, Any] = json.loads((folder / SEAL).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return sealed if isinstance(sealed, dict) and {"asked", "files", "epochs"} <= sealed.keys() else None


def _hashed_epochs(work: Path) -> dict[str, str]:
    """Hashes of epochs' models that an earlier seal vouches for: they do not change, so they are read once."""
    known: dict[str, str] = {}
    for folder in _newest_first(work):
        known |= (_read_seal(folder) or {"epochs": {}})["epochs"]
    return known


def _hashes(files: dict[str, Path]) -> dict[str, str]:
    with ThreadPoolExecutor(HASHED_AT_ONCE) as pool:
        return dict(zip(files, pool.map(hash_file, files.values()), strict=True))


def _files(folder: Path) -> dict[str, Path]:
    below: Iterable[Path] = sorted(folder.rglob("*"))
    return {path.relative_to(folder).as_posix(): path for path in below if path.is_file() and path.name != SEAL}


def _epoch_files(work: Path) -> dict[str, Path]:
    return _files(work / CHECKPOINTS)
