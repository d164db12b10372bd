"""The page: facts and charts in one HTML file that loads nothing and runs nothing."""

import json
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from align.report import figures, wording
from align.report.agreements import standing
from align.report.benchmarks import benchmark_rows, subject_figures
from align.report.bias import FIGURES, bias_rows, judge_checks
from align.report.exported import Speeds, exported_rows
from align.report.facts import Curve, Facts, Measured, StageFacts
from align.report.headline import BASELINE_JUDGES, judge_of, summary_line
from align.report.lima import TABLE_1

ROLES = {
    "training": "Examples to fine-tune on",
    "preferences": "Preference pairs",
    "evaluation": "Prompts and held-out sets",
    "pretraining": "Text to pretrain on",
    "models": "Models",
    "judging": "Judging",
    "other": "Other stages",
}
CURVES = {"loss": 0, "learning_rate": 1, "rewards/margins": 2, "rewards/accuracies": 3}
"""Logged figures that are drawn, in this order; the others stand in report.json."""
TOLD = {
    *FIGURES, "canaries_right",
    "win_rate", "wins", "ties", "losses", "unparsed", "flip_rate", "at_least_as_good", "eot_rate", "mean_response_tokens",
    "repetition", "safe_preferred", "reward_accuracy", "perplexity", "evaluation_items_found", "vendi", "vendi_random",
    "coverage", "coverage_random",
}  # fmt: skip
"""Metrics that have their own place on the page; all others stand in the last table."""

OWN_PLACE = {"academic", "agreement", "quota", "pick_checkpoint", "export", "style", "lima_table"}
"""Kinds of stages whose measurements all have one."""


