"""资金头寸表: what the ledger holds against the accounts it must be in, and those against their banks' statements.

Every fact that moves cash moves as much of the serials held (fund, case, fee, hold), so both sides are equal; what no
account is named for is shown as such. Each account's book is then led over to its bank's closing balance: less entries
that are on no statement, plus lines that are in no entry. What is left unexplained then is a statement that is missing,
or an opening balance that was not recorded.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from types import MappingProxyType
from typing import Any, NamedTuple

from ledger.journal import Journal
from ledger.vault import Vault
from reports.banking.amounts import decimal_text
from reports.banking.register import Kept, Register
from reports.cash_legs import Sides
from reports.matching import read_books
from reports.reconcile import WINDOW_DAYS, Key, Movement, Reconciliation
from reports.traces import Reader, figures, table


class Bank(NamedTuple):
    """An account's newest closing balance, and the way to it from the book of that day; see the module."""

    on: date
    closing: int
    book_then: int
    lines_open: int
    legs_open: int

    @property
    def unexplained(self) -> int:
        """What neither unmatched lines nor unmatched entries account for."""
        return self.closing - self.lines_open - (self.book_then - self.legs_open)


class Account(NamedTuple):
    """One account: what should be on it, and its bank's word if there is one. `channel`: money waits there."""

    name: str
    channel: bool
    book: int
    bank: Bank | None


class Position(NamedTuple):
    """Both sides, in minor units: `held` by kind of place, and `suspense`; accounts by name."""

    held: Mapping[str, int]
    accounts: Sequence[Account]
    nowhere: int
    suspense: int = 0

    @property
    def difference(self) -> int:
        """Law 8: what is held and owed less what is on accounts and at none named: zero, or the tables are wrong."""
        return sum(self.held.values()) + self.suspense - sum(account.book for account in self.accounts) - self.nowhere


def position(
    sides: Sides,
    found: Reconciliation,
    statements: Sequence[Kept],
    line_parts: Mapping[Key, int] = MappingProxyType({}),
    leg_parts: Mapping[Key, int] = MappingProxyType({}),
) -> Position:
    """The position. A leg that matched a line counts at the line's account: a channel's money has arrived then.

    `line_parts` and `leg_parts` are how much is matched of those of which it may be a part; of others all of it is.
    """
    lines = {line.key: line for line in sides.lines}
    arrived = {leg: lines[match.lines[0]].account for match in found.matches for leg in match.legs}
    matched_lines = {line for match in found.matches for line in match.lines}
    newest = _newest(statements)
    book, then, legs_open, lines_open = Counter(sides.openings), Counter(sides.openings), Counter[str](), Counter[str]()
    for leg in sides.legs:
        taken = leg_parts.get(leg.key, leg.amount) if leg.key in arrived else 0
        if taken:
            book[arrived[leg.key]] += taken
            then[arrived[leg.key]] += taken
        left = leg.amount - taken
        book[leg.account] += left
        if _by(leg, newest.get(leg.account)):
            then[leg.account] += left
            legs_open[leg.account] += left
    for match in found.matches:
        for line in () if match.legs else map(lines.__getitem__, match.lines):  # from one own account to another
            book[line.account] += line.amount
            then[line.account] += line.amount if _by(line, newest.get(line.account)) else 0
    for line in sides.lines:
        if _by(line, newest.get(line.account)):
            taken = line_parts.get(line.key, line.amount) if line.key in matched_lines else 0
            lines_open[line.account] += line.amount - taken
    channels = {leg.account for leg in sides.legs if leg.channel}
    names = sorted({*book, *newest})
    return Position(
        sides.held,
        [
            Account(
                name,
                name in channels,
                book[name],
                _bank(newest.get(name), then[name], lines_open[name], legs_open[name]),
            )
            for name in names
        ],
        sides.nowhere,
        sides.suspense,
    )


def read_position(journal: Journal, vault: Vault, window_days: int = WINDOW_DAYS) -> Position:
    """The position now. Raises LedgerNotOpen."""
    currency = journal.entries.head().currency
    kept = Register(journal, vault).statements()  # first: one that comes before its lines are read is none
    books = read_books(journal, window_days)
    statements = [one for one in kept if one.currency == currency]
    return position(books.sides, books.whole, statements, books.standing.matched, books.standing.legs)


def position_lines(found: Position, reader: Reader) -> Iterator[str]:
    """The position for people."""
    yield reader.word("position")
    yield from figures([(f"at_{kind}", amount) for kind, amount in found.held.items()], reader)
    owed = [("suspense", found.suspense)] if found.suspense else []
    yield from figures([*owed, ("total", sum(found.held.values()) + found.suspense)], reader)
    rows = [
        (f"{account.name} ({reader.word('in_transit')})" if account.channel else account.name, account.book)
        for account in found.accounts
    ]
    yield from table("accounts", ("account", "book"), [*rows, (reader.word("nowhere"), found.nowhere)], reader)
    yield from figures([("difference", found.difference)], reader)
    banks = [(account.name, account.bank) for account in found.accounts if account.bank is not None]
    columns = ("account", "bank_on", "bank", "lines_open", "legs_open", "book_then", "unexplained")
    told = [
        (name, str(one.on), one.closing, one.lines_open, one.legs_open, one.book_then, one.unexplained)
        for name, one in banks
    ]
    yield from table("statements", columns, told, reader)


def position_members(found: Position, exponent: int) -> dict[str, Any]:
    """The position for programs: amounts as decimal text."""

    def text(minor: int) -> str:
        return decimal_text(minor, exponent)

    return {
        "held": {kind: text(amount) for kind, amount in found.held.items()},
        "accounts": [
            {
                "account": account.name,
                "in_transit": account.channel,
                "book": text(account.book),
                "bank": None
                if account.bank is None
                else {
                    "on": account.bank.on,
                    "closing": text(account.bank.closing),
                    "book": text(account.bank.book_then),
                    "lines_unmatched": text(account.bank.lines_open),
                    "entries_unmatched": text(account.bank.legs_open),
                    "unexplained": text(account.bank.unexplained),
                },
            }
            for account in found.accounts
        ],
        "suspense": text(found.suspense),
        "nowhere": text(found.nowhere),
        "difference": text(found.difference),
    }


def _newest(statements: Sequence[Kept]) -> dict[str, tuple[date, int]]:
    """The last day and closing balance of each account's newest statement that counts and has both."""
    newest: dict[str, tuple[date, int]] = {}
    for each in statements:
        if each.state != "held" and each.last_on is not None and each.closing is not None:
            before = newest.get(each.account)
            if before is None or each.last_on >= before[0]:
                newest[each.account] = (each.last_on, each.closing)
    return newest


def _by(movement: Movement, newest: tuple[date, int] | None) -> bool:
    return newest is not None and movement.day <= newest[0].toordinal()


def _bank(newest: tuple[date, int] | None, then: int, lines_open: int, legs_open: int) -> Bank | None:
    return None if newest is None else Bank(newest[0], newest[1], then, lines_open, legs_open)
