"""What lies in a store: runs and artifacts with their sizes, and what no run names."""

import json
import shutil
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from align.artifact import MANIFEST, load_artifact
from align.epochs import remove_epoch, spare_epochs
from align.errors import AlignError
from align.frozen_sets import frozen_notes
from align.lineage import Run, list_runs, read_run
from align.locks import free_lock
from align.models import base_folder


@dataclass(frozen=True, slots=True)
class RunRow:
    """One run in the list."""

    id: str
    recipe: str
    started: str
    finished: str
    stages: int
    """How many of its stages' artifacts are there."""
    bytes: int
    """Their size on disk; runs share artifacts, so the sum over runs counts these several times."""


@dataclass(frozen=True, slots=True)
class ArtifactRow:
    """One artifact in the list."""

    key: str
    stage: str
    kind: str
    made: str
    bytes: int
    runs: tuple[str, ...]
    """Ids of the runs that name it."""


@dataclass(frozen=True, slots=True)
class Rubbish:
    """Something that no run needs."""

    path: Path
    what: str
    """`artifact`, `partial`, `run`, `hash`, `lock`, `epoch`, `vectors`, `frozen`."""
    why: str
    bytes: int


def store_rows(store: Path) -> tuple[list[RunRow], list[ArtifactRow]]:
    """All runs, the latest last, and all artifacts, the largest first."""
    runs = [read_run(path, store) for path in list_runs(store)]
    named = _named_keys(runs)
    sizes = {path.name: size_of(path) for path in _artifact_folders(store)}
    artifacts = []
    for key, size in sizes.items():
        artifact = load_artifact(store, key)
        if artifact is not None:
            made = str(artifact.manifest.get("started", ""))
            artifacts.append(ArtifactRow(key, artifact.name, artifact.kind, made, size, tuple(named.get(key, ()))))
    rows = [
        RunRow(
            run.id,
            str(run.recipe.get("name", "")),
            run.started,
            run.finished,
            len(run.artifacts),
            sum(sizes.get(key, 0) for key in {artifact.key for artifact in run.artifacts.values()}),
        )
        for run in runs
    ]
    return rows, sorted(artifacts, key=lambda row: (-row.bytes, row.key))


def rubbish_of(store: Path, keep_runs: int | None = None) -> list[Rubbish]:
    """What `align gc` would remove: artifacts that neither a run nor a frozen set names, work of stopped stages, and runs
    beyond the latest `keep_runs`.

    Work on which a process sits right now is left out.
    """
    old = _old_runs(store, keep_runs)
    named = set(_named_keys([read_run(path, store) for path in list_runs(store) if path not in old]))
    notes = frozen_notes(store)
    kept = _with_bases(store, named | {key for note in notes for key in note.keys})
    found = [Rubbish(path, "run", f"older than the latest {keep_runs} of its recipe", size_of(path)) for path in old]
    for folder in sorted((store / "artifacts").glob("*")):
        key = folder.name.removesuffix(".partial")
        with free_lock(store, key) as is_free:
            if not is_free:
                continue
        if folder.name.endswith(".partial"):
            found.append(
                Rubbish(
                    folder, "partial", f"work of a stopped stage{_stage_of(folder)}; a run would go on from it", size_of(folder)
                )
            )
        elif key not in kept:
            found.append(Rubbish(folder, "artifact", f"no run names it{_stage_of(folder)}", size_of(folder)))
    going = {item.path.name.removesuffix(".partial") for item in found}
    for lock in sorted((store / "locks").glob("*")):
        if lock.name in going or not (store / "artifacts" / lock.name).exists():
            with free_lock(store, lock.name) as is_free:
                if is_free:
                    found.append(Rubbish(lock, "lock", "nobody waits for it", 0))
    for note in notes:
        if not note.folder.exists():
            why = f"of a frozen set whose folder {note.folder} is gone"
            found.append(Rubbish(note.path, "frozen", why, size_of(note.path)))
    return [*found, *_kept_vectors(store), *_stale_hashes(store)]


def spare_models(store: Path) -> tuple[list[Rubbish], list[str]]:
    """What `align gc --checkpoints` would remove beside: models of epochs that have served; and why others stay."""
    spare, kept = spare_epochs(store, [read_run(path, store) for path in list_runs(store)])
    why = "of an epoch of {}, and no stage that is still to be made reads it; model/ stays"
    return [Rubbish(item.path, "epoch", why.format(item.stage), item.bytes) for item in spare], kept


def remove(rubbish: list[Rubbish], store: Path) -> int:
    """Delete what `rubbish_of` found, except what a process has begun to work on since; return the bytes freed."""
    freed = 0
    for item in rubbish:
        holder = item.path.parent.parent if item.what == "epoch" else item.path
        with free_lock(store, holder.name.removesuffix(".partial")) as is_free:
            if not is_free:
                continue
            try:
                if item.what == "epoch":
                    remove_epoch(item.path)
                elif item.path.is_dir():
                    shutil.rmtree(item.path)
                else:
                    item.path.unlink(missing_ok=True)
            except OSError as error:
                raise AlignError(f"{item.path}: cannot be removed: {error.strerror}") from error
            freed += item.bytes
    return freed


def size_of(path: Path) -> int:
    """Bytes of a file, or of all files below a folder."""
    if not path.is_dir():
        return path.stat().st_size
    return sum(file.stat().st_size for file in path.rglob("*") if file.is_file())


def _artifact_folders(store: Path) -> list[Path]:
    return sorted(path for path in (store / "artifacts").glob("*") if (path / MANIFEST).is_file() and path.suffix != ".partial")


def _named_keys(runs: list[Run]) -> dict[str, list[str]]:
    named: dict[str, list[str]] = defaultdict(list)
    for run in runs:
        for key in dict.fromkeys(artifact.key for artifact in run.artifacts.values()):
            named[key].append(run.id)
    return named


def _with_bases(store: Path, keys: set[str]) -> set[str]:
    """Also the artifacts whose models the adapters among `keys` belong to, and theirs in turn."""
    found, left = set(keys), list(keys)
    while left:
        base = base_folder(store / "artifacts" / left.pop())
        if base is not None and base.name not in found:
            found.add(base.name)
            left.append(base.name)
    return found


def _old_runs(store: Path, keep_runs: int | None) -> list[Path]:
    if keep_runs is None:
        return []
    by_recipe: dict[str, list[Path]] = defaultdict(list)
    for path in list_runs(store):
        by_recipe[str(read_run(path, store).recipe.get("name", ""))].append(path)
    return [path for paths in by_recipe.values() for path in paths[: max(0, len(paths) - keep_runs)]]


def _stage_of(folder: Path) -> str:
    """` (filter clean)` where the folder says what it holds."""
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        return f" ({manifest['kind']} {manifest['stage']})"
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def _kept_vectors(store: Path) -> Iterator[Rubbish]:
    """What embedders remember: no artifact needs it, a stage that embeds the same texts is faster with it."""
    for folder in sorted((store / "embeddings").glob("*")):
        with free_lock(store, f"embeddings-{folder.name}") as is_free:
            if is_free:
                yield Rubbish(folder, "vectors", "remembered to save time; texts are embedded anew", size_of(folder))


def _stale_hashes(store: Path) -> Iterator[Rubbish]:
    for memory in sorted((store / "hashes").glob("*.json")):
        try:
            path = Path(json.loads(memory.read_text(encoding="utf-8"))["path"])
        except (OSError, ValueError, KeyError, TypeError):
            path = memory / "damaged"
        if not path.exists():
            yield Rubbish(memory, "hash", f"remembers {path}, which is gone", memory.stat().st_size)
