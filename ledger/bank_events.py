"""Facts about accounts and banks' statements: accounts, suspense, what became of statements' lines, periods.

None of them moves a serial. A line of a statement is named by its file's SHA-256, the statement's position in the file
and its ordinal there: who has the bank's file can look it up, and nobody else learns anything.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated

from msgspec import Meta, Struct

from ledger.facts import Amount, Fact, Id, Serial
from ledger.money import MAX_MINOR

Signed = Annotated[int, Meta(ge=-MAX_MINOR, le=MAX_MINOR)]
"""Minor units, money in positive, money out negative."""
Digest = Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
"""SHA-256 in hex."""
Month = Annotated[str, Meta(pattern="^[0-9]{4}-(0[1-9]|1[0-2])$")]
"""A period of the books: `2026-10`."""


class LinePart(Struct, frozen=True, gc=False):
    """A part, `amount`, of a line of a statement that is `whole` and was booked `on` by the bank."""

    account: Id
    file: Digest
    statement: Serial
    ordinal: Serial
    on: date
    whole: Signed
    amount: Signed


class LegPart(Struct, frozen=True, gc=False):
    """A part, `amount`, of cash leg `leg` of entry `seq`, which is on `account`; see `ledger.cash`."""

    seq: Serial
    leg: Serial
    account: Id
    amount: Signed


class AccountOpened(Fact, frozen=True, kw_only=True, omit_defaults=True):
    """启用账户: a bank account, a payment channel's or a cash box, under an opaque id; what was on it before comes with
    balances brought forward."""

    NOUN = "account"

    account: Id
    kind: str


class ReceiptSuspended(Fact, frozen=True, kw_only=True, omit_defaults=True):
    """待查暂收: money came and nobody knows yet whose or what for; it is owed, and has no serials."""

    NOUN = "suspense"

    suspense: Id
    amount: Amount


class SuspenseRepaid(Fact, frozen=True, kw_only=True, omit_defaults=True):
    """暂收退还: money of a suspended receipt goes back to who paid it."""

    NOUN = "suspense"

    suspense: Id
    amount: Amount


class LinesMatched(Fact, frozen=True, kw_only=True, omit_defaults=True):
    """对账匹配: parts of lines and of entries' cash legs that come to the same, by a `rule` with its version.

    Without legs, lines of own accounts that come to zero: money that went from one to another.
    """

    NOUN = "match"

    match: Id
    rule: Id
    lines: tuple[LinePart, ...]
    legs: tuple[LegPart, ...] = ()


class LinesWrittenOff(Fact, frozen=True, kw_only=True, omit_defaults=True):
    """核销: what is open of these lines is no money of this ledger's, for a coarse `reason`; two persons say so."""

    NOUN = "match"

    match: Id
    reason: str
    lines: tuple[LinePart, ...]


class LinesDisputed(Fact, frozen=True, kw_only=True, omit_defaults=True):
    """存疑: what is open of these lines is contested, and matched with nothing meanwhile."""

    NOUN = "match"

    match: Id
    lines: tuple[LinePart, ...]


class LinesUnmatched(Fact, frozen=True, kw_only=True, omit_defaults=True):
    """撤销匹配: a match, write-off or dispute stands no more."""

    NOUN = "match"

    match: Id


class Total(Struct, frozen=True, gc=False):
    """What stood at places of one kind by the end of a period, of a fund's money."""

    kind: str
    fund: Id
    amount: Amount


class AccountBalance(Struct, frozen=True, omit_defaults=True, gc=False):
    """What should be on an account by the end of a period, and the closing balance of the newest statement by then."""

    account: Id
    book: Signed
    bank: Signed | None = None
    bank_on: date | None = None


class PeriodClosed(Fact, frozen=True, kw_only=True, omit_defaults=True):
    """关账: nothing is posted any more on a day up to `through`, the last of the month `period`.

    `totals` and `accounts` are as of that day by the entries before this one; `suspense` is what is owed, `elsewhere`
    what is at channels or names no account. `size` and `root` are those of the signed head that it rests on. Two
    persons close; `open_lines` are lines of statements left open, accepted with a coarse `reason`.
    """

    NOUN = "period"

    period: Month
    through: date
    totals: tuple[Total, ...]
    accounts: tuple[AccountBalance, ...]
    suspense: Serial
    elsewhere: Signed
    size: Serial
    root: Digest
    open_lines: Serial = 0
    reason: Id | None = None


class PeriodReopened(Fact, frozen=True, kw_only=True, omit_defaults=True):
    """重开账期: the last period closed takes entries again; two persons say so, and why."""

    NOUN = "period"

    period: Month
    reason: Id
