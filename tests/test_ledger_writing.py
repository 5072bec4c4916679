"""The writer when many write at once, when a command is bad, when the connection breaks, when the clock is wrong."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from conftest import Ledger, every_server
from eventsourcing.persistence import OperationalError

from audit.verify import bundle, verify
from ledger.decisions import (
    CashLeg,
    ClosePeriod,
    Command,
    DefineCode,
    GrantCash,
    MakeAllocation,
    OpenCase,
    OpenFund,
    PayHospital,
    PaymentLine,
    ReceiveDonation,
    RegisterHospital,
)
from ledger.errors import ClockBehind, Refusal
from ledger.journal import Journal, Writing
from ledger.times import parse_utc
from ledger.writing import Abandoned, OutcomeUnknown, Recorded, Writer

ON = date(2026, 3, 1)

OTHER_PROCESS = """
import os, sys
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from ledger.database import Database
from ledger.decisions import ReceiveDonation
from ledger.journal import Journal
from ledger.writing import Writer
name, owner_url, schema = sys.argv[1:]
def write(thread):
    for n in range(25):
        gift = f"{name}-{thread}-{n}"
        done = writer.submit(ReceiveDonation(key=gift, donation=gift, fund="F", amount=7, on=date(2026, 3, 1)))
        os.write(1, f"{gift} {done.seq}\\n".encode())
