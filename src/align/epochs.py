"""Models of single epochs that have served: which ones nothing waits for, and how an artifact lives on without them.

An artifact's content is the hash of what it was when it was made. Removing a model of an epoch changes neither its key nor its
content: the manifest notes under `removed` which are gone, and whoever asks for one is told so.
"""

import json
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from align.artifact import MANIFEST, Artifact, load_artifact
from align.files import write_json
from align.lineage import Run
from align.models import CHECKPOINTS, LAST, MODEL, REMOVED, base_pointer, checkpoint_names


@dataclass(frozen=True, slots=True)
class SpareEpoch:
    """The model after one epoch of a trained stage, that no unfinished stage reads."""

    path: Path
    stage: str
    bytes: int
    """What its removal frees; files that have a second name, in model/ or where the epoch was picked, free nothing."""


def spare_epochs(store: Path, runs: Sequence[Run]) -> tuple[list[SpareEpoch], list[str]]:
    """Models of epochs that could go, and why others stay; `runs` are all there are, the latest last."""
    spare: list[SpareEpoch] = []
    kept: list[str] = []
    linked = _linked_folders(store)
    for artifact in _trained(store, runs):
        reader = _waiting_reader(artifact, runs)
        if reader:
            kept.append(f"{artifact.name} keeps all epochs ({artifact.key}): {reader}")
            continue
        for folder in sorted((artifact.path / CHECKPOINTS).glob("epoch-*")):
            freed = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file() and file.stat().st_nlink == 1)
            if freed and folder.resolve() not in linked:
                spare.append(SpareEpoch(folder, artifact.name, freed))
    return spare, kept


def remove_epoch(folder: Path) -> None:
    """Note in the manifest that the model of an epoch is gone, then remove it: stopped in between, it counts as gone."""
    manifest_path = folder.parent.parent / MANIFEST
    manifest: dict[str, Any] = json.loads(manifest_path.read_text(encoding="utf-8"))
    removed = sorted({*manifest.get(REMOVED, []), folder.name})
    write_json(manifest_path, manifest | {REMOVED: removed})
    shutil.rmtree(folder)


def _trained(store: Path, runs: Sequence[Run]) -> list[Artifact]:
    """The artifacts of runs that hold models of several epochs."""
    named = {artifact.key: artifact for run in runs for artifact in run.artifacts.values()}
    return [artifact for artifact in named.values() if len(checkpoint_names(artifact)) > 1]


def _waiting_reader(artifact: Artifact, runs: Sequence[Run]) -> str:
    """A stage that names this one and that the latest run of its recipe has not made yet, in words; empty where there is none."""
    latest = {str(run.recipe.get("name", "")): run for run in runs}
    for run in latest.values():
        names = [name for name, made in run.artifacts.items() if made.key == artifact.key]
        for stage, fields in run.recipe.get("stages", {}).items():
            if stage not in run.artifacts and any(_names(fields, name) for name in names):
                return f"{stage} of run {run.id} is not made yet"
    return ""


def _names(fields: Any, stage: str) -> bool:
    """Whether a stage's fields name another stage, at any depth."""
    if isinstance(fields, dict):
        return any(_names(value, stage) for name, value in fields.items() if name != "kind")
    if isinstance(fields, list):
        return any(_names(value, stage) for value in fields)
    return bool(fields == stage)


def _linked_folders(store: Path) -> set[Path]:
    """Epochs whose files another artifact has under symbolic links, or whose model an adapter belongs to."""
    folders = [path.parent for path in (store / "artifacts").glob(f"*/{MANIFEST}")]
    found = {file.resolve().parent for folder in folders for file in (folder / MODEL).glob("*") if file.is_symlink()}
    return found | set(_bases(store, folders))


def _bases(store: Path, folders: Sequence[Path]) -> Iterator[Path]:
    pointers = [pointer for folder in folders if (pointer := base_pointer(folder)) and pointer["checkpoint"] != LAST]
    for folder in folders if pointers else ():
        artifact = load_artifact(store, folder.name)
        for pointer in pointers:
            if artifact is not None and artifact.content == pointer["content"]:
                yield (artifact.path / CHECKPOINTS / pointer["checkpoint"]).resolve()
