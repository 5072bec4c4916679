"""Samples that an auditor draws from the entries: seeded, so that whoever has the same entries draws the same again.

The population is facts (an entry with its later parts) that fit what was asked for, in order of `seq`. A fact's value
is what it issues or, where it issues nothing, what it moves, over all its parts. Two ways to draw N of them:

    random   the N with the smallest SHA-256(seed ‖ 0x0A ‖ seq), the seed in UTF-8, seq in decimal digits
    mus      monetary units 货币单元抽样: of the T units of value that the facts make up in order of seq, those numbered
             floor((start + k·T) / N) for k = 0 .. N-1, start = SHA-256(seed ‖ 0x0A ‖ "mus") as a number, modulo T;
             each unit is as likely as any other, and a fact has as many chances as it has units

`docs/format.md` says the same to outsiders.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from heapq import nsmallest
from typing import NamedTuple

from msgspec import Struct
from msgspec.json import Decoder

from ledger.errors import InputFault
from ledger.places import parse_place

METHODS = ("random", "mus")


class NothingToDraw(InputFault):
    """No entry is what was asked for."""

    code = "nothing_to_draw"
    zh = "没有符合条件的分录可抽"
    en = "there is no entry to draw that is what was asked for"


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which facts: posted in these days (inclusive; a fact without a day is in none), of these types, about that fund,
    worth that much at least, in minor units."""

    since: str | None = None
    until: str | None = None
    types: frozenset[str] = frozenset()
    fund: str | None = None
    least: int = 0

    def takes(self, fact: Fact) -> bool:
        """Whether the fact is among those wanted."""
        if self.since is not None and not (fact.on and fact.on >= self.since):
            return False
        if self.until is not None and not (fact.on and fact.on <= self.until):
            return False
        if self.types and fact.type not in self.types:
            return False
        return fact.value >= self.least and (self.fund is None or self.fund in fact.funds)


class Fact(NamedTuple):
    """One fact: its entries from `seq` to `last`, its value in minor units, and the funds that it is about: those it
    names, whose places its money comes from or goes to, and whose tapes its serials are of."""

    seq: int
    last: int
    type: str
    on: str | None
    value: int
    funds: frozenset[str]


class Drawn(NamedTuple):
    """A fact of the sample with what chose it: its digest in hex, or the numbers of its units that were hit."""

    fact: Fact
    rank: str = ""
    units: tuple[int, ...] = ()


class Sample(NamedTuple):
    """What was drawn, in order of seq, from how many facts of which value; `start` of mus, else None."""

    drawn: tuple[Drawn, ...]
    facts: int
    value: int
    start: int | None


class Opening(Struct):
    """What entry 0 says of amounts."""

    currency: str
    exponent: int


class _Range(Struct, rename={"source": "from", "target": "to"}):
    tape: str
    lo: int
    hi: int
    target: str
    source: str | None = None


class _Data(Struct):
    on: str | None = None
    of: int | None = None
    fund: str | None = None
    to_fund: str | None = None
    tape: str | None = None
    issue: tuple[_Range, ...] = ()
    moves: tuple[_Range, ...] = ()


class _Entry(Struct):
    seq: int
    type: str
    data: _Data


def facts_of(entries: Iterable[bytes]) -> Iterator[Fact]:
    """The facts that entries from the first on tell, in order."""
    decode = Decoder(_Entry).decode
    owners: dict[str, str] = {}  # tape -> the fund it was opened for
    fact: Fact | None = None
    for body in entries:
        entry = decode(body)
        data = entry.data
        if data.tape is not None and data.fund is not None:
            owners[data.tape] = data.fund
        ranges = (*data.issue, *data.moves)
        value = sum(one.hi - one.lo for one in data.issue or data.moves)
        funds = frozenset(one for one in (data.fund, data.to_fund, *_funds(ranges, owners)) if one is not None)
        if data.of is not None and fact is not None:
            fact = fact._replace(last=entry.seq, value=fact.value + value, funds=fact.funds | funds)
            continue
        if fact is not None:
            yield fact
        fact = Fact(entry.seq, entry.seq, entry.type, data.on, value, funds)
    if fact is not None:
        yield fact


def _funds(ranges: Iterable[_Range], owners: dict[str, str]) -> Iterator[str | None]:
    for one in ranges:
        yield owners.get(one.tape)
        yield parse_place(one.target).fund
        yield None if one.source is None else parse_place(one.source).fund


def draw(facts: Callable[[], Iterable[Fact]], wanted: Wanted, method: str, seed: str, size: int) -> Sample:
    """So many of the facts wanted, or all where there are fewer; `facts` gives them, as often as it is asked.

    Raises NothingToDraw.
    """
    assert size > 0
    count = value = 0
    ranked: list[Drawn] = []  # the smallest so far, and some that came since
    for fact in filter(wanted.takes, facts()):
        count, value = count + 1, value + fact.value
        if method == "random":
            ranked.append(Drawn(fact, _digest(seed, str(fact.seq)).hex()))
            if len(ranked) >= 2 * size + 1_000:
                ranked = nsmallest(size, ranked, key=_rank)
    if not count or (method == "mus" and not value):
        raise NothingToDraw()
    if method == "random":
        return Sample(tuple(sorted(nsmallest(size, ranked, key=_rank))), count, value, None)
    start = int.from_bytes(_digest(seed, "mus")) % value
    units = [(start + k * value) // size for k in range(size)]
    return Sample(tuple(_hit(filter(wanted.takes, facts()), units)), count, value, start)


def _hit(facts: Iterable[Fact], units: Sequence[int]) -> Iterator[Drawn]:
    """The facts that hold units of these numbers, which rise."""
    end = at = 0
    for fact in facts:
        end, first = end + fact.value, at
        while at < len(units) and units[at] < end:
            at += 1
        if at > first:
            yield Drawn(fact, units=tuple(units[first:at]))


def _rank(drawn: Drawn) -> str:
    return drawn.rank


def _digest(seed: str, what: str) -> bytes:
    return sha256(f"{seed}\n{what}".encode()).digest()
