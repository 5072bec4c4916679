"""Every kind of file: what its rows become, what is refused of them and why, and all kinds merged by date."""

from __future__ import annotations

import csv

import pytest
from test_api_import import Desk, codes, counts
from test_api_import import desk as desk

from api.intake import KINDS, parse_sources, run
from audit.verify import verify
from ledger.codec import Entry

SETTING = {
    "codes": "dimension,code,name\ndisease,VSD,室缺\ndisease,ASD,房缺\ndisease,TOF,法四\ndisease,TGA,大动脉转位\n",
    "funds": "fund_id,name,fee_rate\nF,先心病,0.05\nG,急重症,\n",
    "hospitals": "hospital_id,name\nH,一院\nK,二院\n",
    "cases": "case_id,fund_id,hospital_id,person_id,disease\nC1,F,H,P1,VSD\nC2,F,H,P2,ASD\nC3,F,K,P3,TOF\n",
}
STORY = {
    "opening-balances": (
        "donation_id,fund_id,amount,as_of,basis,donor_id,case_id,hospital_id",
        "O1,F,40.00,2026-01-01,audit:2025,,,",
        "O2,F,30.00,2026-01-01,audit:2025,N9,C3,",
        "O3,F,12.00,2026-01-01,audit:2025,,C1,H",
        "O3,F,8.00,2026-01-01,audit:2025,,C2,H",
    ),
    "donations": (
        "donation_id,fund_id,amount,received_on,restriction,original_amount,original_currency,rate,rate_on,payer,receipt_to",
        "D1,F,1000.00,2026-01-02",
        "D2,F,700.00,2026-01-03,disease=VSD,100.00,USD,7,2026-01-02,Q,Z",
        "D3,G,50.00,2026-01-03",
    ),
    "attributions": ("donation_id,donor_id,attributed_on", "D3,N3,", "D1,N1,2026-01-04"),
    "allocations": (
        "allocation_id,case_id,amount,allocated_on",
        "A1,C1,800.00,2026-02-01",
        "A2,C2,100.00,2026-02-01",
    ),
    "releases": ("release_id,allocation_id,amount,released_on", "R1,A2,10.00,2026-02-02"),
    "hospital-payments": (
        "payment_id,hospital_id,paid_on,case_id,amount,invoice_no,account,bank_ref",
        "HP,H,2026-02-03,C1,600.00,B1,acc,BK1",
        "HP,H,2026-02-03,C2,50.00,B2,acc,BK1",
    ),
    "disbursements": (
        "disbursement_id,case_id,amount,disbursed_on,kind,hospital_id,bill_no",
        "S1,C1,500.00,2026-02-04,treatment,H,B1",
        "G1,C1,40.00,2026-02-05,cash,,",
    ),
    "returns": (
        "return_id,payment_id,case_id,amount,returned_on,reason,bill_no,grant_id",
        "RT1,HP,C1,50.00,2026-02-06,insurance,B1,",
        "RT2,,C1,15.00,2026-02-06,,,G1",
        "RT3,O3,C2,3.00,2026-02-06,,,",
    ),
    "refunds": (
        "refund_id,donation_id,amount,refunded_on,fee",
        "RF1,D1,60.00,2026-02-07,10.00",
        "RF2,D3,5.00,2026-02-07,0.00",
        "RF3,D3,5.00,2026-02-07",
    ),
    "transfers": ("transfer_id,fund_id,to_fund_id,amount,transferred_on,basis", "T1,F,G,100.00,2026-02-08,filing:1"),
    "expenses": (
        "expense_id,fund_id,kind,amount,spent_on,from,account,bank_ref",
        "E1,F,channel,7.00,2026-02-09,fee,acc,BK2",
        "E2,F,programme,3.00,2026-02-09,,,",
    ),
    "terms-changes": (
        "change_id,fund_id,donation_id,ranges,changed_on,basis,restriction,expires_on",
        "TC1,F,D1,,2026-02-10,consent:2,disease=VSD|ASD,2026-12-31",
    ),
    "substitutions": (
        "substitution_id,case_id,place,incoming,outgoing,substituted_on,basis",
        "SU1,C1,case/C1,t1:27800-27900,t3:64000-64100,2026-02-11,consent:3",
    ),
    "holds": (
        "hold_id,held_on,donation_id,ranges",
        "X1,2026-02-12,D3,",
        "X2,2026-02-12,,t1:40000-40100|t1:50000-50100",
    ),
    "hold-liftings": ("hold_id,lifted_on,ranges", "X1,2026-02-13,", "X2,2026-02-13,t1:40000-40100"),
    "closings": ("case_id,closed_on,reason", "C3,2026-02-14,withdrawn", "C2,2026-02-14,"),
    "reopenings": ("case_id,reopened_on", "C3,2026-02-15"),
    "accounts": ("account_id,kind", "acc,bank"),
    "suspense": ("suspense_id,amount,received_on,account,bank_ref", "SS1,30.00,2026-02-17,acc,BK9"),
    "suspense-repayments": ("repayment_id,suspense_id,amount,repaid_on,account", "SP1,SS1,10.00,2026-02-18,acc"),
    "amendments": ("case_id,hospital_id,person_id,disease,amended_on", "C3,K,P3,TGA,", "C3,H,P3,,2026-02-16"),
}


