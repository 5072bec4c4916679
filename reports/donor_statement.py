"""捐赠人台账: a donor's statement of a month or a year, which adds up to the fen.

opening + given + attributed - used - costs - fees - refunded (- what left otherwise) = closing. Opening and closing are
what is the donor's and not spent: waiting, set aside, paid and not settled (told apart), held. Gifts recorded by
mistake are counted in none of it.
"""

from __future__ import annotations

import calendar
import re
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import date
from typing import Any, NamedTuple

from ledger.database import tuples
from ledger.errors import BadValue
from ledger.journal import Journal
from ledger.places import parse_place
from ledger.vault import Reader as VaultReader
from ledger.vault import Vault
from projections.giving import kind_of
from projections.statement import Came, Item, Movement, Period, Sum, movement
from projections.trace import snapshot
from reports.donor import Names
from reports.postings import Basis

UNSPENT = ("fund", "case", "hospital", "hold")
"""Kinds of place at which money is the donor's still."""


class Figures(NamedTuple):
    """The figures of a statement, in minor units; the last four are of the closing."""

    opening: int
    given: int
    attributed: int
    used: int
    costs: int
    fees: int
    refunded: int
    out: int
    closing: int
    waiting: int
    set_aside: int
    unsettled: int
    held: int


class Helped(NamedTuple):
    """What was used for a child in the period, less what came back, in minor units."""

    case: str
    name: str
    hospitals: list[str]
    used: int


class Statement(NamedTuple):
    """A donor's statement. `named` is the period as it was asked for: `2026-10` or `2026`."""

    donor: str
    named: str
    period: Period
    basis: Basis
    figures: Figures
    gifts: list[Came]
    items: list[Item]
    helped: list[Helped]
    names: Names


def period_of(text: str) -> Period:
    """`2026-10` or `2026` as its first and last day. Raises BadValue."""
    if found := re.fullmatch(r"([0-9]{4})(?:-([0-9]{2}))?", text):
        year, month = int(found[1]), int(found[2] or 0)
        if 1 <= year and (found[2] is None or 1 <= month <= 12):
            first, last = month or 1, month or 12
            return Period(date(year, first, 1), date(year, last, calendar.monthrange(year, last)[1]))
    raise BadValue("period", text, "a month such as 2026-10, or a year", "期间应为月份（如 2026-10）或年份（如 2026）")


def statement_of(
    journal: Journal, vault: Vault, donor: str, named: str, basis: Basis, looking: VaultReader
) -> Statement:
    """A donor's statement of a month or a year, resting on a signed head. Raises BadValue."""
    period = period_of(named)
    zone = journal.entries.head().zone or "UTC"
    with snapshot(journal) as connection:
        cursor = tuples(connection)
        moved = movement(cursor, donor, period, basis.size, zone)
        places = [f"fund/{one.fund}" for one in moved.gifts]
        places += [place for one in moved.items for place in (one.source, one.target)]
        names = Names(cursor, vault, looking, places, ())
    figures = figures_of(moved)
    return Statement(
        donor, named, period, basis, figures, moved.gifts, moved.items, _helped(moved.items, names), names
    )


def figures_of(moved: Movement) -> Figures:
    """The figures, which add up and agree with the items, or it is a bug of ours."""

    def change(wanted: Callable[[Sum], bool]) -> int:
        return sum(one.until - one.before for one in moved.sums if wanted(one))

    def closing(*kinds: str) -> int:
        return sum(one.until for one in moved.sums if one.kind in kinds)

    figures = Figures(
        opening=sum(one.before for one in moved.sums if one.kind in UNSPENT),
        given=change(lambda one: one.kind != "void" and not one.attributed),
        attributed=change(lambda one: one.kind != "void" and one.attributed),
        used=change(lambda one: one.kind in ("used", "cash")),
        costs=change(lambda one: one.kind == "cost" and not one.fee),
        fees=change(lambda one: one.kind == "fee" or (one.kind == "cost" and one.fee)),
        refunded=change(lambda one: one.kind == "refunded"),
        out=change(lambda one: one.kind == "out"),
        closing=closing(*UNSPENT),
        waiting=closing("fund"),
        set_aside=closing("case"),
        unsettled=closing("hospital"),
        held=closing("hold"),
    )
    went = figures.used + figures.costs + figures.fees + figures.refunded + figures.out
    assert figures.opening + figures.given + figures.attributed - went == figures.closing, "a statement adds up"
    used = sum(_used_of(moved.items).values())
    assert used == figures.used, "what was used is told item by item"
    return figures


def _used_of(items: Iterable[Item]) -> Counter[str]:
    """What was used for each case, less what came back."""
    used: Counter[str] = Counter()
    for one in items:
        for place, sign in ((one.target, 1), (one.source, -1)):
            if place and kind_of(place, False) in ("used", "cash"):
                used[parse_place(place).case or ""] += sign * one.amount
    return used


def _helped(items: Iterable[Item], names: Names) -> list[Helped]:
    items = list(items)
    hospitals: dict[str, set[str]] = {}
    for one in items:
        for place in (one.source, one.target):
            if place and (parsed := parse_place(place)).case and parsed.hospital:
                hospitals.setdefault(parsed.case, set()).add(names.hospital(parsed.hospital))
    return [
        Helped(case, names.child(case), sorted(hospitals.get(case, ())), used)
        for case, used in sorted(_used_of(items).items())
        if used
    ]


def members_of(statement: Statement) -> dict[str, Any]:
    """The statement as JSON: amounts in minor units, children masked, days of what is for a child as months."""
    return {
        "donor": statement.donor,
        "period": statement.named,
        "from": statement.period.first.isoformat(),
        "to": statement.period.last.isoformat(),
        "origin": statement.basis.origin,
        "size": statement.basis.size,
        "root": statement.basis.root.hex(),
        "currency": statement.basis.currency,
        **statement.figures._asdict(),
        "gifts": [{**one._asdict(), "on": one.on.isoformat()} for one in statement.gifts],
        "helped": [one._asdict() for one in statement.helped],
        "items": [_item(one) for one in statement.items],
    }


def _item(one: Item) -> dict[str, Any]:
    of_child = any(place and parse_place(place).case for place in (one.source, one.target))
    day = one.on.isoformat()
    return {**one._asdict(), "on": day[:7] if of_child else day}
