"""Run a recipe: reuse the artifact of the same key, or make it."""

import logging
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from align import __version__
from align.artifact import HASHED_FOLDERS, MANIFEST, SCRATCH, Artifact, Counts, content_hash, digest_of, load_artifact, open_store
from align.engine import Engine, engine_of, use_engine
from align.errors import AlignError, InputError, PartError, RecipeError, StoreError
from align.files import disk_error, is_full, open_as_folder, write_json
from align.launching import run_stage
from align.locks import hold_lock
from align.parts import nearest, plugin_fault
from align.processes import helper_folder, is_launched, meet, process_rank, wait_for
from align.rawfiles import hash_raw_files, missing_files
from align.recipe import Recipe
from align.runs import now, record_run, unfinished_path, write_run
from align.stage import Inputs, Stage
from align.takedowns import check_no_takedown, without_taken_down

log = logging.getLogger(__name__)


def run_recipe(recipe: Recipe, store: Path, until: str | None = None, engine: Engine | None = None) -> dict[str, Artifact]:
    """Make every stage's artifact, in order, up to `until`; return them by stage name and record the run.

    Under torchrun or accelerate the first process makes them; the others train along. Without `engine` shards are worked on where
    the environment or the recipe says.
    """
    with use_engine(engine or engine_of(recipe.engine)):
        return _run_stages(recipe.in_store(store), store, until)


def _run_stages(recipe: Recipe, store: Path, until: str | None) -> dict[str, Artifact]:
    wanted = stages_until(recipe, until)
    refuse_missing(recipe, wanted)
    open_store(store)
    check_no_takedown(store)
    started = now()
    made: dict[str, Artifact] = {}
    for name in wanted:
        stage = recipe.stages[name]
        with _named(name, store):
            inputs = stage_inputs(recipe, name, made)
            raw = hash_raw_files(stage, store)
            key = artifact_key(stage, inputs, raw)
            artifact = load_artifact(store, key, name)
            if artifact is None and process_rank() > 0:
                artifact = help_make(name, stage, inputs, key, store)
            elif artifact is None:
                artifact = make_artifact(name, stage, inputs, key, raw, store)
            else:
                log.info("%s  reused  %s", _title(name, stage), key)
        made[name] = artifact
        if process_rank() == 0:
            write_run(unfinished_path(recipe, store), recipe, made, started, finished="")
    if process_rank() == 0:
        record_run(recipe, made, store, started)
    return made


def stages_until(recipe: Recipe, until: str | None) -> list[str]:
    """Names of the stages up to and with `until`; all of them without it."""
    names = list(recipe.stages)
    if until is None:
        return names
    if until not in recipe.stages:
        raise RecipeError(f"--until {until}: the recipe has no such stage; {nearest(until, recipe.stages)}")
    return names[: names.index(until) + 1]


def stage_inputs(recipe: Recipe, name: str, made: dict[str, Artifact]) -> Inputs:
    """What stage `name` reads, out of the artifacts `made` so far."""
    stage = recipe.stages[name]
    named = {field: made[wanted] for field, wanted in stage.references().items()}
    return Inputs(tuple(made[wanted] for wanted in recipe.sources_of(name)), named)


def refuse_missing(recipe: Recipe, stages: list[str]) -> None:
    """Tell of every missing raw file before any work starts."""
    missing = [file for name in stages for file in missing_files(name, recipe.stages[name])]
    if missing:
        count = f"{len(missing)} raw input{'s' * (len(missing) > 1)} missing"
        advice = "`align plan` counts on without them, `--until STAGE` stops above"
        raise InputError("\n".join([f"{recipe.name}: {count} ({advice})", *map(str, missing)]))


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
    with hold_lock(store, key) as lock:
        check_no_takedown(store)
        check_inputs(inputs)
        existing = load_artifact(store, key, name)
        if existing is not None:  # another process made it while this one waited
            return existing
        if stage.late and not work.exists():
            take_up_waiting(stage, inputs, raw, work)
        work.mkdir(parents=True, exist_ok=True)
        began, clock = now(), time.monotonic()
        log.info("%s  ...", _title(name, stage))
        counts = run_stage(stage, inputs, work, lock)
        if stage.together:
            meet()
        _tidy(work)
        if raw or not inputs.data:
            counts = without_taken_down(work, counts, store)
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
        shutil.rmtree(work / SCRATCH, ignore_errors=True)  # not before: a kill while a large table is hashed begins nothing anew
        write_json(work / MANIFEST, manifest)
        if target.exists():  # a folder without its manifest is no artifact: someone deleted the half of it
            shutil.rmtree(target)
        os.replace(work, target)
    artifact = load_artifact(store, key, name)
    assert artifact is not None
    log.info("%s  %s  %.1f s", _title(name, stage), describe_counts(artifact.counts), artifact.manifest["seconds"])
    return artifact


