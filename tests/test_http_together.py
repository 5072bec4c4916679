"""Laws of what is done together: nobody waits alone, everybody has their own, and nobody's fault is another's."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import pytest

from api.http import together
from api.http.together import Together

R = TypeVar("R")


def run(wanted: Coroutine[Any, Any, R]) -> R:
    """What comes of it in a loop of its own, in a thread of its own: a browser's driver may have the main one."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, wanted).result()


def test_who_comes_while_others_are_served_is_served_next_with_all_who_came(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(together, "MOST", 4)
    turns: list[list[int]] = []
    at_once: list[int] = []
    go = threading.Event()

    def work(asked: Sequence[int]) -> list[int | Exception]:
        at_once.append(1)
        assert len(at_once) == 1, "one turn at a time"
        assert go.wait(10)
        turns.append(list(asked))
        at_once.pop()
        return [ValueError(n) if n == 3 else 10 * n for n in asked]

    async def all_of_them() -> list[Any]:
        counter: Together[int, int] = Together(work)
        first = asyncio.create_task(counter.ask(0))
        while not at_once:
            await asyncio.sleep(0.001)
        others = [asyncio.create_task(counter.ask(n)) for n in range(1, 8)]
        await asyncio.sleep(0)
        others[0].cancel()  # who goes away leaves the others theirs
        go.set()
        return await asyncio.gather(first, *others, return_exceptions=True)

    said = run(all_of_them())
    assert turns == [[0], [1, 2, 3, 4], [5, 6, 7]]
    assert [said[0], said[2], *said[4:]] == [0, 20, 40, 50, 60, 70]
    assert isinstance(said[1], asyncio.CancelledError)
    assert isinstance(said[3], ValueError)


def test_what_fails_as_a_whole_is_told_to_all_of_that_turn_and_the_next_goes_on() -> None:
    faults = [OSError("gone")]

    def work(asked: Sequence[int]) -> Sequence[int]:
        if faults:
            raise faults.pop()
        return asked

    async def both_turns() -> tuple[list[Any], int]:
        counter: Together[int, int] = Together(work)
        failed = await asyncio.gather(*map(counter.ask, range(3)), return_exceptions=True)
        return failed, await counter.ask(7)

    failed, then = run(both_turns())
    assert [type(one) for one in failed] == [OSError] * 3
    assert then == 7
