"""Commands: one class for each verb, saying what it reads, when it is refused, and which facts it makes.

`needs` names what the book must hold, `follow` what besides because of what the records say; `decide` reads the book,
changes nothing, and returns a Decision or raises a Refusal. Amounts are minor units, `on` is the posting date, `key`
the idempotency key: kept for good, one per command.
"""

from ledger.decisions.banking import OpenAccount, RepaySuspense, SuspendReceipt
from ledger.decisions.base import Command, Decision
from ledger.decisions.cases import AmendCase, CloseCase, OpenCase, ReopenCase
from ledger.decisions.choosing import POLICY
from ledger.decisions.giving import AttributeDonation, ReceiveDonation, RefundDonation, receive_plain
from ledger.decisions.keys import RotateKey
from ledger.decisions.matching import DisputeLines, LegRef, LineRef, MatchLines, UnmatchLines, WriteOffLines
from ledger.decisions.moving import ChangeTerms, HoldMoney, LiftHold, MakeExpense, SubstituteSerials, TransferFunds
from ledger.decisions.opening import BringForward
from ledger.decisions.periods import CloseMonth, ClosePeriod, ReopenPeriod
from ledger.decisions.registry import DefineCode, OpenFund, OpenLedger, RegisterHospital, check_currency, check_follows
from ledger.decisions.returning import ReleaseAllocation, ReturnGrant, ReturnHospitalPayment
from ledger.decisions.reversing import ReverseEntry
from ledger.decisions.spending import GrantCash, MakeAllocation, PayHospital, SettleTreatment
from ledger.decisions.subjects import EraseSubject, RestrictSubject
from ledger.events import Basis, CashLeg, Foreign, PaymentLine

__all__ = [
    "POLICY",
    "AmendCase",
    "AttributeDonation",
    "Basis",
    "BringForward",
    "CashLeg",
    "ChangeTerms",
    "CloseCase",
    "CloseMonth",
    "ClosePeriod",
    "Command",
    "Decision",
    "DefineCode",
    "DisputeLines",
    "EraseSubject",
    "Foreign",
    "GrantCash",
    "HoldMoney",
    "LegRef",
    "LiftHold",
    "LineRef",
    "MakeAllocation",
    "MakeExpense",
    "MatchLines",
    "OpenAccount",
    "OpenCase",
    "OpenFund",
    "OpenLedger",
    "PayHospital",
    "PaymentLine",
    "ReceiveDonation",
    "RefundDonation",
    "RegisterHospital",
    "ReleaseAllocation",
    "ReopenCase",
    "ReopenPeriod",
    "RepaySuspense",
    "RestrictSubject",
    "ReturnGrant",
    "ReturnHospitalPayment",
    "ReverseEntry",
    "RotateKey",
    "SettleTreatment",
    "SubstituteSerials",
    "SuspendReceipt",
    "TransferFunds",
    "UnmatchLines",
    "WriteOffLines",
    "check_currency",
    "check_follows",
    "receive_plain",
]
