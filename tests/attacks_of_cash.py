"""Attacks on accounts, suspense, matching and closed periods; rows of the table in `attacks.py`.

Each row: its name, the deed, the check, what it says, the law, and the checks that catch it besides.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attackers as by
from forging import Forgery, leaf

Deed = Callable[[Forgery], None]
Row = tuple[str, Deed, str, str, str] | tuple[str, Deed, str, str, str, tuple[str, ...]]
ICBC = by.adding("AccountOpened", "account/icbc", account="icbc", kind="bank")
CASH = [{"account": "icbc", "amount": 100}]
TWO = {"by": "li", "approved_by": ["wang"]}
SUSPENDED = by.both(ICBC, by.adding("ReceiptSuspended", "suspense/S1", suspense="S1", amount=100, cash=CASH))
MATCH = {"rule": "reference/1"}


def line(ordinal: int, amount: int, whole: int) -> dict[str, Any]:
    """A part of a line of some statement."""
    where = {"account": "icbc", "file": "0f" * 32, "statement": 0, "ordinal": ordinal, "on": "2026-02-01"}
    return {**where, "amount": amount, "whole": whole}


def matching(name: str, *lines: dict[str, Any], payment: str = "P1", amount: int = -10_000, **leg: Any) -> Deed:
    """Matches lines with the cash leg of a payment."""

    def attack(forgery: Forgery) -> None:
        seq = forgery.find("HospitalPaymentMade", payment)
        legs = [{"seq": seq, "leg": 0, "account": "icbc", "amount": amount, **leg}]
        by.adding("LinesMatched", f"match/{name}", match=name, lines=list(lines), legs=legs, **MATCH)(forgery)

    return attack


def closing(**members: Any) -> Deed:
    """Closes a month before anything was posted."""

    def attack(forgery: Forgery) -> None:
        said = {
            "period": "2025-11", "through": "2025-11-30", "totals": [], "accounts": [{"account": "icbc", "book": 0}],
            "suspense": 0, "elsewhere": 0, "size": 1, "root": leaf(forgery.bodies[0]).hex(), **members,
        }  # fmt: skip
        by.adding("PeriodClosed", f"period/{said['period']}", **{**TWO, **said})(forgery)

    return attack


def reversing_what_is_matched(forgery: Forgery) -> None:
    """A gift on an account, matched with a line, and then reversed."""
    by.both(ICBC, by.gift("X", "t7:4000-4100 > fund/heart", cash=CASH))(forgery)
    legs = [{"seq": forgery.find("DonationReceived", "X"), "leg": 0, "account": "icbc", "amount": 100}]
    by.adding("LinesMatched", "match/M", match="M", lines=[line(1, 100, 100)], legs=legs, **MATCH)(forgery)
    by.reversing("DonationReceived", "X", "t7:4000-4100 fund/heart > void")(forgery)


UNDONE = by.adding("LinesUnmatched", "match/M", match="M", by="li")
ONE_LINE = line(1, -10_000, -10_000)
ROWS: list[Row] = [
    ("more is booked on an account than came", by.both(ICBC, by.gift("X", "t7:4000-4099 > fund/heart", cash=CASH)),
     "Book.legs_flaw", "its legs on accounts come to 100, but it moves 99 in cash", "8"),
    ("money is booked on an account that is not open",
     by.both(ICBC, by.gift("X", "t7:4000-4100 > fund/heart", cash=[{"account": "mine", "amount": 100}])),
     "Book.legs_flaw", "account 'mine' is not open", "8"),
    ("what moves no money is booked as cash",
     by.both(ICBC, by.adding("CaseReopened", "case/C3", case="C3", cash=CASH)),
     "Book.legs_flaw", "its legs on accounts come to 100, but it moves 0 in cash", "8"),
    ("a suspended receipt is cleared twice",
     by.both(SUSPENDED, by.gift("X", "t7:4000-4060 > fund/heart", suspense="S1"),
             by.gift("Y", "t7:4060-4120 > fund/heart", suspense="S1")),
     "Book.owe", "60 is taken of suspended receipt 'S1', 40 is left", "8"),
    ("a gift is of a suspended receipt that never was", by.gift("X", "t7:4000-4060 > fund/heart", suspense="S1"),
     "Book.owe", "there is no suspended receipt 'S1'", "8", ("-",)),
    ("a suspended receipt is repaid from no account",
     by.both(SUSPENDED, by.adding("SuspenseRepaid", "suspense/S1", suspense="S1", amount=100)),
     "accounts_flaw", "names no account that is open", "8"),
    ("a line is matched twice",
     by.both(ICBC, matching("M", ONE_LINE), matching("N", line(1, -7_000, -10_000), payment="P2", amount=-7_000)),
     "check_lines", "a line of a statement is taken beyond what is open of it", ""),
    ("a line is another than it was",
     by.both(ICBC, matching("M", ONE_LINE), UNDONE,
             matching("N", line(1, -7_000, -7_000), payment="P2", amount=-7_000)),
     "check_lines", "a line of a statement is said to be another than before", ""),
    ("a payment is matched twice", by.both(ICBC, matching("M", ONE_LINE), matching("N", line(2, -10_000, -10_000))),
     "check_legs", "is matched beyond what is open of it", ""),
    ("a line is matched with a payment that was none", by.both(ICBC, matching("M", ONE_LINE, leg=1)), "check_legs",
     "is matched, which is none", ""),
    ("a payment is matched on another account", by.both(ICBC, matching("M", ONE_LINE, account="abc")),
     "check_legs", "is matched on an account that it is not on", ""),
    ("a line is matched with less", by.both(ICBC, matching("M", ONE_LINE, amount=-9_999)), "judge_lines_matched",
     "its lines come to -10000, its legs to -9999", ""),
    ("a match is undone that never was", by.both(ICBC, UNDONE), "judge_lines_unmatched", "there is no match 'M'", "",
     ("-",)),
    ("a match is undone twice", by.both(ICBC, matching("M", ONE_LINE), UNDONE, UNDONE), "judge_lines_unmatched",
     "was undone already", ""),
    ("what a line was matched with is reversed", reversing_what_is_matched, "check_legs", "is reversed, which entry",
     ""),
    ("one person writes a line off",
     by.both(ICBC, by.adding("LinesWrittenOff", "match/M", match="M", reason="not_ours", lines=[ONE_LINE], by="li",
                             approved_by=["li"])),
     "judge_lines_set_aside", "without a second person's approval", ""),
    ("a gift is posted into a closed period",
     by.both(ICBC, closing(), by.gift("X", "t7:4000-4100 > fund/heart", on="2025-11-15")), "Book.period_flaw",
     "is in a period that was closed", "7"),
    ("a period is closed on totals that are not so",
     by.both(ICBC, closing(totals=[{"kind": "fund", "fund": "heart", "amount": 1}])), "judge_period_closed",
     "say 1 at fund of fund 'heart'", "4"),
    ("a period is closed on a book that is not so",
     by.both(ICBC, closing(accounts=[{"account": "icbc", "book": 1}])), "judge_period_closed", "books at the end", "8"),
    ("a period is closed on a head that never was", by.both(ICBC, closing(root="0f" * 32)), "check_rests",
     "it rests on a head of 1 entries with another root than they have", ""),
    ("a period is closed on no head", by.both(ICBC, closing(size=0)), "judge_period_closed",
     "it rests on a head of 0 entries", ""),
    ("a gift corrects an entry that is yet to come",
     by.gift("X", "t7:4000-4100 > fund/heart", corrects=2**40), "read_fact", "which does not come before it", ""),
    ("one person closes a period", by.both(ICBC, closing(approved_by=["li"])), "judge_period_closed",
     "without a second person's approval", ""),
    ("one person opens a period again",
     by.both(ICBC, closing(), by.adding("PeriodReopened", "period/2025-11", period="2025-11", reason="x", by="li")),
     "judge_period_reopened", "without a second person's approval", ""),
    ("a period is opened again that is not closed",
     by.adding("PeriodReopened", "period/2025-11", period="2025-11", reason="x", **TWO),
     "judge_period_reopened", "is not the last period that is closed", "", ("-",)),
]  # fmt: skip
