"""Kinds of files about a fund's own money: moved between funds, spent, held, under other terms; and entries undone."""

from __future__ import annotations

from api.intake.kind import DATED, Kind, by_content
from api.intake.rows import Row
from ledger.decisions import (
    ChangeTerms,
    Command,
    HoldMoney,
    LiftHold,
    MakeExpense,
    ReverseEntry,
    SubstituteSerials,
    TransferFunds,
)


def _transfer(row: Row) -> Command:
    return TransferFunds(
        key=row.key("transfer_id"),
        on=row.day("transferred_on"),
        transfer=row.need("transfer_id"),
        fund=row.need("fund_id"),
        to_fund=row.need("to_fund_id"),
        amount=row.amount("amount"),
    )


def _expense(row: Row) -> Command:
    amount = row.amount("amount")
    return MakeExpense(
        key=row.key("expense_id"),
        on=row.day("spent_on"),
        expense=row.need("expense_id"),
        fund=row.need("fund_id"),
        kind=row.need("kind"),
        amount=amount,
        source=row.get("from") or "fund",
        cash=row.cash(amount),
    )


def _hold(row: Row) -> Command:
    return HoldMoney(
        key=row.key("hold_id"),
        on=row.day("held_on"),
        hold=row.need("hold_id"),
        ranges=row.listed("ranges"),
        donation=row.get("donation_id"),
    )


def _lifting(row: Row) -> Command:
    command = LiftHold(key="-", on=row.day("lifted_on"), hold=row.need("hold_id"), ranges=row.listed("ranges"))
    return by_content(command, row.kind)


def _change(row: Row) -> Command:
    return ChangeTerms(
        key=row.key("change_id"),
        on=row.day("changed_on"),
        fund=row.need("fund_id"),
        ranges=row.listed("ranges"),
        donation=row.get("donation_id"),
        restriction=row.restriction("restriction"),
        usable_from=row.day_if_any("usable_from"),
        expires_on=row.day_if_any("expires_on"),
        agreement=row.get("agreement"),
    )


def _substitution(row: Row) -> Command:
    return SubstituteSerials(
        key=row.key("substitution_id"),
        on=row.day("substituted_on"),
        case=row.need("case_id"),
        place=row.need("place"),
        incoming=row.listed("incoming"),
        outgoing=row.listed("outgoing"),
    )


def _reversal(row: Row) -> Command:
    return ReverseEntry(key=row.key("reversal_id"), on=row.day("reversed_on"), reverses=row.whole("reverses"))


FUND_KINDS = (
    Kind(
        name="transfers",
        turn=DATED,
        required=("transfer_id", "fund_id", "to_fund_id", "amount", "transferred_on", "basis"),
        dates=("transferred_on",),
        amounts=("amount",),
        build=_transfer,
    ),
    Kind(
        name="expenses",
        turn=DATED,
        required=("expense_id", "fund_id", "kind", "amount", "spent_on"),
        optional=("from", "account", "bank_ref"),
        dates=("spent_on",),
        amounts=("amount",),
        build=_expense,
    ),
    Kind(
        name="holds",
        turn=DATED,
        required=("hold_id", "held_on"),
        optional=("donation_id", "ranges"),
        dates=("held_on",),
        build=_hold,
    ),
    Kind(
        name="hold-liftings",
        turn=DATED,
        required=("hold_id", "lifted_on"),
        optional=("ranges",),
        dates=("lifted_on",),
        build=_lifting,
    ),
    Kind(
        name="terms-changes",
        turn=DATED,
        required=("change_id", "fund_id", "changed_on", "basis"),
        optional=("donation_id", "ranges", "restriction", "usable_from", "expires_on", "agreement"),
        dates=("changed_on", "usable_from", "expires_on"),
        build=_change,
    ),
    Kind(
        name="substitutions",
        turn=DATED,
        required=("substitution_id", "case_id", "place", "incoming", "outgoing", "substituted_on", "basis"),
        dates=("substituted_on",),
        build=_substitution,
    ),
    Kind(
        name="reversals",
        turn=DATED,
        required=("reversal_id", "reverses", "reversed_on"),
        dates=("reversed_on",),
        build=_reversal,
    ),
)
