"""The journey in facts: stages with their counts and lineage, quotas, contamination."""

from collections.abc import Sequence
from itertools import islice

from align.artifact import Artifact
from align.records import Measurement, Rejection
from align.report.facts import Contamination, Measured, QuotaFacts, QuotaRow, Rejected, Spread, StageFacts

TRAINING_KINDS = {
    "pretrain": "pretraining",
    "tokenizer": "pretraining",
    "sft": "training",
    "dpo": "preferences",
    "kto": "preferences",
}
MODEL_KINDS = {"base_model", "pretrain", "sft", "dpo", "kto", "pick_checkpoint"}
"""Kinds of stages whose artifact is a model."""
JUDGING_KINDS = {"generate", "compare", "agreement", "grade", "perplexity", "academic", "safety", "pick_checkpoint"}
HITS_SHOWN = 20
SPREAD_METRICS = ("vendi", "vendi_random", "coverage", "coverage_random")
"""What every selection measures of itself."""


def stage_facts(artifacts: Sequence[Artifact]) -> tuple[StageFacts, ...]:
    """Every stage as its manifest tells it."""
    roles = _roles(artifacts)
    return tuple(_stage(artifact, roles[artifact.name]) for artifact in artifacts)


def _stage(artifact: Artifact, role: str) -> StageFacts:
    manifest, counts = artifact.manifest, artifact.counts
    return StageFacts(
        name=artifact.name,
        kind=artifact.kind,
        role=role,
        key=artifact.key,
        content=artifact.content,
        inputs=tuple(item["stage"] for item in manifest["inputs"]),
        named={field: item["stage"] for field, item in manifest["named"].items()},
        raw={label: file["sha256"] for label, file in manifest["raw"].items()},
        parameters=_without_empty(manifest["parameters"]),
        versions=tuple(manifest["versions"]),
        read=counts.read,
        kept=counts.kept,
        dropped=_most_first(counts.dropped),
        skipped=_most_first(counts.skipped),
        noted=dict(counts.noted),
    )


def _without_empty(parameters: dict[str, object]) -> dict[str, object]:
    return {name: value for name, value in parameters.items() if name != "kind" and value is not None}


def _most_first(counts: dict[str, int]) -> dict[str, int]:
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def _roles(artifacts: Sequence[Artifact]) -> dict[str, str]:
    """What the records of each stage are for: found by walking up from the stages that train and judge."""
    by_name = {artifact.name: artifact for artifact in artifacts}
    roles: dict[str, str] = {}
    uses = sorted(
        ((_use(artifact.kind), artifact) for artifact in artifacts if _use(artifact.kind)),
        key=lambda item: ["training", "preferences", "evaluation", "pretraining"].index(item[0]),
    )
    for role, user in uses:
        _mark([*_inputs(user), *_named(user, "held_out")], role, by_name, roles)
    for artifact in artifacts:
        _mark(_named(artifact, "against"), "evaluation", by_name, roles)
    for artifact in artifacts:
        if artifact.kind in MODEL_KINDS or artifact.kind in ("tokenizer", "export"):
            roles[artifact.name] = "models"
        elif artifact.kind in JUDGING_KINDS:
            roles[artifact.name] = "judging"
    return {artifact.name: roles.get(artifact.name, "other") for artifact in artifacts}


def _use(kind: str) -> str:
    return TRAINING_KINDS.get(kind) or ("evaluation" if kind in JUDGING_KINDS else "")


def _mark(wanted: list[str], role: str, by_name: dict[str, Artifact], roles: dict[str, str]) -> None:
    """Give the role to these stages and all above them that have none yet."""
    while wanted:
        name = wanted.pop()
        if name in by_name and name not in roles:
            roles[name] = role
            wanted += _inputs(by_name[name])


def _inputs(artifact: Artifact) -> list[str]:
    return [item["stage"] for item in artifact.manifest["inputs"]]


def _named(artifact: Artifact, field: str) -> list[str]:
    """The stages that a field names: `field`, or `field.0`, `field.1`, ..."""
    return [item["stage"] for name, item in artifact.manifest["named"].items() if name.partition(".")[0] == field]


def measured_figures(artifacts: Sequence[Artifact]) -> tuple[Measured, ...]:
    """Every measurement of every stage."""
    return tuple(
        Measured(artifact.name, artifact.kind, figure) for artifact in artifacts for figure in artifact.read(Measurement)
    )


def quota_facts(measured: Sequence[Measured]) -> tuple[QuotaFacts, ...]:
    """Wanted, eligible and taken of each group and stratum, quota by quota."""
    stages = dict.fromkeys(item.stage for item in measured if item.figure.metric == "quota_taken")
    return tuple(_quota(stage, [item.figure for item in measured if item.stage == stage]) for stage in stages)


def _quota(stage: str, figures: list[Measurement]) -> QuotaFacts:
    values = {(figure.metric, figure.subject, figure.method): int(figure.value) for figure in figures}
    groups = tuple(
        QuotaRow(
            figure.subject,
            "",
            values.get(("quota_wanted", figure.subject, "")),
            values.get(("quota_eligible", figure.subject, ""), figure.count),
            int(figure.value),
        )
        for figure in figures
        if figure.metric == "quota_taken"
    )
    strata = [figure for figure in figures if figure.metric.endswith("_taken") and figure.metric != "quota_taken"]
    by = strata[0].metric.removesuffix("_taken") if strata else "site"
    rows = tuple(QuotaRow(figure.method, figure.subject, None, figure.count, int(figure.value)) for figure in strata)
    return QuotaFacts(stage, by, groups, rows)


def spread_facts(measured: Sequence[Measured]) -> tuple[Spread, ...]:
    """How varied each selection is, in the order of the stages."""
    found: dict[tuple[str, str, str], dict[str, Measurement]] = {}
    for item in measured:
        if item.figure.metric in SPREAD_METRICS:
            found.setdefault((item.stage, item.kind, item.figure.subject), {})[item.figure.metric] = item.figure
    return tuple(
        Spread(*place, *(figures[metric] for metric in SPREAD_METRICS))
        for place, figures in found.items()
        if len(figures) == len(SPREAD_METRICS)
    )


def contamination_facts(artifacts: Sequence[Artifact]) -> tuple[Contamination, ...]:
    """What stood in an evaluation set, stage by stage, with the first hits in full."""
    found = []
    for artifact in artifacts:
        if artifact.kind != "contamination":
            continue
        counts = artifact.counts
        hits = (counts.dropped | counts.noted).items()
        by_set = _most_first({reason.removeprefix("contamination: "): count for reason, count in hits})
        shown = islice((item for item in artifact.read(Rejection)), HITS_SHOWN)
        rows = tuple(Rejected(artifact.name, item.example_id, item.reason, item.detail[:400]) for item in shown)
        found.append(Contamination(artifact.name, counts.read, sum(by_set.values()), by_set, rows))
    return tuple(found)
