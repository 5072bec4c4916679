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
from pathlib import Path
from typing import Any

import httpx
import uvicorn

from api.bootstrap import Fenhao, initialise, opened
from api.http.app import service
from api.http.tokens import Tokens
from api.settings import Settings
from ledger.database import Database

ORIGIN = "ledger.example.org/test"
_keys = itertools.count(1)


@dataclass
class Served:
    """A running service: its parts, where it is, and tokens by scope."""

    fenhao: Fenhao
    url: str
    tokens: dict[str, str] = field(default_factory=dict)
    clients: dict[tuple[str, ...], httpx.Client] = field(default_factory=dict)

    def token(self, *scopes: str) -> str:
        """A token with these scopes."""
        name = "-".join(scopes)
        if name not in self.tokens:
            self.tokens[name] = Tokens(self.fenhao.journal, os.urandom).issue(name, scopes, 1)[0]
        return self.tokens[name]

    def client(self, *scopes: str) -> httpx.Client:
        """A client with a token of these scopes; without one when there are none."""
        if scopes not in self.clients:
            said = {"Authorization": f"Bearer {self.token(*scopes)}"} if scopes else {}
            headers = {"Accept-Language": "en", **said}
            limits = httpx.Limits(max_connections=64, max_keepalive_connections=64)
            self.clients[scopes] = httpx.Client(base_url=self.url, headers=headers, timeout=30, limits=limits)
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

        with running(uvicorn.Config(service(opening), log_config=None, access_log=False)) as url:
            served = Served(fenhao, url)
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
