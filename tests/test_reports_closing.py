"""The bank agrees with the ledger: any history matches the statement made from it, and closes on its figures."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec
import pytest
from conftest import SCALE
from hypothesis import given, settings
from hypothesis import strategies as st
from projected import CASES, DONORS, FUNDS, Ledger, opened

from audit.verify import Report, bundle, verify
from ledger.decisions import (
    CashLeg,
    CloseMonth,
    Command,
    GrantCash,
    MakeAllocation,
    OpenAccount,
    ReceiveDonation,
    RefundDonation,
    ReopenPeriod,
    RepaySuspense,
    ReverseEntry,
    SuspendReceipt,
    UnmatchLines,
)
from ledger.errors import CannotReverse, PeriodIsClosed, Refusal, TwoPersonsNeeded
from ledger.vault import open_vault
from ledger.vault_keys import KeyFolder
from ledger.writing import Recorded
from projections.runner import Runner
from reports.banking.reading import read_file
from reports.banking.register import Kept, Register
from reports.banking.taking import named
from reports.closing import NotReady, cut_off, figured, periods, readiness
from reports.matching import commands_of, open_lines, read_books, record_matches
from reports.position import position
from reports.reconcile import Match

FIRST = date(2026, 3, 2)
FUND = FUNDS[0]
OPS = st.lists(st.tuples(st.integers(0, 6), st.integers(1, 999), st.integers(0, 4)), min_size=4, max_size=14)
HEAD = (1, "0f" * 32)


class Life:
    """A random history on one bank account, a channel and in suspense; each cash leg has a reference of its own."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger, self.on = ledger, FIRST
        self.gifts: list[int] = []
        self.suspended: list[str] = []
        self.submit(OpenAccount(key="a", account="icbc-1", kind="bank"))
        self.submit(OpenAccount(key="w", account="wechat", kind="channel"))

    def submit(self, command: Command) -> int | None:
        [outcome] = self.ledger.writer.submit_batch([command])
        return outcome.seq if isinstance(outcome, Recorded) else None

    def live(self, n: int, op: int, amount: int, days: int) -> None:
        self.on += timedelta(days=4 * days)
        leg = (CashLeg("icbc-1", amount, self.on, f"R{n}"),)
        common: dict[str, Any] = {"key": f"k{n}", "on": self.on, "amount": amount}
        match op:
            case 0 | 1:
                seq = self.submit(ReceiveDonation(donation=f"D{n}", fund=FUND, donor=DONORS[0], cash=leg, **common))
                self.gifts.append(seq or 0)
            case 2:
                self.submit(
                    ReceiveDonation(donation=f"D{n}", fund=FUND, channel="wechat", channel_txn=f"T{n}", **common)
                )
            case 3:
                self.submit(SuspendReceipt(suspense=f"S{n}", cash=leg, **common))
                self.suspended.append(f"S{n}")
            case 4 if self.suspended:
                whose = self.suspended[amount % len(self.suspended)]
                if amount % 2:
                    self.submit(ReceiveDonation(donation=f"D{n}", fund=FUND, suspense=whose, **common))
                else:
                    self.submit(RepaySuspense(suspense=whose, cash=leg, **common))
            case 5:
                self.submit(MakeAllocation(allocation=f"A{n}", case=CASES[0], **{**common, "key": f"a{n}"}))
                self.submit(GrantCash(grant=f"G{n}", case=CASES[0], cash=leg, **common))
            case 6 if self.gifts:
                if amount % 2:
                    self.submit(ReverseEntry(key=f"k{n}", on=self.on, reverses=self.gifts[-1]))
                else:
                    self.submit(RefundDonation(refund=f"R{n}", donation="D0", cash=leg, **common))


