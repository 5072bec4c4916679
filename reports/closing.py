"""Closing a period of the books: what stands in its way, the figures it is closed with, the entry, the cut-off list.

The figures are taken under the ledger's lock, so nothing can come between them and the entry that states them; the
stand-alone verifier works them out again from the entries.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from datetime import date
from itertools import pairwise
from typing import Any, NamedTuple

import msgspec
from msgspec import Struct

from ledger.bank_events import AccountBalance, Total
from ledger.cash import HELD, SIDES
from ledger.database import Cursor, queries
from ledger.decisions import CloseMonth, ClosePeriod
from ledger.decisions.periods import last_day
from ledger.errors import InputFault
from ledger.journal import Journal
from ledger.times import find_zone, local_day, parse_utc
from ledger.writing import Session
from projections.runner import Runner
from reports.banking.register import Kept
from reports.reconcile import Key

_SQL = queries("reports", "closing.sql")
CLEARING = ("DonationReceived", "HospitalPaymentReturned", "GrantReturned")
OPENING = "BalanceBroughtForward"


class NotReady(InputFault):
    """A period with lines open, or statements held or missing."""

    code = "period_not_ready"
    zh = (
        "{period} 尚不能关账：{open} 笔流水未了结，{held} 份对账单不平，{missing} 个账户对账单缺失或不相接；"
        "注明理由（reason）并经另一人批准可例外关账"
    )
    en = (
        "{period} cannot be closed yet: {open} lines are open, {held} statements do not tie, of {missing} accounts "
        "statements are missing; another person may accept that, with a reason (approved_by, reason)"
    )

    def __init__(self, found: Readiness) -> None:
        lines, held, gaps = len(found.lines), len(found.held), len(found.gaps)
        super().__init__(period=found.period, open=lines, held=held, missing=gaps)
        self.found = found


class ChangedMeanwhile(InputFault):
    """Statements, or what was said of their lines, changed since it was looked what stands in the way."""

    code = "bank_changed_meanwhile"
    zh = "{period} 关账期间又有流水、对账单或匹配变动：未关账，请重新运行"
    en = "lines, statements or matches changed while {period} was being closed: it is not closed; run it again"


class NoHead(InputFault):
    """A log without a signed head."""

    code = "no_signed_head"
    zh = "日志尚无已签名的日志头：请先运行 fenhao checkpoint"
    en = "the log has no signed head yet: run fenhao checkpoint first"


class Gap(NamedTuple):
    """An account whose statements do not cover the period, or do not follow on each other; `apart` in minor units."""

    account: str
    what: str
    apart: int


class Readiness(NamedTuple):
    """What stands in the way of closing a period: lines with their states, statements held, accounts without."""

    period: str
    lines: Sequence[tuple[Key, str]]
    held: Sequence[int]
    gaps: Sequence[Gap]

    @property
    def is_ready(self) -> bool:
        return not (self.lines or self.held or self.gaps)

    def members(self) -> dict[str, Any]:
        """For programs: lines and statements as `B7/3` and `B7`."""
        return {
            "period": self.period,
            "open": [{"line": f"B{statement}/{ordinal}", "state": state} for (statement, ordinal), state in self.lines],
            "held": [f"B{number}" for number in self.held],
            "gaps": [gap._asdict() for gap in self.gaps],
        }


class Figures(NamedTuple):
    """What a period is closed with; see `PeriodClosed`."""

    totals: tuple[Total, ...]
    accounts: tuple[AccountBalance, ...]
    suspense: int
    elsewhere: int


class CutOff(NamedTuple):
    """A cash leg whose bank's day and posting date lie in different months."""

    seq: int
    stream: str
    type: str
    on: date
    account: str
    amount: int
    bank_on: date


class Period(NamedTuple):
    """A closing: up to which day, by which entry; `reopened` by another."""

    period: str
    through: date
    seq: int
    reopened: int | None


def open_lines(cursor: Cursor, through: date | None, ideas: Collection[Key] = ()) -> list[tuple[Key, str]]:
    """Lines up to a day, of statements that count, that are not settled, each with its state: unmatched, partial or
    disputed; `suggested` where it is one of `ideas`."""
    rows = cursor.execute(_SQL["open_lines"], {"through": through}).fetchall()
    found = (((statement, ordinal), state) for statement, ordinal, state in rows)
    return [(key, "suggested" if state == "unmatched" and key in ideas else state) for key, state in found]


def readiness(
    period: str, lines: Sequence[tuple[Key, str]], statements: Sequence[Kept], opened: dict[str, date]
) -> Readiness:
    """What stands in the way. `lines` are those open by the period's end, `opened` the bank accounts, each with the day
    of its opening. Raises BadValue."""
    through = last_day(period)
    first = through.replace(day=1)
    held = [one.id for one in statements if one.state == "held" and (one.first_on is None or one.first_on <= through)]
    gaps: list[Gap] = []
    for account, since in opened.items():
        own = [one for one in statements if one.account == account and one.state != "held"]
        within = [
            one
            for one in own
            if one.first_on is not None and one.last_on is not None and one.first_on <= through and one.last_on >= first
        ]
        if not within and since <= through:
            gaps.append(Gap(account, "missing", 0))
        gaps += [Gap(account, "gap", apart) for apart in _breaks(within)]
    return Readiness(period, lines, held, gaps)