RECORDED = [
    *["CodeDefined"] * 4,
    "AccountOpened",
    *["FundOpened"] * 2,
    *["HospitalRegistered"] * 2,
    *["CaseOpened"] * 3,
    *("TapeOpened", "BalanceBroughtForward", "BalanceBroughtForward", "BalanceBroughtForward"),
    *("TapeOpened", "DonationReceived", "TapeOpened", "DonationReceived", "TapeOpened", "DonationReceived"),
    "DonationAttributed",
    *("AllocationMade", "AllocationMade", "AllocationReleased"),
    *("HospitalPaymentMade", "TreatmentSettled", "CashGranted"),
    *("HospitalPaymentReturned", "GrantReturned", "HospitalPaymentReturned"),
    *["DonationRefunded"] * 3,
    *("FundsTransferred", "ExpenseMade", "ExpenseMade", "TapeOpened", "TermsChanged", "SerialsSubstituted"),
    *("MoneyHeld", "MoneyHeld", "HoldLifted", "HoldLifted"),
    *("CaseClosed", "CaseClosed", "CaseReopened", "CaseAmended"),
    *("ReceiptSuspended", "SuspenseRepaid"),
    *("CaseAmended", "DonationAttributed"),
]
"""The story in the order of its dates; those that have none come last, in the order of the files."""
AMOUNTS = {
    "opening-balances": 9_000,
    "donations": 175_000,
    "allocations": 90_000,
    "releases": 1_000,
    "hospital-payments": 65_000,
    "disbursements": 54_000,
    "returns": 6_800,
    "refunds": 7_000,
    "transfers": 10_000,
    "expenses": 1_000,
    "suspense": 3_000,
    "suspense-repayments": 1_000,
}
HOLDINGS = [
    (1, 0, 4000, "case/C1"),
    (1, 4000, 7000, "fund/F"),
    (1, 7000, 8200, "case/C1"),
    (1, 8200, 9000, "hospital/H/C2"),
    (1, 9000, 18500, "case/C1"),
    (1, 18500, 23200, "hospital/H/C2"),
    (1, 23200, 27500, "fund/F"),
    (1, 27500, 27800, "cost/F/programme"),
    (1, 27800, 27900, "case/C1"),
    (1, 27900, 40000, "fund/F/t5"),
    (1, 40000, 40100, "fund/F/t5"),
    (1, 40100, 50000, "fund/F/t5"),
    (1, 50000, 50100, "hold/X2"),
    (1, 50100, 89000, "fund/F/t5"),
    (1, 89000, 99000, "fund/G"),
    (1, 99000, 104000, "refunded"),
    (2, 0, 700, "cost/F/channel"),
    (2, 700, 4000, "fee/F"),
    (2, 4000, 5000, "refunded"),
    (2, 5000, 8500, "fee/F"),
    (3, 0, 50000, "used/H/C1"),
    (3, 50000, 56200, "hospital/H/C1"),
    (3, 56200, 60000, "case/C1"),
    (3, 60000, 62500, "used/C1"),
    (3, 62500, 64000, "case/C1"),
    (3, 64000, 64100, "fund/F"),
    (3, 64100, 66500, "case/C1"),
    (4, 0, 4000, "fund/G"),
    (4, 4000, 5000, "refunded"),
]
BESIDES = {"by": "li", "approved_by": "wang|zhao", "evidence": "00ff|11ee", "occurred_on": "2025-12-31"}


