"""The laws' checks, judged by hand: a sound history passes all, and each breach is seen by the law that it breaks."""

from __future__ import annotations

from typing import Any

import pytest
from laws import Broken, Entry, check
from laws_rows import LAWS


def ranges(items: str) -> list[Entry]:
    """`"t1:0-9 fund/F > case/C"` as issues (no source) or moves, several divided by commas."""
    found = []
    for item in items.split(", "):
        run, *ends = item.replace(" > ", " ").split(" ")
        tape, bounds = run.split(":")
        lo, hi = map(int, bounds.split("-"))
        places = {"to": ends[0]} if len(ends) == 1 else {"from": ends[0], "to": ends[1]}
        found.append({"tape": tape, "lo": lo, "hi": hi, **places})
    return found


def fact(seq: int, type: str, on: int = 0, moves: str = "", issue: str = "", **data: Any) -> Entry:
    if on:
        data["on"] = f"2026-03-0{on}"
    if moves:
        data["moves"] = ranges(moves)
    if issue:
        data["issue"] = ranges(issue)
    return {"seq": seq, "type": type, "data": data}


def picked(*arguments: Any, **data: Any) -> Entry:
    """A fact with an amount that names the policy."""
    return fact(*arguments, policy="earmark-fifo/1", **data)


OWN: dict[str, Any] = {"nature": "own", "restriction": {}}
HEART: dict[str, Any] = {"nature": "own", "restriction": {"disease": ["heart"]}}
GIFT: dict[str, Any] = {"fund": "F", "fee_bp": 0}
C: dict[str, Any] = {"case": "C"}


def sound() -> list[Entry]:
    """A small history that keeps every law: one of each fact that moves money."""
    return [
        fact(1, "CaseOpened", case="C", attributes={"disease": "lung", "hospital": "H"}),
        fact(2, "TapeOpened", tape="t1", fund="F", **OWN),
        fact(3, "DonationReceived", 1, issue="t1:0-6 fund/F", donation="D1", amount=6, **GIFT),
        fact(4, "DonationReceived", 3, issue="t1:6-10 fund/F", donation="D2", amount=4, **GIFT),
        fact(5, "TapeOpened", tape="t2", fund="F", **HEART),
        fact(6, "DonationReceived", 1, issue="t2:0-5 fund/F", donation="D3", amount=5, **GIFT),
        picked(7, "AllocationMade", 2, "t1:0-4 fund/F > case/C", allocation="A", fund="F", amount=4, **C),
        picked(8, "CashGranted", 4, "t1:0-3 case/C > used/C", grant="K", amount=3, **C),
        picked(9, "GrantReturned", 4, "t1:2-3 used/C > case/C", grant="K", amount=1, **C),
        picked(10, "AllocationReleased", 4, "t1:3-4 case/C > fund/F", allocation="A", amount=1, **C),
        picked(
            *(11, "HospitalPaymentMade", 4, "t1:2-3 case/C > hospital/H/C"),
            **{"payment": "P", "hospital": "H", "lines": [{"case": "C", "amount": 1}]},
        ),
        picked(
            *(12, "HospitalPaymentReturned", 4, "t1:2-3 hospital/H/C > case/C"),
            **{"payment": "P", "hospital": "H", "amount": 1, **C},
        ),
        picked(13, "DonationRefunded", 5, "t1:5-6 fund/F > refunded", donation="D1", amount=1, fee=0),
        picked(14, "FundsTransferred", 5, "t1:9-10 fund/F > fund/G", fund="F", to_fund="G", amount=1),
        fact(15, "TermsChanged", 5, "t1:8-9 fund/F > fund/F/t2", fund="F", amount=1),
        fact(16, "MoneyHeld", 5, "t1:7-8 fund/F > hold/X", hold="X", amount=1),
        fact(17, "HoldLifted", 5, "t1:7-8 hold/X > fund/F", hold="X", amount=1),
        picked(
            *(18, "ExpenseMade", 5, "t1:3-4 fund/F > cost/F/management"),
            **{"fund": "F", "kind": "management", "from": "fund", "amount": 1},
        ),
        fact(19, "SerialsSubstituted", 5, "t1:2-3 case/C > fund/F, t1:4-5 fund/F > case/C", amount=1, **C),
        fact(20, "EntryReversed", 5, "t1:2-3 fund/F > case/C, t1:4-5 case/C > fund/F", reverses=19),
        fact(21, "BalanceBroughtForward", 5, issue="t1:10-12 case/C", donation="B", fund="F", amount=2, **C),
        fact(22, "CaseClosed", 5, "t1:2-3 case/C > fund/F, t1:10-12 case/C > fund/F", **C),
    ]


def instead(**data: Any) -> dict[str, Any]:
    """What is written in an entry instead of what was there."""
    return {name: ranges(value) if name in ("moves", "issue") else value for name, value in data.items()}


