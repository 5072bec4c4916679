"""A donor's money over a period: where it stood at both ends, what came, and what became of it, entry by entry.

Both ends are looked at as of their day and as known by the first `size` entries, so that the end of one period is the
beginning of the next, and what was told once can be told again. Who gave what is as of those days too.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any, NamedTuple

from ledger.database import Cursor, queries

_SQL = queries("projections", "statement.sql")


class Period(NamedTuple):
    """From the first to the last day, both inclusive."""

    first: date
    last: date


class Sum(NamedTuple):
    """Minor units of one kind of place before the period and at its end."""

    kind: str
    fee: bool
    attributed: bool
    before: int
    until: int


class Came(NamedTuple):
    """A gift that became the donor's in the period; `is_own` is false for one that was one and was taken back.

    `said_by` is the entry that said later whose it is.
    """

    seq: int
    donation: str
    on: date
    fund: str
    amount: int
    fee: int
    said_by: int | None
    is_own: bool


class Item(NamedTuple):
    """An entry that moved the donor's money, minor units of so many gifts, from a place to another ("": nowhere)."""

    seq: int
    on: date
    type: str
    source: str
    target: str
    amount: int
    gifts: int


class Movement(NamedTuple):
    """All of it."""

    sums: list[Sum]
    gifts: list[Came]
    items: list[Item]


def movement(cursor: Cursor, donor: str, period: Period, size: int, zone: str) -> Movement:
    """A donor's money over a period, as the first `size` entries tell it; days of recording are of that time zone."""
    which = {"donor": donor, "before": period.first - timedelta(days=1), "until": period.last}
    which |= {"size": size, "zone": zone}
    return Movement(
        [Sum(*row) for row in _ask(cursor, "sums", which)],
        [Came(*row) for row in _ask(cursor, "gifts", which)],
        [Item(*row) for row in _ask(cursor, "items", which)],
    )


def _ask(cursor: Cursor, name: str, which: Mapping[str, object]) -> list[Any]:
    # Planned each time for what is asked: a plan kept for all would read everything.
    return cursor.execute(f"{_SQL['owned']}\n{_SQL[name]}", which, prepare=False).fetchall()
