"""Who asks: what a browser can write is never believed by itself."""

import stat

import pytest

from align.curation.team.identity import Asker, Connection, Door, Refused, is_loopback, open_door, shared_secret, who_asks
from align.curation.team.oidc_settings import sign_in_settings, write_private
from align.errors import AccessRefused

HOST = ("Host", "localhost:8501")
SECRET = "a-secret-of-some-length"


def asked(door: Door, peer: str | None, *headers: tuple[str, str], secret: str | None = None) -> Asker | Refused | None:
    return who_asks(door, Connection(peer, (HOST, *headers)), secret=secret)


def test_local_names_are_picked_on_this_machine_alone() -> None:
    door = open_door()
    assert asked(door, "127.0.0.1") is None
    assert asked(door, "::1") is None
    assert isinstance(asked(door, "192.168.1.7"), Refused)
    assert isinstance(asked(door, None), Refused)


def test_a_local_app_behind_a_forwarding_proxy_refuses() -> None:
    """A tunnel on this machine makes everyone's peer loopback; what it forwards for gives it away."""
    for name in ("X-Forwarded-For", "Forwarded", "x-real-ip", "Via"):
        found = asked(open_door(), "127.0.0.1", (name, "203.0.113.9"))
        assert isinstance(found, Refused)
        assert "--auth proxy" in found.reason


@pytest.mark.parametrize(
    "host", ["evil.example:8501", "localhost.evil.example", "127.0.0.1.nip.io:8501", "[2001:db8::1]:8501", ""]
)
def test_a_name_elsewhere_that_points_here_is_refused(host: str) -> None:
    assert isinstance(who_asks(open_door(), Connection("127.0.0.1", (("Host", host),))), Refused)


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8501", "127.0.0.1:80", "[::1]:8501"])
def test_every_name_of_this_machine_is_taken(host: str) -> None:
    assert who_asks(open_door(), Connection("127.0.0.1", (("Host", host),))) is None


def test_a_local_app_binds_to_no_other_address() -> None:
    with pytest.raises(AccessRefused, match=r"--host 0\.0\.0\.0 opens the app to other machines.*--auth proxy"):
        open_door(host="0.0.0.0")
    with pytest.raises(AccessRefused, match="--host unix"):
        open_door(host="unix:///tmp/app.sock")
    assert is_loopback("::ffff:127.0.0.1")
    assert not is_loopback("0.0.0.0")


def test_a_header_is_believed_of_a_trusted_proxy_alone() -> None:
    door = open_door(mode="proxy", trusted_proxies=("10.1.0.0/16", "::1"))
    named = ("X-Forwarded-User", "ada")
    assert asked(door, "10.1.2.3", named) == Asker("ada", False)
    assert asked(door, "::ffff:10.1.2.3", named) == Asker("ada", False)
    assert asked(door, "::1", named) == Asker("ada", False)
    for peer in ("10.2.0.1", "127.0.0.1", "not an address", None):
        assert isinstance(asked(door, peer, named), Refused)


def test_a_header_is_believed_with_the_secret_alone() -> None:
    door = open_door(mode="proxy", takes_secret=True)
    named = ("X-Forwarded-User", "ada")
    assert asked(door, "203.0.113.9", named, ("X-Align-Proxy-Secret", SECRET), secret=SECRET) == Asker("ada", False)
    assert isinstance(asked(door, "203.0.113.9", named, ("X-Align-Proxy-Secret", SECRET[:-1]), secret=SECRET), Refused)
    assert isinstance(asked(door, "203.0.113.9", named, secret=SECRET), Refused)
    # A secret that got lost on the way to the server opens nothing, not even to an empty header.
    assert isinstance(asked(door, "203.0.113.9", named, ("X-Align-Proxy-Secret", ""), secret=None), Refused)


def test_where_both_are_set_both_must_hold() -> None:
    door = open_door(mode="proxy", trusted_proxies=("10.0.0.1",), takes_secret=True)
    named, sent = ("X-Forwarded-User", "ada"), ("X-Align-Proxy-Secret", SECRET)
    assert asked(door, "10.0.0.1", named, sent, secret=SECRET) == Asker("ada", False)
    assert isinstance(asked(door, "10.0.0.1", named, secret=SECRET), Refused)
    assert isinstance(asked(door, "10.0.0.2", named, sent, secret=SECRET), Refused)


def test_a_header_that_stands_twice_names_nobody() -> None:
    """A proxy that adds its header to the browser's own would let anyone choose."""
    door = open_door(mode="proxy", trusted_proxies=("10.0.0.1",))
    found = asked(door, "10.0.0.1", ("x-forwarded-user", "root"), ("X-Forwarded-User", "ada"))
    assert isinstance(found, Refused)
    assert "twice" in found.reason
    assert isinstance(asked(door, "10.0.0.1"), Refused)
    assert isinstance(asked(door, "10.0.0.1", ("X-Forwarded-User", " ")), Refused)


