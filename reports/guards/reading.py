"""Reads what the guards report is made from, in one snapshot: entries that spend, cases, and where money waits.

Nothing here is a second ledger: amounts, days and ids are those that the entries say. A reversed entry does not count,
nor does one that moves money on a later day than the report's.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from ledger.database import Connection, queries, tuples
from ledger.errors import Unknown
from ledger.journal import Journal
from ledger.places import parse_place
from ledger.times import find_zone, local_day
from reports.guards.entries import CASE_FACTS, Record, record_of
from reports.guards.rules import EXPIRY_DAYS
from reports.guards.standing import ISSUED, Arrival, Standing, in_force

FETCH_ROWS = 5_000
MOST_GIFTS = 9
"""How many of a heap's gifts are read: with the entry of the tape they are the evidence."""

_SQL = queries("reports.guards", "guards.sql")


class Tape(NamedTuple):
    """A tape that is watched at funds: its terms, and the entry that opened it."""

    number: int
    terms: Mapping[str, Any]
    opened: Record

    @property
    def expires_on(self) -> date | None:
        """The last day on which its money may be allocated."""
        return date.fromisoformat(self.terms["expires_on"]) if "expires_on" in self.terms else None


class Gift(NamedTuple):
    """A gift's part of a heap."""

    seq: int
    type: str
    donation: str | None
    on: date
    amount: int


class Heap(NamedTuple):
    """Watched money at a fund's place under one tape's terms: `since` the oldest came, and the largest of its gifts."""

    place: str
    tape: Tape
    amount: int
    since: date
    entries: int
    gifts: tuple[Gift, ...]


@dataclass(frozen=True)
class Reading:
    """All that the rules look at, as of `today`."""

    today: date
    days: int
    records: Mapping[int, Record]
    """Entries that count, by seq, in order."""
    standing: Standing
    agency: tuple[Heap, ...]
    """Agency money at funds, `days` old or older."""
    expiring: tuple[Heap, ...]
    """Money at funds whose last day is at most EXPIRY_DAYS ahead, or past."""
    alike: tuple[tuple[str, Record], ...]
    """Gifts of the donor, day and amount of another, one at least without a transaction number; with the donor."""


def read(journal: Journal, fund: str | None, today: date | None, days: int) -> Reading:
    """Reads one snapshot; `today` None is the day in the ledger's zone. Raises LedgerNotOpen, and Unknown (fund)."""
    zone = find_zone(str(journal.entries.head().zone))
    today = today or local_day(journal.entries.clock(), zone)
    with journal.entries.datastore.get_connection() as connection, connection.transaction():
        connection.execute(_SQL["snapshot"])
        return _Snapshot(connection, zone, today).read(fund, days)


class _Snapshot:
    """The queries over one state of the database, as of a day."""

    def __init__(self, connection: Connection, zone: ZoneInfo, today: date) -> None:
        self._connection = connection
        self._cursor = tuples(connection)
        self._zone = zone
        self._today = today

    def read(self, fund: str | None, days: int) -> Reading:
        if fund is not None and self._all("known", (f"fund/{fund}",)) == [(False,)]:
            raise Unknown("fund", fund)
        records, wholes = self._records()
        reversals = {
            one.seq: one.data.reverses
            for one in records.values()
            if one.type == "EntryReversed" and one.data.reverses is not None
        }
        undone = frozenset(reversals.values())
        tapes = {
            number: Tape(number, terms, record_of(entry, self._zone))
            for number, terms, *entry in self._all("tapes", {"last_day": self._today + timedelta(days=EXPIRY_DAYS)})
        }
        standing = self._standing(Standing(frozenset(tapes), reversals, wholes), list(tapes))
        heaps = list(self._heaps(standing, tapes, days))
        return Reading(
            self._today,
            days,
            {seq: records[seq] for seq in sorted(records.keys() - undone)},
            standing,
            tuple(heap for agency, heap in heaps if agency),
            tuple(heap for agency, heap in heaps if not agency),
            self._alike(undone),
        )

    def _records(self) -> tuple[dict[int, Record], dict[int, int]]:
        """The entries by seq, and to which entry a later part belongs."""
        records: dict[int, Record] = {}
        wholes: dict[int, int] = {}
        [(position,)] = self._all("position", {})
        for row in self._stream("records", {"position": position}):
            record = record_of(row, self._zone)
            if record.data.of is not None:
                wholes[record.seq] = record.data.of
            elif record.day <= self._today or record.type in CASE_FACTS:
                records[record.seq] = record
        return records, wholes

    def _standing(self, standing: Standing, tapes: list[int]) -> Standing:
        for tape, lo, hi, place in self._stream("issued_at_funds", {"tapes": tapes, "today": self._today}):
            standing.arrive(place, Arrival(tape, lo, hi, ISSUED, date.min, str(parse_place(place).fund)))
        for *arrival, place in self._stream("issued_elsewhere", {"today": self._today}):
            standing.arrive(place, Arrival(*arrival))
        for *arrival, source, target in self._stream("movements", {"today": self._today}):
            standing.move(Arrival(*arrival), source, target)
        return standing

    def _heaps(self, standing: Standing, tapes: Mapping[int, Tape], days: int) -> Iterator[tuple[bool, Heap]]:
        """Watched money at funds, each time whether it is told as agency money or as money with a last day."""
        last_day = self._today + timedelta(days=EXPIRY_DAYS)
        wanted: dict[tuple[str, int, bool], list[Arrival]] = defaultdict(list)
        for place, arrivals in standing.places("fund"):
            for one in arrivals:
                tape = tapes[in_force(place, one.tape)]
                if tape.terms["nature"] == "agency":
                    wanted[place, tape.number, True].append(one)
                if tape.expires_on is not None and tape.expires_on <= last_day:
                    wanted[place, tape.number, False].append(one)
        until = {True: self._today - timedelta(days=days), False: self._today}
        names = list(wanted)
        ranges = [
            (n, *arrival[:3], arrival.on, until[name[2]]) for n, name in enumerate(names) for arrival in wanted[name]
        ]
        found: dict[int, list[Any]] = defaultdict(list)
        if ranges:
            members = ("heaps", "tapes", "los", "his", "days", "untils")
            columns = dict(zip(members, map(list, zip(*ranges, strict=True)), strict=True))
            for n, *row in self._stream("gifts_there", {**columns, "most": MOST_GIFTS}):
                found[n].append(row)
        for n, rows in found.items():
            place, number, agency = names[n]
            *_, entries, amount, since = rows[0]
            yield agency, Heap(place, tapes[number], amount, since, entries, tuple(Gift(*row[:5]) for row in rows))

    def _alike(self, undone: frozenset[int]) -> tuple[tuple[str, Record], ...]:
        found = [
            (donor, record_of(row, self._zone)) for donor, *row in self._stream("gifts_alike", {"today": self._today})
        ]
        return tuple(sorted((pair for pair in found if pair[1].seq not in undone), key=lambda pair: pair[1].seq))

    def _all(self, name: str, which: Any) -> list[Any]:
        return self._cursor.execute(_SQL[name], which).fetchall()

    def _stream(self, name: str, which: Any) -> Iterator[Any]:
        """The rows as they are asked for, through a cursor of the server."""
        with self._connection.cursor(name, row_factory=self._cursor.row_factory) as cursor:
            cursor.execute(_SQL[name], which)
            while rows := cursor.fetchmany(FETCH_ROWS):
                yield from rows
