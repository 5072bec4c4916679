"""我的善款: what a donor's own pages tell, in a donor's words: places by name, children masked, months for days.

A page's children are read from the vault as one reading, noted with who looked and that it was a donor's page.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

from ledger.database import Cursor, tuples
from ledger.decisions.cases import case_subject
from ledger.errors import Unknown
from ledger.journal import Journal
from ledger.places import Place, fund_place, parse_place
from ledger.vault import Reader as VaultReader
from ledger.vault import Vault
from ledger.vocabulary import dictionary_of
from projections import giving
from projections.giving import Change, Gift, Issue, Piece, Standing, Step, kind_of
from projections.trace import snapshot
from reports.entries import basis_said, word
from reports.masking import masked_child, month_of
from reports.traces import Reader

REASON = "donor's page"
"""What the log of accesses says of why names were read for one."""
GIFTS, CHILDREN, CHANGES, STEPS, PIECES = 20, 20, 10, 50, 50
"""So many are on a page."""
KINDS = ("fund", "case", "hospital", "used", "cash", "fee", "cost", "hold", "refunded", "out", "void")
"""What can become of money, in the order in which it is told."""
AGES_DAYS = (30, 90, 180, 365)
"""Where the age bands of waiting money end."""


class Names:
    """What places are called on one page: funds and hospitals by name, children masked; with nobody `looking` who may
    read names, by age, province and disease alone."""

    def __init__(
        self, cursor: Cursor, vault: Vault, looking: VaultReader | None, places: Iterable[str], cases: Iterable[str]
    ):
        parsed = [parse_place(place) for place in set(places) if place]
        known = {one.case for one in parsed if one.case is not None} | set(cases)
        streams = {f"fund/{one.fund}" for one in parsed if one.fund} | {
            f"hospital/{one.hospital}" for one in parsed if one.hospital
        }
        self._names = giving.names(cursor, streams)
        self._children = _masked(cursor, vault, looking, known) if known else {}

    def fund(self, fund: str) -> str:
        """A fund's name."""
        return self._names.get(f"fund/{fund}", fund)

    def hospital(self, hospital: str) -> str:
        """A hospital's name."""
        return self._names.get(f"hospital/{hospital}", hospital)

    def child(self, case: str) -> str:
        """A child, masked; the number of the case when nothing is known of it."""
        return self._children.get(case) or case


def _masked(cursor: Cursor, vault: Vault, looking: VaultReader | None, cases: set[str]) -> dict[str, str]:
    codes = giving.attributes(cursor, cases)
    subjects = {case: case_subject(case, said.get("person")) for case, said in codes.items()}
    told = {} if looking is None else vault.values_of("beneficiary_name", subjects.values(), looking)
    dictionary = dictionary_of(cursor)
    return {case: masked_child(told.get(subjects[case]), said, dictionary) for case, said in codes.items()}


class Line(NamedTuple):
    """What became of some of the money, and how much, in minor units."""

    kind: str
    detail: str
    amount: int


class Age(NamedTuple):
    """Money that has waited for more than `over` days and at most `up_to` (None: without end)."""

    over: int
    up_to: int | None
    amount: int


class Idle(NamedTuple):
    """Waiting money by age; the oldest of it waits since a day, and is of the gift of entry `first`."""

    amount: int
    since: date
    days: int
    ages: list[Age]
    first: int


class Child(NamedTuple):
    """A child whom some of the money is for, and what of it is where, in minor units."""

    case: str
    name: str
    hospitals: list[str]
    since: date
    set_aside: int
    paid: int
    used: int


class Giving(NamedTuple):
    """All that a donor's front page tells, in minor units; `next_*` say behind what the next page of a list begins."""

    donor: str
    given: int
    used: int
    under_way: int
    waiting: int
    lines: list[Line]
    idle: Idle | None
    children: list[Child]
    helped: int
    next_child: str | None
    gifts: list[Gift]
    next_gift: int | None
    changes: list[Change]
    next_change: int | None
    span: tuple[date, date] | None
    names: Names

    @property
    def fee(self) -> int:
        """What was taken as a management fee."""
        return sum(line.amount for line in self.lines if line.kind == "fee")


class Asked(NamedTuple):
    """Which pages of the lists are asked for: below what each begins, None for its beginning."""

    gift: int | None = None
    child: str | None = None
    change: int | None = None


