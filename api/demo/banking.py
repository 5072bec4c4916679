"""What the made-up foundation's bank says of its year: a statement a month, matched by the rules, closed but the last.

Payouts of channels come weekly. In the last month some things are as they are in life: a charge that the bank kept, two
receipts alike that nobody knows, interest that nobody booked yet.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import date, timedelta
from typing import NamedTuple

from api.bootstrap import Fenhao, log_of
from api.closing import ready
from api.demo.diary import SIGNED, STAFF
from api.demo.foundation import BANK, YUAN
from api.demo.recording import Demo
from api.recording import record
from ledger.decisions import CloseMonth, Command, DisputeLines, SuspendReceipt, WriteOffLines
from ledger.errors import Refusal
from ledger.events import CashLeg
from ledger.money import format_amount
from reports.banking.reading import read_document
from reports.banking.register import Register
from reports.banking.taking import named
from reports.cash_legs import read_sides
from reports.closing import periods
from reports.matching import line_ref, read_known, read_open, record_matches
from reports.reconcile import Movement

MOST_DONATIONS = 100_000
"""A larger year has no statements: each gift that a channel paid out would be in a match."""
UNKNOWN = ("S-UNKNOWN-1", "S-UNKNOWN-2")
CHARGE, TYPING, INTEREST, WEEK = 15 * YUAN, 2, 86_31, timedelta(days=7)
HEADING = "交易日期,收入,支出,余额,交易流水号,对方户名,摘要\n"


class Said(NamedTuple):
    """A line as the bank writes it."""

    on: date
    amount: int
    ref: str
    whom: str
    text: str


def bank_year(fenhao: Fenhao, demo: Demo) -> None:
    """Takes in the year's statements, matches, closes; once, and on from where it was cut short."""
    if demo.donations > MOST_DONATIONS:
        return
    with fenhao.journal.entries.reading() as cursor:
        if periods(cursor):
            return
    for receipt in unknown_receipts(demo.until):
        _recorded(fenhao, receipt)
    sides = read_sides(fenhao.journal)
    own = sorted((leg for leg in sides.legs if leg.account == BANK), key=lambda leg: (leg.day, leg.key))
    lines = sorted([*_of_legs(own, demo.until), *_payouts(sides.legs, demo.until), *_unbooked(demo.until)])
    _take(fenhao, lines, sides.openings[BANK])
    record_matches(fenhao.writer, read_open(fenhao.journal), STAFF)
    for command in _by_people(fenhao, demo.until):
        _recorded(fenhao, command)
    log_of(fenhao).publish()
    closed = f"{demo.until.replace(day=1) - timedelta(days=1):%Y-%m}"
    is_ready = ready(fenhao, closed)[0].is_ready
    reason = None if is_ready else "amounts_alike"  # in a very small year payouts may be
    record(fenhao, CloseMonth(key=f"close-{closed}", period=closed, reason=reason, **SIGNED))


def unknown_receipts(until: date) -> Iterator[SuspendReceipt]:
    """Money that came twice shortly before the year's end, alike, and nobody knows from whom."""
    on = until - timedelta(days=3)
    for name in UNKNOWN:
        legs = (CashLeg(BANK, 520 * YUAN, on),)
        yield SuspendReceipt(key=name, suspense=name, amount=520 * YUAN, on=on, cash=legs, by=STAFF)


def _of_legs(own: list[Movement], until: date) -> Iterator[Said]:
    """The bank's line for each cash leg; of the last month's a few as the bank has them."""
    last = [leg for leg in own if date.fromordinal(leg.day) >= until.replace(day=1)]
    charged = next((leg for leg in last if leg.amount < 0 and leg.refs), None)
    alike = Counter(leg.amount for leg in last if leg.amount > 0)
    for leg in own:
        kept = CHARGE if leg is charged else 0
        unclear = leg in last and alike[leg.amount] > 1
        ref = "" if unclear or not leg.refs else leg.refs[0]
        text = "汇款" if leg.amount > 0 else "付款"
        yield Said(date.fromordinal(leg.day), leg.amount - kept, ref, "演示往来户", text)


def _payouts(legs: list[Movement], until: date) -> Iterator[Said]:
    """What channels paid out: each week's gifts, two days after the week."""
    weeks: dict[tuple[str, date], int] = defaultdict(int)
    for leg in legs:
        if leg.channel and leg.account != BANK:
            on = date.fromordinal(leg.day)
            weeks[leg.account, on - timedelta(days=on.weekday())] += leg.amount
    for (channel, monday), amount in sorted(weeks.items()):
        on = monday + WEEK + timedelta(days=1)
        if on <= until and amount > 0:
            yield Said(on, amount, f"PO-{channel[:2].upper()}-{on:%m%d}", channel, "渠道结算")


def _unbooked(until: date) -> Iterator[Said]:
    """What the bank did in the last days, and no entry has."""
    yield Said(until, INTEREST, f"INT-{until:%Y%m}", "结息", "存款利息")
    yield Said(until - timedelta(days=1), -35 * YUAN, "FEE-12", "工本费", "账户管理费")
    yield Said(until - timedelta(days=2), TYPING, "ADJ-1", "调账", "尾差调整")


def _take(fenhao: Fenhao, lines: list[Said], opening: int) -> None:
    """A file for each month, as such banks give them."""
    register, balance = Register(fenhao.journal, fenhao.vault), opening
    by_month: dict[str, list[Said]] = defaultdict(list)
    for line in lines:
        by_month[f"{line.on:%Y-%m}"].append(line)
    for month, told in sorted(by_month.items()):
        rows = []
        for line in told:
            balance += line.amount
            sides = (line.amount, 0) if line.amount > 0 else (0, -line.amount)
            amounts = [format_amount(each, 2).replace(",", "") if each else "" for each in sides]
            rest = [format_amount(balance, 2).replace(",", ""), line.ref, line.whom, line.text]
            rows.append(",".join([str(line.on), *amounts, *rest]))
        name = f"{BANK}-{month}.csv"
        document = read_document((HEADING + "\n".join(rows) + "\n").encode(), name)
        register.take(named(document, BANK, name), name)


def _by_people(fenhao: Fenhao, until: date) -> Iterator[Command]:
    """The charge is contested, the bank's correction of a fen or two is none of ours."""
    with fenhao.journal.entries.reading() as cursor:
        standing = read_known(cursor)
    newest = max(Register(fenhao.journal, fenhao.vault).statements(BANK), key=lambda one: one.id)
    lines = dict(Register(fenhao.journal, fenhao.vault).lines(newest.id))
    refs = {line.bank_ref: line_ref((newest.id, ordinal), standing) for ordinal, line in lines.items()}
    yield DisputeLines(key="dispute-fee", match="X-FEE", lines=(refs["FEE-12"],), by=STAFF)
    yield WriteOffLines(
        key="write-off-adjustment", match="W-ADJ", lines=(refs["ADJ-1"],), reason="small_difference", **SIGNED
    )


def _recorded(fenhao: Fenhao, command: Command) -> None:
    [outcome] = fenhao.writer.submit_batch([command])
    if isinstance(outcome, Refusal):
        raise outcome
