"""The command line: exit codes, JSON for programs, and one clear sentence in two languages when something is wrong."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from click.testing import CliRunner, Result
from conftest import Fenhao

from api import sankey_command
from api.bootstrap import starter_dictionary
from api.cli import main
from ledger.database import connecting
from projections import flows

OPENED = 1 + len(starter_dictionary())
"""How many entries a ledger has once it is open."""


@pytest.fixture
def files(tmp_path: Path) -> Callable[..., list[str]]:
    """Writes CSV files and gives the import's arguments."""

    def write(**texts: str) -> list[str]:
        arguments = []
        for kind, text in texts.items():
            path = tmp_path / f"{kind}.csv"
            path.write_text(text, "utf-8")
            arguments.append(f"{kind.replace('_', '-')}={path}")
        return arguments

    return write


SMALL = {
    "funds": "fund_id,name,fee_rate\nheart,先心病救助,0.05\n",
    "hospitals": "hospital_id,name\nH1,第一医院\n",
    "cases": "case_id,fund_id,hospital_id,disease,province\nC1,heart,H1,VSD,410000\n",
    "donations": "donation_id,fund_id,amount,received_on,donor_id\nD1,heart,100.00,2026-01-02,P1\n"
    "D2,heart,50.00,2026-01-03,P2\n",
    "allocations": "allocation_id,case_id,amount,allocated_on\nA1,C1,120.00,2026-01-05\n",
    "hospital_payments": "payment_id,hospital_id,paid_on,case_id,amount\nPAY1,H1,2026-01-06,C1,120.00\n",
    "disbursements": "disbursement_id,case_id,amount,disbursed_on,kind,hospital_id\n"
    "S1,C1,110.00,2026-01-09,treatment,H1\n",
}


def _json(result: Result) -> Any:
    return json.loads(result.stdout.strip().splitlines()[-1])


def test_a_whole_story_runs_from_init_to_verify(fenhao: Fenhao, files: Callable[..., list[str]]) -> None:
    assert fenhao("init", "--origin", "example.org/t").exit_code == 0
    imported = fenhao("import", *files(**SMALL), "--json")
    assert imported.exit_code == 0, imported.output
    assert _json(imported)["kinds"]["donations"] == {
        "read": 2,
        "recorded": 2,
        "already": 0,
        "rejected": 0,
        "amount": 15_000,
    }
    again = fenhao("import", *files(**SMALL), "--json")
    assert _json(again)["kinds"]["donations"] == {"read": 2, "recorded": 0, "already": 2, "rejected": 0, "amount": 0}
    donor = _json(fenhao("trace", "donor", "P1", "--json"))
    assert donor["given"] == 10_000
    assert donor["by_place"] == {"fee/heart": 500, "used/H1/C1": 9_500}
    case = _json(fenhao("trace", "case", "C1", "--json"))
    assert {name: case[name] for name in ("allocated", "paid", "used", "returned")} == {
        "allocated": 12_000,
        "paid": 1_000,
        "used": 11_000,
        "returned": 0,
    }
    assert [(d["donor"], d["amount"], d["ranges"]) for d in case["donors"]] == [
        ("P1", 9_500, ["t1:0-9500"]),
        ("P2", 2_500, ["t1:9500-12000"]),
    ]
    verified = fenhao("verify", "--json")
    assert verified.exit_code == 0
    assert _json(verified)["problems"] == []
    assert _json(verified)["entries"] == OPENED + 3 + 2 + 2 + 3


@pytest.mark.parametrize("noun", ["donation D1", "hospital H1", "fund heart", "serial t1:0", "donor P1", "case C1"])
@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_trace_can_be_read_by_a_person(
    fenhao: Fenhao, files: Callable[..., list[str]], noun: str, language: str
) -> None:
    fenhao("init", "--origin", "example.org/t")
    fenhao("import", *files(**SMALL))
    result = fenhao("trace", *noun.split(), "--lang", language)
    assert result.exit_code == 0, result.output
    assert "95.00" in result.stdout or "120.00" in result.stdout or "t1" in result.stdout
    assert any("\u4e00" <= c <= "\u9fff" for c in result.stdout) or language == "en"


