"""Kinds of files about money for cases: allocated, paid, settled and granted, and what of it came back."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from api.intake.faults import PaymentLineRepeated
from api.intake.kind import DATED, Kind
from api.intake.rows import Row
from ledger.decisions import (
    Command,
    GrantCash,
    MakeAllocation,
    PayHospital,
    PaymentLine,
    ReleaseAllocation,
    ReturnGrant,
    ReturnHospitalPayment,
    SettleTreatment,
)
from ledger.errors import BadValue


def _allocation(row: Row) -> Command:
    return MakeAllocation(
        key=row.key("allocation_id"),
        on=row.day("allocated_on"),
        allocation=row.need("allocation_id"),
        case=row.need("case_id"),
        amount=row.amount("amount"),
        fund=row.get("fund_id"),
    )


def _release(row: Row) -> Command:
    return ReleaseAllocation(
        key=row.key("release_id"),
        on=row.day("released_on"),
        allocation=row.need("allocation_id"),
        amount=row.amount("amount"),
        release=row.need("release_id"),
    )


def _payment(*rows: Row) -> Command:
    """One payment from all its rows; its lines in an order of their own, so that a re-sorted file says the same."""
    first = rows[0]
    payment, hospital, on = first.need("payment_id"), first.need("hospital_id"), first.day("paid_on")
    lines = sorted((_line(row) for row in rows), key=_line_order)
    for line, next_line in pairwise(lines):
        if line == next_line:
            raise PaymentLineRepeated(payment=payment, case=line.case)
    return PayHospital(
        key=first.key("payment_id"),
        on=on,
        payment=payment,
        hospital=hospital,
        lines=tuple(lines),
        cash=first.cash(sum(line.amount for line in lines)),
    )


def _line_order(line: PaymentLine) -> tuple[str, str, int, int]:
    return line.case, line.bill_no or "", line.amount, line.bill_amount or 0


def _line(row: Row) -> PaymentLine:
    return PaymentLine(
        row.need("case_id"), row.amount("amount"), row.get("invoice_no"), row.amount_if_any("bill_amount")
    )


def _return(row: Row) -> Command:
    """Money of a payment, or of a grant where the row names one."""
    key, own_id, on, amount = row.key("return_id"), row.need("return_id"), row.day("returned_on"), row.amount("amount")
    grant, case = row.get("grant_id"), row.get("case_id")
    came: dict[str, Any] = {"cash": row.cash(amount), "suspense": row.get("suspense_id")}
    if grant is None:
        return ReturnHospitalPayment(
            key=key,
            on=on,
            payment=row.need("payment_id"),
            case=row.need("case_id"),
            amount=amount,
            reason=row.get("reason") or "surplus",
            bill_no=row.get("bill_no"),
            return_id=own_id,
            **came,
        )
    for column in ("payment_id", "reason", "bill_no"):
        if (value := row.get(column)) is not None:
            raise BadValue(column, value, "empty where grant_id names a grant", "填写 grant_id 的行不填此列")
    return ReturnGrant(key=key, on=on, grant=grant, case=case, amount=amount, return_id=own_id, **came)


def _disbursement(row: Row) -> Command:
    key, own_id, on = row.key("disbursement_id"), row.need("disbursement_id"), row.day("disbursed_on")
    case, amount, kind = row.need("case_id"), row.amount("amount"), row.need("kind")
    if kind == "treatment":
        hospital, bill_no = row.need("hospital_id"), row.get("bill_no")
        return SettleTreatment(
            key=key, on=on, settlement=own_id, hospital=hospital, case=case, amount=amount, bill_no=bill_no
        )
    if kind == "cash":
        more: dict[str, Any] = {"purpose": row.get("purpose"), "period": row.get("period"), "cash": row.cash(amount)}
        return GrantCash(key=key, on=on, grant=own_id, case=case, amount=amount, **more)
    raise BadValue("kind", kind, "treatment or cash", "应为 treatment 或 cash")


SPENDING_KINDS = (
    Kind(
        name="allocations",
        turn=DATED,
        required=("allocation_id", "case_id", "amount", "allocated_on"),
        optional=("fund_id",),
        dates=("allocated_on",),
        amounts=("amount",),
        build=_allocation,
    ),
    Kind(
        name="releases",
        turn=DATED,
        required=("release_id", "allocation_id", "amount", "released_on"),
        dates=("released_on",),
        amounts=("amount",),
        build=_release,
    ),
    Kind(
        name="hospital-payments",
        turn=DATED,
        required=("payment_id", "hospital_id", "paid_on", "case_id", "amount"),
        optional=("invoice_no", "bill_amount", "account", "bank_ref"),
        dates=("paid_on",),
        amounts=("amount", "bill_amount"),
        group_by="payment_id",
        differing=("case_id", "amount", "invoice_no", "bill_amount"),
        build=_payment,
    ),
    Kind(
        name="returns",
        turn=DATED,
        required=("return_id", "payment_id", "case_id", "amount", "returned_on"),
        optional=("reason", "bill_no", "grant_id", "account", "bank_ref", "suspense_id"),
        dates=("returned_on",),
        amounts=("amount",),
        build=_return,
    ),
    Kind(
        name="disbursements",
        turn=DATED,
        required=("disbursement_id", "case_id", "amount", "disbursed_on", "kind"),
        optional=("hospital_id", "bill_no", "purpose", "period", "account", "bank_ref"),
        unrecorded=("category",),
        dates=("disbursed_on",),
        amounts=("amount",),
        build=_disbursement,
    ),
)
