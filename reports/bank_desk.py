"""Finance's desk: lines of statements by what stands of each, and what the rules suggest, both sides told.

Suggestions hang on all lines and all entries, so they are reckoned when asked for and kept until something changes.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple

from ledger.database import Cursor, queries
from ledger.journal import Journal
from ledger.vault import Reader
from reports.cash_legs import Seen
from reports.matching import read_open
from reports.reconcile import Key, Match
from reports.refusals import way_of

_SQL = queries("reports", "bank_desk.sql")
STATES = ("unmatched", "suggested", "partial", "disputed", "matched", "written_off", "held")
"""What a line can be; those that are open come first."""
MOST_SHOWN = 20
"""So many lines or legs of a way are told one by one."""


class LineOf(NamedTuple):
    """A line, as a way names it."""

    name: str
    account: str
    on: date
    amount: int
    refs: tuple[str, ...]


class Leg(NamedTuple):
    """A cash leg of an entry, as a way names it."""

    seq: int
    leg: int
    stream: str
    account: str
    on: date
    amount: int
    refs: tuple[str, ...]


class Way(NamedTuple):
    """Lines and legs that may belong together; `name` is what it is refused by. Sums are of all of them."""

    name: str
    lines: tuple[Key, ...]
    legs: tuple[Key, ...]
    lines_sum: int
    legs_sum: int
    shown_lines: tuple[LineOf, ...]
    shown_legs: tuple[Leg, ...]


class Idea(NamedTuple):
    """A suggestion for a person: the first few of `ways` in which it may be."""

    rule: str
    ways: int
    difference: int
    alternatives: tuple[Way, ...]


class Ideas(NamedTuple):
    """All that is suggested; `sure` is how many matches the rules would record by themselves."""

    found: tuple[Idea, ...]
    sure: int

    @property
    def lines(self) -> set[Key]:
        """The lines of which something is suggested."""
        return {key for idea in self.found for way in idea.alternatives for key in way.lines}

    def of(self, key: Key) -> list[Idea]:
        """What is suggested of a line."""
        return [idea for idea in self.found if any(key in way.lines for way in idea.alternatives)]

    def way(self, name: str) -> Way | None:
        """The way of that name, if it is suggested still."""
        return next((way for idea in self.found for way in idea.alternatives if way.name == name), None)


class Kept:
    """The suggestions of one process, reckoned anew when entries, statements or refusals have come."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: tuple[Any, Ideas] | None = None
        self._seen = Seen()

    def ideas(self, journal: Journal) -> Ideas:
        """What is suggested now; whoever asks meanwhile waits for the one reckoning."""
        with self._lock:
            with journal.entries.reading() as cursor:
                version = cursor.execute(_SQL["version"]).fetchone()
            if self._known is None or self._known[0] != version:
                self._known = (version, read_ideas(journal, self._seen))
            return self._known[1]


def read_ideas(journal: Journal, seen: Seen | None = None) -> Ideas:
    """What the rules suggest of all that is not settled; on from what was `seen`. Raises LedgerNotOpen."""
    books = read_open(journal, seen=seen)
    lines = {line.key: line for line in books.sides.lines}
    legs = {leg.key: leg for leg in books.sides.legs}

    def line_of(key: Key) -> LineOf:
        line = lines[key]
        return LineOf(f"B{key[0]}/{key[1]}", line.account, date.fromordinal(line.day), line.amount, line.refs)

    def leg_of(key: Key) -> Leg:
        leg = legs[key]
        on = date.fromordinal(leg.day)
        return Leg(key[0], key[1], books.sides.streams[key[0]], leg.account, on, leg.amount, leg.refs)

    def way(match: Match) -> Way:
        return Way(
            way_of(match),
            match.lines,
            match.legs,
            sum(lines[key].amount for key in match.lines),
            sum(legs[key].amount for key in match.legs),
            tuple(map(line_of, match.lines[:MOST_SHOWN])),
            tuple(map(leg_of, match.legs[:MOST_SHOWN])),
        )

    found = (
        Idea(one.rule, one.ways, one.difference, tuple(map(way, one.alternatives))) for one in books.found.suggestions
    )
    return Ideas(tuple(found), len(books.found.matches))


