"""`fenhao bank match`: from a ledger and its statements to what agrees and what does not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import bank_files as files
import pytest
from conftest import Fenhao

CASES = "case_id,fund_id,hospital_id\nC1,F,H\n"
GIFTS = (
    "donation_id,fund_id,amount,received_on,channel,channel_txn\n"
    "DON-1,F,100.00,2026-09-02,wechat,42001\n"
    "DON-2,F,50.00,2026-09-02,wechat,42002\n"
    "G3,F,900.00,2026-09-02,,\n"
)
STATEMENT = (
    "交易日期,金额,余额,流水号,摘要\n2026-09-02,900.00,900.00,S1,捐款\n2026-09-03,150.00,1050.00,S2,微信结算\n"
    "2026-09-04,-200.00,850.00,P77,拨付\n2026-09-05,3.21,853.21,S4,利息\n"
)


@pytest.fixture
def ledger(fenhao: Fenhao, tmp_path: Path) -> Fenhao:
    """A fund with three gifts, one of them at the bank; 200.00 paid to a hospital."""
    texts = {
        "funds": "fund_id,name\nF,先心病\n",
        "hospitals": "hospital_id,name\nH,医院\n",
        "cases": CASES,
        "donations": GIFTS,
        "allocations": "allocation_id,case_id,amount,allocated_on\nA1,C1,200.00,2026-09-03\n",
        "hospital-payments": "payment_id,hospital_id,paid_on,case_id,amount,account,bank_ref\n"
        "P1,H,2026-09-03,C1,200.00,icbc,P77\n",
    }
    assert fenhao("init", "--origin", "example.org/match", "--no-codes").exit_code == 0
    for kind, text in texts.items():
        (tmp_path / kind).write_text(text, "utf-8")
    result = fenhao("import", *(f"{kind}={tmp_path / kind}" for kind in texts))
    assert result.exit_code == 0, result.output
    recorded = fenhao("record", "DonationReceived", "donation=G4", "fund=F", "amount=900.00", "on=2026-09-01", "by=li",
                      "cash=account:icbc,amount:900.00,bank_on:2026-09-02")  # fmt: skip
    assert recorded.exit_code == 0, recorded.output
    return fenhao


def matched(ledger: Fenhao, *more: str) -> Any:
    result = ledger("bank", "match", "--dry-run", "--json", *more)
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def pairs(found: Any) -> list[tuple[str, list[int], list[str]]]:
    return [
        (one["rule"], [each["ordinal"] for each in one["lines"]], [each["stream"] for each in one["legs"]])
        for one in found["matches"]
    ]


def test_lines_meet_their_entries_and_what_is_left_is_told(ledger: Fenhao, tmp_path: Path) -> None:
    (tmp_path / "s.csv").write_text(STATEMENT, "utf-8")
    assert ledger("bank", "import", str(tmp_path / "s.csv"), "--account", "icbc").exit_code == 0
    found = matched(ledger)
    assert pairs(found) == [
        ("reference/1", [3], ["payment/P1"]),
        ("amount-day/1", [1], ["donation/G4"]),
        ("channel-net/1", [2], ["donation/DON-1", "donation/DON-2"]),
    ]
    [left] = found["unmatched"]["lines"]
    assert (left["amount"], left["on"], left["account"]) == ("3.21", "2026-09-05", "icbc")
    assert found["unmatched"]["legs"] == []
    told = ledger("bank", "match", "--dry-run").stdout
    assert "渠道净额结算一致（channel-net/1）：1 组" in told
    assert "✗ 流水无对应分录：B1/4 2026-09-05 icbc 3.21" in told
    assert "1 lines and 0 legs left" in ledger("bank", "match", "--dry-run", "--lang", "en").stdout
    assert matched(ledger) == found


def test_a_channel_s_bill_of_trades_meets_gifts_by_its_numbers(ledger: Fenhao, tmp_path: Path) -> None:
    (tmp_path / "w.csv").write_text(files.WECHAT_TRADES, "utf-8")
    assert ledger("bank", "import", str(tmp_path / "w.csv"), "--account", "wechat").exit_code == 0
    found = matched(ledger)
    assert pairs(found) == [
        ("reference/1", [1], ["donation/DON-1"]),
        ("reference/1", [2], ["donation/DON-2"]),
    ]
    assert [each["amount"] for each in found["unmatched"]["lines"]] == ["-50.00"], "the refund nobody recorded"


def test_what_is_reversed_or_held_does_not_count(ledger: Fenhao, tmp_path: Path) -> None:
    (tmp_path / "s.csv").write_text(STATEMENT.replace("1050.00,S2", "1050.01,S2"), "utf-8")
    assert ledger("bank", "import", str(tmp_path / "s.csv"), "--account", "icbc").exit_code == 3
    assert matched(ledger)["matches"] == []
    two = ("--by", "li", "--approved-by", "wang", "--reason", "the bank's misprint")
    assert ledger("bank", "accept", "B1", *two).exit_code == 0
    assert len(matched(ledger)["matches"]) == 3
    [gift] = [one["legs"][0] for one in matched(ledger)["matches"] if one["rule"] == "amount-day/1"]
    result = ledger("record", "EntryReversed", f"reverses={gift['seq']}", "on=2026-09-05", "by=li", "basis=memo:1")
    assert result.exit_code == 0, result.output
    found = matched(ledger)
    assert [rule for rule, _, _ in pairs(found)] == ["reference/1", "channel-net/1"]
    assert [each["amount"] for each in found["unmatched"]["lines"]] == ["900.00", "3.21"]


def shown(ledger: Fenhao, *arguments: str, code: int = 0) -> Any:
    result = ledger(*arguments, "--json")
    assert result.exit_code == code, result.output
    return json.loads(result.stdout)


def verified(ledger: Fenhao) -> bool:
    return bool(shown(ledger, "verify")["ok"])


def test_matches_are_entries_that_people_undo_and_make_and_the_ledger_verifies(ledger: Fenhao, tmp_path: Path) -> None:
    """Narrative: a statement is refused until its account is open, matched, undone, matched in part, written off."""
    (tmp_path / "s.csv").write_text(STATEMENT, "utf-8")
    assert ledger("bank", "import", str(tmp_path / "s.csv"), "--account", "icbc").exit_code == 0
    refused = ledger("bank", "match")
    assert (refused.exit_code, "AccountOpened" in refused.stderr) == (2, True)
    assert ledger("record", "AccountOpened", "account=icbc", "kind=bank", "by=li").exit_code == 0
    dry = matched(ledger)
    said = shown(ledger, "bank", "match", "--by", "li")
    assert said["recorded"] == {"recorded": 3, "refused": 0, "too_large": 0}
    assert pairs(said) == pairs(dry)
    assert shown(ledger, "bank", "match")["matches"] == []

    # From a line to its gifts and where their money is, and back.
    behind = shown(ledger, "bank", "line", "B1/2")
    assert (behind["state"], [one["stream"] for one in behind["entries"]]) == (
        "matched",
        ["donation/DON-1", "donation/DON-2"],
    )
    assert [one["donation"] for one in behind["donations"]] == ["DON-1", "DON-2"]
    assert sum(behind["donations"][0]["by_place"].values()) == 10_000
    assert [one["line"] for one in shown(ledger, "trace", "donation", "DON-1")["bank_lines"]] == ["B1/2"]
    assert "B1/2" in ledger("trace", "donation", "DON-1").stdout
    assert "已匹配" in ledger("bank", "line", "B1/2").stdout

    # A matched entry is not reversed; a match undone is for people from then on.
    gift = pairs_seq(said, "donation/G4")
    again = ledger("record", "EntryReversed", f"reverses={gift}", "on=2026-09-05", "by=li")
    assert (again.exit_code, "undo that first" in again.stderr) == (2, True)
    assert ledger("bank", "unmatch", "B1/1").exit_code == 2, "who does it?"
    assert ledger("bank", "unmatch", "B1/1", "--by", "wang").exit_code == 0
    assert shown(ledger, "bank", "match")["matches"] == []
    found = shown(ledger, "bank", "suggestions")
    assert found["open"] == [{"line": "B1/1", "state": "suggested"}, {"line": "B1/4", "state": "unmatched"}]
    line = shown(ledger, "bank", "line", "B1/1")
    assert (line["state"], line["suggested"][0]["rule"]) == ("suggested", "amount-day/1")
    assert line["suggested"][0]["alternatives"][0]["legs"] == [{"seq": gift, "leg": 0}]
    assert "待确认：金额与日期一致（amount-day/1），1 种可能" in ledger("bank", "line", "B1/1").stdout
    assert ledger("bank", "refuse", "B1/1", str(gift)).exit_code == 2, "who says so?"
    assert ledger("bank", "refuse", "B1/1", str(gift), "--by", "wang").exit_code == 0
    found = shown(ledger, "bank", "suggestions")
    assert (found["suggestions"], found["open"][0]) == ([], {"line": "B1/1", "state": "unmatched"})
    assert [one["ordinal"] for one in found["unmatched"]["lines"]] == [4, 1]
    assert ledger("bank", "match", "B1/1", str(gift), "--by", "wang").exit_code == 0, "a mistaken refusal binds nobody"
    assert ledger("bank", "match", "B1/1", "payment/P1", "--by", "wang").exit_code == 2, "taken"

    # A month does not close over an open line.
    assert shown(ledger, "close", "2026-09", "--dry-run", code=3)["open"] == [{"line": "B1/4", "state": "unmatched"}]

    # What is no money of ours takes two; what is contested is matched with nothing.
    alone = ledger("bank", "write-off", "B1/4", "--reason", "not_ours", "--by", "li", "--approved-by", "li")
    assert (alone.exit_code, "two different persons" in alone.stderr) == (2, True)
    assert ledger("bank", "dispute", "B1/4", "--by", "li").exit_code == 0
    assert shown(ledger, "bank", "line", "B1/4")["state"] == "disputed"
    two = ("--reason", "not_ours", "--by", "li", "--approved-by", "wang")
    assert ledger("bank", "write-off", "B1/4", *two).exit_code == 2, "contested"
    assert ledger("bank", "unmatch", "B1/4", "--by", "li").exit_code == 0
    assert ledger("bank", "write-off", "B1/4", *two).exit_code == 0
    assert shown(ledger, "bank", "suggestions")["open"] == []
    assert shown(ledger, "bank", "position")["difference"] == "0.00"

    # Settled, it closes, on a signed head; then nothing is posted into it.
    unsigned = ledger("close", "2026-09", "--by", "li")
    assert (unsigned.exit_code, "fenhao checkpoint" in unsigned.stderr) == (2, True)
    assert ledger("checkpoint").exit_code == 0
    alone = ledger("close", "2026-09", "--by", "li", "--approved-by", "li")
    assert (alone.exit_code, "two different persons" in alone.stderr) == (2, True)
    closed = shown(ledger, "close", "2026-09", "--by", "li", "--approved-by", "wang")
    late = ledger("record", "DonationReceived", "donation=L", "fund=F", "amount=1.00", "on=2026-09-30", "by=li")
    assert (late.exit_code, "a closed period" in late.stderr) == (2, True)
    assert [one["seq"] for one in shown(ledger, "close")["periods"]] == [closed["entry"]]
    assert shown(ledger, "close", "--cut-off")["cut_off"] == []
    assert ledger("close", "2026-09", "--reopen", "--by", "li", "--reason", "late").exit_code == 2, "one person"
    assert verified(ledger)


def pairs_seq(found: Any, stream: str) -> int:
    """The entry of that stream among the matches."""
    return next(int(leg["seq"]) for one in found["matches"] for leg in one["legs"] if leg["stream"] == stream)


def test_bench_match_records_every_rule_s_shape_and_leaves_what_is_unclear(fenhao: Fenhao) -> None:
    done = fenhao("bench", "match", "--entries", "600", "--lines", "300", "--json")
    assert done.exit_code == 0, done.output
    found = {name: one["value"] for name, one in json.loads(done.stdout).items()}
    by_rule = [found[rule] for rule in ("reference/1", "amount-day/1", "subset/1", "channel-net/1")]
    assert all([*by_rule, found["suggested"], found["unmatched"]])
    assert sum(by_rule) + found["suggested"] + found["unmatched"] == found["lines"] == 300
    assert found["whole"] <= 60
