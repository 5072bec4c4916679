"""The book: what a batch of commands needs to know, loaded with a few queries, changed in memory, stored back.

A decision reads the book and never changes it; an accepted decision's facts are then entered with `record`. What spans
batches and never changes once recorded (tapes' terms, the dictionary) is kept in the `Registry`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, NamedTuple

import msgspec
from msgspec import Struct

from ledger.codec import MAX_ENTRY_BYTES, encode_parts, envelope_size
from ledger.database import Cursor, queries
from ledger.errors import AlreadyRecorded, NotYet, Unknown
from ledger.events import CaseOpened, CodeDefined, Fact, FundOpened, LedgerOpened, TapeOpened
from ledger.journal import Head, Posting
from ledger.places import fund_place, tape_number
from ledger.registry import Registry, Tape
from ledger.tapes import Issue, Move, Places, Row, interleave
from ledger.terms import Attributes, Terms, terms_of
from ledger.times import find_zone, local_day

_SQL = queries("ledger", "book.sql")


class CaseFile(NamedTuple):
    """A case as it stands."""

    id: str
    fund: str
    attributes: Mapping[str, str]
    household: str | None
    purpose: str | None
    is_open: bool


class Bill(NamedTuple):
    """A hospital bill for a case: what it is for and what stands paid, minor units."""

    limit: int
    paid: int


BillKey = tuple[str, str, str]
"""(hospital, bill number, case)."""


class Posted(Struct, frozen=True):
    """A fact with the seq of its (first) entry and its postings: one, or more when it is split into parts."""

    fact: Any
    seq: int
    postings: list[Posting]


@dataclass(slots=True)
class Needs:
    """What the commands of a batch will read; each command adds its own before any is decided.

    `keys` are idempotency keys, `claims` business keys, `new_streams` those of records that should not exist yet: a
    primary or unique key of the database refuses each of these a second time, even unread.
    """

    keys: set[str] = field(default_factory=set)
    streams: set[str] = field(default_factory=set)
    new_streams: set[str] = field(default_factory=set)
    funds: set[str] = field(default_factory=set)
    spending_funds: set[str] = field(default_factory=set)
    spending_cases: set[str] = field(default_factory=set)
    opening_cases: dict[str, set[str]] = field(default_factory=dict)
    tapes: set[tuple[str, str]] = field(default_factory=set)
    cases: set[str] = field(default_factory=set)
    persons: set[str] = field(default_factory=set)
    households: set[str] = field(default_factory=set)
    places: set[str] = field(default_factory=set)
    claims: set[str] = field(default_factory=set)
    bills: set[BillKey] = field(default_factory=set)

    def include(self, other: Needs) -> None:
        """Takes in what others need."""
        for name in self.__slots__:
            mine, theirs = getattr(self, name), getattr(other, name)
            if name == "opening_cases":
                for case, funds in theirs.items():
                    mine.setdefault(case, set()).update(funds)
            else:
                mine |= theirs


class Book:
    """The state that one batch of commands is decided on."""

    def __init__(self, cursor: Cursor, head: Head, registry: Registry, at: datetime) -> None:
        self._cursor = cursor
        self.head = head
        self.registry = registry
        self.at = at
        self.today: date = local_day(at, find_zone(head.zone or "UTC"))
        self.places = Places()
        self.ends: dict[int, int] = {}
        self.postings: list[Posting] = []
        self._posted: list[Posted] = []
        self._ends_loaded: dict[int, int] = {}
        self._versions: dict[str, int] = {}
        self._funds: dict[str, int] = {}
        self._cases: dict[str, CaseFile] = {}
        self._kin: dict[tuple[str, str | None], set[str]] = {}
        self._claims: dict[str, int] = {}
        self._bills: dict[BillKey, Bill] = {}
        self._new_claims: dict[str, int] = {}
        self._commands: dict[str, tuple[bytes, int]] = {}
        self._new_commands: list[tuple[str, bytes, int]] = []
        self._changed_bills: set[BillKey] = set()

    # Loading: a few queries for the whole batch, none in a loop.

    def load(self, needs: Needs, *, trusting: bool = False) -> None:
        """Reads what the batch needs; when `trusting`, without looking whether what should be new is."""
        self.registry.refresh(self._cursor, self.head)
        query = self._query
        streams = needs.streams if trusting else needs.streams | needs.new_streams
        self._versions.update(query("versions", listed(streams)) if streams else ())
        if needs.cases or needs.persons or needs.households:
            wanted = {name: listed(getattr(needs, name)) for name in ("cases", "persons", "households")}
            for row in query("cases", wanted):
                self._add_case(CaseFile(*row))
        for case in needs.spending_cases:
            known = self._cases.get(case)
            needs.spending_funds |= needs.opening_cases.get(case, set()) if known is None else {known.fund}
        funds = needs.funds | needs.spending_funds
        self._funds.update(query("funds", listed(funds)) if funds else ())
        if not trusting:
            self._claims.update(query("claims", listed(needs.claims)) if needs.claims else ())
            self._commands.update((key, (digest, seq)) for key, digest, seq in query("commands", listed(needs.keys)))
        if needs.bills:
            columns = [list(column) for column in zip(*needs.bills, strict=True)]
            self._bills.update(((h, b, c), Bill(limit, paid)) for h, b, c, limit, paid in query("bills", *columns))
        self._load_places(needs)

    def _load_places(self, needs: Needs) -> None:
        """The rows at the places the batch moves money at, and the last row of each tape it issues on."""
        if needs.places:
            self.places.load(Row(*row) for row in self._query("rows_at", listed(needs.places)))
        if needs.spending_funds:
            funds = [fund_place(fund) for fund in needs.spending_funds]
            self.places.load(Row(*row) for row in self._query("rows_at_funds", {"places": funds}))
        tapes = [tape.number for key in needs.tapes if (tape := self.registry.find_tape(*key))]
        for number, ends_at, *last in self._query("tape_ends", tapes) if tapes else ():
            self._ends_loaded[number] = self.ends[number] = ends_at
            if last[0] is not None:
                self.places.load([Row(number, *last)])

    def _query(self, name: str, *parameters: Any) -> list[tuple[Any, ...]]:
        arguments = parameters[0] if parameters and isinstance(parameters[0], dict) else parameters
        return self._cursor.execute(_SQL[name], arguments).fetchall()

    # Reading: what decisions ask.

    def require_day(self, on: date) -> None:
        """Raises NotYet for a day after today in the ledger's zone."""
        if on > self.today:
            raise NotYet(on=on, today=self.today)

    def require_new(self, noun: str, id: str) -> None:
        """Raises AlreadyRecorded when a stream of that name exists."""
        if self._versions.get(f"{noun}/{id}", 0):
            raise AlreadyRecorded(noun, id)

    def require_hospital(self, hospital: str) -> None:
        """Raises Unknown for a hospital that is not registered."""
        if not self._versions.get(f"hospital/{hospital}", 0):
            raise Unknown("hospital", hospital)

    def fund_fee_bp(self, fund: str) -> int:
        """The fund's own fee rate in basis points. Raises Unknown."""
        try:
            return self._funds[fund]
        except KeyError:
            raise Unknown("fund", fund) from None

    def case(self, case: str) -> CaseFile:
        """The case. Raises Unknown."""
        try:
            return self._cases[case]
        except KeyError:
            raise Unknown("case", case) from None

    def open_cases_of(self, person: str | None, household: str | None) -> Iterator[CaseFile]:
        """The open cases of the person, then of the household, whose ids the batch asked for."""
        for key in (("person", person), ("household", household)):
            for case in self._kin.get(key, ()):
                if self._cases[case].is_open:
                    yield self._cases[case]

    def claimed_by(self, claims: Iterable[str]) -> int | None:
        """The entry that has one of these business keys in force; None when all are free."""
        for claim in claims:
            if claim in self._claims:
                return self._claims[claim]
        return None

    def bill(self, key: BillKey) -> Bill | None:
        """The bill as it stands, None for a new one."""
        return self._bills.get(key)

    def attributes(self, case: CaseFile) -> Attributes:
        """The case's codes with their ancestors, to judge restrictions by."""
        return self.registry.dictionary.attributes(case.attributes)

    def groups(self, places: Iterable[str], allowed: Callable[[Terms], bool]) -> Iterator[Iterable[Row]]:
        """The rows at these places whose terms in force are allowed, in the order of policy earmark-fifo/1.

        One group for each place in the order; within a group by serial.
        """
        found: dict[tuple[int, bool, date, int], list[list[Row]]] = {}
        for tape, source, rows in self.sources(places):
            terms = self.registry.terms_in_force(tape, source)
            if rows and allowed(terms):
                found.setdefault((*terms.order, tape), []).append(rows)
        return (interleave(found[key]) for key in sorted(found))

    def sources(self, places: Iterable[str]) -> Iterator[tuple[int, str, list[Row]]]:
        """The rows at these places by tape and by what gives their terms: the fund place, or the home elsewhere."""
        for place in places:
            for tape, rows in self.places.at(place).items():
                if place.startswith("fund/"):
                    yield tape, place, rows
                    continue
                homes: dict[str, list[Row]] = {}
                for row in rows:
                    homes.setdefault(row.home, []).append(row)
                for home, own in homes.items():
                    yield tape, home, own

    def fund_places(self, fund: str) -> list[str]:
        """`fund/F` and each `fund/F/tN` at which there is money."""
        place = fund_place(fund)
        return [place, *(other for other in self.places.names() if other.startswith(place + "/"))]

    # Changing: what an accepted command comes to.

    def prepare(self, facts: Iterable[Fact]) -> list[Posted]:
        """The facts of one command encoded for the journal, without a change to the book.

        Raises BadValue for a fact that no entry can hold.
        """
        posted: list[Posted] = []
        versions: dict[str, int] = {}
        seq, origin = self.head.size + len(self.postings), self.head.origin or ""
        for fact in facts:
            stream, topic = fact.stream, type(fact).__name__
            version = versions.get(stream) or self._versions.get(stream, 0)
            postings = []
            for state in encode_parts(fact, MAX_ENTRY_BYTES - envelope_size(origin, stream), seq):
                version += 1
                postings.append(Posting(stream, version, topic, state))
            posted.append(Posted(fact, seq, postings))
            versions[stream] = version
            seq += len(postings)
        return posted

    def command(self, key: str) -> tuple[bytes, int] | None:
        """Digest and entry of what was recorded under an idempotency key; None for a new one."""
        return self._commands.get(key)

    def record_command(self, key: str, digest: bytes, seq: int) -> None:
        """Keeps an idempotency key, for good."""
        self._commands[key] = (digest, seq)
        self._new_commands.append((key, digest, seq))

    def record(self, posted: Iterable[Posted], claims: Iterable[str], bills: Mapping[BillKey, Bill]) -> int:
        """Enters the facts of one accepted command; the seq of the last of them, which its business keys name."""
        seq = -1
        for one in posted:
            fact, seq = one.fact, one.seq
            last = one.postings[-1]
            self._versions[last.originator_id] = last.originator_version
            self.postings.extend(one.postings)
            self._posted.append(one)
            if type(fact) in _ABSORBED:
                self._absorb(fact)
            for issued in fact.issue:
                tape, lo, hi = tape_number(issued.tape), issued.lo, issued.hi
                assert lo == self.ends[tape], "an issue begins at the tape's end"
                self.places.issue(Issue(tape, lo, hi, issued.to), self.registry.tapes[tape].fund, fact.on)
                self.ends[tape] = hi
            for moved in fact.moves:
                move = Move(tape_number(moved.tape), moved.lo, moved.hi, moved.source, moved.target)
                self.places.move(move, fact.on)
        for claim in claims:
            self._claims[claim] = self._new_claims[claim] = seq
        for key, bill in bills.items():
            self._bills[key] = bill
            self._changed_bills.add(key)
        return seq

    def _add_case(self, case: CaseFile) -> None:
        self._cases[case.id] = case
        for key in (("person", case.attributes.get("person")), ("household", case.household)):
            if key[1] is not None:
                self._kin.setdefault(key, set()).add(case.id)

    def _absorb(self, fact: Fact) -> None:
        """Takes in a fact about what the ledger knows besides money."""
        match fact:
            case FundOpened():
                self._funds[fact.fund] = fact.fee_bp or 0
            case CaseOpened():
                self._add_case(
                    CaseFile(fact.case, fact.fund, fact.attributes, fact.household, fact.purpose, is_open=True)
                )
            case TapeOpened():
                number = tape_number(fact.tape)
                self.registry.add_tape(Tape(number, fact.fund, terms_of(fact)))
                self.ends[number] = 0
            case CodeDefined():
                self.registry.dictionary.define(fact.dimension, fact.code, fact.parent)
            case LedgerOpened():
                self.head = self.head._replace(
                    origin=fact.origin, currency=fact.currency, exponent=fact.exponent, zone=fact.zone
                )

    # Storing: set-based, in the order that the constraints need.

    def store(self) -> None:
        """Writes what has changed besides the entries themselves."""
        for kind, name, columns in _REGISTERED:
            self._each(name, (one for one in self._posted if type(one.fact) is kind), columns)
        gone, new = self.places.changes()
        self._each("delete_rows", gone, lambda row: row[:2])
        self._each("insert_rows", new, lambda row: row)
        ended = [pair for pair in self.ends.items() if pair[1] != self._ends_loaded.get(pair[0], 0)]
        self._each("set_tape_ends", ended, lambda pair: pair)
        self._copy("copy_claims", [f"{_plain(key)}\t{seq}\n" for key, seq in self._new_claims.items()])
        self._copy("copy_commands", [f"{_plain(k)}\t\\\\x{d.hex()}\t{seq}\n" for k, d, seq in self._new_commands])
        self._each("set_bills", self._changed_bills, lambda key: (*key, *self._bills[key]))

    def _copy(self, name: str, lines: list[str]) -> None:
        """All rows as one text, for what grows by a row with every fact: a third of the cost of a row at a time."""
        if lines:
            with self._cursor.copy(_SQL[name]) as copy:
                copy.write("".join(lines))

    def _each(self, name: str, items: Iterable[Any], columns: Callable[[Any], tuple[Any, ...]]) -> None:
        """One statement for all items: their columns as arrays."""
        rows = [columns(item) for item in items]
        if rows:
            self._cursor.execute(_SQL[name], [list(column) for column in zip(*rows, strict=True)])