def render_page(facts: Facts, raw_names: dict[str, dict[str, str]], seconds: dict[str, float], speeds: Speeds) -> str:
    """The whole page. `raw_names` (file names by stage and label), `seconds` and `speeds` stand on it, but not in the facts."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("align.report", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "whole": wording.whole, "plain": wording.plain, "figure": wording.figure_text, "value": wording.value_text,
        "interval": wording.interval_text, "metric": wording.name_of, "percent": wording.percent, "web": web_address,
        "yaml": parameter_text, "unbroken": unbroken, "named": named_stages, "standing": standing,
    }  # fmt: skip
    return environment.get_template("report.html.jinja").render(
        facts=facts, charts=charts(facts), groups=by_role(facts.stages), colours=figures.colours(facts.models),
        table_1=TABLE_1, comparisons=comparisons(facts), answers=answer_rows(facts), other=other_figures(facts),
        safety=facts.figures("safe_preferred"), rewards=facts.figures("reward_accuracy"), perplexity=facts.figures("perplexity"),
        paired=paired_figures(facts), summary=summary_line(facts.stages), raw_names=raw_names, seconds=seconds,
        baselines=baseline_judges(facts), found_items=facts.figures("evaluation_items_found"),
        exported=exported_rows(facts, speeds), benchmarks=benchmark_rows(facts), subjects=subject_figures(facts),
        biases=bias_rows(facts),
        checks=judge_checks(facts, {stage.name for stage in facts.stages}),
    )  # fmt: skip


def by_role(stages: Sequence[StageFacts]) -> dict[str, list[StageFacts]]:
    """Stages that counted something, under the heading of their use."""
    groups = {title: [stage for stage in stages if stage.role == role] for role, title in ROLES.items()}
    return {title: found for title, found in groups.items() if found}


def charts(facts: Facts) -> dict[str, Any]:
    """Every chart as SVG; an empty string where there is nothing to draw."""
    from markupsafe import Markup

    shades = figures.colours(facts.models)
    names = [stage.name for stage in facts.stages]
    training = [stage for stage in facts.stages if stage.role == "training"] or [
        stage for stage in facts.stages if stage.role == "other" and stage.kept
    ]
    drawn = [
        (curve, Markup(figures.curve_chart(curve, shades.get(curve.stage, figures.PALETTE[1]))))
        for curve in sorted(facts.curves, key=lambda curve: (names.index(curve.stage), CURVES.get(curve.name, 9)))
        if curve.name in CURVES and not is_constant(curve)
    ]
    verdicts = [(row["subject"], row["wins"], row["ties"], row["losses"]) for row in comparisons(facts)]
    return {
        "funnel": Markup(figures.funnel_chart(training)),
        "curves": drawn,
        "perplexity": Markup(figures.perplexity_chart(facts.figures("perplexity"), shades)),
        "verdicts": Markup(figures.verdict_chart(verdicts, shades)),
        "picks": {
            pick.stage: Markup(figures.pick_chart(pick, shades.get(pick.model, figures.PALETTE[1]))) for pick in facts.picks
        },
        "endings": Markup(figures.interval_chart(facts.figures("eot_rate"), shades)),
        "safety": Markup(figures.interval_chart(facts.figures("safe_preferred"), shades, middle=0.5)),
    }


def is_constant(curve: Curve) -> bool:
    """A learning rate that never changes is a parameter, and no curve."""
    return curve.name == "learning_rate" and len({value for _, value in curve.points}) == 1


def comparisons(facts: Facts) -> list[dict[str, Any]]:
    """One row a comparison: counts, rates and the judge."""
    rows: dict[tuple[str, str], dict[str, Any]] = {}
    for item in facts.figures("wins", "ties", "losses", "unparsed", "win_rate", "flip_rate", "at_least_as_good"):
        empty = {"wins": 0, "ties": 0, "losses": 0, "unparsed": 0, "win_rate": None, "flip_rate": None, "at_least_as_good": None}
        row = rows.setdefault((item.stage, item.figure.subject), {"stage": item.stage, "subject": item.figure.subject, **empty})
        is_count = item.figure.metric in ("wins", "ties", "losses", "unparsed")
        row[item.figure.metric] = int(item.figure.value) if is_count else item.figure
    for row in rows.values():
        row["judge"] = judge_of(facts, row["stage"])
        row["is_baseline"] = row["judge"] in BASELINE_JUDGES
    return list(rows.values())


def baseline_judges(facts: Facts) -> str:
    """`a and b are judged by word_overlap, which`: the comparisons whose judge measures no quality."""
    judged: dict[str, list[str]] = {}
    for row in comparisons(facts):
        if row["is_baseline"]:
            judged.setdefault(row["judge"], []).append(row["stage"])
    said = [
        f"{wording.listed(stages)} {'are' if len(stages) > 1 else 'is'} judged by {judge}" for judge, stages in judged.items()
    ]
    return f"{wording.listed(said)}, which" if said else ""


def answer_rows(facts: Facts) -> list[tuple[str, str, dict[str, Any]]]:
    """Stage, model and figures of each `generate` stage."""
    rows: dict[tuple[str, str], dict[str, Any]] = {}
    for item in facts.figures("eot_rate", "mean_response_tokens", "repetition"):
        empty = {"eot_rate": None, "mean_response_tokens": None, "repetition": None}
        rows.setdefault((item.stage, item.figure.subject), dict(empty))[item.figure.metric] = item.figure
    return [(stage, model, found) for (stage, model), found in rows.items()]


def paired_figures(facts: Facts) -> list[Measured]:
    """What safety stages measured beside the shares, McNemar's test for one."""
    stages = {item.stage for item in facts.figures("safe_preferred")}
    return [item for item in facts.measured if item.stage in stages and item.figure.metric != "safe_preferred"]


def other_figures(facts: Facts) -> list[Measured]:
    """Measurements that have no place of their own on the page."""
    told = {id(item) for item in paired_figures(facts)}
    return [
        item for item in facts.measured if item.figure.metric not in TOLD and item.kind not in OWN_PLACE and id(item) not in told
    ]


def named_stages(stage: StageFacts) -> list[tuple[str, list[str]]]:
    """The stages that fields name, those of `against.0` and `against.1` together."""
    found: dict[str, list[str]] = {}
    for field, name in stage.named.items():
        found.setdefault(field.partition(".")[0], []).append(name)
    return list(found.items())


def unbroken(text: str) -> str:
    """No line breaks inside an interval: word joiners around its dash."""
    return text.replace("–", "\u2060–\u2060")


def web_address(url: str) -> str:
    """The address if it is one of the web, else nothing: `javascript:` and its like never become a link."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    return url if parts.scheme in ("http", "https") and parts.netloc else ""


def parameter_text(value: object) -> str:
    """A parameter as it would stand in a recipe, on one line."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
