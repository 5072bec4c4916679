"""信息公开: the foundation's money in figures for everybody: no donor, no group of fewer than five children."""

from __future__ import annotations

from datetime import date
from typing import NamedTuple

from ledger.database import queries, tuples
from ledger.journal import Journal
from projections.disclosure import MIN_CHILDREN
from projections.trace import Trace, Traces, snapshot
from reports.balances import balances_of

MONTHS, CORRECTIONS = 24, 20
_SQL = queries("reports", "disclosed.sql")


class Fund(NamedTuple):
    """A fund as it is disclosed; amounts in minor units. `children` is None for a few, which are not told apart."""

    id: str
    name: str
    received: int
    used: int
    under_way: int
    available: int
    children: int | None


class Month(NamedTuple):
    """What a month brought, in minor units, by its first day."""

    first: date
    received: int
    used: int
    refunded: int


class Correction(NamedTuple):
    """A mistake that was taken back: the entry `reverses` by the entry `seq`, on what `basis` ({kind, ref})."""

    reverses: int
    type: str
    seq: int
    on: date
    basis: dict[str, str] | None
    amount: int


class Disclosed(NamedTuple):
    """All of it, of one state of the ledger. `children` is None while they are a few."""

    totals: Trace
    funds: list[Fund]
    months: list[Month]
    corrections: list[Correction]
    children: int | None
    hospitals: int
    donors: int
    entries: int


def disclosed(journal: Journal) -> Disclosed:
    """What everybody may know now."""
    with snapshot(journal) as connection:
        cursor = tuples(connection)
        balances = balances_of(Traces(connection))
        names: dict[str, str | None] = dict(cursor.execute(_SQL["names"]).fetchall())
        helped = cursor.execute(_SQL["helped"]).fetchall()
        months = [Month(*row) for row in cursor.execute(_SQL["months"], {"months": MONTHS})]
        corrections = [Correction(*row) for row in cursor.execute(_SQL["corrections"], {"limit": CORRECTIONS})]
        [(donors,)] = cursor.execute(_SQL["donors"]).fetchall()
        [(entries,)] = cursor.execute("select size from head").fetchall()
    children = {fund: len(persons) for fund, persons, _ in helped}
    everybody = {person for _, persons, _ in helped for person in persons}
    hospitals = {hospital for *_, places in helped for hospital in places or ()}
    return Disclosed(
        {name: value for name, value in balances.items() if name != "funds"},
        [_fund(one, names, children) for one in balances["funds"]],
        months,
        corrections,
        _told(len(everybody)),
        len(hospitals),
        donors,
        entries,
    )


def _fund(balance: Trace, names: dict[str, str | None], children: dict[str, int]) -> Fund:
    fund = balance["fund"]
    under_way = balance["allocated"] + balance["paid"]
    figures = balance["received"], balance["used"], under_way, balance["available"]
    return Fund(fund, names.get(fund) or fund, *figures, _told(children.get(fund, 0)))


def _told(children: int) -> int | None:
    """A number of children, unless they are so few that one could be known by it."""
    return children if children == 0 or children >= MIN_CHILDREN else None
