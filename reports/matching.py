"""Matches as entries: what the rules find is recorded, what stands is set aside, and a line is led to its gifts.

The rules (`reconcile`) see only lines and legs of which nothing is taken yet. What a person undid is never matched by a
rule again: it is suggested. A match of very many legs is recorded as several, each of a part of the line.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from ledger.database import Cursor, queries, tuples
from ledger.decisions import LegRef, LineRef, MatchLines
from ledger.errors import InputFault, Refusal, Unknown
from ledger.journal import Journal
from ledger.times import find_zone
from ledger.writing import Recorded, Writer
from reports.cash_legs import Seen, Sides, read_all_sides, read_open_sides
from reports.reconcile import WINDOW_DAYS, Key, Match, Reconciliation, Suggestion, reconcile
from reports.refusals import read_refused, set_aside_refused

_SQL = queries("reports", "matching.sql")
BATCH_PARTS = 5_000
"""Matches of about so many parts are recorded by one transaction: that bounds the memory it takes."""
MOST_LEGS = 500
MOST_LINES = 100
"""An entry holds so many parts; accounts' ids are at most 120 characters."""


class AccountsNotOpen(InputFault):
    """Lines of accounts that were never opened."""

    code = "accounts_not_open"
    zh = (
        "账户 {accounts} 尚未启用：请先登记（fenhao record AccountOpened account=… kind=bank），"
        "编号须与对账单的账户名一致"
    )
    en = (
        "accounts {accounts} are not open: record them first (fenhao record AccountOpened account=... kind=bank), "
        "under the names that their statements have"
    )


class TooManyParts(Refusal):
    """A match of more than an entry can name, that cannot be taken apart either."""

    code = "too_many_parts"
    zh = "{lines} 笔流水与 {legs} 笔分录无法登记为一条分录（至多 {most} 笔），也无法拆分：请由人分组匹配"
    en = (
        "{lines} lines and {legs} entries are more than an entry names ({most}) and cannot be split: match some of them"
    )


class Standing(NamedTuple):
    """What entries said of lines and legs, as far as it stands.

    `matches` are those recorded, `lines` and `legs` how much of each is taken in minor units, and `matched` what of it
    is neither written off nor disputed; `doubted` are lines of which something was undone; `files` SHA-256 and position
    of each statement.
    """

    matches: Sequence[Match]
    lines: Mapping[Key, int]
    matched: Mapping[Key, int]
    legs: Mapping[Key, int]
    doubted: frozenset[Key]
    undone: Mapping[Key, int]
    files: Mapping[int, tuple[str, int]]
    accounts: Mapping[str, str]


class Books(NamedTuple):
    """Both sides, what stands, and what the rules find of the rest."""

    sides: Sides
    standing: Standing
    found: Reconciliation

    @property
    def whole(self) -> Reconciliation:
        """The matches recorded and those found."""
        found = self.found
        return Reconciliation(
            [*self.standing.matches, *found.matches],
            found.suggestions,
            found.given_up,
            found.lines_left,
            found.legs_left,
        )


def read_books(journal: Journal, window_days: int = WINDOW_DAYS) -> Books:
    """Reads all of it, in one snapshot, and applies the rules. Raises LedgerNotOpen."""
    head = journal.entries.head()
    with journal.entries.datastore.get_connection() as connection, connection.transaction():
        connection.execute(_SQL["snapshot"])
        cursor = tuples(connection)
        sides = read_all_sides(cursor, str(head.currency), find_zone(str(head.zone)))
        standing = read_standing(cursor)
        refused = read_refused(cursor)
    return _ruled(sides, standing, refused, window_days)


