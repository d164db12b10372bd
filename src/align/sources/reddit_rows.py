"""Pushshift's rows: submissions and comments of Reddit, one JSON object a line, and what of them may become an example.

Each is read with care here; `reddit_blocks` reads many at once, and leaves what is unusual to this module.
"""

import html
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from align.errors import InputError
from align.raw_lines import Line
from align.rows import parse_json

BROKEN = "broken row"
ELSEWHERE = "other subreddit"
CUT = "cut off"
WHOLE_BELOW = 1 << 53
FIRST_SECOND, SECONDS_BELOW = 1_100_000_000, 1 << 33
"""Between these lies every date of Reddit's, which opened in 2005."""
GONE = {"[deleted]", "[removed]", "[ Removed by Reddit ]", "[deleted by user]"}


class Post(NamedTuple):
    """A submission or a comment, with what decides whether it is taken."""

    id: str
    text: str
    """Of a submission its title, of a comment its text; Reddit's own escapes undone."""
    body: str
    """What a submission says below its title."""
    author: str
    score: int
    created: str
    """ISO 8601."""
    retrieved: str
    """ISO 8601; empty where the row does not say it."""
    link: str
    """Of a comment the submission's id; of a submission the address below reddit.com."""
    is_top: bool
    """Whether a comment answers the submission itself."""
    is_removed: bool
    is_stickied: bool
    is_over_18: bool
    comments: int


def post_of_line(line: Line, subreddit: bytes, comments: bool, path: Path) -> Post | str:
    """The post of one subreddit that a line is, or why it is none; slow, and right whatever the line holds."""
    data = line.data.strip()
    if not (data.startswith(b"{") and data.endswith(b"}")):
        return BROKEN
    if subreddit not in data.lower():  # most rows of a monthly dump: not worth a parser
        return ELSEWHERE
    try:
        row = parse_json(data, f"{path}:{line.number}")
    except InputError:
        return BROKEN
    if str(row.get("subreddit")).lower().encode() != subreddit:
        return ELSEWHERE
    if ("body" in row) != comments and ("title" in row) == comments:
        held, wanted = ("submissions", "comments") if comments else ("comments", "submissions")
        raise InputError(
            f"{path}:{line.number}: holds {held}, but stands among the {wanted}. Name it under {held}: in the recipe."
        )
    return _comment(row) if comments else _submission(row)


def _submission(row: dict[str, Any]) -> Post | str:
    common = _common(row, "title")
    if common is None:
        return BROKEN
    name, text, author, score, created, retrieved = common
    link = row.get("permalink")
    address = link if isinstance(link, str) and link.startswith("/r/") else f"/r/{row['subreddit']}/comments/{name}/"
    below = row.get("selftext")
    body = below if isinstance(below, str) else ""
    return Post(
        name,
        text,
        clean(body),
        author,
        score,
        created,
        retrieved,
        address,
        is_top=True,
        is_removed=row.get("removed_by_category") is not None or body in GONE or text in GONE,
        is_stickied=row.get("stickied") is True,
        is_over_18=row.get("over_18") is True,
        comments=_whole(row.get("num_comments")) or 0,
    )


def _comment(row: dict[str, Any]) -> Post | str:
    common = _common(row, "body")
    link = row.get("link_id")
    if common is None or not isinstance(link, str) or not link.startswith("t3_"):
        return BROKEN
    name, text, author, score, created, retrieved = common
    return Post(
        name,
        text,
        "",
        author,
        score,
        created,
        retrieved,
        link[3:],
        is_top=row.get("parent_id") == link,
        is_removed=text in GONE,
        is_stickied=row.get("stickied") is True,
        is_over_18=False,
        comments=0,
    )


def _common(row: dict[str, Any], text: str) -> tuple[str, str, str, int, str, str] | None:
    """What both kinds of rows have: id, text, author, score, dates of creation and retrieval; None where it is broken."""
    score, created = _whole(row.get("score")), date_of(row.get("created_utc"))
    name, author, said = row.get("id"), row.get("author"), row.get(text)
    if score is None or not created or not isinstance(name, str) or not isinstance(said, str) or not name:
        return None
    retrieved = date_of(row.get("retrieved_on") or row.get("retrieved_utc"))
    return name, clean(said), author if isinstance(author, str) else "[deleted]", score, created, retrieved


def clean(text: str) -> str:
    """Text without Reddit's escapes (`&gt;`, and once more what its Markdown would show), links' targets and invisible signs."""
    text = html.unescape(html.unescape(text)) if "&" in text else text
    text = _LINK.sub(r"\1", text) if "]" in text and "](" in text else text
    if not text.isascii():
        text = text.translate(_INVISIBLE)
    elif "\0" in text:
        text = text.replace("\0", "")
    return (text.replace("\r\n", "\n") if "\r" in text else text).strip()


_LINK = re.compile(r"!?\[([^\[\]\n]{0,1000})\]\((?:https?://|/|#)[^\s()]{0,2000}(?: \"[^\"\n]{0,300}\")?\)")
_INVISIBLE = {0x200B: None, 0x200C: None, 0xFEFF: None, 0x2060: None, 0xA0: " ", 0x00: None}


def _whole(value: Any) -> int | None:
    """A whole number below 2**53, written as a number or as text."""
    if type(value) is int:
        return value if abs(value) < WHOLE_BELOW else None
    if isinstance(value, bool):
        return None
    try:
        number = int(float(value)) if isinstance(value, (int, float, str)) else None
    except (ValueError, OverflowError):
        return None
    return number if number is not None and abs(number) < WHOLE_BELOW else None


def seconds_of(value: Any) -> int:
    """Seconds since 1970, as a number or as text (the older dumps); 0 where it is no date of Reddit's."""
    seconds = _whole(value)
    return seconds if seconds is not None and FIRST_SECOND <= seconds < SECONDS_BELOW else 0


def date_of(value: Any) -> str:
    """The same in ISO 8601; empty where it is no date of Reddit's."""
    seconds = seconds_of(value)
    return f"{datetime.fromtimestamp(seconds, UTC).isoformat()[:19]}Z" if seconds else ""
