"""Write a site as a Stack Exchange data dump: one `<row ... />` a line, in a folder or in a 7z archive."""

from __future__ import annotations

import html
import os
import random
import tempfile
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any

from builder.markup import html_of
from builder.sources import COMMUNITY, Layout, Post, Site

Row = dict[str, str | int | None]

ARCHIVE_TIME = datetime(2022, 3, 7, 4, 30, tzinfo=UTC)
POST_TYPES = {"question": 1, "answer": 2, "tag_wiki_excerpt": 4, "tag_wiki": 5}
ID_OUTSIDE_THE_FILE = 9411
LICENSE = "CC BY-SA 4.0"


def write_site(site: Site, target: Path) -> None:
    """Write one site as a folder of XML files or as a 7z archive."""
    layout = site.layout
    files = {layout.posts: _xml_file("posts", _post_rows(site), layout)}
    if layout.users:
        files[layout.users] = _xml_file("users", _user_rows(site), layout)
    if layout.comments:
        files[layout.comments] = _xml_file("comments", _comment_rows(site), layout)
    host = f"{site.key}.stackexchange.com"
    if layout.archive:
        _write_archive(target / f"{host}.7z", files)
        return
    (target / host).mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (target / host / name).write_bytes(content)


def _write_archive(path: Path, files: dict[str, bytes]) -> None:
    """Write a solid 7z archive with the BZip2 method, as the dumps are served."""
    import py7zr

    path.parent.mkdir(parents=True, exist_ok=True)
    moment = ARCHIVE_TIME.timestamp()
    with (
        tempfile.TemporaryDirectory() as folder,
        py7zr.SevenZipFile(path, "w", filters=[{"id": py7zr.FILTER_BZIP2}]) as archive,
    ):
        for name in sorted(files):
            member = Path(folder) / name
            member.write_bytes(files[name])
            member.chmod(0o644)
            os.utime(member, (moment, moment))
            archive.write(member, name)


def _xml_file(root: str, rows: list[Row], layout: Layout) -> bytes:
    lines = ['<?xml version="1.0" encoding="utf-8"?>']
    if layout.doctype:
        lines.append(f"<!DOCTYPE {root} SYSTEM '{root}.dtd'>")
    lines += [f"<{root}>", *(f"  <row {_attributes(row)} />" for row in rows), f"</{root}>"]
    newline = "\r\n" if layout.crlf else "\n"
    text = newline.join(lines) + newline
    return text.encode("utf-8-sig" if layout.bom else "utf-8")


def _attributes(row: Row) -> str:
    """Return the row's attributes; those that are None are left out."""
    return " ".join(f'{key}="{_escape(str(value))}"' for key, value in row.items() if value is not None)


def _escape(value: str) -> str:
    """Escape an attribute value as the dumps do: newlines as references, apostrophes as they are."""
    for raw, reference in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ('"', "&quot;")):
        value = value.replace(raw, reference)
    return value.replace("\r", "&#xD;").replace("\n", "&#xA;")


def _post_rows(site: Site) -> list[Row]:
    posts = list(site.posts)
    if site.layout.shuffled:
        random.Random(site.key).shuffle(posts)
    return [_post_row(site, post) for post in posts]


def _post_row(site: Site, post: Post) -> Row:
    """Return the attributes of one post, in the order of the dumps."""
    layout = site.layout
    is_question = post.type == "question"
    answers = site.answers(post.id) if is_question else []
    comments = sum(comment["post"] == post.id for comment in site.comments)
    edited = _edit_time(site, post)
    closed = post.closed_after_days
    return {
        "Id": post.id,
        "PostTypeId": POST_TYPES[post.type],
        "ParentId": post.parent if post.type == "answer" else None,
        "AcceptedAnswerId": _accepted_answer_id(answers),
        "CreationDate": _stamp(site.times[post.id]),
        "Score": post.score,
        "ViewCount": _views(site, post) if is_question else None,
        "Body": html_of(post.body, layout.loose_html),
        "OwnerUserId": site.owner_id(post.by),
        "OwnerDisplayName": post.display_name,
        "LastEditorUserId": site.owner_id(post.edited_by) if post.edited_by else None,
        "LastEditDate": _stamp(edited) if edited else None,
        "LastActivityDate": _stamp(_last_activity(site, [post, *answers])),
        "Title": post.title,
        "Tags": _tag_list(post.tags, layout) if is_question else None,
        "AnswerCount": _counted(len(answers), layout) if is_question else None,
        "CommentCount": _counted(comments, layout),
        "FavoriteCount": post.score // 6 if is_question and layout.favorites else None,
        "ClosedDate": _stamp(site.times[post.id] + timedelta(days=closed)) if closed else None,
        "ContentLicense": LICENSE if layout.content_license else None,
    }


