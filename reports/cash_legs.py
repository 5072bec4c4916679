"""What is reconciled, as `reconcile` takes it: lines of statements that count, cash legs of entries that stand.

An entry's legs are its `cash`, money in or out by what kind of fact it is. A gift without any that came by a channel
waits there in full, under the channel's transaction number or the gift's own id, which channels repeat as the order's.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import date
from typing import NamedTuple
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Struct

from ledger.cash import SIDES
from ledger.database import Cursor, queries, tuples
from ledger.journal import Journal
from ledger.times import find_zone, local_day, parse_utc
from reports.reconcile import Movement

PAGE_ROWS = 10_000
HELD = ("fund", "case", "fee", "hold")
"""Kinds of places whose money is on accounts still."""
OPENING = "BalanceBroughtForward"
"""Cash that was there before: in the accounts' books, and on no statement."""

_SQL = queries("reports", "cash_legs.sql")


class _Cash(Struct, frozen=True):
    account: str
    amount: int | None = None
    bank_on: date | None = None
    bank_ref: str | None = None


class _Line(Struct, frozen=True):
    amount: int


class _Members(Struct, frozen=True):
    on: date | None = None
    of: int | None = None
    amount: int | None = None
    lines: tuple[_Line, ...] = ()
    hospital: str | None = None
    cash: tuple[_Cash, ...] = ()
    channel: str | None = None
    channel_txn: str | None = None
    suspense: str | None = None


class _Entry(Struct, frozen=True):
    at: str
    stream: str
    data: _Members


class Sides(NamedTuple):
    """Both sides of a reconciliation, and the stream of each entry that has legs, by seq.

    `openings`: what each account had before; `nowhere`: cash that came, less what went, without an account's name;
    `held`: what the ledger holds, by kind of place; `suspense`: what it owes of receipts that nobody could place.
    """

    lines: list[Movement]
    legs: list[Movement]
    streams: dict[int, str]
    openings: Mapping[str, int]
    nowhere: int
    held: Mapping[str, int]
    suspense: int = 0


_decode = msgspec.json.Decoder(_Entry).decode


def read_sides(journal: Journal) -> Sides:
    """Reads one snapshot, in the ledger's currency. Raises LedgerNotOpen."""
    head = journal.entries.head()
    zone = find_zone(str(head.zone))
    with journal.entries.datastore.get_connection() as connection, connection.transaction():
        connection.execute(_SQL["snapshot"])
        cursor = tuples(connection)
        lines = list(_lines(cursor, str(head.currency)))
        [(suspense,)] = cursor.execute(_SQL["suspense"]).fetchall()
        held = dict.fromkeys(HELD, 0) | dict(cursor.execute(_SQL["held"]).fetchall())
        legs: list[Movement] = []
        streams: dict[int, str] = {}
        channels: set[str] = set()
        openings: Counter[str] = Counter()
        nowhere = 0
        for seq, kind, body in _entries(cursor):
            entry = _decode(body)
            if entry.data.of is not None:
                continue  # a later part of a group: moves alone
            if entry.data.suspense is not None and not entry.stream.startswith("suspense/"):
                continue  # its money came in with the receipt that was suspended
            found = list(_legs(seq, SIDES.get(kind, 1), entry, zone))
            nowhere += _whole(kind, entry.data) - sum(leg.amount for leg in found)
            if kind == OPENING:
                openings.update({leg.account: leg.amount for leg in found})
            elif found:
                legs += found
                streams[seq] = entry.stream
            if entry.data.channel is not None:
                channels.add(entry.data.channel)
    legs = [leg._replace(channel=True) if leg.account in channels else leg for leg in legs]
    return Sides(lines, legs, streams, openings, nowhere, held, suspense)


def _lines(cursor: Cursor, currency: str) -> Iterator[Movement]:
    for statement, ordinal, account, booked_on, amount, *refs in cursor.execute(_SQL["lines"], {"currency": currency}):
        yield Movement((statement, ordinal), account, booked_on.toordinal(), amount, tuple(ref for ref in refs if ref))


def _entries(cursor: Cursor) -> Iterator[tuple[int, str, bytes]]:
    after = -1
    while True:
        values = {"after": after, "types": [*SIDES, OPENING], "limit": PAGE_ROWS}
        page = cursor.execute(_SQL["entries"], values).fetchall()
        yield from page
        if len(page) < PAGE_ROWS:
            return
        after = page[-1][0]


def _whole(kind: str, data: _Members) -> int:
    """What a fact moved in cash, in positive; an opening balance at a hospital was paid before."""
    if kind == OPENING:
        return 0 if data.hospital is not None else _amount(data)
    return SIDES[kind] * _amount(data)


def _amount(data: _Members) -> int:
    return data.amount if data.amount is not None else sum(line.amount for line in data.lines)


def _legs(seq: int, side: int, entry: _Entry, zone: ZoneInfo) -> Iterator[Movement]:
    """The legs of one entry."""
    data = entry.data
    if not (data.cash or data.channel):
        return
    day = data.on or local_day(parse_utc(entry.at), zone)
    whole = _amount(data)
    for index, leg in enumerate(data.cash):
        amount = whole if leg.amount is None else leg.amount
        refs = tuple(ref for ref in (leg.bank_ref, data.channel_txn) if ref is not None)
        yield Movement((seq, index), leg.account, (leg.bank_on or day).toordinal(), side * amount, refs)
    if not data.cash and data.channel is not None:
        refs = tuple(ref for ref in (data.channel_txn, entry.stream.partition("/")[2]) if ref)
        yield Movement((seq, 0), data.channel, day.toordinal(), side * whole, refs, channel=True)
