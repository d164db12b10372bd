"""Agreement of people and judges in facts: beside LIMA's figures, and what may be said of a judge."""

from collections.abc import Sequence
from dataclasses import dataclass

from align.artifact import Artifact
from align.records import Comparison, Measurement
from align.report.wording import SPACE, figure_text

AGREEMENT = "agreement"
PEOPLE, MIXED, JUDGES = "people among themselves", "people and judges", "judges among themselves"
LIMAS = {PEOPLE: f"78–82{SPACE}%", MIXED: f"78–79{SPACE}%"}
"""LIMA §4.1, on 50 items: crowd workers 82, with authors 81, authors 78; GPT-4 with crowd workers 78, with authors 79."""
EVERYONE = "all raters"
GROUPS = (PEOPLE, MIXED, JUDGES, EVERYONE)
OPPOSITE_SHOWN = 20


@dataclass(frozen=True, slots=True)
class AgreementRow:
    """A group of raters, or two of them."""

    who: str
    accuracy: Measurement | None
    """Tie-discounted."""
    alpha: Measurement | None
    lima: str
    """What LIMA has for such a group; empty where it has none."""


@dataclass(frozen=True, slots=True)
class AgreementFacts:
    """What one `agreement` stage found."""

    stage: str
    groups: tuple[AgreementRow, ...]
    twos: tuple[AgreementRow, ...]
    leads: tuple[Measurement, ...]
    """By how much each judge agrees with people better than they do among themselves."""
    shared: int
    """Pairs of answers that two or more judged."""
    opposite: int
    shown: tuple[tuple[str, str], ...]
    """The first of those on which two are opposite: the prompt, and who prefers which model."""


def agreement_facts(artifacts: Sequence[Artifact]) -> tuple[AgreementFacts, ...]:
    """What each `agreement` stage found."""
    return tuple(_facts(artifact) for artifact in artifacts if artifact.kind == AGREEMENT)


def _facts(artifact: Artifact) -> AgreementFacts:
    found = list(artifact.read(Measurement))
    by_metric: dict[str, dict[str, Measurement]] = {}
    for item in found:
        by_metric.setdefault(item.metric, {})[item.subject] = item
    accuracy, alpha = by_metric.get("tie_discounted_accuracy", {}), by_metric.get("krippendorff_alpha", {})
    opposite = by_metric["opposite_items"][EVERYONE]
    subjects = list(dict.fromkeys([*accuracy, *alpha]))
    rows = [AgreementRow(subject, accuracy.get(subject), alpha.get(subject), LIMAS.get(subject, "")) for subject in subjects]
    items: dict[tuple[str, int], list[str]] = {}
    for row in artifact.read(Comparison):
        preferred = {"first": row.first, "second": row.second}.get(row.verdict, "neither")
        items.setdefault((row.prompt_id, row.sample), []).append(f"{row.judge}: {preferred}")
    return AgreementFacts(
        stage=artifact.name,
        groups=tuple(sorted((row for row in rows if row.who in GROUPS), key=lambda row: GROUPS.index(row.who))),
        twos=tuple(row for row in rows if row.who not in GROUPS),
        leads=tuple(by_metric.get("agreement_difference", {}).values()),
        shared=opposite.count,
        opposite=int(opposite.value),
        shown=tuple((prompt, "; ".join(said)) for (prompt, _), said in list(items.items())[:OPPOSITE_SHOWN]),
    )


def standing(lead: Measurement) -> str:
    """What may be said of a judge beside people, from the interval of the difference."""
    judge = lead.subject.partition(" with people less ")[0]
    if lead.low is None or lead.high is None:
        return f"Nothing can be said of {judge} beside people: the difference has no interval."
    if lead.low >= 0:
        said = f"{judge} is no worse than people: it agrees with them at least as well as they do among themselves"
    elif lead.high < 0:
        said = f"{judge} agrees with people less than they do among themselves"
    else:
        said = (
            f"Whether {judge} agrees with people as well as they do among themselves cannot be told: the interval of the "
            f"difference holds 0"
        )
    return f"{said}; {figure_text(lead)}."
