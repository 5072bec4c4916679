"""Whose money a range of serials is: its fund, and the tape whose terms are in force. Pure.

A serial begins as its own tape says and stays so wherever it goes, but for transfers between funds and changes of
terms, which arrive at other fund places. Those few ranges are all that is kept.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterator
from typing import NamedTuple


class Home(NamedTuple):
    """A fund, and the number of the tape whose terms are in force."""

    fund: str
    terms: int


class Homes:
    """The homes of all serials, of tapes with their funds."""

    def __init__(self, funds: dict[int, str]) -> None:
        self._own = {tape: Home(fund, tape) for tape, fund in funds.items()}
        self._moved: dict[int, list[tuple[int, int, Home]]] = defaultdict(list)

    def within(self, tape: int, lo: int, hi: int) -> Iterator[tuple[int, int, Home]]:
        """The range cut where homes differ: `(lo, hi, home)`."""
        own = self._own[tape]
        for start, end, home in list(self._meeting(tape, lo, hi)):
            if lo < start:
                yield lo, start, own
            yield max(lo, start), min(hi, end), home
            lo = min(hi, end)
        if lo < hi:
            yield lo, hi, own

    def put(self, tape: int, lo: int, hi: int, home: Home) -> None:
        """The range is at home there from now on."""
        rows = self._moved[tape]
        if home == self._own[tape] and not rows:
            return
        pieces = []
        for start, end, before in self._meeting(tape, lo, hi):
            pieces += [(start, lo, before)] if start < lo else []
            pieces += [(hi, end, before)] if hi < end else []
        pieces += [(lo, hi, home)] if home != self._own[tape] else []
        first, last = self._bounds(rows, lo, hi)
        rows[first:last] = sorted(pieces)

    def _meeting(self, tape: int, lo: int, hi: int) -> list[tuple[int, int, Home]]:
        rows = self._moved.get(tape, [])
        first, last = self._bounds(rows, lo, hi)
        return rows[first:last]

    @staticmethod
    def _bounds(rows: list[tuple[int, int, Home]], lo: int, hi: int) -> tuple[int, int]:
        """Rows never overlap: those that meet the range are neighbours."""
        return bisect_right(rows, lo, key=lambda row: row[1]), bisect_left(rows, hi, key=lambda row: row[0])
