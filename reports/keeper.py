"""What takes long to reckon, as a process that is asked for it again and again keeps it for a while."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Generic, NamedTuple, TypeVar

LONG = timedelta(seconds=1)
TIMES = 10
"""What took long is good for so many times as long as it took; what did not is reckoned anew each time."""
Told = TypeVar("Told")


class Reckoned(NamedTuple, Generic[Told]):
    """What was found, and when that was begun: what was recorded later is not in it."""

    told: Told
    at: datetime


class Keeper(Generic[Told]):
    """Of a million gifts it takes seconds, and who opens the desk once more need not wait for them again."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: Reckoned[Told] | None = None
        self._today: date | None = None
        self._good_until: datetime | None = None

    def reckoned(self, today: date, clock: Callable[[], datetime], reckon: Callable[[], Told]) -> Reckoned[Told]:
        """What `reckon` finds on that day; whoever asks while it reckons waits for that. Raises what it raises."""
        with self._lock:
            began = clock()
            known, until = self._known, self._good_until
            if known is None or until is None or self._today != today or not known.at <= began < until:
                known = Reckoned(reckon(), began)
                took = clock() - began
                self._known, self._today = known, today
                self._good_until = began + (TIMES * took if took >= LONG else timedelta())
            return known
