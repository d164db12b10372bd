"""Pushshift's rows: submissions and comments of Reddit, one JSON object a line, and what of them may become an example."""

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from align.errors import InputError
from align.raw_lines import CutOff, Line, read_lines
from align.rows import parse_json

BROKEN = "broken row"
ELSEWHERE = "other subreddit"
CUT = "cut off"
GONE = {"[deleted]", "[removed]", "[ Removed by Reddit ]", "[deleted by user]"}


@dataclass(frozen=True, slots=True)
class Post:
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


def read_posts(path: Path, subreddit: str, comments: bool, accept_truncated: bool) -> Iterator[Post | str]:
    """The posts of one subreddit, and for every other line why it is none.

    A file that breaks off raises after its last whole line; with `accept_truncated` that is one more line, `cut off`.
    """
    name = subreddit.lower().encode()
    try:
        for line in read_lines(path):
            yield _post(line, name, comments, path)
    except CutOff as error:
        if not accept_truncated:
            raise InputError(f"{error} Or set accept_truncated: true to take the rows before that.") from error
        yield CUT


def _post(line: Line, subreddit: bytes, comments: bool, path: Path) -> Post | str:
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
    post = _common(row, "title")
    if isinstance(post, str):
        return post
    link = row.get("permalink")
    address = link if isinstance(link, str) and link.startswith("/r/") else f"/r/{row['subreddit']}/comments/{post['id']}/"
    body = row.get("selftext")
    removed = row.get("removed_by_category") is not None or body in GONE
    return Post(
        **post,
        body=clean(body) if isinstance(body, str) else "",
        link=address,
        is_top=True,
        is_removed=removed or post["text"] in GONE,
        is_over_18=row.get("over_18") is True,
        comments=_whole(row.get("num_comments")) or 0,
    )


def _comment(row: dict[str, Any]) -> Post | str:
    post = _common(row, "body")
    link, parent = row.get("link_id"), row.get("parent_id")
    if isinstance(post, str) or not isinstance(link, str) or not link.startswith("t3_"):
        return BROKEN
    removed = post["text"] in GONE
    return Post(**post, body="", link=link[3:], is_top=parent == link, is_removed=removed, is_over_18=False, comments=0)


def _common(row: dict[str, Any], text: str) -> dict[str, Any] | str:
    """The fields that both kinds of rows have."""
    score, created = _whole(row.get("score")), _date(row.get("created_utc"))
    author, said = row.get("author"), row.get(text)
    if score is None or not created or not isinstance(row.get("id"), str) or not isinstance(said, str) or not row["id"]:
        return BROKEN
    return {
        "id": row["id"],
        "text": clean(said),
        "author": author if isinstance(author, str) else "[deleted]",
        "score": score,
        "created": created,
        "retrieved": _date(row.get("retrieved_on") or row.get("retrieved_utc")),
        "is_stickied": row.get("stickied") is True,
    }


def clean(text: str) -> str:
    """Text without Reddit's escapes (`&gt;`, and once more what its Markdown would show), links' targets and invisible signs."""
    text = html.unescape(html.unescape(text)) if "&" in text else text
    text = _LINK.sub(r"\1", text) if "](" in text else text
    return text.translate(_INVISIBLE).replace("\r\n", "\n").strip()


_LINK = re.compile(r"!?\[([^\[\]\n]{0,1000})\]\((?:https?://|/|#)[^\s()]{0,2000}(?: \"[^\"\n]{0,300}\")?\)")
_INVISIBLE = {0x200B: None, 0x200C: None, 0xFEFF: None, 0x2060: None, 0xA0: " ", 0x00: None}


def _whole(value: Any) -> int | None:
    """A whole number below 2**53, written as a number or as text."""
    if isinstance(value, bool):
        return None
    try:
        number = int(float(value)) if isinstance(value, (int, float, str)) else None
    except (ValueError, OverflowError):
        return None
    return number if number is not None and abs(number) < 1 << 53 else None


def _date(value: Any) -> str:
    """Seconds since 1970, as a number or as text (the older dumps), in ISO 8601; empty where it is no date of Reddit's."""
    seconds = _whole(value)
    is_date = seconds is not None and 1_100_000_000 <= seconds < 1 << 33  # Reddit opened in 2005
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if seconds is not None and is_date else ""
