"""What many ask for at once, done together: who comes while others are served waits, and is served with all who came.

A thread for each of them would cost more than what they ask for: all threads want the interpreter, one has it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from anyio import CapacityLimiter, to_thread

MOST = 128
"""How many are served in a turn at the most."""

A = TypeVar("A")
R = TypeVar("R")


class Together(Generic[A, R]):
    """Serves the askers of one event loop in turns: each turn is one call, in a thread, and one turn at a time."""

    def __init__(self, work: Callable[[Sequence[A]], Sequence[R | Exception]]) -> None:
        """`work` gives for each of those it is called with a result, or the exception that its asker is to see."""
        self._work = work
        self._next: list[A] = []
        self._turn: asyncio.Task[Sequence[R | Exception]] | None = None
        self._busy = asyncio.Lock()
        self._thread = CapacityLimiter(1)  # not one of those that readers wait for

    async def ask(self, one: A) -> R:
        """The result for one. Raises its exception, and what `work` raises, as everybody of that turn does."""
        if self._turn is None or len(self._next) == MOST:
            self._next = []
            self._turn = asyncio.create_task(self._serve(self._next))
        asked, turn = self._next, self._turn
        asked.append(one)
        number = len(asked) - 1
        # Who goes away meanwhile leaves the turn to the others.
        found = (await asyncio.shield(turn))[number]
        if isinstance(found, Exception):
            raise found
        return found

    async def _serve(self, asked: list[A]) -> Sequence[R | Exception]:
        async with self._busy:
            if asked is self._next:
                self._turn = None  # who comes from now on is of the next
            return await to_thread.run_sync(self._work, asked, limiter=self._thread)
