"""What all that happens in the made-up year shares: the day, chance, the money, and what is due later."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import partial
from heapq import heappop, heappush
from itertools import accumulate
from random import Random
from typing import Any, Generic, TypeVar

from api.demo.foundation import YUAN
from api.demo.purse import Purse
from ledger.decisions import Command

Task = Callable[[], Iterator[Command]]
T = TypeVar("T")

STAFF, APPROVERS = "staff-li", ("staff-wang",)
SIGNED: dict[str, Any] = {"by": STAFF, "approved_by": APPROVERS}
"""Two persons for whatever moves money."""


class Wheel(Generic[T]):
    """Draws by weight."""

    def __init__(self, weights: Mapping[T, int]) -> None:
        self._items = list(weights)
        self._ends = list(accumulate(weights.values()))

    def draw(self, random: Random) -> T:
        """One of the items."""
        return self._items[bisect_right(self._ends, random.randrange(self._ends[-1]))]


@dataclass(frozen=True)
class Scale:
    """How large the foundation is, after the number of its small gifts."""

    donations: int

    @property
    def cases(self) -> int:
        """Children helped in the year: one for 400 small gifts."""
        return max(40, self.donations // 400)

    @property
    def hospitals(self) -> int:
        """Hospitals with agreements."""
        return min(10 + self.cases // 100, 52)

    @property
    def large_donors(self) -> int:
        """Companies and others who give large sums."""
        return min(12 + self.donations // 10_000, 200)

    @property
    def need(self) -> int:
        """What the children's treatment costs altogether, roughly, in fen."""
        return self.cases * 15_000 * YUAN

    @property
    def large_total(self) -> int:
        """What large donors give, in fen: most of the value."""
        return max(self.need * 125 // 100 - self.donations * 25 * YUAN, self.need // 2)


@dataclass
class Diary:
    """The year from `since` to `until`, day by day. `later` keeps what is due; nothing is due after the end.

    `named` says whether a few persons have names.
    """

    random: Random
    purse: Purse
    scale: Scale
    since: date
    until: date
    day: date
    named: bool
    _due: list[tuple[date, int, Task]] = field(default_factory=list)
    _numbers: dict[str, int] = field(default_factory=dict)

    def later(self, days: int, task: Callable[..., Iterator[Command]], *arguments: object) -> None:
        """The task is due after so many days, on a working day."""
        day = self.day + timedelta(days=max(days, 1))
        while day.weekday() > 4:
            day += timedelta(days=1)
        self.at(day, partial(task, *arguments))

    def at(self, day: date, task: Task) -> None:
        """The task is due on that day."""
        if day <= self.until:
            heappush(self._due, (day, self.number("task"), task))

    def due(self) -> Iterator[Command]:
        """What is due on the day and was not done yet."""
        while self._due and self._due[0][0] <= self.day:
            yield from heappop(self._due)[2]()

    def number(self, kind: str) -> int:
        """1, 2, 3, … of each kind."""
        self._numbers[kind] = self._numbers.get(kind, 0) + 1
        return self._numbers[kind]

    def count(self, kind: str) -> int:
        """How many numbers of a kind were given."""
        return self._numbers.get(kind, 0)

    def id(self, prefix: str, digits: int = 5) -> str:
        """The next id of a kind: `C00001`."""
        return f"{prefix}{self.number(prefix):0{digits}}"

    def chance(self, of_thousand: int) -> bool:
        """True so many times in a thousand."""
        return self.random.randrange(1000) < of_thousand

    def every(self, count: int, kind: str, first: int) -> bool:
        """True for one in so many of a kind, the `first` of them being the earliest: even a small year has some."""
        return self.number(kind) % count == first
