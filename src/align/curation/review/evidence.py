"""Why an example is here: what each rule of the recipe says of its text as it stands now, and what is unusual in its style."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from align.errors import AlignError
from align.filters.filter import Filter
from align.records import Example
from align.style.reference import StyleReference

Status = Literal["passed", "failed", "not judged"]


@dataclass(frozen=True, slots=True)
class Seen:
    """What one rule says of one example."""

    rule: str
    asked: str
    """Its parameters, where they are not the usual ones: `min_chars 400, max_chars 1,200`."""
    status: Status
    said: str
    """What it measured, or why it objects or does not judge."""
    detail: str = ""
    turn: int | None = None
    """Where it found something: the turn, and from where to where in its text."""
    start: int = 0
    end: int = 0


def seen_by(rules: Sequence[Filter], example: Example) -> list[Seen]:
    """Ask every rule, also after one has objected: a person wants to know all that is to be mended."""
    return [_seen(rule, example) for rule in rules]


def style_reasons(usual: StyleReference | None, example: Example) -> list[str]:
    """What is unusual about the response, in words; nothing without a reference or without a response."""
    if usual is None or not example.response:
        return []
    return usual.reasons(example.response, kind=example.origin.source, prompt=example.prompt)


def _seen(rule: Filter, example: Example) -> Seen:
    kind = str(rule.kind)
    asked = _asked(rule)
    try:
        outcome = rule.apply(example)
        measured = rule.measured(example)
    except AlignError as error:  # it lacks what the rule needs, e.g. an authored example has no votes
        told = str(error).removeprefix(f"example {example.id}: {kind}: ")
        return Seen(kind, asked, "not judged", told)
    if outcome.drop is None:
        return Seen(kind, asked, "not judged" if outcome.notes else "passed", "; ".join(outcome.notes) or measured)
    reason, detail, span = outcome.drop
    place = () if span is None else (span.turn, span.start, span.end)
    return Seen(kind, asked, "failed", reason, detail, *place)


def _asked(rule: Filter) -> str:
    written = rule.model_dump(exclude={"kind"}, exclude_defaults=True, mode="json")
    return ", ".join(f"{name} {_told(value)}" for name, value in written.items())


def _told(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value))
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return f"{value:,g}" if value < 1e6 else f"{value:,.0f}"
    return str(value)
