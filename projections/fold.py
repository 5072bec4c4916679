"""The trace fold: what a page of entries changes in the views. Pure: no database, no clock.

It reads `issue`, `moves` and the members common to all entries, and knows facts by name only where they say something
about tapes and donors; a type it has never heard of is folded like any other.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from functools import lru_cache
from itertools import pairwise
from typing import Any, NamedTuple

import msgspec
from eventsourcing.persistence import Notification

from ledger.errors import OperatorFault, shown
from ledger.events import Issued, Moved
from ledger.places import VOID, is_source, parse_place, tape_number
from ledger.tapes import Issue, Move, Places, Row, Run

TAPE_OPENED = "TapeOpened"
BALANCE_BROUGHT_FORWARD = "BalanceBroughtForward"
DONATION_ATTRIBUTED = "DonationAttributed"
ENTRY_REVERSED = "EntryReversed"
BLOCK_ENTRIES = 4_096
"""Days are summed up by so many entries apart, so that what was known at some time is a sum of blocks and a bit.
Where it changes, a migration has the views folded anew."""
TERMS_MEMBERS = ("nature", "restriction", "usable_from", "expires_on", "agreement")

_tape = lru_cache(maxsize=65_536)(tape_number)


class ProjectionFailed(OperatorFault):
    """An entry that cannot be folded into the views; they stay as of the entry before it."""

    code = "projection_failed"
    zh = "查询视图停在第 {seq} 号分录（{type}）：{reason}"
    en = "the views stopped before entry {seq} ({type}): {reason}"

    def __init__(self, seq: int, type: str, reason: str) -> None:
        super().__init__(seq=seq, type=type, reason=reason)
        self.seq = seq


class Members(msgspec.Struct, gc=False):
    """The members of an entry's `data` that the fold reads, the others passed over; an absent one is None or empty."""

    on: date | None = None
    issue: tuple[Issued, ...] = ()
    moves: tuple[Moved, ...] = ()
    part: int | None = None
    of: int | None = None
    last: bool = False
    donation: Any = None
    donor: Any = None
    record: Any = None
    tape: Any = None
    fund: Any = None
    nature: Any = None
    restriction: Any = None
    usable_from: Any = None
    expires_on: Any = None
    agreement: Any = None


class Item(NamedTuple):
    """An entry as the fold reads it; `on` is its group's when it is a later part, None when it names no day."""

    seq: int
    type: str
    on: date | None
    data: Members


class Arrival(msgspec.Struct, gc=False):
    """Serials that came one behind the other to one place on one day, by entries `first` to `last` of a block."""

    tape: int
    lo: int
    hi: int
    fund: str
    target: str
    hospital: str | None
    on: date
    opening: bool
    block: int
    first: int
    last: int


class _Part(msgspec.Struct):
    part: Any = None
    of: Any = None
    last: Any = False


_decode = msgspec.json.Decoder(Members).decode
_decode_part = msgspec.json.Decoder(_Part).decode


def items_of(page: Sequence[Notification]) -> list[Item]:
    """The entries of a page, which begins at a whole entry (no later part). Raises ProjectionFailed."""
    items: list[Item] = []
    on: date | None = None
    for one in page:
        try:
            data = _decode(one.state)
        except msgspec.DecodeError as error:
            raise failed(one.id - 1, one.topic, error) from error
        if data.of is None:
            on = data.on
        items.append(Item(one.id - 1, one.topic, on, data))
    return items


def whole_entries(page: Sequence[Notification]) -> Sequence[Notification]:
    """The page without the parts at its end whose group goes on behind it."""
    if not page:
        return page
    part = _decode_part(page[-1].state)
    if part.part is None or part.last:
        return page
    first = page[-1].id if part.of is None else part.of + 1
    return page[: max(first - page[0].id, 0)]


def single_entries(page: Sequence[Notification]) -> Iterator[Sequence[Notification]]:
    """The page cut into its entries, each with all its parts."""
    starts = [n for n, one in enumerate(page) if _decode_part(one.state).of is None]
    for start, end in pairwise([*starts, len(page)]):
        yield page[start:end]


def touched(items: Iterable[Item]) -> list[Run]:
    """The ranges that the entries issue and move, sorted, those that meet as one."""
    issued: dict[str, tuple[int, int]] = {}
    runs: list[Run] = []
    for item in items:
        for new in item.data.issue:
            before = issued.get(new.tape)
            issued[new.tape] = (new.lo, new.hi) if before is None else (before[0], new.hi)
        runs += [Run(_tape(move.tape), move.lo, move.hi) for move in item.data.moves]
    runs += [Run(_tape(name), lo, hi) for name, (lo, hi) in issued.items()]
    merged: list[Run] = []
    for run in sorted(runs):
        last = merged[-1] if merged else None
        if last is not None and last.tape == run.tape and run.lo <= last.hi:
            if run.hi > last.hi:
                merged[-1] = last._replace(hi=run.hi)
        else:
            merged.append(run)
    return merged


