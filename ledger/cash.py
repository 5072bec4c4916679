"""What facts say of cash: which move it, which way, and their legs on accounts.

A fact's legs are its `cash`. A gift without any that came by a channel waits there, in full; money that names suspense
came in with the receipt that was suspended, and has no leg of its own. Law 8: what is held in serials and owed in
suspense is what is on accounts, at channels, and what names no account; so from the first account that is opened on,
each fact's legs come to no more than it changes of the former.
"""

from __future__ import annotations

from datetime import date
from typing import Any

import msgspec
from msgspec import Struct

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
SUSPENSE = ("ReceiptSuspended", "SuspenseRepaid")
"""Facts about a suspended receipt itself; others that name one had their money from it."""
HELD = frozenset(("fund", "case", "fee", "hold"))
"""Kinds of places whose money is on accounts still."""


class _Leg(Struct, frozen=True, gc=False):
    account: str
    amount: int | None = None
    bank_on: date | None = None
    bank_ref: str | None = None


class _Line(Struct, frozen=True, gc=False):
    amount: int


class CashTold(Struct, frozen=True, gc=False):
    """What the `data` of an entry that may move cash has of it; the rest of the fact is passed over."""

    on: date | None = None
    of: int | None = None
    amount: int | None = None
    lines: tuple[_Line, ...] = ()
    hospital: str | None = None
    cash: tuple[_Leg, ...] = ()
    channel: str | None = None
    channel_txn: str | None = None
    suspense: str | None = None


class EntryTold(Struct, frozen=True, gc=False):
    """What an entry that may move cash tells of it; one that is a later part of a fact (`of`) tells nothing."""

    seq: int
    type: str
    data: CashTold


read_entries = msgspec.json.Decoder(EntryTold).decode_lines
"""Such entries' bytes, a line each; entries of other types may have members of the same names that are other things."""


def whole_of(fact: Any) -> int:
    """What a fact is about, in minor units: its amount, or that of its lines."""
    amount = getattr(fact, "amount", None)
    return int(sum(line.amount for line in getattr(fact, "lines", ())) if amount is None else amount)


def legs_of(entry: EntryTold) -> list[tuple[str, int]]:
    """Account and signed amount of each leg, in order; none for a fact that moves no cash of its own."""
    side, told = SIDES[entry.type], entry.data
    if told.of is not None or (told.suspense is not None and entry.type not in SUSPENSE):
        return []
    if told.cash:
        whole = whole_of(told)
        return [(leg.account, side * (whole if leg.amount is None else leg.amount)) for leg in told.cash]
    return [] if told.channel is None else [(told.channel, side * whole_of(told))]


def is_cleared(fact: Any) -> bool:
    """Whether the fact's money came in with a receipt that was suspended."""
    return fact.NOUN != "suspense" and isinstance(getattr(fact, "suspense", None), str)


def held_change(fact: Any) -> int:
    """By how much more, or less, is held in serials after the fact."""
    change: int = sum(one.hi - one.lo for one in fact.issue if parse_place(one.to).kind in HELD)
    for one in fact.moves:
        sides = (parse_place(one.target).kind in HELD) - (parse_place(one.source).kind in HELD)
        change += sides * (one.hi - one.lo)
    return change
