"""The main results in words, each with its interval and with what it can and cannot say."""

from collections.abc import Sequence

from align.records import Measurement
from align.report.agreements import LIMAS, MIXED, PEOPLE, AgreementFacts, standing
from align.report.benchmarks import benchmark_findings
from align.report.bias import bias_rows, judge_checks, judged_beside
from align.report.facts import Facts, Finding, Measured, StageFacts
from align.report.picks import pick_findings
from align.report.wording import SPACE, counted, figure_text, listed, percent, plain, whole

BASELINE_JUDGES = {"word_overlap", "longest"}
"""Judges that test the machinery; what they prefer is no quality."""


PREFERENCES = (("dpo", "preference pair"), ("kto", "labelled response"))
"""Kinds of stages that learn preferences, and from what."""


def findings(facts: Facts) -> tuple[Finding, ...]:
    """What was run and on how much, then the results, in the order of the journey."""
    found = [*_data(facts), *_endings(facts), *_wins(facts), *map(_agreement, facts.agreements), *_safety(facts)]
    return (*found, *_rewards(facts), *_perplexity(facts), *benchmark_findings(facts), *pick_findings(facts))


def _data(facts: Facts) -> list[Finding]:
    formed = sum(stage.kept for stage in facts.of_kind("ingest") if stage.role == "training")
    if not facts.sets:
        left = [stage for stage in facts.stages if stage.role in ("training", "other") and stage.kept]
        if not left:
            return [Finding("Nothing was kept: no stage of this run gave a record.")]
        return [Finding(f"{counted(left[-1].kept, 'record')} left after the last stage, {left[-1].name}. No model was trained.")]
    found = []
    for used in facts.sets:
        text = f"{used.stage} was fine-tuned on {counted(used.examples, 'example')}"
        if formed > used.examples:
            text += f", chosen from {whole(formed)} that were read"
        learners = [
            (stage, what) for kind, what in PREFERENCES for stage in facts.of_kind(kind) if _from(facts, stage, used.stage)
        ]
        text += "".join(f"; {stage.name} then learned from {counted(stage.kept, what)}" for stage, what in learners)
        found.append(Finding(text + ".", _stages_in_words(facts)))
    return found


def _from(facts: Facts, stage: StageFacts, model: str) -> bool:
    """Whether a stage's model began as that of another, at once or over others."""
    by_name = {item.name: item for item in facts.stages}
    start: StageFacts | None = stage
    while start is not None and start.name != model:
        start = by_name.get(start.named.get("model", ""))
    return start is not None


def _stages_in_words(facts: Facts) -> str:
    dropped = sum(sum(stage.dropped.values()) for stage in facts.stages if stage.role == "training")
    return f"{counted(dropped, 'example')} dropped on the way, each kept with its reason." if dropped else ""


def _endings(facts: Facts) -> list[Finding]:
    rates = [item.figure for item in facts.figures("eot_rate")]
    if not rates:
        return []
    said = [f"{figure.subject} {figure_text(figure)}" for figure in rates]
    count = counted(min(figure.count for figure in rates), "prompt")
    return [Finding(f"Responses that the model ended itself with EOT: {listed(said)}.", f"{count} each. {_learned(rates)}")]


def _learned(rates: Sequence[Measurement]) -> str:
    if any(figure.low is not None and figure.low > 0.5 for figure in rates):
        return "It shows that the end-of-turn token was learned, not that the answers are good."
    first = rates[0].high
    if first is not None and any(figure.low is not None and figure.low > first for figure in rates[1:]):
        return "The end-of-turn token was learned in part: many responses still run on until they are cut."
    return "Nothing here shows that the end-of-turn token was learned."


def _wins(facts: Facts) -> list[Finding]:
    """One finding a judge: its comparisons, and what so many prompts can tell."""
    by_judge: dict[str, list[Measured]] = {}
    for item in facts.figures("win_rate"):
        by_judge.setdefault(judge_of(facts, item.stage), []).append(item)
    return [_win(judge, [item.figure for item in found], _doubts(facts, found)) for judge, found in by_judge.items()]


def _doubts(facts: Facts, found: Sequence[Measured]) -> list[str]:
    """What is left of the win rates at equal length, what makes them doubtful, and how the judge did in its own test."""
    stages = {item.stage for item in found}
    rows = [row for row in bias_rows(facts) if row.stage in stages]
    told_below = len(rows) == 1 and rows[0].is_of_length  # with the same figure
    said = [judged_beside(rows)] if rows and not told_below else []
    return [*said, *(warning for row in rows for warning in row.warnings), *(check.text for check in judge_checks(facts, stages))]


def _win(judge: str, figures: list[Measurement], doubts: Sequence[str]) -> Finding:
    said = [f"of {figure.subject} {figure_text(figure)}, {_against_half(figure)}" for figure in figures]
    if judge in BASELINE_JUDGES:
        caveat = f"The judge, {judge}, is a plain baseline: it shows that judging works and is no measure of quality."
    else:
        caveat = f"Judged by {judge}."
    return Finding(f"Win rate {'; '.join(said)}.", " ".join(filter(None, [caveat, _smallest_visible(figures), *doubts])))


def judge_of(facts: Facts, stage: str) -> str:
    """Kind of the judge of a `compare` stage, with its model where it has one; how many people where it waited for them."""
    found = stage_named(facts, stage)
    judge = found.parameters.get("judge") if found is not None else None
    if not isinstance(judge, dict):
        people = sum(".verdicts." in label for label in found.raw) if found is not None else 0
        return people_in_words(people) if people else "an unnamed judge"
    kind, model = str(judge.get("kind", "")), judge.get("model")
    return f"{kind} ({model})" if model else kind


