"""A small identity provider that really signs: discovery, a sign-in page, codes that work once, ID tokens by RS256."""

import base64
import html
import json
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

CLIENT_ID, CLIENT_SECRET = "align-test", "a-client-secret-that-no-log-may-hold"


class Provider:
    """Who can sign in here, as claims by login, and the keys and codes that are out."""

    def __init__(self, people: dict[str, dict[str, Any]]) -> None:
        from joserfc.jwk import RSAKey

        self.people = people
        self.key = RSAKey.generate_key(2048, {"kid": "one", "alg": "RS256", "use": "sig"})
        self.codes: dict[str, dict[str, str]] = {}
        self.issuer = ""

    @property
    def metadata_url(self) -> str:
        return f"{self.issuer}/.well-known/openid-configuration"

    def environment(self) -> dict[str, str]:
        """What the app needs to know of it."""
        return {
            "ALIGN_OIDC_CLIENT_ID": CLIENT_ID,
            "ALIGN_OIDC_CLIENT_SECRET": CLIENT_SECRET,
            "ALIGN_OIDC_METADATA_URL": self.metadata_url,
        }

    def metadata(self) -> dict[str, Any]:
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/jwks",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
        }

    def page(self, asked: dict[str, str]) -> str:
        """A link for each person."""
        links = "".join(
            f'<p><a href="/grant?{html.escape(urlencode(asked | {"login": login}))}">Sign in as {html.escape(login)}</a></p>'
            for login in self.people
        )
        return f"<!doctype html><title>Provider</title>{links}"

    def grant(self, asked: dict[str, str]) -> str:
        """Where the browser goes with a fresh code."""
        code = secrets.token_urlsafe(16)
        self.codes[code] = asked
        return f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state']})}"

    def token(self, form: dict[str, str], authorization: str) -> dict[str, Any] | None:
        """The signed claims for a code; None for a wrong secret or a code that was used."""
        from joserfc import jwt

        sent = (form.get("client_id"), form.get("client_secret"))
        if authorization.startswith("Basic "):
            sent = tuple(base64.b64decode(authorization[6:]).decode().split(":", 1))  # type: ignore[assignment]
        asked = self.codes.pop(form.get("code", ""), None)
        if sent != (CLIENT_ID, CLIENT_SECRET) or asked is None:
            return None
        now = int(time.time())
        claims = {
            "iss": self.issuer,
            "aud": CLIENT_ID,
            "iat": now,
            "exp": now + 300,
            "sub": asked["login"],
            "nonce": asked["nonce"],
        }
        signed = jwt.encode({"alg": "RS256", "kid": "one"}, claims | self.people[asked["login"]], self.key)
        return {"access_token": secrets.token_urlsafe(16), "token_type": "Bearer", "expires_in": 300, "id_token": signed}


@contextmanager
def oidc_provider(people: dict[str, dict[str, Any]]) -> Iterator[Provider]:
    """Serve a provider on a free port of this machine."""
    provider = Provider(people)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            place = urlsplit(self.path)
            asked = {name: values[0] for name, values in parse_qs(place.query).items()}
            if place.path == "/.well-known/openid-configuration":
                self.answer(json.dumps(provider.metadata()), "application/json")
            elif place.path == "/jwks":
                self.answer(json.dumps({"keys": [provider.key.as_dict(private=False)]}), "application/json")
            elif place.path == "/authorize":
                self.answer(provider.page(asked), "text/html")
            elif place.path == "/grant":
                self.send_response(302)
                self.send_header("Location", provider.grant(asked))
                self.send_header("Content-Length", "0")
                self.end_headers()
            else:
                self.send_error(404)

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
            form = {name: values[0] for name, values in parse_qs(body).items()}
            token = provider.token(form, self.headers.get("Authorization", ""))
            self.answer(json.dumps(token or {"error": "invalid_grant"}), "application/json", 200 if token else 400)

        def answer(self, text: str, kind: str, status: int = 200) -> None:
            body = text.encode()
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """A test's output is its own."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    provider.issuer = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
