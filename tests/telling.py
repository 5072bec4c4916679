"""Commands as a person writes them: the fact's name, then members as `name=value`; amounts in major units.

`AllocationMade on=2025-03-01 allocation=A1 case=C1 amount=200.00`. A number that runs, `{001..120}`, stands for so many
commands, and within `lines=` for so many lines of one command. Everything else is one value:

| member | is written |
|---|---|
| amount, fee, bill_amount | `20000.00` |
| fee_rate | `0.05` |
| restriction, attributes | `disease=VSD|ASD;province=410000` |
| ranges, incoming, outgoing | `t1:0-100,t2:5-9` |
| lines | `case:amount[:bill no.[:bill amount]]`, with commas between |
| basis | `kind:reference` |
| cash | `account:amount[:day[:bank reference]]`, with commas between |
| foreign | `currency:amount:rate:day` |
"""

from __future__ import annotations

import re
import shlex
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
from ledger.money import parse_amount, parse_rate

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
FIELDS = {"fee_rate": "fee_bp", "from": "source"}
"""Members whose field has another name."""

_RUNNING = re.compile(r"\{([0-9]+)\.\.([0-9]+)\}")


def spread(text: str) -> list[str]:
    """The text once for each number that runs in it, `C{01..03}`; all of its braces run together."""
    running = _RUNNING.search(text)
    if running is None:
        return [text]
    first, last = running.groups()
    numbers = [str(n).zfill(len(first)) for n in range(int(first), int(last) + 1)]
    return [_RUNNING.sub(number, text) for number in numbers]


def commands_of(text: str, key: str) -> list[Command]:
    """The commands that a line of text stands for, `key` being what their idempotency keys begin with."""
    fact, *members = shlex.split(text)
    lines = [member for member in members if member.startswith("lines=")]
    others = "\0".join(member for member in members if member not in lines)
    return [
        command_of(fact, [*filter(None, each.split("\0")), *lines], f"{key}.{number}")
        for number, each in enumerate(spread(others))
    ]


def command_of(fact: str, members: list[str], key: str) -> Command:
    """One command of the fact's name and `name=value` members; a member `key` goes before the key given."""
    values: dict[str, Any] = {"key": key}
    for member in members:
        name, equals, value = member.partition("=")
        assert equals, f"not name=value: {member}"
        values[FIELDS.get(name, name)] = READERS.get(name, str)(value)
    return COMMANDS[fact](**values)


def shell_line(text: str, width: int = 110) -> str:
    """The same command for `fenhao record`, broken at `width`."""
    fact, *members = shlex.split(text)
    out = [f"fenhao record {fact}"]
    for member in members:
        piece = f"--set {shlex.quote(member)}"
        if len(out[-1]) + len(piece) + 3 > width:
            out[-1] += " \\"
            out.append(f"    {piece}")
        else:
            out[-1] += f" {piece}"
    return "\n".join(out)


def _money(text: str) -> int:
    """An amount; nothing and less are let through, for the ledger to refuse."""
    return 0 if text in ("0", "0.00") else parse_amount(text, EXPONENT)


def _listed(text: str) -> tuple[str, ...]:
    return tuple(text.split(","))


def _attributes(text: str) -> dict[str, str]:
    return dict(part.split("=", 1) for part in text.split(";"))


def _restriction(text: str) -> tuple[tuple[str, tuple[str, ...]], ...]:
    return tuple((name, tuple(codes.split("|"))) for name, codes in _attributes(text).items())


def _lines(text: str) -> tuple[PaymentLine, ...]:
    return tuple(_line(each) for part in text.split(",") for each in spread(part))


def _line(text: str) -> PaymentLine:
    case, amount, *bill = text.split(":")
    return PaymentLine(case, _money(amount), *bill[:1], *map(_money, bill[1:]))


def _basis(text: str) -> Basis:
    kind, _, ref = text.partition(":")
    return Basis(kind, ref)


def _cash(text: str) -> tuple[CashLeg, ...]:
    return tuple(_leg(*part.split(":")) for part in text.split(","))


def _leg(account: str, amount: str, day: str | None = None, ref: str | None = None) -> CashLeg:
    return CashLeg(account, _money(amount), date.fromisoformat(day) if day else None, ref)


def _foreign(text: str) -> Foreign:
    currency, amount, rate, day = text.split(":")
    return Foreign(currency, _money(amount), EXPONENT, rate, date.fromisoformat(day))


READERS: dict[str, Callable[[str], Any]] = {
    **dict.fromkeys(("amount", "fee"), _money),
    **dict.fromkeys(("on", "occurred_on", "usable_from", "expires_on"), date.fromisoformat),
    **dict.fromkeys(("ranges", "incoming", "outgoing", "approved_by", "evidence"), _listed),
    "fee_rate": parse_rate,
    "reverses": int,
    "attributes": _attributes,
    "restriction": _restriction,
    "lines": _lines,
    "basis": _basis,
    "cash": _cash,
    "foreign": _foreign,
}
"""How a member's text reads; any other is text."""