def text(kind: str, *rows: str) -> tuple[str, str]:
    """A file of the kind, with the header that the story has for it."""
    return kind, "\n".join([STORY[kind][0], *rows]) + "\n"


def story() -> list[tuple[str, str]]:
    return [*SETTING.items(), *((kind, "\n".join(lines) + "\n") for kind, lines in STORY.items())]


def entries(desk: Desk) -> list[Entry]:
    """All but the opening of the ledger."""
    return desk.ledger.journal.entries.read(1, 1000)


def refusals(desk: Desk, kind: str, *rows: str) -> list[str]:
    return codes(desk.take_in(text(kind, *rows)))


def test_all_kinds_are_recorded_in_one_import_by_date_whatever_the_order_of_the_files(desk: Desk) -> None:
    report = desk.take_in(*reversed(story()))
    assert report.rejects == []
    assert sorted(report.kinds) == sorted(KINDS.keys() - {"reversals"})
    assert [entry.type for entry in entries(desk)] == RECORDED
    assert {kind: counted.amount for kind, counted in report.kinds.items() if counted.amount} == AMOUNTS
    assert desk.holdings() == HOLDINGS
    assert verify(desk.ledger.journal.entries.bundles()).problems == ()


def test_the_same_files_again_record_nothing_together_or_one_by_one(desk: Desk) -> None:
    first = desk.take_in(*story())
    size = desk.size()
    again = desk.take_in(*story())
    alone = [desk.take_in(file) for file in story()]
    for kind, counted in first.kinds.items():
        assert counted.recorded == counted.read
        assert counts(again, kind) == (counted.read, 0, counted.read, 0, 0)
    assert all(one.already == one.read for report in alone for one in report.kinds.values())
    assert desk.size() == size


def test_a_dry_run_and_all_or_nothing_hold_for_every_kind(desk: Desk) -> None:
    size = desk.size()
    bad = text("releases", "R9,A1,999.00,2026-02-03")
    tried = desk.take_in(*story(), bad, dry_run=True)
    held = desk.take_in(*story(), bad, all_or_nothing=True)
    assert desk.size() == size
    assert (tried.exit_code, held.exit_code) == (3, 3)
    assert {kind: counted.held_back for kind, counted in held.kinds.items()} == {
        kind: counted.recorded for kind, counted in tried.kinds.items()
    }
    done = desk.take_in(*story(), bad)
    assert done.kinds == tried.kinds


