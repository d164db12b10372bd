"""What signing in with an identity provider needs: from the environment into a file that nobody else can read."""

import os
import secrets
import tempfile
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from align.curation.team.identity import is_loopback
from align.errors import AccessRefused

CLIENT_ID = "ALIGN_OIDC_CLIENT_ID"
CLIENT_SECRET = "ALIGN_OIDC_CLIENT_SECRET"
METADATA_URL = "ALIGN_OIDC_METADATA_URL"
COOKIE_SECRET = "ALIGN_OIDC_COOKIE_SECRET"
CALLBACK = "/oauth2callback"
_MEANINGS = {
    CLIENT_ID: "the name under which the provider knows the app",
    CLIENT_SECRET: "what the provider gave with it",
    METADATA_URL: "https://PROVIDER/.well-known/openid-configuration",
}


def sign_in_settings(environ: Mapping[str, str], public_url: str) -> str:
    """The `[auth]` table of a secrets.toml; every setting that is missing is told at once, none is repeated in the message.

    `public_url` is where browsers find the app. Without a secret for cookies one is drawn, and a restart signs everyone out.
    """
    missing = [f"${name} ({meaning})" for name, meaning in _MEANINGS.items() if not environ.get(name)]
    if missing:
        raise AccessRefused(
            f"--auth oidc needs in the environment: {'; '.join(missing)}. Register the app at the provider first."
        )
    for what, url in ((f"${METADATA_URL}", environ[METADATA_URL]), ("--public-url", public_url)):
        parts = urlsplit(url)
        if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(parts.hostname or "")):
            raise AccessRefused(f"{what} must begin with https:// (got {url!r}): who listens could sign in as others.")
    cookie = environ.get(COOKIE_SECRET) or secrets.token_hex(32)
    if len(cookie) < 32:
        raise AccessRefused(f"${COOKIE_SECRET} has {len(cookie)} characters; take 32 at least, e.g. of `openssl rand -hex 32`.")
    settings = {
        "redirect_uri": public_url.rstrip("/") + CALLBACK,
        "cookie_secret": cookie,
        "client_id": environ[CLIENT_ID],
        "client_secret": environ[CLIENT_SECRET],
        "server_metadata_url": environ[METADATA_URL],
    }
    return "[auth]\n" + "".join(f"{name} = {_quoted(name, value)}\n" for name, value in settings.items())


def write_private(text: str) -> Path:
    """A new file that this user alone can read; whoever asked for it removes it."""
    number, name = tempfile.mkstemp(prefix="align-sign-in-", suffix=".toml")  # created with mode 0600
    with os.fdopen(number, "w", encoding="utf-8") as file:
        file.write(text)
    return Path(name)


def _quoted(name: str, value: str) -> str:
    if not value.isprintable():
        raise AccessRefused(f"{name} holds a line break or another sign that cannot be printed; set it anew.")
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