class Desk:
    """What a finance clerk has: the ledger, its statements, matching and closing."""

    def __init__(self, ledger: Ledger, folder: Path) -> None:
        self.ledger, self.folder = ledger, folder
        vault = open_vault(ledger.journal, KeyFolder(folder / "keys", os.urandom), os.urandom)
        vault.prepare()
        self.register = Register(ledger.journal, vault)
        self.runner = Runner(ledger.journal)

    def statement(self, changed: int | None = None) -> int:
        """Takes in what the bank says: a line for each cash leg of the account, one of them a fen off. How many."""
        legs = sorted((leg for leg in self.books().sides.legs if leg.account == "icbc-1"), key=lambda leg: leg.day)
        balance, rows = 0, []
        for index, leg in enumerate(legs):
            amount = leg.amount + (index == changed)
            balance += amount
            day = date.fromordinal(leg.day)
            rows.append(f"{day},{_yuan(amount)},{_yuan(balance)},{leg.refs[0]}\n")
        file = self.folder / "s.csv"
        file.write_text("交易日期,金额,余额,流水号\n" + "".join(rows), "utf-8")
        if rows:
            self.register.take(named(read_file(file, None), "icbc-1", file), file)
        return len(rows)

    def books(self) -> Any:
        return read_books(self.ledger.journal)

    def statements(self) -> list[Kept]:
        return self.register.statements()

    def close(self, period: str, approved_by: str | None = "wang", reason: str | None = None) -> Recorded:
        found = readiness(period, self.books(), self.statements(), {})
        said: dict[str, Any] = {"by": "li", "approved_by": approved_by and (approved_by,), "reason": reason}
        with self.ledger.writer.session() as session:
            asked = CloseMonth(key=f"close:{session.writing.head.size}", period=period, **said)
            made = figured(session, self.runner, found, asked, HEAD, self.statements())
            outcome = session.run([made])[0]
            if isinstance(outcome, Refusal):
                raise outcome
            return outcome

    def verified(self) -> Report:
        bodies = [bytes(body) for (body,) in self.ledger.rows("select body from entry order by seq")]
        return verify(bundle(bodies))


def _yuan(minor: int) -> str:
    return f"{'-' if minor < 0 else ''}{abs(minor) // 100}.{abs(minor) % 100:02}"


@contextmanager
def desk_of(url: str) -> Iterator[Desk]:
    with opened(url) as ledger, TemporaryDirectory() as folder:
        yield Desk(ledger, Path(folder))


@settings(max_examples=4 * SCALE)
@given(ops=OPS, changed=st.none() | st.integers(0, 20))
def test_any_history_matches_the_statement_made_from_it_and_closes_and_one_changed_line_is_found(
    ops: list[tuple[int, int, int]], changed: int | None, embedded_url: str
) -> None:
    with desk_of(embedded_url) as desk:
        life = Life(desk.ledger)
        for n, op in enumerate([(0, 50_000, 0), *ops]):
            life.live(n, *op)
        lines = desk.statement(changed)
        done = record_matches(desk.ledger.writer, desk.books(), "li")
        off = int(changed is not None and changed < lines)
        assert (done.recorded, done.refused, done.too_large) == (lines - off, 0, 0)
        books = desk.books()
        assert [state for _, state in open_lines(books)] == ["suggested"] * off
        found = position(books.sides, books.whole, desk.statements())
        assert found.difference == 0
        [bank] = [one.bank for one in found.accounts if one.name == "icbc-1"]
        assert bank is not None
        assert bank.unexplained == 0
        last = f"{max(life.on, FIRST):%Y-%m}"
        if off:
            with pytest.raises(NotReady):
                desk.close(last)
            desk.close(last, approved_by="wang", reason="in_transit")
        else:
            desk.close(last)
        report = desk.verified()
        assert report.problems == ()
        [closed] = desk.ledger.rows("select body from entry where type = 'PeriodClosed'")
        said = msgspec.json.decode(closed[0])["data"]
        held = sum(one["amount"] for one in said["totals"] if one["kind"] in ("fund", "case", "fee", "hold"))
        assert held == sum(found.held.values()), "nothing is posted after the period"
        assert said["suspense"] == found.suspense
        assert [(one["account"], one["book"]) for one in said["accounts"]] == [
            (one.name, one.book) for one in found.accounts if one.name == "icbc-1"
        ]


@pytest.fixture(scope="module")
def desk(embedded_url: str) -> Iterator[Desk]:
    with desk_of(embedded_url) as found:
        life = Life(found.ledger)
        for n, op in enumerate([(0, 30_000, 0), (3, 800, 1), (0, 500, 5), (2, 70, 0)]):
            life.live(n, *op)
        found.statement()
        record_matches(found.ledger.writer, found.books(), "li")
        yield found


def refused(desk: Desk, command: Command) -> type[Refusal]:
    [outcome] = desk.ledger.writer.submit_batch([command])
    assert isinstance(outcome, Refusal), outcome
    return type(outcome)


