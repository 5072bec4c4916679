"""Batches are decided without looking first: nobody can tell, but for the speed."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from typing import Any

import msgspec
import pytest
from conftest import Ledger

from audit.verify import verify
from ledger import writing
from ledger.decisions import (
    Command,
    DefineCode,
    MakeAllocation,
    OpenCase,
    OpenFund,
    PayHospital,
    PaymentLine,
    ReceiveDonation,
    RegisterHospital,
)
from ledger.errors import (
    AlreadyRecorded,
    BadValue,
    DuplicateBusinessKey,
    IdempotencyConflict,
    NotEnoughMoney,
    Refusal,
)
from ledger.writing import Outcome, Recorded, Writer

ON = date(2026, 3, 1)


def gift(name: str, amount: int = 100, *, key: str | None = None, transaction: str | None = None) -> ReceiveDonation:
    return ReceiveDonation(
        key=key or name, donation=name, fund="F", amount=amount, on=ON, channel="bank", channel_txn=transaction or name
    )


@pytest.fixture
def looks(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Whether each batch decided was trusted, in order; the ledger has a fund, a hospital and a case."""
    ledger.writer.submit_batch(
        [
            OpenFund(key="F", fund="F", name="F"),
            RegisterHospital(key="H", hospital="H", name="H"),
            OpenCase(key="C", case="C", fund="F", hospital="H"),
        ]
    )
    trusted: list[bool] = []
    original = writing.decide_batch

    def watched(*arguments: object, trusting: bool = False) -> list[Outcome]:
        trusted.append(trusting)
        return original(*arguments, trusting=trusting)  # type: ignore[arg-type]  # handed on as they came

    monkeypatch.setattr(writing, "decide_batch", watched)
    return trusted


def submitted(ledger: Ledger, commands: Sequence[Command]) -> list[Outcome]:
    outcomes = ledger.writer.submit_batch(commands)
    assert verify(ledger.journal.entries.bundles()).problems == ()
    return outcomes


def test_what_is_new_is_recorded_without_a_look(ledger: Ledger, looks: list[bool]) -> None:
    assert all(isinstance(outcome, Recorded) for outcome in submitted(ledger, [gift("1"), gift("2")]))
    assert looks == [True]


@pytest.mark.parametrize(
    ("again", "expected"),
    [
        (gift("1"), Recorded),
        (gift("1", 200), IdempotencyConflict),
        (gift("1", key="other", transaction="other"), AlreadyRecorded),
        (gift("other", transaction="1"), DuplicateBusinessKey),
    ],
    ids=["replay", "conflict", "same id", "same transaction"],
)
def test_what_was_there_already_is_found_with_a_second_look(
    ledger: Ledger, looks: list[bool], again: Command, expected: type
) -> None:
    (first,) = submitted(ledger, [gift("1")])
    left, middle, right = submitted(ledger, [gift("2"), again, gift("3")])
    assert isinstance(middle, expected)
    assert middle == Recorded(getattr(first, "seq", -1), replayed=True) or expected is not Recorded
    assert isinstance(left, Recorded)
    assert isinstance(right, Recorded)
    assert (left.replayed, right.replayed, right.seq) == (False, False, left.seq + 1)
    assert looks == [True, True, False]


def test_a_replay_is_answered_as_at_first_though_it_could_not_be_done_again(ledger: Ledger, looks: list[bool]) -> None:
    allocation = MakeAllocation(key="A", allocation="A", case="C", amount=100, on=ON)
    _, first = submitted(ledger, [gift("1"), allocation])
    assert isinstance(first, Recorded)
    assert submitted(ledger, [allocation]) == [Recorded(first.seq, replayed=True)]
    assert looks == [True, True, False]


def test_trust_comes_back_with_the_first_batch_that_is_wholly_new(ledger: Ledger, looks: list[bool]) -> None:
    submitted(ledger, [gift("1")])
    (refused,) = submitted(ledger, [MakeAllocation(key="A", allocation="A", case="C", amount=101, on=ON)])
    assert isinstance(refused, NotEnoughMoney)
    submitted(ledger, [gift("2")])
    submitted(ledger, [gift("3")])
    assert looks == [True, True, False, False, True]


def test_an_empty_batch_is_answered_at_once(ledger: Ledger) -> None:
    assert ledger.writer.submit_batch([]) == []


