"""Exported models beside the full ones, as rows of a table."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from align.artifact import Artifact
from align.report.facts import Facts

Speeds = Mapping[str, Mapping[str, Any]]
"""By stage and model: tokens a second, and the runtime."""

COLUMNS = ("weight_bytes", "exported_perplexity", "same_answers", "common_prefix")


def exported_rows(facts: Facts, speeds: Speeds) -> list[dict[str, Any]]:
    """One row a model that an `export` stage compared: the full one, then what was exported."""
    rows: dict[tuple[str, str], dict[str, Any]] = {}
    for item in facts.measured:
        if item.kind != "export":
            continue
        empty = {"stage": item.stage, "model": item.figure.subject, **dict.fromkeys(COLUMNS)}
        row = rows.setdefault((item.stage, item.figure.subject), empty)
        row[item.figure.metric] = item.figure
    for (stage, model), row in rows.items():
        row["speed"] = speeds.get(stage, {}).get(model)
    return list(rows.values())


def read_speeds(artifacts: Sequence[Artifact]) -> dict[str, dict[str, Any]]:
    """What export stages noted of speeds: for people, and not in the facts, as no two runs are equally fast."""
    found = {artifact.name: artifact.path / "logs" / "speed.json" for artifact in artifacts if artifact.kind == "export"}
    return {name: json.loads(path.read_text(encoding="utf-8")) for name, path in found.items() if path.is_file()}
