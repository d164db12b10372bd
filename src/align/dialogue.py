"""Dialogues as data sets write them: flat transcripts, or lists of messages."""

import re
from typing import Any

from align.errors import InputError
from align.records import Role, Turn
from align.rows import Row

_SPEAKER = re.compile(r"(?:\n\n|\A)(Human|Assistant):")
_TRANSCRIPT_ROLES: dict[str, Role] = {"Human": "user", "Assistant": "assistant"}
_MESSAGE_ROLES: dict[str, Role] = {
    "user": "user",
    "human": "user",
    "assistant": "assistant",
    "gpt": "assistant",
    "system": "system",
}


def turns_of(row: Row, name: str) -> tuple[Turn, ...]:
    """The turns that a column holds: a transcript, or messages `{role, content}` or `{from, value}`."""
    value = row.data[name]
    if isinstance(value, str):
        return _from_transcript(value)
    if isinstance(value, list) and value:
        return tuple(_from_message(row, name, message) for message in value)
    raise InputError(f"{row.place}: {name} must be text or a list of messages (got {value!r:.80})")


def alternate(turns: tuple[Turn, ...]) -> bool:
    """Whether user and assistant take turns, the user first, after at most one system turn."""
    roles = [turn.role for turn in turns]
    spoken = roles[1:] if roles[:1] == ["system"] else roles
    return all(role == ("user", "assistant")[number % 2] for number, role in enumerate(spoken))


def _from_transcript(text: str) -> tuple[Turn, ...]:
    before, *parts = _SPEAKER.split(text)
    opening = [Turn("user", before.strip())] if before.strip() else []
    spoken = zip(parts[::2], parts[1::2], strict=True)
    return (*opening, *(Turn(_TRANSCRIPT_ROLES[speaker], said.strip()) for speaker, said in spoken))


def _from_message(row: Row, name: str, message: Any) -> Turn:
    if isinstance(message, dict):
        role = _MESSAGE_ROLES.get(str(message.get("role", message.get("from"))))
        text = message.get("content", message.get("value"))
        if role is not None and isinstance(text, str):
            return Turn(role, text.strip())
    raise InputError(
        f"{row.place}: {name}: wanted {{role, content}} or {{from, value}} of user, assistant or system (got {message!r:.80})"
    )