REFUSED: dict[str, list[tuple[str, str]]] = {
    "opening-balances": [
        ("O1,F,40.01,2026-01-01,audit:2025,,,", "idempotency_conflict"),
        ("P1,F,1,2026-01-01,,,,", "bad_value"),
        ("P2,F,1,2026-01-01,audit,,,", "bad_value"),
        ("P3,F,1,2026-01-01,audit:1,,NOBODY,", "unknown_reference"),
        ("P4,F,1,2026-01-01,audit:1,,,H", "missing_value"),
        ("P5,NOPE,1,2026-01-01,audit:1,,,", "unknown_reference"),
        ("P6,F,0.001,2026-01-01,audit:1,,,", "bad_value"),
        ("P7,F,1,2026-13-01,audit:1,,,", "bad_value"),
        ("A1,F,1,2026-01-01,audit:1,,C1,", "already_recorded"),
    ],
    "donations": [
        ("Q1,F,700.00,2026-01-03,,100.00,USD,8,2026-01-02", "bad_value"),
        ("Q2,F,700.00,2026-01-03,,100.00,USD,7,", "missing_value"),
        ("Q3,F,700.00,2026-01-03,,,USD,7,2026-01-02", "missing_value"),
        ("Q4,F,700.00,2026-01-03,,100.005,USD,7,2026-01-02", "bad_value"),
        ("Q5,F,700.00,2026-01-03,,100.5,JPY,7,2026-01-02", "bad_value"),
        ("Q6,F,700.00,2026-01-03,,100.00,dollar,7,2026-01-02", "bad_value"),
        ("Q7,F,1.00,2026-01-03,,,,,,13800138000,", "bad_value"),
    ],
    "attributions": [
        ("D1,N2,", "already_attributed"),
        ("D9,N2,", "unknown_reference"),
        ("O2,N2,", "already_attributed"),
        (",N2,", "missing_value"),
    ],
    "releases": [
        ("R2,A1,800.01,2026-02-02", "more_than_stands"),
        ("R3,A9,1,2026-02-02", "unknown_reference"),
        ("R1,A2,10.01,2026-02-02", "idempotency_conflict"),
        (",A2,1,2026-02-02", "missing_value"),
    ],
    "returns": [
        ("S2,HP,C1,600,2026-02-20,,B1,", "more_than_stands"),
        ("S3,HP,C1,1,2026-02-20,stolen,B1,", "bad_value"),
        ("S4,,C1,1,2026-02-20,,,", "missing_value"),
        ("S5,,C2,1,2026-02-20,,,G1", "bad_value"),
        ("S6,HP,C1,1,2026-02-20,,,G1", "bad_value"),
        ("S7,,C1,1,2026-02-20,surplus,,G1", "bad_value"),
        ("S8,,,26,2026-02-20,,,G1", "more_than_stands"),
        ("S9,,,1,2026-02-20,,,G9", "unknown_reference"),
    ],
    "refunds": [
        ("RG1,D1,99999,2026-02-20,", "not_refundable"),
        ("RG2,D1,1,2026-02-20,2", "bad_value"),
        ("RG3,D1,1,2026-02-20,none", "bad_value"),
        ("RG4,D9,1,2026-02-20,", "unknown_reference"),
    ],
    "transfers": [
        ("T2,F,G,1,2026-02-20,", "bad_value"),
        ("T3,F,F,1,2026-02-20,filing:1", "bad_value"),
        ("T4,F,NOPE,1,2026-02-20,filing:1", "unknown_reference"),
        ("T5,F,G,99999,2026-02-20,filing:1", "not_enough_money"),
    ],
    "expenses": [
        ("E3,F,party,1,2026-02-20,,,", "bad_value"),
        ("E4,F,other,1,2026-02-20,hospital,,", "bad_value"),
        ("E5,F,other,9999,2026-02-20,fee,,", "not_enough_money"),
        ("E6,F,,1,2026-02-20,fee,,", "missing_value"),
    ],
    "terms-changes": [
        ("TC2,F,D1,t1:0-1,2026-02-20,consent:1,,", "bad_value"),
        ("TC3,F,,,2026-02-20,consent:1,,", "bad_value"),
        ("TC4,F,,t1:0-1,2026-02-20,consent:1,disease=VSD,", "ranges_elsewhere"),
        ("TC5,F,,t1:4000-5000,2026-02-20,consent:1,,", "bad_value"),
        ("TC6,F,,t1:4000-5000,2026-02-20,consent:1,disease=XYZ,", "unknown_code"),
    ],
    "substitutions": [
        ("SU2,C1,case/C1,t1:4000-4100,t3:56200-56201,2026-02-20,consent:1", "bad_value"),
        ("SU3,C1,case/C2,t1:4000-4100,t3:56200-56300,2026-02-20,consent:1", "bad_value"),
        ("SU4,C3,case/C3,t3:64000-64100,t3:56200-56300,2026-02-20,consent:1", "ranges_elsewhere"),
        ("SU5,C1,case/C1,everything,t3:56200-56300,2026-02-20,consent:1", "bad_value"),
        ("SU6,C1,case/C1,,t3:56200-56300,2026-02-20,consent:1", "bad_value"),
    ],
    "holds": [
        ("X3,2026-02-20,,", "bad_value"),
        ("X4,2026-02-20,D1,t1:0-1", "bad_value"),
        ("X5,2026-02-20,,t1:0-1", "ranges_elsewhere"),
        ("X1,2026-02-20,D3,", "idempotency_conflict"),
    ],
    "hold-liftings": [
        ("X1,2026-02-20,", "bad_value"),
        ("X9,2026-02-20,", "unknown_reference"),
        ("X2,2026-02-20,t1:0-1", "ranges_elsewhere"),
    ],
    "closings": [
        ("C2,2026-02-20,", "case_closed"),
        ("C1,2026-01-31,", "reached_later"),
        ("C1,2026-02-20,bored", "bad_value"),
        ("C9,2026-02-20,", "unknown_reference"),
    ],
    "reopenings": [("C1,2026-02-20", "case_open"), ("C9,2026-02-20", "unknown_reference"), ("C2,", "missing_value")],
    "amendments": [
        ("C1,NOPE,P1,VSD,", "unknown_reference"),
        ("C1,H,P1,XYZ,", "unknown_code"),
        ("C1,H,P3,VSD,", "person_in_open_case"),
        ("C1,H,P1,VSD,2026-02-30", "bad_value"),
    ],
}