def read_open(journal: Journal, window_days: int = WINDOW_DAYS, seen: Seen | None = None) -> Books:
    """Reads what nothing is said of yet, and applies the rules: they find the same, sooner; on from what was `seen`.

    Raises LedgerNotOpen.
    """
    head = journal.entries.head()
    with journal.entries.datastore.get_connection() as connection, connection.transaction():
        connection.execute(_SQL["snapshot"])
        cursor = tuples(connection)
        sides = read_open_sides(cursor, str(head.currency), find_zone(str(head.zone)), seen or Seen())
        known = read_known(cursor)
        refused = read_refused(cursor)
    return _ruled(sides, known, refused, window_days)


def _ruled(sides: Sides, standing: Standing, refused: frozenset[str], window_days: int) -> Books:
    lines = [line for line in sides.lines if line.key not in standing.lines]
    legs = [leg for leg in sides.legs if leg.key not in standing.legs]
    found = reconcile(lines, legs, window_days)
    doubtful = [match for match in found.matches if not standing.doubted.isdisjoint(match.lines)]
    if doubtful:
        found.matches = [match for match in found.matches if standing.doubted.isdisjoint(match.lines)]
        found.suggestions += [Suggestion(match.rule, (match,), 1) for match in doubtful]
    set_aside_refused(found, refused, lines, legs)
    return Books(sides, standing, found)


def read_known(cursor: Cursor) -> Standing:
    """What it takes to name lines, and to know which were doubted; of what stands nothing."""
    files = {number: (file, position) for number, file, position in cursor.execute(_SQL["statements"])}
    undone = {(statement, ordinal): gone for statement, ordinal, gone in cursor.execute(_SQL["lines_undone"])}
    accounts = dict(cursor.execute(_SQL["accounts"]).fetchall())
    return Standing([], {}, {}, {}, frozenset(undone), undone, files, accounts)


def read_standing(cursor: Cursor) -> Standing:
    """What stands, in the transaction that is open."""
    files = {number: (file, position) for number, file, position in cursor.execute(_SQL["statements"])}
    lines: dict[Key, int] = {}
    matched: dict[Key, int] = {}
    undone: dict[Key, int] = {}
    parts: dict[str, tuple[list[Key], list[Key]]] = {}
    for statement, ordinal, amount, match, kind, gone in cursor.execute(_SQL["lines_taken"]):
        key = (statement, ordinal)
        if gone is not None:
            undone[key] = max(gone, undone.get(key, 0))
            continue
        lines[key] = lines.get(key, 0) + amount
        if kind == "matched":
            matched[key] = matched.get(key, 0) + amount
            parts.setdefault(match, ([], []))[0].append(key)
    legs: dict[Key, int] = {}
    for match, entry, leg, amount in cursor.execute(_SQL["legs_taken"]):
        legs[entry, leg] = legs.get((entry, leg), 0) + amount
        parts[match][1].append((entry, leg))
    matches = [Match("recorded", tuple(of_lines), tuple(of_legs)) for of_lines, of_legs in parts.values()]
    accounts = dict(cursor.execute(_SQL["accounts"]).fetchall())
    return Standing(matches, lines, matched, legs, frozenset(undone), undone, files, accounts)


class Recording(NamedTuple):
    """What became of the matches found: how many were recorded, and those that could not be."""

    recorded: int
    refused: int
    too_large: int


def record_matches(writer: Writer, books: Books, by: str | None = None) -> Recording:
    """Records each match that the rules found, set-based in batches, in their order. Raises AccountsNotOpen."""
    wanted = {books.sides.line(key).account for match in books.found.matches for key in match.lines}
    closed = sorted(wanted - books.standing.accounts.keys())
    if closed:
        raise AccountsNotOpen(accounts=closed)
    recorded = refused = 0
    too_large: list[Match] = []
    for batch in _batches(books, by, too_large):
        done = writer.submit_batch(batch)
        recorded += sum(isinstance(one, Recorded) for one in done)
        refused += sum(not isinstance(one, Recorded) for one in done)
    return Recording(recorded, refused, len(too_large))


