"""Commands as a person writes them: the fact's name, then members as `name=value`; amounts in major units.

`AllocationMade on=2025-03-01 allocation=A1 case=C1 amount=200.00`. A number that runs, `{001..120}`, stands for so many
commands, and within `lines=` for so many lines of one command. Values hold no space.

| member | is written |
|---|---|
| amount, fee, bill_amount | `20000.00` |
| ranges, incoming, outgoing, approved_by | `t1:0-100|t2:5-9` |
| restriction, attributes | `disease=VSD|ASD;province=410000` |
| basis | `kind:reference` |
| lines, cash | `case:C1,amount:60.00,bill_no:B-1`, once for each |
| foreign | `currency:USD,amount:1000.00,rate:7.1234,rate_on:2025-03-01` |
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from typing import Any

from ledger.decisions import (
    AmendCase,
    AttributeDonation,
    Basis,
    BringForward,
    CashLeg,
    ChangeTerms,
    CloseCase,
    Command,
    DefineCode,
    Foreign,
    GrantCash,
    HoldMoney,
    LiftHold,
    MakeAllocation,
    MakeExpense,
    OpenCase,
    OpenFund,
    PayHospital,
    PaymentLine,
    ReceiveDonation,
    RefundDonation,
    RegisterHospital,
    ReleaseAllocation,
    ReopenCase,
    ReturnGrant,
    ReturnHospitalPayment,
    ReverseEntry,
    SettleTreatment,
    SubstituteSerials,
    TransferFunds,
)
from ledger.money import parse_amount

COMMANDS: dict[str, type[Command]] = {
    "CodeDefined": DefineCode,
    "FundOpened": OpenFund,
    "HospitalRegistered": RegisterHospital,
    "CaseOpened": OpenCase,
    "CaseAmended": AmendCase,
    "CaseClosed": CloseCase,
    "CaseReopened": ReopenCase,
    "DonationReceived": ReceiveDonation,
    "DonationAttributed": AttributeDonation,
    "DonationRefunded": RefundDonation,
    "BalanceBroughtForward": BringForward,
    "AllocationMade": MakeAllocation,
    "AllocationReleased": ReleaseAllocation,
    "HospitalPaymentMade": PayHospital,
    "HospitalPaymentReturned": ReturnHospitalPayment,
    "TreatmentSettled": SettleTreatment,
    "CashGranted": GrantCash,
    "GrantReturned": ReturnGrant,
    "FundsTransferred": TransferFunds,
    "TermsChanged": ChangeTerms,
    "SerialsSubstituted": SubstituteSerials,
    "ExpenseMade": MakeExpense,
    "MoneyHeld": HoldMoney,
    "HoldLifted": LiftHold,
    "EntryReversed": ReverseEntry,
}
"""The command that makes each kind of fact."""

EXPONENT = 2
RUNNING = re.compile(r"\{([0-9]+)\.\.([0-9]+)\}")
"""A number that runs."""


def spread(text: str) -> list[str]:
    """The text once for each number that runs in it, `C{01..03}`; all of its braces run together."""
    running = RUNNING.search(text)
    if running is None:
        return [text]
    first, last = running.groups()
    numbers = [str(n).zfill(len(first)) for n in range(int(first), int(last) + 1)]
    return [RUNNING.sub(number, text) for number in numbers]


def commands_of(text: str, key: str) -> list[Command]:
    """The commands that a line of text stands for, `key` being what their idempotency keys begin with."""
    fact, *members = text.split(" ")
    lines = [line for member in members if member.startswith("lines=") for line in spread(member)]
    others = " ".join(member for member in members if not member.startswith("lines="))
    return [
        command_of(fact, [*filter(None, each.split(" ")), *lines], f"{key}.{number}")
        for number, each in enumerate(spread(others))
    ]


def command_of(fact: str, members: list[str], key: str) -> Command:
    """One command of the fact's name and `name=value` members."""
    values: dict[str, Any] = {"key": key}
    for member in members:
        name, equals, text = member.partition("=")
        assert equals, f"not name=value: {member}"
        value = READERS.get(name, str)(text)
        values[name] = (*values.get(name, ()), value) if name in REPEATED else value
    if fact == "ExpenseMade":  # a word of the language: the command's field is called source
        values["source"] = values.pop("from", "fund")
    return COMMANDS[fact](**values)


def _money(text: str) -> int:
    return parse_amount(text, EXPONENT)


def _listed(text: str) -> tuple[str, ...]:
    return tuple(text.split("|"))


def _attributes(text: str) -> dict[str, str]:
    return dict(part.split("=", 1) for part in text.split(";"))


def _restriction(text: str) -> tuple[tuple[str, tuple[str, ...]], ...]:
    return tuple((name, tuple(codes.split("|"))) for name, codes in _attributes(text).items())


def _basis(text: str) -> Basis:
    kind, _, ref = text.partition(":")
    return Basis(kind, ref)


def _parts(text: str) -> dict[str, Any]:
    """`case:C1,amount:60.00` by name."""
    pairs = (part.split(":", 1) for part in text.split(","))
    return {name: READERS.get(name, str)(value) for name, value in pairs}


READERS: dict[str, Callable[[str], Any]] = {
    **dict.fromkeys(("amount", "fee", "bill_amount"), _money),
    **dict.fromkeys(("on", "occurred_on", "usable_from", "expires_on", "bank_on", "rate_on"), date.fromisoformat),
    **dict.fromkeys(("ranges", "incoming", "outgoing", "approved_by", "evidence"), _listed),
    **dict.fromkeys(("fee_bp", "reverses"), int),
    "attributes": _attributes,
    "restriction": _restriction,
    "basis": _basis,
    "lines": lambda text: PaymentLine(**_parts(text)),
    "cash": lambda text: CashLeg(**_parts(text)),
    "foreign": lambda text: Foreign(exponent=EXPONENT, **_parts(text)),
}
"""How a member's text reads; any other is text."""
REPEATED = {"lines", "cash"}
