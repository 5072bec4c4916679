"""The sums as stored: kept up with a page of entries, in the transaction of the views that they sum up.

There are two kinds, each of which can stand still without the other: flows (what stands where, what donors gave, where
the money of those with very many gifts is) and periods (what days and months changed in funds' figures).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, LiteralString

from ledger.database import Cursor, queries
from ledger.places import parse_place
from ledger.tapes import Row
from projections import fold
from projections.fold import Changes, Item
from projections.sums import BROUGHT_FORWARD, OPENING, UNKNOWN, VOID, Standing, Sums

_SQL = queries("projections", "sums.sql")

_DEFINED = queries("projections", "definitions.sql")
_TABLES = {
    "standing": "view_standing",
    "donors": "view_donor",
    "giving": "view_giving",
    "leaders": "view_leader",
    "donor_places": "view_donor_place",
    "periods": "view_period",
}
"""What is kept, in the order in which it can be made: each by its definition's name."""
_VIEWS = {"gifts": "view_gift", "funds": "view_movement"}
"""What of the views has to be so for the sake of others: each by its check's name."""
FLOWS, PERIODS = SUMS = ("flows", "periods")
"""The kinds of sums, each of which can stand still without the other."""

Places = dict[tuple[str, str, str, str, str], int]
"""Minor units by donor, fund, place, kind and hospital."""

MANY_RANGES = 400
"""Donors of so many issued ranges have their places kept: others' are looked up in a moment."""
LEADERS = 201
"""At least so many of those who gave most are kept in their order: one more than a picture asks for at most."""


DonorTexts = tuple[str, str, str]


@dataclass(frozen=True)
class Page:
    """A page's changes, entries `first` to `last`: stored in the views, but for what it says of whose gifts are."""

    changes: Changes
    first: int
    last: int
    sums: Sums
    donors: DonorTexts = ("", "", "")

    @classmethod
    def gathered(cls, items: list[Item], funds: Mapping[int, str], *, summed: bool = True) -> Page:
        """What these entries say by themselves, on tapes of these funds. Raises ProjectionFailed."""
        changes, sums = Changes(funds).gather(items), Sums()
        if summed:
            sums.take_arrivals(changes.arrivals)
        donors = donor_texts(changes.donors) if summed and changes.donors else ("", "", "")
        return cls(changes, items[0].seq, items[-1].seq, sums, donors)

    def settle(self, near: Iterable[Row]) -> None:
        """Lets the serials arrive and move; see `Changes.settle`."""
        self.changes.settle(near)
        self.sums.take_movements(self.changes.movements)

    @property
    def bounds(self) -> dict[str, int]:
        """The page's entries, as parameters."""
        return {"first": self.first, "last": self.last}


@dataclass(frozen=True)
class Donors:
    """Donors whose places are to be kept from now on, and those whose are no more, once attributions are stored."""

    more: Sequence[str] = ()
    fewer: Sequence[str] = ()

    def settle(self, cursor: Cursor) -> None:
        """Does that."""
        if self.more:
            cursor.execute(_SQL["keep_many"], {"donors": self.more})
        if self.fewer:
            cursor.execute(_SQL["keep_no_more"], {"donors": self.fewer})


def add_flows(cursor: Cursor, page: Page) -> Donors:
    """Adds the page to the flows. What comes back is to be settled when the page's attributions are stored."""
    sums = page.sums
    standing = dict(sums.standing)
    donors = dict(page.changes.donors)
    places: Places = defaultdict(int)
    if page.changes.movements:
        cursor.execute(_SQL["move_standing"], page.bounds)
        cursor.execute(_SQL["move_parts"], page.bounds)
    if sums.voids:
        for donor, _, amount in cursor.execute(_SQL["void_donors"], page.bounds).fetchall():
            _give(donors, donor, 0, amount)
    if page.changes.attributions:
        _attribute(cursor, page, standing, donors, places)
    if standing:
        rows = [(*where, *added) for where, added in sorted(standing.items())]
        cursor.execute(_SQL["add_standing"], _columns(rows))
    return _add_donors(cursor, page, donors, places, lowering=sums.voids or bool(page.changes.attributions))


def add_periods(cursor: Cursor, page: Page) -> None:
    """Adds the page to the periods."""
    days = dict(page.sums.days)
    if page.sums.voids:
        for block, on, fund, amount in cursor.execute(_SQL["void_openings"], page.bounds | _sizes()).fetchall():
            key = block, on, fund, BROUGHT_FORWARD
            days[key] = days.get(key, 0) + amount
    if days:
        blocks, since, funds, figures = zip(*days, strict=True)
        names = "\n".join(funds), "\n".join(figures)
        which = (fold.BLOCKS_TOGETHER, _array(blocks), _array(since), *names, _array(days.values()))
        cursor.execute(_SQL["add_periods"], which)


def define(cursor: Cursor) -> None:
    """Makes all sums, which are empty, from the other views by their definition."""
    for name in _TABLES:
        cursor.execute("with " + _issued() + ", " + _told(name) + _DEFINED[f"fill_{name}"], _sizes())


