"""The door of the compose file: its Caddyfile with a real Caddy before a real app. Docker itself is not run."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest
from forwarding_proxy import free_port
from ruamel.yaml import YAML
from served_app import browser_page, served_app

DOCKER = Path(__file__).parents[2] / "curation_app" / "docker"
SECRET = "0123456789abcdef0123456789abcdef"
PASSWORD = "sesame street"


def test_the_compose_file_starts_a_database_the_app_and_a_door_on_this_machine_alone() -> None:
    services: dict[str, Any] = YAML(typ="safe", pure=True).load((DOCKER / "compose.yaml").read_text(encoding="utf-8"))["services"]
    assert list(services) == ["database", "app", "door"]
    assert {name: service.get("ports", []) for name, service in services.items()} == {
        "database": [],
        "app": [],
        "door": ["${ALIGN_LISTEN:-127.0.0.1}:8080:8080"],
    }
    assert {"--auth", "proxy", "--admin"} <= set(services["app"]["command"])


@pytest.mark.long
def test_who_has_a_password_comes_in_and_nobody_comes_past_the_door(tmp_path: Path) -> None:
    options = ("--auth", "proxy", "--admin", "ada")
    with (
        served_app(tmp_path, *options, environment={"ALIGN_PROXY_SECRET": SECRET}) as app,
        caddy(tmp_path, app.port) as door,
        browser_page(http_credentials={"username": "ada", "password": PASSWORD}) as page,
    ):
        page.goto(door, timeout=30_000)
        page.get_by_text("ada (admin)").first.wait_for(state="attached")
        page.goto(app.address)
        page.get_by_text("Come through the team's own address").wait_for()
        with pytest.raises(HTTPError, match="401"):
            urlopen(door, timeout=10)


@contextmanager
def caddy(folder: Path, app: int) -> Iterator[str]:
    """A door before the app at this port; its address."""
    program = shutil.which("caddy")
    if program is None:
        pytest.skip("no caddy here: apt-get install caddy")
    hashed = subprocess.run([program, "hash-password", "--plaintext", PASSWORD], capture_output=True, text=True, check=True)
    (folder / "users").write_text(f"ada {hashed.stdout.strip()}\n", encoding="utf-8")
    port = free_port()
    settings = {
        "ALIGN_PROXY_SECRET": SECRET,
        "ALIGN_SITE": f"http://localhost:{port}",
        "ALIGN_USERS": str(folder / "users"),
        "ALIGN_APP": f"127.0.0.1:{app}",
        "HOME": str(folder),
    }
    # Its own settings are changed by a port of its own; the tests may run beside each other.
    caddyfile = "{\n\tadmin off\n}\n" + (DOCKER / "Caddyfile").read_text(encoding="utf-8")
    (folder / "Caddyfile").write_text(caddyfile, encoding="utf-8")
    command = [program, "run", "--config", str(folder / "Caddyfile"), "--adapter", "caddyfile"]
    with (folder / "caddy.log").open("w") as log, subprocess.Popen(command, env=os.environ | settings, stderr=log) as process:
        try:
            yield f"http://localhost:{port}"
        finally:
            process.terminate()