def idea_members(one: Idea) -> dict[str, Any]:
    """A suggestion for programs, its ways as a match by hand would name them."""
    return {
        "rule": one.rule,
        "ways": one.ways,
        "difference": one.difference,
        "alternatives": [
            {
                "lines": [f"B{statement}/{ordinal}" for statement, ordinal in way.lines],
                "legs": [{"seq": seq, "leg": leg} for seq, leg in way.legs],
                "lines_amount": way.lines_sum,
                "legs_amount": way.legs_sum,
            }
            for way in one.alternatives
        ],
    }


class Wanted(NamedTuple):
    """Which lines are asked for; None for all. `behind`: day, statement and ordinal of the last one seen."""

    currency: str
    state: str | None = None
    account: str | None = None
    since: date | None = None
    until: date | None = None
    behind: tuple[date, int, int] | None = None


class Listed(NamedTuple):
    """A line with how much of it is taken, and its state; `file` and `position` are what entries know it by."""

    on: date
    statement: int
    ordinal: int
    account: str
    amount: int
    bank_ref: str | None
    order_ref: str | None
    taken: int
    file: str
    position: int
    state: str

    @property
    def name(self) -> str:
        """`B7/3`."""
        return f"B{self.statement}/{self.ordinal}"


def lines_of(cursor: Cursor, wanted: Wanted, suggested: Sequence[Key], limit: int) -> list[Listed]:
    """At most `limit` lines in the order of their days; `suggested` are those of which a rule has an idea."""
    values = {**_asked(wanted, suggested), "limit": limit}
    return [Listed(*row) for row in cursor.execute(_SQL["lines"], values).fetchall()]


def counts_of(cursor: Cursor, wanted: Wanted, suggested: Sequence[Key]) -> dict[str, tuple[int, int]]:
    """How many lines are in each state, and what they come to."""
    rows = cursor.execute(_SQL["counts"], _asked(wanted, suggested)).fetchall()
    found = {state: (count, amount) for state, count, amount in rows}
    return {state: found[state] for state in STATES if state in found}


def _asked(wanted: Wanted, suggested: Sequence[Key]) -> dict[str, Any]:
    day, number, ordinal = wanted.behind or (None, None, None)
    return {
        **wanted._asdict(),
        "day": day,
        "number": number,
        "ordinal": ordinal,
        "statements": [statement for statement, _ in suggested],
        "ordinals": [each for _, each in suggested],
    }


class AccountSeen(NamedTuple):
    """An account that has lines or is open: its kind (None: not open), the day of its last line."""

    account: str
    kind: str | None
    last_on: date | None


def accounts_of(cursor: Cursor) -> list[AccountSeen]:
    """The accounts by name."""
    return [AccountSeen(*row) for row in cursor.execute(_SQL["accounts"]).fetchall()]


class AskedFor(NamedTuple):
    """Who asked that a statement that does not tie be accepted, why, and when."""

    statement: int
    by: str
    reason: str
    at: datetime


def ask_acceptance(journal: Journal, statement: int, reader: Reader) -> None:
    """Keeps one person's word for a statement that is held; another's makes it an acceptance. Raises BadValue."""
    reader.check()
    with journal.entries.writing() as writing:
        values = {"statement": statement, "at": writing.at, "by": reader.by, "reason": reader.reason}
        writing.cursor.execute(_SQL["ask"], values)


def asked_acceptances(cursor: Cursor) -> dict[int, AskedFor]:
    """The first word for each statement, by its number."""
    found: dict[int, AskedFor] = {}
    for row in cursor.execute(_SQL["asked"]).fetchall():
        found.setdefault(row[0], AskedFor(*row))
    return found


def line_named(cursor: Cursor, ref: Mapping[str, Any]) -> LineOf | None:
    """The line that a fact names by its file; None where it is not here."""
    values = {name: ref.get(name) for name in ("file", "statement", "ordinal")}
    row = cursor.execute(_SQL["named"], values).fetchone()
    if row is None:
        return None
    statement, ordinal, account, on, amount = row
    return LineOf(f"B{statement}/{ordinal}", account, on, amount, ())


class Suspended(NamedTuple):
    """A receipt that nobody could place yet, and what is left of it."""

    suspense: str
    amount: int
    left: int
    seq: int
    on: date


def suspended(cursor: Cursor) -> list[Suspended]:
    """The receipts that wait, oldest first."""
    return [Suspended(*row) for row in cursor.execute(_SQL["suspended"]).fetchall()]
