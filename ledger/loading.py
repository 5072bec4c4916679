"""What the tables say, as far as a batch of commands asks: loaded with a few queries, none in a loop."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from itertools import groupby
from typing import Any, NamedTuple

from ledger.cashbook import CashBook
from ledger.database import Cursor, queries
from ledger.journal import Head
from ledger.needs import BillKey, Needs, listed
from ledger.places import fund_place
from ledger.records import Entered, Record, whole_facts
from ledger.registry import MOST_VERSIONS, Registry
from ledger.tapes import Places, Row, Run
from ledger.times import find_zone, local_day

SQL = queries("ledger", "book.sql")


class CaseFile(NamedTuple):
    """A case as it stands; `reached` is the last posting date on which money came to its place."""

    id: str
    fund: str
    attributes: Mapping[str, str]
    household: str | None
    purpose: str | None
    is_open: bool
    reached: date | None = None


class Bill(NamedTuple):
    """A hospital bill for a case: what it is for and what stands paid, minor units."""

    limit: int
    paid: int


class Loaded:
    """The state that a batch asked for, under the ledger's lock."""

    def __init__(self, cursor: Cursor, head: Head, registry: Registry, at: datetime) -> None:
        self._cursor = cursor
        self.head = head
        self.registry = registry
        self.at = at
        self.today: date = local_day(at, find_zone(head.zone or "UTC"))
        self._places = Places()
        self.cash = CashBook(cursor)
        self.ends: dict[int, int] = {}
        self.keeps_records = False
        self.promises: Mapping[str, set[str]] = {}
        self._ends_loaded: dict[int, int] = {}
        self._versions: dict[str, int] = {}
        self._records: dict[str, Record] = {}
        self._entered: dict[int, Entered] = {}
        self._movers: dict[int, set[int]] = {}
        self._cases: dict[str, CaseFile] = {}
        self._kin: dict[tuple[str, str | None], set[str]] = {}
        self._claims: dict[str, int] = {}
        self._bills: dict[BillKey, Bill] = {}
        self._commands: dict[str, tuple[bytes, int]] = {}

    @property
    def places(self) -> Places:
        """Where serials are."""
        return self._places

    def load(self, needs: Needs, *, trusting: bool = False) -> None:
        """Reads what the batch needs; when `trusting`, without looking whether what should be new is."""
        self.registry.refresh(self._cursor, self.head)
        self.promises = needs.promises or self.promises
        query = self._query
        self._load_versions(needs, trusting=trusting)
        self._load_records(needs)
        if needs.cases or needs.persons or needs.households:
            wanted = {name: listed(getattr(needs, name)) for name in ("cases", "persons", "households")}
            for row in query("cases", wanted):
                self._add_case(CaseFile(*row))
        for case in needs.spending_cases:
            known = self._cases.get(case)
            needs.spending_funds |= needs.opening_cases.get(case, set()) if known is None else {known.fund}
        funds = (needs.funds | needs.spending_funds) - self.registry.funds.keys()
        self.registry.funds.update(query("funds", listed(funds)) if funds else ())
        if not trusting:
            self._claims.update(query("claims", listed(needs.claims)) if needs.claims else ())
            if needs.keys:
                self._commands.update(
                    (key, (digest, seq)) for key, digest, seq in query("commands", listed(needs.keys))
                )
        if needs.bills:
            columns = [list(column) for column in zip(*needs.bills, strict=True)]
            self._bills.update(((h, b, c), Bill(limit, paid)) for h, b, c, limit, paid in query("bills", *columns))
        self._load_places(needs)
        self.cash.load(needs, self.registry.ends.closes)

    def _load_versions(self, needs: Needs, *, trusting: bool) -> None:
        """The newest version of each stream; of those that are no records of this batch's own it is kept."""
        kept = self.registry.ends.versions
        if len(kept) > MOST_VERSIONS:
            kept.clear()
        streams = needs.streams if trusting else needs.streams | needs.new_streams
        unknown = streams - kept.keys()
        self._versions.update((stream, kept[stream]) for stream in streams & kept.keys())
        found = dict(self._query("versions", listed(unknown))) if unknown else {}
        self._versions.update(found)
        kept.update((stream, found[stream]) for stream in needs.streams & found.keys())

    def _load_records(self, needs: Needs) -> None:
        """The streams to be read whole, those of entries to be reversed among them, and who moved serials since."""
        if needs.reversals:
            needs.records.update(stream for (stream,) in self._query("streams_of", list(needs.reversals)))
        if needs.records:
            self.keeps_records = True
            rows = self._query("records", listed(needs.records))
            for stream, entries in groupby(rows, key=lambda row: str(row[1])):
                found = list(entries)
                self._versions[stream] = found[-1][2]
                record = Record(whole_facts((seq, topic, body) for seq, _, _, topic, body in found))
                self._records[stream] = record
                self._entered.update((each.seq, each) for each in record.entered)
        if needs.movers:
            columns = [list(column) for column in zip(*needs.movers, strict=True)]
            for seq, mover in self._query("movers", *columns):
                self._movers.setdefault(seq, set()).add(mover)

    def _load_places(self, needs: Needs) -> None:
        """The rows at the places the batch moves money at, those beside what may come home, and each tape's last."""
        places = needs.places | needs.returning
        if places:
            self.places.load(Row(*row) for row in self._query("rows_at", listed(places)))
        spending = needs.spending_funds | needs.leaving_funds
        if spending:
            self.places.load(
                Row(*row) for row in self._query("rows_at_funds", {"places": list(map(fund_place, spending))})
            )
        self._load_ends({tape.number for key in needs.tapes if (tape := self.registry.find_tape(*key))})
        runs = set(needs.runs)
        leaving = {place for fund in needs.leaving_funds for place in self.fund_places(fund)}
        for place in needs.returning | leaving:
            for rows in self.places.at(place).values():
                runs.update(Run(*row[:3]) for row in rows)
        if runs:
            columns = [list(column) for column in zip(*sorted(runs), strict=True)]
            self.places.load(Row(*row) for row in self._query("rows_near", *columns))

    def _load_ends(self, tapes: set[int]) -> None:
        """Where these tapes end, and the last row of each."""
        found = {number: self.registry.ends.tapes[number] for number in tapes & self.registry.ends.tapes.keys()}
        unknown = list(tapes - found.keys())
        for number, ends_at, *last in self._query("tape_ends", unknown) if unknown else ():
            found[number] = ends_at, None if last[0] is None else Row(number, *last)
        for number, (ends_at, row) in found.items():
            self._ends_loaded[number] = self.ends[number] = ends_at
            self.places.load([] if row is None else [row])

    def load_held(self) -> None:
        """The rows of all money that is held."""
        self.places.load(Row(*row) for row in self._query("rows_held"))

    def fund_places(self, fund: str) -> list[str]:
        """`fund/F` and each `fund/F/tN` at which there is money."""
        place = fund_place(fund)
        return [place, *(other for other in self.places.names() if other.startswith(place + "/"))]

    def _add_case(self, case: CaseFile) -> None:
        self._cases[case.id] = case
        for key in (("person", case.attributes.get("person")), ("household", case.household)):
            if key[1] is not None:
                self._kin.setdefault(key, set()).add(case.id)

    def _query(self, name: str, *parameters: Any) -> list[tuple[Any, ...]]:
        arguments: Any = parameters[0] if parameters and isinstance(parameters[0], dict) else parameters
        return self._cursor.execute(SQL[name], arguments).fetchall()