def test_rows_that_break_a_rule_are_rejected_each_with_its_reason(desk: Desk) -> None:
    desk.take_in(*story())
    size = desk.size()
    out = desk.folder / "rejects.csv"
    files = [text(kind, *(row for row, _ in rows)) for kind, rows in REFUSED.items()]
    report = desk.take_in(*files, rejects=out)
    with out.open(encoding="utf-8-sig", newline="") as file:
        found = {(row["import_kind"], int(row["row"])): row for row in csv.DictReader(file)}
    assert {place: row["code"] for place, row in found.items()} == {
        (kind, number): code for kind, rows in REFUSED.items() for number, (_, code) in enumerate(rows, 2)
    }
    assert all(row["reason_zh"] != row["reason_en"] for row in found.values())
    assert desk.size() == size
    assert sum(one.recorded + one.amount for one in report.kinds.values()) == 0


def test_rows_of_one_opening_balance_are_its_lines_at_the_hospital(desk: Desk) -> None:
    desk.take_in(*SETTING.items())
    rows = [
        "O3,F,8.00,2026-01-01,audit:2025,,C2,H",
        "O4,F,1.00,2026-01-01,audit:2025,,,",
        "O3,F,12.00,2026-01-01,audit:2025,,C1,H",
    ]
    report = desk.take_in(text("opening-balances", *rows))
    assert counts(report, "opening-balances") == (3, 3, 0, 0, 2_100)
    assert [entry.data.get("lines") for entry in entries(desk)[-2:]] == [
        [{"amount": 1200, "case": "C1"}, {"amount": 800, "case": "C2"}],
        None,
    ]
    again = desk.take_in(text("opening-balances", *reversed(rows)))
    assert counts(again, "opening-balances") == (3, 0, 3, 0, 0)


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (["O5,F,1,2026-01-01,audit:1,,C1,H", "O5,G,1,2026-01-01,audit:1,,C2,H"], ["payment_disagrees"] * 2),
        (["O5,F,1,2026-01-01,audit:1,,C1,H", "O5,F,1,2026-01-01,audit:2,,C2,H"], ["payment_disagrees"] * 2),
        (["O5,F,1,2026-01-01,audit:1,,C1,H", "O5,F,1,2026-01-01,audit:1,N1,C2,H"], ["payment_disagrees"] * 2),
        (["O5,F,1,2026-01-01,audit:1,,C1,", "O5,F,1,2026-01-01,audit:1,,C2,"], ["bad_value"] * 2),
        (["O5,F,1,2026-01-01,audit:1,,C1,H", "O5,F,2,2026-01-01,audit:1,,C1,H"], ["bad_value"] * 2),
        (["O5,F,1,2026-01-01,audit:1,,C1,H", "O5,F,x,2026-01-01,audit:1,,C2,H"], ["payment_incomplete", "bad_value"]),
        (["O5,F,1,2026-01-01,audit:1,,C1,H", "O5,F,1,2026-01-01 08:00,audit:1,,C2,H"], []),
    ],
)
def test_an_opening_balance_is_recorded_whole_or_not_at_all(desk: Desk, rows: list[str], expected: list[str]) -> None:
    desk.take_in(*SETTING.items())
    assert refusals(desk, "opening-balances", *rows) == expected


