"""What a message of the browser asks for, as decisions that the store takes; and a decision in words."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from align.curation.state.events import Ask, Event
from align.errors import InputError
from align.records import Example, Turn, content_of


def asks_of(
    message: Mapping[str, Any], example: Example, turns: tuple[Turn, ...], curator: str, served: str, is_blind: bool
) -> list[Ask]:
    """One decision, or an edit and the rejection of what it made: what was typed is kept. `turns`: as edited, else empty."""
    request, action = str(message["request"]), message["action"]
    if turns and action == "accept":
        action = "edit"
    empty = next((turn.role for turn in turns if not turn.text.strip()), None)
    if empty is not None and action in ("edit", "reject"):
        raise InputError(f"{example.id}: the {empty}'s text is empty; write something, or undo the change")
    ask = Ask(
        request=request, example_id=example.id, content=str(message["content"]), version=int(message["version"]),
        action=action, curator=curator, turns=turns if action == "edit" else (), reason=str(message.get("reason", "")),
        note=str(message.get("note", "")), seconds=float(message.get("seconds", 0)), served=served, blind=is_blind,
    )  # fmt: skip
    if ask.content != content_of(example.turns):
        raise InputError(f"{example.id}: its text has changed since the page was drawn; nothing was saved, look at it again")
    if not turns or action != "reject":
        return [ask]
    edit = replace(ask, request=f"{request}/edit", action="edit", turns=turns, reason="", seconds=0.0, batch=request)
    return [edit, replace(ask, content=content_of(turns), version=ask.version + 1, batch=request)]


def edited_turns(example: Example, texts: Any) -> tuple[Turn, ...]:
    """The dialogue with these texts; empty where they are what it says already."""
    if texts is None:
        return ()
    if len(texts) != len(example.turns):
        raise InputError(f"{example.id}: the page sent {len(texts)} texts for {len(example.turns)} turns; reload it")
    turns = tuple(Turn(turn.role, str(text)) for turn, text in zip(example.turns, texts, strict=True))
    return () if turns == example.turns else turns


def event_words(event: Event) -> str:
    """`reject (unsafe) of cooking/12`: what a person did, for people."""
    reason = f" ({event.reason})" if event.reason else ""
    return f"{event.action}{reason} of {event.example_id.partition('/')[2] or event.example_id}"