def test_jsonl_gives_each_item_a_line(fenhao: Fenhao, files: Callable[..., list[str]]) -> None:
    fenhao("init", "--origin", "example.org/t")
    fenhao("import", *files(**SMALL))
    lines = [json.loads(line) for line in fenhao("trace", "donor", "P1", "--jsonl").stdout.splitlines()]
    assert lines[0]["given"] == 10_000
    assert sum(line["flows"]["amount"] for line in lines if "flows" in line) == 10_000


def test_one_can_look_back_to_a_day(fenhao: Fenhao, files: Callable[..., list[str]]) -> None:
    fenhao("init", "--origin", "example.org/t")
    fenhao("import", *files(**SMALL))
    back = ("trace", "case", "C1", "--as-of", "2026-01-06")
    case = _json(fenhao(*back, "--json"))
    assert [case[name] for name in ("allocated", "paid", "used", "returned")] == [12_000, 12_000, 0, 0]
    assert [one["amount"] for one in case["donors"]] == [9_500, 2_500]
    lines = [json.loads(line) for line in fenhao(*back, "--jsonl").stdout.splitlines()]
    assert [line["donors"] for line in lines[1:]] == case["donors"]
    assert fenhao(*back).stdout.startswith("个案 C1（记账日期截至 2026-01-06）\n")
    assert _json(fenhao("trace", "donor", "P1", "--as-of", "2026-01-04", "--json"))["by_place"] == {
        "fee/heart": 500,
        "fund/heart": 9_500,
    }
    nobody = fenhao("trace", "donor", "P2", "--as-of", "2026-01-02")
    assert (nobody.exit_code, "on that day" in nobody.stderr) == (2, True)


def test_one_can_look_back_to_what_was_known(fenhao: Fenhao, files: Callable[..., list[str]]) -> None:
    fenhao("init", "--origin", "example.org/t")
    fenhao("import", *files(**SMALL))
    then = datetime.now(UTC)
    late = "donation_id,fund_id,amount,received_on,donor_id\nD3,heart,70.00,2026-01-02,P1\n"
    fenhao("import", *files(donations=late))

    def given(*bounds: str) -> int:
        return int(_json(fenhao("trace", "donor", "P1", *bounds, "--json"))["given"])

    known = ("--known-at", then.isoformat())
    assert (given(), given("--as-of", "2026-01-02"), given(*known)) == (17_000, 17_000, 10_000)
    assert given(*known, "--as-of", "2026-01-02") == 10_000
    today = then.astimezone(ZoneInfo("Asia/Shanghai"))
    assert given("--known-at", (today + timedelta(days=1)).date().isoformat()) == 17_000
    local = today.replace(tzinfo=None).isoformat(sep=" ")
    assert given("--known-at", local) == 10_000
    english = fenhao("trace", "serial", "t1:0", "--known-at", local, "--as-of", "2026-01-05", "--lang", "en").stdout
    assert english.startswith(f"Serial t1:0 (as of 2026-01-05, as known at {local}+08:00)\n")
    assert fenhao("trace", "donor", "P1", "--known-at", "2020-01-01").exit_code == 2


def test_balances_are_told_of_all_funds_or_one_now_or_then(fenhao: Fenhao, files: Callable[..., list[str]]) -> None:
    fenhao("init", "--origin", "example.org/t")
    fenhao("import", *files(**SMALL))
    now = _json(fenhao("balances", "--json"))
    assert {name: amount for name, amount in now.items() if amount and name != "funds"} == {
        "received": 15_000,
        "available": 2_250,
        "paid": 1_000,
        "used": 11_000,
        "fees": 750,
    }
    assert _json(fenhao("balances", "--fund", "heart", "--json")) == now
    then = _json(fenhao("balances", "--as-of", "2026-01-05", "--json"))
    assert (then["allocated"], then["available"], then["used"]) == (12_000, 2_250, 0)
    text = fenhao("balances", "--as-of", "2026-01-05", "--known-at", "2026-01-01T09:00Z").stdout
    assert text.startswith("收支余总表（记账日期截至 2026-01-05，按截至 2026-01-01 17:00:00+08:00 已登记的分录）\n")
    assert "120.00 CNY" in fenhao("balances", "--as-of", "2026-01-05", "--lang", "en").stdout


