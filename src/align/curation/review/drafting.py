"""Whether a draft that a browser tab kept may still be saved: it may come minutes after it was typed."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from align.curation.database.engine import utc_text
from align.curation.state.drafts import Draft
from align.curation.state.standings import Stand
from align.records import Turn

SLACK = timedelta(seconds=10)
"""A tab's own drafts may be saved this much after they were typed, so that an earlier one seems to be the newer."""


def why_outdated(message: Mapping[str, Any], content: str, turns: tuple[Turn, ...], stand: Stand, saved: Draft | None) -> str:
    """Why this draft would undo something newer, or nothing; `content` is the example's text, `turns` what was typed."""
    if str(message.get("content", content)) != content:
        return "its text has changed since you typed; what you typed was not saved"
    if int(message.get("version", stand.version)) != stand.version:
        return "you decided about it after you typed; what you typed was not saved"
    if saved is None or (saved.content, saved.turns, saved.note) == (content, turns, str(message.get("note", ""))):
        return ""
    typed = datetime.now(UTC) - timedelta(seconds=float(message.get("age", 0)))
    if saved.content == content and saved.at > utc_text(typed + SLACK):
        return "a newer draft of yours is saved; the one that this tab had kept was not saved over it"
    return ""
