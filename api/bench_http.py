"""`fenhao bench http`: how fast the service records and answers, beside its own answers to nothing.

The service is a process of its own, as it is when it serves; 32 connections ask it at once. Its yardstick is its rate
on an endpoint that does nothing but let the asker in, by the same token, in the same round. At the end it is killed
while it records, and what it had acknowledged is looked for. Everything happens in a schema and a folder of the bench's
own, both removed at the end.
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
from contextlib import contextmanager
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import psutil

from api.bench_audit import Figure, Result
from api.bench_client import CONNECTIONS, answers, request
from api.bootstrap import Fenhao, initialise, opened
from api.http.tokens import Tokens
from api.settings import Settings
from ledger.database import Database, connecting
from ledger.decisions import OpenFund, ReceiveDonation
from ledger.times import parse_day

BATCH = 2_000
START_S = 60
SEED = 20260101
DAY = parse_day("2026-01-02", "on")

Note = Callable[[str, str], None]


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
        posts = min(gifts, BATCH)
        with _serving(settings, token) as (server, port):
            figures = _measured(port, token, donor, posts, rounds, note)
            note("在登记中途结束进程（kill -9）", "killing the server while it records")
            acknowledged = _until_killed(server, port, [_gift(token, rounds, i) for i in range(posts)])
        with opened(database, settings) as fenhao:
            lost = sum(fenhao.journal.entries.read(seq, 1)[0].leaf.hex() != leaf for seq, leaf in acknowledged)
        figures["acknowledged"] = Figure(
            "kill -9 之前已确认的登记", "acknowledged before kill -9", len(acknowledged), "gifts"
        )
        figures["lost"] = Figure("其中丢失的", "of these lost", lost, "gifts", 0, at_most=True)
        return Result(figures)


def _measured(port: int, token: str, donor: str, posts: int, rounds: int, note: Note) -> dict[str, Figure]:
    empty, posted, ratios, slowest = [], [], [], []
    before = psutil.cpu_times()
    for n in range(rounds):
        note(f"第 {n + 1} 轮，共 {rounds} 轮", f"round {n + 1} of {rounds}")
        empty.append(posts / _asked(port, [request("GET", "/healthz", token)] * posts)[0])
        took_s, each_ms = _asked(port, [_gift(token, n, i) for i in range(posts)])
        posted.append(posts / took_s)
        ratios.append(posted[-1] / empty[-1])
        slowest.append(statistics.quantiles(each_ms, n=100)[98])
    taken = _taken_away(before, psutil.cpu_times())
    ledger = _alone(port, request("GET", f"/v1/donors/{donor}/ledger", token), 30)
    cold = _alone(port, request("GET", "/v1/flows", None), 1)
    cached = _alone(port, request("GET", "/v1/flows", None), 30)
    return {
        "empty": Figure("空的已认证端点", "an empty endpoint, authenticated", statistics.median(empty), "/s"),
        "posted": Figure("登记捐赠，32 个连接", "gifts posted, 32 connections", statistics.median(posted), "/s"),
        "ratio": Figure("两者之比", "the one over the other", statistics.median(ratios), "×", 0.5),
        "p99": Figure(
            "登记的第 99 百分位", "99th percentile of posting", statistics.median(slowest), "ms", 100, at_most=True
        ),
        "taken_away": Figure("其间宿主机占走的处理器时间", "processors' time that the host took", taken, "%"),
        "ledger": Figure("一位捐赠人的台账", "a donor's ledger", ledger, "ms", 50, at_most=True),
        "flows_cold": Figure("公开流向，首次", "public flows, cold", cold, "ms", 100, at_most=True),
        "flows_cached": Figure("公开流向，其后", "public flows, cached", cached, "ms", 5, at_most=True),
    }


def _taken_away(before: Any, after: Any) -> float:
    """What of a virtual machine's time its host gave to others, in percent: what was slow then was not the service."""
    spent = sum(after) - sum(before)
    stolen = getattr(after, "steal", 0.0) - getattr(before, "steal", 0.0)
    return float(100 * stolen / max(spent, 0.01))


def _asked(port: int, requests: Sequence[bytes], connections: int = CONNECTIONS) -> tuple[float, list[float]]:
    """How long all took, in seconds, and each, in milliseconds. All are answered, and well."""
    began = time.perf_counter()
    each = []
    for answer in answers(port, requests, connections):
        assert answer.status in (200, 201), answer.body
        each.append(answer.took_ms)
    assert len(each) == len(requests), "the service goes on"
    return time.perf_counter() - began, each


def _alone(port: int, request: bytes, times: int) -> float:
    """The median time of one asker's question, in milliseconds."""
    return statistics.median(_asked(port, [request] * times, 1)[1])


def _until_killed(server: subprocess.Popen[bytes], port: int, requests: Sequence[bytes]) -> list[tuple[int, str]]:
    """The seq and leaf hash of each that was acknowledged by a server that is killed half way, without a warning."""
    said = []
    for answer in answers(port, requests):
        assert answer.status == 201, answer.body
        entry = json.loads(answer.body)
        said.append((entry["seq"], entry["leaf"]))
        if len(said) == len(requests) // 2:
            server.kill()
    server.wait()
    return said


def _gift(token: str, n: int, i: int) -> bytes:
    gift = {"donation": f"B{n}-{i}", "fund": "F", "amount": 1_000 + i, "on": DAY.isoformat(), "donor": f"N{i % 500}"}
    return request("POST", "/v1/donations", token, gift, f"{n}-{i}")


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
def _serving(settings: Settings, token: str) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """`fenhao serve` as a process of its own, and its port."""
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
            yield process, port
        finally:
            process.terminate()


def _await(port: int, token: str) -> None:
    deadline = time.monotonic() + START_S
    while True:
        try:
            _alone(port, request("GET", "/readyz", token), 1)
        except (OSError, AssertionError):
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
