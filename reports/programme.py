"""What programme staff see at their desk: funds, agreements and how far they have come, cases."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import date
from typing import NamedTuple

from ledger.database import queries, tuples
from ledger.journal import Journal
from projections.trace import snapshot

PAGE = 50
"""Cases of a page."""
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
    received: int
    used: int
    waiting: int
    children: int
    expires_on: date | None


class Case(NamedTuple):
    """A case with what stands there, minor units."""

    id: str
    fund: str
    attributes: Mapping[str, str]
    is_open: bool
    allocated: int
    paid: int
    used: int


class Cases(NamedTuple):
    """A page of cases; `next` is the id behind which the next begins, None where there is none."""

    cases: list[Case]
    next: str | None


def funds_and_agreements(journal: Journal) -> tuple[list[Fund], list[Agreement]]:
    """All of them, of one state."""
    with snapshot(journal) as connection:
        cursor = tuples(connection)
        funds = [Fund(*row) for row in cursor.execute(_SQL["funds"])]
        return funds, [Agreement(*row) for row in cursor.execute(_SQL["agreements"])]


def cases_page(
    journal: Journal,
    *,
    after: str = "",
    fund: str | None = None,
    is_open: bool | None = None,
    begins: str = "",
    limit: int = PAGE,
) -> Cases:
    """The page of cases behind the id `after`, by id."""
    asked = {"after": after, "fund": fund, "is_open": is_open, "begins": begins, "limit": limit + 1}
    with snapshot(journal) as connection:
        cursor = tuples(connection)
        rows = cursor.execute(_SQL["cases"], asked).fetchall()
        shown = rows[:limit]
        amounts = Counter(
            {
                (case, kind): n
                for case, kind, n in cursor.execute(_SQL["case_amounts"], {"cases": [r[0] for r in shown]})
            }
        )
    cases = [Case(*row, *(amounts[row[0], kind] for kind in ("case", "hospital", "used"))) for row in shown]
    return Cases(cases, shown[-1][0] if len(rows) > limit else None)
