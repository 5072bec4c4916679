"""Statements in words, Chinese and English: what each comes to, whether it ties, and why it does not."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

from ledger.money import exponent_of, format_amount
from reports.banking.register import Kept
from reports.banking.statement import Claim
from reports.banking.taking import Taken

STATES_ZH = {"recorded": "已登记", "held": "已搁置", "accepted": "经批准接受", "already": "此前已登记"}


class Both(NamedTuple):
    """One sentence in both languages."""

    zh: str
    en: str


class Told(NamedTuple):
    """The figures of a statement, however they came; amounts in minor units."""

    account: str | None
    currency: str
    exponent: int
    first_on: date | None
    last_on: date | None
    opening: int | None
    closing: int | None
    closing_currency: str | None
    lines: int
    credits: int
    debits: int
    ties: bool | None
    difference: int | None
    failed: Sequence[Claim]


def told_of(one: Taken | Kept) -> Told:
    """The figures of a statement on its way in, or of one that is kept."""
    if isinstance(one, Kept):
        ends = (one.first_on, one.last_on, one.opening, one.closing, one.closing_currency)
        sums = (one.lines, one.credits, one.debits)
        return Told(one.account, one.currency, one.exponent, *ends, *sums, one.ties, one.difference, one.failed)
    own, verdict = one.statement, one.verdict
    ends = (*own.period, own.opening, own.closing, own.closing_currency)
    sums = (len(own.lines), own.credits, own.debits)
    judged = (verdict.ties, verdict.difference, verdict.failed)
    return Told(own.account, own.currency, own.exponent, *ends, *sums, *judged)


def figures(told: Told, state: str, id: int | None) -> Both:
    """One line for a statement."""
    period = " – ".join(dict.fromkeys(str(day) for day in (told.first_on, told.last_on) if day is not None))
    opening, closing = _balance(told.opening, told.exponent), _closing(told)
    money_in, money_out = format_amount(told.credits, told.exponent), format_amount(told.debits, told.exponent)
    label = "" if id is None else f"B{id} "
    mark = {True: "✓", False: "✗", None: "?"}[told.ties]
    account_zh, account = told.account or "账户未知", told.account or "account unknown"
    return Both(
        f"{mark} {label}{account_zh} {told.currency} {period}：期初 {opening}，收入 {money_in}，支出 {money_out}，"
        f"期末 {closing}，{told.lines} 笔；{STATES_ZH[state]}",
        f"{mark} {label}{account} {told.currency} {period}: opening {opening}, in {money_in}, out {money_out}, "
        f"closing {closing}, {told.lines} lines; {state}",
    )


def problems(told: Told) -> list[Both]:
    """Why a statement does not tie; nothing for one that does."""
    if told.ties is None:
        return [
            Both(
                "文件中没有可供核对的余额或合计", "there are no balances and no totals in it to hold its lines against"
            )
        ]
    found = [_problem(claim, told.exponent) for claim in told.failed]
    if told.closing_currency is not None:
        found.append(
            Both(
                f"期末余额的币种为 {told.closing_currency}，与账户币种 {told.currency} 不同",
                f"the closing balance is in {told.closing_currency}, the account in {told.currency}",
            )
        )
    return found


def _problem(claim: Claim, exponent: int) -> Both:
    if not claim.money:
        return Both(
            f"{claim.what_zh}应为 {claim.stated}，实为 {claim.found}",
            f"{claim.what}: {claim.found} instead of {claim.stated}",
        )
    stated, found = format_amount(claim.stated, exponent), format_amount(claim.found, exponent)
    apart = format_amount(claim.stated - claim.found, exponent)
    return Both(
        f"{claim.what_zh}应为 {stated}，按明细为 {found}，相差 {apart}",
        f"{claim.what}: {stated} is stated, the lines come to {found}, a difference of {apart}",
    )


def _balance(minor: int | None, exponent: int) -> str:
    return "-" if minor is None else format_amount(minor, exponent)


def _closing(told: Told) -> str:
    if told.closing is None or told.closing_currency is None:
        return _balance(told.closing, told.exponent)
    return f"{format_amount(told.closing, exponent_of(told.closing_currency))} {told.closing_currency}"
