"""Kinds of files about accounts: opened, receipts that nobody can place, and what of those is repaid."""

from __future__ import annotations

from api.intake.kind import DATED, FUNDS, Kind
from api.intake.rows import Row
from ledger.decisions import CashLeg, Command, OpenAccount, RepaySuspense, SuspendReceipt


def _account(row: Row) -> Command:
    return OpenAccount(key=row.key("account_id"), account=row.need("account_id"), kind=row.need("kind"))


def _suspense(row: Row) -> Command:
    amount = row.amount("amount")
    return SuspendReceipt(
        key=row.key("suspense_id"),
        on=row.day("received_on"),
        suspense=row.need("suspense_id"),
        amount=amount,
        cash=(CashLeg(row.need("account"), amount, bank_ref=row.get("bank_ref")),),
    )


def _repayment(row: Row) -> Command:
    amount = row.amount("amount")
    row.need("repayment_id")
    return RepaySuspense(
        key=row.key("repayment_id"),
        on=row.day("repaid_on"),
        suspense=row.need("suspense_id"),
        amount=amount,
        cash=(CashLeg(row.need("account"), amount, bank_ref=row.get("bank_ref")),),
    )


BANK_KINDS = (
    Kind(name="accounts", turn=FUNDS, required=("account_id", "kind"), build=_account),
    Kind(
        name="suspense",
        turn=DATED,
        required=("suspense_id", "amount", "received_on", "account"),
        optional=("bank_ref",),
        dates=("received_on",),
        amounts=("amount",),
        build=_suspense,
    ),
    Kind(
        name="suspense-repayments",
        turn=DATED,
        required=("repayment_id", "suspense_id", "amount", "repaid_on", "account"),
        optional=("bank_ref",),
        dates=("repaid_on",),
        amounts=("amount",),
        build=_repayment,
    ),
)