def test_names_that_disagree_are_not_repeated(desk: Desk) -> None:
    desk.take_in(*SETTING.items())
    header = STORY["opening-balances"][0] + ",donor_name\n"
    rows = "O5,F,1,2026-01-01,audit:1,N1,C1,H,张三\nO5,F,1,2026-01-01,audit:1,N1,C2,H,李四\n"
    report = desk.take_in(("opening-balances", header + rows))
    assert codes(report) == ["payment_disagrees"] * 2
    said = [reject.refusal.say(language) for reject in report.rejects for language in ("zh", "en")]
    assert all("donor_name" in text and "张三" not in text and "李四" not in text for text in said)


def test_one_id_in_two_kinds_does_not_bring_their_rows_together(desk: Desk) -> None:
    desk.take_in(*story())
    report = desk.take_in(
        text("opening-balances", "HX,F,5.00,2026-02-21,audit:2025,,,"),
        text("hospital-payments", "HX,H,2026-02-21,C1,1.00,,,"),
    )
    assert counts(report, "opening-balances") == (1, 1, 0, 0, 500)
    assert counts(report, "hospital-payments") == (1, 1, 0, 0, 100)


def test_every_kind_may_say_who_when_why_and_by_what_scans(desk: Desk) -> None:
    for kind, content in story():
        header, *rows = content.splitlines()
        more = BESIDES | ({} if "basis" in header.split(",") else {"basis": "plan:2026-7"})
        full = [row + "," * (header.count(",") - row.count(",")) for row in rows]
        file = "\n".join([",".join([header, *more]), *(",".join([row, *more.values()]) for row in full)])
        report = desk.take_in((kind, file))
        assert report.rejects == [], kind
    for entry in entries(desk):
        if entry.type != "TapeOpened":
            said = {name: entry.data.get(name) for name in BESIDES}
            assert said == {**BESIDES, "approved_by": ["wang", "zhao"], "evidence": ["00ff", "11ee"]}, entry
            assert entry.data["basis"].keys() == {"kind", "ref"}


