"""The bank agrees with the ledger: any history matches the statement made from it, and closes on its figures."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

import msgspec
import pytest
from clerks import FIRST, FUND, Desk, Life, desk_of
from conftest import SCALE
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.database import queries
from ledger.decisions import (
    CashLeg,
    Command,
    ReceiveDonation,
    ReopenPeriod,
    ReverseEntry,
    UnmatchLines,
    WriteOffLines,
)
from ledger.errors import BadValue, CannotReverse, PeriodIsClosed, Refusal, TwoPersonsNeeded, Unknown
from reports.banking.reading import read_file
from reports.banking.taking import named
from reports.cash_legs import Seen
from reports.closing import ChangedMeanwhile, NotReady, cut_off, periods
from reports.matching import commands_of, line_ref, read_open, record_in_parts, record_matches
from reports.position import position
from reports.reconcile import Match

OPS = st.lists(st.tuples(st.integers(0, 6), st.integers(1, 999), st.integers(0, 4)), min_size=4, max_size=14)


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
        seen = Seen()
        assert read_open(desk.ledger.journal, seen=seen).found == desk.books().found
        done = record_matches(desk.ledger.writer, desk.books(), "li")
        off = int(changed is not None and changed < lines)
        assert (done.recorded, done.refused, done.too_large) == (lines - off, 0, 0)
        books = desk.books()
        for whoever in (seen, Seen()):
            assert read_open(desk.ledger.journal, seen=whoever).found == books.found
        ideas = {key for one in books.found.suggestions for way in one.alternatives for key in way.lines}
        assert [state for _, state in desk.open(ideas)] == ["suggested"] * off
        found = position(books.sides, books.whole, desk.statements())
        assert found.difference == 0
        banks = [one.bank for one in found.accounts if one.name == "icbc-1"]  # none where all was reversed
        assert [bank.unexplained for bank in banks if bank is not None] == [0] * bool(lines)
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
        books_said = {one["account"]: one["book"] for one in said["accounts"]}
        assert books_said == {"icbc-1": sum(one.book for one in found.accounts if one.name == "icbc-1")}


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
    found = desk.ready("2026-03", [kept], opened_on)
    assert ([gap.account for gap in found.gaps], list(found.lines), list(found.held)) == (["abc-1"], [], [])
    later = kept._replace(id=9, first_on=date(2026, 3, 30), last_on=date(2026, 3, 31), opening=1, account="icbc-1")
    torn = desk.ready("2026-03", [kept, later], {"icbc-1": FIRST})
    assert [(gap.account, gap.what) for gap in torn.gaps] == [("icbc-1", "gap")]
    held = kept._replace(ties=False)
    assert list(desk.ready("2026-03", [held]).held) == [kept.id]


def test_a_line_that_comes_while_a_month_is_being_closed_does_not_slip_in(desk: Desk) -> None:
    """All was settled when it was looked; a statement, an unmatching or an acceptance since then is not passed over."""
    statements = desk.statements()
    ready = desk.ready("2026-04", statements)
    assert ready.is_ready
    file = desk.folder / "u.csv"
    file.write_text("交易日期,金额,余额,流水号\n2026-04-29,3.21,403.21,U1\n", "utf-8")
    desk.register.take(named(read_file(file, None), "icbc-1", file), file)
    with pytest.raises(ChangedMeanwhile):
        desk.close_on(ready, statements)
    [line] = [one for one in desk.books().sides.lines if one.refs == ("U1",)]
    two: dict[str, Any] = {"by": "li", "approved_by": ("wang",)}
    ref = line_ref(line.key, desk.books().standing)
    desk.ledger.writer.submit(WriteOffLines(key="off", match="off", lines=(ref,), reason="not_ours", **two))
    statements = desk.statements()
    ready = desk.ready("2026-04", statements)
    assert ready.is_ready
    desk.ledger.writer.submit(UnmatchLines(key="again", match="off", by="wang"))
    with pytest.raises(ChangedMeanwhile):
        desk.close_on(ready, statements)
    desk.ledger.writer.submit(WriteOffLines(key="off2", match="off2", lines=(ref,), reason="not_ours", **two))


def test_a_later_fact_says_which_entry_it_corrects(desk: Desk) -> None:
    on = date(2026, 5, 1)
    [closed] = desk.ledger.rows("select min(seq) from entry where type = 'DonationReceived'")
    right = ReceiveDonation(key="right", donation="right", fund=FUND, amount=5, on=on, corrects=closed[0])
    seq = desk.ledger.writer.submit(right).seq
    [(body,)] = desk.ledger.rows(f"select body from entry where seq = {seq}")  # noqa: S608 (ours)
    assert msgspec.json.decode(body)["data"]["corrects"] == closed[0]
    assert (
        refused(desk, right.__class__(key="r", donation="r", fund=FUND, amount=5, on=on, corrects=seq + 1)) is Unknown
    )
    assert refused(desk, right.__class__(key="r", donation="r", fund=FUND, amount=5, on=on, corrects=-1)) is BadValue


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
        for month in ("2026-04", "2026-05", None):
            assert [(one.seq, one.on, one.bank_on) for one in cut_off(cursor, month)] == [(seq, on, date(2026, 4, 30))]
        assert cut_off(cursor, "2026-03") == []
        found = cursor.execute("select match from leg_part join line_part using (seq) where entry = %s", (seq,))
        [(match,)] = found.fetchall()
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
    open_legs = [leg.key for leg in read_open(desk.ledger.journal).sides.legs]
    late = Match("person/1", (line,), (*open_legs[-2:], (10**6, 0)))
    with pytest.raises(Unknown):  # somebody else matched it while it was looked at
        record_in_parts(desk.ledger.writer, late, read_open(desk.ledger.journal), "li")


def test_who_reads_what_is_open_goes_on_where_they_ended(desk: Desk) -> None:
    """What came, what was undone and what was reversed since then is seen; the rest is not read again."""
    seen = Seen()
    before = read_open(desk.ledger.journal, seen=seen).found
    [(match,)] = desk.ledger.rows("select match from line_part where kind = 'matched' and undone is null limit 1")
    desk.ledger.writer.submit(UnmatchLines(key="seen", match=match, by="li"))
    leg = (CashLeg("icbc-1", 77, date(2026, 6, 1), "NEW"),)
    for n, key in enumerate(("came", "mistaken")):
        on = date(2026, 6, 1 + n)
        made = ReceiveDonation(key=key, donation=key, fund=FUND, amount=77, on=on, cash=leg)
        seq = desk.ledger.writer.submit(made).seq
    assert len(read_open(desk.ledger.journal, seen=seen).found.legs_left) == len(before.legs_left) + 2
    desk.ledger.writer.submit(ReverseEntry(key="back", reverses=seq, on=date(2026, 6, 2)))
    found = read_open(desk.ledger.journal, seen=seen).found
    assert found == desk.books().found
    assert len(found.suggestions) == len(before.suggestions) + 1
    assert len(found.legs_left) == len(before.legs_left) + 1
    assert seen.size == desk.ledger.journal.entries.head().size


def test_one_match_is_undone_and_told_without_a_look_at_all_others(desk: Desk) -> None:
    with desk.ledger.database.owner() as owner, owner.transaction(force_rollback=True):
        owner.execute("set local session_replication_role = replica")  # these have no entries
        owner.execute(
            "insert into line_part select 'x' || n, 'matched', sha256('x'), 1, n, 'icbc-1', '2026-01-01', 5, n, null "
            "from generate_series(1001, 21000) n"
        )
        owner.execute("insert into leg_part select n, 0, 'icbc-1', 5, null, n from generate_series(1001, 21000) n")
        owner.execute("analyze line_part, leg_part")
        for sql, values in (
            (queries("ledger", "cashbook.sql")["undo_leg_parts"], (["x1001"], [7])),
            (queries("reports", "matching.sql")["entry_lines"], ([1001, 1002],)),
        ):
            plan = str(owner.execute(f"explain {sql}", values).fetchall())
            assert "line_part_pkey" in plan, plan
            assert "Seq Scan on l" not in plan.replace("bank_line", ""), plan
