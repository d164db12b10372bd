"""What `align app` makes of the options that say who may come in."""

import os
import tomllib
from pathlib import Path

import pytest

from align.cli.entrance import SECRETS_FILE, door_of, entrance, environment_of, name_first_admin
from align.curation.store import CurationStore
from align.curation.team.identity import Door, open_door
from align.errors import AccessRefused

SET = {
    "ALIGN_OIDC_CLIENT_ID": "app",
    "ALIGN_OIDC_CLIENT_SECRET": "s3cret",
    "ALIGN_OIDC_METADATA_URL": "https://id.example.org/.well-known/openid-configuration",
}


def door(host: str = "127.0.0.1", auth: str = "local", **given: object) -> Door:
    asked = {"trusted": [], "header": None, "claim": None, "domains": []} | given
    return door_of(host, auth, **asked)  # type: ignore[arg-type]


def test_an_option_of_another_way_is_told_and_not_ignored() -> None:
    with pytest.raises(AccessRefused, match=r"--trusted-proxy belongs to --auth proxy \(got --auth local\)"):
        door(trusted=["10.0.0.1"])
    with pytest.raises(AccessRefused, match="--claim belongs to --auth oidc"):
        door(auth="proxy", claim="sub", trusted=["10.0.0.1"])
    with pytest.raises(AccessRefused, match="--host 0.0.0.0 opens the app"):
        door("0.0.0.0")
    assert door("0.0.0.0", "proxy", trusted=["10.0.0.1"], header="X-Who").name_header == "X-Who"


def test_a_secret_of_the_environment_counts_for_a_proxy_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALIGN_PROXY_SECRET", "long-enough-a-secret")
    assert door(auth="proxy").takes_secret
    assert not door().takes_secret
    assert "long-enough-a-secret" not in door(auth="proxy").model_dump_json()
    monkeypatch.delenv("ALIGN_PROXY_SECRET")
    with pytest.raises(AccessRefused, match="anyone can write"):
        door(auth="proxy")


def test_the_first_person_is_named_where_names_come_from_elsewhere(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/c.db"
    proxied = door(auth="proxy", trusted=["10.0.0.1"])
    with pytest.raises(AccessRefused, match="name the first, --admin NAME"):
        name_first_admin(url, proxied, None)
    name_first_admin(url, proxied, " Ada@Example.org")
    name_first_admin(url, proxied, "ada@example.org")  # the same command again
    name_first_admin(url, proxied, None)
    with pytest.raises(AccessRefused, match="--admin ben: people take part already"):
        name_first_admin(url, proxied, "ben")
    store = CurationStore.open(url)
    assert [(person.name, person.role) for person in store.people()] == [("ada@example.org", "admin")]
    store.close()


def test_a_local_app_needs_nobody_named(tmp_path: Path) -> None:
    name_first_admin(f"sqlite:///{tmp_path}/c.db", door(), None)
    assert not (tmp_path / "c.db").exists()


def test_the_server_reads_secrets_from_a_file_and_inherits_none(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in SET.items():
        monkeypatch.setenv(name, value)
    with entrance(open_door(mode="oidc"), "http://localhost:8501", None) as given:
        path = Path(given.variables[SECRETS_FILE])
        assert tomllib.loads(path.read_text())["auth"]["redirect_uri"] == "http://localhost:8501/oauth2callback"
        assert given.flags == [f"--secrets.files={path}"]
        inherited = environment_of(os.environ, given)
        assert "s3cret" not in inherited.values()
        assert inherited["FORWARDED_ALLOW_IPS"] == ""
    assert not path.exists()


def test_a_proxys_address_may_open_the_socket(monkeypatch: pytest.MonkeyPatch) -> None:
    with entrance(
        open_door(mode="proxy", trusted_proxies=("10.0.0.1",)), "http://localhost:1", "https://align.example.org/"
    ) as given:
        assert given.flags == ["--server.corsAllowedOrigins=https://align.example.org"]
        assert SECRETS_FILE not in given.variables


def test_an_invited_person_is_added_once_as_a_viewer(tmp_path: Path) -> None:
    store = CurationStore.open(f"sqlite:///{tmp_path}/c.db")
    store.add_person("ada", "ada")
    assert store.join_invited("gus@guests.org").role == "viewer"
    store.set_role("ada", "gus@guests.org", "curator")
    assert store.join_invited("gus@guests.org").role == "curator"
    assert [row.what for row in store.audit()] == ["set role", "join by invitation", "add person"]
    store.close()