def test_what_any_row_may_say_is_judged_too(desk: Desk) -> None:
    desk.take_in(*SETTING.items())
    header = "donation_id,fund_id,amount,received_on,by,approved_by,basis,occurred_on\n"
    rows = [
        "D1,F,1,2026-01-02,li,a||b,,",
        "D2,F,1,2026-01-02,li,,consent,",
        "D3,F,1,2026-01-02,li,,consent:,",
        "D4,F,1,2026-01-02,li,,,soon",
        "D5,F,1,2026-01-02,,a | b,consent : 1:2,2025-12-31",
    ]
    assert codes(desk.take_in(("donations", header + "\n".join(rows)))) == ["bad_value"] * 4
    data = entries(desk)[-1].data
    assert (data["approved_by"], data["basis"]) == (["a", "b"], {"kind": "consent", "ref": "1:2"})
    payments = STORY["hospital-payments"][0] + ",by\nP,H,2026-02-01,C1,1,,,,li\nP,H,2026-02-01,C2,1,,,,wang\n"
    assert codes(desk.take_in(("hospital-payments", payments))) == ["payment_disagrees"] * 2


def test_a_mapping_makes_the_columns_of_a_new_kind_fit(desk: Desk) -> None:
    desk.take_in(*SETTING.items())
    mapping = desk.file(
        "m.toml",
        """
        columns.donation_id = "No"
        columns.amount = "RMB"
        columns.received_on = "Day"
        columns.original_amount = "Paid"
        columns.occurred_on = "Sent"
        constants.fund_id = "F"
        constants.original_currency = "USD"
        constants.rate = "7.0000"
        templates.rate_on = "{Rate year}-01-02"
        templates.basis = "agreement:{Rate year}/{No}"
        formats.amount = "1.234,56"
        formats.original_amount = "$1.234,56"
        formats.received_on = "%d.%m.%Y"
        formats.occurred_on = "%d.%m.%Y"
        """,
    )
    row = '"7.000,00",03.01.2026,"$1.000,00",31.12.2025,2026'
    file = desk.file("d.csv", f"No,RMB,Day,Paid,Sent,Rate year\nD1,{row}\n")
    sources = parse_sources([f"donations={file}"], [f"donations={mapping}"])
    report = run(desk.ledger.journal, desk.ledger.writer, sources)
    assert report.rejects == []
    data = entries(desk)[-1].data
    rate = {"rate": "7.0000", "rate_on": "2026-01-02"}
    assert data["foreign"] == {"amount": 100_000, "currency": "USD", "exponent": 2, **rate}
    assert (data["occurred_on"], data["basis"]) == ("2025-12-31", {"kind": "agreement", "ref": "2026/D1"})


def test_an_entry_is_reversed_by_its_number_once(desk: Desk) -> None:
    desk.take_in(*story())
    seqs = {entry.stream: entry.seq for entry in entries(desk)}
    header = "reversal_id,reverses,reversed_on\n"
    rows = [
        f"V1,{seqs['expense/E1']},2026-02-20",
        f"V2,{seqs['expense/E1']},2026-02-20",
        "V3,99999,2026-02-20",
        "V4,first,2026-02-20",
        "V5,,2026-02-20",
        "V6,99999999999999999999,2026-02-20",
    ]
    report = desk.take_in(("reversals", header + "\n".join(rows)))
    assert codes(report) == ["cannot_reverse", "unknown_reference", "bad_value", "missing_value", "bad_value"]
    assert counts(report, "reversals") == (6, 1, 0, 5, 0)
    assert counts(desk.take_in(("reversals", header + rows[0])), "reversals") == (1, 0, 1, 0, 0)
    assert (2, 0, 4000, "fee/F") in merged(desk.holdings())


def merged(rows: list[tuple[object, ...]]) -> list[tuple[object, ...]]:
    """Rows that are adjacent at one place as one: those of several days stand apart in the table."""
    found: list[tuple[object, ...]] = []
    for row in rows:
        if found and (found[-1][0], found[-1][2], found[-1][3]) == (row[0], row[1], row[3]):
            found[-1] = (row[0], found[-1][1], row[2], row[3])
        else:
            found.append(row)
    return found
