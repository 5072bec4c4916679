"""How far the log has come, noted outside its database as it is written: at most a second behind.

A database that is set back to before entries that were seen is then known for what it is, even where nothing had been
signed yet.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

from audit.heads import Heads, Kept
from ledger.errors import OperatorFault
from ledger.journal import Head

EVERY_S = 1.0


class Watermark:
    """Told of each commit; notes the newest at once, or after a second when it has just noted one.

    A store that cannot be written is a HeadsFault of the next commit's caller: nothing goes on unnoted for long.
    """

    def __init__(self, heads_of: Callable[[str], Heads], monotonic: Callable[[], float] = time.monotonic) -> None:
        """`heads_of` gives where the heads of an origin are kept."""
        self._heads_of, self._monotonic = heads_of, monotonic
        self._lock, self._writing = threading.Lock(), threading.Lock()
        self._newest: Head | None = None
        self._written_s = float("-inf")
        self._timer: threading.Timer | None = None
        self._fault: OperatorFault | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self.flush()

    def __call__(self, head: Head) -> None:
        """Takes note of a commit. Raises the HeadsFault of an earlier note."""
        with self._lock:
            if self._newest is None or self._newest.size < head.size:
                self._newest = head
            if self._fault is not None:
                fault, self._fault = self._fault, None
                raise fault
            is_due = self._monotonic() - self._written_s >= EVERY_S
            if is_due:
                self._written_s = self._monotonic()
            elif self._timer is None:
                self._timer = threading.Timer(EVERY_S, self._late)
                self._timer.daemon = True
                self._timer.start()
        if is_due:
            self._write()

    def flush(self) -> None:
        """Notes what is not noted yet. Raises HeadsFault."""
        with self._lock:
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
        self._write()

    def _late(self) -> None:
        with self._lock:
            self._timer, self._written_s = None, self._monotonic()
        try:
            self._write()
        except OperatorFault as fault:
            self._fault = fault

    def _write(self) -> None:
        """Notes the newest, one note after the other; commits meanwhile do not wait for the disk.

        What cannot be noted stays to be noted, by the next commit or when the process ends.
        """
        with self._writing:
            head = self._newest
            if head is None or head.origin is None:
                return
            heads = self._heads_of(head.origin)
            while True:
                kept = heads.read()
                grown = (kept or Kept(head.origin)).grown(head.size, head.leaf)
                if grown == kept or heads.swap(kept, grown):
                    break
            with self._lock:
                if self._newest is head:
                    self._newest = None
