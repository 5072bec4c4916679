"""`fenhao bench http`: how fast the service records and answers, beside its own answers to nothing.

The service is a process of its own, as it is when it serves; 32 connections ask it at once. Its yardstick is its rate
on an endpoint that does nothing but let the asker in, in the same round. Everything happens in a schema and a folder of
the bench's own, both removed at the end.
"""

from __future__ import annotations

import json
import os
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from api.bench_audit import Figure, Result
from api.bootstrap import Fenhao, initialise, opened
from api.http.tokens import Tokens
from api.settings import Settings
from ledger.database import Database, connecting
from ledger.decisions import OpenFund, ReceiveDonation
from ledger.times import parse_day

CONNECTIONS = 32
BATCH = 2_000
START_S = 60
SEED = 20260101
DAY = parse_day("2026-01-02", "on")

Note = Callable[[str, str], None]
Ask = tuple[str, str, bytes | None, str]
"""Method, path, body, idempotency key."""


def bench_http(place: Database, gifts: int, rounds: int, note: Note) -> Result:
    """Measures a ledger of `gifts` gifts; each round posts at most 2,000 more. Raises DatabaseFault."""
    schema = f"bench_{os.getpid()}_http"
    with TemporaryDirectory(prefix="bench-http-") as folder, _dropped(place, schema):
        settings = Settings(home=Path(folder), database_url=place.owner_url, schema=schema)
        database = Database(place.owner_url, schema=schema)
        initialise(settings, database, "bench.example.org", starter_codes=False)
        with opened(database, settings) as fenhao:
            note(f"登记 {gifts} 笔捐赠", f"recording {gifts} gifts")
            donor = _fill(fenhao, gifts)
            token, _ = Tokens(fenhao.journal, os.urandom).issue("bench", ["record", "read"], 1)
        with _serving(settings, token) as port:
            return _measured(port, token, donor, min(gifts, BATCH), rounds, note)


def _measured(port: int, token: str, donor: str, posts: int, rounds: int, note: Note) -> Result:
    empty, posted, ratios, slowest = [], [], [], []
    for n in range(rounds):
        note(f"第 {n + 1} 轮，共 {rounds} 轮", f"round {n + 1} of {rounds}")
        empty.append(posts / _asked(port, token, [("GET", "/healthz", None, "")] * posts)[0])
        took_s, each_ms = _asked(port, token, [_gift(n, i) for i in range(posts)])
        posted.append(posts / took_s)
        ratios.append(posted[-1] / empty[-1])
        slowest.append(statistics.quantiles(each_ms, n=100)[98])
    ledger = _alone(port, token, f"/v1/donors/{donor}/ledger", 30)
    cold = _alone(port, None, "/v1/flows", 1)
    cached = _alone(port, None, "/v1/flows", 30)
    return Result(
        {
            "empty": Figure("空的已认证端点", "an empty endpoint, authenticated", statistics.median(empty), "/s"),
            "posted": Figure("登记捐赠，32 个连接", "gifts posted, 32 connections", statistics.median(posted), "/s"),
            "ratio": Figure("两者之比", "the one over the other", statistics.median(ratios), "×", 0.5),
            "p99": Figure(
                "登记的第 99 百分位", "99th percentile of posting", statistics.median(slowest), "ms", 100, at_most=True
            ),
            "ledger": Figure("一位捐赠人的台账", "a donor's ledger", ledger, "ms", 50, at_most=True),
            "flows_cold": Figure("公开流向，首次", "public flows, cold", cold, "ms", 100, at_most=True),
            "flows_cached": Figure("公开流向，其后", "public flows, cached", cached, "ms", 5, at_most=True),
        }
    )


def _asked(port: int, token: str, asks: Sequence[Ask]) -> tuple[float, list[float]]:
    """How long all took, in seconds, over 32 connections, and each, in milliseconds."""

    def some(first: int) -> list[float]:
        connection = HTTPConnection("127.0.0.1", port, timeout=60)
        took = []
        for ask in asks[first::CONNECTIONS]:
            began = time.perf_counter()
            _answer(connection, token, ask)
            took.append(1000 * (time.perf_counter() - began))
        connection.close()
        return took

    began = time.perf_counter()
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        each = [one for took in pool.map(some, range(CONNECTIONS)) for one in took]
    return time.perf_counter() - began, each


def _alone(port: int, token: str | None, path: str, times: int) -> float:
    """The median time of one asker's question, in milliseconds."""
    connection = HTTPConnection("127.0.0.1", port, timeout=600)
    took = []
    for _ in range(times):
        began = time.perf_counter()
        _answer(connection, token, ("GET", path, None, ""))
        took.append(1000 * (time.perf_counter() - began))
    connection.close()
    return statistics.median(took)


def _answer(connection: HTTPConnection, token: str | None, ask: Ask) -> None:
    method, path, body, key = ask
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    if body is not None:
        headers |= {"Idempotency-Key": key, "Content-Type": "application/json"}
    connection.request(method, path, body, headers)
    answer = connection.getresponse()
    said = answer.read()
    assert answer.status in (200, 201), said


def _gift(n: int, i: int) -> Ask:
    gift = {"donation": f"B{n}-{i}", "fund": "F", "amount": 1_000 + i, "on": DAY.isoformat(), "donor": f"N{i % 500}"}
    return "POST", "/v1/donations", json.dumps(gift).encode(), f"{n}-{i}"


def _fill(fenhao: Fenhao, gifts: int) -> str:
    """Records so many gifts of a third as many donors, and folds them; one of the donors."""
    random = Random(SEED)  # noqa: S311 - sample data, no secret
    fenhao.writer.submit(OpenFund(key="F", fund="F", name="F", fee_bp=0))
    donors = gifts // 3 + 1
    for first in range(0, gifts, BATCH):
        fenhao.writer.submit_batch(
            [
                ReceiveDonation(
                    key=f"G{i}",
                    donation=f"G{i}",
                    fund="F",
                    amount=int(100 * random.paretovariate(1.2)),
                    on=DAY,
                    donor=f"P{random.randrange(donors)}",
                )
                for i in range(first, min(first + BATCH, gifts))
            ]
        )
    fenhao.runner.catch_up()
    one = fenhao.journal.entries.read(2, 5)
    return str(next(entry.data["donor"] for entry in one if "donor" in entry.data))


@contextmanager
def _serving(settings: Settings, token: str) -> Iterator[int]:
    """`fenhao serve` as a process of its own; its port."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = int(free.getsockname()[1])
    environment = {
        **os.environ,
        "FENHAO_HOME": str(settings.home),
        "FENHAO_DATABASE_URL": str(settings.database_url),
        "FENHAO_SCHEMA": settings.schema,
    }
    command = [sys.executable, "-c", "from api.cli import main; main()", "serve", "--port", str(port)]
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            _await(port, token)
            yield port
        finally:
            process.terminate()


def _await(port: int, token: str) -> None:
    deadline = time.monotonic() + START_S
    while True:
        try:
            _alone(port, token, "/readyz", 1)
        except (OSError, HTTPException, AssertionError):
            assert time.monotonic() < deadline, "the service is ready in time"
            time.sleep(0.1)
        else:
            return


@contextmanager
def _dropped(place: Database, schema: str) -> Iterator[None]:
    """The schema is gone afterwards, with the role that the migration made for it."""
    try:
        yield
    finally:
        with connecting(place.owner_url) as connection:
            role = Database(place.owner_url, schema=schema).role
            connection.execute(f"drop schema if exists {schema} cascade")
            connection.execute(f"drop owned by {role}; drop role {role}")
