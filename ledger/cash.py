"""What facts say of cash: which move it, which way, and their legs on accounts.

A fact's legs are its `cash`. A gift without any that came by a channel waits there, in full; money that names suspense
came in with the receipt that was suspended, and has no leg of its own. Law 8: what is held in serials and owed in
suspense is what is on accounts, at channels, and what names no account; so from the first account that is opened on,
each fact's legs come to no more than it changes of the former.
"""

from __future__ import annotations

from typing import Any

from ledger.places import parse_place

ACCOUNT_KINDS = ("bank", "channel", "cash")
SIDES = {
    "DonationReceived": 1,
    "HospitalPaymentReturned": 1,
    "GrantReturned": 1,
    "ReceiptSuspended": 1,
    "HospitalPaymentMade": -1,
    "CashGranted": -1,
    "DonationRefunded": -1,
    "ExpenseMade": -1,
    "SuspenseRepaid": -1,
}
"""Facts that move cash, and which way. An opening balance says what was on accounts before: no statement has it."""
HELD = frozenset(("fund", "case", "fee", "hold"))
"""Kinds of places whose money is on accounts still."""


def whole_of(fact: Any) -> int:
    """What a fact is about, in minor units: its amount, or that of its lines."""
    amount = getattr(fact, "amount", None)
    return int(sum(line.amount for line in getattr(fact, "lines", ())) if amount is None else amount)


def legs_of(fact: Any) -> list[tuple[str, int]]:
    """Account and signed amount of each leg, in order; none for a fact that moves no cash of its own."""
    side = SIDES.get(type(fact).__name__)
    if side is None or is_cleared(fact):
        return []
    if fact.cash:
        whole = whole_of(fact)
        return [(leg.account, side * (whole if leg.amount is None else leg.amount)) for leg in fact.cash]
    channel = getattr(fact, "channel", None)
    return [] if channel is None else [(channel, side * whole_of(fact))]


def is_cleared(fact: Any) -> bool:
    """Whether the fact's money came in with a receipt that was suspended."""
    return bool(fact.NOUN != "suspense" and getattr(fact, "suspense", None) is not None)


def held_change(fact: Any) -> int:
    """By how much more, or less, is held in serials after the fact."""
    change: int = sum(one.hi - one.lo for one in fact.issue if parse_place(one.to).kind in HELD)
    for one in fact.moves:
        sides = (parse_place(one.target).kind in HELD) - (parse_place(one.source).kind in HELD)
        change += sides * (one.hi - one.lo)
    return change
