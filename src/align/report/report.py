"""The `report` stage: the whole run on one page."""

import math
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path, PurePath
from typing import ClassVar, Literal

from pydantic import NonNegativeInt

from align.artifact import Artifact, Counts
from align.files import write_json, write_text
from align.report.agreements import agreement_facts
from align.report.answers import curves, model_names, samples
from align.report.datasets import licence_rows, training_sets
from align.report.exported import read_speeds
from align.report.facts import Facts
from align.report.headline import findings
from align.report.journey import contamination_facts, measured_figures, quota_facts, spread_facts, stage_facts
from align.report.lima import tables_beside
from align.report.overlong import overlong_facts
from align.report.page import render_page
from align.report.picks import pick_facts
from align.report.voice import voice_facts
from align.stage import Inputs, Stage

PAGE = "report.html"


class Report(Stage):
    """Write one HTML page about everything above: funnel, quotas, training, answers, judgements, lineage, licences.

    The page loads nothing and runs no script; what it says stands as data in files/report.json.
    """

    kind: Literal["report"] = "report"
    title: str = "Alignment report"
    """Heading of the page."""
    description: str = ""
    """A sentence or two below it: what was run, and what for."""
    samples: NonNegativeInt = 8
    """Prompts to show with every model's answer."""

    reads: ClassVar[Literal["none", "previous", "all"]] = "all"
    names_matter: ClassVar[bool] = True
    sees_manifests: ClassVar[bool] = True
    version: ClassVar[int] = 2  # 2: says what of a selection its variety was measured on

    def run(self, inputs: Inputs, work: Path) -> Counts:
        facts = self.gather(inputs.data)
        write_json(work / "files" / "report.json", _finite(asdict(facts)))
        write_text(work / PAGE, render_page(facts, _raw_names(inputs.data), _seconds(inputs.data), read_speeds(inputs.data)))
        return Counts(len(inputs.data), len(inputs.data))

    def gather(self, artifacts: Sequence[Artifact]) -> Facts:
        """Everything the page says."""
        measured = measured_figures(artifacts)
        stages = stage_facts(artifacts)
        facts = Facts(
            title=self.title,
            description=self.description,
            stages=stages,
            models=model_names(artifacts),
            sets=training_sets(artifacts, measured),
            beside=tables_beside(artifacts),
            quotas=quota_facts(measured),
            spreads=spread_facts(measured),
            curves=curves(artifacts),
            samples=samples(artifacts, self.samples),
            measured=measured,
            picks=pick_facts(stages, measured),
            agreements=agreement_facts(artifacts),
            overlong=overlong_facts(artifacts),
            contamination=contamination_facts(artifacts),
            voices=voice_facts(artifacts),
            licences=licence_rows(artifacts),
        )
        return replace(facts, findings=findings(facts))


def _finite(value: object) -> object:
    """JSON has no word for what is not a number: null."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {name: _finite(item) for name, item in value.items()}
    return [_finite(item) for item in value] if isinstance(value, (list, tuple)) else value


def _raw_names(artifacts: Sequence[Artifact]) -> dict[str, dict[str, str]]:
    """File names of the raw files: for people, and not in the facts, as a dump may be called anything."""
    return {
        artifact.name: {label: PurePath(file["path"]).name for label, file in artifact.manifest["raw"].items()}
        for artifact in artifacts
    }


def _seconds(artifacts: Sequence[Artifact]) -> dict[str, float]:
    return {artifact.name: float(artifact.manifest["seconds"]) for artifact in artifacts}