BREACHES: list[tuple[int, int, dict[str, Any]]] = [
    (1, 8, instead(moves="t1:0-3 fund/F > used/C")),
    (1, 4, instead(issue="t1:5-9 fund/F")),
    (2, 4, instead(issue="t1:7-11 fund/F")),
    (2, 7, instead(moves="t1:0-2 fund/F > case/C, t1:2-4 fund/F > case/C")),
    (2, 7, instead(moves="t1:2-4 fund/F > case/C, t1:0-1 fund/F > case/C")),
    (2, 8, instead(moves="t1:2-5 case/C > used/C")),
    (3, 8, instead(moves="t1:0-3 case/C > used/X")),
    (3, 10, instead(amount=2)),
    (3, 12, instead(moves="t1:2-3 hospital/H/C > fund/F")),
    (3, 20, instead(moves="t1:4-5 case/C > fund/F")),
    (3, 21, instead(amount=3)),
    (3, 22, instead(moves="t1:2-3 case/C > case/E")),
    (4, 8, instead(moves="t1:2-5 case/C > used/C")),
    (5, 7, instead(moves="t2:0-4 fund/F > case/C")),
    (5, 10, instead(moves="t1:3-4 case/C > fund/G")),
    (5, 14, instead(moves="t1:9-10 fund/F > fund/G/t2")),
    (5, 15, instead(moves="t1:8-9 fund/F > fund/G")),
    (5, 17, instead(moves="t1:7-8 hold/X > fund/F/t2")),
    (5, 19, instead(moves="t1:2-3 case/C > fund/F, t2:4-5 fund/F > case/C")),
    (6, 7, instead(moves="t1:1-5 fund/F > case/C")),
    (6, 7, instead(policy="manual")),
    (6, 8, instead(amount=2)),
    (6, 3, instead(amount=7)),
    (6, 9, instead(moves="t1:0-1 used/C > case/C")),
    (6, 10, instead(moves="t1:3-4 case/C > fund/F", allocation="A2")),
    (6, 12, instead(moves="t1:2-3 hospital/H/C > fund/F")),
    (6, 13, instead(moves="t1:4-5 fund/F > refunded")),
    (6, 13, instead(moves="t1:9-10 fund/F > refunded")),
    (6, 14, instead(moves="t1:6-7 fund/F > fund/G")),
    (6, 14, instead(moves="t1:9-10 fund/F > fund/G", amount=2)),
    (6, 15, instead(moves="t1:8-9 fund/F > fund/F/t1")),
    (6, 15, instead(policy="earmark-fifo/1")),
    (6, 16, instead(moves="t1:7-8 fund/F > hold/Y")),
    (6, 16, instead(amount=2)),
    (6, 17, instead(moves="t1:7-8 hold/X > fund/G")),
    (6, 18, instead(moves="t2:0-1 fund/F > cost/F/management")),
    (6, 18, instead(kind="other")),
    (6, 19, instead(moves="t1:2-3 case/C > fund/F, t1:4-6 fund/F > case/C")),
    (6, 20, instead(moves="t1:2-3 fund/F > case/C")),
    (6, 20, instead(reverses=11, moves="t1:2-3 hospital/H/C > case/C")),
    (6, 20, instead(reverses=1)),
    (6, 21, instead(amount=3)),
    (6, 21, instead(issue="t1:10-12 fund/F")),
    (6, 22, instead(moves="t1:2-3 case/C > fund/F")),
    (6, 22, instead(on="2026-03-04")),
    (7, 7, instead(moves="t1:6-10 fund/F > case/C")),
    (7, 8, instead(on="2026-03-01")),
    (7, 20, instead(on="2026-03-04")),
]
"""The law, the seq of the entry that breaks it, and what is written there instead."""


def test_the_laws_hold_of_a_sound_history() -> None:
    assert sorted(LAWS) == [1, 2, 3, 4, 5, 6, 7]
    check(LAWS.values(), sound())


@pytest.mark.parametrize(("law", "seq", "instead"), BREACHES)
def test_each_laws_check_sees_that_law_broken(law: int, seq: int, instead: dict[str, Any]) -> None:
    entries = sound()
    entries[seq - 1]["data"] |= instead
    with pytest.raises(Broken):
        check([LAWS[law]], entries)


UNDONE: list[tuple[int, str, list[int]]] = [
    (22, "t1:2-3 fund/F > case/C, t1:10-12 fund/F > case/C", []),
    (19, "t1:2-3 fund/F > case/C, t1:4-5 case/C > fund/F", []),
    (20, "t1:2-3 case/C > fund/F, t1:4-5 fund/F > case/C", []),
    (10, "t1:3-4 fund/F > case/C", []),
    (9, "t1:2-3 case/C > used/C", [22]),
    (8, "t1:0-2 used/C > case/C", [22]),
    (16, "t1:7-8 hold/X > fund/F", []),
]
"""What may not be undone at the end of the sound history (the entries left out of it beside each): a closing, what was
undone before, a reversal, what refills a closed case, what was moved since, what a return names, what is not there."""


@pytest.mark.parametrize(("seq", "moves", "without"), UNDONE)
def test_law_6_lets_nothing_be_undone_that_cannot_be(seq: int, moves: str, without: list[int]) -> None:
    entries = [entry for entry in sound() if entry["seq"] not in without]
    check([LAWS[6]], entries)
    with pytest.raises(Broken):
        check([LAWS[6]], [*entries, fact(30, "EntryReversed", 5, moves, reverses=seq)])


def test_laws_hold_as_of_each_date_and_not_just_at_the_end() -> None:
    """Known last, dated first: nothing is wrong at the end, but on the 2nd the money was not there yet."""
    entries = [
        *sound()[:7],
        picked(8, "CashGranted", 4, "t1:0-3 case/C > used/C", grant="K", amount=3, **C),
        picked(9, "AllocationReleased", 3, "t1:0-1 used/C > fund/F", allocation="A", amount=1, **C),
    ]
    for law in (1, 2, 7):
        check([LAWS[law]], entries[:-1])
        with pytest.raises(Broken):
            check([LAWS[law]], entries)
