"""记账凭证: vouchers of a month for accounting programs, debits and credits equal to the fen in each.

An entry is a voucher; the gifts of a day are one together. They are numbered from 1 in the order of days, and each
names the entries that it is made from.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from decimal import Decimal
from itertools import groupby
from typing import NamedTuple

from reports.chart import Chart
from reports.postings import GIFT, Account, Transaction
from reports.statement_kinds import Period, runs_text
from reports.statements import Cell
from reports.traces import Reader

COLUMNS = (
    "voucher_on",
    "voucher_word",
    "voucher_no",
    "summary",
    "account_code",
    "account_name",
    "debit_amount",
    "credit_amount",
    "nature",
    "fund",
    "detail",
    "entries",
)


class Voucher(NamedTuple):
    """A voucher: `gifts` of how many gifts it is, 0 for another entry; runs of entries by first and last seq."""

    number: int
    first: Transaction
    gifts: int
    runs: list[tuple[int, int]]
    postings: Counter[Account]


def vouchers_of(transactions: Iterable[Transaction], period: Period) -> Iterator[Voucher]:
    """The vouchers of a period, of transactions in the order of their days."""
    number = 0
    wanted = (one for one in transactions if one.on >= period.since)
    for _, day in groupby(wanted, key=lambda one: one.on):
        gifts: Voucher | None = None
        others: list[Transaction] = []
        for one in day:
            if one.type != GIFT:
                others.append(one)
            elif gifts is None:
                gifts = Voucher(number + 1, one, 1, [(one.seq, one.last)], Counter(one.postings))
            else:
                gifts = _joined(gifts, one)
        if gifts is not None:
            number += 1
            yield gifts
        for one in others:
            number += 1
            yield Voucher(number, one, 0, [(one.seq, one.last)], Counter(one.postings))


def _joined(gifts: Voucher, one: Transaction) -> Voucher:
    """One gift more of the day; the postings and runs are those of the voucher, grown."""
    gifts.postings.update(one.postings)
    if gifts.runs[-1][1] + 1 == one.seq:
        gifts.runs[-1] = (gifts.runs[-1][0], one.last)
    else:
        gifts.runs.append((one.seq, one.last))
    return gifts._replace(gifts=gifts.gifts + 1)


def voucher_rows(vouchers: Iterable[Voucher], chart: Chart, reader: Reader) -> Iterator[list[Cell]]:
    """The rows of a file of vouchers: its heading, then a row for each posting, debits first."""
    yield [reader.word(column) for column in COLUMNS]
    for one in vouchers:
        postings = {account: amount for account, amount in one.postings.items() if amount}
        assert sum(postings.values()) == 0, "debits and credits are equal"
        for account, amount in sorted(postings.items(), key=lambda each: (each[1] < 0, chart.code(each[0]), each[0])):
            code, name = chart.code(account)
            zh, _, en = name.partition(" | ")
            value = Decimal(abs(amount)).scaleb(-reader.exponent)
            yield [
                one.first.on.isoformat(),
                reader.word("voucher_mark"),
                one.number,
                _summary(one, reader),
                code,
                zh if reader.language == "zh" else en or zh,
                value if amount > 0 else None,
                value if amount < 0 else None,
                reader.word(account.nature) if account.nature else None,
                account.fund or None,
                account.detail if account.kind in ("bank", "channel", "cash", "advance") else None,
                runs_text(one.runs),
            ]


def _summary(one: Voucher, reader: Reader) -> str:
    word = reader.word(one.first.type)
    if one.gifts > 1:
        return f"{word} {reader.word('gifts_of_day').format(one.gifts)}"
    return f"{word} {one.first.stream.partition('/')[2]}"
