"""The trace fold: what a page of entries changes in the views. Pure: no database, no clock.

It reads `issue`, `moves` and the members common to all entries, and knows facts by name only where they say something
about tapes and donors; a type it has never heard of is folded like any other.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from datetime import date
from functools import lru_cache
from itertools import pairwise
from typing import Any

import msgspec
from eventsourcing.persistence import Notification

from ledger.errors import OperatorFault, shown
from ledger.events import Issued, Moved
from ledger.places import VOID, is_source, parse_place, tape_number
from ledger.tapes import Issue, Move, Places, Row, Run
from projections.gift_rows import gift_row, row_ending, row_middle

TAPE_OPENED = "TapeOpened"
BALANCE_BROUGHT_FORWARD = "BalanceBroughtForward"
DONATION_ATTRIBUTED = "DonationAttributed"
ENTRY_REVERSED = "EntryReversed"
TELLING = frozenset((TAPE_OPENED, DONATION_ATTRIBUTED, ENTRY_REVERSED))
"""What says something beside issues and moves."""
BLOCK_ENTRIES = 4_096
"""Days are summed up by so many entries apart, so that what was known at some time is a sum of blocks and a bit.
Where it changes, or how many go together, a migration has the views folded anew."""
BLOCKS_TOGETHER = 8
"""Months are summed up by so many blocks: what was known is months of those, and days of the few blocks behind them."""
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


class Item(msgspec.Struct, gc=False):
    """An entry as the fold reads it. A later part has the day of its group."""

    seq: int
    type: str
    data: Members


class Arrival(msgspec.Struct, gc=False):
    """Serials that came one behind the other to one place on one day, by entries `first` to `last` of a block.

    `rows` are those of view_gift in the format of `gift_rows`; `nobodys` are minor units, and the bounds of their
    entries, that came with no donor known.
    """

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
    ending: bytes
    rows: list[bytes]
    nobodys: int = 0
    nobodys_first: int = 0
    nobodys_last: int = 0


_read = msgspec.json.Decoder(Item)
_read_data = msgspec.json.Decoder(Members).decode


def items_of(page: Iterable[Notification]) -> list[Item]:
    """Entries as a subscription brings them, the first a whole one or a first part. Raises ProjectionFailed."""
    items = []
    for one in page:
        try:
            items.append(Item(one.id - 1, one.topic, _read_data(one.state)))
        except msgspec.DecodeError as error:
            raise failed(one.id - 1, one.topic, error) from error
    return _dated_parts(items)


def read_items(lines: Iterable[bytes], first: int) -> tuple[list[Item], ProjectionFailed | None]:
    """Entries from seq `first` on, in lumps of one a line, up to one that cannot be read; and what is wrong with that.

    The first is a whole one or a first part.
    """
    items: list[Item] = []
    for lump in lines:
        try:
            read = _read.decode_lines(lump)
        except msgspec.DecodeError:
            read = None
        if read is None or any(item.seq != seq for seq, item in enumerate(read, first + len(items))):
            failure = _read_singly(lump, items, first)
            return _dated_parts(items), failure
        items += read
    return _dated_parts(items), None


def _read_singly(lump: bytes, items: list[Item], first: int) -> ProjectionFailed:
    """Adds to `items` what can be read; what is wrong with the first entry that cannot, or is another's."""
    for line in lump.split(b"\n"):
        seq, topic = first + len(items), ""
        try:
            topic = _read_name(line).type
            item = _read.decode(line)
            assert item.seq == seq, f"in its place there is entry {item.seq}"
        except (msgspec.DecodeError, AssertionError) as error:
            return failed(seq, topic, error)
        items.append(item)
    raise AssertionError("what could not be read with others could be alone")


class _Name(msgspec.Struct):
    type: str = ""


_read_name = msgspec.json.Decoder(_Name).decode


def _dated_parts(items: list[Item]) -> list[Item]:
    """The entries, later parts with the day of their first."""
    on: date | None = None
    for item in items:
        data = item.data
        if data.of is None:
            on = data.on
        else:
            data.on = on
    return items


