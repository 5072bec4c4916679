"""Ranges of serials: where they are, how they move, in what order they are taken. Pure: no clock, no database.

A range is half open, `[lo, hi)`. A row says where a range is: `(tape, lo, hi, place, home, since)`. Rows never overlap,
leave no gap from 0 to the tape's end, and are merged when adjacent and alike in place, home and since.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable, Iterator
from datetime import date
from heapq import merge
from typing import NamedTuple

from ledger.places import fund_place, is_source, tape_number


class Run(NamedTuple):
    """A range of serials 号段 of one tape; `hi` is exclusive."""

    tape: int
    lo: int
    hi: int


_RUN = re.compile(r"(t[1-9][0-9]{0,8}):([0-9]{1,16})-([0-9]{1,16})", re.ASCII)


def parse_run(text: str) -> Run:
    """`"t3:100-200"` as a run. Raises ValueError."""
    match = _RUN.fullmatch(text)
    if match is None or not int(match[2]) < int(match[3]):
        raise ValueError(f"not a run of serials: {text}")
    return Run(tape_number(match[1]), int(match[2]), int(match[3]))


class Row(NamedTuple):
    """Where a run is. `home` is "" at fund and fee places, else the fund or fee place last left."""

    tape: int
    lo: int
    hi: int
    place: str
    home: str
    since: date


class Issue(NamedTuple):
    """New serials, `[lo, hi)` from the tape's end, put at `to`."""

    tape: int
    lo: int
    hi: int
    to: str


class Move(NamedTuple):
    """Serials `[lo, hi)` taken from one place to another."""

    tape: int
    lo: int
    hi: int
    source: str
    target: str


class Gone(AssertionError):
    """A move of serials that are not where it says: our own bug, since decisions read before they move."""


class Places:
    """A working set of rows, complete for each place that was loaded, that moves are applied to.

    `changes` tells what became of the rows that were loaded.
    """

    def __init__(self, rows: Iterable[Row] = ()) -> None:
        self._rows: dict[tuple[int, int], Row] = {}
        self._starts: dict[int, list[int]] = {}
        self._runs: dict[str, dict[int, list[Row]]] = {}
        self._loaded: dict[tuple[int, int], Row] = {}
        self._touched: set[tuple[int, int]] = set()
        self.load(rows)

    def load(self, rows: Iterable[Row]) -> None:
        """Takes in rows as they are stored; a row that is known already is passed over."""
        for row in rows:
            key = row[:2]
            if key not in self._loaded and key not in self._touched:
                self._loaded[key] = row
                self._insert(row)

    def at(self, place: str) -> dict[int, list[Row]]:
        """The rows at a place: per tape number, sorted by `lo`. Not to be changed."""
        return self._runs.get(place, {})

    def names(self) -> Iterable[str]:
        """The places that have, or had, rows."""
        return self._runs.keys()

    def rows(self) -> list[Row]:
        """All rows, sorted by tape number and `lo`."""
        return sorted(self._rows.values())

    def last(self, tape: int) -> Row | None:
        """The row with the highest serials of a tape, of those that are known."""
        starts = self._starts.get(tape)
        return self._rows[tape, starts[-1]] if starts else None

    def within(self, run: Run) -> list[Row]:
        """What is known of a run, wherever it is: rows in order, the first and last cut to it."""
        starts = self._starts.get(run.tape, [])
        first = max(bisect_right(starts, run.lo) - 1, 0)
        last = bisect_left(starts, run.hi)
        rows = (self._rows[run.tape, lo] for lo in starts[first:last])
        return [
            row._replace(lo=max(row.lo, run.lo), hi=min(row.hi, run.hi))
            for row in rows
            if row.lo < run.hi and row.hi > run.lo
        ]

    def issue(self, issue: Issue, fund: str, on: date) -> None:
        """New serials of one of `fund`'s tapes arrive; away from fund and fee places that fund is their home."""
        tape, lo, hi, to = issue
        rows = self.at(to).get(tape)
        if rows:
            _, first, end, _, home, since = rows[-1]
            if end == lo and since == on and not home:
                # Gifts of one day on one tape, most of all there is: the last row grows.
                key = (tape, first)
                self._rows[key] = rows[-1] = Row(tape, first, hi, to, "", on)
                self._touched.add(key)
                return
        home = "" if is_source(to) else fund_place(fund)
        row = Row(tape, lo, hi, to, home, on)
        if home:
            self._add(row)
        else:
            # Behind all others of its tape, and not like the last one there.
            self._touched.add((tape, lo))
            self._insert(row)

    def move(self, move: Move, on: date) -> list[Row]:
        """Takes the move's serials to its target; the rows they were, cut to the move.

        Raises Gone unless all of them are at its source by `on`.
        """
        rows = self.at(move.source).get(move.tape, [])
        first = max(bisect_right(rows, move.lo, key=lambda row: row.lo) - 1, 0)
        last = bisect_left(rows, move.hi, key=lambda row: row.lo)
        taken = []
        reached = move.lo
        for row in rows[first:last]:
            lo, hi = max(row.lo, move.lo), min(row.hi, move.hi)
            if lo >= hi:
                continue
            if lo != reached or row.since > on:
                raise Gone(move)
            reached = hi
            self._remove(row)
            if row.lo < lo:
                self._add(row._replace(hi=lo))
            if hi < row.hi:
                self._add(row._replace(lo=hi))
            taken.append(row._replace(lo=lo, hi=hi))
        if reached != move.hi:
            raise Gone(move)
        for row in taken:
            home = "" if is_source(move.target) else row.home or row.place
            self._add(Row(row.tape, row.lo, row.hi, move.target, home, on))
        return taken

    def changes(self) -> tuple[list[Row], list[Row]]:
        """Rows that were loaded and are no more, and rows that are new, each sorted; together the way to store this."""
        gone, new = [], []
        for key in sorted(self._touched):
            before, after = self._loaded.get(key), self._rows.get(key)
            if before != after:
                if before is not None:
                    gone.append(before)
                if after is not None:
                    new.append(after)
        return gone, new

    def _insert(self, row: Row) -> None:
        self._rows[row[:2]] = row
        insort(self._starts.setdefault(row.tape, []), row.lo)
        rows = self._runs.setdefault(row.place, {}).setdefault(row.tape, [])
        if rows and rows[-1].lo > row.lo:
            rows.insert(bisect_left(rows, row.lo, key=lambda other: other.lo), row)
        else:
            rows.append(row)

    def _remove(self, row: Row) -> None:
        key = row[:2]
        del self._rows[key]
        starts = self._starts[row.tape]
        del starts[bisect_left(starts, row.lo)]
        self._touched.add(key)
        rows = self._runs[row.place][row.tape]
        del rows[bisect_left(rows, row.lo, key=lambda other: other.lo)]

    def _add(self, row: Row) -> None:
        """Puts a row in, merged with the neighbours that are like it."""
        rows = self.at(row.place).get(row.tape, [])
        after = bisect_left(rows, row.lo, key=lambda other: other.lo)
        before = rows[after - 1] if after > 0 else None
        follower = rows[after] if after < len(rows) else None
        if before is not None and before.hi == row.lo and before[3:] == row[3:]:
            self._remove(before)
            row = row._replace(lo=before.lo)
        if follower is not None and follower.lo == row.hi and follower[3:] == row[3:]:
            self._remove(follower)
            row = row._replace(hi=follower.hi)
        self._touched.add(row[:2])
        self._insert(row)


