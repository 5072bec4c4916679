"""`fenhao checkpoint --every`: signs what comes, waits for a database that goes away, says so once, and goes on."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from conftest import Fenhao, SystemServer, system_server
from test_api_log import give, opened

from api.cli import main
from ledger.times import utc_now


@pytest.fixture
def server() -> Iterator[SystemServer]:
    """A server that a test may stop."""
    with system_server("schedule") as made:
        yield made


def lines_of(process: subprocess.Popen[str]) -> Iterator[Any]:
    """What the process says, as it says it."""
    assert process.stdout is not None
    for line in process.stdout:
        yield json.loads(line)


def test_a_schedule_survives_a_restart_of_the_database(server: SystemServer, tmp_path: Path) -> None:
    environment = {
        "FENHAO_HOME": str(tmp_path / "home"),
        "FENHAO_DATABASE_URL": server.url,
        "FENHAO_LANGUAGE": "en",
        "FENHAO_SCHEMA": "fenhao",
    }

    def fenhao(*arguments: str) -> None:
        done = CliRunner().invoke(main, list(arguments), env=environment)
        assert done.exit_code == 0, done.output

    fenhao("init", "--origin", "example.org/t", "--no-codes")
    with subprocess.Popen(
        [sys.executable, "-m", "api.cli", "checkpoint", "--every", "1", "--json"],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, **environment},
    ) as process:
        try:
            said = lines_of(process)
            assert next(said)["size"] == 1
            server.stop()
            assert next(said).keys() == {"away"}
            server.start()
            fenhao("record", "FundOpened", "fund=F", "name=x")
            assert next(said)["size"] == 2, "told of once, and gone on"
            assert process.poll() is None
        finally:
            process.terminate()


def test_a_schedule_that_cannot_begin_says_why(fenhao: Fenhao) -> None:
    refused = fenhao("checkpoint", "--every", "1")
    assert refused.exit_code == 2
    assert "fenhao init" in refused.stderr


def test_a_schedule_stops_for_evidence(fenhao: Fenhao, monkeypatch: pytest.MonkeyPatch, embedded_url: str) -> None:
    from test_api_log import SET_BACK, as_owner

    opened(fenhao)
    give(fenhao, 2)
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        as_owner(embedded_url, SET_BACK)

    monkeypatch.setattr("api.log_commands.time.sleep", sleep)
    stopped = fenhao("checkpoint", "--every", "5")
    assert stopped.exit_code == 2
    assert "it has 2 entries and had 5" in stopped.stderr
    assert slept == [5]


def test_doctor_tells_how_long_entries_wait_for_a_head(fenhao: Fenhao, monkeypatch: pytest.MonkeyPatch) -> None:
    opened(fenhao)
    assert "no head is signed yet" in fenhao("doctor", "--lang", "en").stdout
    fenhao("checkpoint")
    assert "all 1 entries are signed" in fenhao("doctor", "--lang", "en").stdout
    give(fenhao, 1)
    waiting = fenhao("doctor", "--lang", "en")
    assert waiting.exit_code == 0
    assert "waited 0 h" in waiting.stdout
    later = utc_now() + timedelta(hours=30)
    monkeypatch.setattr("api.doctor.utc_now", lambda: later)
    late = fenhao("doctor", "--lang", "en")
    assert late.exit_code == 1
    assert "waited 30 h: run fenhao checkpoint" in late.stdout
