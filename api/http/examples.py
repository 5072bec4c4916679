"""One example of each fact's members, for the reference."""

from __future__ import annotations

from typing import Any

_ON = "2026-03-01"
_LINE = {"file": "0f" * 32, "statement": 0, "ordinal": 3}
_BASIS = {"kind": "filing", "ref": "2026-118"}

EXAMPLES: dict[str, dict[str, Any]] = {
    "CodeDefined": {"dimension": "disease", "code": "VSD", "name": "室间隔缺损"},
    "FundOpened": {"fund": "heart", "name": "先心病救助专项基金", "fee_bp": 500},
    "HospitalRegistered": {"hospital": "ZZ-CH", "name": "郑州儿童医院", "province": "410000"},
    "CaseOpened": {
        "case": "C2026-001",
        "fund": "heart",
        "hospital": "ZZ-CH",
        "person": "P-7F3A",
        "attributes": {"disease": "VSD", "province": "410000", "age_band": "4-6"},
    },
    "CaseAmended": {"case": "C2026-001", "hospital": "ZZ-CH", "attributes": {"disease": "ASD", "province": "410000"}},
    "CaseClosed": {"case": "C2026-001", "reason": "completed", "on": _ON},
    "CaseReopened": {"case": "C2026-001", "on": _ON},
    "DonationReceived": {
        "donation": "D2026-001",
        "fund": "heart",
        "amount": "20000.00",
        "on": _ON,
        "donor": "DN-017",
        "channel": "bank",
        "channel_txn": "2026030100017",
        "restriction": {"disease": ["ASD", "VSD"]},
    },
    "BalanceBroughtForward": {"donation": "OB-1", "fund": "heart", "amount": "5000.00", "on": _ON, "basis": _BASIS},
    "DonationAttributed": {"donation": "D2026-002", "donor": "DN-017"},
    "AllocationMade": {"allocation": "A2026-001", "case": "C2026-001", "amount": "15000.00", "on": _ON},
    "AllocationReleased": {"allocation": "A2026-001", "amount": "20.00", "on": _ON},
    "HospitalPaymentMade": {
        "payment": "P2026-001",
        "hospital": "ZZ-CH",
        "lines": [{"case": "C2026-001", "amount": "12000.00", "bill_no": "B-1", "bill_amount": "18000.00"}],
        "on": _ON,
    },
    "HospitalPaymentReturned": {
        "payment": "P2026-001",
        "case": "C2026-001",
        "amount": "300.00",
        "reason": "surplus",
        "on": _ON,
    },
    "TreatmentSettled": {
        "settlement": "S2026-001",
        "hospital": "ZZ-CH",
        "case": "C2026-001",
        "amount": "11700.00",
        "on": _ON,
    },
    "CashGranted": {"grant": "G2026-001", "case": "C2026-001", "amount": "1000.00", "purpose": "travel", "on": _ON},
    "GrantReturned": {"grant": "G2026-001", "amount": "200.00", "on": _ON},
    "DonationRefunded": {"refund": "R2026-001", "donation": "D2026-001", "amount": "500.00", "on": _ON},
    "FundsTransferred": {
        "transfer": "T2026-001",
        "fund": "heart",
        "to_fund": "general",
        "amount": "1000.00",
        "basis": _BASIS,
        "on": _ON,
    },
    "TermsChanged": {
        "fund": "heart",
        "donation": "D2026-001",
        "restriction": {"disease": ["VSD"]},
        "basis": {"kind": "consent", "ref": "2026-118"},
        "on": _ON,
    },
    "SerialsSubstituted": {
        "case": "C2026-001",
        "place": "used/ZZ-CH/C2026-001",
        "incoming": ["t3:0-100000"],
        "outgoing": ["t1:0-100000"],
        "basis": _BASIS,
        "on": _ON,
    },
    "ExpenseMade": {
        "expense": "E2026-001",
        "fund": "heart",
        "kind": "management",
        "from": "fee",
        "amount": "80.00",
        "on": _ON,
    },
    "MoneyHeld": {"hold": "HOLD-1", "donation": "D2026-001", "basis": _BASIS, "on": _ON},
    "HoldLifted": {"hold": "HOLD-1", "on": _ON},
    "AccountOpened": {"account": "icbc-1", "kind": "bank"},
    "ReceiptSuspended": {
        "suspense": "S2026-001",
        "amount": "500.00",
        "cash": [{"account": "icbc-1", "amount": "500.00", "bank_ref": "R-1"}],
        "on": _ON,
    },
    "SuspenseRepaid": {
        "suspense": "S2026-001",
        "amount": "500.00",
        "cash": [{"account": "icbc-1", "amount": "500.00"}],
        "on": _ON,
    },
    "LinesMatched": {"match": "M2026-001", "lines": [_LINE], "legs": [{"seq": 281, "leg": 0}]},
    "LinesWrittenOff": {"match": "M2026-002", "lines": [_LINE], "reason": "not_ours"},
    "LinesDisputed": {"match": "M2026-003", "lines": [_LINE]},
    "LinesUnmatched": {"match": "M2026-001", "by": "fay"},
    "PeriodClosed": {"period": "2026-10"},
    "PeriodReopened": {"period": "2026-10", "reason": "late_invoice"},
    "EntryReversed": {"reverses": 281, "on": _ON},
}
"""By fact."""
