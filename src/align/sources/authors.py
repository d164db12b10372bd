"""Who wrote a post or a comment of an exchange, and under which licence."""

from collections.abc import Mapping, Sequence
from typing import Any

from align.records import Author
from align.sources.users import Names
from align.sources.xml_rows import Row

COMMUNITY = -1
"""The owner of posts that no person wrote."""


def author_columns(posts: Mapping[str, Sequence[Any]], host: str, names: Names) -> dict[str, list[Any]]:
    """The authors of posts, by field but their role; `posts` are columns of attributes, `Changed` among them."""
    owners = posts["OwnerUserId"]
    said = zip(owners, posts["OwnerDisplayName"], strict=True)
    licensed = zip(posts["ContentLicense"], posts["Changed"], strict=True)
    return {
        "name": [names.of(owner) or name or _unnamed(owner) for owner, name in said],
        "url": [_url(host, owner) for owner in owners],
        "license": [stated or license_on(changed) for stated, changed in licensed],
    }


def author_of_comment(row: Row, host: str, names: Names) -> Author:
    owner = row.number("UserId")
    return Author(
        name=names.of(owner) or row.text("UserDisplayName") or _unnamed(owner),
        url=_url(host, owner),
        role="comment",
        license=row.text("ContentLicense") or license_on(row.text("CreationDate").encode()),
    )


def license_on(date: bytes) -> str:
    """The licence of what was written or edited on a day (stackexchange.com/help/licensing); dumps before 2020 do not say it."""
    return "CC BY-SA 4.0" if date >= b"2018-05-02" else "CC BY-SA 3.0" if date >= b"2011-04-08" else "CC BY-SA 2.5"


def _unnamed(owner: int) -> str:
    return "Community" if owner == COMMUNITY else f"user{owner}" if owner else "deleted user"


def _url(host: str, owner: int) -> str:
    return f"https://{host}/users/{owner}" if owner else ""
