"""Read authored/*.yaml: the sites with their posts, people and comments."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

AUTHORED = Path(__file__).resolve().parent.parent / "authored"
SITES = ("tidepools", "clockwork", "skywatch", "breadovens", "kitecraft", "letterpress")
COMMUNITY = -1


@dataclass(frozen=True)
class Layout:
    """How one site's dump looks on disk; the years differ."""

    posts: str = "Posts.xml"
    users: str | None = None
    comments: str | None = None
    archive: bool = False
    crlf: bool = False
    bom: bool = True
    doctype: bool = False
    pipe_tags: bool = False
    content_license: bool = False
    favorites: bool = True
    omit_zero_counts: bool = False
    loose_html: bool = True
    """Blank lines between blocks and `<img ...>`, as the sites rendered Markdown until 2020."""
    shuffled: bool = False


@dataclass(frozen=True)
class Post:
    """One row of Posts.xml, still with its Markdown body and the names of its people."""

    id: int
    type: str
    body: str
    score: int
    by: str
    trap: str | None
    parent: int | None = None
    title: str | None = None
    tags: tuple[str, ...] = ()
    accepted: bool = False
    edited_by: str | None = None
    display_name: str | None = None
    closed_after_days: int | None = None


@dataclass(frozen=True)
class Site:
    """One invented exchange, as its author wrote it; `times` are worked out."""

    key: str
    opened: date
    layout: Layout
    users: dict[str, dict[str, Any]]
    posts: list[Post]
    comments: list[dict[str, Any]]
    times: dict[int, datetime] = field(default_factory=dict)

    def answers(self, question_id: int) -> list[Post]:
        """Return the answers to a question, in the order of their ids."""
        return [p for p in self.posts if p.type == "answer" and p.parent == question_id]

    def owner_id(self, name: str) -> int | None:
        """Return a user's number; None for the deleted and for nobody."""
        if name == "community":
            return COMMUNITY
        if name in ("deleted", "nobody"):
            return None
        return int(self.users[name]["id"])


def read_yaml(name: str) -> Any:
    """Return what authored/NAME.yaml holds."""
    from ruamel.yaml import YAML

    return YAML(typ="safe", pure=True).load(AUTHORED / f"{name}.yaml")


def read_site(key: str) -> Site:
    """Return the site of authored/KEY.yaml with times given to its posts."""
    source = read_yaml(key)
    posts = [post for entry in source["questions"] for post in _read_posts(entry)]
    copies = _copied_bodies(source["questions"], {post.id: post.body for post in posts})
    posts = [replace(post, body=copies.get(post.id, post.body)) for post in posts]
    site = Site(
        key=key,
        opened=source["opened"],
        layout=Layout(**source["layout"]),
        users={name: dict(user) for name, user in source["users"].items()},
        posts=sorted(posts, key=lambda post: post.id),
        comments=source.get("comments", []),
    )
    site.times.update({post.id: _post_time(site, post) for post in site.posts})
    return site


def _read_posts(entry: dict[str, Any]) -> Iterator[Post]:
    """Yield a question of the source with its answers, or the single odd row that it stands for."""
    yield _read_post(entry, entry.get("type", "question"), entry.get("parent"))
    for answer in entry.get("answers", []):
        yield _read_post(answer, "answer", entry["id"])


def _read_post(entry: dict[str, Any], kind: str, parent: int | None) -> Post:
    return Post(
        id=entry["id"],
        type=kind,
        body=entry.get("body", "").rstrip("\n"),
        score=entry.get("score", 0),
        by=entry["by"],
        trap=entry.get("trap"),
        parent=parent,
        title=entry.get("title"),
        tags=tuple(entry.get("tags", ())),
        accepted=entry.get("accepted", False),
        edited_by=entry.get("edited_by"),
        display_name=entry.get("display_name"),
        closed_after_days=entry.get("closed_after_days"),
    )


def _copied_bodies(questions: list[dict[str, Any]], bodies: dict[int, str]) -> dict[int, str]:
    """Return the bodies of the answers that say `same_as`, with their `changed` words replaced."""
    return {
        answer["id"]: _rewrite(bodies[answer["same_as"]], answer.get("changed", []))
        for entry in questions
        for answer in entry.get("answers", [])
        if "same_as" in answer
    }


def _rewrite(body: str, changed: list[list[str]]) -> str:
    for old, new in changed:
        if body.count(old) != 1:
            raise ValueError(f"{old!r} occurs {body.count(old)} times in the copied text, not once")
        body = body.replace(old, new)
    return body


def _post_time(site: Site, post: Post) -> datetime:
    """Return a time that rises with the id; planted posts all come from one morning in 2025."""
    draw = random.Random(f"{site.key}/{post.id}")
    if post.trap == "planted":
        return datetime(2025, 6, 17, 3, 0) + timedelta(milliseconds=draw.randrange(3_600_000))
    start = datetime.combine(site.opened, time(8)) + timedelta(hours=31 * post.id)
    return start + timedelta(milliseconds=draw.randrange(20 * 3_600_000))
