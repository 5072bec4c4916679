"""Looking back: traces and balances as of a day and as known at an instant, in the shapes of those of the present.

As of a day only entries posted (`on`) up to it count, known at an instant only those recorded (`at`) by then, and with
both only those that are both; an entry that moves no money counts whatever its day. `at` never goes back along the
chain, so what was known is its beginning, found by bisection.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from typing import LiteralString

from ledger.database import Cursor, queries, tuples
from ledger.journal import Journal
from ledger.times import utc_text
from projections import trace
from projections.trace import Traces, snapshot

_SQL = queries("projections", "history.sql")
_BEGINNINGS = {
    "gifts": "chosen",
    "gift_places": "chosen",
    "gift_flows": "chosen",
    "donation_flows": "chosen",
    "case_donors": "owned",
    "hospital_donors": "owned",
}
QUERIES: dict[str, LiteralString] = {
    **{name: trace.QUERIES[name] for name in ("periods_tell", "fund_figures")},
    **trace.TIMELINE,
    "gift_steps": _SQL["chosen"] + "\n" + trace.TIMELINE["gift_steps"],
    **{name: _SQL[_BEGINNINGS[name]] + "\n" + text if name in _BEGINNINGS else text for name, text in _SQL.items()},
}
"""What Traces read when they look back; they also take `as_of` (a date) and `size` (how many entries are known)."""


@dataclass(frozen=True, slots=True)
class Vantage:
    """From where a ledger is looked at: as of the end of a day, as known at an instant (inclusive); None is now."""

    as_of: date | None = None
    known_at: datetime | None = None


NOW = Vantage()


@contextmanager
def reading_from(journal: Journal, vantage: Vantage) -> Iterator[Traces]:
    """Traces of one state of the ledger, seen from there, for as long as the block lasts."""
    with snapshot(journal) as connection:
        if vantage == NOW:
            yield Traces(connection)
        else:
            size = entries_known(tuples(connection), vantage.known_at)
            yield Traces(connection, QUERIES, {"as_of": vantage.as_of or date.max, "size": size})


def entries_known(cursor: Cursor, instant: datetime | None) -> int:
    """How many entries were recorded by then: all of them for None."""
    [(size,)] = cursor.execute(_SQL["size_known"]).fetchall()
    if instant is None:
        return int(size)
    return bisect_right(range(size), utc_text(instant), key=lambda seq: _recorded_at(cursor, seq))


def _recorded_at(cursor: Cursor, seq: int) -> str:
    [(at,)] = cursor.execute(_SQL["recorded_at"], (seq,)).fetchall()
    return str(at)
