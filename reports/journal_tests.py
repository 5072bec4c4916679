"""Journal tests 分录测试: entries that an auditor looks at first, found by rules whose thresholds are told.

They look at a stretch of the chain by day of recording, at most so many entries of it, and judge all of these at once
in the database. What they find is no fault by itself.
"""

from __future__ import annotations

from bisect import bisect_left
from datetime import date, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from ledger.database import Cursor, queries

_SQL = queries("reports", "journal_tests.sql")
TESTS = ("back_dated", "at_night", "one_person", "just_under")
MAX_ENTRIES = 100_000
"""So many entries are judged at a time: some two seconds of the database's."""


class Thresholds(NamedTuple):
    """What counts: posted more than `days` before it was recorded; from hour `night` to hour `morning`; less than
    `limit` minor units (0: there is none) by at most `percent`."""

    days: int = 7
    night: int = 22
    morning: int = 6
    limit: int = 0
    percent: int = 5


class Stretch(NamedTuple):
    """Entries [first, end) that are judged, recorded from a day to a day; `later`: how many came after, unjudged."""

    since: date
    until: date
    first: int
    end: int
    later: int


class Found(NamedTuple):
    """An entry that a test found; `local` is when it was recorded, in the ledger's zone."""

    seq: int
    type: str
    stream: str
    local: datetime
    on: date | None
    by: str | None
    approvers: list[str]
    amount: int | None


def stretch_of(cursor: Cursor, size: int, zone: ZoneInfo, since: date, until: date) -> Stretch:
    """The entries recorded on these days, the first `MAX_ENTRIES` of them. Instants never go back along the chain."""

    class Instants:
        def __len__(self) -> int:
            return size

        def __getitem__(self, seq: int) -> datetime:
            [(at,)] = cursor.execute(_SQL["recorded_at"], {"seq": seq}).fetchall()
            assert isinstance(at, datetime)
            return at

    cursor.execute(_SQL["patience"])
    instants = Instants()
    first = bisect_left(instants, datetime.combine(since, time(), zone))
    last = bisect_left(instants, datetime.combine(until + timedelta(days=1), time(), zone))
    end = min(last, first + MAX_ENTRIES)
    return Stretch(since, until, first, end, last - end)


def counts_of(cursor: Cursor, stretch: Stretch, thresholds: Thresholds, zone: ZoneInfo) -> dict[str, int]:
    """How many entries each test finds."""
    [row] = cursor.execute(_SQL["judged"] + _SQL["counts"], _which(stretch, thresholds, zone)).fetchall()
    return dict(zip(TESTS, row, strict=True))


def found_by(
    cursor: Cursor, test: str, stretch: Stretch, thresholds: Thresholds, zone: ZoneInfo, before: int, rows: int
) -> list[Found]:
    """What a test finds below a seq, newest first."""
    which = {**_which(stretch, thresholds, zone), "test": test, "before": before, "rows": rows}
    return [Found(*row) for row in cursor.execute(_SQL["judged"] + _SQL["found"], which).fetchall()]


def _which(stretch: Stretch, thresholds: Thresholds, zone: ZoneInfo) -> dict[str, object]:
    return {**thresholds._asdict(), "zone": zone.key, "first": stretch.first, "end": stretch.end}
