"""Running the service: it says how it is, counts, logs without anybody's data, and stops without losing anything."""

from __future__ import annotations

import io
import json
import logging
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from serving import PASSWORD, Served

from api.bench_client import answers, request
from api.bootstrap import log_of
from api.http.chores import hear_signals
from api.http.watching import JsonLines

DAY = "2026-01-02"
NAME, PHONE, CHILD = "欧阳慕容雪", "13800138000", "上官婉清儿"


@pytest.fixture
def logs() -> Iterator[io.StringIO]:
    """What is logged meanwhile, as the service would write it."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines())
    handler.addFilter(lambda record: record.name != "httpx")  # the client's own
    root, level = logging.getLogger(), logging.getLogger().level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    yield stream
    root.removeHandler(handler)
    root.setLevel(level)


def test_it_says_that_it_is_alive_and_ready(served: Served) -> None:
    assert served.client().get("/healthz").json() == {"alive": True}
    assert served.client().get("/readyz").json() == {"ready": True}
    served.office.stopping.set()
    try:
        assert served.client().get("/readyz").status_code == 503
        assert served.client().get("/healthz").status_code == 200
    finally:
        served.office.stopping.clear()


def test_it_counts_requests_refusals_and_how_the_ledger_stands(served: Served) -> None:
    served.post("/v1/donations", {"donation": "X"})
    served.client().get("/nowhere")
    log_of(served.fenhao).publish()
    answer = served.client("metrics").get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    figures = dict(re.findall(r"^([^#\s]\S*) (\S+)$", answer.text, re.MULTILINE))
    assert int(figures["fenhao_entries"]) == served.fenhao.journal.entries.head().size
    assert int(figures["fenhao_views_lag_entries"]) >= 0
    assert 0 <= int(figures["fenhao_checkpoint_age_seconds"]) < 600
    assert int(figures['fenhao_requests_total{method="POST",route="/v1/donations",status="422"}']) >= 1
    assert int(figures['fenhao_refusals_total{kind="bad_members"}']) >= 1
    assert int(figures['fenhao_requests_total{method="GET",route="-",status="404"}']) >= 1
    last = figures['fenhao_request_seconds_bucket{route="/v1/donations",le="+Inf"}']
    assert last == figures['fenhao_request_seconds_count{route="/v1/donations"}']


def test_personal_values_are_nowhere_but_where_they_are_opened_and_that_is_noted(
    served: Served, logs: io.StringIO
) -> None:
    heard: list[str] = []

    def ask(method: str, path: str, headers: dict[str, str], **more: Any) -> httpx.Response:
        answer = served.client().request(method, path, headers={"Idempotency-Key": path, **headers}, **more)
        heard.append(f"{answer.headers}{answer.text}")
        return answer

    finance, programme = served.signed_in("finance", name="fin"), served.signed_in("programme", name="pro")
    auditor = served.signed_in("auditor", name="aud")
    gift = {"donation": "PD", "donor": "PN", "fund": "F", "amount": 100, "on": DAY}
    assert ask("POST", "/v1/donations", finance, json={**gift, "personal": {"donor_name": NAME}}).status_code == 201
    case = {"case": "PC", "fund": "F", "hospital": "H", "person": "PP", "personal": {"beneficiary_name": CHILD}}
    assert ask("POST", "/v1/cases", programme, json=case).status_code == 201
    ask("POST", "/v1/donations", finance, json={**gift, "donation": PHONE, "donor": PHONE})
    ask("POST", "/v1/donations", finance, json={**gift, "amount": NAME})
    ask("POST", "/v1/donations", finance, json={**gift, "personal": {NAME: CHILD}})
    ask("POST", "/v1/donations", finance, json={**gift, "personal": NAME})
    ask("POST", "/v1/session", {}, json={"name": NAME, "password": PASSWORD})
    ask("POST", "/v1/session/new-code", {}, json={"contact": PHONE})
    for path in ("/v1/donors/PN/ledger", "/v1/cases/PC/trace", "/v1/entries", "/v1/flows", "/v1/balances"):
        ask("GET", path, auditor, params={"limit": 1000} if path != "/v1/flows" else None)
    heard = [one for one in heard if NAME not in one or '"name"' not in one]
    assert ask("GET", "/metrics", served.signed_in("admin", name="adm")).status_code == 200
    for value in (NAME, PHONE, CHILD, PASSWORD):
        assert not [one for one in heard if value in one], value
        assert value not in logs.getvalue()
    opening = {"stream": "case/PC", "reason": "visit"}
    assert ask("POST", "/v1/personal-openings", auditor, json=opening).status_code == 403
    assert ask("POST", "/v1/personal-openings", finance, json=opening).status_code == 403
    opened = ask("POST", "/v1/personal-openings", programme, json=opening)
    assert opened.json()["openings"][0]["value"] == CHILD
    assert opened.headers["cache-control"] == "no-store"
    assert CHILD not in logs.getvalue()
    noted = ask("GET", "/v1/personal-accesses", auditor, params={"stream": "case/PC"}).json()["accesses"]
    assert [(one["by"], one["reason"]) for one in noted] == [("pro", "visit")]


def test_a_line_of_the_log_is_json_and_says_who_asked_for_which_route(served: Served, logs: io.StringIO) -> None:
    request = served.client("read").get("/v1/donors/SECRET/ledger").headers["x-request-id"]
    served.client().get("/v1/donors/SECRET/ledger", headers=served.donor("SECRET"))
    for _ in range(50):
        lines = [json.loads(line) for line in logs.getvalue().splitlines()]
        told = [line for line in lines if line.get("route") == "/v1/donors/{id}/ledger"]
        if len(told) == 2:
            break
        time.sleep(0.05)
    assert [line["who"] for line in told] == ["token:read", "donor"]
    assert told[0]["request"] == request
    assert (told[0]["status"], told[0]["refused"]) == (404, "unknown_reference")
    assert "SECRET" not in logs.getvalue()


def test_what_an_exception_says_is_not_logged(logs: io.StringIO) -> None:
    try:
        raise ValueError(NAME)
    except ValueError:
        logging.getLogger("x").exception("failed")
    line = json.loads(logs.getvalue())
    assert line["error"] == "ValueError"
    assert NAME not in logs.getvalue()
    assert "test_http_operations.py" in line["from"][0]


@pytest.fixture
def process(embedded_url: str, fenhao: Any, tmp_path: Path, request: pytest.FixtureRequest) -> dict[str, str]:
    """The environment of a ledger for `fenhao serve` as a process of its own, with the text of a token."""
    assert fenhao("init", "--origin", "ledger.example.org/ops", "--no-codes").exit_code == 0
    issued = fenhao("token", "issue", "ops", "--scope", "record", "--scope", "log", "--json")
    return {
        **os.environ,
        "FENHAO_HOME": str(tmp_path / "home"),
        "FENHAO_DATABASE_URL": embedded_url,
        "FENHAO_SCHEMA": f"cli_{abs(hash(request.node.name)) % 10**8}",
        "FENHAO_SIGN_EVERY": "1",
        "TOKEN": json.loads(issued.output)["token"],
    }


def started(environment: dict[str, str], *options: str) -> tuple[subprocess.Popen[bytes], httpx.Client]:
    """`fenhao serve` as a process, once it is ready."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    code = "from api.cli import main; main()"
    command = [sys.executable, "-c", code, "serve", "--port", str(port), *options]
    process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL)
    token = {"Authorization": f"Bearer {environment['TOKEN']}"}
    client = httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=token, timeout=30)
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline:
        try:
            if client.get("/readyz").status_code == 200:
                return process, client
        except httpx.TransportError:
            pass
        assert process.poll() is None, "the service runs"
        time.sleep(0.1)
    raise AssertionError("the service is not ready in time")


