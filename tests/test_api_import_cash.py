"""Files that say where cash came to and went from: accounts, suspended receipts, and what names them."""

from __future__ import annotations

from test_api_import import Desk, codes
from test_api_import import desk as desk
from test_api_import_kinds import SETTING, entries, refusals, story

from audit.verify import verify


def test_whatever_moves_cash_says_on_which_account_or_with_which_suspended_receipt(desk: Desk) -> None:
    """Once an account is open, files name it: a gift, one out of suspense, a grant, what comes back, a refund."""
    gifts = "donation_id,fund_id,amount,received_on,account,bank_ref,suspense_id\n"
    grants = "disbursement_id,case_id,amount,disbursed_on,kind,account,bank_ref\n"
    returns = "return_id,payment_id,case_id,amount,returned_on,grant_id,suspense_id\n"
    report = desk.take_in(
        *SETTING.items(),
        ("accounts", "account_id,kind\nicbc,bank\n"),
        ("suspense", "suspense_id,amount,received_on,account,bank_ref\nS1,60.00,2026-01-02,icbc,R1\n"),
        ("donations", gifts + "D1,G,500.00,2026-01-03,icbc,R2,\nD2,G,40.00,2026-01-04,,,S1\n"),
        ("cases", "case_id,fund_id,hospital_id,person_id,disease\nC9,G,H,P9,VSD\n"),
        ("allocations", "allocation_id,case_id,amount,allocated_on\nA1,C9,200.00,2026-01-05\n"),
        ("disbursements", grants + "G1,C9,90.00,2026-01-06,cash,icbc,R3\n"),
        ("returns", returns + "T1,,C9,20.00,2026-01-07,G1,S1\n"),
        ("refunds", "refund_id,donation_id,amount,refunded_on,account,bank_ref\nF1,D1,50.00,2026-01-08,icbc,R4\n"),
    )
    assert report.rejects == []
    said = [one for one in entries(desk) if "cash" in one.data or "suspense" in one.data]
    assert [(one.type, one.data.get("cash", [{}])[0].get("bank_ref", one.data.get("suspense"))) for one in said] == [
        ("ReceiptSuspended", "R1"),
        ("DonationReceived", "R2"),
        ("DonationReceived", "S1"),
        ("CashGranted", "R3"),
        ("GrantReturned", "S1"),
        ("DonationRefunded", "R4"),
    ]
    assert verify(desk.ledger.journal.entries.bundles()).problems == ()
    over = codes(desk.take_in(("donations", gifts + "D3,G,0.01,2026-01-09,,,S1\nD4,G,1.00,2026-01-09,abc,,\n")))
    assert over == ["suspense_too_little", "unknown_reference"]


REFUSED = {
    "accounts": [
        ("acc,channel", "idempotency_conflict"),
        ("box,purse", "bad_value"),
        (",bank", "missing_value"),
    ],
    "suspense": [
        ("SS1,30.01,2026-02-17,acc,BK9", "idempotency_conflict"),
        ("SS2,1.00,2026-02-17,other,", "unknown_reference"),
        ("SS3,1.00,2026-02-17,,", "missing_value"),
        ("SS4,0.00,2026-02-17,acc,", "bad_value"),
    ],
    "suspense-repayments": [
        ("SP2,SS1,20.01,2026-02-18,acc", "suspense_too_little"),
        ("SP3,SS9,1.00,2026-02-18,acc", "unknown_reference"),
        (",SS1,1.00,2026-02-18,acc", "missing_value"),
    ],
}


def test_rows_of_accounts_and_suspense_that_break_a_rule_are_rejected_each_with_its_reason(desk: Desk) -> None:
    desk.take_in(*story())
    for kind, rows in REFUSED.items():
        assert refusals(desk, kind, *(row for row, _ in rows)) == [code for _, code in rows], kind
