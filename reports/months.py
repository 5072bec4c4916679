"""The months of the books: which are closed, by which entry, and which are open still."""

from __future__ import annotations

from datetime import date, timedelta
from typing import NamedTuple

from ledger.database import Cursor, queries
from ledger.decisions.periods import last_day
from reports.closing import periods

_SQL = queries("reports", "closing.sql")
MOST_OPEN = 36
"""So many months are listed that nobody closed, the newest."""


class Month(NamedTuple):
    """A month: `state` is closed, open, or running (not over yet); the entries that closed it last, and reopened it."""

    period: str
    through: date
    state: str
    seq: int | None = None
    reopened: int | None = None


def first_day(cursor: Cursor) -> date | None:
    """The first day on which anything was posted."""
    [(first,)] = cursor.execute(_SQL["first_day"]).fetchall()
    assert first is None or isinstance(first, date)
    return first


def months(cursor: Cursor, today: date) -> list[Month]:
    """The months with closings, then those after the last closed one to the running one; oldest first."""
    newest = {one.period: one for one in periods(cursor)}
    closed = [one for one in newest.values() if one.reopened is None]
    told = {one.period: Month(one.period, one.through, "closed", one.seq) for one in closed}
    first = first_day(cursor)
    day = max((one.through for one in closed), default=(first or today).replace(day=1) - timedelta(days=1))
    opened: list[Month] = []
    while day < today:
        period = f"{day + timedelta(days=1):%Y-%m}"
        day = last_day(period)
        before = newest.get(period)
        state = "open" if day < today else "running"
        opened.append(Month(period, day, state, before and before.seq, before and before.reopened))
    return [*sorted(told.values()), *opened[-MOST_OPEN:]]