def unlike(cursor: Cursor, kinds: Collection[str] = SUMS) -> list[str]:
    """The views that contradict each other, and the tables of these kinds of sums that are not what their definition
    comes to, all by one statement: they have much to read in common."""
    summed = {name: table for name, table in _TABLES.items() if (PERIODS if name == "periods" else FLOWS) in kinds}
    checks = [_DEFINED[f"{name}_unlike"] for name in _VIEWS]
    checks += ["with " + _told(name) + _DEFINED[f"{name}_unlike"] for name in summed]
    [answers] = cursor.execute("with " + _issued() + " select (" + "), (".join(checks) + ")", _sizes()).fetchall()
    tables = _VIEWS | summed
    return [table for table, is_unlike in zip(tables.values(), answers, strict=True) if is_unlike]


def _issued() -> LiteralString:
    return "issued as materialized (" + _DEFINED["issued"] + "\n)"


def _told(name: str) -> LiteralString:
    return "told as materialized (" + _DEFINED[name] + "\n) "


def _sizes() -> dict[str, int]:
    return {"many": MANY_RANGES, "leaders": LEADERS, "block": fold.BLOCK_ENTRIES, "together": fold.BLOCKS_TOGETHER}


def forget(cursor: Cursor) -> None:
    """Empties the sums."""
    cursor.execute(_SQL["forget"])


def _add_donors(
    cursor: Cursor,
    page: Page,
    donors: Mapping[str, tuple[int, int]],
    places: Places,
    lowering: bool,
) -> Donors:
    if not donors:
        return Donors()
    told = page.donors if donors == page.changes.donors else donor_texts(donors)
    found = cursor.execute(_SQL["add_donors"], (*told, MANY_RANGES, MANY_RANGES)).fetchall()
    kept = {donor for donor, many, _ in found if many}
    for donor, fund, target, amount in page.changes.given_by(kept) if kept else ():
        place = parse_place(target)
        places[donor, fund, target, place.kind, place.hospital or ""] += amount
    if moved := sorted((*key, amount) for key, amount in places.items() if key[0] in kept):
        cursor.execute(_SQL["add_places"], _columns(moved))
    _seat_leaders(cursor, lowering=lowering)
    return Donors(
        [donor for donor, many, enough in found if enough and not many],
        [donor for donor, many, enough in found if many and not enough],
    )


def _attribute(
    cursor: Cursor,
    page: Page,
    standing: dict[Standing, tuple[int, int, int]],
    donors: dict[str, tuple[int, int]],
    places: Places,
) -> None:
    """Adds what changes hands by what the page says of whose gifts are: of serials where they are after its moves."""
    ranges = set()
    rows = cursor.execute(_SQL["attributed"], _columns(page.changes.attributions)).fetchall()
    for old, new, opening, seq, tape, lo, fund, place, kind, hospital, amount in rows:
        for donor, sign in ((old, -1), (new, 1)):
            if donor is None:
                where = Standing(OPENING if opening else UNKNOWN, fund, kind, hospital)
                so_far, first, last = standing.get(where, (0, seq, seq))
                standing[where] = (so_far + sign * amount, min(first, seq), max(last, seq))
            else:
                one = 0 if (tape, lo) in ranges else sign
                _give(donors, donor, one, 0 if kind == VOID else sign * amount)
                places[donor, fund, place, kind, hospital] += sign * amount
        ranges.add((tape, lo))


def _give(donors: dict[str, tuple[int, int]], donor: str, ranges: int, amount: int) -> None:
    so_far = donors.get(donor, (0, 0))
    donors[donor] = (so_far[0] + ranges, so_far[1] + amount)


def _seat_leaders(cursor: Cursor, *, lowering: bool) -> None:
    """Moves the floor to where it belongs; `lowering` when somebody's sum may have become smaller."""
    if lowering:
        cursor.execute(_SQL["reseat"])
        cursor.execute(_SQL["unseat"])
    while True:
        [(floor, enough, more)] = cursor.execute(_SQL["floor"], {"enough": LEADERS}).fetchall()
        if more:
            cursor.execute(_SQL["raise_floor"])
            cursor.execute(_SQL["unseat"])
        elif not enough and floor > 1 and lowering:
            cursor.execute(_SQL["lower_floor"])
        else:
            return


def donor_texts(donors: Mapping[str, tuple[int, int]]) -> DonorTexts:
    """Donors, a line each, and what they gave more: ranges, minor units. Sorted, for the index's sake.

    As text, which is the quickest way to the server: an id has no line's end in it.
    """
    names, added = zip(*sorted(donors.items()), strict=True)
    ranges, amounts = map(_array, zip(*added, strict=True))
    return "\n".join(names), ranges, amounts


def _array(column: Iterable[int | date]) -> str:
    return f"{{{','.join(map(str, column))}}}"


def _columns(rows: Iterable[Sequence[Any]]) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)]
