"""Who asks, as the connection, a believed proxy or an identity provider says; what they may do stands in the store.

    local   one picks a name from the list; only on this machine: server and browser on loopback, nothing forwarded
    proxy   a header names the person; believed where the peer is a trusted proxy, or where a shared secret came along
    oidc    an identity provider names the person, with a verified address where the name is one

The peer is the other end of the TCP connection. A server that takes it from X-Forwarded-For must be told not to:
`server_environment`.
"""

import hmac
from collections.abc import Mapping, Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Any, Literal, NamedTuple, Self

from pydantic import BaseModel, ConfigDict, ValidationError, field_validator, model_validator

from align.errors import AccessRefused

Mode = Literal["local", "proxy", "oidc"]
LOOPBACK = "127.0.0.1"
PROXY_SECRET = "ALIGN_PROXY_SECRET"
"""Environment variable of the secret that a proxy sends along."""
LEAST_SECRET = 16
"""Characters; a shorter one could be tried out."""
LONGEST_NAME = 200
_FORWARDED = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via")
_LOOPBACK_NAMES = ("localhost", "127.0.0.1", "::1")


class Door(BaseModel):
    """Whom the app lets in, and how it knows them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    mode: Mode = "local"
    host: str = LOOPBACK
    """Address that the server is bound to."""
    trusted_proxies: tuple[str, ...] = ()
    """Addresses or networks, e.g. 10.0.0.0/8, whose header is believed."""
    name_header: str = "X-Forwarded-User"
    """The header in which a proxy names the person."""
    secret_header: str = "X-Align-Proxy-Secret"
    """The header in which a proxy sends the shared secret."""
    takes_secret: bool = False
    """Whether a shared secret is set; the secret itself stays in the environment."""
    claim: str = "email"
    """What of an identity names the person: email (verified), sub, preferred_username, ..."""
    invite_domains: tuple[str, ...] = ()
    """Who has an address there may come in as a viewer without having been added."""

    @field_validator("trusted_proxies")
    @classmethod
    def _networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for text in value:
            try:
                network = ip_network(text)
            except ValueError as error:
                raise ValueError(f"{text!r} is no address and no network ({error}); write 10.1.2.3 or 10.1.0.0/16") from error
            if network.prefixlen == 0:
                raise ValueError(f"{text} is every address there is: anyone could write the header; name the proxy's own")
        return value

    @field_validator("invite_domains")
    @classmethod
    def _domains(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for text in value:
            if "@" in text or "*" in text or "." not in text.strip("."):
                raise ValueError(f"{text!r} is no domain; write what stands behind the @, e.g. example.org")
        return tuple(text.casefold() for text in value)

    @model_validator(mode="after")
    def _holds(self) -> Self:
        if self.mode == "local" and not is_loopback(self.host):
            raise ValueError(
                f"--host {self.host} opens the app to other machines, and with --auth local anyone there could pick any name; "
                "take --auth proxy or --auth oidc, or leave --host out"
            )
        if self.mode == "proxy" and not (self.trusted_proxies or self.takes_secret):
            raise ValueError(
                f"--auth proxy believes a header, which anyone can write: name the proxy with --trusted-proxy ADDRESS, or set a "
                f"secret in ${PROXY_SECRET} that the proxy sends as {self.secret_header}"
            )
        if self.mode == "local" and self.invite_domains:
            raise ValueError("--invite-domain needs addresses that someone vouches for: --auth proxy or --auth oidc")
        return self


class Asker(NamedTuple):
    """Someone whose name is known; whether the store knows them is another question."""

    name: str
    invited: bool
    """Whether a domain of the invitation is theirs."""


class Refused(NamedTuple):
    """Nobody; `reason` is for them to read."""

    reason: str


class Connection(NamedTuple):
    """What is known of a browser's connection."""

    peer: str | None
    """Address of the other end; None: unknown, which is trusted with nothing."""
    headers: Sequence[tuple[str, str]]


def open_door(**settings: Any) -> Door:
    """A checked way in; what is wrong with the settings is told in the words of the command line."""
    try:
        return Door(**settings)
    except ValidationError as error:
        raise AccessRefused("; ".join(str(item["msg"]).removeprefix("Value error, ") for item in error.errors())) from error


def who_asks(
    door: Door, connection: Connection, claims: Mapping[str, object] | None = None, secret: str | None = None
) -> Asker | Refused | None:
    """The person, or why nobody; None where a person has still to say so: to pick a name (local), to sign in (oidc).

    `claims` are those of a signed-in identity, `secret` is the shared one of the environment.
    """
    if door.mode == "local":
        return _refused_locally(connection)
    if door.mode == "proxy":
        return _by_header(door, connection, secret)
    return None if claims is None else _by_claims(door, claims)


