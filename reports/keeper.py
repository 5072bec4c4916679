"""The guards report as a process that is asked for it again and again keeps it."""

from __future__ import annotations

import threading
from datetime import date, datetime, timedelta
from typing import NamedTuple

from ledger.journal import Journal
from reports.guards.report import Report, guard

LONG = timedelta(seconds=1)
TIMES = 10
"""What took long is good for so many times as long as it took; what did not is reckoned anew each time."""


class Reckoned(NamedTuple):
    """A report, and when it was begun: what was recorded later is not in it."""

    report: Report
    at: datetime


class KeptReport:
    """Of a million gifts it takes ten seconds, and who opens the desk once more need not wait for them again."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: Reckoned | None = None
        self._good_until: datetime | None = None

    def reckoned(self, journal: Journal, today: date) -> Reckoned:
        """The report of all funds; whoever asks while it is reckoned waits for that. Raises LedgerNotOpen."""
        clock = journal.entries.clock
        with self._lock:
            began = clock()
            known, until = self._known, self._good_until
            if known is None or until is None or known.report.today != today or not known.at <= began < until:
                known = Reckoned(guard(journal), began)
                took = clock() - began
                self._known, self._good_until = known, began + (TIMES * took if took >= LONG else timedelta())
            return known
