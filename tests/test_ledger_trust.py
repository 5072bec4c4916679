"""Batches are decided without looking first: nobody can tell, but for the speed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import pytest
from conftest import Ledger

from audit.verify import verify
from ledger import writing
from ledger.decisions import Command, MakeAllocation, OpenCase, OpenFund, ReceiveDonation, RegisterHospital
from ledger.errors import AlreadyRecorded, DuplicateBusinessKey, IdempotencyConflict, NotEnoughMoney
from ledger.writing import Outcome, Recorded

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
