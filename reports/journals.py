"""Journals for plain-text accounting: hledger, ledger, beancount; written as a stream, exact to the fen.

An account is declared just before the transaction that first posts to it. At the end of each month every account that
was ever posted to is asserted to have its balance. A journal from a later day begins with the balances of the day
before, income and expenses closed into net assets.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from functools import lru_cache

from ledger.money import format_amount
from reports.postings import Account, Basis, Postings, Transaction

FORMATS = ("hledger", "ledger", "beancount")
ESCAPE = {"hledger": "%", "ledger": "%", "beancount": "ˍ"}
"""What stands before the bytes of a character that an account's name may not have; beancount knows only letters."""
_UNSAFE = re.compile(r"[^\w-]|[_ˍ%]")


def journal_lines(
    transactions: Iterable[Transaction], form: str, basis: Basis, since: date = date.min
) -> Iterator[str]:
    """The lines of a journal of that format, of transactions in the order of their days from `since` on."""
    writer = _WRITERS[form](basis)
    yield from writer.head()
    month: tuple[int, int] | None = None
    started = since == date.min
    for one in transactions:
        if one.on < since:
            writer.carry(one.postings)
            continue
        if not started:
            started = True
            yield from writer.opening(since)
        if month is not None and month != (one.on.year, one.on.month):
            yield from writer.assertions(_last_day(*month))
        month = one.on.year, one.on.month
        yield from writer.transaction(one)
    if not started:
        yield from writer.opening(since)
    if month is not None:
        yield from writer.assertions(_last_day(*month))


@lru_cache(maxsize=10_000)
def name_of(account: Account, form: str) -> str:
    """What an account is called; different accounts have different names."""
    nature, fund = account.nature.title(), _segment(account.fund, form)
    match account.kind:
        case "bank" | "channel" | "cash":
            return f"Assets:{account.kind.title()}:{_segment(account.detail, form)}"
        case "unnamed":
            return "Assets:Unnamed"
        case "advance":
            kind = "Agency-Advances" if nature else "Advances"
            return f"Assets:{kind}:{_segment(account.detail, form)}"
        case "suspense":
            return "Liabilities:Suspense"
        case "agency":
            return f"Liabilities:Agency:{fund}"
        case "net":
            return f"Equity:{nature}:{fund}"
        case "refunded":
            return f"Income:Refunded:{nature}:{fund}"
        case "out":
            return f"Expenses:Out:{_segment(account.detail, form)}:{nature}:{fund}"
    root = {"income": "Income", "expense": "Expenses"}[account.kind]
    return f"{root}:{account.detail.title()}:{nature}:{fund}"


def _segment(id: str, form: str) -> str:
    """An id as a part of an account's name: letters, digits and dashes as they are, the rest escaped byte by byte."""
    mark = ESCAPE[form]
    text = _UNSAFE.sub(lambda match: "".join(f"{mark}{byte:02X}" for byte in match[0].encode()), id)
    # A part of beancount's names begins with a capital, a digit or a letter of another script.
    return f"{mark}{text}" if form == "beancount" and re.match(r"[a-z-]", text) else text


def _last_day(year: int, month: int) -> date:
    return date(year + month // 12, month % 12 + 1, 1) - timedelta(days=1)


class _Hledger:
    """Also what ledger reads, but for the declarations."""

    form = "hledger"

    def __init__(self, basis: Basis) -> None:
        self.basis = basis
        self.balances: Counter[Account] = Counter()
        self.declared: set[Account] = set()

    def head(self) -> Iterator[str]:
        """Whose journal it is, and its commodity."""
        basis = self.basis
        yield f"; {basis.origin}: {basis.size} entries, root {basis.root.hex()}"
        yield from self.commodity()
        yield ""

    def commodity(self) -> Iterator[str]:
        sample = format_amount(1000 * 10**self.basis.exponent, self.basis.exponent, "")
        yield f"commodity {sample if self.basis.exponent else f'{sample}.'} {self.basis.currency}"

    def carry(self, postings: Postings) -> None:
        """Takes in what was posted before the journal begins."""
        for account, amount in postings.items():
            self.balances[account.net] += amount

    def opening(self, on: date) -> Iterator[str]:
        """The balances that it begins with."""
        carried = {account: amount for account, amount in sorted(self.balances.items()) if amount}
        self.balances.clear()
        if carried:
            yield from self.posted(on, "", "opening balances", carried)

    def transaction(self, one: Transaction) -> Iterator[str]:
        """One entry."""
        seqs = f"#{one.seq}" if one.last == one.seq else f"#{one.seq}-{one.last}"
        yield from self.posted(one.on, seqs, f"{one.type} {one.stream}", dict(sorted(one.postings.items())))

    def posted(self, on: date, code: str, text: str, postings: Postings) -> Iterator[str]:
        """A transaction, behind the declarations of accounts that are new."""
        new = [account for account in postings if account not in self.declared]
        self.declared.update(new)
        for account in new:
            yield self.declaration(on, account)
        self.balances.update(postings)
        yield self.title(on, code, text)
        for account, amount in postings.items():
            yield f"  {name_of(account, self.form)}  {self.money(amount)}"
        yield ""

    def assertions(self, on: date) -> Iterator[str]:
        """That each account has its balance at the end of that day."""
        yield self.title(on, "", "balances")
        for account, amount in sorted(self.balances.items()):
            yield f"  {name_of(account, self.form)}  {self.money(0)} = {self.money(amount)}"
        yield ""

    def declaration(self, on: date, account: Account) -> str:
        return f"account {name_of(account, self.form)}"

    def title(self, on: date, code: str, text: str) -> str:
        code = f" ({code})" if code else ""
        return f"{on.isoformat()} *{code} {_plain(text)}"

    def money(self, minor: int) -> str:
        """An amount with the currency's decimals."""
        return f"{format_amount(minor, self.basis.exponent, '')} {self.basis.currency}"


class _Ledger(_Hledger):
    form = "ledger"

    def commodity(self) -> Iterator[str]:
        yield f"commodity {self.basis.currency}"


class _Beancount(_Hledger):
    form = "beancount"

    def commodity(self) -> Iterator[str]:
        yield f'option "operating_currency" "{self.basis.currency}"'
        # Every entry balances to the last unit: nothing is forgiven.
        yield 'option "inferred_tolerance_default" "*:0"'

    def assertions(self, on: date) -> Iterator[str]:
        """A balance is asserted at the beginning of a day; without `~ 0` two units would be forgiven."""
        day = on + timedelta(days=1)
        for account, amount in sorted(self.balances.items()):
            number, currency = self.money(amount).split()
            yield f"{day.isoformat()} balance {name_of(account, self.form)}  {number} ~ 0 {currency}"
        yield ""

    def declaration(self, on: date, account: Account) -> str:
        return f"{on.isoformat()} open {name_of(account, self.form)} {self.basis.currency}"

    def title(self, on: date, code: str, text: str) -> str:
        said = f"{text} {code}".strip().replace("\\", "\\\\").replace('"', '\\"')
        return f'{on.isoformat()} * "{said}"'


_WRITERS = {"hledger": _Hledger, "ledger": _Ledger, "beancount": _Beancount}


def _plain(text: str) -> str:
    """Text that ends neither a description nor a line: ids may hold a semicolon or a bar."""
    return re.sub(r"[;|\s]", " ", text)
