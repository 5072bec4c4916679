"""The cash position: whatever happens, what is held is what accounts have; a bank's word is led back to the books."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from conftest import SCALE, Fenhao
from hypothesis import given, settings
from lives import live
from projected import STEPS, Step, opened

from ledger.database import Cursor
from reports import matching
from reports.cash_legs import read_sides
from reports.position import position
from reports.reconcile import reconcile

STATEMENT = (
    "交易日期,金额,余额,流水号\n2026-09-03,900.00,1400.00,S1\n2026-09-03,150.00,1550.00,S2\n"
    "2026-09-04,-200.00,1350.00,P77\n2026-09-05,3.21,1353.21,S4\n"
)


@settings(max_examples=8 * SCALE)
@given(steps=STEPS)
def test_what_is_held_is_what_came_less_what_went_in_any_life(steps: list[Step], embedded_url: str) -> None:
    with opened(embedded_url) as ledger:
        live(ledger, steps)
        sides = read_sides(ledger.journal)
        found = position(sides, reconcile(sides.lines, sides.legs), [])
    assert found.difference == 0
    assert sum(found.held.values()) == found.nowhere + sum(account.book for account in found.accounts)


@pytest.fixture
def ledger(fenhao: Fenhao, tmp_path: Path) -> Fenhao:
    """500.00 brought forward at a bank; gifts there, at a channel and of no named account; payments."""
    texts = {
        "funds": "fund_id,name\nF,先心病\n",
        "hospitals": "hospital_id,name\nH,医院\n",
        "cases": "case_id,fund_id,hospital_id\nC1,F,H\n",
        "donations": "donation_id,fund_id,amount,received_on,channel,channel_txn\n"
        "D1,F,100.00,2026-09-02,wechat,42001\nD2,F,50.00,2026-09-02,wechat,42002\nD3,F,30.00,2026-09-04,wechat,42003\n"
        "D4,F,7.00,2026-09-02,,\n",
        "allocations": "allocation_id,case_id,amount,allocated_on\nA1,C1,260.00,2026-09-03\n",
        "hospital-payments": "payment_id,hospital_id,paid_on,case_id,amount,account,bank_ref\n"
        "P1,H,2026-09-03,C1,200.00,icbc,P77\nP2,H,2026-09-05,C1,60.00,icbc,P78\n",
    }
    assert fenhao("init", "--origin", "example.org/position", "--no-codes").exit_code == 0
    for kind, text in texts.items():
        (tmp_path / kind).write_text(text, "utf-8")
    for facts in (
        ("BalanceBroughtForward", "donation=O1", "fund=F", "amount=500.00", "on=2026-09-01", "basis=memo:1"),
        ("DonationReceived", "donation=G4", "fund=F", "amount=900.00", "on=2026-09-06"),
    ):
        if facts[0] == "BalanceBroughtForward":
            assert fenhao("import", *(f"{kind}={tmp_path / kind}" for kind in list(texts)[:3])).exit_code == 0
        amount = next(each for each in facts if each.startswith("amount")).removeprefix("amount=")
        result = fenhao("record", *facts, "by=li", f"cash=account:icbc,amount:{amount}")
        assert result.exit_code == 0, result.output
    result = fenhao("import", *(f"{kind}={tmp_path / kind}" for kind in list(texts)[3:]))
    assert result.exit_code == 0, result.output
    return fenhao


def shown(ledger: Fenhao) -> Any:
    result = ledger("bank", "position", "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_accounts_channels_and_the_nameless_add_up_to_what_is_held(ledger: Fenhao) -> None:
    found = shown(ledger)
    assert found["held"] == {"fund": "1327.00", "case": "0.00", "fee": "0.00", "hold": "0.00"}
    assert [(each["account"], each["in_transit"], each["book"]) for each in found["accounts"]] == [
        ("icbc", False, "1140.00"),
        ("wechat", True, "180.00"),
    ]
    assert (found["nowhere"], found["difference"]) == ("7.00", "0.00")
    assert found["accounts"][0]["bank"] is None


def test_a_bank_s_balance_is_led_back_to_the_book_to_the_fen(ledger: Fenhao, tmp_path: Path) -> None:
    """The payout of 150.00 has arrived at the bank; a gift was booked late; interest is in no entry, a payment on no
    statement yet."""
    (tmp_path / "s.csv").write_text(STATEMENT, "utf-8")
    assert ledger("bank", "import", str(tmp_path / "s.csv"), "--account", "icbc").exit_code == 0
    icbc, wechat = shown(ledger)["accounts"]
    assert (icbc["book"], wechat["book"]) == ("1290.00", "30.00")
    assert icbc["bank"] == {
        "on": "2026-09-05",
        "closing": "1353.21",
        "book": "1290.00",
        "lines_unmatched": "3.21",
        "entries_unmatched": "-60.00",
        "unexplained": "0.00",
    }
    told = ledger("bank", "position").stdout
    assert "资金头寸表" in told
    assert "wechat (渠道在途)" in told
    english = ledger("bank", "position", "--lang", "en").stdout
    assert "at no named account" in english
    assert [line.split() for line in english.splitlines() if "2026-09-05" in line] == [
        ["icbc", "2026-09-05", "1,353.21", "3.21", "-60.00", "1,290.00", "0.00"]
    ]


def test_what_was_at_a_hospital_before_was_paid_before(ledger: Fenhao) -> None:
    before = shown(ledger)
    result = ledger(
        "record", "BalanceBroughtForward", "donation=O2", "fund=F", "amount=10.00", "on=2026-09-01", "basis=memo:1",
        "hospital=H", "lines=case:C1,amount:10.00", "by=li",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    assert shown(ledger) == before


def test_what_is_matched_while_it_is_read_is_not_in_it(
    ledger: Fenhao, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A statement is taken in and matched between the reading of lines and of what stands: both are of one moment."""
    before, read_standing = shown(ledger), matching.read_standing
    (tmp_path / "s.csv").write_text(STATEMENT, "utf-8")

    def late(cursor: Cursor) -> matching.Standing:
        assert ledger("bank", "import", str(tmp_path / "s.csv"), "--account", "icbc").exit_code == 0
        assert ledger("record", "AccountOpened", "account=icbc", "kind=bank", "by=li").exit_code == 0
        assert ledger("bank", "match").exit_code == 0
        return read_standing(cursor)

    with monkeypatch.context() as patched:
        patched.setattr(matching, "read_standing", late)
        assert shown(ledger) == before
    assert shown(ledger) != before