def known_as(name: str) -> str:
    """A name as the store has it: addresses that differ in case alone are one person's."""
    known = name.strip()
    return known.casefold() if "@" in known else known


def is_loopback(host: str) -> bool:
    """Whether an address, or the name localhost, is of this machine alone."""
    if host.casefold() == "localhost":
        return True
    try:
        address = ip_address(host.strip("[]"))
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback


def server_environment() -> dict[str, str]:
    """What the server's process must find in its environment so that a peer is the TCP connection's."""
    # uvicorn believes X-Forwarded-For of a peer on loopback unless told otherwise; so anyone could choose an address.
    return {"FORWARDED_ALLOW_IPS": ""}


def shared_secret(environ: Mapping[str, str]) -> str | None:
    """The secret of the environment; one that could be guessed is refused."""
    secret = environ.get(PROXY_SECRET)
    if not secret:
        return None
    if len(secret) < LEAST_SECRET:
        raise AccessRefused(
            f"${PROXY_SECRET} has {len(secret)} characters; take {LEAST_SECRET} at least, e.g. of `openssl rand -hex 32`"
        )
    return secret


def _refused_locally(connection: Connection) -> Refused | None:
    if connection.peer is None or not is_loopback(connection.peer):
        return Refused("Names are picked on the machine itself. Your browser is on another one.")
    names = [name.casefold() for name, _ in connection.headers]
    forwarded = next((name for name in _FORWARDED if name in names), None)
    if forwarded is not None:
        return Refused(
            f"This request was forwarded ({forwarded}): behind a proxy start the app with --auth proxy or --auth oidc."
        )
    hosts = [value for name, value in connection.headers if name.casefold() == "host"]
    # A page elsewhere can make its own name point here; the browser then says that name as the host.
    if len(hosts) != 1 or _host_name(hosts[0]) not in _LOOPBACK_NAMES:
        return Refused("Open the app as http://localhost or http://127.0.0.1 with its port.")
    return None


def _host_name(value: str) -> str:
    text = value.strip().casefold()
    if text.startswith("["):
        return text[1:].partition("]")[0]
    return text.rpartition(":")[0] if text.count(":") == 1 else text


def _by_header(door: Door, connection: Connection, secret: str | None) -> Asker | Refused:
    if door.trusted_proxies and not _is_trusted(connection.peer, door.trusted_proxies):
        return Refused("Come through the team's own address: this connection is not of a proxy that the app trusts.")
    if door.takes_secret:
        sent = _values(connection, door.secret_header)
        if not secret or len(sent) != 1 or not hmac.compare_digest(sent[0].encode(), secret.encode()):
            return Refused("Come through the team's own address: the proxy's secret is missing or wrong.")
    names = _values(connection, door.name_header)
    if len(names) > 1:
        return Refused(f"{door.name_header} stands twice: the proxy must replace what a browser sends, not add to it.")
    return _asker(door, names[0] if names else "", vouched=True)


def _values(connection: Connection, name: str) -> list[str]:
    return [value for header, value in connection.headers if header.casefold() == name.casefold()]


def _is_trusted(peer: str | None, trusted: Sequence[str]) -> bool:
    try:
        address = ip_address(peer or "")
    except ValueError:
        return False
    address = getattr(address, "ipv4_mapped", None) or address
    networks: list[IPv4Network | IPv6Network] = [ip_network(text) for text in trusted]
    return any(address.version == network.version and address in network for network in networks)


def _by_claims(door: Door, claims: Mapping[str, object]) -> Asker | Refused:
    value = claims.get(door.claim)
    if not isinstance(value, str) or not value.strip():
        return Refused(f"The identity provider says no {door.claim!r} of you; ask whoever runs the app for another --claim.")
    verified = claims.get("email_verified") in (True, "true")  # some providers write it as text
    if door.claim == "email" and not verified:
        return Refused("The identity provider has not verified your e-mail address; verify it there, then sign in again.")
    return _asker(door, value, vouched=verified and claims.get("email") == value)


def _asker(door: Door, name: str, vouched: bool) -> Asker | Refused:
    known = name.strip()
    if not known:
        return Refused("Nobody is named.")
    if len(known) > LONGEST_NAME or not known.isprintable():
        return Refused("The name is too long or holds characters that cannot be shown.")
    known = known_as(known)
    domain = known.rpartition("@")[2] if known.count("@") == 1 else ""
    return Asker(known, vouched and domain in door.invite_domains)
