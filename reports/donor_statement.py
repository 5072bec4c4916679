"""捐赠人台账: a donor's statement of a month or a year, which adds up to the fen.

opening + given + attributed - used - costs - fees - refunded (- what left otherwise) = closing. Opening and closing are
what is the donor's and not spent: waiting, set aside, paid and not settled (told apart), held. Gifts recorded by
mistake are counted in none of it.
"""

from __future__ import annotations

import calendar
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby
from typing import Any, NamedTuple

from ledger.database import tuples
from ledger.errors import BadValue
from ledger.ids import escape, unescape
from ledger.journal import Journal
from ledger.places import parse_place
from ledger.vault import Reader as VaultReader
from ledger.vault import Vault
from projections.giving import kind_of
from projections.statement import Came, Item, Movement, Period, Sum, movement
from projections.trace import snapshot
from reports.donor import Names, Wording
from reports.pages import rendered
from reports.postings import Basis
from reports.printing import STATIC, STYLE, Attached, pdf
from reports.statement_files import FIGURES, MAX_PAGE_ROWS, TooLong, statement_file
from reports.statement_words import StatementReader
from reports.statements import Column, Statement, Table, Value, canonical, code_of, grouped, proof_of

FORMATS = (".html", ".pdf", ".xlsx", ".csv", ".json")
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


class Told(NamedTuple):
    """A donor's statement for people: `named` is the period as it was asked for, `2026-10` or `2026`."""

    named: str
    statement: Statement
    figures: Figures
    gifts: list[Came]
    items: list[Item]
    helped: list[Helped]
    names: Names

    @property
    def donor(self) -> str:
        """Whose it is."""
        return str(self.statement.parameters["donor"])


@dataclass(frozen=True)
class DonorReader(StatementReader):
    """Says by name what a donor's figures name by id: places, children (`child/C`), funds (`name/F`)."""

    wording: Wording | None = None

    def word(self, key: str) -> str:
        """The word for a key, or what a place or a child is called."""
        noun, _, named = key.partition("/")
        if self.wording is None or not named:
            return super().word(key)
        match noun:
            case "child":
                return self.wording.child(unescape(named))
            case "name":
                return self.wording.fund(unescape(named))
        return self.wording.place(key)


def period_of(text: str) -> Period:
    """`2026-10` or `2026` as its first and last day. Raises BadValue."""
    if found := re.fullmatch(r"([0-9]{4})(?:-([0-9]{2}))?", text):
        year, month = int(found[1]), int(found[2] or 0)
        if 1900 <= year < 9999 and (found[2] is None or 1 <= month <= 12):
            first, last = month or 1, month or 12
            return Period(date(year, first, 1), date(year, last, calendar.monthrange(year, last)[1]))
    raise BadValue("period", text, "a month such as 2026-10, or a year", "期间应为月份（如 2026-10）或年份（如 2026）")


def neighbour_of(named: str, step: int) -> str:
    """The month or the year before (-1) or after (1), named alike."""
    period = period_of(named)
    day = period.first - timedelta(days=1) if step < 0 else period.last + timedelta(days=1)
    return day.isoformat()[: len(named)]


def periods_between(first: date, last: date) -> list[tuple[str, list[str]]]:
    """The years of statements from one day to another, each with its months, the newest first."""
    months = [
        f"{year:04}-{month:02}"
        for year in range(last.year, first.year - 1, -1)
        for month in range(12, 0, -1)
        if (first.year, first.month) <= (year, month) <= (last.year, last.month)
    ]
    return [(year, list(group)) for year, group in groupby(months, key=lambda month: month[:4])]


def parameters_of(donor: str, named: str) -> dict[str, str]:
    """What a statement is made by. Raises BadValue."""
    period = period_of(named)
    return {"donor": donor, "from": period.first.isoformat(), "to": period.last.isoformat()}


