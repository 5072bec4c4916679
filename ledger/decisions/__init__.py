"""Commands: one class for each verb, saying what it reads, when it is refused, and which facts it makes.

`needs` names what the book must hold; `decide` reads the book, changes nothing, and returns a Decision or raises a
Refusal. Amounts are minor units, `on` is the posting date, `key` the idempotency key: kept for good, one per command.
"""

from ledger.decisions.base import POLICY, Command, Decision
from ledger.decisions.giving import ReceiveDonation
from ledger.decisions.registry import DefineCode, OpenCase, OpenFund, OpenLedger, RegisterHospital, check_currency
from ledger.decisions.spending import GrantCash, MakeAllocation, PayHospital, SettleTreatment
from ledger.decisions.subjects import EraseSubject, RestrictSubject
from ledger.events import Basis, CashLeg, PaymentLine

__all__ = [
    "POLICY",
    "Basis",
    "CashLeg",
    "Command",
    "Decision",
    "DefineCode",
    "EraseSubject",
    "GrantCash",
    "MakeAllocation",
    "OpenCase",
    "OpenFund",
    "OpenLedger",
    "PayHospital",
    "PaymentLine",
    "ReceiveDonation",
    "RegisterHospital",
    "RestrictSubject",
    "SettleTreatment",
    "check_currency",
]