def giving_of(
    journal: Journal, vault: Vault, donor: str, looking: VaultReader | None, today: date, asked: Asked
) -> Giving:
    """A donor's money now; all empty for who gave none."""
    with snapshot(journal) as connection:
        cursor = tuples(connection)
        rows = giving.standing(cursor, donor, today, [days + 1 for days in AGES_DAYS])
        by_kind: dict[str, list[Standing]] = {kind: [] for kind in KINDS}
        for row in rows:
            by_kind[row.kind].append(row)
        children = _children_of(rows)
        shown, next_child = _page_of(children, asked.child)
        gifts, next_gift = giving.gifts(cursor, donor, asked.gift, GIFTS)
        many = sum(row.ranges for row in rows) > giving.MANY_RANGES
        changes, next_change = giving.changes(cursor, donor, asked.change, CHANGES, many=many)
        places = [way_end for one in changes for way in one.ways for way_end in way[:2]]
        places += {row.place for kind in ("fund", "cost", "fee") for row in by_kind[kind]}
        places += [fund_place(one.fund) for one in gifts] + [row.place for child in shown for row in children[child]]
        nows = {case for one in changes for way in one.ways for case in way.now if case is not None}
        names = Names(cursor, vault, looking, places, {*shown, *nows})
        sums = {kind: sum(row.amount for row in rows) for kind, rows in by_kind.items()}
        return Giving(
            donor,
            sum(sums.values()) - sums["void"],
            sums["used"] + sums["cash"],
            sums["case"] + sums["hospital"],
            sums["fund"],
            list(_lines(by_kind, names)),
            _idle(by_kind["fund"], today),
            [_child(case, children[case], names) for case in shown],
            len(children),
            next_child,
            gifts,
            next_gift,
            changes,
            next_change,
            giving.span(cursor, donor),
            names,
        )


def _lines(by_kind: Mapping[str, Sequence[Standing]], names: Names) -> Iterable[Line]:
    """Minor units by what became of them, and of what waits or was spent by fund or kind of cost."""
    for kind, rows in by_kind.items():
        sums: dict[str, int] = {}
        for row in rows:
            spent_on = parse_place(row.place).rest if kind == "cost" else None
            detail = names.fund(row.fund) if kind == "fund" else spent_on or ""
            sums[detail] = sums.get(detail, 0) + row.amount
        yield from (Line(kind, detail, amount) for detail, amount in sorted(sums.items()))


def _idle(waiting: Sequence[Standing], today: date) -> Idle | None:
    if not waiting:
        return None
    oldest = min(waiting, key=lambda row: (row.since, row.first))
    ages = [
        Age(over, up_to, sum(row.amount for row in waiting if row.age == age))
        for age, (over, up_to) in enumerate(zip((0, *AGES_DAYS), (*AGES_DAYS, None), strict=True))
    ]
    amount, days = sum(row.amount for row in waiting), max((today - oldest.since).days, 0)
    return Idle(amount, oldest.since, days, ages, oldest.first)


def _children_of(rows: Iterable[Standing]) -> dict[str, list[Standing]]:
    """What stands for each case, the case that money reached last first."""
    found: dict[str, list[Standing]] = {}
    for row in rows:
        case = parse_place(row.place).case
        if case is not None:
            found.setdefault(case, []).append(row)
    order = sorted(found, key=_order_of(found), reverse=True)
    return {case: found[case] for case in order}


def _order_of(found: dict[str, list[Standing]]) -> Any:
    return lambda case: (max(row.until for row in found[case]), case)


def _page_of(children: dict[str, list[Standing]], behind: str | None) -> tuple[list[str], str | None]:
    """The cases behind one (`2026-03-01.C1`), as many as a page has; and behind which the next page begins."""
    marks = {case: f"{max(row.until for row in rows)}.{case}" for case, rows in children.items()}
    rest = [case for case in children if behind is None or marks[case] < behind]
    return rest[:CHILDREN], marks[rest[CHILDREN - 1]] if len(rest) > CHILDREN else None


def _child(case: str, rows: Sequence[Standing], names: Names) -> Child:
    sums = {kind: sum(row.amount for row in rows if row.kind == kind) for kind in ("case", "hospital", "used", "cash")}
    hospitals = sorted({parse_place(row.place).hospital for row in rows} - {None}, key=str)
    called = [names.hospital(one) for one in hospitals if one is not None]
    since = max(row.until for row in rows)
    return Child(case, names.child(case), called, since, sums["case"], sums["hospital"], sums["used"] + sums["cash"])


