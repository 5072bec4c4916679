"""What answers about the bank and the books look like, for the reference; minor units, money out negative."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal

from pydantic import Field

from api.http.shapes import Shape

State = Literal["unmatched", "suggested", "partial", "disputed", "matched", "written_off", "held"]


class WhyHeld(Shape):
    """Why a statement does not tie."""

    zh: str
    en: str


class StatementFigures(Shape):
    """A statement's figures, minor units of its own currency; `ties` null where it says nothing to be checked.

    `count` lines, of which `known` came with an earlier file; `debits` without a sign; `difference` by how much it does
    not tie.
    """

    id: str | None = Field(pattern="^B[0-9]+$")
    state: Literal["recorded", "held", "accepted", "already"]
    account: str | None
    currency: str
    exponent: int
    first_on: date | None
    last_on: date | None
    opening: int | None
    closing: int | None
    count: int
    known: int
    credits: int
    debits: int
    ties: bool | None
    difference: int | None
    problems: list[WhyHeld]


class StatementsTaken(Shape):
    """What became of a file: each statement in it, recorded, held, or there already."""

    file: str
    format: str
    statements: list[StatementFigures]


class AcceptanceRequest(Shape):
    """A person's word, with the first one's `reason`; a program's, with both persons' names."""

    reason: str | None = Field(default=None, max_length=200)
    by: str | None = Field(default=None, max_length=120)
    approved_by: str | None = Field(default=None, max_length=120)


class AcceptanceAsked(Shape):
    """One person's word for what is held."""

    at: datetime
    by: str
    reason: str


class Acceptance(AcceptanceAsked):
    """Two persons' word."""

    approved_by: str


class StatementTold(StatementFigures):
    """A statement that was taken in; `asked` while it is held and waits for a second person."""

    sha256: str = Field(pattern="^[0-9a-f]{64}$")
    format: str
    imported_at: datetime
    asked: AcceptanceAsked | None
    acceptance: Acceptance | None


class StatementsTold(Shape):
    """Statements, oldest first."""

    statements: list[StatementTold]
    next: str | None


class Line(Shape):
    """A line of a statement; `open` is what nothing was said of. Facts name it by `file`, `statement`, `ordinal`."""

    line: str
    account: str
    on: date
    amount: int
    open: int
    refs: list[str]
    state: State
    file: str = Field(pattern="^[0-9a-f]{64}$")
    statement: int
    ordinal: int


class Lines(Shape):
    """Lines in the order of their days."""

    lines: list[Line]
    next: str | None


class Said(Shape):
    """What an entry said of a line; `undone` by an entry, or standing."""

    match: str
    kind: Literal["matched", "written_off", "disputed"]
    amount: int
    seq: int
    undone: int | None


class Behind(Shape):
    """An entry behind a line; `cleared`: its money came with a suspended receipt that is matched."""

    seq: int
    stream: str
    type: str
    amount: int | None
    cleared: bool


class Beneficiary(Shape):
    """A case that a gift's money is for, or was spent on, where."""

    case: str
    hospital: str | None
    amount: int


class GiftBehind(Shape):
    """A gift behind a line: where its money is, and whom it helped."""

    donation: str
    donor: str | None
    by_place: dict[str, int]
    beneficiaries: list[Beneficiary]


class LegNamed(Shape):
    """A cash leg of an entry."""

    seq: int
    leg: int


class Way(Shape):
    """Lines and legs that may belong together, and what each side comes to."""

    lines: list[str]
    legs: list[LegNamed]
    lines_amount: int
    legs_amount: int


class Idea(Shape):
    """What a rule suggests: the first few of `ways`."""

    rule: str
    ways: int
    difference: int
    alternatives: list[Way]


class LineTold(Shape):
    """A line, its entries, the gifts behind them (a hundred at most), and what is suggested."""

    line: str
    account: str
    on: date
    amount: int
    refs: list[str]
    state: State
    said: list[Said]
    entries: list[Behind]
    donations: list[GiftBehind]
    suggested: list[Idea]


class Period(Shape):
    """A month: closed by entry `seq`, open, or running; `reopened` by an entry."""

    period: str
    through: date
    state: Literal["closed", "open", "running"]
    seq: int | None
    reopened: int | None


class Periods(Shape):
    """The months of the books, oldest first."""

    periods: list[Period]


class OpenLine(Shape):
    """A line that is not settled."""

    line: str
    state: State


class Gap(Shape):
    """An account without a statement in the month (`missing`), or one that begins `apart` from where the last ended."""

    account: str
    what: Literal["missing", "gap"]
    apart: int


class CutOff(Shape):
    """A matched cash leg whose bank's day lies in another month than its posting date."""

    seq: int
    stream: str
    type: str
    on: date
    account: str
    amount: int
    bank_on: date


class PeriodTold(Shape):
    """What stands in the way of closing a month (a thousand lines at most, `open_lines` in all); its cut-off list."""

    period: str
    state: Literal["closed", "open", "running"] | None
    ready: bool
    open_lines: int
    open: list[OpenLine]
    held: list[str]
    gaps: list[Gap]
    cut_off: list[CutOff]
