"""Every kind of fact: an example of each, that must survive its bytes and be known to the stand-alone verifier."""

from __future__ import annotations

import json
from datetime import date

import msgspec
import pytest
import rfc8785

import audit.verify
from ledger.bank_events import AccountBalance, Total
from ledger.codec import data_of, decode_fact, encode, seal
from ledger.errors import BadValue
from ledger.events import (
    FACTS,
    AccountOpened,
    AllocationMade,
    AllocationReleased,
    BalanceBroughtForward,
    Basis,
    CaseAmended,
    CaseClosed,
    CaseOpened,
    CaseReopened,
    CashGranted,
    CashLeg,
    CodeDefined,
    DonationAttributed,
    DonationReceived,
    DonationRefunded,
    EntryReversed,
    ExpenseMade,
    Fact,
    Foreign,
    FundOpened,
    FundsTransferred,
    GrantReturned,
    HoldLifted,
    HospitalPaymentMade,
    HospitalPaymentReturned,
    HospitalRegistered,
    Issued,
    KeyRotated,
    LedgerOpened,
    LegPart,
    LinePart,
    LinesDisputed,
    LinesMatched,
    LinesUnmatched,
    LinesWrittenOff,
    MoneyHeld,
    Moved,
    PaymentLine,
    PeriodClosed,
    PeriodReopened,
    ReceiptSuspended,
    SerialsSubstituted,
    SubjectErased,
    SubjectRestricted,
    SuspenseRepaid,
    TapeOpened,
    TermsChanged,
    TreatmentSettled,
)

DAY = date(2026, 1, 2)
LINE = LinePart("icbc-1", "0f" * 32, 0, 1, DAY, -5, -3)
EXAMPLES: list[Fact] = [
    LedgerOpened(on=DAY, origin="example.org/a", currency="CNY", exponent=2, zone="Asia/Shanghai", key="k"),
    KeyRotated(on=DAY, key="example.org/a+00000000+AQ=="),
    CodeDefined(dimension="disease", code="VSD", name='室间隔"缺损\\', parent="CHD"),
    FundOpened(fund="基金/一", name="先心病救助专项基金", fee_bp=500),
    TapeOpened(
        fund="F", tape="t1", nature="own", restriction={"province": ("410000", "420000")}, expires_on=DAY, agreement="A"
    ),
    HospitalRegistered(hospital="H", name="医院", province="410000"),
    CaseOpened(case="C", fund="F", attributes={"hospital": "H", "person": "P"}, household="HH", purpose="surgery"),
    DonationReceived(
        on=DAY,
        occurred_on=date(1, 1, 1),
        issue=(Issued("t1", 0, 95, "fund/F"), Issued("t2", 0, 5, "fee/F")),
        donation="D",
        donor="P",
        fund="F",
        amount=100,
        fee_bp=500,
        source="donation",
        channel="wechat",
        channel_txn="T",
        line="1",
        payer="Q",
        receipt_to="Z",
        foreign=Foreign("USD", 14, 2, "7.1234", DAY),
        by="staff",
        approved_by=("a", "b"),
        basis=Basis("consent", "ref"),
        evidence=("00ff",),
        cash=(CashLeg("acct", 100, DAY, "ref"),),
        commitments={"donor_name": "0f" * 32},
    ),
    AllocationMade(
        on=DAY, moves=(Moved("t1", 0, 50, "fund/F", "case/C"),), allocation="A", case="C", fund="F", amount=50
    ),
    HospitalPaymentMade(
        on=DAY,
        policy="earmark-fifo/1",
        moves=(Moved("t1", 0, 50, "case/C", "hospital/H/C"),),
        payment="P",
        hospital="H",
        lines=(PaymentLine("C", 50, "B-1", 60),),
    ),
    TreatmentSettled(
        on=DAY, settlement="S", hospital="H", case="C", amount=1, bill_no="B-1", total=9, insurance=8, family=0
    ),
    CashGranted(on=DAY, grant="G", case="C", amount=2**53 - 1, purpose="travel", period="2026-01"),
    SubjectRestricted(subject="donor/P", until=date(2057, 1, 1), basis=Basis("request", "R-1")),
    SubjectErased(subject="person/人/一", basis=Basis("request", "R-1")),
    BalanceBroughtForward(
        on=DAY,
        issue=(Issued("t1", 0, 7, "hospital/H/C"),),
        basis=Basis("report", "2025"),
        donation="O",
        fund="F",
        amount=7,
        payment="O",
        hospital="H",
        lines=(PaymentLine("C", 7),),
    ),
    DonationAttributed(donation="D", donor="P"),
    AllocationReleased(
        on=DAY, moves=(Moved("t1", 0, 5, "case/C", "fund/F"),), allocation="A", case="C", amount=5, release="R"
    ),
    HospitalPaymentReturned(
        on=DAY, payment="P", hospital="H", case="C", amount=3, reason="surplus", bill_no="B-1", return_id="R"
    ),
    GrantReturned(on=DAY, grant="G", case="C", amount=3, return_id="R"),
    DonationRefunded(on=DAY, refund="R", donation="D", amount=3, fee=0),
    FundsTransferred(on=DAY, transfer="T", fund="F", to_fund="G", amount=3),
    TermsChanged(on=DAY, fund="F", amount=3, donation="D"),
    SerialsSubstituted(on=DAY, case="C", amount=3),
    ExpenseMade(on=DAY, expense="E", fund="F", kind="channel", amount=3, source="fee"),
    MoneyHeld(on=DAY, hold="X", amount=3, donation="D"),
    HoldLifted(on=DAY, hold="X", amount=3),
    CaseAmended(case="C", attributes={"hospital": "H"}),
    CaseClosed(on=DAY, case="C", reason="completed"),
    CaseReopened(case="C"),
    EntryReversed(on=DAY, reverses=7, record="donation/D"),
    AccountOpened(account="icbc-1", kind="bank"),
    ReceiptSuspended(on=DAY, suspense="S", amount=3, cash=(CashLeg("icbc-1", 3, DAY, "ref"),)),
    SuspenseRepaid(on=DAY, suspense="S", amount=3, cash=(CashLeg("icbc-1"),)),
    LinesMatched(match="M", rule="amount-day/1", lines=(LINE,), legs=(LegPart(7, 0, "icbc-1", -3),)),
    LinesWrittenOff(match="W", reason="not_ours", lines=(LINE,), by="a", approved_by=("b",)),
    LinesDisputed(match="X", lines=(LINE,)),
    LinesUnmatched(match="M", by="a"),
    PeriodClosed(
        period="2026-01",
        through=date(2026, 1, 31),
        totals=(Total("fund", "F", 3),),
        accounts=(AccountBalance("icbc-1", -3, 4, DAY), AccountBalance("cash-box", 0)),
        suspense=0,
        elsewhere=-6,
        size=9,
        root="0f" * 32,
        open_lines=1,
        reason="late_statement",
        by="a",
        approved_by=("b",),
    ),
    PeriodReopened(period="2026-01", reason="late_statement", by="a", approved_by=("b",)),
]
by_name = pytest.mark.parametrize("fact", EXAMPLES, ids=lambda fact: type(fact).__name__)