@pytest.mark.parametrize("workers", ["1", "2"])
def test_told_to_stop_it_ends_streams_and_loses_nothing(process: dict[str, str], workers: str) -> None:
    running, client = started(process, "--workers", workers)
    try:
        fund = client.post("/v1/funds", json={"fund": "F", "name": "f"}, headers={"Idempotency-Key": "f"})
        assert fund.status_code == 201
        with client.stream("GET", "/v1/entries/stream", params={"after": -1}) as stream:
            lines = stream.iter_lines()
            assert next(line for line in lines if line.startswith("id")) == "id: 0"
            running.send_signal(signal.SIGTERM)
            began = time.monotonic()
            list(lines)
        _, said = running.communicate(timeout=30)
        assert time.monotonic() - began < 15
        assert b"Traceback" not in said
        assert all(json.loads(line) for line in said.splitlines() if line.startswith(b"{"))
    finally:
        running.kill()
        client.close()


@pytest.mark.parametrize(("workers", "moment"), [("1", "begun"), ("1", "said"), ("2", "said")])
def test_told_to_stop_while_it_starts_it_stops(process: dict[str, str], workers: str, moment: str) -> None:
    command = [sys.executable, "-c", "from api.cli import main; main()", "serve", "--port", "0", "--workers", workers]
    with subprocess.Popen(command, env=process, stderr=subprocess.PIPE, stdout=subprocess.PIPE) as running:
        assert running.stdout is not None
        if moment == "said":
            running.stdout.readline()  # where it will serve; from here on the server is being loaded
        else:
            time.sleep(0.3)
        running.send_signal(signal.SIGTERM)
        _, said = running.communicate(timeout=60)
    assert running.returncode in (0, 128 + signal.SIGTERM, -signal.SIGTERM)
    assert b"Traceback" not in said


def test_a_signal_that_was_lost_while_it_started_is_heard_again() -> None:
    heard: list[int] = []
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        signal.signal(signal.SIGTERM, lambda number, frame: heard.append(number))
        stop = threading.Event()
        hear_signals(stop)
        assert heard == []
        signal.raise_signal(signal.SIGTERM)
        assert (stop.is_set(), heard) == (True, [signal.SIGTERM])
        hear_signals(stop)  # the server comes later, and listens then
        assert heard == [signal.SIGTERM] * 2
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def test_what_was_acknowledged_is_there_after_a_kill(process: dict[str, str]) -> None:
    running, client = started(process)
    client.post("/v1/funds", json={"fund": "F", "name": "f", "fee_bp": 0}, headers={"Idempotency-Key": "f"})
    gift = {"fund": "F", "amount": 1, "on": DAY}
    token, names = process["TOKEN"], [f"D{n}" for n in range(400)]
    asked = [request("POST", "/v1/donations", token, {**gift, "donation": name}, name) for name in names]
    acknowledged = {}
    for answer in answers(client.base_url.port or 0, asked):  # thirty-two at once
        assert answer.status == 201
        acknowledged[answer.number] = json.loads(answer.body)["leaf"]
        if len(acknowledged) == 100:
            running.kill()
    running.communicate()
    client.close()
    assert 100 <= len(acknowledged) < 400
    again, client = started(process)
    try:
        port = client.base_url.port or 0
        for answer in answers(port, [asked[number] for number in acknowledged]):
            leaf = list(acknowledged.values())[answer.number]
            assert (answer.status, json.loads(answer.body)["leaf"]) == (200, leaf)
        for _ in range(100):
            if client.get("/log/checkpoint").status_code == 200:
                break
            time.sleep(0.1)
        assert client.get("/log/checkpoint").text.startswith("ledger.example.org/ops\n")
    finally:
        again.terminate()
        again.communicate(timeout=30)
        client.close()
