"""Kinds of files about gifts: received, brought forward, found to be somebody's, given back."""

from __future__ import annotations

from typing import Any

from api.intake.kind import DATED, Kind, by_content
from api.intake.rows import Row
from ledger.decisions import (
    AttributeDonation,
    BringForward,
    Command,
    Foreign,
    PaymentLine,
    ReceiveDonation,
    RefundDonation,
)
from ledger.errors import BadValue
from ledger.money import exponent_of

_FOREIGN = ("original_amount", "original_currency", "rate", "rate_on")
_TERMS = ("restriction", "usable_from", "expires_on", "agreement", "nature")


def _terms(row: Row) -> dict[str, Any]:
    """Under which terms the row's money stands."""
    return {
        "nature": row.get("nature") or "own",
        "restriction": row.restriction("restriction"),
        "usable_from": row.day_if_any("usable_from"),
        "expires_on": row.day_if_any("expires_on"),
        "agreement": row.get("agreement"),
    }


def _donation(row: Row) -> Command:
    get, amount = row.values.get, row.amount("amount")
    return ReceiveDonation(
        key=row.key("donation_id"),
        on=row.day("received_on"),
        donation=row.need("donation_id"),
        fund=row.need("fund_id"),
        amount=amount,
        cash=row.cash(amount),
        suspense=get("suspense_id"),
        donor=get("donor_id"),
        channel=get("channel"),
        channel_txn=get("channel_txn"),
        line=get("line"),
        fee_bp=row.rate("fee_rate"),
        source=get("source") or "donation",
        payer=get("payer"),
        receipt_to=get("receipt_to"),
        foreign=_foreign(row),
        **_terms(row),
    )


def _foreign(row: Row) -> Foreign | None:
    """What the gift was in foreign money, if the row says anything of it: then all of it."""
    if not any(column in row.values for column in _FOREIGN):
        return None
    currency = row.need("original_currency")
    exponent = exponent_of(currency)
    amount = row.foreign_amount("original_amount", exponent)
    return Foreign(currency, amount, exponent, row.need("rate"), row.day("rate_on"))


def _opening_balance(*rows: Row) -> Command:
    """One balance of a row; one at a hospital of all its rows, its lines in an order of their own."""
    first = rows[0]
    hospital = first.get("hospital_id")
    if len(rows) > 1 and hospital is None:
        raise BadValue(
            "donation_id",
            first.need("donation_id"),
            "rows of one id are the cases of one hospital: name the hospital, or give each row an id of its own",
            "同一编号的多行须为同一医院的各个个案：请填写 hospital_id，或改用不同编号",
        )
    lines = [PaymentLine(row.need("case_id"), row.amount("amount")) for row in rows] if hospital else []
    return BringForward(
        key=first.key("donation_id"),
        on=first.day("as_of"),
        donation=first.need("donation_id"),
        fund=first.need("fund_id"),
        amount=None if hospital else first.amount("amount"),
        donor=first.get("donor_id"),
        case=None if hospital else first.get("case_id"),
        hospital=hospital,
        lines=tuple(sorted(lines, key=lambda line: line.case)),
        cash=None if hospital else first.cash(first.amount("amount")),
        **_terms(first),
    )


def _attribution(row: Row) -> Command:
    on, donation, donor = row.day_if_any("attributed_on"), row.need("donation_id"), row.need("donor_id")
    return by_content(AttributeDonation(key="-", on=on, donation=donation, donor=donor), row.kind)


def _refund(row: Row) -> Command:
    amount = row.amount("amount")
    return RefundDonation(
        key=row.key("refund_id"),
        on=row.day("refunded_on"),
        refund=row.need("refund_id"),
        donation=row.need("donation_id"),
        amount=amount,
        cash=row.cash(amount),
        fee=row.amount_or_zero("fee"),
    )


DONOR = ("donor_name", "donor_phone", "donor_id_no")
"""What files say of a donor; other columns of theirs are not read."""

GIFT_KINDS = (
    Kind(
        name="donations",
        turn=DATED,
        required=("donation_id", "fund_id", "amount", "received_on"),
        optional=(
            *("donor_id", "channel", "channel_txn", "line", "source", "fee_rate", *_TERMS),
            *("payer", "receipt_to", *_FOREIGN),
            *("account", "bank_ref", "suspense_id"),
        ),
        personal=DONOR,
        dates=("received_on", "usable_from", "expires_on", "rate_on"),
        amounts=("amount",),
        foreign_amounts=("original_amount",),
        build=_donation,
    ),
    Kind(
        name="opening-balances",
        turn=DATED,
        required=("donation_id", "fund_id", "amount", "as_of", "basis"),
        optional=("donor_id", "case_id", "hospital_id", *_TERMS, "account"),
        personal=DONOR,
        dates=("as_of", "usable_from", "expires_on"),
        amounts=("amount",),
        group_by="donation_id",
        differing=("case_id", "amount"),
        build=_opening_balance,
    ),
    Kind(
        name="attributions",
        turn=DATED,
        required=("donation_id", "donor_id"),
        optional=("attributed_on",),
        personal=DONOR,
        dates=("attributed_on",),
        build=_attribution,
    ),
    Kind(
        name="refunds",
        turn=DATED,
        required=("refund_id", "donation_id", "amount", "refunded_on"),
        optional=("fee", "account", "bank_ref"),
        dates=("refunded_on",),
        amounts=("amount", "fee"),
        build=_refund,
    ),
)