with Journal(Database(owner_url, schema=schema), pool_size=12) as journal:
    writer = Writer(journal)
    os.write(1, b"ready\\n")
    sys.stdin.readline()
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(write, range(8)))
"""
"""A process of eight threads that records 200 gifts, each with a commit of its own or shared, and says what it got."""


def gift(name: str, amount: int = 10, **more: Any) -> ReceiveDonation:
    return ReceiveDonation(key=name, donation=name, fund="F", amount=amount, on=ON, **more)


def prepared(ledger: Ledger) -> Ledger:
    """With a fund, a hospital, a case and 1,000 fen given."""
    ledger.writer.submit_batch(
        [
            OpenFund(key="F", fund="F", name="fund"),
            RegisterHospital(key="H", hospital="H", name="hospital"),
            OpenCase(key="C", case="C", fund="F", hospital="H"),
            gift("G0", 1000),
        ]
    )
    return ledger


def allocation(name: str, amount: int) -> MakeAllocation:
    return MakeAllocation(key=name, allocation=name, case="C", amount=amount, on=ON)


def entries_of(journal: Journal) -> list[dict[str, Any]]:
    """All entries, read on a connection of their own: those of the pool may be broken on purpose."""
    with journal.database.service() as service:
        return [json.loads(body) for (body,) in service.execute("select body from entry order by seq").fetchall()]


def assert_sound(journal: Journal) -> None:
    """The chain is dense and whole, versions are dense, and the tables are what the entries come to."""
    with journal.database.service() as cursor:
        bodies = [body for (body,) in cursor.execute("select body from entry order by seq").fetchall()]
        report = verify(bundle(bodies))
        assert report.problems == ()
        rows = cursor.execute("select tape, lo, hi, place, home, since::text from holding order by tape, lo").fetchall()
        size, leaf = cursor.execute("select size, leaf from head").fetchall()[0]
        seqs = [seq for (seq,) in cursor.execute("select seq from entry order by seq").fetchall()]
        ends = dict(cursor.execute("select number, ends_at from tape").fetchall())
        gaps = cursor.execute("select stream from entry group by stream having count(*) <> max(version)").fetchall()
    assert rows == list(report.places())
    assert (seqs, leaf.hex(), ends, gaps) == (list(range(size)), report.head, report.tapes, [])


def donations(journal: Journal) -> dict[str, int]:
    """Every donation with its seq; each is there once."""
    found = [(e["data"]["donation"], e["seq"]) for e in entries_of(journal) if e["type"] == "DonationReceived"]
    assert max(Counter(name for name, _ in found).values(), default=0) <= 1
    return dict(found)


# Many at once.


@every_server
def test_threads_and_processes_make_one_chain_with_every_acknowledged_command_once(ledger: Ledger) -> None:
    prepared(ledger)
    others = [
        subprocess.Popen(
            [sys.executable, "-c", OTHER_PROCESS, name, ledger.database.owner_url, ledger.database.schema],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[1],
        )
        for name in ("one", "two")
    ]

    def write(thread: int) -> dict[str, int]:
        return {f"own-{thread}-{n}": ledger.writer.submit(gift(f"own-{thread}-{n}")).seq for n in range(25)}

    with ThreadPoolExecutor(8) as threads:
        for other in others:
            assert other.stdin is not None
            assert other.stdout is not None
            assert other.stdout.readline() == "ready\n"
        for other in others:
            assert other.stdin is not None
            other.stdin.write("go\n")
            other.stdin.flush()
        own = list(threads.map(write, range(8)))
    told = [other.communicate(timeout=60)[0] for other in others]
    assert [other.returncode for other in others] == [0, 0]
    acknowledged = {name: int(seq) for name, seq in (line.split() for text in told for line in text.splitlines())}
    for each in own:
        acknowledged |= each
    assert len(acknowledged) == 600
    recorded = donations(ledger.journal)
    assert recorded.pop("G0") > 0
    assert recorded == acknowledged
    assert_sound(ledger.journal)


def test_threads_of_one_process_share_commits(ledger: Ledger) -> None:
    prepared(ledger)
    with ThreadPoolExecutor(8) as threads:
        outcomes = list(threads.map(lambda n: ledger.writer.submit(gift(f"G{n}")), range(1, 401)))
    assert len({outcome.seq for outcome in outcomes}) == 400
    with ledger.journal.entries.reading() as cursor:
        ((transactions,),) = cursor.execute(
            "select count(distinct xmin::text) from entry where type = 'DonationReceived'"
        ).fetchall()
    assert transactions < 300
    assert_sound(ledger.journal)


def test_money_is_not_spent_twice_by_threads_that_want_the_same(ledger: Ledger) -> None:
    prepared(ledger)

    def spend(n: int) -> bool:
        return isinstance(ledger.writer.submit_batch([allocation(f"A{n}", 150)])[0], Recorded)

    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(spend, range(40))) == 6
    assert_sound(ledger.journal)


# Refusals.

BAD: list[Callable[[], Command]] = [
    lambda: gift("G1", 0),
    lambda: gift("G1", 2**53),
    lambda: gift("G1", 2**53 - 1),
    lambda: gift("G1", 2**70),
    lambda: gift("G1", True),
    lambda: gift("G0"),
    lambda: gift("G\0"),
    lambda: gift("G1", donor=""),
    lambda: gift("G1", donor="x" * 121),
    lambda: gift("G1", donor="\ud800"),
    lambda: gift("G1", by="\ud800"),
    lambda: gift("G1", source="\ud800"),
    lambda: gift("G1", source="theft"),
    lambda: gift("G1", nature="fee"),
    lambda: gift("G1", fee_bp=-1),
    lambda: gift("G1", evidence=("\ud800",)),
    lambda: gift("G1", cash=(CashLeg("a", 2**70),)),
    lambda: gift("G1", cash=(CashLeg("a", -(2**60)),)),
    lambda: gift("G1", restriction=(("disease", ("nothing",)),)),
    lambda: gift("G1", restriction=(("disease", ("\ud800",)),)),
    lambda: gift("G1", restriction=(("Disease", ("x",)),)),
    lambda: gift("G1", restriction=(("hospital", ()),)),
    lambda: gift("G1", restriction=tuple((f"d{n}", ("x",)) for n in range(9))),
    lambda: gift("G1", usable_from=date(2026, 3, 2), expires_on=ON),
    lambda: ReceiveDonation(key="G1", donation="G1", fund="F", amount=1),
    lambda: ReceiveDonation(key="G1", donation="G1", fund="nothing", amount=1, on=ON),
    lambda: ReceiveDonation(key="G1", donation="G1", fund="F", amount=1, on=date(9999, 1, 1)),
    lambda: OpenFund(key="F1", fund="F1", name=""),
    lambda: OpenFund(key="F1", fund="F1", name="\ud800"),
    lambda: OpenFund(key="F1", fund="F1", name="n" * 201),
    lambda: OpenFund(key="F1", fund="F1", name="fund", on=date(9999, 1, 1)),
    lambda: RegisterHospital(key="H1", hospital="H1", name="hospital", on=date(9999, 1, 1)),
    lambda: DefineCode(key="D1", dimension="disease", code="x", name="\ud800"),
    lambda: DefineCode(key="D1", dimension="\ud800", code="x", name="x"),
    lambda: DefineCode(key="D1", dimension="disease", code="x", name="x", parent="\ud800"),
    lambda: DefineCode(key="D1", dimension="disease", code="x", name="x", on=date(9999, 1, 1)),
    lambda: OpenCase(key="C1", case="C1", fund="F", hospital="nothing"),
    lambda: OpenCase(key="C1", case="C1", fund="F", hospital="H", on=date(9999, 1, 1)),
    lambda: OpenCase(key="C1", case="C1", fund="F", hospital="H", attributes={"disease": "\ud800"}),
    lambda: OpenCase(key="C1", case="C1", fund="F", hospital="H", attributes={"\ud800": "x"}),
    lambda: allocation("A1", 1_000_000),
    lambda: MakeAllocation(key="A1", allocation="A1", case="nothing", amount=1, on=ON),
    lambda: PayHospital(key="P1", payment="P1", hospital="H", lines=(), on=ON),
    lambda: PayHospital(key="P1", payment="P1", hospital="H", lines=(PaymentLine("C", 1),), on=ON),
    lambda: PayHospital(key="P1", payment="P1", hospital="H", lines=(PaymentLine("\ud800", 1),), on=ON),
    lambda: GrantCash(key="R1", grant="R1", case="C", amount=1, on=ON, purpose="\ud800"),
]


def test_a_refused_command_leaves_nothing_and_harms_no_neighbour(ledger: Ledger) -> None:
    size = len(entries_of(prepared(ledger).journal))
    harmful: list[tuple[Command, object]] = []
    for n, bad in enumerate(BAD):
        try:
            left, refused, right = ledger.writer.submit_batch([gift(f"left{n}"), bad(), gift(f"right{n}")])
        except Exception as error:  # noqa: BLE001 - any at all is a neighbour harmed
            harmful.append((bad(), error))
            continue
        if not isinstance(refused, Refusal) or (left, right) != (Recorded(size), Recorded(size + 1)):
            harmful.append((bad(), (left, refused, right)))
        else:
            assert refused.say("zh")
            assert refused.say("en")
        size = len(entries_of(ledger.journal))
    assert harmful == []
    assert_sound(ledger.journal)


def test_a_case_is_found_by_its_first_opening_whatever_a_refused_second_one_says(ledger: Ledger) -> None:
    prepared(ledger).writer.submit(OpenFund(key="F2", fund="F2", name="other"))
    ledger.writer.submit(gift("G1", 50))
    ledger.writer.submit(ReceiveDonation(key="G2", donation="G2", fund="F", amount=5, on=date(2026, 3, 2)))
    outcomes = ledger.writer.submit_batch(
        [
            OpenCase(key="D", case="D", fund="F", hospital="H"),
            OpenCase(key="D2", case="D", fund="F2", hospital="H"),
            gift("G3", 5),
            MakeAllocation(key="A", allocation="A", case="D", amount=30, on=date(2026, 3, 2)),
        ]
    )
    assert [isinstance(outcome, Recorded) for outcome in outcomes] == [True, False, True, True]
    assert [(m["lo"], m["hi"]) for m in entries_of(ledger.journal)[-1]["data"]["moves"]] == [(0, 30)]
    assert_sound(ledger.journal)


def test_nobody_gets_past_the_duplicate_guard_by_naming_the_person_among_the_attributes(ledger: Ledger) -> None:
    prepared(ledger).writer.submit(OpenCase(key="1", case="1", fund="F", hospital="H", person="P"))
    for n, person in enumerate((None, "Q")):
        with pytest.raises(Refusal):
            ledger.writer.submit(
                OpenCase(key="2", case=f"2{n}", fund="F", hospital="H", person=person, attributes={"person": "P"})
            )


def test_the_last_day_of_the_calendar_is_an_expiry_and_comes_before_none(ledger: Ledger) -> None:
    prepared(ledger).writer.submit(gift("G1", 10, expires_on=date(9999, 12, 31)))
    ledger.writer.submit(allocation("A", 5))
    assert entries_of(ledger.journal)[-1]["data"]["moves"][0]["tape"] == "t2"
    assert_sound(ledger.journal)


# All or nothing.


@pytest.mark.parametrize("error", [Abandoned, KeyError, KeyboardInterrupt])
def test_a_session_that_is_left_by_an_exception_leaves_nothing(ledger: Ledger, error: type[BaseException]) -> None:
    prepared(ledger)
    before = entries_of(ledger.journal)
    raised: list[BaseException] = []
    try:
        with ledger.writer.session() as session:
            opened = session.run([OpenFund(key="F2", fund="F2", name="other"), gift("G1", fee_bp=1000)])
            assert all(isinstance(outcome, Recorded) for outcome in opened)
            assert isinstance(session.run([allocation("A", 1005)])[0], Recorded)
            raise error
    except (KeyError, KeyboardInterrupt) as left:
        raised.append(left)
    assert [type(left) for left in raised] == ([] if error is Abandoned else [error])
    assert entries_of(ledger.journal) == before
    assert_sound(ledger.journal)
    again = ledger.writer.submit_batch([gift("G1", fee_bp=1000), allocation("A", 1005)])
    assert [isinstance(outcome, Recorded) for outcome in again] == [True, True]
    assert_sound(ledger.journal)


def test_a_session_that_ends_well_is_recorded_whole(ledger: Ledger) -> None:
    prepared(ledger)
    with ledger.writer.session() as session:
        first = session.run([gift("G1", fee_bp=1000), allocation("A", 2000)])
        second = session.run([gift("G2"), gift("G1", fee_bp=1000), allocation("A", 1019)])
    assert [isinstance(outcome, Recorded) for outcome in first + second] == [True, False, True, True, True]
    assert second[1] == Recorded(getattr(first[0], "seq", -1), replayed=True)
    assert_sound(ledger.journal)


def test_what_a_writer_knows_from_its_last_batch_it_does_not_believe_once_another_wrote(ledger: Ledger) -> None:
    prepared(ledger)
    one, other = ledger.writer, Writer(ledger.journal)
    close = ClosePeriod(
        key="close", period="2026-03", by="li", approved_by=("wang",), totals=(), accounts=(), suspense=0, elsewhere=0,
        size=1, root="00" * 32,
    )  # fmt: skip
    agreement = gift("G9", agreement="A1")
    for writer, command in (
        *((one, gift("G1")), (one, allocation("A1", 1005)), (one, gift("G2")), (one, allocation("A2", 15))),
        *((other, gift("G3")), (other, allocation("A3", 4)), (one, gift("G4")), (other, allocation("A4", 16))),
        *((one, gift("G5")), (other, agreement), (one, gift("G6", agreement="A1")), (other, gift("G7"))),
        (one, gift("G8", nature="agency", restriction=(("person", ("P1",)),))),
    ):
        assert isinstance(writer.submit_batch([command])[0], Recorded), command
        assert_sound(ledger.journal)
    other.submit(close)
    for writer in (one, other):
        assert [getattr(outcome, "code", "") for outcome in writer.submit_batch([gift("late")])] == ["period_closed"]


# Idempotency.


def test_the_same_key_with_the_same_content_replays_and_with_other_content_conflicts(ledger: Ledger) -> None:
    prepared(ledger)
    first, again, other = ledger.writer.submit_batch([gift("G1"), gift("G1"), gift("G1", 11)])
    assert isinstance(first, Recorded)
    assert again == Recorded(first.seq, replayed=True)
    assert isinstance(other, Refusal)
    assert other.code == "idempotency_conflict"
    later = Writer(ledger.journal).submit_batch([gift("G1", 11), gift("G1"), allocation("G1", 1)])
    assert [getattr(outcome, "code", outcome) for outcome in later] == [
        "idempotency_conflict",
        Recorded(first.seq, replayed=True),
        "idempotency_conflict",
    ]
    assert_sound(ledger.journal)


def test_refusals_are_not_remembered(ledger: Ledger) -> None:
    prepared(ledger)
    refused, _, recorded = ledger.writer.submit_batch([allocation("A", 1005), gift("G1"), allocation("A", 1005)])
    assert isinstance(refused, Refusal)
    assert isinstance(recorded, Recorded)
    assert not recorded.replayed
    assert_sound(ledger.journal)


# Broken connections.


class Breaking:
    """Stands in for `writing`: breaks the first so many transactions, at one moment of theirs."""

    def __init__(self, ledger: Ledger, moment: str, times: int) -> None:
        self.entries, self.original = ledger.journal.entries, ledger.journal.entries.writing
        self.database, self.moment, self.times = ledger.database, moment, times

    def terminate(self, pid: int) -> None:
        self.times -= 1
        with self.database.owner() as owner:
            owner.execute("select pg_terminate_backend(%s, 5000)", (pid,))

    @contextmanager
    def __call__(self) -> Iterator[Writing]:
        moment = self.moment if self.times > 0 else ""
        with self.original() as writing:
            if moment == "at the beginning":
                self.terminate(writing.cursor.connection.info.backend_pid)
            yield writing
            if moment == "before the commit":
                self.terminate(writing.cursor.connection.info.backend_pid)
            pid = writing.cursor.connection.info.backend_pid
        if moment == "after the commit":
            self.terminate(pid)
            raise OperationalError("the answer to the commit never came")


@every_server
@pytest.mark.parametrize("times", [1, 3])
@pytest.mark.parametrize("moment", ["at the beginning", "before the commit", "after the commit"])
def test_a_commit_of_unknown_outcome_is_recorded_once_and_its_caller_gets_its_seq(
    ledger: Ledger, moment: str, times: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepared(ledger)
    monkeypatch.setattr(ledger.journal.entries, "writing", Breaking(ledger, moment, times))
    before = len(entries_of(ledger.journal))
    writer = Writer(ledger.journal, pause=lambda pause_s: None)
    one, refused, two = writer.submit_batch([gift("G1"), allocation("A", 5000), gift("G2", fee_bp=100)])
    recorded = donations(ledger.journal)
    assert isinstance(one, Recorded)
    assert isinstance(two, Recorded)
    assert isinstance(refused, Refusal)
    assert (one.seq, two.seq) == (recorded["G1"], recorded["G2"]) == (before, before + 1)
    assert one.replayed == two.replayed == (moment == "after the commit")
    assert writer.submit(gift("G3")).seq == before + 2
    assert_sound(ledger.journal)


def test_waiting_threads_get_their_outcomes_when_connections_break(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepared(ledger)
    monkeypatch.setattr(ledger.journal.entries, "writing", Breaking(ledger, "after the commit", 3))
    writer = Writer(ledger.journal, pause=lambda pause_s: None)
    with ThreadPoolExecutor(8) as threads:
        outcomes = list(threads.map(lambda n: writer.submit(gift(f"G{n}")).seq, range(1, 101)))
    assert outcomes == [donations(ledger.journal)[f"G{n}"] for n in range(1, 101)]
    assert_sound(ledger.journal)


def test_a_database_that_stays_away_is_said_with_every_pause_taken(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepared(ledger)
    before = entries_of(ledger.journal)
    paused: list[float] = []
    breaking = Breaking(ledger, "before the commit", 1000)
    monkeypatch.setattr(ledger.journal.entries, "writing", breaking)
    writer = Writer(ledger.journal, pause=paused.append)
    with pytest.raises(OutcomeUnknown) as unknown:
        writer.submit(gift("G1"))
    assert unknown.value.say("zh")
    assert paused == sorted(paused)
    assert len(paused) >= 3
    breaking.times = 0
    assert entries_of(ledger.journal) == before
    assert writer.submit(gift("G1")).seq == len(before)
    assert_sound(ledger.journal)


# The clock.


def clocked(ledger: Ledger, instants: Sequence[datetime]) -> None:
    ledger.journal.entries.clock = iter(instants).__next__


def test_a_clock_more_than_a_minute_behind_stops_writing_and_nothing_is_written(ledger: Ledger) -> None:
    prepared(ledger)
    before = entries_of(ledger.journal)
    last = parse_utc(before[-1]["at"])
    clocked(ledger, [last - timedelta(seconds=61), last - timedelta(seconds=60), last + timedelta(seconds=1)])
    with pytest.raises(ClockBehind):
        ledger.writer.submit(gift("G1"))
    assert entries_of(ledger.journal) == before
    assert ledger.writer.submit(gift("G1")).seq == len(before)
    assert ledger.writer.submit(gift("G2")).seq == len(before) + 1
    assert_sound(ledger.journal)


def test_at_never_goes_back(ledger: Ledger) -> None:
    prepared(ledger)
    last = datetime.now(UTC) + timedelta(seconds=1)
    steps = [0, -30, -59, 5, 4, 3, 64, 5, 64.000001]
    clocked(ledger, [last + timedelta(seconds=step) for step in steps])
    for n in range(len(steps)):
        ledger.writer.submit(gift(f"G1{n}"))
    instants = [entry["at"] for entry in entries_of(ledger.journal)]
    assert instants == sorted(instants)
    assert len(set(instants[-len(steps) :])) == 4
    assert_sound(ledger.journal)


def test_a_payment_of_too_many_ranges_for_one_entry_is_one_fact_in_parts(ledger: Ledger) -> None:
    prepared(ledger).writer.submit(OpenCase(key="E", case="E", fund="F", hospital="H"))
    one_by_one = [
        MakeAllocation(key=f"A{n}", allocation=f"A{n}", case="CE"[n % 2], amount=1, on=ON) for n in range(1000)
    ]
    ledger.writer.submit(gift("G1", 1000))
    ledger.writer.submit_batch([*one_by_one, *(allocation(f"B{n}", 1) for n in range(1))])
    lines = (PaymentLine("C", 500), PaymentLine("E", 500))
    paid = PayHospital(key="P", payment="P", hospital="H", lines=lines, on=ON)
    seq = ledger.writer.submit(paid).seq
    parts = entries_of(ledger.journal)[seq:]
    assert [part["data"].get("part") for part in parts] == list(range(1, len(parts) + 1))
    assert len(parts) > 1
    assert sum(len(part["data"]["moves"]) for part in parts) == 1000
    assert ledger.writer.submit_batch([paid, gift("G2")]) == [Recorded(seq, replayed=True), Recorded(seq + len(parts))]
    assert_sound(ledger.journal)