def test_rejected_rows_make_the_exit_code_three_and_the_rest_is_recorded(
    fenhao: Fenhao, files: Callable[..., list[str]], tmp_path: Path
) -> None:
    fenhao("init", "--origin", "example.org/t")
    texts = {**SMALL, "donations": SMALL["donations"] + "D3,heart,0.001,2026-01-03,P2\nD4,nowhere,1,2026-01-03,P2\n"}
    result = fenhao("import", *files(**texts), "--rejects", str(tmp_path / "rejects.csv"), "--json")
    assert result.exit_code == 3
    assert _json(result)["kinds"]["donations"]["recorded"] == 2
    rejects = (tmp_path / "rejects.csv").read_text("utf-8-sig").splitlines()
    assert len(rejects) == 3
    assert "nowhere" in rejects[2]


def test_a_dry_run_answers_the_same_and_records_nothing(fenhao: Fenhao, files: Callable[..., list[str]]) -> None:
    fenhao("init", "--origin", "example.org/t")
    before = _json(fenhao("verify", "--json"))
    dry = _json(fenhao("import", *files(**SMALL), "--dry-run", "--json"))
    assert _json(fenhao("verify", "--json")) == before
    real = _json(fenhao("import", *files(**SMALL), "--json"))
    assert dry["kinds"] == real["kinds"]


def test_all_or_nothing_records_none_when_one_row_is_bad(fenhao: Fenhao, files: Callable[..., list[str]]) -> None:
    fenhao("init", "--origin", "example.org/t")
    before = _json(fenhao("verify", "--json"))
    texts = {**SMALL, "donations": SMALL["donations"] + "D3,heart,-1,2026-01-03,P2\n"}
    result = fenhao("import", *files(**texts), "--all-or-nothing")
    assert result.exit_code == 3
    assert _json(fenhao("verify", "--json")) == before


@pytest.mark.parametrize(
    "arguments",
    [
        ["init", "--origin", "has space"],
        ["init", "--origin", "example.org/u", "--zone", "Mars/Base"],
        ["init", "--origin", "example.org/u", "--currency", "yuan"],
        ["trace", "donor", "nobody"],
        ["trace", "serial", "t9:1"],
        ["trace", "serial", "x"],
        ["trace", "donor", "P1", "--as-of", "yesterday"],
        ["trace", "donor", "P1", "--known-at", "2026-02-30"],
        ["balances", "--known-at", "noon"],
        ["balances", "--fund", "nobody"],
        ["import", "donations=missing.csv"],
        ["import", "nonsense=missing.csv"],
        ["import", "donations"],
        ["verify"],
        ["trace", "case", "C1"],
    ],
    ids=" ".join,
)
def test_bad_input_is_one_sentence_in_two_languages_and_exit_code_two(fenhao: Fenhao, arguments: list[str]) -> None:
    if arguments[0] != "init" and arguments != ["verify"]:
        fenhao("init", "--origin", "example.org/t")
    result = fenhao(*arguments)
    assert result.exit_code == 2, result.output
    assert result.stderr.count("error: ") == 1
    assert result.stderr.count("错误：") == 1
    assert "Traceback" not in result.output
    fault = _json(fenhao(*arguments, "--json"))
    assert fault["error"] != "ledger_error"


def test_a_ledger_is_opened_once(fenhao: Fenhao) -> None:
    assert fenhao("init", "--origin", "example.org/t", "--json").exit_code == 0
    again = fenhao("init", "--origin", "example.org/t")
    assert again.exit_code == 2
    assert "there is a ledger here already" in again.stderr


def test_a_schema_without_a_ledger_is_no_tampering(fenhao: Fenhao) -> None:
    assert fenhao("migrate").exit_code == 0
    for command in (["verify"], ["trace", "donor", "P1"], ["rebuild"]):
        result = fenhao(*command)
        assert (result.exit_code, "there is no ledger here yet" in result.stderr) == (2, True), result.output


def test_a_password_in_an_unreadable_url_is_not_repeated(tmp_path: Path) -> None:
    environment = {"FENHAO_HOME": str(tmp_path), "FENHAO_DATABASE_URL": "mysql://user:secret word@host/x"}
    result = CliRunner().invoke(main, ["verify"], env=environment)
    assert result.exit_code == 2
    assert "secret" not in result.output


