"""Who may come into the app that `align app` serves: from options and environment to what the server's process is given."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from align.curation.team.identity import Door, Mode

SECRETS_FILE = "ALIGN_APP_SECRETS"
"""Tells the server's process which file to remove when its parent is gone."""


class Entrance(NamedTuple):
    """What the server needs beside the door: variables, and flags of Streamlit."""

    variables: dict[str, str]
    flags: list[str]
    without: tuple[str, ...]
    """Variables that the server must not inherit."""


def door_of(
    host: str,
    auth: "Mode",
    trusted: list[str],
    header: str | None,
    claim: str | None,
    domains: list[str],
) -> "Door":
    """The checked way in; an option that the way does not use is told, never ignored."""
    from align.curation.team.identity import open_door, shared_secret
    from align.errors import AccessRefused

    for option, is_given, way in (
        ("--trusted-proxy", bool(trusted), "proxy"),
        ("--proxy-header", header is not None, "proxy"),
        ("--claim", claim is not None, "oidc"),
    ):
        if is_given and auth != way:
            raise AccessRefused(f"{option} belongs to --auth {way} (got --auth {auth}); leave one of them out")
    takes_secret = auth == "proxy" and shared_secret(os.environ) is not None
    named = {key: value for key, value in (("name_header", header), ("claim", claim)) if value is not None}
    return open_door(
        mode=auth, host=host, trusted_proxies=tuple(trusted), invite_domains=tuple(domains), takes_secret=takes_secret, **named
    )


def name_first_admin(url: str, door: "Door", admin: str | None) -> None:
    """Where names come from elsewhere, the first person of a fresh database is named by who starts the app."""
    from align.curation.store import CurationStore
    from align.curation.team.identity import known_as
    from align.errors import AccessRefused

    if door.mode == "local" and admin is None:
        return
    admin = None if admin is None else known_as(admin)
    store = CurationStore.open(url)
    try:
        people = {person.name: person.role for person in store.people()}
        if not people and admin is not None:
            store.add_person(admin, admin)
        elif not people:
            raise AccessRefused(
                f"nobody takes part yet, so with --auth {door.mode} nobody could come in: name the first, --admin NAME"
            )
        elif admin is not None and people.get(admin) != "admin":
            raise AccessRefused(f"--admin {admin}: people take part already; an admin gives roles, on the page Team")
    finally:
        store.close()


@contextmanager
def entrance(door: "Door", address: str, public_url: str | None) -> Iterator[Entrance]:
    """What the server is given; a file with secrets lives as long as this."""
    from align.curation.team.identity import server_environment
    from align.curation.team.oidc_settings import CLIENT_SECRET, COOKIE_SECRET, sign_in_settings, write_private

    flags = [] if public_url is None else [f"--server.corsAllowedOrigins={public_url.rstrip('/')}"]
    if door.mode != "oidc":
        yield Entrance(server_environment(), flags, (CLIENT_SECRET, COOKIE_SECRET))
        return
    path = write_private(sign_in_settings(os.environ, public_url or address))
    try:
        variables = {**server_environment(), SECRETS_FILE: str(path)}
        yield Entrance(variables, [*flags, f"--secrets.files={path}"], (CLIENT_SECRET, COOKIE_SECRET))
    finally:
        path.unlink(missing_ok=True)


def environment_of(base: Mapping[str, str], given: Entrance) -> dict[str, str]:
    """The server's environment."""
    return {name: value for name, value in base.items() if name not in given.without} | given.variables