def _accepted_answer_id(answers: list[Post]) -> int | None:
    """Return the accepted answer's id; one trap accepts an answer that the file does not hold."""
    if any(answer.trap == "accepted_outside_file" for answer in answers):
        return ID_OUTSIDE_THE_FILE
    return next((answer.id for answer in answers if answer.accepted), None)


def _edit_time(site: Site, post: Post) -> datetime | None:
    """Return when the post was edited: a few days after it was written."""
    if not post.edited_by:
        return None
    days = random.Random(f"edit {site.key}/{post.id}").randrange(2, 40)
    return site.times[post.id] + timedelta(days=days, minutes=17)


def _last_activity(site: Site, posts: list[Post]) -> datetime:
    return max(_edit_time(site, post) or site.times[post.id] for post in posts)


def _views(site: Site, post: Post) -> int:
    """Return a plausible number of views for a question's score."""
    return 40 + max(post.score, 1) * random.Random(f"views {site.key}/{post.id}").randrange(18, 55)


def _tag_list(tags: tuple[str, ...], layout: Layout) -> str:
    return f"|{'|'.join(tags)}|" if layout.pipe_tags else "".join(f"<{tag}>" for tag in tags)


def _counted(number: int, layout: Layout) -> int | None:
    """Return the count, or None where the early dumps left a zero out."""
    return None if layout.omit_zero_counts and number == 0 else number


def _stamp(moment: datetime) -> str:
    """Return a time as the dumps write it, to the millisecond and without a zone."""
    return moment.isoformat(timespec="milliseconds")


def _user_rows(site: Site) -> list[Row]:
    """Return the rows of Users.xml, the Community user first."""
    people = {"Community": {"id": COMMUNITY, "location": "on the server farm"}, **site.users}
    return [_user_row(site, name, user) for name, user in people.items()]


def _user_row(site: Site, name: str, user: dict[str, Any]) -> Row:
    """Return one user, whose reputation follows from the posts."""
    draw = random.Random(f"user {site.key}/{user['id']}")
    opened = datetime.combine(site.opened, time(7, 30))
    newest = max(site.times[post.id] for post in site.posts if post.trap != "planted")
    earned = sum(10 * post.score for post in site.posts if post.by == name)
    about = user.get("about")
    return {
        "Id": user["id"],
        "Reputation": 1 + max(earned, 0),
        "CreationDate": _stamp(opened + timedelta(minutes=97 * max(user["id"], 0))),
        "DisplayName": name,
        "LastAccessDate": _stamp(newest + timedelta(hours=draw.randrange(200))),
        "Location": user.get("location"),
        "AboutMe": f"<p>{html.escape(about, quote=False)}</p>\n" if about else None,
        "Views": draw.randrange(3, 90),
        "UpVotes": draw.randrange(200),
        "DownVotes": draw.randrange(9),
        "AccountId": COMMUNITY if user["id"] == COMMUNITY else 900_000 + draw.randrange(90_000),
    }


def _comment_rows(site: Site) -> list[Row]:
    return [
        {
            "Id": comment["id"],
            "PostId": comment["post"],
            "Score": comment["score"],
            "Text": comment["text"],
            "CreationDate": _stamp(site.times[comment["post"]] + timedelta(hours=comment["id"] * 3)),
            "UserDisplayName": comment.get("display_name"),
            "UserId": site.owner_id(comment.get("by", "deleted")),
            "ContentLicense": LICENSE if site.layout.content_license else None,
        }
        for comment in site.comments
    ]
