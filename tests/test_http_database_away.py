"""The database stops under a running service: everybody is told so, soon and in words; then all goes on."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator

import httpx
import pytest
from conftest import SystemServer, system_server
from serving import Served, serving

from api.bootstrap import log_of
from ledger.database import Database, migrate
from reports.verification import verify_ledger

PAGE = {"Accept": "text/html", "Accept-Language": "zh"}
GIFT = {"donation": "D1", "donor": "N", "fund": "F", "amount": 5, "on": "2026-01-02"}
SOON_S = 4.0
"""Half a second of trying, and what a machine with other work to do adds to it."""


@pytest.fixture(scope="module")
def server() -> Iterator[SystemServer]:
    """A server of these tests' own, which they stop."""
    with system_server("away") as running:
        yield running


@pytest.fixture(scope="module")
def away(server: SystemServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A service that has recorded, signed and shown something; then its database stops."""
    home = tmp_path_factory.mktemp("away")
    database = Database(server.url)  # the server ends with these tests, and all that is on it
    migrate(database)
    with serving(database, home, sign_every="1") as served:
        served.record("/v1/funds", fund="F", name="fund", fee_bp=0)
        served.record("/v1/donations", **{**GIFT, "donation": "D0"})
        served.signed_in("finance")
        served.token("record", "read")
        log_of(served.fenhao).publish()
        served.fenhao.runner.wait_for(2, 20)
        assert served.client().get("/readyz").status_code == 200
        assert served.client().get("/", headers=PAGE).status_code == 200
        server.stop()
        yield served


def timed(served: Served, method: str, path: str, headers: dict[str, str], **more: object) -> httpx.Response:
    """The answer, which must come soon."""
    began_s = time.monotonic()
    answer = served.client().request(method, path, headers=headers, **more)  # type: ignore[arg-type]  # handed on
    assert time.monotonic() - began_s < SOON_S, (method, path)
    return answer


def test_whoever_asks_is_told_soon_and_nothing_of_the_server(away: Served, server: SystemServer) -> None:
    signed_in, token = away.signed_in("finance"), {"Authorization": f"Bearer {away.token('record', 'read')}"}
    asked = [
        ("GET", "/readyz", {}, None), ("GET", "/v1/funds/F", token, None), ("GET", "/v1/flows", {}, None),
        ("POST", "/v1/donations", {**token, "Idempotency-Key": "d1"}, GIFT),
        ("POST", "/v1/session", {}, {"name": "finance", "password": "x" * 12}),
        ("GET", "/finance", {**PAGE, **signed_in}, None),
        ("GET", "/finance", {**PAGE, **signed_in, "HX-Request": "true"}, None),
    ]  # fmt: skip
    for _ in range(2):  # at first there are connections that turn out to be dead, then none
        for method, path, headers, body in asked:
            answer = timed(away, method, path, headers, json=body)
            assert (answer.status_code, answer.headers["retry-after"]) == (503, "2"), (method, path)
            for hidden in ("connection", "postgres", str(server.folder), "：-", ": -"):
                assert hidden not in answer.text, (method, path)
            if "Accept" in headers:
                assert "数据库暂时无法使用，请稍后再试" in answer.text
                assert ("<html" in answer.text) == ("HX-Request" not in headers)
            else:
                assert answer.json()["type"] in ("urn:fenhao:problem:database", "urn:fenhao:problem:outcome_unknown")


def test_what_needs_no_database_goes_on(away: Served) -> None:
    for path in ("/healthz", "/log/checkpoint", "/log/tile/0/000.p/2", "/openapi.json", "/sign-in"):
        assert timed(away, "GET", path, PAGE).status_code in (200, 404), path
    assert timed(away, "GET", "/log/checkpoint", {}).text.startswith("ledger.example.org/test\n")


def test_all_goes_on_once_it_is_back_and_nothing_is_recorded_twice(
    away: Served, server: SystemServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.ERROR)
    server.start()
    for _ in range(40):
        if timed(away, "GET", "/readyz", {}).status_code == 200:
            break
        time.sleep(0.25)
    made = away.post("/v1/donations", GIFT, key="d1", scopes=("record", "read"))
    assert made.status_code in (200, 201), made.text
    seq = made.json()["seq"]
    token = ("record", "read")
    for _ in range(3):
        ledger = away.client(*token).get("/v1/donors/N/ledger", params={"after_seq": seq})
        if ledger.status_code == 200:
            break
    assert ledger.json()["given"] == 10
    assert away.post("/v1/donations", GIFT, key="d1", scopes=token).json()["seq"] == seq
    for _ in range(60):  # the chores rest for five seconds after each fault
        if int(away.client().get("/log/checkpoint").text.split("\n")[1]) > seq:
            break
        time.sleep(0.25)
    assert int(away.client().get("/log/checkpoint").text.split("\n")[1]) == seq + 1
    assert verify_ledger(away.fenhao.journal, away.fenhao.runner).ok
    assert [one for one in caplog.records if one.levelno >= logging.ERROR] == []
