"""Who comes into the app, in a real browser: by signing in, through a proxy, or not at all."""

import stat
import time
from pathlib import Path
from typing import Any

import pytest
from forwarding_proxy import forwarding_proxy
from oidc_provider import CLIENT_SECRET, oidc_provider
from served_app import browser_page, served_app

from align.curation.store import CurationStore

pytestmark = pytest.mark.long

PEOPLE = {
    "ada": {"email": "Ada@Example.org", "email_verified": True},
    "eve": {"email": "eve@elsewhere.net", "email_verified": True},
    "mal": {"email": "ada@example.org", "email_verified": False},
    "gus": {"email": "gus@guests.org", "email_verified": True},
}
SECRET = "a-secret-of-the-proxy"
EXAMPLE = "calm in winter"
"""Stands in every example of the pool, and nowhere else."""


def people(folder: Path) -> dict[str, str]:
    store = CurationStore.open(f"sqlite:///{folder}/store/curation.db")
    try:
        return {person.name: person.role for person in store.people()}
    finally:
        store.close()


def sign_in(page: Any, address: str, login: str) -> None:
    page.goto(address)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("link", name=f"Sign in as {login}").click()


def sign_out(page: Any) -> None:
    page.get_by_role("button", name="Sign out").click()
    page.get_by_role("button", name="Sign in").wait_for()


def received(page: Any) -> list[bytes]:
    """Everything the server sends through WebSockets from now on."""
    frames: list[bytes] = []

    def listen(socket: Any) -> None:
        socket.on("framereceived", lambda data: frames.append(data if isinstance(data, bytes) else data.encode()))

    page.on("websocket", listen)
    return frames


def test_people_sign_in_with_their_provider_and_strangers_read_nothing(tmp_path: Path) -> None:
    (tmp_path / "store").mkdir()
    with (
        oidc_provider(PEOPLE) as provider,
        served_app(
            tmp_path, "--auth", "oidc", "--admin", "ada@example.org", "--invite-domain", "guests.org",
            environment=provider.environment(),
        ) as app,
        browser_page() as page,
    ):  # fmt: skip
        frames = received(page)
        # nobody yet: the page asks to sign in and holds nothing else
        page.goto(app.address)
        page.get_by_role("button", name="Sign in").wait_for()
        # somebody whom nobody added
        sign_in(page, app.address, "eve")
        page.get_by_text("You take no part in this project").wait_for()
        page.get_by_text("eve@elsewhere.net").wait_for()
        page.goto(f"{app.address}/team?section=People")
        page.get_by_text("You take no part in this project").wait_for()
        sign_out(page)
        # somebody who claims an address that the provider has not verified
        sign_in(page, app.address, "mal")
        page.get_by_text("has not verified your e-mail address").wait_for()
        assert not any(EXAMPLE.encode() in frame for frame in frames)
        sign_out(page)
        # the one who was named, however the provider writes the address
        sign_in(page, app.address, "ada")
        page.get_by_text(EXAMPLE).first.wait_for()
        assert any(EXAMPLE.encode() in frame for frame in frames)
        page.reload()
        page.get_by_text(EXAMPLE).first.wait_for()
        assert people(tmp_path) == {"ada@example.org": "admin"}
        # one of an invited domain comes in as a viewer
        page.context.clear_cookies()
        sign_in(page, app.address, "gus")
        page.get_by_text("gus@guests.org").first.wait_for()
        assert people(tmp_path) == {"ada@example.org": "admin", "gus@guests.org": "viewer"}
        assert CLIENT_SECRET not in app.log.read_text(encoding="utf-8")


def secrets_files(process: int) -> list[Path]:
    """Files that the server under a process was told to read its secrets from."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                words = (entry / "cmdline").read_bytes().decode().split("\0")
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except (OSError, ValueError):
                continue
            if parent == process:
                found += [Path(word.partition("=")[2]) for word in words if word.startswith("--secrets.files=")]
    return found


def test_the_secret_is_in_a_private_file_alone_and_goes_with_a_killed_app(tmp_path: Path) -> None:
    (tmp_path / "store").mkdir()
    with (
        oidc_provider(PEOPLE) as provider,
        served_app(tmp_path, "--auth", "oidc", "--admin", "ada", environment=provider.environment()) as app,
    ):
        (path,) = secrets_files(app.process.pid)
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert CLIENT_SECRET in path.read_text(encoding="utf-8")
        app.process.kill()
        until = time.monotonic() + 20
        while path.exists() and time.monotonic() < until:
            time.sleep(0.1)
        assert not path.exists()


def test_a_proxy_names_people_and_nobody_else_does(tmp_path: Path) -> None:
    (tmp_path / "store").mkdir()
    options = ("--auth", "proxy", "--trusted-proxy", "127.0.0.9", "--admin", "ada")
    with served_app(tmp_path, *options, environment={"ALIGN_PROXY_SECRET": SECRET}) as app:
        good = {"X-Forwarded-User": "ada", "X-Align-Proxy-Secret": SECRET, "X-Forwarded-For": "203.0.113.9"}
        with (
            forwarding_proxy(app.port, good, "127.0.0.9") as proxy,
            browser_page(extra_http_headers={"X-Forwarded-User": "root"}) as page,
        ):
            page.goto(f"http://localhost:{proxy.port}")
            page.get_by_text(EXAMPLE).first.wait_for()
        spoofed = {
            "X-Forwarded-User": "ada",
            "X-Align-Proxy-Secret": SECRET,
            "X-Forwarded-For": "127.0.0.9",
            "X-Real-IP": "127.0.0.9",
        }
        with browser_page(extra_http_headers=spoofed) as page:
            frames = received(page)
            page.goto(app.address)  # past the proxy, with its headers and its secret, and its address as the one forwarded for
            page.get_by_text("not of a proxy that the app trusts").wait_for()
            assert not any(EXAMPLE.encode() in frame for frame in frames)
        with forwarding_proxy(app.port, good | {"X-Align-Proxy-Secret": "another"}, "127.0.0.9") as proxy, browser_page() as page:
            page.goto(f"http://localhost:{proxy.port}")
            page.get_by_text("secret is missing or wrong").wait_for()
        with forwarding_proxy(app.port, good | {"X-Forwarded-User": "eve"}, "127.0.0.9") as proxy, browser_page() as page:
            page.goto(f"http://localhost:{proxy.port}")
            page.get_by_text("You take no part in this project").wait_for()
        assert SECRET not in app.log.read_text(encoding="utf-8")
        assert people(tmp_path) == {"ada": "admin"}


def test_a_local_app_that_somebody_forwards_lets_nobody_pick_a_name(tmp_path: Path) -> None:
    with served_app(tmp_path) as app:
        with forwarding_proxy(app.port, {"X-Forwarded-For": "203.0.113.9"}) as proxy, browser_page() as page:
            page.goto(f"http://localhost:{proxy.port}")
            page.get_by_text("This request was forwarded").wait_for()
            assert page.get_by_text("Who are you?").count() == 0
        with browser_page() as page:
            page.goto(app.address)
            page.get_by_text("Who are you?").wait_for()


def test_who_comes_as_somebody_unknown_is_not_taken_for_the_only_one(tmp_path: Path) -> None:
    with served_app(tmp_path) as app:
        store = CurationStore.open(f"sqlite:///{tmp_path}/store/curation.db")
        store.add_person("ada", "ada", "admin")
        store.close()
        with browser_page() as page:
            page.goto(f"{app.address}/?as=ben")
            page.get_by_text("Who is reviewing?").wait_for()
        with browser_page() as page:
            page.goto(app.address)
            page.get_by_text("What does").first.wait_for()
