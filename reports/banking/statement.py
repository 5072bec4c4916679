"""The values that every format is read into: a statement of one account in one currency, its lines, its own claims.

All amounts are integers in minor units of the statement's currency; money in is positive, money out negative.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import NamedTuple
from unicodedata import normalize

from ledger.errors import InputFault, shown
from ledger.money import MAX_MINOR

MAX_REFERENCE_CHARS = 120
MAX_TEXT_CHARS = 2_000


class Details(NamedTuple):
    """What a line says of people, in words: personal data, never kept in clear."""

    counterparty: str | None = None
    counterparty_account: str | None = None
    reference: str | None = None
    text: str | None = None


NO_DETAILS = Details()


@dataclass(frozen=True, slots=True)
class Line:
    """One movement on the account.

    `bank_ref` is the bank's own reference; `order_ref` ours, where a channel repeats it; `clock` the time of day as the
    bank writes it; `balance` what stood on the account after it. `fee` is what a channel kept of the amount.
    """

    booked_on: date
    amount: int
    value_on: date | None = None
    clock: str | None = None
    bank_ref: str | None = None
    order_ref: str | None = None
    balance: int | None = None
    fee: int = 0
    details: Details = NO_DETAILS


class Claim(NamedTuple):
    """Something that a statement says of itself, and what its lines come to; `money` in minor units, else a count."""

    what: str
    what_zh: str
    stated: int
    found: int
    money: bool = True


@dataclass(frozen=True, slots=True)
class Statement:
    """One account, one currency, one run of lines in the file's order.

    `number` is the bank's own for it, None where the format has none; `opening` and `closing` are None where the file
    does not say. `closing_currency` differs only in a file that contradicts itself. `claims` are what the file says of
    its lines beside the equation opening + in − out = closing.
    """

    account: str | None
    currency: str
    exponent: int
    lines: tuple[Line, ...]
    opening: int | None = None
    closing: int | None = None
    closing_currency: str | None = None
    number: str | None = None
    opened_on: date | None = None
    closed_on: date | None = None
    claims: tuple[Claim, ...] = ()

    @property
    def credits(self) -> int:
        """Money in."""
        return sum(line.amount for line in self.lines if line.amount > 0)

    @property
    def debits(self) -> int:
        """Money out, without a sign."""
        return -sum(line.amount for line in self.lines if line.amount < 0)

    @property
    def fees(self) -> int:
        """What a channel kept, less what it gave back."""
        return sum(line.fee for line in self.lines)

    @property
    def period(self) -> tuple[date | None, date | None]:
        """The first and the last day it tells of, as far as it says."""
        days = [line.booked_on for line in self.lines]
        known = [day for day in (self.opened_on, self.closed_on, *days) if day is not None]
        return (min(known), max(known)) if known else (None, None)


class UnusableStatement(InputFault):
    """A file that cannot be read as a statement; nothing of it was recorded. `where` is a row or a line of it."""

    code = "unusable_statement"
    zh = "对账单 {file}{where_zh} 无法读取，未登记任何内容：{reason_zh}"
    en = "the statement {file}{where} cannot be read, and nothing was recorded: {reason}"

    def __init__(self, file: object, reason: str, reason_zh: str, where: int | None = None) -> None:
        super().__init__(
            file=shown(file, 200),
            reason=reason,
            reason_zh=reason_zh,
            where="" if where is None else f", line {where},",
            where_zh="" if where is None else f" 第 {where} 行",
        )


class NotAStatement(Exception):
    """What a reader raises on content that is not right, in English and in Chinese; `line` counts from 1."""

    def __init__(self, reason: str, reason_zh: str, line: int | None = None) -> None:
        super().__init__(reason)
        self.reason, self.reason_zh, self.line = reason, reason_zh, line


def checked(statements: Sequence[Statement]) -> tuple[Statement, ...]:
    """The statements, texts without what is not printable, sums within an exact integer. Raises NotAStatement."""
    for one in statements:
        figures = (one.opening or 0, one.closing or 0, one.credits, one.debits, one.fees)
        if any(abs(figure) > MAX_MINOR for figure in figures):
            raise NotAStatement("an amount is beyond 2^53-1 minor units", "金额超过 2^53-1 个最小货币单位")
    return tuple(
        replace(
            one,
            account=printable(one.account, MAX_REFERENCE_CHARS),
            number=printable(one.number, MAX_REFERENCE_CHARS),
            lines=tuple(map(_clean, one.lines)),
        )
        for one in statements
    )


def printable(text: str | None, limit: int) -> str | None:
    """Text as it may be kept and shown: NFC, cut to a length, nothing unprintable; None for nothing."""
    if text is None or (text.isascii() and text.isprintable() and len(text) <= limit):
        return text or None
    kept = "".join(each if each.isprintable() else " " for each in normalize("NFC", text))
    return kept.strip()[:limit].strip() or None


def _clean(line: Line) -> Line:
    return replace(
        line,
        clock=printable(line.clock, MAX_REFERENCE_CHARS),
        bank_ref=printable(line.bank_ref, MAX_REFERENCE_CHARS),
        order_ref=printable(line.order_ref, MAX_REFERENCE_CHARS),
        details=Details(*(printable(text, MAX_TEXT_CHARS) for text in line.details)),
    )
