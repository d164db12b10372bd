"""Decisions of people: read, folded to the one that stands, matched with the text they were made on."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, NamedTuple

from pydantic import ValidationError

from align.errors import InputError, RecipeError
from align.records import Decision, Example, Turn, adapter, content_of

Action = Literal["accept", "reject", "edit", "flag", "skip"]

SHOWN = 10


class Verdict(NamedTuple):
    """What people said of one example as it is now."""

    applied: list[Decision]
    """The decisions that hold, in their order: an edit, then perhaps one about the edited text. The last one counts."""
    stale: list[Decision]
    """Those made on another text."""

    @property
    def action(self) -> Action | None:
        """What the last word is; None where nobody spoke."""
        return self.applied[-1].action if self.applied else None

    def turns(self, example: Example) -> tuple[Turn, ...]:
        """The dialogue as people left it."""
        return next((decision.turns for decision in reversed(self.applied) if decision.turns), example.turns)


def decision_for(
    example: Example,
    action: Action,
    curator: str,
    *,
    turns: tuple[Turn, ...] = (),
    reason: str = "",
    note: str = "",
    at: str = "",
) -> Decision:
    """A decision about `example` as it is now; `at` is ISO 8601 and by default this moment, `turns` the edited dialogue."""
    if (action == "edit") != bool(turns):
        raise RecipeError(
            f"decision about {example.id}: an edit brings the edited turns, and nothing else does (action {action!r})"
        )
    when = at or datetime.now(UTC).isoformat(timespec="microseconds")
    return Decision(example.id, content_of(example.turns), action, curator, when, turns, reason, note)


def read_decisions(path: Path) -> Iterator[Decision]:
    """The decisions of a JSONL file, in its order; every line that is none is told with its number."""
    problems: list[str] = []
    read = adapter(Decision)
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            try:
                decision = read.validate_json(line)
                moment_of(decision.at)
            except ValidationError as error:
                said = "; ".join(f"{'.'.join(map(str, item['loc'])) or 'line'}: {item['msg']}" for item in error.errors())
                problems.append(f"{path}:{number}: {said}")
                continue
            except ValueError:
                problems.append(f"{path}:{number}: at: not an ISO 8601 time (got {decision.at!r})")
                continue
            if (decision.action == "edit") != bool(decision.turns):
                problems.append(
                    f"{path}:{number}: turns: an edit brings the edited turns, and nothing else does ({decision.action})"
                )
                continue
            yield decision
    if problems:
        shown = problems[:SHOWN] + [f"... and {len(problems) - SHOWN:,} more"] * (len(problems) > SHOWN)
        wanted = "a JSON object with example_id, example_content, action, curator and at"
        raise InputError("\n".join([f"{path}: {len(problems):,} lines are no decisions; each line is {wanted}", *shown]))


def fold(decisions: Iterable[Decision]) -> list[Decision]:
    """The decision that stands for each example and content: the last one by `at`, then by file order; sorted by id.

    A skip says nothing about the example, so it stands only where there is nothing else.
    """
    standing: dict[tuple[str, str], tuple[tuple[bool, datetime, int], Decision]] = {}
    for number, decision in enumerate(decisions):
        about = (decision.example_id, decision.example_content)
        order = (decision.action != "skip", moment_of(decision.at), number)
        if about not in standing or standing[about][0] < order:
            standing[about] = (order, decision)
    return [standing[about][1] for about in sorted(standing)]


def verdict_on(example: Example, decisions: Iterable[Decision]) -> Verdict:
    """Match the folded decisions about one example with its text."""
    about = {decision.example_content: decision for decision in decisions}
    applied: list[Decision] = []
    content = content_of(example.turns)
    while content in about and not (applied and _says_nothing_after(about[content], applied[-1])):
        decision = about.pop(content)
        applied.append(decision)
        if decision.action != "edit":
            break
        content = content_of(decision.turns)  # people who open an edited example decide about the edited text
    return Verdict(applied, list(about.values()))


def _says_nothing_after(decision: Decision, edit: Decision) -> bool:
    return decision.action == "skip" or moment_of(decision.at) < moment_of(edit.at)


def moment_of(at: str) -> datetime:
    """A time as written; without an offset it is UTC."""
    moment = datetime.fromisoformat(at)
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