def test_a_caller_interrupted_while_it_waits_holds_nobody_up(ledger: Ledger, looks: list[bool]) -> None:
    """Ctrl-C in a waiting thread: its turn leaves the queue, and those behind it are served."""
    waits = threading.Event()
    outcomes: list[object] = []

    class Interrupted(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            waits.set()
            super().wait(0.2)
            raise KeyboardInterrupt

    def interrupted() -> None:
        turn = writing._Turn(writing.Batch.of([gift("never")]), wake=Interrupted())
        with pytest.raises(KeyboardInterrupt):
            ledger.writer._await(turn)
        outcomes.append("interrupted")

    with ThreadPoolExecutor(2) as threads:
        with ledger.writer.session():
            first = threads.submit(interrupted)
            assert waits.wait(10)
            second = threads.submit(lambda: outcomes.extend(ledger.writer.submit_batch([gift("1")])))
            first.result(10)
        second.result(10)
    assert outcomes[0] == "interrupted"
    assert isinstance(outcomes[1], Recorded)
    assert isinstance(ledger.writer.submit(gift("2")), Recorded)
    assert looks


def test_a_payment_of_too_many_lines_is_refused_and_harms_no_neighbour(ledger: Ledger, looks: list[bool]) -> None:
    cases = [f"C{n}" for n in range(1500)]
    opened = [OpenCase(key=case, case=case, fund="F", hospital="H") for case in cases]
    allocated = [MakeAllocation(key=f"A{c}", allocation=f"A{c}", case=c, amount=1, on=ON) for c in cases]
    submitted(ledger, [gift("1", 5000), *opened, *allocated])
    lines = tuple(PaymentLine(case, 1, f"bill of {case}") for case in cases)
    payment = PayHospital(key="P", payment="P", hospital="H", lines=lines, on=ON)
    left, refused, right = submitted(ledger, [gift("2"), payment, gift("3")])
    assert isinstance(refused, BadValue)
    assert "split it" in refused.say("en")
    assert isinstance(left, Recorded)
    assert isinstance(right, Recorded)
    assert looks


@pytest.mark.parametrize(
    ("terms", "said"),
    [
        ({"restriction": (("hospital", ("nobody",)),)}, "there is no hospital nobody"),
        ({"restriction": (("desease", ("VSD",)),)}, "the nearest are:"),
        ({"usable_from": date(2026, 5, 1), "expires_on": date(2026, 4, 1)}, "not before usable_from"),
        ({"nature": "agency"}, "exactly one person"),
        ({"restriction": (("person", ("P1",)),)}, "only agency money names a person"),
        ({"donor": "13800138000"}, "give an opaque id instead"),
    ],
)
def test_money_that_no_case_could_ever_get_is_refused(ledger: Ledger, looks: list[bool], terms: Any, said: str) -> None:
    (refused,) = submitted(ledger, [msgspec.structs.replace(gift("1"), **terms)])
    assert isinstance(refused, Refusal)
    assert said in refused.say("en")
    assert looks[0]


def code(name: str) -> DefineCode:
    return DefineCode(key=name, dimension="disease", code=name, name=name)


def test_a_writer_under_which_the_database_was_set_back_believes_nothing_it_knew(ledger: Ledger) -> None:
    """Others wrote as much as was lost: the log is as long as it was, and its tapes and its codes are others."""
    fund, hospital = OpenFund(key="F", fund="F", name="F"), RegisterHospital(key="H", hospital="H", name="H")
    ledger.writer.submit_batch([fund, hospital, gift("G0")])
    tables = {
        **dict.fromkeys(("entry", "command_key", "business_key", "head", "code"), ""),
        "tape": "number, fund, seq, key, ends_at",
        "holding": "tape, lo, hi, place, home, since",
    }
    with ledger.database.owner() as owner:
        for name, columns in tables.items():
            owner.execute(f"create temporary table old_{name} as select {columns or '*'} from {name}")  # noqa: S608 - ours
        ledger.writer.submit_batch([gift("G1", 3), code("K1")])
        owner.execute("set session_replication_role = replica")  # as who restores a backup
        for name, columns in tables.items():
            owner.execute(f"delete from {name}")  # noqa: S608 - ours
            owner.execute(f"insert into {name} {columns and f'({columns})'} select * from old_{name}")  # noqa: S608 - ours
    Writer(ledger.journal).submit_batch([gift("G2", 8), code("K2")])
    case = OpenCase(key="C", case="C", fund="F", hospital="H", attributes={"disease": "K1"})
    assert isinstance(ledger.writer.submit_batch([case])[0], Refusal)
    for seq in range(ledger.journal.entries.head().size):
        assert ledger.writer.entries(seq, 1) == ledger.journal.entries.read(seq, 1), "not what it recorded itself"
    assert isinstance(ledger.writer.submit_batch([gift("G3")])[0], Recorded)
    report = verify(ledger.journal.entries.bundles())
    assert (report.problems, report.tapes) == ((), {1: 208})
