"""银行存款余额调节表: each account's book held against its bank, by what entries said of matches. Pure.

A match counts on a day once all its lines, and its legs on the lines' account, are there by then. What the books have
and the bank has not, and the other way round, is listed; adjusted by it both sides come to the same, or the difference
says what is missing: a statement, or an opening balance.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import NamedTuple

from msgspec import Struct

from reports.cash_legs import OPENING
from reports.postings import Transaction
from reports.statement_kinds import runs_text
from reports.statements import Column, Table, Value

LineKey = tuple[str, int, int]
"""SHA-256 of the file, the statement's position in it, and the line's ordinal."""


class LinePart(Struct, frozen=True):
    """A part of a line, as a match names it."""

    account: str
    file: str
    statement: int
    ordinal: int
    on: date
    amount: int

    @property
    def key(self) -> LineKey:
        """Which line it is of."""
        return self.file, self.statement, self.ordinal


class LegPart(Struct, frozen=True):
    """A part of an entry's cash on an account."""

    seq: int
    account: str
    amount: int


class Matched(Struct, frozen=True):
    """What an entry says of a match: lines with legs, or written off without any, for a `reason`."""

    lines: tuple[LinePart, ...]
    legs: tuple[LegPart, ...] = ()
    reason: str | None = None


class BankLine(NamedTuple):
    """A line of a statement that counts; `name` as people call it, `B7/3`."""

    key: LineKey
    name: str
    account: str
    on: date
    amount: int
    ref: str | None


class Balance(NamedTuple):
    """An account's balance by its bank at the end of a day."""

    on: date
    amount: int


class Books(NamedTuple):
    """Each account's book, and the entries that changed it: `(seq, account)` with day, kind, record and amount."""

    book: Mapping[str, int]
    entries: Mapping[tuple[int, str], tuple[date, str, str, int]]


def books_of(transactions: Iterable[Transaction], accounts: frozenset[str]) -> Books:
    """What was posted to these accounts. What was there before the ledger is no entry for a bank."""
    book: Counter[str] = Counter()
    entries: dict[tuple[int, str], tuple[date, str, str, int]] = {}
    for one in transactions:
        for account, amount in one.postings.items():
            if account.kind in ("bank", "channel", "cash") and account.detail in accounts:
                book[account.detail] += amount
                if one.cause != OPENING:
                    entries[one.seq, account.detail] = (one.on, one.type, one.stream, amount)
    return Books(book, entries)


def bank_tables(
    books: Books,
    balances: Mapping[str, Balance],
    lines: Sequence[BankLine],
    matches: Iterable[tuple[int, Matched]],
    until: date,
) -> list[Table]:
    """The reconciliation of each account that has a balance, and below what is open on either side.

    `matches` come with the seq of their entry, which may itself have posted: that the money arrived there.
    """
    open_lines = {line.key: line.amount for line in lines}
    open_entries = {key: entry[3] for key, entry in books.entries.items()}
    written_off: Counter[str] = Counter()
    for number, match in matches:
        if not _counts(match, books, open_lines, until):
            continue
        for part in match.lines:
            open_lines[part.key] -= part.amount
            written_off[part.account] += part.amount if match.reason is not None else 0
            open_entries.pop((number, part.account), None)
        for leg in match.legs:
            open_entries.pop((number, leg.account), None)
            if (leg.seq, leg.account) in open_entries:
                open_entries[leg.seq, leg.account] -= leg.amount
    items: list[tuple[Value, ...]] = []
    sums: dict[str, Counter[str]] = {account: Counter() for account in balances}
    for (seq, account), amount in sorted(open_entries.items(), key=lambda one: (one[0][1], one[0][0])):
        if amount:
            on, kind, stream, _ = books.entries[seq, account]
            items.append((account, on.isoformat(), runs_text([(seq, seq)]), kind, stream, amount))
            sums[account]["entries_in" if amount > 0 else "entries_out"] += amount
    unmatched: list[tuple[Value, ...]] = []
    for line in lines:
        if amount := open_lines[line.key]:
            unmatched.append((line.account, line.on.isoformat(), line.name, line.ref, amount))
            sums[line.account]["lines_in" if amount > 0 else "lines_out"] += amount
    rows = [
        _row(account, balance, books.book.get(account, 0), sums[account], written_off[account])
        for account, balance in sorted(balances.items())
    ]
    return [
        Table("bank_accounts", _ACCOUNTS, rows),
        Table("open_entries", _columns("account on entries type record amount"), items),
        Table("open_lines", _columns("account on line bank_ref amount"), unmatched),
    ]


def _counts(match: Matched, books: Books, lines: Mapping[LineKey, int], until: date) -> bool:
    """Whether all of a match is there by the last day; of other accounts' legs it is enough that the line is."""
    accounts = {line.account for line in match.lines}
    own = [leg for leg in match.legs if leg.account in accounts]
    return all(line.on <= until and line.key in lines for line in match.lines) and all(
        (leg.seq, leg.account) in books.entries for leg in own
    )


def _row(account: str, balance: Balance, book: int, sums: Counter[str], written_off: int) -> tuple[Value, ...]:
    by_bank = balance.amount + sums["entries_in"] + sums["entries_out"]
    by_book = book + sums["lines_in"] + sums["lines_out"] + written_off
    bank = (balance.amount, sums["entries_in"], sums["entries_out"], by_bank)
    ours = (book, sums["lines_in"], sums["lines_out"], written_off, by_book)
    return account, balance.on.isoformat(), *bank, *ours, by_bank - by_book


_KINDS = {"on": "day", "bank_on": "day", "type": "word", "amount": "amount"}
_ACCOUNTS = [
    Column("account"),
    Column("bank_on", "day"),
    *(
        Column(key, "amount")
        for key in (
            "bank_balance",
            "entries_in",
            "entries_out",
            "bank_adjusted",
            "book",
            "lines_in",
            "lines_out",
            "lines_written_off",
            "book_adjusted",
            "difference",
        )
    ),
]


def _columns(keys: str) -> list[Column]:
    return [Column(key, _KINDS.get(key, "text")) for key in keys.split()]
