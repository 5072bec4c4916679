"""A service under test: uvicorn in a thread of this process, on a ledger of its own; and a client that speaks to it."""

from __future__ import annotations

import itertools
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from argon2 import PasswordHasher
from fastapi import FastAPI
from httpx._config import create_ssl_context
from httpx._transports import default

from api.bootstrap import Fenhao, initialise, opened
from api.http import accounts
from api.http.accounts import Session
from api.http.app import service
from api.http.office import COOKIE, Office
from api.http.tokens import Tokens
from api.settings import Settings
from ledger.database import Database

ORIGIN = "ledger.example.org/test"
PASSWORD = "correct horse battery"
_keys = itertools.count(1)
vars(default)["create_ssl_context"] = cache(create_ssl_context)  # each would read the world's authorities anew
accounts._HASHER = PasswordHasher(time_cost=1, memory_cost=64)  # as strong as tests need; tests sign in by the hundred


def headers_of(session: Session) -> dict[str, str]:
    """What a browser shows with a session, and a page of ours."""
    return {"Cookie": f"{COOKIE}={session.secret}", "X-CSRF-Token": session.csrf}


@dataclass
class Served:
    """A running service: its parts, where it is, sessions by account, tokens by scope, codes sent by contact."""

    fenhao: Fenhao
    url: str
    app: FastAPI
    sessions: dict[str, dict[str, str]] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)
    codes: dict[str, str] = field(default_factory=dict)
    clients: dict[tuple[str, ...], httpx.Client] = field(default_factory=dict)

    def token(self, *scopes: str) -> str:
        """A token with these scopes."""
        name = "-".join(scopes)
        if name not in self.tokens:
            self.tokens[name] = Tokens(self.fenhao.journal, os.urandom).issue(name, scopes, 1)[0]
        return self.tokens[name]

    @property
    def office(self) -> Office:
        """The running service's parts."""
        office = self.app.state.office
        assert isinstance(office, Office)
        return office

    def signed_in(self, *roles: str, name: str | None = None) -> dict[str, str]:
        """The headers of a browser in which an account with these roles is signed in."""
        name = name or "-".join(roles)
        if name not in self.sessions:
            self.office.accounts.add(name, roles, PASSWORD)
            self.sessions[name] = headers_of(self.office.accounts.sign_in(name, PASSWORD))
        return self.sessions[name]

    def donor(self, donor: str) -> dict[str, str]:
        """The headers of a browser in which a donor is signed in."""
        return headers_of(self.office.accounts.admit_donor(donor))

    def forget_paces(self) -> None:
        """Nobody has asked for anything too often."""
        for name in ("public_pace", "address_pace", "account_pace", "asking_pace", "contact_pace"):
            getattr(self.office, name).forget()

    def asked_code(self, contact: str) -> tuple[str, dict[str, str]]:
        """The code that is sent to who asks for one, and what their browser shows from then on."""
        answer = self.client().post("/v1/session/new-code", json={"contact": contact})
        assert answer.status_code == 202, answer.text
        return self.codes[contact], {"Cookie": answer.headers["set-cookie"].partition(";")[0]}

    def client(self, *scopes: str) -> httpx.Client:
        """A client with a token of these scopes; without one when there are none."""
        if scopes not in self.clients:
            said = {"Authorization": f"Bearer {self.token(*scopes)}"} if scopes else {}
            headers = {"Accept-Language": "en", **said}
            limits = httpx.Limits(max_connections=64, max_keepalive_connections=64)
            made = httpx.Client(base_url=self.url, headers=headers, timeout=30, limits=limits)
            made.event_hooks = {"response": [lambda answer: made.cookies.clear()]}  # tests show cookies themselves
            self.clients[scopes] = made
        return self.clients[scopes]

    def post(self, path: str, members: Any, *, key: str | None = None, scopes: tuple[str, ...] = ("record",)) -> Any:
        """The answer to a fact asked for."""
        return self.client(*scopes).post(path, json=members, headers={"Idempotency-Key": key or f"k{next(_keys)}"})

    def record(self, path: str, **members: Any) -> dict[str, Any]:
        """What a fact became; it must."""
        answer = self.post(path, members)
        assert answer.status_code == 201, answer.text
        found = answer.json()
        assert isinstance(found, dict)
        return found


@contextmanager
def serving(database: Database, home: Path, **settings: Any) -> Iterator[Served]:
    """A service on a fresh ledger in that database."""
    made = Settings(home=home, database_url=database.owner_url, schema=database.schema, **settings)
    initialise(made, database, ORIGIN, starter_codes=False)
    with opened(database, made, connections=16) as fenhao:

        @contextmanager
        def opening() -> Iterator[Fenhao]:
            yield fenhao

        codes: dict[str, str] = {}
        app = service(opening, send_code=codes.__setitem__)
        with running(uvicorn.Config(app, log_config=None, access_log=False)) as url:
            served = Served(fenhao, url, app, codes=codes)
            yield served
            for client in served.clients.values():
                client.close()


@contextmanager
def running(config: uvicorn.Config) -> Iterator[str]:
    """The server of that configuration, on a free port; where it is."""
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    deadline = time.monotonic() + 20
    while not server.started and thread.is_alive() and time.monotonic() < deadline:
        time.sleep(0.01)
    try:
        assert server.started, "the service starts"
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(20)
        listening.close()