def told_of(journal: Journal, vault: Vault, donor: str, named: str, basis: Basis, looking: VaultReader | None) -> Told:
    """A donor's statement of a month or a year, resting on a signed head. Raises BadValue."""
    parameters = parameters_of(donor, named)
    moved = read(journal, basis, parameters)
    places = [f"fund/{escape(one.fund)}" for one in moved.gifts]
    places += [place for one in moved.items for place in (one.source, one.target)]
    with snapshot(journal) as connection:
        names = Names(tuples(connection), vault, looking, places, ())
    statement = Statement("donor", parameters, basis, period_of(named).last, tables_of(moved))
    helped = _helped(moved.items, names)
    return Told(named, statement, figures_of(moved), moved.gifts, moved.items, helped, names)


def read(journal: Journal, basis: Basis, parameters: Mapping[str, Any]) -> Movement:
    """What a donor's statement is made of."""
    period = Period(date.fromisoformat(parameters["from"]), date.fromisoformat(parameters["to"]))
    zone = journal.entries.head().zone or "UTC"
    with snapshot(journal) as connection:
        return movement(tuples(connection), str(parameters["donor"]), period, basis.size, zone)


def tables_of(moved: Movement) -> list[Table]:
    """The figures as tables: places and children by id, and of what is for a child the month alone."""
    figures = figures_of(moved)
    rows = [(f"donor_{name}", amount) for name, amount in figures._asdict().items() if amount or name != "out"]
    return [
        Table("donor_figures", (Column("item", "word"), Column("amount", "amount")), rows, totals=False),
        Table(
            "donor_gifts",
            (
                Column("on", "day"),
                Column("donation"),
                Column("fund", "word"),
                Column("entry", "count"),
                Column("amount", "amount"),
                Column("fee", "amount"),
            ),
            [_gift_row(one) for one in moved.gifts],
        ),
        Table(
            "donor_helped",
            (Column("child", "word"), Column("case"), Column("used", "amount")),
            [(f"child/{escape(case)}", case, used) for case, used in sorted(_used_of(moved.items).items()) if used],
        ),
        Table(
            "donor_items",
            (
                Column("on", "day"),
                Column("entry", "count"),
                Column("type", "word"),
                Column("went_from", "word"),
                Column("went_to", "word"),
                Column("amount", "amount"),
            ),
            [(day_of(one), one.seq, one.type, one.source, one.target, one.amount) for one in moved.items],
            totals=False,
        ),
    ]


def _gift_row(one: Came) -> tuple[Value, ...]:
    sign = 1 if one.is_own else -1
    return one.on.isoformat(), one.donation, f"name/{escape(one.fund)}", one.seq, sign * one.amount, sign * one.fee


def day_of(one: Item) -> str:
    """The day of an item; of what is for a child its month."""
    of_child = any(place and parse_place(place).case for place in (one.source, one.target))
    return one.on.isoformat()[: 7 if of_child else 10]


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


def members_of(told: Told) -> dict[str, Any]:
    """What the template of a statement is given, for a page and for paper alike."""
    basis = told.statement.basis
    return {
        "told": told,
        "figures": told.figures,
        "basis": basis,
        "code": grouped(code_of(told.statement)),
        "day_of": day_of,
    }


def donor_file(told: Told, reader: DonorReader, kind: str) -> bytes:
    """The statement as `.html .pdf .xlsx .csv .json`. Raises TooLong, and for PDF what `pdf` raises."""
    if kind not in (".html", ".pdf"):
        return statement_file(told.statement, reader, kind)
    lines = len(told.gifts) + len(told.items) + len(told.helped)
    if lines > MAX_PAGE_ROWS:
        raise TooLong(rows=lines, kind=kind, limit=MAX_PAGE_ROWS, instead=".xlsx")
    page = rendered(
        "donor_statement_print.html",
        reader.language,
        speaking=reader,
        reader=reader,
        rows=MAX_PAGE_ROWS,
        proof=canonical(proof_of(told.statement, reader.language)).decode(),
        style=(STATIC / STYLE).read_text("utf-8") if kind == ".html" else "",
        **members_of(told),
    )
    if kind == ".html":
        return page.encode()
    figures = Attached(FIGURES, statement_file(told.statement, reader, ".json"), reader.word("figures"))
    return pdf(page, told.statement.on, [figures])