def test_a_missing_statement_and_an_unrecorded_opening_are_unexplained(ledger: Fenhao, tmp_path: Path) -> None:
    lines = STATEMENT.splitlines(keepends=True)
    (tmp_path / "late.csv").write_text("".join([lines[0], *lines[2:]]), "utf-8")
    assert ledger("bank", "import", str(tmp_path / "late.csv"), "--account", "icbc").exit_code == 0
    assert shown(ledger)["accounts"][0]["bank"]["unexplained"] == "900.00"


def test_what_is_matched_in_part_is_explained_to_the_fen(ledger: Fenhao, tmp_path: Path) -> None:
    """Of a line of 3.21 a gift of 3.00 is matched; of a payment of 60.00 the bank has paid 40.00 so far."""
    statement = f"{STATEMENT}2026-09-06,-40.00,1313.21,S5\n"
    (tmp_path / "s.csv").write_text(statement, "utf-8")
    assert ledger("bank", "import", str(tmp_path / "s.csv"), "--account", "icbc").exit_code == 0
    assert ledger("record", "AccountOpened", "account=icbc", "kind=bank", "by=li").exit_code == 0
    gift = ("donation=P", "fund=F", "amount=3.00", "on=2026-09-05", "by=li", "cash=account:icbc,amount:3.00")
    assert ledger("record", "DonationReceived", *gift).exit_code == 0
    for line, entry in (("B1/4", "donation/P"), ("B1/5", "payment/P2")):
        done = ledger("bank", "match", line, entry, "--by", "li")
        assert done.exit_code == 0, done.output
    bank = shown(ledger)["accounts"][0]["bank"]
    assert (bank["lines_unmatched"], bank["entries_unmatched"], bank["unexplained"]) == ("0.21", "-20.00", "0.00")