def check_inputs(inputs: Inputs) -> None:
    """Refuse to read what was removed since this run began: a table that is gone reads like an empty one."""
    for artifact in (*inputs.data, *inputs.named.values()):
        if not (artifact.path / MANIFEST).is_file():
            raise StoreError(
                f"the artifact of stage {artifact.name} ({artifact.key}) was removed meanwhile; run again: it is made anew"
            )


def take_up_waiting(stage: Stage, inputs: Inputs, raw: dict[str, dict[str, Any]], work: Path) -> None:
    """Begin with what the stage had done when it stopped for files that people were to make (`Stage.late`).

    It is copied: the same work serves again when people correct what they wrote.
    """
    before = {label: file for label, file in raw.items() if label.split(".")[1] not in stage.late}
    waiting = work.with_name(f"{artifact_key(stage, inputs, before)}.partial")
    if waiting != work and waiting.is_dir():
        shutil.copytree(waiting, work)


def help_make(name: str, stage: Stage, inputs: Inputs, key: str, store: Path) -> Artifact:
    """Be one of the other processes: run a stage that trains along with the first, and take what that one commits."""
    work = store / "artifacts" / f"{key}.partial"
    if not is_launched():  # one of several machines, of which each starts processes of its own
        if stage.processes().machines > 1:
            run_stage(stage, inputs, work)
    elif stage.together:
        folder = helper_folder(work)
        try:
            stage.run(inputs, folder)
            meet()
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    return wait_for(lambda: load_artifact(store, key, name))


def _tidy(work: Path) -> None:
    """Remove what a killed writer left, and have the rest on the disk for good.

    Whoever may read the store may read the weights too, which safetensors writes for their owner alone.
    """
    for file in work.rglob("*.tmp"):
        file.unlink()
    for top in HASHED_FOLDERS:
        for file in (work / top).rglob("*"):
            if file.is_file():
                open_as_folder(file)
                with file.open("rb") as opened:
                    os.fsync(opened.fileno())


@contextmanager
def _named(name: str, store: Path) -> Iterator[None]:
    """Put the stage's name before what goes wrong in it, and tell whose fault it is."""
    try:
        yield
    except AlignError as error:
        error.args = (f"stage {name}: {error}",)
        raise
    except Exception as error:
        if is_full(store, error):
            raise disk_error(store, error) from error
        fault = plugin_fault(error)
        if fault:
            raise PartError(f"stage {name}: the plugin failed at {fault}") from error
        if isinstance(error, OSError):
            where = f"{error.filename}: " if error.filename else ""
            raise InputError(f"stage {name}: {where}{error.strerror or error}") from error
        error.add_note(f"in stage {name}")
        raise


def describe_counts(counts: Counts) -> str:
    """`1,200 → 340 kept  (length: short 860)`: one line for people."""
    parts = [f"{counts.read:,} → {counts.kept:,} kept"]
    reasons = sorted((counts.dropped | counts.skipped).items(), key=lambda item: -item[1])
    if reasons:
        parts.append("(" + " · ".join(f"{reason} {count:,}" for reason, count in reasons[:6]) + ")")
    return "  ".join(parts)


def _lineage(artifact: Artifact) -> dict[str, str]:
    return {"stage": artifact.name, "key": artifact.key, "content": artifact.content}


def _title(name: str, stage: Stage) -> str:
    return f"{stage.kind:<18} {name:<18}"