def pick(groups: Iterable[Iterable[Row]], amount: int, on: date, *, back: bool = False) -> list[Row]:
    """The first `amount` serials of the groups, which come in the order of the policy; from the `back`, in its reverse.

    Within a group rows are sorted by `lo`, from the back the highest first. Rows that arrive after `on` are passed
    over. What comes back may be short, when there is no more; its last row is cut to fit.
    """
    taken: list[Row] = []
    for group in groups:
        for row in group:
            if amount == 0:
                return taken
            if row.since > on:
                continue
            if row.hi - row.lo > amount:
                row = row._replace(lo=row.hi - amount) if back else row._replace(hi=row.lo + amount)
            amount -= row.hi - row.lo
            taken.append(row)
    return taken


def interleave(lists: list[list[Row]], *, back: bool = False) -> Iterator[Row]:
    """Rows of several lists, each sorted by `lo`, as one such run; the highest first when from the `back`."""
    if back:
        lists = [rows[::-1] for rows in lists]
    return iter(lists[0]) if len(lists) == 1 else merge(*lists, key=lambda row: row.lo, reverse=back)


def size(runs: Iterable[Row | Run | Move | Issue]) -> int:
    """How many serials: the sum of `hi - lo`, an amount in minor units."""
    return sum(run.hi - run.lo for run in runs)


def moves_of(taken: Iterable[tuple[Row, str]]) -> tuple[Move, ...]:
    """Each row's serials to the place beside it, as an entry writes it: sorted, adjacent ranges of one kind as one."""
    moves: list[Move] = []
    for row, target in sorted(taken, key=lambda pair: pair[0][:2]):
        last = moves[-1] if moves else None
        if last is not None and (last.tape, last.hi, last.source, last.target) == (row.tape, row.lo, row.place, target):
            moves[-1] = last._replace(hi=row.hi)
        else:
            moves.append(Move(row.tape, row.lo, row.hi, row.place, target))
    return tuple(moves)
