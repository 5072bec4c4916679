"""What could pay for a case: just what an allocation can take, in its order, and a reason for all else."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import pytest
from conftest import Ledger

from ledger.decisions import (
    Basis,
    Command,
    HoldMoney,
    MakeAllocation,
    OpenCase,
    OpenFund,
    ReceiveDonation,
    RegisterHospital,
)
from ledger.errors import NotEnoughMoney, Refusal, Unknown
from projections.runner import Runner
from reports.eligible import Eligible, eligible

DAY = date(2026, 3, 1)


def recorded(ledger: Ledger, commands: Sequence[Command]) -> None:
    for outcome in ledger.writer.submit_batch(commands):
        assert not isinstance(outcome, Refusal), outcome


def seen(ledger: Ledger, case: str = "C") -> Eligible:
    Runner(ledger.journal).catch_up()
    return eligible(ledger.journal, case, DAY)


def gift(name: str, amount: int, **terms: object) -> ReceiveDonation:
    return ReceiveDonation(key=name, donation=name, fund="F", amount=amount, on=date(2026, 1, 5), **terms)  # type: ignore[arg-type]  # a test's own


@pytest.fixture
def fund(ledger_with_codes: Ledger) -> Ledger:
    """Fund F with money of each kind, and case C: a child with VSD from Henan at hospital H."""
    child = {"hospital": "H", "household": "HH", "attributes": {"disease": "VSD", "province": "410000"}}
    recorded(
        ledger_with_codes,
        [
            OpenFund(key="f", fund="F", name="fund"),
            RegisterHospital(key="h", hospital="H", name="hospital"),
            OpenCase(key="c", case="C", fund="F", person="P", **child),  # type: ignore[arg-type]  # a test's own
            OpenCase(key="c2", case="C2", fund="F", person="P2", purpose="other", **child),  # type: ignore[arg-type]  # a test's own
            gift("free", 1_000),
            gift("vsd", 200, restriction=(("disease", ("VSD",)),)),
            gift("asd", 300, restriction=(("disease", ("ASD",)),)),
            gift("gone", 400, expires_on=date(2026, 2, 1)),
            gift("soon", 500, expires_on=date(2026, 12, 1)),
            gift("later", 600, usable_from=date(2026, 6, 1)),
            gift("agency", 700, nature="agency", restriction=(("person", ("P",)),)),
            gift("another", 800, nature="agency", restriction=(("person", ("P2",)),)),
        ],
    )  # fmt: skip
    return ledger_with_codes


def test_what_fits_can_be_allocated_and_not_a_fen_more(fund: Ledger) -> None:
    found = seen(fund)
    assert found.fitting == 1_000 + 200 + 500 + 700
    too_much = MakeAllocation(key="a", allocation="A", case="C", amount=found.fitting + 1, on=DAY)
    with pytest.raises(NotEnoughMoney):
        fund.writer.submit(too_much)
    fund.writer.submit(MakeAllocation(key="b", allocation="A", case="C", amount=found.fitting, on=DAY))
    assert seen(fund).fitting == 0


def test_offers_come_in_the_order_in_which_they_are_taken(fund: Ledger) -> None:
    fitting = [offer for offer in seen(fund).offers if offer.obstacle is None]
    done = fund.writer.submit(
        MakeAllocation(key="a", allocation="A", case="C", amount=sum(one.amount for one in fitting) - 1, on=DAY)
    )
    moves = fund.journal.entries.read(done.seq, 1)[0].data["moves"]
    taken = {move["tape"]: move["hi"] - move["lo"] for move in moves}
    assert {f"t{one.tape}": one.amount for one in fitting[:-1]}.items() <= taken.items()
    assert taken[f"t{fitting[-1].tape}"] == fitting[-1].amount - 1, "what is last in the order is what was left"


def test_what_does_not_fit_says_why(fund: Ledger) -> None:
    obstacles = {offer.amount: offer.obstacle for offer in seen(fund).offers}
    assert {300: "disease", 400: "expired", 600: "too_early", 800: "person"}.items() <= obstacles.items()


def test_held_money_is_not_offered_and_siblings_are_named(fund: Ledger) -> None:
    before = seen(fund)
    assert [(one.id, one.person) for one in before.siblings] == [("C2", False)]
    run = next(one for one in before.offers if one.obstacle is None and one.amount == 1_000)
    recorded(fund, [HoldMoney(key="x", hold="X", ranges=(f"t{run.tape}:0-250",), on=DAY, basis=Basis("police", "1"))])
    assert seen(fund).fitting == before.fitting - 250


def test_an_unknown_case_is_refused(fund: Ledger) -> None:
    with pytest.raises(Unknown):
        seen(fund, "nobody")
