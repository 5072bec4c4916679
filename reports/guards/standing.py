"""Where money waits, and by which entry it came there: ranges followed through the moves. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import date
from typing import NamedTuple

from ledger.places import parse_place

WAITING = ("case", "hospital", "hold")
"""Kinds of place where money is on its way; at funds only the watched tapes are followed, elsewhere nothing is."""

ISSUED = -1
"""Stands for the entry of serials that are where they were issued to, at a fund: their gifts tell more."""


class Arrival(NamedTuple):
    """Serials `[lo, hi)` of a tape that stand at a place: the entry by which they came, its day, whose money."""

    tape: int
    lo: int
    hi: int
    seq: int
    on: date
    fund: str


class Standing:
    """The waiting places as arrivals and moves make them.

    A reversal brings serials back as if the reversed entry had never been: with the day and the entry by which they had
    come before it, so that a mistaken payment makes nobody's money younger.
    """

    def __init__(
        self,
        watched: frozenset[int],
        reversals: Mapping[int, int] | None = None,
        wholes: Mapping[int, int] | None = None,
    ) -> None:
        """`watched`: tapes to follow at funds; `reversals`: reversal -> reversed; `wholes`: later part -> part 1."""
        self._watched = watched
        self._reversals = reversals or {}
        self._undone = frozenset(self._reversals.values())
        self._wholes = wholes or {}
        self._there: dict[tuple[str, int], list[Arrival]] = {}
        self._left: dict[tuple[int, str], list[Arrival]] = defaultdict(list)

    def arrive(self, place: str, arrival: Arrival) -> None:
        """Serials are put at a place where none of them stands."""
        if self._follows(place, arrival.tape):
            self._there.setdefault((place, arrival.tape), []).append(arrival)

    def move(self, arrival: Arrival, source: str, target: str) -> None:
        """Serials go from one place to another; `arrival` is as the entry says it, its seq that of any of its parts."""
        entry = self._wholes.get(arrival.seq, arrival.seq)
        taken = self._take(source, arrival)
        if entry in self._undone:
            self._left[entry, source] += taken
        undone = self._reversals.get(entry)
        if undone is None:
            self.arrive(target, arrival._replace(seq=entry))
        else:
            for before in self._left[undone, target]:
                if (common := _common(before, arrival)) is not None:
                    self.arrive(target, common)

    def places(self, kind: str) -> Iterator[tuple[str, list[Arrival]]]:
        """The places of a kind where something stands, with what does, in the order of tapes and serials."""
        there: dict[str, list[Arrival]] = defaultdict(list)
        for (place, _), arrivals in self._there.items():
            if arrivals and place.split("/", 1)[0] == kind:
                there[place] += arrivals
        for place in sorted(there):
            yield place, sorted(there[place])

    def _follows(self, place: str, tape: int) -> bool:
        kind = place.split("/", 1)[0]
        return kind in WAITING or (kind == "fund" and in_force(place, tape) in self._watched)

    def _take(self, place: str, gone: Arrival) -> list[Arrival]:
        """Takes the serials away; what they were."""
        key = (place, gone.tape)
        kept: list[Arrival] = []
        taken: list[Arrival] = []
        for each in self._there.get(key, ()):
            common = _common(each, gone)
            if common is None:
                kept.append(each)
                continue
            taken.append(common)
            if each.lo < common.lo:
                kept.append(each._replace(hi=common.lo))
            if common.hi < each.hi:
                kept.append(each._replace(lo=common.hi))
        if taken:
            self._there[key] = kept
        return taken


def in_force(place: str, tape: int) -> int:
    """The tape whose terms the serials of a tape are under at a fund's place."""
    return parse_place(place).tape or tape


def _common(one: Arrival, other: Arrival) -> Arrival | None:
    """The serials of one arrival that are in the other too."""
    if one.tape != other.tape:
        return None
    lo, hi = max(one.lo, other.lo), min(one.hi, other.hi)
    return one._replace(lo=lo, hi=hi) if lo < hi else None
