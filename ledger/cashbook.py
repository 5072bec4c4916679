"""The book's part on cash: accounts, suspense, statements' lines and what was said of them, closed periods."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from sys import intern
from typing import Any

from ledger.cash import SIDES, held_change, is_cleared, legs_of, read_entries, whole_of
from ledger.database import Cursor, queries
from ledger.errors import BadValue, LegsDiffer, NotMatched, PeriodIsClosed, SuspenseTooLittle, Unknown
from ledger.events import (
    AccountOpened,
    EntryReversed,
    Fact,
    LinePart,
    LinesDisputed,
    LinesMatched,
    LinesUnmatched,
    LinesWrittenOff,
    PeriodClosed,
    PeriodReopened,
    ReceiptSuspended,
    SuspenseRepaid,
)
from ledger.needs import LineKey, Needs
from ledger.records import Entered

_SQL = queries("ledger", "cashbook.sql")
KINDS: dict[type[Any], str] = {LinesMatched: "matched", LinesWrittenOff: "written_off", LinesDisputed: "disputed"}


_OWN = frozenset(
    (
        *(AccountOpened, ReceiptSuspended, SuspenseRepaid, *KINDS),
        *(LinesUnmatched, PeriodClosed, PeriodReopened),
    )
)


@dataclass(slots=True)
class Line:
    """A line of a statement: amount in minor units with a sign, and how much of it stands taken by now."""

    account: str
    on: date
    amount: int
    taken: int


@dataclass(slots=True)
class Leg:
    """A cash leg of an entry in the same manner; `reversed_by` is the entry that reversed it."""

    account: str
    amount: int
    taken: int
    reversed_by: int | None


class CashBook:
    """What a batch asked for of all that, changed by what it records."""

    def __init__(self, cursor: Cursor) -> None:
        self._cursor = cursor
        self.accounts: dict[str, str] = {}
        self.closes: list[tuple[str, date]] | None = None
        self._suspense: dict[str, tuple[int, int, date]] = {}
        self._lines: dict[LineKey, Line] = {}
        self._legs: dict[tuple[int, int], Leg] = {}
        self._matches: dict[str, int | None] = {}
        self._changed_suspense: set[str] = set()
        self._entered: list[tuple[int, Fact]] = []

    def load(self, needs: Needs, closes: list[tuple[str, date]] | None) -> None:
        """Reads what the batch needs; the `closes` unless they are known."""
        if self.closes is None:
            self.closes = [(period, through) for period, through in self._query("closes")] if closes is None else closes
        if needs.accounts or needs.lines:
            self.accounts.update(self._query("accounts"))
        if needs.suspense:
            found = self._query("suspense", list(needs.suspense))
            self._suspense.update((name, (amount, left, since)) for name, amount, left, since in found)
        if needs.lines:
            columns = [list(column) for column in zip(*sorted(needs.lines), strict=True)]
            for file, statement, ordinal, *said in self._query("lines", *columns):
                self._lines[file, statement, ordinal] = Line(*said)
        if needs.legs:
            self._load_legs(sorted(needs.legs))
        if needs.matches:
            self._matches.update(self._query("matches", list(needs.matches)))

    def _load_legs(self, seqs: list[int]) -> None:
        wanted = ",".join(map(str, seqs))
        taken = {(entry, leg): amount for entry, leg, amount in self._query("legs_taken", wanted)}
        reversed_by = dict(self._query("reversed", wanted))
        for (lines,) in self._cursor.execute(_SQL["entries"], (wanted, list(SIDES)), binary=True).fetchall():
            for entry in read_entries(lines):
                for index, (account, amount) in enumerate(legs_of(entry)):
                    key = (entry.seq, index)
                    self._legs[key] = Leg(intern(account), amount, taken.get(key, 0), reversed_by.get(entry.seq))

    # What decisions ask.

    @property
    def closed(self) -> tuple[str, date] | None:
        """The last period that is closed, with its last day."""
        return self.closes[-1] if self.closes else None

    def require_open(self, on: date) -> None:
        """Raises PeriodIsClosed for a posting date in a closed period."""
        if self.closes and on <= (through := self.closes[-1][1]):
            raise PeriodIsClosed(on=on, through=through)

    def require_account(self, account: str) -> None:
        """Raises Unknown for an account that is not open."""
        if account not in self.accounts:
            raise Unknown("account", account)

    def require_legs(self, fact: Fact) -> None:
        """Law 8 for a fact that names accounts, once there are any: they are open, and its legs come to no more than
        it moves (what a channel keeps is on none). Raises Unknown, BadValue, LegsDiffer."""
        if not fact.cash or not self.accounts:
            return
        for leg in fact.cash:
            self.require_account(leg.account)
        if any(leg.amount is None for leg in fact.cash) and len(fact.cash) > 1:
            raise BadValue("cash", len(fact.cash), "name the amount of each leg", "多个账户须各自注明金额")
        owed = {ReceiptSuspended: 1, SuspenseRepaid: -1}.get(type(fact), 0) * whole_of(fact)
        moved = 0 if type(fact) is EntryReversed or is_cleared(fact) else abs(held_change(fact) + owed)
        legs = sum(whole_of(fact) if leg.amount is None else leg.amount for leg in fact.cash)
        if legs > moved or (owed and legs != moved):
            raise LegsDiffer(type=type(fact).__name__, moved=moved, legs=legs)

    def suspended(self, suspense: str) -> tuple[int, int, date]:
        """A suspended receipt: its amount, what is left of it, and since when all of that is there. Raises Unknown."""
        if suspense not in self._suspense:
            raise Unknown("suspense", suspense)
        return self._suspense[suspense]

    def require_left(self, suspense: str, amount: int, on: date) -> None:
        """Raises Unknown, BadValue, SuspenseTooLittle unless so much is left, and there by that day."""
        _, left, since = self.suspended(suspense)
        if on < since:
            raise BadValue("on", on, f"not before {since}, when it came", f"不得早于暂收款到账或退回之日 {since}")
        if amount > left:
            raise SuspenseTooLittle(suspense=suspense, left=left, wanted=amount)

    def line(self, key: LineKey) -> Line:
        """A line of a statement that counts. Raises Unknown."""
        if key not in self._lines:
            raise Unknown("line", f"{key[0][:12]}…/{key[1]}/{key[2]}")
        return self._lines[key]

    def leg(self, seq: int, index: int) -> Leg:
        """A cash leg of an entry. Raises Unknown."""
        if (seq, index) not in self._legs:
            raise Unknown("leg", f"{seq}/{index}")
        return self._legs[seq, index]

    def require_standing(self, match: str) -> None:
        """Raises Unknown, NotMatched unless the match, write-off or dispute stands."""
        if match not in self._matches:
            raise Unknown("match", match)
        undone = self._matches[match]
        if undone is not None:
            raise NotMatched(match=match, seq=undone)

    def is_matched(self, seq: int) -> bool:
        """Whether something of the entry's cash legs stands matched."""
        return any(leg.taken for (entry, _), leg in self._legs.items() if entry == seq)

    # What an accepted fact comes to.

    def enter(self, seq: int, fact: Any, undone: Entered | None) -> None:
        """Takes in a fact; `undone` is the one that it reverses."""
        if undone is None and type(fact) not in _OWN and getattr(fact, "suspense", None) is None:
            return  # nearly all that there are
        match fact:
            case AccountOpened():
                self.accounts[fact.account] = fact.kind
            case ReceiptSuspended():
                self._owe(fact, fact.suspense, fact.amount, fact.amount)
            case SuspenseRepaid():
                self._owe(fact, fact.suspense, 0, -fact.amount)
            case LinesMatched() | LinesWrittenOff() | LinesDisputed():
                self._take(fact)
                self._matches[fact.match] = None
            case LinesUnmatched():
                self._matches[fact.match] = seq
            case PeriodClosed():
                self.closes = [*(self.closes or ()), (fact.period, fact.through)]
            case PeriodReopened():
                self.closes = (self.closes or [])[:-1]
            case _ if undone is not None:
                self._undo(fact, undone.fact)
                return
            case _ if is_cleared(fact):
                self._owe(fact, fact.suspense, 0, -fact.amount)
                return
            case _:
                return
        self._entered.append((seq, fact))

    def _undo(self, reversal: Fact, fact: Any) -> None:
        match fact:
            case ReceiptSuspended():
                self._owe(reversal, fact.suspense, -fact.amount, -fact.amount)
            case SuspenseRepaid():
                self._owe(reversal, fact.suspense, 0, fact.amount)
            case _ if is_cleared(fact):
                self._owe(reversal, fact.suspense, 0, fact.amount)

    def _owe(self, fact: Fact, suspense: str, amount: int, left: int) -> None:
        was, were_left, since = self._suspense.get(suspense, (0, 0, date.min))
        if left > 0:
            since = max(since, fact.on or since)
        self._suspense[suspense] = (was + amount, were_left + left, since)
        self._changed_suspense.add(suspense)

    def _take(self, fact: Any) -> None:
        for part in fact.lines:
            self._lines[key_of(part)].taken += part.amount
        for part in getattr(fact, "legs", ()):
            self._legs[part.seq, part.leg].taken += part.amount

    # Storing.

    def store(self) -> None:
        """Writes what has changed."""
        self._each("insert_accounts", AccountOpened, lambda seq, one: (one.account, one.kind, seq))
        if self._changed_suspense:
            rows = [(name, *self._suspense[name]) for name in sorted(self._changed_suspense)]
            self._cursor.execute(_SQL["set_suspense"], [list(column) for column in zip(*rows, strict=True)])
        matches = [(seq, fact) for seq, fact in self._entered if type(fact) in KINDS]
        self._copy("copy_line_parts", (row for seq, fact in matches for row in _line_rows(seq, fact)))
        self._copy("copy_leg_parts", (row for seq, fact in matches for row in _leg_rows(seq, fact)))
        for name in ("undo_line_parts", "undo_leg_parts"):
            self._each(name, LinesUnmatched, lambda seq, one: (one.match, seq))
        self._each("insert_closes", PeriodClosed, lambda seq, one: (seq, one.period, one.through))
        self._each("reopen", PeriodReopened, lambda seq, one: (one.period, seq))

    def _each(self, name: str, kind: type[Fact], columns: Callable[[int, Any], tuple[Any, ...]]) -> None:
        rows = [columns(seq, fact) for seq, fact in self._entered if type(fact) is kind]
        if rows:
            self._cursor.execute(_SQL[name], [list(column) for column in zip(*rows, strict=True)])

    def _copy(self, name: str, rows: Iterable[str]) -> None:
        text = "".join(rows)
        if text:
            with self._cursor.copy(_SQL[name]) as copy:
                copy.write(text)

    def _query(self, name: str, *parameters: Any) -> list[tuple[Any, ...]]:
        return self._cursor.execute(_SQL[name], parameters).fetchall()


def key_of(part: LinePart) -> LineKey:
    """Which line a part is of."""
    return part.file, part.statement, part.ordinal


def _line_rows(seq: int, fact: Any) -> Iterator[str]:
    head = f"{_plain(fact.match)}\t{KINDS[type(fact)]}\t\\\\x"
    for part in fact.lines:
        line = f"{part.file}\t{part.statement}\t{part.ordinal}\t{_plain(part.account)}\t{part.on}"
        yield f"{head}{line}\t{part.amount}\t{seq}\n"


def _leg_rows(seq: int, fact: Any) -> Iterator[str]:
    for part in getattr(fact, "legs", ()):
        yield f"{seq}\t{part.seq}\t{part.leg}\t{_plain(part.account)}\t{part.amount}\n"


def _plain(text: str) -> str:
    """As COPY's text format has it: no id holds a control character, so only the backslash is special."""
    return text.replace("\\", "\\\\") if "\\" in text else text