def whole_entries(items: list[Item]) -> list[Item]:
    """The entries without the parts at their end whose group goes on behind it."""
    if not items:
        return items
    seq, data = items[-1].seq, items[-1].data
    if data.part is None or data.last:
        return items
    first = seq if data.of is None else data.of
    return items[: max(first - items[0].seq, 0)]


def single_entries(items: list[Item]) -> Iterator[list[Item]]:
    """The entries one by one, each with all its parts."""
    starts = [n for n, item in enumerate(items) if item.data.of is None]
    for start, end in pairwise([*starts, len(items)]):
        yield items[start:end]


def tapes_of(items: Iterable[Item]) -> set[int]:
    """The tapes that the entries issue on or move serials of."""
    names = {new.tape for item in items for new in item.data.issue}
    names.update(move.tape for item in items for move in item.data.moves)
    return {_tape(name) for name in names}


class Changes:
    """What a page of entries changes: what they issue, open and attribute, which follows from them alone (`gather`);
    then where the serials are, and how they went there (`settle`)."""

    def __init__(self, funds: Mapping[int, str]) -> None:
        """`funds` are those of the tapes that were opened before, all that the page issues on or moves.

        `arrivals` are the issued ranges, run by run, `gift_rows` the rows of view_gift in COPY's format; `donors` how
        many ranges each donor gave, and minor units; `runs` the ranges that the entries
        issue and move, sorted, those that meet as one. Once settled, `movements` and `stood` are rows of the views, and
        `gone` the keys of place rows that are no more.
        """
        self.funds = dict(funds)
        self.items: Sequence[Item] = ()
        self.arrivals: list[Arrival] = []
        self.gift_rows = b""
        self.runs: list[Run] = []
        self.donors: dict[str, tuple[int, int]] = {}
        self.tapes: list[tuple[int, str, str, int]] = []
        self.attributions: list[tuple[int, str, str | None]] = []
        self.places = Places()
        self.movements: list[tuple[Any, ...]] = []
        self.gone: list[tuple[int, int]] = []
        self.stood: list[tuple[Any, ...]] = []
        self._steps: list[Arrival | Item] = []
        self._arriving: dict[str, Arrival] = {}

    def gather(self, items: Sequence[Item]) -> Changes:
        """Takes in what the entries say by themselves, in order; itself.

        Raises ProjectionFailed, and is of no use afterwards.
        """
        self.items = items
        for item in items:
            data = item.data
            try:
                if data.issue:
                    self._issue(item, data)
                if data.moves or item.type in TELLING:
                    self._gather(item, data)
            except Exception as error:
                # Whatever is wrong with it, the operator must learn which entry it is.
                raise failed(item.seq, item.type, error) from error
        self._steps += self._arriving.values()
        self._arriving.clear()
        self.arrivals = [step for step in self._steps if isinstance(step, Arrival)]
        # Block by block in the order of their serials: what lies together is then read together.
        ordered = sorted(self.arrivals, key=lambda run: (run.block, run.tape, run.lo))
        self.gift_rows = b"".join([row for run in ordered for row in run.rows])
        self.runs = self._runs()
        return self

    def _gather(self, item: Item, data: Members) -> None:
        if data.moves:
            _dated(data)
            # Whatever is moved must have arrived; on other tapes more may come one behind the other.
            for tape in {each.tape for each in data.moves}:
                if (run := self._arriving.pop(tape, None)) is not None:
                    self._steps.append(run)
            self._steps.append(item)
        if item.type == TAPE_OPENED:
            self._open_tape(item.seq, data)
        elif item.type == DONATION_ATTRIBUTED:
            self.attributions.append((item.seq, data.donation, data.donor))
        elif item.type == ENTRY_REVERSED and (donation := unattributed(data.record, data.moves)) is not None:
            self.attributions.append((item.seq, donation, None))

    def _issue(self, item: Item, data: Members) -> None:
        """New gifts: most arrive where, and when, those before them on their tape did. The hottest loop of folding."""
        on, opening, seq, donor, given = _dated(data), item.type == BALANCE_BROUGHT_FORWARD, item.seq, data.donor, 0
        arriving, block = self._arriving, seq // BLOCK_ENTRIES
        gift = row_middle(data.donation, donor)
        for new in data.issue:
            lo, hi, run = new.lo, new.hi, arriving.get(new.tape)
            if (
                run is not None
                and run.hi == lo
                and run.target == new.to
                and run.on == on
                and run.block == block
                and run.opening is opening
            ):
                run.hi, run.last = hi, seq
            else:
                if run is not None:
                    self._steps.append(run)
                arriving[new.tape] = run = self._arrival(new, on, opening, seq)
            run.rows.append(gift_row(seq, lo, hi, gift, run.ending))
            given += hi - lo
            if donor is None:
                if not run.nobodys:
                    run.nobodys_first = seq
                run.nobodys, run.nobodys_last = run.nobodys + hi - lo, seq
        if donor is not None:
            ranges, before = self.donors.get(donor, (0, 0))
            self.donors[donor] = (ranges + len(data.issue), before + given)

    def _arrival(self, new: Issued, on: date, opening: bool, seq: int) -> Arrival:
        tape, place = _tape(new.tape), parse_place(new.to)
        fund = self.funds[tape]
        ending = row_ending(tape, fund, new.to, place.hospital, place.case, opening, on)
        hospital, block = place.hospital, seq // BLOCK_ENTRIES
        return Arrival(tape, new.lo, new.hi, fund, new.to, hospital, on, opening, block, seq, seq, ending, [])

    def _open_tape(self, seq: int, data: Members) -> None:
        number = _tape(data.tape)
        terms = {name: value for name in TERMS_MEMBERS if (value := getattr(data, name)) is not None}
        self.funds[number] = data.fund
        self.tapes.append((number, data.fund, msgspec.json.encode(terms).decode(), seq))

    def given_by(self, donors: Container[str]) -> Iterator[tuple[str, str, str, int]]:
        """What these donors gave: donor, fund, place and minor units, range by range."""
        for item in self.items:
            data = item.data
            if data.donor in donors:
                for new in data.issue:
                    yield data.donor, self.funds[_tape(new.tape)], new.to, new.hi - new.lo

    def _runs(self) -> list[Run]:
        issued: dict[int, Run] = {}
        for run in self.arrivals:
            before = issued.get(run.tape)
            issued[run.tape] = Run(run.tape, before.lo if before else run.lo, run.hi)
        found = [*issued.values()]
        for step in self._steps:
            if isinstance(step, Item):
                found += [Run(_tape(move.tape), move.lo, move.hi) for move in step.data.moves]
        merged: list[Run] = []
        for one in sorted(found):
            last = merged[-1] if merged else None
            if last is not None and last.tape == one.tape and one.lo <= last.hi:
                if one.hi > last.hi:
                    merged[-1] = last._replace(hi=one.hi)
            else:
                merged.append(one)
        return merged

    def settle(self, rows: Iterable[Row]) -> None:
        """Lets the serials arrive and move; `rows` are the stored ones that `runs` meet or touch.

        Raises ProjectionFailed, and is of no use afterwards.
        """
        self.places.load(rows)
        for step in self._steps:
            if isinstance(step, Arrival):
                self.places.issue(Issue(step.tape, step.lo, step.hi, step.target), step.fund, step.on)
                continue
            try:
                self._move(step)
            except Exception as error:
                # As above.
                raise failed(step.seq, step.type, error) from error
        gone, new = self.places.changes()
        self.gone, self.stood = [row[:2] for row in gone], [place_columns(row) for row in new]

    def _move(self, item: Item) -> None:
        on = _dated(item.data)
        for each in item.data.moves:
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


def _dated(data: Members) -> date:
    assert data.on is not None, "an entry that moves money has a day"
    return data.on


def failed(seq: int, type: str, error: Exception) -> ProjectionFailed:
    """What is said of an entry that could not be folded."""
    return ProjectionFailed(seq, shown(type), shown(f"{error.__class__.__name__}: {error}", 300))
