"""The public picture, kept: made anew at most every few seconds, and only when something has come."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import NamedTuple


class Painted(NamedTuple):
    """The public picture as it was made: of which state, in JSON, when (monotonic seconds)."""

    tag: str
    body: bytes
    at_s: float


class Gallery:
    """The public picture by language, made anew at most every few seconds: nobody can ask the database to death."""

    def __init__(self, keep_s: float = 5.0, now_s: Callable[[], float] = time.monotonic) -> None:
        self._keep_s, self._now_s = keep_s, now_s
        self._lock = threading.Lock()
        self._painted: dict[str, Painted] = {}

    def picture(self, language: str, tag: Callable[[], str], paint: Callable[[], bytes]) -> Painted:
        """The picture in that language: the one there is while it is new or another is being made."""
        known = self._painted.get(language)
        if known is not None and self._now_s() - known.at_s < self._keep_s:
            return known
        if not self._lock.acquire(blocking=known is None):
            assert known is not None
            return known
        try:
            now = tag()
            known = self._painted.get(language)
            if known is None or known.tag != now:
                known = Painted(now, paint(), 0.0)
            self._painted[language] = known = known._replace(at_s=self._now_s())
            return known
        finally:
            self._lock.release()
