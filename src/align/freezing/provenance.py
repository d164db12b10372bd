"""How a set was made, as it may be published: no path of the machine stands in it."""

from pathlib import Path
from typing import Any

from pydantic import BaseModel

from align.artifact import Artifact
from align.freezing.card import MEASURED
from align.freezing.splits import Chosen
from align.parts import RawFileMark, marked_fields
from align.recipe import Recipe
from align.records import Measurement


def published(model: BaseModel) -> dict[str, Any]:
    """The parameters of a part and of all in it, files by their names alone."""
    dumped = model.model_dump(mode="json", serialize_as_any=True)
    files = set(marked_fields(type(model), RawFileMark))
    found: dict[str, Any] = {}
    for name, value in dumped.items():
        held = getattr(model, name)
        found[name] = _named(held) if name in files else _inner(held, value)
    return found


def published_recipe(recipe: Recipe) -> dict[str, Any]:
    """The recipe as resolved."""
    whole = recipe.model_dump(mode="json", exclude={"stages"})
    return {**whole, "stages": {name: published(stage) for name, stage in recipe.stages.items()}}


def sources_of(chosen: Chosen) -> dict[str, Any]:
    """What a rehydration reads again: the sources of the set's rows with their parameters and the hashes of their files."""
    found: dict[str, Any] = {}
    for stage in chosen.roots():
        source = chosen.source(stage)
        if source is not None:
            raw = chosen.above[stage].manifest["raw"].values()
            files = sorted({(Path(item["path"]).name, str(item["sha256"])) for item in raw})
            named = [{"name": name, "sha256": digest} for name, digest in files]
            found[stage] = {"source": published(source), "files": named, "terms": source.terms}
    return found


def artifacts_of(chosen: Chosen) -> dict[str, Any]:
    return {name: {"kind": item.kind, "key": item.key, "content": item.content} for name, item in chosen.above.items()}


def measured_in(chosen: Chosen) -> list[dict[str, Any]]:
    """How varied the nearest selection above the training split is, where one was measured."""
    for artifact in reversed(chosen.above.values()):
        found = [item for item in artifact.read(Measurement) if item.metric in MEASURED]
        if found:
            return [_measurement(artifact, item) for item in found]
    return []


def _measurement(artifact: Artifact, item: Measurement) -> dict[str, Any]:
    return {"stage": artifact.name, "metric": item.metric, "value": item.value, "method": item.method}


def _named(value: Any) -> Any:
    if isinstance(value, Path):
        return value.name
    if isinstance(value, (tuple, list)):
        return [_named(item) for item in value]
    return {key: _named(item) for key, item in value.items()} if isinstance(value, dict) else value


def _inner(value: Any, dumped: Any) -> Any:
    if isinstance(value, BaseModel):
        return published(value)
    if isinstance(value, tuple):
        return [_inner(item, plain) for item, plain in zip(value, dumped, strict=True)]
    if isinstance(value, dict):
        return {key: _inner(item, dumped[key]) for key, item in value.items()}
    return dumped
