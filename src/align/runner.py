"""Run a recipe: reuse the artifact of the same key, or make it."""

import fcntl
import json
import logging
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from align import __version__
from align.artifact import MANIFEST, SCRATCH, Artifact, Counts, content_hash, digest_of, load_artifact, open_store
from align.errors import InputError, RecipeError
from align.files import disk_error, hash_tree, write_json
from align.parts import nearest
from align.recipe import Recipe
from align.stage import Inputs, Stage

log = logging.getLogger(__name__)


def run_recipe(recipe: Recipe, store: Path, until: str | None = None) -> dict[str, Artifact]:
    """Make every stage's artifact, in order, up to `until`; return them by stage name and record the run."""
    if until is not None and until not in recipe.stages:
        raise RecipeError(f"--until {until}: the recipe has no such stage; {nearest(until, recipe.stages)}")
    open_store(store)
    started = datetime.now(UTC).isoformat(timespec="seconds")
    made: dict[str, Artifact] = {}
    for name, stage in recipe.stages.items():
        inputs = stage_inputs(recipe, name, made)
        raw = hash_raw_files(stage, store)
        key = artifact_key(stage, inputs, raw)
        artifact = load_artifact(store, key, name)
        if artifact is None:
            artifact = make_artifact(name, stage, inputs, key, raw, store)
        else:
            log.info("%s  reused  %s", _title(name, stage), key)
        made[name] = artifact
        if name == until:
            break
    record_run(recipe, made, store, started)
    return made


def stage_inputs(recipe: Recipe, name: str, made: dict[str, Artifact]) -> Inputs:
    """What stage `name` reads, out of the artifacts `made` so far."""
    stage = recipe.stages[name]
    named = {field: made[wanted] for field, wanted in stage.references().items()}
    return Inputs(tuple(made[wanted] for wanted in recipe.sources_of(name)), named)


def hash_raw_files(stage: Stage, store: Path) -> dict[str, dict[str, Any]]:
    """Label, path and sha256 of every raw file the stage reads; a file of the same size and time is not read again."""
    found: dict[str, dict[str, Any]] = {}
    missing: list[str] = []
    for number, part in enumerate(stage.walk()):
        for label, path in part.raw_files().items():
            if not path.exists():
                missing.append(f"{part.kind}: {label.split('.')[0]}: no file or folder {path}")
                continue
            found[f"{number}.{label}"] = {"path": str(path), "sha256": _remembered_hash(path, store)}
    if missing:
        raise InputError("\n".join([*missing, "Put the dump there, or write its path into the recipe (relative paths are relative to the recipe)."]))
    return found


def artifact_key(stage: Stage, inputs: Inputs, raw: dict[str, dict[str, Any]]) -> str:
    """Hash parameters, versions, input contents and raw bytes; never paths, times or machines."""
    asked = stage.identity()
    asked["inputs"] = [_input_identity(stage, artifact) for artifact in inputs.data]
    asked["named"] = {field: _input_identity(stage, artifact) for field, artifact in inputs.named.items()}
    asked["raw"] = {label: file["sha256"] for label, file in raw.items()}
    return digest_of(asked)


def _input_identity(stage: Stage, artifact: Artifact) -> list[str]:
    return [
        artifact.content,
        artifact.name if stage.names_matter or stage.sees_manifests else "",
        artifact.key if stage.sees_manifests else "",
    ]


