"""What is reconciled, as `reconcile` takes it: lines of statements that count, cash legs of entries that stand.

An entry's legs are its `cash`, money in or out by what kind of fact it is. A gift without any that came by a channel
waits there in full, under the channel's transaction number or the gift's own id, which channels repeat as the order's.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain, islice
from sys import intern
from types import MappingProxyType
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import msgspec

from ledger.cash import SIDES, SUSPENSE, CashTold, EntryTold, whole_of
from ledger.database import Cursor, queries, tuples
from ledger.journal import Journal
from ledger.times import find_zone, local_day, parse_utc
from reports.reconcile import Key, Movement

PAGE_ROWS = 10_000
HELD = ("fund", "case", "fee", "hold")
"""Kinds of places whose money is on accounts still."""
OPENING = "BalanceBroughtForward"
"""Cash that was there before: in the accounts' books, and on no statement."""

_SQL = queries("reports", "cash_legs.sql")


class _Entry(EntryTold, frozen=True, gc=False):
    at: str
    stream: str


class Sides(NamedTuple):
    """Both sides of a reconciliation, and the stream of each entry that has legs, by seq.

    `openings`: what each account had before; `nowhere`: cash that came, less what went, without an account's name;
    `held`: what the ledger holds, by kind of place; `suspense`: what it owes of receipts that nobody could place.
    These are of all sides; nothing where only what is open was read.
    """

    lines: list[Movement]
    legs: list[Movement]
    streams: dict[int, str]
    openings: Mapping[str, int] = MappingProxyType({})
    nowhere: int = 0
    held: Mapping[str, int] = MappingProxyType({})
    suspense: int = 0

    def line(self, key: Key) -> Movement:
        """A line by its key; they are in the order of keys."""
        return self.lines[bisect_left(self.lines, (key,))]

    def leg(self, key: Key) -> Movement:
        """The same of a leg."""
        return self.legs[bisect_left(self.legs, (key,))]


_read = msgspec.json.Decoder(_Entry).decode_lines


def read_sides(journal: Journal) -> Sides:
    """Reads one snapshot, in the ledger's currency. Raises LedgerNotOpen."""
    head = journal.entries.head()
    with journal.entries.datastore.get_connection() as connection, connection.transaction():
        connection.execute(_SQL["snapshot"])
        return read_all_sides(tuples(connection), str(head.currency), find_zone(str(head.zone)))


def read_all_sides(cursor: Cursor, currency: str, zone: ZoneInfo) -> Sides:
    """The same of the snapshot that is open."""
    lines = list(_lines(cursor, "lines", currency))
    [(suspense,)] = cursor.execute(_SQL["suspense"]).fetchall()
    held = dict.fromkeys(HELD, 0) | dict(cursor.execute(_SQL["held"]).fetchall())
    found = _Legs(zone)
    for entry in _entries(cursor):
        found.add(entry)
    return Sides(lines, found.legs, found.streams, found.openings, found.nowhere, held, suspense)


@dataclass(slots=True)
class Seen:
    """How far somebody has read what is open, and which entries had something open then: they go on from there."""

    size: int = 0
    entries: list[int] = field(default_factory=list)


def read_open_sides(cursor: Cursor, currency: str, zone: ZoneInfo, seen: Seen) -> Sides:
    """Lines and legs of which nothing is taken, in the snapshot that is open: all that rules look at.

    Entries that are wholly matched are passed over by the database; of those below `seen.size` only the ones that had
    something open then are read again, and those whose matches were undone since.
    """
    [(size,)] = cursor.execute(_SQL["size"]).fetchall()
    again = {*seen.entries, *(entry for (entry,) in cursor.execute(_SQL["undone_since"], (seen.size,)))}
    lines = list(_lines(cursor, "open_lines", currency))
    found = _Legs(zone, (account for (account,) in cursor.execute(_SQL["channels"])))
    wanted = chain(sorted(entry for entry in again if entry < seen.size), range(seen.size, size))
    while seqs := list(islice(wanted, PAGE_ROWS)):
        for entry in _read_page(cursor, "open_entries", {"seqs": seqs}):
            found.add(entry)
    several = sorted({seq for seq, leg in (leg.key for leg in found.legs) if leg})
    taken = set(cursor.execute(_SQL["taken_of"], (several,)).fetchall())
    legs = [leg for leg in found.legs if leg.key not in taken]
    seen.size, seen.entries = size, list(dict.fromkeys(leg.key[0] for leg in legs))
    return Sides(lines, legs, found.streams)


def _lines(cursor: Cursor, which: str, currency: str) -> Iterator[Movement]:
    for statement, ordinal, account, booked_on, amount, *refs in cursor.execute(_SQL[which], {"currency": currency}):
        yield Movement((statement, ordinal), account, booked_on.toordinal(), amount, tuple(ref for ref in refs if ref))


def _entries(cursor: Cursor) -> Iterator[_Entry]:
    after = -1
    while page := _read_page(cursor, "entries", {"after": after, "limit": PAGE_ROWS}):
        yield from page
        after = page[-1].seq


def _read_page(cursor: Cursor, which: str, values: Mapping[str, Any]) -> list[_Entry]:
    [(lines,)] = cursor.execute(_SQL[which], {**values, "types": [*SIDES, OPENING]}, binary=True).fetchall()
    return _read(lines or b"")


class _Legs:
    """The legs of entries in order, and what they come to besides."""

    def __init__(self, zone: ZoneInfo, channels: Iterable[str] = ()) -> None:
        self._zone = zone
        self._channels = set(channels)
        self._legs: list[Movement] = []
        self.streams: dict[int, str] = {}
        self.openings: Counter[str] = Counter()
        self.nowhere = 0

    @property
    def legs(self) -> list[Movement]:
        """All of them; those on a channel's account are marked, whether or not they name the channel."""
        own = self._channels
        return [leg._replace(channel=True) if not leg.channel and leg.account in own else leg for leg in self._legs]

    def add(self, entry: _Entry) -> None:
        """The next entry."""
        seq, kind, data = entry.seq, entry.type, entry.data
        if data.of is not None:
            return  # a later part of a group: moves alone
        if data.suspense is not None and kind not in SUSPENSE:
            return  # its money came in with the receipt that was suspended
        whole, side = whole_of(data), SIDES.get(kind, 1)
        day = (data.on or local_day(parse_utc(entry.at), self._zone)).toordinal()
        if data.channel is not None:
            self._channels.add(data.channel)
            if not data.cash:
                refs = tuple(filter(None, (data.channel_txn, entry.stream.partition("/")[2])))
                self._legs.append(Movement((seq, 0), intern(data.channel), day, side * whole, refs, channel=True))
                self.streams[seq] = entry.stream
                return
        found = list(_legs(seq, side, whole, day, data))
        if kind != OPENING or data.hospital is None:  # an opening balance at a hospital was paid before
            self.nowhere += side * whole
        self.nowhere -= sum(leg.amount for leg in found)
        if kind == OPENING:
            for leg in found:
                self.openings[leg.account] += leg.amount
        elif found:
            self._legs += found
            self.streams[seq] = entry.stream


def _legs(seq: int, side: int, whole: int, day: int, data: CashTold) -> Iterator[Movement]:
    """The legs that an entry names accounts for."""
    for index, leg in enumerate(data.cash):
        amount = whole if leg.amount is None else leg.amount
        on = day if leg.bank_on is None else leg.bank_on.toordinal()
        refs = tuple(filter(None, (leg.bank_ref, data.channel_txn)))
        yield Movement((seq, index), intern(leg.account), on, side * amount, refs)
