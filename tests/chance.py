"""Random choices among what the model knows to exist: the words in which `draws.py` draws commands."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from random import Random
from typing import Any, TypeVar

from model import Model, runs
from model_state import Fact, Serial, State

T = TypeVar("T")

TODAY, TOMORROW = "2026-03-06", "2026-03-07"
DAYS = ["2026-03-01", "2026-03-02", "2026-03-03", "2026-03-04", "2026-03-05", TODAY]
HOSPITALS = ["H1", "H%2"]
DISEASES, PERSONS, DONORS = ["heart", "vsd", "asd", "lung"], ["P1", "P2", "P3"], ["X1", "X2", "X3"]
RESTRICTIONS: list[dict[str, list[str]]] = [
    *[{}] * 5,
    {"disease": ["heart"]},
    {"disease": ["vsd", "asd"]},
    {"province": ["henan"]},
    {"disease": ["lung", "vsd"], "province": ["henan"]},
    {"hospital": ["H1"]},
    {"hospital": ["H%2"], "disease": ["heart"]},
]
BASIS = {"kind": "filing", "ref": "N-1"}


class Chance:
    """Random choices, and what the model knows; `committed` is how many entries there were before the batch."""

    def __init__(self, random: Random, model: Model) -> None:
        self.random, self.model = random, model
        self.new = 0
        self.committed = 0

    @property
    def state(self) -> State:
        return self.model.state

    def chance(self, percent: int) -> bool:
        return self.random.randrange(100) < percent

    def some(self, percent: int, **members: Any) -> dict[str, Any]:
        """These members, or none."""
        return members if self.chance(percent) else {}

    def one(self, of: Iterable[T]) -> T | None:
        """Any of them, None when there are none."""
        listed = list(of)
        return self.random.choice(listed) if listed else None

    def any_of(self, of: Sequence[T]) -> T:
        return self.random.choice(of)

    def id(self, letter: str) -> str:
        """An id that nothing has yet; now and then one that a place must escape."""
        self.new += 1
        return f"{letter}{'/' if self.chance(8) else ''}{self.new}"

    def part(self, most: int) -> int:
        """An amount up to `most`, often all of it; 1 when there is nothing."""
        return max(most, 1) if self.chance(30) else self.random.randint(1, max(most, 1))

    def day(self, since: Iterable[str] = ()) -> str:
        """A day on which all that came at these days is there, mostly."""
        first = max(since, default=DAYS[0])
        return self.any_of([day for day in DAYS if day >= first] if self.chance(92) else DAYS)

    def days_of(self, there: Iterable[Serial]) -> str:
        """A day on which at least one of them is there."""
        return self.day([self.any_of(sorted({serial.since for serial in there}))])

    def open_case(self) -> str | None:
        return self.one(name for name, case in self.state.cases.items() if case.is_open)

    def made(self, *verbs: str) -> list[Fact]:
        """The facts of these verbs that stand; now and then those that do not."""
        reversed_ones = [f for f in self.state.facts.values() if f.command["do"] in verbs and not f.stands]
        return reversed_ones if reversed_ones and self.chance(15) else self.state.standing(*verbs)

    def any_case(self) -> str | None:
        """An open case, or now and then any."""
        return self.one(self.state.cases) if self.chance(6) else self.open_case()

    def terms(self) -> dict[str, Any]:
        """Restriction, days and agreement of own money."""
        usable_from, expires_on = self.any_of(DAYS[:4]), self.any_of([*DAYS[2:], "9999-12-31"])
        return {
            **self.some(60, restriction=self.any_of(RESTRICTIONS)),
            **self.some(12, usable_from=usable_from),
            **self.some(20, expires_on=expires_on),
            **self.some(8, agreement="AG1"),
        }

    def ranges(self, serials: Iterable[Serial]) -> list[str]:
        """The serials as text, in any order."""
        found = [f"t{tape}:{lo}-{hi}" for tape, lo, hi, _ in runs((s.tape, s.number, None) for s in serials)]
        self.random.shuffle(found)
        return found

    def handful(self, there: list[Serial]) -> list[Serial]:
        """Some of them: a few runs of neighbours."""
        ordered = sorted(there, key=lambda serial: (serial.tape, serial.number))
        chosen: dict[int, Serial] = {}
        for _ in range(self.random.randint(1, 3)):
            first = self.random.randrange(len(ordered))
            chosen |= {id(each): each for each in ordered[first : first + self.random.randint(1, 8)]}
        return list(chosen.values())

    def funded(self) -> tuple[str, list[Serial]]:
        """A fund with what is there; the list may be empty."""
        fund = self.any_of(list(self.state.funds))
        return fund, self.state.at_fund(fund, TODAY)
