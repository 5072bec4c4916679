"""资金头寸表 at a day, under a signed head: what serials say is held, against where cash legs say it is. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from reports.cash_legs import HELD
from reports.postings import MONEY, Transaction
from reports.statements import Column, Table, Value


def position_tables(held: Mapping[str, int], transactions: Iterable[Transaction]) -> list[Table]:
    """Both sides of law 8 and their difference, zero unless tables are wrong; `held` by kind of place, minor units.

    Serials and cash are counted from different members of the entries: `issue` and `moves` here, `cash` there.
    """
    books: Counter[tuple[str, str]] = Counter()
    suspense = 0
    for one in transactions:
        for account, amount in one.postings.items():
            if account.kind in MONEY:
                books[account.detail, account.kind] += amount
            elif account.kind == "suspense":
                suspense -= amount
    owned: list[tuple[Value, ...]] = [(f"at_{kind}", held.get(kind, 0)) for kind in HELD]
    owned.append(("suspense", suspense))
    placed = [(account or None, f"money_{kind}", amount) for (account, kind), amount in sorted(books.items()) if amount]
    sums = sum(held.values()) + suspense, sum(books.values())
    return [
        Table("position_held", (Column("item", "word"), Column("amount", "amount")), owned),
        Table(
            "position_placed", (Column("account"), Column("whereabouts", "word"), Column("amount", "amount")), placed
        ),
        Table(
            "position_compared",
            (Column("position_held", "amount"), Column("position_placed", "amount"), Column("difference", "amount")),
            [(*sums, sums[0] - sums[1])],
            totals=False,
        ),
    ]
