"""Small artifacts to train on: real records, tokenizers and models, a few hundred kilobytes each."""

import random
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from align.artifact import MANIFEST, Artifact, Counts, content_hash
from align.files import write_json, write_records
from align.records import Example, Origin, Turn
from align.stage import Inputs, Stage

WORDS = (
    "moss",
    "fern",
    "oak",
    "brook",
    "stone",
    "heron",
    "vole",
    "otter",
    "alder",
    "willow",
    "reed",
    "carp",
    "newt",
    "mist",
    "lark",
)

TINY: dict[str, Any] = {"family": "llama", "layers": 2, "hidden": 32, "heads": 2, "feed_forward": 64}


def sentence(draw: random.Random, words: int) -> str:
    return " ".join(draw.choice(WORDS) for _ in range(words)).capitalize() + "."


def document(number: int, words: int = 60) -> Example:
    text = sentence(random.Random(number), words)
    return Example(f"document/{number}", (Turn("document", text),), Origin("invented", str(number)))


def dialogue(number: int, *texts: str) -> Example:
    roles = ("user", "assistant")
    turns = tuple(Turn(roles[index % 2], text) for index, text in enumerate(texts))
    return Example(f"dialogue/{number}", turns, Origin("invented", str(number)))


def question(number: int, words: int = 6) -> Example:
    draw = random.Random(1000 + number)
    return dialogue(number, f"Where lives the {draw.choice(WORDS)}?", sentence(draw, words))


def as_artifact(path: Path, name: str, kind: str, counts: Counts | None = None) -> Artifact:
    content = content_hash(path)
    manifest = {"stage": name, "kind": kind, "content": content, "counts": asdict(counts or Counts())}
    write_json(path / MANIFEST, manifest)
    return Artifact(name, f"key-of-{name}", content, path, manifest)


def records(path: Path, name: str, items: Iterable[Any]) -> Artifact:
    listed = list(items)
    write_records(path, type(listed[0]), listed)
    return as_artifact(path, name, "ingest")


def run(stage: Stage, path: Path, name: str, data: tuple[Artifact, ...] = (), **named: Artifact) -> Artifact:
    path.mkdir(parents=True, exist_ok=True)
    counts = stage.run(Inputs(data, named), path)
    return as_artifact(path, name, stage.kind, counts)


def run_elsewhere(order: dict[str, Any]) -> None:
    """In another process: run a stage as `order` says, {kind, fields, work, data: [paths], named: {field: path}, every: steps}.

    `part` says how many items a part of a precomputed reference has, where that matters.
    """
    from align.catalogue import load_catalogue
    from align.training import keeper, reference

    load_catalogue()
    keeper.STEPS_BETWEEN_CHECKPOINTS = order["every"]
    reference.ITEMS_IN_A_PART = order.get("part", reference.ITEMS_IN_A_PART)
    data = tuple(as_artifact(Path(path), "data", "ingest") for path in order["data"])
    named = {name: as_artifact(Path(path), name, "model") for name, path in order["named"].items()}
    stage: Any = Stage.kinds[order["kind"]].model_validate(order["fields"])
    run(stage, Path(order["work"]), "elsewhere", data, **named)