class GiftTold(NamedTuple):
    """All that the page of one gift tells."""

    gift: Issue
    steps: list[Step]
    next_step: list[Any] | None
    pieces: list[Piece]
    next_piece: list[int] | None
    names: Names


def gift_of(
    journal: Journal,
    vault: Vault,
    donor: str,
    donation: str,
    looking: VaultReader | None,
    step: Sequence[Any] | None = None,
    piece: Sequence[int] | None = None,
) -> GiftTold:
    """One gift's steps and pieces, of which pages may be asked for. Raises Unknown, for another donor's too."""
    with snapshot(journal) as connection:
        cursor = tuples(connection)
        gift = issue_of(cursor, donor, donation)
        steps, next_step = giving.steps(cursor, donation, step or (-1, "", ""), STEPS)
        pieces, next_piece = giving.pieces(cursor, donation, piece or (0, -1), PIECES)
        places = [fund_place(gift.fund), *(end for one in steps for end in (one.source, one.target))]
        names = Names(cursor, vault, looking, [*places, *(one.place for one in pieces)], ())
        return GiftTold(gift, steps, next_step, pieces, next_piece, names)


def issue_of(cursor: Cursor, donor: str, donation: str) -> Issue:
    """A donor's gift. Raises Unknown, for another donor's too."""
    found = giving.issue(cursor, donation)
    if found.donor != donor:
        raise Unknown("donation", donation)
    return found


class Wording:
    """How a page says places, days and reasons to a donor."""

    def __init__(self, reader: Reader, names: Names) -> None:
        self._reader, self._names = reader, names

    def place(self, place: str) -> str:
        """A place in a donor's words; "" is outside."""
        return self._said(kind_of(place, False) if place else "new", place)

    def _said(self, key: str, place: str) -> str:
        zh, en = _PLACES[key]
        parsed = parse_place(place) if place else Place("")
        return (zh if self._reader.language == "zh" else en).format(
            fund="" if parsed.fund is None else self._names.fund(parsed.fund),
            hospital="" if parsed.hospital is None else self._names.hospital(parsed.hospital),
            child="" if parsed.case is None else self._names.child(parsed.case),
            kind="" if parsed.rest is None else self._reader.word(parsed.rest),
        )

    def way(self, source: str, target: str) -> tuple[str, str]:
        """From where to where, in a donor's words; a child at both ends is named once."""
        case = parse_place(source).case if source else None
        if case is None or not target or parse_place(target).case != case:
            return self.place(source), self.place(target)
        return self._said(f"{kind_of(source, False)}_brief", source), self.place(target)

    def fund(self, fund: str) -> str:
        """A fund's name."""
        return self._names.fund(fund)

    def child(self, case: str) -> str:
        """A child, masked."""
        return self._names.child(case)

    def day(self, on: date, *places: str) -> str:
        """A day; where a child is concerned its month alone."""
        if any(place and parse_place(place).case is not None for place in places):
            return month_of(on, self._reader.language)
        return on.isoformat()

    def why(self, change: Change) -> str:
        """Why something was changed, as its entry says: a reason, and what it rests on; "" if it says none."""
        data = change.entry.data
        said = [word(f"reason={data['reason']}", self._reader)] if data.get("reason") else []
        if basis := data.get("basis"):
            said.append(basis_said(basis, self._reader))
        return ("，" if self._reader.language == "zh" else ", ").join(said)


_PLACES = {
    "new": ("我的捐赠", "given by me"),
    "fund": ("在“{fund}”待用", "waiting in {fund}"),
    "fee": ("提取的项目管理费", "fee taken"),
    "case": ("已为 {child} 留出", "set aside for {child}"),
    "hospital": ("为 {child} 拨付 {hospital}", "paid to {hospital} for {child}"),
    "used": ("用于 {child} 的治疗（{hospital}）", "spent on the treatment of {child} at {hospital}"),
    "cash": ("发放给 {child} 的家庭", "given to the family of {child}"),
    "case_brief": ("已留出", "set aside"),
    "hospital_brief": ("已拨付", "paid"),
    "used_brief": ("已使用", "spent"),
    "cash_brief": ("已发放", "given"),
    "cost": ("费用支出：{kind}", "spent by the foundation: {kind}"),
    "hold": ("暂时冻结", "on hold"),
    "refunded": ("退回给我", "given back to me"),
    "out": ("其他转出", "left otherwise"),
    "void": ("作废（误记）", "void, recorded by mistake"),
}