class Changes:
    """What a page of entries changes: new gifts, movements, tapes and attributions, and `places` moved about."""

    def __init__(self, rows: Iterable[Row], funds: Mapping[int, str]) -> None:
        """`rows` are the stored ones that the page's runs meet or touch; `funds` those of its tapes opened before.

        `arrivals` are what `gifts` come to, run by run, for whoever adds them up.
        """
        self.places = Places(rows)
        self.funds = dict(funds)
        self.gifts: list[tuple[Any, ...]] = []
        self.arrivals: list[Arrival] = []
        self.movements: list[tuple[Any, ...]] = []
        self.tapes: list[tuple[int, str, str, int]] = []
        self.attributions: list[tuple[int, str, str | None]] = []
        self._arriving: dict[int, Arrival] = {}
        self._ends: dict[tuple[str, str], tuple[int, str, str, str | None, str | None]] = {}

    def fold(self, items: Iterable[Item]) -> None:
        """Takes in the entries in order. Raises ProjectionFailed, and is of no use afterwards."""
        for item in items:
            try:
                self._fold(item)
            except Exception as error:
                # Whatever is wrong with it, the operator must learn which entry it is.
                raise failed(item.seq, item.type, error) from error
        self._arrive_all()

    def _fold(self, item: Item) -> None:
        data = item.data
        if data.issue:
            self._issue(item, data)
        if data.moves:
            self._move(item, data.moves)
        if item.type == TAPE_OPENED:
            self._open_tape(item.seq, data)
        elif item.type == DONATION_ATTRIBUTED:
            self.attributions.append((item.seq, data.donation, data.donor))
        elif item.type == ENTRY_REVERSED and (donation := unattributed(data.record, data.moves)) is not None:
            self.attributions.append((item.seq, donation, None))

    def _issue(self, item: Item, data: Members) -> None:
        """New gifts; their serials wait in `_arriving`, since most arrive where, and when, those before them did."""
        on, opening, seq = _dated(item), item.type == BALANCE_BROUGHT_FORWARD, item.seq
        donation, donor, block, arriving = data.donation, data.donor, seq // BLOCK_ENTRIES, self._arriving
        for new in data.issue:
            lo, hi = new.lo, new.hi
            tape, fund, target, hospital, case = self._ends.get((new.tape, new.to)) or self._end(new)
            self.gifts.append((tape, lo, hi, donation, donor, fund, target, hospital, case, opening, on, seq))
            run = arriving.get(tape)
            alike = run and run.hi == lo and run.target == target and run.on == on and run.block == block
            if run and alike and run.opening is opening:
                run.hi, run.last = hi, seq
            else:
                if run:
                    self._arrive(run)
                arriving[tape] = Arrival(tape, lo, hi, fund, target, hospital, on, opening, block, seq, seq)

    def _end(self, new: Issued) -> tuple[int, str, str, str | None, str | None]:
        """Where an issue arrives: tape number, whose money, place, hospital and case; remembered for the next one."""
        tape, place = _tape(new.tape), parse_place(new.to)
        self._ends[new.tape, new.to] = end = tape, self.funds[tape], new.to, place.hospital, place.case
        return end

    def _arrive(self, run: Arrival) -> None:
        self.places.issue(Issue(run.tape, run.lo, run.hi, run.target), run.fund, run.on)
        self.arrivals.append(run)

    def _arrive_all(self) -> None:
        for run in self._arriving.values():
            self._arrive(run)
        self._arriving.clear()

    def _move(self, item: Item, moves: Iterable[Moved]) -> None:
        on = _dated(item)
        self._arrive_all()
        for each in moves:
            move = Move(_tape(each.tape), each.lo, each.hi, each.source, each.target)
            for lo, hi, *funds in self._between_funds(move, self.places.move(move, on)):
                ends = (*end_columns(move.source, funds[0]), *end_columns(move.target, funds[1]))
                self.movements.append((item.seq, on, move.tape, lo, hi, item.type, *ends))

    def _between_funds(self, move: Move, taken: Iterable[Row]) -> list[tuple[int, int, str, str]]:
        """The move cut where its serials are not of one fund: `(lo, hi, fund before, fund after)`."""
        pieces: list[tuple[int, int, str, str]] = []
        for row in taken:
            home = row.home or row.place
            funds = self._fund(move.tape, move.source, home), self._fund(move.tape, move.target, home)
            if pieces and pieces[-1][2:] == funds:
                pieces[-1] = (pieces[-1][0], row.hi, *funds)
            else:
                pieces.append((row.lo, row.hi, *funds))
        return pieces

    def _fund(self, tape: int, place: str, home: str) -> str:
        """Whose money serials at a place are: what is void never was another's than the tape's."""
        fund = self.funds[tape] if place == VOID else parse_place(place if is_source(place) else home).fund
        assert fund is not None, "a home is a fund or fee place"
        return fund

    def _open_tape(self, seq: int, data: Members) -> None:
        number = _tape(data.tape)
        terms = {name: value for name in TERMS_MEMBERS if (value := getattr(data, name)) is not None}
        self.funds[number] = data.fund
        self.tapes.append((number, data.fund, msgspec.json.encode(terms).decode(), seq))


def unattributed(record: Any, moves: Sequence[Any]) -> str | None:
    """The donation whose attribution a reversal takes back: the reversal of the gift itself would move its serials."""
    if moves or not isinstance(record, str) or not record.startswith("donation/"):
        return None
    return record.removeprefix("donation/")


def place_columns(row: Row) -> tuple[Any, ...]:
    """A row in the order of view_place's columns: itself, then kind, fund, hospital and case."""
    place = parse_place(row.place)
    fund = place.fund if is_source(row.place) else parse_place(row.home).fund
    return (*row, place.kind, fund, place.hospital, place.case)


@lru_cache(maxsize=65_536)
def end_columns(name: str, fund: str) -> tuple[str, str, str, str | None, str | None]:
    """One end of a move as view_movement has it: the place, its kind, whose money, hospital and case."""
    place = parse_place(name)
    return name, place.kind, fund, place.hospital, place.case


def _dated(item: Item) -> date:
    assert item.on is not None, "an entry that moves money has a day"
    return item.on


def failed(seq: int, type: str, error: Exception) -> ProjectionFailed:
    """What is said of an entry that could not be folded."""
    return ProjectionFailed(seq, shown(type), shown(f"{error.__class__.__name__}: {error}", 300))