def listed(ids: Iterable[str]) -> str:
    """Ids as one text for `string_to_array(..., chr(31))`."""
    return "\x1f".join(ids)


def claim(kind: str, *parts: str | None) -> str:
    """A business key as text: its kind and parts, an absent one as nothing; no id holds the separator."""
    return "\x1e".join([kind, *[part or "" for part in parts]])


def _plain(key: str) -> str:
    """A key as COPY's text format has it: no id holds a control character, so only the backslash is special."""
    return key.replace("\\", "\\\\") if "\\" in key else key


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


_ABSORBED = (FundOpened, CaseOpened, TapeOpened, CodeDefined, LedgerOpened)

_REGISTERED: tuple[tuple[type[Fact], str, Callable[[Any], tuple[Any, ...]]], ...] = (
    (LedgerOpened, "open_head", lambda one: (one.fact.origin, one.fact.currency, one.fact.exponent, one.fact.zone)),
    (FundOpened, "insert_funds", lambda one: (one.fact.fund, one.fact.fee_bp or 0)),
    (
        CaseOpened,
        "insert_cases",
        lambda one: (
            one.fact.case,
            one.fact.fund,
            _json(one.fact.attributes),
            one.fact.household,
            one.fact.purpose,
        ),
    ),
    (
        TapeOpened,
        "insert_tapes",
        lambda one: (tape_number(one.fact.tape), one.fact.fund, one.seq, terms_of(one.fact).key),
    ),
    (CodeDefined, "insert_codes", lambda one: (one.seq, one.fact.dimension, one.fact.code, one.fact.parent)),
)
"""How facts about what the ledger knows besides money are stored: by which statement, with which columns."""