def _breaks(statements: Sequence[Kept]) -> Iterator[int]:
    """How far each statement begins from where the one before it ended, where both say."""
    ordered = sorted(statements, key=lambda one: (one.first_on or date.min, one.last_on or date.min, one.id))
    for before, after in pairwise(ordered):
        if before.closing is not None and after.opening not in (None, before.closing):
            yield (after.opening or 0) - before.closing


class _Leg(Struct, frozen=True):
    account: str
    amount: int | None = None


class _Part(Struct, frozen=True):
    amount: int


class _Data(Struct, frozen=True):
    on: date | None = None
    of: int | None = None
    amount: int | None = None
    lines: tuple[_Part, ...] = ()
    cash: tuple[_Leg, ...] = ()
    suspense: str | None = None

    @property
    def whole(self) -> int:
        return sum(line.amount for line in self.lines) if self.amount is None else self.amount


class _Entry(Struct, frozen=True):
    data: _Data


_decode = msgspec.json.Decoder(_Entry).decode


def figures(cursor: Cursor, through: date, statements: Sequence[Kept]) -> Figures:
    """The figures as of a day that ends a month; the views must be up to date. Amounts are minor units."""
    totals = tuple(Total(*row) for row in cursor.execute(_SQL["totals"], {"through": through}).fetchall())
    booked, suspense = _booked(cursor, through)
    for account, amount in cursor.execute(_SQL["shifted"], (through,)).fetchall():
        booked[account] += amount
    accounts = []
    for account, kind, _ in cursor.execute(_SQL["accounts"]).fetchall():
        if kind != "channel":
            accounts.append(AccountBalance(account, booked[account], *_closing(statements, account, through)))
    held = sum(total.amount for total in totals if total.kind in HELD)
    elsewhere = held + suspense - sum(one.book for one in accounts)
    return Figures(totals, tuple(accounts), suspense, elsewhere)


def _booked(cursor: Cursor, through: date) -> tuple[Counter[str], int]:
    """What named legs brought on each account by then, and what is owed of suspended receipts."""
    booked: Counter[str] = Counter()
    suspense = 0
    for kind, body, undone_on in cursor.execute(_SQL["cash_entries"], ([*SIDES, OPENING],)).fetchall():
        data = _decode(body).data
        if data.of is not None or data.on is None:
            continue
        times = (data.on <= through) - (undone_on is not None and date.fromisoformat(undone_on) <= through)
        side = SIDES.get(kind, 1)
        for leg in data.cash:
            booked[leg.account] += times * side * (data.whole if leg.amount is None else leg.amount)
        if data.suspense is not None:
            suspense += times * data.whole * (1 if kind == "ReceiptSuspended" else -1)
    return booked, suspense


def _closing(statements: Sequence[Kept], account: str, through: date) -> tuple[int | None, date | None]:
    """The closing balance of the account's newest statement by then."""
    own = [
        one
        for one in statements
        if one.account == account and one.state != "held" and one.closing is not None
        if one.last_on is not None and one.last_on <= through
    ]
    newest = max(own, key=lambda one: (one.last_on or date.min, one.id), default=None)
    return (None, None) if newest is None else (newest.closing, newest.last_on)


def bank_accounts(journal: Journal) -> dict[str, date]:
    """The bank accounts that are open, each with the day on which it was opened."""
    zone = find_zone(str(journal.entries.head().zone))
    with journal.entries.reading() as cursor:
        rows = cursor.execute(_SQL["accounts"]).fetchall()
    return {account: local_day(parse_utc(at), zone) for account, kind, at in rows if kind == "bank"}


def figured(
    session: Session, runner: Runner, found: Readiness, asked: CloseMonth, head: tuple[int, str], kept: Sequence[Kept]
) -> ClosePeriod:
    """The closing that was asked for with its figures, taken in the session's transaction; it rests on a signed `head`.

    Raises NotReady unless all is settled or two persons give the reason why not; ChangedMeanwhile. Statements are taken
    in and lines are matched under the same lock, so what is asked again here stays as it is.
    """
    if not found.is_ready and (asked.reason is None or not asked.is_approved()):
        raise NotReady(found)
    runner.catch_up()
    _require_unchanged(session.writing.cursor, found, asked.period, kept)
    said = figures(session.writing.cursor, last_day(asked.period), kept)
    size, root = head
    return ClosePeriod(
        **{name: getattr(asked, name) for name in CloseMonth.__struct_fields__},
        **said._asdict(),
        size=size,
        root=root,
        open_lines=len(found.lines),
    )


def _require_unchanged(cursor: Cursor, found: Readiness, period: str, statements: Sequence[Kept]) -> None:
    """Raises ChangedMeanwhile unless the same lines are open and the same statements there."""
    lines = {key for key, _ in open_lines(cursor, last_day(period))}
    counting = dict(cursor.execute(_SQL["statements"]).fetchall())
    known = {one.id: one.state != "held" for one in statements}
    if lines != {key for key, _ in found.lines} or counting != known:
        raise ChangedMeanwhile(period=period)


def periods(cursor: Cursor) -> list[Period]:
    """All closings, oldest first."""
    return [Period(*row) for row in cursor.execute(_SQL["periods"]).fetchall()]


def cut_off(cursor: Cursor, period: str | None = None) -> list[CutOff]:
    """Matched legs whose bank's day and posting date lie in different months; one of them `period`, if named."""
    last = None if period is None else last_day(period)
    bounds = {
        "mark": None if period is None else f'"on":"{period}-'.encode(),
        "first": None if last is None else last.replace(day=1),
        "last": last,
    }
    return [CutOff(*row) for row in cursor.execute(_SQL["cut_off"], bounds).fetchall()]