def test_there_is_an_example_of_every_kind() -> None:
    assert sorted(type(fact).__name__ for fact in EXAMPLES) == sorted(FACTS)


@by_name
def test_its_bytes_are_canonical_and_read_back_as_the_same_fact(fact: Fact) -> None:
    data = encode(fact)
    assert rfc8785.dumps(json.loads(data)) == data
    assert decode_fact(type(fact).__name__, data) == fact


@by_name
def test_its_data_is_cut_out_of_its_entry_unchanged(fact: Fact) -> None:
    data = encode(fact)
    name = (fact.stream, type(fact).__name__, 1)
    body = seal(
        data, at="2026-01-02T03:04:00.000000Z", origin='a,"origin":"b', prev=b"\0" * 32, salt="0" * 32, seq=7, name=name
    )
    assert data_of(body) == data
    assert rfc8785.dumps(json.loads(body)) == body


@by_name
def test_the_stand_alone_verifier_knows_it(fact: Fact) -> None:
    assert type(fact).__name__ in audit.verify.FACTS


@by_name
def test_members_that_this_version_does_not_know_are_passed_over(fact: Fact) -> None:
    data = json.dumps({**json.loads(encode(fact)), "zz_later": {"a": [1]}}).encode()
    assert decode_fact(type(fact).__name__, data) == fact


@pytest.mark.parametrize(
    "change",
    [
        {"amount": 0},
        {"amount": 2**53},
        {"amount": 1.0},
        {"donation": ""},
        {"donation": "x" * 121},
        {"donor": "a\u0301"},
        {"donor": "a\x07"},
        {"donor": "a\x7f"},
        {"donor": "\ud800"},
        {"fee_bp": 10_001},
        {"channel": "a\u0085"},
        {"commitments": {"donor_name": "张三"}},
        {"commitments": {"donor_name": "0F" * 32}},
    ],
    ids=str,
)
def test_a_value_outside_the_profile_is_never_encoded(change: dict[str, object]) -> None:
    gift = next(fact for fact in EXAMPLES if isinstance(fact, DonationReceived))
    with pytest.raises(BadValue):
        encode(msgspec.structs.replace(gift, **change))
