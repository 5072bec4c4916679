"""How often something may be asked: so many at once, then so many in time, for each name apart."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from operator import itemgetter

from api.http.faults import TooOften

MAX_NAMES = 10_000


class Pace:
    """A bucket for each name that holds `burst` and fills anew in `refill_s`. Each process keeps its own."""

    def __init__(self, burst: int, refill_s: float, now_s: Callable[[], float] = time.monotonic) -> None:
        self._burst, self._refill_s, self._now_s = burst, refill_s, now_s
        self._lock = threading.Lock()
        self._full_at: dict[str, float] = {}

    def __len__(self) -> int:
        """How many names are remembered."""
        return len(self._full_at)

    def take(self, name: str) -> None:
        """Takes one. Raises TooOften when there is none."""
        one_s = self._refill_s / self._burst
        with self._lock:
            now = self._now_s()
            # When the bucket will be full again, were nothing more taken; it is empty `refill_s` before that.
            full_at = max(self._full_at.get(name, now), now) + one_s
            if full_at > now + self._refill_s:
                raise TooOften()
            if name not in self._full_at and len(self._full_at) >= MAX_NAMES:
                # So many names at once are no users: memory is not theirs to fill, nor do they keep others out.
                # Who took least is forgotten.
                last = sorted(self._full_at.items(), key=itemgetter(1))[MAX_NAMES // 2 :]
                self._full_at = {one: at for one, at in last if at > now}
            self._full_at[name] = full_at

    def forget(self) -> None:
        """Every bucket is full again."""
        with self._lock:
            self._full_at.clear()
