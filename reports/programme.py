"""What programme staff see at their desk: funds, and agreements with how far they have come."""

from __future__ import annotations

from datetime import date
from typing import NamedTuple

from ledger.database import queries, tuples
from ledger.journal import Journal
from projections.trace import snapshot

_SQL = queries("reports", "programme.sql")


class Fund(NamedTuple):
    """A fund in figures, minor units."""

    id: str
    name: str
    available: int
    allocated: int
    paid: int
    open_cases: int


class Agreement(NamedTuple):
    """Money under one agreement in one fund, minor units; `used` is paid or settled; `expires_on` the first expiry."""

    name: str
    fund: str
    fund_name: str
    received: int
    used: int
    waiting: int
    children: int
    expires_on: date | None


def funds_and_agreements(journal: Journal) -> tuple[list[Fund], list[Agreement]]:
    """All of them, of one state."""
    with snapshot(journal) as connection:
        cursor = tuples(connection)
        funds = [Fund(*row) for row in cursor.execute(_SQL["funds"])]
        return funds, [Agreement(*row) for row in cursor.execute(_SQL["agreements"])]