def test_a_mistyped_home_does_not_become_a_new_server(tmp_path: Path) -> None:
    environment = {"FENHAO_HOME": str(tmp_path / "typo"), "FENHAO_DATABASE_URL": ""}
    result = CliRunner().invoke(main, ["verify"], env=environment)
    assert result.exit_code == 2
    assert not (tmp_path / "typo").exists()


def test_a_bug_of_ours_is_not_taken_for_tampering(fenhao: Fenhao, monkeypatch: pytest.MonkeyPatch) -> None:
    fenhao("init", "--origin", "example.org/t")
    monkeypatch.setattr("reports.verification.verify_ledger", lambda *_, **__: 1 // 0)
    assert fenhao("verify").exit_code == 70


def test_views_are_made_anew_on_demand(fenhao: Fenhao, files: Callable[..., list[str]]) -> None:
    fenhao("init", "--origin", "example.org/t")
    fenhao("import", *files(**SMALL))
    before = fenhao("trace", "donor", "P1", "--json").stdout
    assert _json(fenhao("rebuild", "--json")) == {"entries": OPENED + 10, "unlike": []}
    assert fenhao("trace", "donor", "P1", "--json").stdout == before


def test_the_log_key_is_the_owners_alone(fenhao: Fenhao, tmp_path: Path) -> None:
    fenhao("init", "--origin", "example.org/t")
    [key] = (tmp_path / "home" / "keys").glob("log-example.org%2Ft-*.pem")
    assert (key.stat().st_mode & 0o777, key.parent.stat().st_mode & 0o777) == (0o600, 0o700)


def test_verify_names_a_changed_entry_and_exits_one(
    fenhao: Fenhao, files: Callable[..., list[str]], embedded_url: str, request: pytest.FixtureRequest
) -> None:
    fenhao("init", "--origin", "example.org/t")
    fenhao("import", *files(**SMALL))
    schema = f"cli_{abs(hash(request.node.name)) % 10**8}"
    with connecting(embedded_url) as connection:
        connection.execute(f"set session_replication_role = replica; set search_path to {schema}")
        connection.execute(
            "update entry set body = convert_to(replace(convert_from(body, 'UTF8'), 'P1', 'P9'), 'UTF8') "
            "where stream = 'donation/D1'"
        )
    result = fenhao("verify", "--json")
    assert result.exit_code == 1
    (problem,) = _json(result)["problems"][:1]
    seq = OPENED + 5
    assert problem["seq"] == seq, _json(result)["problems"]


def test_doctor_says_that_all_is_well_and_what_is_not(fenhao: Fenhao, tmp_path: Path) -> None:
    assert fenhao("doctor").exit_code == 1
    fenhao("init", "--origin", "example.org/t")
    well = fenhao("doctor", "--json")
    assert well.exit_code == 0, well.output
    assert all(finding["ok"] is not False for finding in _json(well)["findings"])
    [key] = (tmp_path / "home" / "keys").glob("log-*.pem")
    key.chmod(0o644)
    loose = fenhao("doctor", "--lang", "en")
    assert loose.exit_code == 1
    assert f"others can read keys: {key.name}" in loose.stdout


def test_bench_measures_every_figure_beside_its_yardstick(fenhao: Fenhao) -> None:
    result = fenhao("bench", "write", "--gifts", "400", "--rounds", "1", "--json")
    assert result.exit_code == 0, result.output
    figures = _json(result)
    assert figures["bulk"]["yardstick"] == "stock_bulk"
    assert all(line["per_second"] > 0 for line in figures.values())


def test_bench_audit_measures_the_log(fenhao: Fenhao, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.bench_audit.NEW_ENTRIES", 500)
    result = fenhao("bench", "audit", "--entries", "1500", "--json")
    assert result.exit_code == 0, result.output
    figures = _json(result)
    assert figures["entries"]["value"] == 3_001
    assert all(one["value"] > 0 for one in figures.values())
    assert {name for name, one in figures.items() if one["target"]} == {
        "checkpoint",
        "receipt_make",
        "receipt_check",
        "verify_ratio",
        "verify_memory",
    }


def test_help_waits_for_no_library_that_it_does_not_need() -> None:
    code = "import sys, api.cli; sys.exit(bool({'psycopg', 'eventsourcing', 'plotly', 'fastapi'} & sys.modules.keys()))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
    assert sankey_command.TOP == flows.TOP
