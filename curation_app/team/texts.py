"""Texts of records on a page: as they are written, never as HTML, Markdown or formulas."""

import re
from collections.abc import Sequence
from html import escape

import streamlit as st

from align.curation.review.difference import difference
from align.records import Turn

STYLE = """<style>
.record{white-space:pre-wrap;unicode-bidi:plaintext;text-align:start;overflow-wrap:anywhere;line-height:1.5;font-size:.92rem;
border-inline-start:2px solid color-mix(in srgb,currentColor 18%,transparent);padding:.1rem .7rem;margin:.1rem 0 .8rem}
.record ins{background:color-mix(in srgb,#2a9d4a 24%,transparent);text-decoration:none;border-radius:3px}
.record del{background:color-mix(in srgb,#d1443c 22%,transparent);border-radius:3px}
.speaker{font-size:.75rem;letter-spacing:.04em;text-transform:uppercase;opacity:.8}
</style>"""
SPEAKERS = {"user": "Prompt", "assistant": "Response", "system": "System", "document": "Document"}
_TAGS = {"same": "span", "gone": "del", "new": "ins"}


def show_turns(turns: Sequence[Turn], before: Sequence[Turn] = ()) -> None:
    """The turns as plain text; with `before`, what was changed in each is marked."""
    parts = [STYLE]
    for number, turn in enumerate(turns):
        old = before[number].text if number < len(before) else turn.text
        parts.append(f'<div class="speaker">{SPEAKERS[turn.role]}</div><div class="record">{marked(old, turn.text)}</div>')
    st.html("".join(parts))


def marked(before: str, after: str) -> str:
    """HTML in which every sign of the texts is escaped; the only tags are ours."""
    if before == after:
        return escape(after)
    return "".join(f"<{_TAGS[piece.change]}>{escape(piece.text)}</{_TAGS[piece.change]}>" for piece in difference(before, after))


JOINER = "\u2060"
"""Has no width and breaks no line. Within an address it keeps Streamlit from making it a link, which no backslash does."""
_ADDRESS = re.compile(r"https?:(?=//)|www(?=\.)", re.IGNORECASE)


def plain(text: str) -> str:
    """A text for a label or a caption, where Streamlit reads Markdown; no address in it can be clicked."""
    said = _ADDRESS.sub(lambda found: found[0] + JOINER, " ".join(text.split()))
    return "".join(f"\\{sign}" if sign in "\\`*_{}[]()#+-.!$:~|<>&" else sign for sign in said)