def _batches(books: Books, by: str | None, too_large: list[Match]) -> Iterator[list[MatchLines]]:
    """The commands that record the matches found, by the batch; those for which there is none go to `too_large`."""
    batch: list[MatchLines] = []
    parts = 0
    for match in books.found.matches:
        commands = commands_of(match, books, by)
        if not commands:
            too_large.append(match)
        parts += sum(len(command.lines) + len(command.legs) for command in commands)
        batch += commands
        if parts >= BATCH_PARTS:
            yield batch
            batch, parts = [], 0
    yield batch


def fits_an_entry(lines: Sequence[Key], legs: Sequence[Key]) -> bool:
    """Whether one entry can name them all."""
    return len(legs) <= MOST_LEGS and len(lines) <= MOST_LINES


def record_in_parts(writer: Writer, match: Match, books: Books, by: str) -> int:
    """Records a match that no single entry can name, all of it or nothing; the first entry. Raises TooManyParts,
    Unknown where a leg is open no more (it is suggested no more then), and the Refusal of a part."""
    if gone := {*match.legs} - {leg.key for leg in books.sides.legs}:
        raise Unknown("suggestion", "{}/{}".format(*min(gone)))
    commands = commands_of(match, books, by)
    if not commands:
        raise TooManyParts(lines=len(match.lines), legs=len(match.legs), most=MOST_LEGS)
    with writer.session() as session:
        outcomes = session.run(commands)
        for outcome in outcomes:
            if isinstance(outcome, Refusal):
                raise outcome
    return min(outcome.seq for outcome in outcomes if isinstance(outcome, Recorded))


def commands_of(match: Match, books: Books, by: str | None) -> list[MatchLines]:
    """The commands that record a match: one, or several of a line with very many legs; none where that cannot be."""
    if fits_an_entry(match.lines, match.legs):
        return [match_command(match.rule, match.lines, match.legs, books.standing, by)]
    if len(match.lines) > 1:
        return []
    amounts = {key: books.sides.leg(key).amount for key in match.legs}
    whole = sum(amounts.values())
    count = -(-len(match.legs) // MOST_LEGS)
    ordered = sorted(match.legs, key=lambda key: (amounts[key], key))
    chunks = [sorted(ordered[first::count]) for first in range(count)]
    parts = [sum(amounts[key] for key in chunk) for chunk in chunks]
    if any(part * whole <= 0 for part in parts):
        return []
    return [
        match_command(match.rule, match.lines, chunk, books.standing, by, part)
        for chunk, part in zip(chunks, parts, strict=True)
    ]


def match_command(
    rule: str, lines: Sequence[Key], legs: Sequence[Key], standing: Standing, by: str | None, part: int | None = None
) -> MatchLines:
    """The command that matches these, under an id that the same match always has, until it is undone."""
    refs = [line_ref(key, standing, part) for key in lines]
    again = max((standing.undone.get(key, 0) for key in lines), default=0)
    said = json.dumps([rule, [[*ref.key, ref.amount] for ref in refs], [list(leg) for leg in legs], again])
    name = hashlib.sha256(said.encode()).hexdigest()[:32]
    return MatchLines(
        key=f"match:{name}",
        match=name,
        rule=rule,
        lines=tuple(refs),
        legs=tuple(LegRef(seq, leg) for seq, leg in legs),
        by=by,
    )


def line_ref(key: Key, standing: Standing, part: int | None = None) -> LineRef:
    """A line as commands name it."""
    file, position = standing.files[key[0]]
    return LineRef(file, position, key[1], part)


def entries_of(cursor: Cursor, stream: str) -> list[int]:
    """The entries on a stream, oldest first."""
    return [seq for (seq,) in cursor.execute(_SQL["stream_entries"], (stream,)).fetchall()]


def state_of(amount: int, taken: int, kind: str | None) -> str:
    """A line's state: unmatched, partial, or as the last word on all of it is: matched, written_off, disputed."""
    if not taken or kind is None:
        return "unmatched"
    return kind if taken == amount or kind == "disputed" else "partial"