def people_in_words(number: int) -> str:
    return f"1{SPACE}person" if number == 1 else f"{number}{SPACE}people"


def _agreement(found: AgreementFacts) -> Finding:
    """How far people and judges agree, and only what the intervals tell of a judge."""
    said = [f"{row.who} {figure_text(row.accuracy)}" for row in found.groups if row.accuracy is not None]
    text = (
        f"Tie-discounted accuracy of {listed(said)}; LIMA (§4.1) has {LIMAS[PEOPLE]} among people and {LIMAS[MIXED]} with GPT-4."
    )
    rest = f"{counted(found.shared, 'pair')} of answers that two or more judged; opposite on {found.opposite}."
    return Finding(text, " ".join([*map(standing, found.leads), rest]))


def _against_half(figure: Measurement) -> str:
    one, _, other = figure.subject.partition(" against ")
    if figure.low is None or figure.high is None:
        return "without an interval, so nothing follows from it"
    if figure.low > 0.5:
        return f"so {one} is preferred: the interval lies above 50{SPACE}%"
    if figure.high < 0.5:
        return f"so {other} is preferred: the interval lies below 50{SPACE}%"
    return f"which cannot be told from 50{SPACE}%"


def _smallest_visible(figures: Sequence[Measurement]) -> str:
    """How far from 50 % a win rate has to be for its interval to leave it: about the half of the widest interval."""
    count = min(figure.count for figure in figures)
    reach = max(
        (abs(edge - figure.value) for figure in figures for edge in (figure.low, figure.high) if edge is not None), default=0
    )
    if count < 2 or reach == 0:
        return "" if count >= 2 else "One prompt tells nothing."
    beyond = f"{percent(max(0, 0.5 - reach))} and {percent(min(1, 0.5 + reach))}"
    return f"With {counted(count, 'prompt')}, what lies between about {beyond} cannot be told from 50{SPACE}%."


def _safety(facts: Facts) -> list[Finding]:
    rates = [item.figure for item in facts.figures("safe_preferred")]
    if not rates:
        return []
    said = [f"{figure.subject} {figure_text(figure)}" for figure in rates]
    caveats = [f"{counted(min(figure.count for figure in rates), 'pair')} held out."]
    changes = [item.figure for item in facts.figures("safe_preferred_change")]
    caveats += [_change(figure) for figure in changes] or [_overlap(rates[0], rates[-1])] * (len(rates) > 1)
    return [Finding(f"The safe answer is the likelier of two for {listed(said)}.", " ".join(caveats))]


def _change(figure: Measurement) -> str:
    """A change on the same pairs, which can be seen even where two intervals overlap."""
    shows = figure.low is not None and figure.high is not None and not figure.low <= 0 <= figure.high
    verdict = "a change" if shows else "which cannot be told from no change"
    return f"{figure.subject}: {figure_text(figure)} on the same pairs, {verdict}."


def _overlap(first: Measurement, last: Measurement) -> str:
    if first.high is None or first.low is None or last.high is None or last.low is None:
        return "Without intervals the two cannot be compared."
    if last.low > first.high:
        return f"{last.subject} is safer than {first.subject}: their intervals lie apart."
    if first.low > last.high:
        return f"{last.subject} is less safe than {first.subject}: their intervals lie apart."
    return f"The intervals of {first.subject} and {last.subject} overlap, so they alone do not show a change."


def _rewards(facts: Facts) -> list[Finding]:
    rates = facts.figures("reward_accuracy")
    said = [f"{figure_text(item.figure)} of the {_words(item.figure.subject)} pairs" for item in rates]
    if not rates:
        return []
    held_out = [item.figure for item in rates if item.figure.subject.endswith("held_out")]
    caveat = ""
    if held_out and held_out[0].low is not None and held_out[0].low <= 0.5:
        caveat = f"On held-out pairs this cannot be told from guessing, 50{SPACE}%."
    elif not held_out:
        caveat = "Measured on the pairs it learned from: it says nothing about others."
    return [Finding(f"After DPO the chosen answer has the higher reward in {listed(said)}.", caveat)]


def _words(subject: str) -> str:
    return subject.rpartition("/")[2].replace("_", "-")


def _perplexity(facts: Facts) -> list[Finding]:
    rows = [item.figure for item in facts.figures("perplexity")]
    if len(rows) < 2:
        return [Finding(f"Perplexity of {row.subject} on held-out text: {figure_text(row)}.") for row in rows]
    best = min(rows, key=lambda row: row.value)
    text = (
        f"Perplexity on held-out text: {plain(rows[0].value)} at {rows[0].subject}, "
        f"lowest {plain(best.value)} at {best.subject}, "
        f"{plain(rows[-1].value)} at {rows[-1].subject}."
    )
    return [
        Finding(
            text,
            "LIMA (appendix B) found that quality can go on rising after perplexity does: a checkpoint is chosen by its answers.",
        )
    ]


def stage_named(facts: Facts, name: str) -> StageFacts | None:
    """The facts of one stage; None where there is none."""
    return next((stage for stage in facts.stages if stage.name == name), None)


def summary_line(stages: Sequence[StageFacts]) -> str:
    """`27 stages: 6 ingest, 1 filter, ...`: what kind of run it was."""
    kinds: dict[str, int] = {}
    for stage in stages:
        kinds[stage.kind] = kinds.get(stage.kind, 0) + 1
    return f"{counted(len(stages), 'stage')}: " + ", ".join(f"{count}{SPACE}{kind}" for kind, count in kinds.items())
