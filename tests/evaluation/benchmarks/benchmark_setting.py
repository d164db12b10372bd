"""What the tests of benchmarks share: questions in files, and a stage run on them."""

import csv
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from align.artifact import Artifact, Counts
from align.evaluation.academic import Academic
from align.files import read_records
from align.records import Grade, Measurement
from align.stage import Inputs

MMLU_COLUMNS = ["question", "A", "B", "C", "D", "answer"]
BIRDS = [
    ("Which bird cannot fly?", "swift", "ostrich", "tern", "lark", "B"),
    ("Which bird dives?", "gannet", "wren", "finch", "robin", "A"),
    ("Which bird swims?", "swallow", "penguin", "kite", "jay", "B"),
    ("Which bird drums?", "owl", "rook", "woodpecker", "crane", "C"),
]
"""Four questions, of which two have B as the right answer."""


def write_csv(path: Path, rows: Iterable[Sequence[str]]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)
    return path


def write_jsonl(path: Path, rows: Iterable[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def birds(folder: Path, **fields: Any) -> dict[str, Any]:
    """Four questions about birds, in a CSV file without names as MMLU ships."""
    file = write_csv(folder / "birds_test.csv", BIRDS)
    return {
        "kind": "multiple_choice",
        "name": "birds",
        "files": [file],
        "columns": MMLU_COLUMNS,
        "options": ["A", "B", "C", "D"],
        **fields,
    }


def put(work: Path, tasks: Sequence[dict[str, Any]], *models: Artifact, **fields: Any) -> Counts:
    """Run an `academic` stage outside a recipe."""
    given: dict[str, Artifact] = {f"models.{number}": model for number, model in enumerate(models)}
    tagging = fields.pop("contamination", ())
    given |= {f"contamination.{number}": artifact for number, artifact in enumerate(tagging)}
    names = {"models": [model.name for model in models], "contamination": [artifact.name for artifact in tagging]}
    stage = Academic.model_validate({"kind": "academic", "tasks": list(tasks), **names, **fields})
    work.mkdir(parents=True, exist_ok=True)
    return stage.run(Inputs((), given), work)


def grades(work: Path) -> dict[tuple[str, str], Grade]:
    return {(item.model, item.prompt_id): item for item in read_records(work, Grade)}


def figures(work: Path) -> dict[tuple[str, str], Measurement]:
    return {(item.metric, item.subject): item for item in read_records(work, Measurement)}
