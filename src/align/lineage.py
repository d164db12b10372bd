"""What a recipe has made: its stages with their artifacts, the funnel, and runs as notebooks read them."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from align.artifact import Artifact, Counts, check_store, default_store, load_artifact
from align.errors import StoreError
from align.parts import nearest
from align.rawfiles import MissingFile, hash_raw_files, missing_files, unread_bytes
from align.recipe import Recipe, load_recipe
from align.records import Comparison, Example, Grade, Measurement, PreferencePair, Rejection, Response, TrainingStep
from align.runner import artifact_key, stage_inputs
from align.stage import Stage

R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class StageState:
    """How far one stage of a recipe is. Its key is known once everything it reads is there."""

    name: str
    stage: Stage
    artifact: Artifact | None = None
    key: str | None = None
    waits_for: str | None = None
    """The nearest stage above that has to be made before this one's key can be known."""
    missing: tuple[MissingFile, ...] = ()
    has_partial: bool = False
    """Whether an interrupted run left work to go on from."""


def stage_states(recipe: Recipe, store: Path, max_unread_bytes: int | None = None) -> list[StageState]:
    """The state of every stage, without running any.

    Raw files of which more than `max_unread_bytes` are new or changed are not hashed: such a stage has to run anyway,
    as nothing can have been made of bytes that were never read.
    """
    check_store(store)
    recipe = recipe.in_store(store)
    made: dict[str, Artifact] = {}
    states: dict[str, StageState] = {}
    for name in recipe.stages:
        states[name] = _state(recipe, name, store, made, states, max_unread_bytes)
        artifact = states[name].artifact
        if artifact is not None:
            made[name] = artifact
    return list(states.values())


def _state(
    recipe: Recipe, name: str, store: Path, made: dict[str, Artifact], states: dict[str, StageState], max_unread_bytes: int | None
) -> StageState:
    stage = recipe.stages[name]
    missing = tuple(missing_files(name, stage))
    wanted = [*recipe.sources_of(name), *stage.references().values()]
    unmade = next((above for above in wanted if above not in made), None)
    if unmade is not None:
        return StageState(name, stage, waits_for=states[unmade].waits_for or unmade, missing=missing)
    if missing or (max_unread_bytes is not None and unread_bytes(stage, store) > max_unread_bytes):
        return StageState(name, stage, missing=missing)
    key = artifact_key(stage, stage_inputs(recipe, name, made), hash_raw_files(stage, store))
    partial = (store / "artifacts" / f"{key}.partial").is_dir()
    return StageState(name, stage, load_artifact(store, key, name), key, has_partial=partial)


@dataclass(frozen=True, slots=True)
class FunnelRow:
    """One stage's counts; None where it is not made yet."""

    stage: str
    kind: str
    counts: Counts | None


def funnel(recipe: Recipe, store: Path) -> list[FunnelRow]:
    """In, out and reasons, stage by stage."""
    return [
        FunnelRow(state.name, state.stage.kind, state.artifact.counts if state.artifact else None)
        for state in stage_states(recipe, store)
    ]


@dataclass(frozen=True, slots=True)
class Run:
    """What one run of a recipe made. `run["sft"]` is the artifact of stage `sft`."""

    id: str
    recipe: dict[str, Any]
    """The recipe as resolved: every parameter with its value."""
    artifacts: dict[str, Artifact]
    started: str = ""
    finished: str = ""
    """Empty while the run goes on, after it was stopped, and for a recipe that never ran to its end."""
    commit: str = ""
    align: str = ""
    packages: dict[str, str] = field(default_factory=dict)

    def __getitem__(self, stage: str) -> Artifact:
        if stage not in self.artifacts:
            raise StoreError(f"run {self.id}: has no artifact of a stage {stage!r}; {nearest(stage, self.artifacts)}")
        return self.artifacts[stage]

    def __contains__(self, stage: str) -> bool:
        return stage in self.artifacts

    def __iter__(self) -> Iterator[str]:
        return iter(self.artifacts)

    def read(self, stage: str, record: type[R]) -> list[R]:
        """The records of one type that a stage made."""
        return list(self[stage].read(record))

    def examples(self, stage: str) -> list[Example]:
        return self.read(stage, Example)

    def rejections(self, stage: str) -> list[Rejection]:
        return self.read(stage, Rejection)

    def pairs(self, stage: str) -> list[PreferencePair]:
        return self.read(stage, PreferencePair)

    def responses(self, stage: str) -> list[Response]:
        return self.read(stage, Response)

    def comparisons(self, stage: str) -> list[Comparison]:
        return self.read(stage, Comparison)

    def grades(self, stage: str) -> list[Grade]:
        return self.read(stage, Grade)

    def measurements(self, stage: str) -> list[Measurement]:
        return self.read(stage, Measurement)

    def steps(self, stage: str) -> list[TrainingStep]:
        return self.read(stage, TrainingStep)

    def counts(self, stage: str) -> Counts:
        return self[stage].counts


def load_run(recipe_or_run: str | Path, store: Path | str | None = None) -> Run:
    """What a recipe made so far (a `.yaml` file), or what a run made (its id, the start of its id, or a recipe's name)."""
    folder = Path(store) if store is not None else default_store()
    check_store(folder)
    path = Path(recipe_or_run)
    if path.suffix in {".yaml", ".yml"} or (path.is_file() and path.suffix != ".json"):
        return run_of_recipe(load_recipe(path), folder)
    return read_run(path if path.is_file() else _find_run(str(recipe_or_run), folder), folder)


def run_of_recipe(recipe: Recipe, store: Path) -> Run:
    """The artifacts that a recipe's stages have in the store, whichever runs made them."""
    states = stage_states(recipe, store)
    return Run(
        recipe.name,
        recipe.model_dump(mode="json", serialize_as_any=True),
        {state.name: state.artifact for state in states if state.artifact is not None},
    )


def list_runs(store: Path) -> list[Path]:
    """The notes of all runs, the latest last."""
    check_store(store)
    return sorted((store / "runs").glob("*.json"), key=lambda path: (path.stat().st_mtime_ns, path.name))


def read_run(path: Path, store: Path) -> Run:
    """One run from its note; artifacts that `align gc` or a person removed since are left out."""
    try:
        noted = json.loads(path.read_text(encoding="utf-8"))
        found = {name: load_artifact(store, key, name) for name, key in noted["artifacts"].items()}
        artifacts = {name: artifact for name, artifact in found.items() if artifact is not None}
        rest = {name: noted[name] for name in ("started", "finished", "commit", "align", "packages")}
        return Run(path.stem, noted["recipe"], artifacts, **rest)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise StoreError(f"{path}: not the note of a run ({error}). Delete it; running the recipe writes it anew.") from error


def _find_run(name: str, store: Path) -> Path:
    runs = list_runs(store)
    matching = (
        [path for path in runs if path.stem == name]
        or [path for path in runs if path.stem.rpartition("-")[0] == name]
        or [path for path in runs if path.stem.startswith(name)]
    )
    if not matching:
        ids = [path.stem for path in runs]
        known = nearest(name, ids) if ids else "it has none yet"
        raise StoreError(f"{store}: has no run {name!r}; {known} (`align ls` lists them; a recipe's path works too)")
    return matching[-1]