def test_a_proxy_that_is_not_named_or_is_everyone_is_refused() -> None:
    with pytest.raises(AccessRefused, match="--trusted-proxy ADDRESS"):
        open_door(mode="proxy")
    with pytest.raises(AccessRefused, match="every address there is"):
        open_door(mode="proxy", trusted_proxies=("0.0.0.0/0",))
    with pytest.raises(AccessRefused, match="no address and no network"):
        open_door(mode="proxy", trusted_proxies=("proxy.example.org",))


def test_an_address_counts_when_it_is_verified() -> None:
    door = open_door(mode="oidc", invite_domains=("Example.org",))
    here = Connection("203.0.113.9", ())
    assert who_asks(door, here) is None
    assert who_asks(door, here, {"email": "Ada@Example.org", "email_verified": True}) == Asker("ada@example.org", True)
    assert who_asks(door, here, {"email": "ada@other.org", "email_verified": "true"}) == Asker("ada@other.org", False)
    for unverified in ({}, {"email_verified": False}, {"email_verified": "false"}):
        assert isinstance(who_asks(door, here, {"email": "ada@example.org", **unverified}), Refused)
    assert isinstance(who_asks(door, here, {"sub": "7"}), Refused)


def test_another_claim_invites_nobody_by_looking_like_an_address() -> None:
    """A name that people choose themselves may look like an address of the domain."""
    door = open_door(mode="oidc", claim="preferred_username", invite_domains=("example.org",))
    claims = {"preferred_username": "ada@example.org", "email": "eve@other.org", "email_verified": True}
    assert who_asks(door, Connection(None, ()), claims) == Asker("ada@example.org", False)


def test_a_domain_is_the_whole_of_what_stands_behind_the_sign() -> None:
    door = open_door(mode="proxy", trusted_proxies=("10.0.0.1",), invite_domains=("example.org",))
    invited = {
        name: asked(door, "10.0.0.1", ("X-Forwarded-User", name))
        for name in ("a@example.org", "a@b@example.org", "a@evilexample.org", "example.org")
    }
    assert [found.invited for found in invited.values() if isinstance(found, Asker)] == [True, False, False, False]
    with pytest.raises(AccessRefused, match="is no domain"):
        open_door(mode="oidc", invite_domains=("*.org",))


def test_a_secret_that_could_be_guessed_is_refused_without_being_told() -> None:
    with pytest.raises(AccessRefused) as told:
        shared_secret({"ALIGN_PROXY_SECRET": "hunter2"})
    assert "hunter2" not in str(told.value)
    assert shared_secret({"ALIGN_PROXY_SECRET": SECRET}) == SECRET
    assert shared_secret({}) is None
    assert shared_secret({"ALIGN_PROXY_SECRET": ""}) is None


SET = {
    "ALIGN_OIDC_CLIENT_ID": 'app"1',
    "ALIGN_OIDC_CLIENT_SECRET": "s3cret\\value",
    "ALIGN_OIDC_METADATA_URL": "https://id.example.org/.well-known/openid-configuration",
}


def test_settings_of_sign_in_are_what_was_set() -> None:
    import tomllib

    text = sign_in_settings(SET, "http://localhost:8501/")
    auth = tomllib.loads(text)["auth"]
    assert auth["client_id"] == 'app"1'
    assert auth["client_secret"] == "s3cret\\value"
    assert auth["redirect_uri"] == "http://localhost:8501/oauth2callback"
    assert len(auth["cookie_secret"]) == 64
    path = write_private(text)
    try:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert path.read_text(encoding="utf-8") == text
    finally:
        path.unlink()


def test_all_missing_settings_are_told_at_once_and_no_secret_is() -> None:
    with pytest.raises(AccessRefused) as told:
        sign_in_settings({"ALIGN_OIDC_CLIENT_SECRET": "s3cret"}, "http://localhost:8501")
    assert "ALIGN_OIDC_CLIENT_ID" in str(told.value)
    assert "ALIGN_OIDC_METADATA_URL" in str(told.value)
    assert "s3cret" not in str(told.value)


def test_a_sign_in_that_could_be_overheard_is_refused() -> None:
    with pytest.raises(AccessRefused, match="--public-url must begin with https"):
        sign_in_settings(SET, "http://curation.example.org")
    with pytest.raises(AccessRefused, match="METADATA_URL must begin with https"):
        sign_in_settings(SET | {"ALIGN_OIDC_METADATA_URL": "http://id.example.org/x"}, "https://curation.example.org")
    with pytest.raises(AccessRefused, match="line break"):
        sign_in_settings(SET | {"ALIGN_OIDC_CLIENT_ID": "a\nb"}, "https://curation.example.org")
    with pytest.raises(AccessRefused, match="has 3 characters"):
        sign_in_settings(SET | {"ALIGN_OIDC_COOKIE_SECRET": "abc"}, "https://curation.example.org")
