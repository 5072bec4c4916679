"""Papers from the command line: nothing before a head is signed, whole files or none, and files held to the log."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter, defaultdict
from pathlib import Path

import pytest
from conftest import Fenhao

LEDGER = """
FundOpened fund=heart name==HYPERLINK("x") fee_bp=500
HospitalRegistered hospital=H1 name=省儿童医院
CaseOpened case=C1 fund=heart hospital=H1 person=P1
DonationReceived on=2026-01-05 donation=G1 fund=heart amount=200.00 channel=wechat
DonationReceived on=2026-01-05 donation=G2 fund=heart amount=0.03 channel==1+1
DonationReceived on=2026-01-06 donation=G3 fund=heart amount=99.99 cash=account:icbc,amount:99.99
AllocationMade on=2026-01-20 allocation=A1 case=C1 amount=150.00
HospitalPaymentMade on=2026-01-21 payment=P1 hospital=H1 lines=case:C1,amount:100.00 cash=account:icbc,amount:100.00
TreatmentSettled on=2026-01-22 settlement=S1 hospital=H1 case=C1 amount=60.00
AccountOpened account=icbc kind=bank
AccountOpened account=box kind=cash
ReceiptSuspended on=2026-01-23 suspense=S1 amount=50.00 cash=account:icbc,amount:50.00
SuspenseRepaid on=2026-01-24 suspense=S1 amount=20.00 cash=account:box,amount:20.00
DonationReceived on=2026-01-25 donation=G4 fund=heart amount=10.00 suspense=S1
ExpenseMade on=2026-02-02 expense=E1 fund=heart kind=management amount=4.00 from=fee
"""
CHART = """
[accounts]
bank = "100201 工商银行 | ICBC"
"""


@pytest.fixture
def books(fenhao: Fenhao) -> Fenhao:
    """A small ledger, not signed yet."""
    assert fenhao("init", "--origin", "ledger.example.org/papers", "--no-codes").exit_code == 0
    for line in LEDGER.strip().splitlines():
        fact, *members = line.split()
        done = fenhao("record", fact, *(part for member in members for part in ("--set", member)))
        assert done.exit_code == 0, done.output
    return fenhao


def test_papers_from_a_signed_ledger(books: Fenhao, tmp_path: Path) -> None:
    """Narrative: refused before a head; vouchers, journal and statements after it; a changed figure is told."""
    january = ("--month", "2026-01")
    out = tmp_path / "books.csv"
    refused = books("vouchers", *january, "--out", out)
    assert (refused.exit_code, out.exists()) == (2, False)
    assert "fenhao checkpoint" in refused.output
    assert books("checkpoint").exit_code == 0

    chart = tmp_path / "chart.toml"
    chart.write_text(CHART, "utf-8")
    assert books("vouchers", *january, "--chart", chart, "--out", out).exit_code == 0
    assert out.read_bytes().startswith(b"\xef\xbb\xbf")
    rows = list(csv.DictReader(io.StringIO(out.read_text("utf-8-sig"))))
    sums: dict[str, Counter[str]] = defaultdict(Counter)
    for row in rows:
        for side in ("借方金额", "贷方金额"):
            sums[row["凭证号"]][side] += int(row[side].replace(".", "") or 0)
    assert all(each["借方金额"] == each["贷方金额"] > 0 for each in sums.values())
    assert list(sums) == [str(n) for n in range(1, 8)], "the gifts of a day are one"
    assert {row["科目编码"] for row in rows} == {"100201", "1001", "1009", "1122", "2209", "4101", "5101"}
    gifts = [row for row in rows if row["凭证号"] == "1"]
    assert {row["分录"] for row in gifts} == {"#6-7"}
    assert {row["明细"] for row in gifts} == {"wechat", "'=1+1", ""}, "no formula comes out of data"

    chart.write_text('[accounts]\nbank = "工商银行"\nbanks = "1"\n', "utf-8")
    assert books("statement", "accounts", *january, "--chart", chart, "--out", tmp_path / "a.csv").exit_code == 2
    assert books("journal", "--format", "hledger", "--out", tmp_path / "a.journal").exit_code == 0
    text = (tmp_path / "a.journal").read_text("utf-8")
    assert "Assets:Bank:icbc  -100.00 CNY" in text
    assert "Liabilities:Suspense  0.00 CNY = -20.00 CNY" in text
    assert "Assets:Cash:box  0.00 CNY = -20.00 CNY" in text
    assert books("journal", "--format", "hledger", "--out", tmp_path / "no" / "a.journal").exit_code == 2

    statement = tmp_path / "a.csv"
    done = books("statement", "accounts", *january, "--lang", "en", "--json", "--out", statement)
    assert done.exit_code == 0, done.output
    assert json.loads(done.output)["code"] in statement.read_text("utf-8-sig")
    assert books("verify-report", statement).exit_code == 0
    statement.write_text(statement.read_text("utf-8-sig").replace("149.99", "149.98", 1), "utf-8-sig")
    told = books("verify-report", statement, "--json")
    assert told.exit_code == 1
    [problem] = json.loads(told.output)["problems"]
    assert (problem["said"], problem["computed"]) == ("149.98", "149.99")
    for bad in (out, tmp_path / "none.csv", tmp_path):
        assert books("verify-report", bad).exit_code == 2
    backwards = ["--from", "2026-02-01", "--to", "2026-01-01"]
    for wrong in (["--month", "2026-1"], ["--year", "2026", *january], backwards, []):
        assert books("statement", "fund", *wrong, "--out", tmp_path / "f.csv").exit_code == 2
    assert books("statement", "flows", *january, "--fund", "none", "--out", tmp_path / "f.csv").exit_code == 2
    assert books("statement", "fund", *january, "--out", tmp_path / "f.doc").exit_code == 2
    assert not list(tmp_path.glob("f.*")), "nothing half written"
    assert not list(tmp_path.glob(".*.new"))


STATEMENT = (
    "交易日期,金额,余额,流水号\n2026-01-06,99.99,99.99,R1\n2026-01-08,200.00,299.99,R2\n2026-01-22,-100.00,199.99,R3\n"
    "2026-01-23,50.00,249.99,R4\n2026-01-31,0.21,250.20,R5\n"
)


def test_the_bank_is_reconciled_by_what_was_matched(books: Fenhao, tmp_path: Path) -> None:
    """A channel's payout arrives, a payment and a receipt agree; interest is in no entry, a late gift at no bank."""
    gift = "donation=G9 fund=heart amount=7.00 on=2026-01-31 cash=account:icbc,amount:7.00"
    channel = "account=wechat kind=channel"
    for fact, members in (("DonationReceived", gift), ("AccountOpened", channel)):
        done = books("record", fact, *(part for member in members.split() for part in ("--set", member)))
        assert done.exit_code == 0, done.output
    (tmp_path / "bank.csv").write_text(STATEMENT, "utf-8")
    assert books("bank", "import", tmp_path / "bank.csv", "--account", "icbc").exit_code == 0
    matched = books("bank", "match", "--days", "10", "--json")
    assert matched.exit_code == 0, matched.output
    assert books("checkpoint").exit_code == 0
    out = tmp_path / "bank.json"
    done = books("statement", "bank", "--month", "2026-01", "--out", out)
    assert done.exit_code == 0, done.output
    made = {table["table"]: table for table in json.loads(out.read_text("utf-8"))["tables"]}
    row = dict(zip(made["bank_accounts"]["columns"], made["bank_accounts"]["rows"][0], strict=True))
    assert row["bank_balance"] == 25_020
    assert [entry[4:] for entry in made["open_entries"]["rows"]] == [["donation/G9", 700]]
    assert [line[2:] for line in made["open_lines"]["rows"]] == [["B1/5", "R5", 21]]
    assert (row["entries_in"], row["lines_in"], row["difference"]) == (700, 21, 0)
    assert books("verify-report", out).exit_code == 0
