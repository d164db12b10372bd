"""Picked checkpoints in facts: the grade of every epoch compared, its perplexity beside it, and what can be said of it."""

from collections.abc import Sequence

from align.records import Measurement
from align.report.facts import EpochRow, Facts, Finding, Measured, Picked, StageFacts
from align.report.wording import SPACE, counted, figure_text, listed

PICKING = "pick_checkpoint"


def pick_facts(stages: Sequence[StageFacts], measured: Sequence[Measured]) -> tuple[Picked, ...]:
    """What each pick_checkpoint stage compared and picked."""
    return tuple(_picked(stage, measured) for stage in stages if stage.kind == PICKING)


def _picked(stage: StageFacts, measured: Sequence[Measured]) -> Picked:
    own = [item.figure for item in measured if item.stage == stage.name]
    verdict = next(figure for figure in own if figure.metric == "picked_epoch")
    leads = {figure.subject.partition(" against ")[2]: figure for figure in own if figure.metric == "helpfulness_difference"}
    beside = {
        item.figure.subject: item.figure
        for item in measured
        if item.figure.metric == "perplexity" and item.stage in (stage.name, stage.named.get("held_out"))
    }
    rows = tuple(
        EpochRow(_epoch(figure), figure, leads.get(figure.subject), beside.get(figure.subject))
        for figure in own
        if figure.metric == "helpfulness"
    )
    return Picked(stage.name, verdict.subject, int(verdict.value), verdict.count, verdict.method, rows)


def _epoch(figure: Measurement) -> int:
    return int(figure.subject.rpartition("epoch-")[2])


def pick_findings(facts: Facts) -> list[Finding]:
    """Which epoch was picked, and whether its answers were told apart from those of the others."""
    return [_finding(pick) for pick in facts.picks]


def _finding(pick: Picked) -> Finding:
    best = next(row for row in pick.rows if row.epoch == pick.epoch)
    others = [row for row in pick.rows if row.epoch != pick.epoch]
    alike = [str(row.epoch) for row in others if not row.is_told_apart]
    text = (
        f"Of {pick.model}, the model after epoch {pick.epoch} was picked by its answers: mean grade {figure_text(best.grade)} "
        f"of 6, against {listed([figure_text(row.grade) + f' after epoch {row.epoch}' for row in others])}."
    )
    return Finding(text, f"{_told(alike, len(others))} {_basis(pick)}")


def _told(alike: Sequence[str], others: int) -> str:
    if not alike:
        return "Its answers are told apart from those of every other epoch."
    if len(alike) == others:
        return "Its answers cannot be told from those of any other epoch: another pick would have been as good as this one."
    return f"Its answers cannot be told from those of epoch{'s' * (len(alike) > 1)} {listed(list(alike))}."


def _basis(pick: Picked) -> str:
    said = f"{counted(pick.prompts, 'prompt')}; the best of {len(pick.rows)} was taken, so its lead is flattered."
    return f"{said} Perplexity was not asked (LIMA{SPACE}§3)." if any(row.perplexity for row in pick.rows) else said
