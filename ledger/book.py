"""The book: what a batch of commands needs to know, loaded with a few queries, changed in memory, stored back.

A decision reads the book and never changes it; an accepted decision's facts are then entered with `record`. What spans
batches and never changes once recorded (tapes' terms, the dictionary) is kept in the `Registry`.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date, datetime
from typing import Any

import msgspec
from msgspec import Struct

from ledger.codec import MAX_ENTRY_BYTES, encode, encode_parts, envelope_size
from ledger.database import Cursor
from ledger.errors import AlreadyRecorded, NotYet, Unknown
from ledger.events import (
    BalanceBroughtForward,
    CaseAmended,
    CaseClosed,
    CaseOpened,
    CaseReopened,
    CodeDefined,
    EntryReversed,
    Fact,
    FundOpened,
    LedgerOpened,
    TapeOpened,
)
from ledger.ids import unescape
from ledger.journal import COPY_HEADER, COPY_TRAILER, FEW, Head, Posting
from ledger.loading import SQL, Bill, CaseFile, Loaded
from ledger.needs import BillKey
from ledger.places import is_source, tape_number
from ledger.records import Entered, Record
from ledger.registry import Registry, Tape
from ledger.tapes import Issue, Move, Places, Row, interleave
from ledger.terms import Attributes, Terms, terms_of

Source = tuple[int, str, list[Row]]
"""(tape number, the place that gives terms in force, rows by serial)."""


class Posted(Struct, frozen=True):
    """A fact with the seq of its (first) entry and its postings: one, or more when it is split into parts."""

    fact: Any
    seq: int
    postings: list[Posting]


class Effects(Struct, frozen=True):
    """What a fact does to keys and bills: business keys it takes, each for itself or for the entry named, those that
    become free, and bills as they stand after it (forgotten when nothing stands paid)."""

    claims: Mapping[str, int | None] = {}
    freed: tuple[str, ...] = ()
    bills: Mapping[BillKey, Bill] = {}


NOTHING = Effects()


class Book(Loaded):
    """The state that one batch of commands is decided on."""

    def __init__(self, cursor: Cursor, head: Head, registry: Registry, at: datetime) -> None:
        super().__init__(cursor, head, registry, at)
        self.postings: list[Posting] = []
        self._absorbed: list[Posted] = []
        self._arriving: dict[int, tuple[int, str, date]] = {}
        self._moved: list[tuple[int, Move]] = []
        self._undone: dict[int, int] = {}
        self._openings: list[tuple[int, str, str]] = []
        self._held_loaded = False
        self._new_claims: dict[str, int] = {}
        self._freed_claims: set[str] = set()
        self._new_commands: list[str] = []
        self._changed_bills: dict[BillKey, Bill] = {}
        self._changed_cases: set[str] = set()

    # Reading: what decisions ask.

    @property
    def places(self) -> Places:
        """Where serials are, with all that was issued so far."""
        if self._arriving:
            self._arrive()
        return self._places

    def require_day(self, on: date) -> None:
        """Raises NotYet for a day after today in the ledger's zone."""
        if on > self.today:
            raise NotYet(on=on, today=self.today)

    def require_new(self, noun: str, id: str) -> None:
        """Raises AlreadyRecorded when a stream of that name exists."""
        if self.exists(noun, id):
            raise AlreadyRecorded(noun, id)

    def exists(self, noun: str, id: str) -> bool:
        """Whether there is anything on that stream."""
        return self._versions.get(f"{noun}/{id}", 0) > 0

    def require_hospital(self, hospital: str) -> None:
        """Raises Unknown for a hospital that is not registered."""
        if not self.exists("hospital", hospital):
            raise Unknown("hospital", hospital)

    def fund_fee_bp(self, fund: str) -> int:
        """The fund's own fee rate in basis points. Raises Unknown."""
        try:
            return self.registry.funds[fund]
        except KeyError:
            raise Unknown("fund", fund) from None

    def find_case(self, case: str) -> CaseFile | None:
        """The case, if the batch asked for it and it is there."""
        return self._cases.get(case)

    def case(self, case: str) -> CaseFile:
        """The case. Raises Unknown."""
        try:
            return self._cases[case]
        except KeyError:
            raise Unknown("case", case) from None

    def open_cases_of(self, person: str | None, household: str | None) -> Iterator[CaseFile]:
        """The open cases of the person, then of the household, whose ids the batch asked for."""
        for key in (("person", person), ("household", household)):
            for case in map(self._cases.__getitem__, sorted(self._kin.get(key, ()))):
                if case.is_open and key[1] in (case.attributes.get("person"), case.household):
                    yield case

    def claimed_by(self, claims: Iterable[str]) -> int | None:
        """The entry that has one of these business keys in force; None when all are free."""
        for claim in claims:
            if claim in self._claims:
                return self._claims[claim]
        return None

    def bill(self, key: BillKey) -> Bill | None:
        """The bill as it stands, None for a new one."""
        return self._bills.get(key)

    def record(self, noun: str, id: str) -> Record:
        """The facts on a stream that the batch asked for; empty when there are none."""
        return self._records.get(f"{noun}/{id}") or Record()

    def entered(self, seq: int) -> Entered | None:
        """The fact that begins at entry `seq`, if the batch asked for its record."""
        return self._entered.get(seq)

    def later_mover(self, entered: Entered) -> int | None:
        """A later entry, which stands, that moved what this one moved; None when there is none."""
        seqs = set(self._movers.get(entered.seq, ()))
        runs = [(tape_number(moved.tape), moved.lo, moved.hi) for moved in entered.fact.moves]
        for seq, (tape, lo, hi, _, _) in self._moved:
            if seq > entered.seq and any(tape == t and lo < end and hi > start for t, start, end in runs):
                seqs.add(seq)
        return min(seqs - self._undone.keys() - set(self._undone.values()), default=None)

    def attributes(self, case: CaseFile, hospital: str | None = None) -> Attributes:
        """The case's codes with their ancestors, to judge restrictions by; `hospital`, if given, instead of its own."""
        attributes = self.registry.dictionary.attributes(case.attributes)
        return attributes if hospital is None else {**attributes, "hospital": frozenset([hospital])}

    def held_from(self, fund: str) -> int:
        """How much is held that came from a fund or fee place, or from one below it; minor units."""
        if not self._held_loaded:
            self.load_held()
            self._held_loaded = True
        holds = [place for place in self.places.names() if place.startswith("hold/")]
        return sum(
            row.hi - row.lo
            for hold in holds
            for rows in self.places.at(hold).values()
            for row in rows
            if row.home == fund or row.home.startswith(f"{fund}/")
        )

    def groups(
        self, sources: Iterable[Source], allowed: Callable[[Terms], bool] = lambda terms: True, *, back: bool = False
    ) -> Iterator[Iterable[Row]]:
        """The rows of these sources whose terms in force are allowed, in the order of policy earmark-fifo/1.

        One group for each place in the order; within a group by serial. From the `back`, all in reverse.
        """
        found: dict[tuple[int, bool, date, int], list[list[Row]]] = {}
        for tape, source, rows in sources:
            terms = self.registry.terms_in_force(tape, source)
            if rows and allowed(terms):
                found.setdefault((*terms.order, tape), []).append(rows)
        return (interleave(found[key], back=back) for key in sorted(found, reverse=back))

    def sources(self, places: Iterable[str]) -> Iterator[Source]:
        """The rows at these places by tape and by what gives their terms: the fund or fee place, elsewhere the home."""
        for place in places:
            for tape, rows in self.places.at(place).items():
                if is_source(place):
                    yield tape, place, rows
                    continue
                homes: dict[str, list[Row]] = {}
                for row in rows:
                    homes.setdefault(row.home, []).append(row)
                for home, own in homes.items():
                    yield tape, home, own

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
        self._new_commands.append(key)

    def enter(self, posted: Iterable[Posted], effects: Effects) -> int:
        """Enters the facts of one accepted command; the seq of the last of them, which its business keys name."""
        seq = -1
        for one in posted:
            fact, seq = one.fact, one.seq
            last = one.postings[-1]
            self._versions[last.originator_id] = last.originator_version
            self.postings.extend(one.postings)
            if type(fact) in _ABSORBED:
                self._absorbed.append(one)
                self._absorb(one)
            self.cash.enter(one.seq, fact, self.entered(fact.reverses) if type(fact) is EntryReversed else None)
            if self.keeps_records:
                self._keep(last.originator_id, Entered(seq, fact))
            for issued in fact.issue:
                self._issue(tape_number(issued.tape), issued.lo, issued.hi, issued.to, fact.on)
            for moved in fact.moves:
                move = Move(tape_number(moved.tape), moved.lo, moved.hi, moved.source, moved.target)
                self.places.move(move, fact.on)
                self._moved.append((seq, move))
                if move.target.startswith("case/"):
                    self._reach(move.target, fact.on)
        if effects is not NOTHING:
            self._take_effect(effects, seq)
        return seq

    def may_begin(self, stream: str, claims: Iterable[str], on: date) -> bool:
        """Whether it and its business keys are new, the day is open, and no records are kept to decide on."""
        closes = self.cash.closes
        return (
            not self.keeps_records
            and on <= self.today
            and not (closes and on <= closes[-1][1])
            and stream not in self._versions
            and self._claims.keys().isdisjoint(claims)
        )

    def begin(self, fact: Fact, stream: str, claims: Iterable[str], issues: Iterable[tuple[int, int, int, str]]) -> int:
        """Prepares and enters the fact that begins a record and does nothing but issue serials; its seq.

        Raises BadValue as `prepare` does.
        """
        state = encode(fact)
        seq = self.head.size + len(self.postings)
        self.postings.append(Posting(stream, 1, type(fact).__name__, state))
        self._versions[stream] = 1
        on = fact.on
        assert on is not None
        for tape, lo, hi, to in issues:
            self._issue(tape, lo, hi, to, on)
        for claim in claims:
            self._claims[claim] = self._new_claims[claim] = seq
        return seq

    def _issue(self, tape: int, lo: int, hi: int, to: str, on: date) -> None:
        """New serials `[lo, hi)` of a tape arrive; those of one day at one place, most of all there is, as one run."""
        assert lo == self.ends[tape], "an issue begins at the tape's end"
        arriving = self._arriving.get(tape)
        if arriving is not None and (arriving[1] != to or arriving[2] != on):
            self._arrive()
            arriving = None
        if arriving is None:
            self._arriving[tape] = lo, to, on
            if to.startswith("case/"):
                self._reach(to, on)
        self.ends[tape] = hi

    def _arrive(self) -> None:
        """Puts what was issued, each tape's up to its end, to its places."""
        for tape, (lo, to, on) in self._arriving.items():
            self._places.issue(Issue(tape, lo, self.ends[tape], to), self.registry.tapes[tape].fund, on)
        self._arriving.clear()

    def _take_effect(self, effects: Effects, seq: int) -> None:
        """Business keys and bills as the entry `seq` leaves them."""
        for claim in effects.freed:
            self._claims.pop(claim, None)
            self._new_claims.pop(claim, None)
            self._freed_claims.add(claim)
        for claim, holder in effects.claims.items():
            self._claims[claim] = self._new_claims[claim] = seq if holder is None else holder
        for key, bill in effects.bills.items():
            self._changed_bills[key] = bill
            if bill.paid:
                self._bills[key] = bill
            else:
                self._bills.pop(key, None)

    def _keep(self, stream: str, entered: Entered) -> None:
        self._records.setdefault(stream, Record()).entered.append(entered)
        self._entered[entered.seq] = entered

    def _reach(self, place: str, on: date) -> None:
        """Notes the day on which money came to a case."""
        case = self._cases[unescape(place.removeprefix("case/"))]
        if case.reached is None or case.reached < on:
            self._change_case(case._replace(reached=on))

    def _change_case(self, case: CaseFile) -> None:
        self._add_case(case)
        self._changed_cases.add(case.id)

    def _absorb(self, one: Posted) -> None:
        """Takes in a fact about what the ledger knows besides money."""
        fact = one.fact
        match fact:
            case FundOpened():
                self.registry.funds[fact.fund] = fact.fee_bp or 0
            case CaseOpened():
                self._add_case(
                    CaseFile(fact.case, fact.fund, fact.attributes, fact.household, fact.purpose, is_open=True)
                )
            case CaseAmended():
                self._change_case(self._cases[fact.case]._replace(attributes=fact.attributes))
            case CaseClosed() | CaseReopened():
                self._change_case(self._cases[fact.case]._replace(is_open=type(fact) is CaseReopened))
            case TapeOpened():
                number = tape_number(fact.tape)
                self.registry.add_tape(Tape(number, fact.fund, terms_of(fact)))
                self.ends[number] = 0
            case CodeDefined():
                self.registry.dictionary.define(fact.dimension, fact.code, fact.parent, fact.name)
            case BalanceBroughtForward():
                for noun in ("allocation", "payment"):
                    if getattr(fact, noun) is not None:
                        self.registry.openings.add((noun, fact.donation))
                        self._openings.append((one.seq, noun, fact.donation))
            case EntryReversed():
                self._undone[fact.reverses] = one.seq
            case LedgerOpened():
                self.head = self.head._replace(
                    origin=fact.origin, currency=fact.currency, exponent=fact.exponent, zone=fact.zone
                )

    # Storing: set-based, in the order that the constraints need.

    def store(self) -> None:
        """Writes what has changed besides the entries themselves."""
        for kind, name, columns in _REGISTERED:
            self._each(name, (one for one in self._absorbed if type(one.fact) is kind), columns)
        gone, new = self.places.changes()
        self._each("delete_rows", gone, lambda row: row[:2])
        self._each("insert_rows", new, lambda row: row)
        ended = [pair for pair in self.ends.items() if pair[1] != self._ends_loaded.get(pair[0], 0)]
        self._each("set_tape_ends", ended, lambda pair: pair)
        self._each("set_cases", map(self._cases.__getitem__, self._changed_cases), _case_columns)
        self._each("insert_movements", self._moved, lambda one: (one[0], *one[1][:3]))
        self._each("insert_reversals", self._undone.items(), lambda pair: pair)
        self._each("insert_openings", self._openings, lambda opening: opening)
        self._each("delete_claims", self._freed_claims, lambda claim: (claim,))
        self.cash.store()
        self._copy("copy_claims", [_claim_row(key.encode(), seq) for key, seq in self._new_claims.items()])
        commands = [(key, *self._commands[key]) for key in self._new_commands]
        if len(commands) <= FEW:
            self._each("insert_commands", commands, lambda command: command)
        else:
            self._copy("copy_commands", [_command_row(key.encode(), digest, seq) for key, digest, seq in commands])
        self._each("set_bills", self._changed_bills.items(), lambda pair: (*pair[0], *pair[1]))
        self._leave_ends(gone, new)

    def _leave_ends(self, gone: Iterable[Row], new: Iterable[Row]) -> None:
        """What the next batch need not read, if nobody else writes before it."""
        left = self.registry.ends
        left.closes = self.cash.closes
        left.versions.update((each, self._versions[each]) for each in left.versions.keys() & self._versions.keys())
        for row in (*gone, *new):
            left.tapes.pop(row.tape, None)
        for tape, end in self.ends.items():
            last = self.places.last(tape)
            assert (0 if last is None else last.hi) == end, "a tape ends with its last row"
            left.tapes[tape] = end, last

    def _copy(self, name: str, rows: list[bytes]) -> None:
        """All rows at once, for what grows by a row with every fact: a third of the cost of a row at a time."""
        if rows:
            with self._cursor.copy(SQL[name]) as copy:
                copy.write(b"".join((COPY_HEADER, *rows, COPY_TRAILER)))

    def _each(self, name: str, items: Iterable[Any], columns: Callable[[Any], tuple[Any, ...]]) -> None:
        """One statement for all items: their columns as arrays."""
        rows = [columns(item) for item in items]
        if rows:
            self._cursor.execute(SQL[name], [list(column) for column in zip(*rows, strict=True)])


def claim(*parts: str) -> str:
    """A business key as text: its kind and parts, an absent one as nothing; no id holds the separator."""
    return "\x1e".join(parts)


def _claim_row(key: bytes, seq: int) -> bytes:
    """A row of the table `business_key` in COPY's binary format; see `ledger.journal.entry_row`."""
    return _KEY.pack(2, len(key)) + key + _SEQ.pack(8, seq)


def _command_row(key: bytes, digest: bytes, seq: int) -> bytes:
    """A row of the table `command_key` in the same format."""
    return _KEY.pack(3, len(key)) + key + _LENGTH.pack(len(digest)) + digest + _SEQ.pack(8, seq)


_KEY, _LENGTH, _SEQ = struct.Struct(">hi"), struct.Struct(">i"), struct.Struct(">iq")


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def _case_columns(case: CaseFile) -> tuple[Any, ...]:
    return case.id, _json(case.attributes), case.is_open, case.reached


_ABSORBED = frozenset(
    (
        *(FundOpened, CaseOpened, CaseAmended, CaseClosed, CaseReopened, TapeOpened, CodeDefined, LedgerOpened),
        *(BalanceBroughtForward, EntryReversed),
    )
)

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
