"""What other tools hold of a decision, and how it becomes ours: an example, its dialogue, and answers to questions by name."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from align.curation.decisions import Action, moment_of
from align.errors import InputError
from align.records import Decision, Example, Turn, content_of

DECISION, REASON, NOTE, EDITED_PROMPT, EDITED_RESPONSE = "decision", "reason", "note", "edited_prompt", "edited_response"
QUESTIONS = (DECISION, REASON, NOTE, EDITED_PROMPT, EDITED_RESPONSE)
"""What align asks where another tool asks for it; `reason` and what follows may stay empty."""
ACTIONS: tuple[Action, ...] = ("accept", "reject", "edit", "flag", "skip")

Find = Callable[[str], Example | None]
"""The example of an id, as it is in the pool now."""


@dataclass(frozen=True, slots=True)
class Answers:
    """What one person said of one example in another tool."""

    place: str
    """Where it stands, for errors: `FILE: record 3`."""
    example_id: str
    shown: tuple[Turn, ...] | None
    """The dialogue as the tool showed it; None where the file does not hold it."""
    curator: str
    at: str
    given: Mapping[str, str] = field(default_factory=dict)
    """Answer by question; empty answers are left out."""


@dataclass(frozen=True, slots=True)
class Unread:
    """An answer that became no decision, and why."""

    place: str
    example_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class Imported:
    """What a file holds: the decisions, and what became none."""

    decisions: tuple[Decision, ...]
    unread: tuple[Unread, ...]


def answers_of(decision: Decision) -> dict[str, str]:
    """The answers that say what `decision` says; an edit's turns between first and last are not among them."""
    edited = {EDITED_PROMPT: _first(decision.turns, "user"), EDITED_RESPONSE: _last(decision.turns)}
    said = {DECISION: decision.action, REASON: decision.reason, NOTE: decision.note, **edited}
    return {question: answer for question, answer in said.items() if answer}


def is_told_in_full(decision: Decision, example: Example) -> bool:
    """Whether `answers_of` loses nothing: an edit that changes more than a dialogue's first prompt and last response does."""
    edited = _edited(example.turns, answers_of(decision))
    return decision.action != "edit" or edited == decision.turns


def import_answers(rows: Iterator[Answers], find: Find, meanings: Mapping[str, Action]) -> Imported:
    """Turn answers into decisions. `meanings` says what the tool's own words mean: {good: accept, bad: reject}."""
    decisions: list[Decision] = []
    unread: list[Unread] = []
    for row in rows:
        made = _decision(row, find, meanings)
        if isinstance(made, Decision):
            decisions.append(made)
        else:
            unread.append(Unread(row.place, row.example_id, made))
    return Imported(tuple(last_words(decisions)), tuple(unread))


def last_words(decisions: Iterable[Decision]) -> Iterator[Decision]:
    """One decision of a curator about an example. A tool shows the text as it came, so an edit and what was said of the edited
    text are two answers about one text: the later one counts, and of an edit that was accepted then, the edit.
    """
    of_one: dict[tuple[str, str], list[Decision]] = {}
    for decision in decisions:
        of_one.setdefault((decision.example_id, decision.curator), []).append(decision)
    for said in of_one.values():
        said.sort(key=lambda decision: (moment_of(decision.at), decision.action != "edit"))
        edits = [decision for decision in said if decision.action == "edit"]
        yield edits[-1] if edits and said[-1].action == "accept" else said[-1]


def _decision(row: Answers, find: Find, meanings: Mapping[str, Action]) -> Decision | str:
    """The decision, or why there is none."""
    word = row.given.get(DECISION, "")
    if not word:
        return "no answer"
    action = meanings.get(word) or next((known for known in ACTIONS if known == word.strip().casefold()), None)
    if action is None:
        return f"{word!r} stands for none of {', '.join(ACTIONS)}"
    example = find(row.example_id)
    shown = row.shown or (example.turns if example is not None else None)
    if shown is None:
        return "not in the pool, and the file does not hold its text"
    turns = _edited(shown, row.given)
    if action in ("accept", "edit"):
        action = "edit" if turns != shown else "accept"
    kept = turns if action == "edit" else ()
    given = row.given
    return Decision(
        row.example_id, content_of(shown), action, row.curator, row.at, kept, given.get(REASON, ""), given.get(NOTE, "")
    )


def _edited(shown: tuple[Turn, ...], given: Mapping[str, str]) -> tuple[Turn, ...]:
    """The dialogue with its first prompt and its last response as edited, where they were."""
    turns = list(shown)
    first = next((number for number, turn in enumerate(turns) if turn.role == "user"), None)
    if first is not None and given.get(EDITED_PROMPT):
        turns[first] = Turn("user", given[EDITED_PROMPT])
    if turns and turns[-1].role == "assistant" and given.get(EDITED_RESPONSE):
        turns[-1] = Turn("assistant", given[EDITED_RESPONSE])
    return tuple(turns)


def _first(turns: tuple[Turn, ...], role: str) -> str:
    return next((turn.text for turn in turns if turn.role == role), "")


def _last(turns: tuple[Turn, ...]) -> str:
    return turns[-1].text if turns and turns[-1].role == "assistant" else ""


def dialogue_of(turns: Any, place: str, role_key: str, text_key: str) -> tuple[Turn, ...] | None:
    """A list of {role, text} objects as turns; None where it is absent."""
    if turns is None:
        return None
    try:
        found = tuple(Turn(turn[role_key], turn[text_key]) for turn in turns)
    except (TypeError, KeyError) as error:
        raise InputError(
            f"{place}: a dialogue is a list of objects with {role_key} and {text_key} (got {turns!r:.80})"
        ) from error
    if not all(turn.role in ("system", "user", "assistant") and isinstance(turn.text, str) for turn in found):
        raise InputError(f"{place}: the {role_key} of an utterance is system, user or assistant (got {turns!r:.80})")
    return found


def read_list(path: Path, what: str) -> list[dict[str, Any]]:
    """The objects of a file that holds one JSON list."""
    try:
        data = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from error
    except ValueError as error:
        raise InputError(f"{path}: not JSON ({error}); wanted is {what}.") from error
    if not isinstance(data, list) or not all(isinstance(item, dict) for item in data):
        raise InputError(f"{path}: not a list of objects; wanted is {what}.")
    return data


def time_of(text: Any, otherwise: str) -> str:
    """A time as the tool wrote it, else when the file was read."""
    try:
        moment: datetime = moment_of(str(text))
    except ValueError:
        return otherwise
    return moment.isoformat(timespec="microseconds")
