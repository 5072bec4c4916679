"""A little OpenID provider over HTTP: honest, or with one thing of its answers changed."""

from __future__ import annotations

import base64
import hashlib
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import ECKey, OctKey

CLIENT, SECRET = "fenhao", "s3cret of the client"
Said = dict[str, Any]


@dataclass
class OpenId:
    """The provider: whom it signs in, and how its tokens are changed before they are signed, and after."""

    url: str = ""
    person: Said = field(default_factory=lambda: {"sub": "u-1"})
    claims: Callable[[Said], Said] = dict
    token: Callable[[str], str] = str
    metadata: Said = field(default_factory=dict)
    key: ECKey = field(default_factory=lambda: ECKey.generate_key("P-256", {"kid": "k1"}, private=True))
    signed_by: ECKey | OctKey | None = None
    codes: dict[str, Said] = field(default_factory=dict)
    once: bool = True
    asked: list[Said] = field(default_factory=list)

    def authorize(self, asked: Said) -> str:
        """Where the browser is sent: back, with a code."""
        code = f"code-{len(self.codes)}"
        self.codes[code] = asked
        self.asked.append(asked)
        return str(asked["redirect_uri"]) + "?" + urlencode({"code": code, "state": asked["state"], "iss": self.url})

    def give(self, asked: Said, authorization: str) -> tuple[int, Said]:
        """What the token endpoint answers."""
        own = base64.b64encode(f"{CLIENT}:{SECRET.replace(' ', '%20')}".encode()).decode()
        begun = (self.codes.pop if self.once else self.codes.get)(asked.get("code", ""), None)
        if authorization != f"Basic {own}" or begun is None or asked["redirect_uri"] != begun["redirect_uri"]:
            return 400, {"error": "invalid_grant"}
        challenge = base64.urlsafe_b64encode(hashlib.sha256(asked["code_verifier"].encode()).digest()).rstrip(b"=")
        if begun["code_challenge_method"] != "S256" or begun["code_challenge"] != challenge.decode():
            return 400, {"error": "invalid_grant"}
        now = int(time.time())
        claims = {"iss": self.url, "aud": CLIENT, "iat": now, "exp": now + 300, "nonce": begun["nonce"], **self.person}
        key = self.signed_by or self.key
        alg = "HS256" if isinstance(key, OctKey) else "ES256"
        token = jwt.encode({"alg": alg, "kid": "k1"}, self.claims(claims), key, algorithms=[alg])
        return 200, {"access_token": "a", "token_type": "Bearer", "id_token": self.token(token)}

    def said(self, path: str) -> Said | None:
        """What it says of itself."""
        if path == "/.well-known/openid-configuration":
            names = {"authorization_endpoint": "authorize", "token_endpoint": "token", "jwks_uri": "jwks"}
            return {"issuer": self.url, **{name: f"{self.url}/{at}" for name, at in names.items()}, **self.metadata}
        return {"keys": [self.key.as_dict(private=False)]} if path == "/jwks" else None


@contextmanager
def openid() -> Iterator[OpenId]:
    """A provider on a free port."""
    made = OpenId()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            if parts.path == "/authorize":
                self.send_response(302)
                self.send_header("Location", made.authorize(dict(one(parts.query))))
                self.end_headers()
                return
            found = made.said(parts.path)
            self._answer(404 if found is None else 200, found or {})

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            self._answer(*made.give(dict(one(body)), self.headers.get("Authorization", "")))

        def _answer(self, status: int, said: Said) -> None:
            body = json.dumps(said).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *arguments: Any) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def one(query: str) -> list[tuple[str, str]]:
    """Names with their only values."""
    return [(name, values[0]) for name, values in parse_qs(query).items()]
