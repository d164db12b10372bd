"""Academic benchmarks in the report: each model beside chance, and beside the model before it."""

from dataclasses import dataclass
from typing import Any

from align.records import Measurement
from align.report.facts import Facts, Finding, Measured
from align.report.wording import counted, figure_text, listed, name_of, value_text

KIND = "academic"
NOT_TOLD = "cannot be told from chance"


@dataclass(frozen=True, slots=True)
class BenchmarkAnswer:
    """How well one model did."""

    model: str
    figure: Measurement
    clean: Measurement | None
    """Without the questions that stand in the training set; None where nobody looked."""
    verdict: str


@dataclass(frozen=True, slots=True)
class BenchmarkChange:
    """One model against the one before it."""

    who: str
    figure: Measurement
    verdict: str


@dataclass(frozen=True, slots=True)
class BenchmarkRow:
    """One benchmark of one stage."""

    stage: str
    name: str
    metric: str
    shots: int
    form: str
    count: int
    chance: Measurement | None
    models: tuple[BenchmarkAnswer, ...]
    changes: tuple[BenchmarkChange, ...]
    is_looked_for: bool
    """Whether its questions were looked for in the training set."""


def benchmark_rows(facts: Facts) -> list[BenchmarkRow]:
    """Every benchmark of every `academic` stage, in the order of the recipe."""
    rows = []
    for stage in facts.of_kind(KIND):
        own = [item.figure for item in facts.measured if item.stage == stage.name]
        tasks: Any = stage.parameters["tasks"]
        looked_for = any(field.partition(".")[0] == "contamination" for field in stage.named)
        rows += [_row(stage.name, task, own, looked_for) for task in tasks]
    return rows


def subject_figures(facts: Facts) -> list[Measured]:
    """The figures by subject, for those who open the list."""
    return [item for item in facts.measured if item.kind == KIND and "/" in item.figure.subject.partition(" on ")[2]]


def benchmark_findings(facts: Facts) -> list[Finding]:
    """One finding a benchmark: every model, and what can be told apart."""
    return [_finding(row) for row in benchmark_rows(facts)]


def _row(stage: str, task: dict[str, Any], figures: list[Measurement], looked_for: bool) -> BenchmarkRow:
    name = str(task["name"])
    own = [figure for figure in figures if figure.subject.partition(" on ")[2] == name]
    chance = next((figure for figure in figures if figure.metric == "chance" and figure.subject == name), None)
    clean = {figure.subject: figure for figure in own if figure.metric.endswith("_clean")}
    changes = [figure for figure in own if figure.metric.endswith("_change")]
    rates = [figure for figure in own if not figure.metric.endswith(("_clean", "_change"))]
    answers = [
        BenchmarkAnswer(figure.subject.partition(" on ")[0], figure, clean.get(figure.subject), _beside(figure, chance))
        for figure in rates
    ]
    told = [BenchmarkChange(figure.subject.partition(" on ")[0], figure, _told(figure)) for figure in changes]
    form = "chat" if task["chat_template"] else "plain text"
    metric = rates[0].metric
    return BenchmarkRow(
        stage, name, metric, int(task["shots"]), form, rates[0].count, chance, tuple(answers), tuple(told), looked_for
    )


def _beside(figure: Measurement, chance: Measurement | None) -> str:
    if chance is None:
        return "chance is unknown"
    if figure.low is None or figure.high is None:
        return "without an interval, so nothing follows from it"
    if figure.low > chance.value:
        return "better than chance"
    return "worse than chance" if figure.high < chance.value else NOT_TOLD


def _told(figure: Measurement) -> str:
    if figure.low is None or figure.high is None:
        return "without an interval, so nothing follows from it"
    return "cannot be told from no change" if figure.low <= 0 <= figure.high else "a change"


def _finding(row: BenchmarkRow) -> Finding:
    said = [f"{answer.model} {figure_text(answer.figure)}" for answer in row.models]
    chance = f", by chance {value_text(row.chance)}" if row.chance is not None else ""
    text = f"{row.name}: {name_of(row.metric).lower()}, {counted(row.shots, 'shot')}: {listed(said)}{chance}."
    caveats = [f"{counted(row.count, 'question')}."]
    unsure = [answer.model for answer in row.models if answer.verdict == NOT_TOLD]
    if unsure:
        caveats.append(f"{listed(unsure)} cannot be told from chance.")
    caveats += [f"{change.who}: {figure_text(change.figure)} on the same questions, {change.verdict}." for change in row.changes]
    caveats += [
        f"Without what stands in the training set {answer.model} has {figure_text(answer.clean)}."
        for answer in row.models
        if answer.clean is not None
    ]
    return Finding(text, " ".join(caveats))
