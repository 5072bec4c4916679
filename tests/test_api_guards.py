"""`fenhao guards` on the command line: a report, whatever it finds, exits 0; unusable options exit 2."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from api.cli import main
from ledger.database import Database

FILES = {
    "funds": "fund_id,name\nheart,先心病救助\nrural,乡村\n",
    "hospitals": "hospital_id,name\nH1,第一医院\n",
    "cases": "case_id,fund_id,hospital_id\nC1,heart,H1\n",
    "donations": "donation_id,fund_id,amount,received_on,donor_id\nD1,heart,100.00,2026-01-02,P1\n",
    "allocations": "allocation_id,case_id,amount,allocated_on\nA1,C1,80.00,2026-01-05\n",
}


@pytest.fixture
def guards(database: Database, tmp_path: Path) -> Callable[..., Result]:
    """`fenhao guards` on a ledger with one allocation that nobody paid."""
    environment = {
        "FENHAO_HOME": str(tmp_path / "home"),
        "FENHAO_DATABASE_URL": database.owner_url,
        "FENHAO_SCHEMA": database.schema,
        "FENHAO_LANGUAGE": "",
    }

    def run(*arguments: str) -> Result:
        return CliRunner().invoke(main, arguments, env=environment)

    files = []
    for kind, content in FILES.items():
        path = tmp_path / f"{kind}.csv"
        path.write_text(content, "utf-8")
        files.append(f"{kind}={path}")
    assert run("init", "--origin", "example.org/t").exit_code == 0
    assert run("import", *files).exit_code == 0
    return lambda *arguments: run("guards", *arguments)


def test_a_report_is_no_failure_whatever_it_finds(guards: Callable[..., Result]) -> None:
    found = guards("--as-of-today", "2026-02-10")
    assert found.exit_code == 0, found.output
    assert "个案 C1  80.00  已 36 天" in found.stdout
    assert "Case C1  80.00  36 days" in guards("--as-of-today", "2026-02-10", "--lang", "en").stdout
    members = json.loads(guards("--as-of-today", "2026-02-10", "--json").stdout)
    assert (members["today"], members["days"], members["fund"]) == ("2026-02-10", 30, None)
    assert [(each["rule"], each["amount"], each["days"]) for each in members["findings"]] == [
        ("allocated_unpaid", 8_000, 36)
    ]


@pytest.mark.parametrize("options", [("--days", "37"), ("--fund", "rural"), ("--as-of-today", "2026-01-06")])
def test_options_narrow_it_down(guards: Callable[..., Result], options: tuple[str, ...]) -> None:
    found = guards(*options, *(() if "--as-of-today" in options else ("--as-of-today", "2026-02-10")))
    assert found.exit_code == 0, found.output
    assert "没有发现应发未发" in found.stdout


@pytest.mark.parametrize(
    "options", [("--fund", "no-such-fund"), ("--as-of-today", "yesterday"), ("--days", "0"), ("--days", "many")]
)
def test_options_that_cannot_be_used_exit_2(guards: Callable[..., Result], options: tuple[str, ...]) -> None:
    found = guards(*options)
    assert found.exit_code == 2
    assert found.stdout == ""
