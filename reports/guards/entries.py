"""Entries as the guards' rules read them: the members that say who was given what, and nothing of moves. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Struct

from ledger.times import local_day, parse_utc


class Line(Struct, frozen=True):
    """One case's part of a payment."""

    case: str
    amount: int
    bill_no: str | None = None
    bill_amount: int | None = None


class Leg(Struct, frozen=True):
    """A movement on a bank account."""

    account: str
    amount: int | None = None
    bank_ref: str | None = None


class Members(Struct, frozen=True):
    """The members of `data` that the rules read, the others passed over; an absent one is None or empty."""

    on: date | None = None
    of: int | None = None
    amount: int | None = None
    fund: str | None = None
    case: str | None = None
    hospital: str | None = None
    donation: str | None = None
    allocation: str | None = None
    payment: str | None = None
    grant: str | None = None
    lines: tuple[Line, ...] = ()
    cash: tuple[Leg, ...] = ()
    reason: str | None = None
    bill_no: str | None = None
    purpose: str | None = None
    period: str | None = None
    household: str | None = None
    attributes: Mapping[str, str] = {}
    approved_by: tuple[str, ...] = ()
    channel: str | None = None
    channel_txn: str | None = None
    fee_bp: int = 0
    reverses: int | None = None


class Bare(Struct, frozen=True):
    """What is read of a fact that the rules do not know, whatever its other members are."""

    on: date | None = None
    of: int | None = None


class Record(NamedTuple):
    """An entry; `day` is its posting date or, without one, the day of its recording; `id` is its stream's."""

    seq: int
    type: str
    day: date
    id: str
    data: Members


_CASES = ("CaseOpened", "CaseAmended", "CaseClosed", "CaseReopened")
_GIFTS = ("DonationReceived", "BalanceBroughtForward", "DonationRefunded")
_SPENDING = ("AllocationMade", "HospitalPaymentMade", "TreatmentSettled", "CashGranted", "ExpenseMade", "MoneyHeld")
_RETURNS = ("AllocationReleased", "HospitalPaymentReturned", "GrantReturned", "EntryReversed")
KNOWN = frozenset((*_CASES, *_GIFTS, *_SPENDING, *_RETURNS))
"""The facts whose members are read."""

CASE_FACTS = frozenset(("CaseOpened", "CaseAmended", "CaseReopened"))
"""Facts about cases that move no money: they count from when they were recorded, whatever their day."""


class _Known(Struct):
    at: str
    stream: str
    data: Members


class _Other(Struct):
    at: str
    stream: str
    data: Bare


_decode_known = msgspec.json.Decoder(_Known).decode
_decode_other = msgspec.json.Decoder(_Other).decode


def record_of(row: Sequence[Any], zone: ZoneInfo) -> Record:
    """The entry of a row: seq, type, body."""
    seq, topic, body = row
    entry = _decode_known(body) if topic in KNOWN else _decode_other(body)
    data = entry.data if isinstance(entry.data, Members) else Members(on=entry.data.on, of=entry.data.of)
    day = data.on or local_day(parse_utc(entry.at), zone)
    return Record(seq, topic, day, entry.stream.partition("/")[2], data)