def gift(name: str, on: date) -> ReceiveDonation:
    return ReceiveDonation(key=name, donation=name, fund=FUND, amount=100, on=on)


def test_a_closed_period_takes_nothing_until_two_persons_open_it_again(desk: Desk) -> None:
    for alone in (None, "li"):
        with pytest.raises(TwoPersonsNeeded):
            desk.close("2026-03", approved_by=alone)
    desk.close("2026-03")
    with pytest.raises(PeriodIsClosed):
        desk.close("2026-03")
    assert refused(desk, gift("late", date(2026, 3, 31))) is PeriodIsClosed
    assert refused(desk, gift("earlier", date(2025, 12, 31))) is PeriodIsClosed
    assert refused(desk, ReopenPeriod(key="r", period="2026-03", reason="found", by="li")) is TwoPersonsNeeded
    two: dict[str, Any] = {"by": "li", "approved_by": ("wang",)}
    desk.ledger.writer.submit(gift("next", date(2026, 4, 1)))
    desk.ledger.writer.submit(ReopenPeriod(key="r2", period="2026-03", reason="found", **two))
    desk.ledger.writer.submit(gift("late", date(2026, 3, 31)))
    desk.close("2026-03")
    with desk.ledger.journal.entries.reading() as cursor:
        assert [(one.period, one.reopened is None) for one in periods(cursor)] == [
            ("2026-03", False),
            ("2026-03", True),
        ]
    assert desk.verified().problems == ()


def test_what_stands_in_the_way_of_closing_is_listed(desk: Desk) -> None:
    """An account without a statement, and one whose statements do not follow on each other."""
    [kept] = desk.statements()
    opened_on = {"icbc-1": FIRST, "abc-1": FIRST}
    found = readiness("2026-03", desk.books(), [kept], opened_on)
    assert ([gap.account for gap in found.gaps], list(found.lines), list(found.held)) == (["abc-1"], [], [])
    later = kept._replace(id=9, first_on=date(2026, 3, 30), last_on=date(2026, 3, 31), opening=1, account="icbc-1")
    torn = readiness("2026-03", desk.books(), [kept, later], {"icbc-1": FIRST})
    assert [(gap.account, gap.what) for gap in torn.gaps] == [("icbc-1", "gap")]
    held = kept._replace(ties=False)
    assert list(readiness("2026-03", desk.books(), [held], {}).held) == [kept.id]


def test_a_matched_entry_is_not_reversed_and_a_bank_s_day_in_another_month_is_on_the_cut_off_list(desk: Desk) -> None:
    on = date(2026, 5, 1)
    late = ReceiveDonation(
        key="c", donation="c", fund=FUND, amount=77, on=on, cash=(CashLeg("icbc-1", 77, date(2026, 4, 30), "C1"),)
    )
    seq = desk.ledger.writer.submit(late).seq
    file = desk.folder / "t.csv"
    file.write_text("交易日期,金额,余额,流水号\n2026-04-30,0.77,400.77,C1\n", "utf-8")
    desk.register.take(named(read_file(file, None), "icbc-1", file), file)
    assert record_matches(desk.ledger.writer, desk.books()).recorded == 1
    with desk.ledger.journal.entries.reading() as cursor:
        assert [(one.seq, one.on, one.bank_on) for one in cut_off(cursor, "2026-04")] == [(seq, on, date(2026, 4, 30))]
        [(match,)] = cursor.execute("select match from leg_part where entry = %s", (seq,)).fetchall()
    assert refused(desk, ReverseEntry(key="x", on=on, reverses=seq)) is CannotReverse
    desk.ledger.writer.submit(UnmatchLines(key="u", match=match, by="wang"))
    desk.ledger.writer.submit(ReverseEntry(key="x", on=on, reverses=seq))
    assert record_matches(desk.ledger.writer, desk.books()).recorded == 0
    assert desk.verified().problems == ()


def test_a_payout_of_very_many_gifts_is_recorded_in_parts(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reports.matching.MOST_LEGS", 2)
    books = desk.books()
    many = [leg.key for leg in books.sides.legs if leg.amount > 0]
    [line] = [line.key for line in books.sides.lines][:1]
    parts = commands_of(Match("channel-net/1", (line,), tuple(many)), books, None)
    assert sum(len(one.legs) for one in parts) == len(many)
    assert sum(one.lines[0].amount or 0 for one in parts) == sum(
        leg.amount for leg in books.sides.legs if leg.amount > 0
    )