def make_artifact(name: str, stage: Stage, inputs: Inputs, key: str, raw: dict[str, dict[str, Any]], store: Path) -> Artifact:
    """Run `stage` in `<key>.partial`, which survives a crash; renaming it to `<key>` commits it."""
    target = store / "artifacts" / key
    work = target.with_name(f"{key}.partial")
    with _lock(store, key):
        existing = load_artifact(store, key, name)
        if existing is not None:  # another process made it while this one waited
            return existing
        try:
            work.mkdir(parents=True, exist_ok=True)
            began, clock = datetime.now(UTC).isoformat(timespec="seconds"), time.monotonic()
            log.info("%s  ...", _title(name, stage))
            counts = stage.run(inputs, work)
            shutil.rmtree(work / SCRATCH, ignore_errors=True)
            manifest = {
                "stage": name,
                "kind": stage.kind,
                **stage.identity(),
                "content": content_hash(work),
                "inputs": [_lineage(artifact) for artifact in inputs.data],
                "named": {field: _lineage(artifact) for field, artifact in inputs.named.items()},
                "raw": raw,
                "counts": asdict(counts),
                "started": began,
                "seconds": round(time.monotonic() - clock, 1),
                "align": __version__,
            }
            write_json(work / MANIFEST, manifest)
            os.replace(work, target)
        except OSError as error:
            raise disk_error(work, error) from error
    artifact = load_artifact(store, key, name)
    assert artifact is not None
    log.info("%s  %s  %.1f s", _title(name, stage), describe_counts(artifact.counts), artifact.manifest["seconds"])
    return artifact


def describe_counts(counts: Counts) -> str:
    """`1,200 → 340 kept  (length: short 860)`: one line for people."""
    parts = [f"{counts.read:,} → {counts.kept:,} kept"]
    reasons = sorted((counts.dropped | counts.skipped).items(), key=lambda item: -item[1])
    if reasons:
        parts.append("(" + " · ".join(f"{reason} {count:,}" for reason, count in reasons[:6]) + ")")
    return "  ".join(parts)


def record_run(recipe: Recipe, made: dict[str, Artifact], store: Path, started: str) -> Path:
    """Write `runs/<id>.json`: the recipe as resolved and the artifact of each stage; equal runs share one id."""
    from importlib.metadata import distributions

    keys = {name: artifact.key for name, artifact in made.items()}
    path = store / "runs" / f"{recipe.name}-{digest_of(keys)[:8]}.json"
    packages = {item.name: item.version for item in distributions() if item.name in _NOTED_PACKAGES}
    write_json(
        path,
        {
            "recipe": recipe.model_dump(mode="json", serialize_as_any=True),
            "artifacts": keys,
            "started": started,
            "finished": datetime.now(UTC).isoformat(timespec="seconds"),
            "commit": _commit(Path.cwd()),
            "align": __version__,
            "packages": dict(sorted(packages.items())),
        },
    )
    return path


_NOTED_PACKAGES = {"torch", "transformers", "trl", "peft", "accelerate", "datasets", "tokenizers", "numpy", "pyarrow", "rapidfuzz", "rensa"}


def _commit(folder: Path) -> str:
    """The git commit that `folder` is checked out at, read without git; empty where there is none."""
    for parent in (folder, *folder.parents):
        head = parent / ".git" / "HEAD"
        if head.is_file():
            text = head.read_text(encoding="utf-8").strip()
            ref = parent / ".git" / text.removeprefix("ref: ")
            if text.startswith("ref: "):
                return ref.read_text(encoding="utf-8").strip() if ref.is_file() else ""
            return text
    return ""


def _lineage(artifact: Artifact) -> dict[str, str]:
    return {"stage": artifact.name, "key": artifact.key, "content": artifact.content}


def _title(name: str, stage: Stage) -> str:
    return f"{stage.kind:<13} {name:<18}"


def _remembered_hash(path: Path, store: Path) -> str:
    memory_file = store / "hashes.json"
    memory: dict[str, Any] = json.loads(memory_file.read_text(encoding="utf-8")) if memory_file.is_file() else {}
    files = [path] if path.is_file() else sorted(file for file in path.rglob("*") if file.is_file())
    stamp = [[str(file), file.stat().st_size, file.stat().st_mtime_ns] for file in files]
    known = memory.get(str(path))
    if known is not None and known["stamp"] == stamp:
        return str(known["sha256"])
    digest = hash_tree(path)
    write_json(memory_file, memory | {str(path): {"stamp": stamp, "sha256": digest}})
    return digest


@contextmanager
def _lock(store: Path, key: str) -> Iterator[None]:
    """Hold the right to make `key`; a second process waits. The kernel drops the lock of a killed process."""
    path = store / "locks" / key
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            log.info("waiting: another process is making %s", key)
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
