"""Facts asked for as JSON: which command records each, the members it takes, and the command that a JSON object is.

One conversion for the command line and for HTTP. Members bear the names that the entry's `data` gives them. What each
is comes from the command's own fields, so a new command needs one line in `RECORDABLE` and nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches
from functools import cache
from types import MappingProxyType
from typing import Any, NamedTuple

from msgspec import inspect
from msgspec.structs import fields, replace

from ledger.decisions import (
    AmendCase,
    AttributeDonation,
    BringForward,
    ChangeTerms,
    CloseCase,
    CloseMonth,
    Command,
    DefineCode,
    DisputeLines,
    Foreign,
    GrantCash,
    HoldMoney,
    LiftHold,
    MakeAllocation,
    MakeExpense,
    MatchLines,
    OpenAccount,
    OpenCase,
    OpenFund,
    PayHospital,
    ReceiveDonation,
    RefundDonation,
    RegisterHospital,
    ReleaseAllocation,
    ReopenCase,
    ReopenPeriod,
    RepaySuspense,
    ReturnGrant,
    ReturnHospitalPayment,
    ReverseEntry,
    SettleTreatment,
    SubstituteSerials,
    SuspendReceipt,
    TransferFunds,
    UnmatchLines,
    WriteOffLines,
)
from ledger.errors import BadValue, InputFault, shown
from ledger.money import MAX_MINOR, exponent_of, format_amount
from ledger.terms import ID_DIMENSIONS
from ledger.times import parse_day

AMOUNTS = frozenset({"amount", "fee", "bill_amount", "total", "insurance", "family"})
"""Members that are money, at whatever depth."""
RECORDABLE: dict[str, type[Command]] = {
    "CodeDefined": DefineCode,
    "FundOpened": OpenFund,
    "HospitalRegistered": RegisterHospital,
    "CaseOpened": OpenCase,
    "CaseAmended": AmendCase,
    "CaseClosed": CloseCase,
    "CaseReopened": ReopenCase,
    "DonationReceived": ReceiveDonation,
    "BalanceBroughtForward": BringForward,
    "DonationAttributed": AttributeDonation,
    "AllocationMade": MakeAllocation,
    "AllocationReleased": ReleaseAllocation,
    "HospitalPaymentMade": PayHospital,
    "HospitalPaymentReturned": ReturnHospitalPayment,
    "TreatmentSettled": SettleTreatment,
    "CashGranted": GrantCash,
    "GrantReturned": ReturnGrant,
    "DonationRefunded": RefundDonation,
    "FundsTransferred": TransferFunds,
    "TermsChanged": ChangeTerms,
    "SerialsSubstituted": SubstituteSerials,
    "ExpenseMade": MakeExpense,
    "MoneyHeld": HoldMoney,
    "HoldLifted": LiftHold,
    "AccountOpened": OpenAccount,
    "ReceiptSuspended": SuspendReceipt,
    "SuspenseRepaid": RepaySuspense,
    "LinesMatched": MatchLines,
    "LinesWrittenOff": WriteOffLines,
    "LinesDisputed": DisputeLines,
    "LinesUnmatched": UnmatchLines,
    "PeriodClosed": CloseMonth,
    "PeriodReopened": ReopenPeriod,
    "EntryReversed": ReverseEntry,
}
"""The command behind each fact that can be recorded by itself."""

NOT_ALONE = {
    "LedgerOpened": ("账本由 fenhao init 开立", "fenhao init opens a ledger"),
    "KeyRotated": ("由 fenhao key rotate 登记", "fenhao key rotate records it"),
    "TapeOpened": ("编号序列随首笔资金自动开立", "a tape opens by itself with the first money on it"),
    "SubjectRestricted": ("由 fenhao vault erase 登记", "fenhao vault erase records it"),
    "SubjectErased": ("由 fenhao vault erase 登记", "fenhao vault erase records it"),
}
"""Facts that no command of their own makes, and what makes them."""


class UnknownFact(InputFault):
    """A name that is no fact, or one of a fact that is not recorded by itself."""

    code = "unknown_fact"
    zh = "没有可登记的事项 {name}{why_zh}；{near_zh}"
    en = "there is no fact {name} to record{why}; {near}"


class BadMembers(InputFault):
    """Members that the fact does not take, or lacks, with those that there are."""

    code = "bad_members"
    zh = "{fact}：{wrong_zh}。必填：{required}；选填：{optional}"
    en = "{fact}: {wrong}. Required: {required}; optional: {optional}"


class Currency(NamedTuple):
    """What amounts are counted in: a code of ISO 4217 and its decimals."""

    code: str
    exponent: int

    def say(self, minor: int) -> str:
        """`20,000.00 CNY`."""
        return f"{format_amount(minor, self.exponent)} {self.code}"


class Member(NamedTuple):
    """A member of a fact's JSON: its name, the command's field that it fills, its type, whether it must be there."""

    name: str
    field: str
    type: inspect.Type
    required: bool


@dataclass(frozen=True, slots=True)
class Form:
    """What is asked for to have a fact recorded; `members` are its own first, then those that any fact may have."""

    fact: str
    command: type[Command]
    members: tuple[Member, ...]

    def member(self, name: str) -> Member | None:
        """The member of that name, if there is one."""
        return next((member for member in self.members if member.name == name), None)

    def names(self, *, required: bool) -> list[str]:
        """The names of the members that must be there, or of those that need not."""
        return [member.name for member in self.members if member.required is required]


def form_of(name: str) -> Form:
    """The form of a fact, by its name or its command's, in any spelling (`donation-received`). Raises UnknownFact."""
    plain = _plain_names()
    fact = name if name in RECORDABLE else plain.get(_plain(name))
    if fact is None:
        alone = next((why for other, why in NOT_ALONE.items() if _plain(other) == _plain(name)), None)
        near = [plain[one] for one in get_close_matches(_plain(name), plain, n=3, cutoff=0.5)]
        listed = list(dict.fromkeys(near)) or list(RECORDABLE)
        raise UnknownFact(
            name=shown(name),
            why=f" ({alone[1]})" if alone else "",
            why_zh=f"（{alone[0]}）" if alone else "",
            near=("the nearest are " if near else "there are ") + ", ".join(listed),
            near_zh=("相近的有 " if near else "可登记的有 ") + "、".join(listed),
        )
    return _form(fact)


def common_names() -> list[str]:
    """The names of the members that any fact may have."""
    return [one.name for one in fields(Command) if one.name != "personal"]


@cache
def _plain_names() -> dict[str, str]:
    """The facts by their own and their commands' names, spelt plainly."""
    return {_plain(fact): fact for fact in RECORDABLE} | {_plain(c.__name__): fact for fact, c in RECORDABLE.items()}


def _plain(name: str) -> str:
    return re.sub("[-_ ]", "", name).lower()


@cache
def _form(fact: str) -> Form:
    command = RECORDABLE[fact]
    described = inspect.type_info(command)
    assert isinstance(described, inspect.StructType)
    demanded = {"on": command.MOVES_MONEY, "basis": command.NEEDS_BASIS}
    members = [
        Member(
            one.encode_name,
            one.name,
            without_none(one.type),
            demanded.get(one.name, one.required and one.name != "key"),
        )
        for one in described.fields
        if one.name != "personal" or command.subject is not Command.subject
    ]
    last = ["personal", *common_names()]
    return Form(
        fact,
        command,
        tuple(sorted(members, key=lambda member: last.index(member.field) if member.field in last else -1)),
    )


def without_none(kind: inspect.Type) -> inspect.Type:
    """The type of a value that is there."""
    if not isinstance(kind, inspect.UnionType):
        return kind
    (only,) = (one for one in kind.types if not isinstance(one, inspect.NoneType))
    return only


def command_of(
    fact: str, members: Mapping[str, Any], currency: Currency, apart: Mapping[str, Any] = MappingProxyType({})
) -> Command:
    """The command that a fact's members ask for, as a JSON object has them; null and empty lists are absent members.

    An amount is a whole number of minor units, or text in major units with all of the currency's decimals. Without a
    `key` the content is its own: the same members again are the same request. `apart` are members that are known
    otherwise, and not for `members` to say. Raises UnknownFact, BadMembers, BadValue.
    """
    form = form_of(fact)
    given = {name: value for name, value in members.items() if value is not None and value not in ([], {})}
    given = _with_own_attributes(given) if form.member("attributes") else given
    _check_names(form.fact, given, form.members, apart)
    given |= {name: value for name, value in apart.items() if value is not None}
    values = {
        member.field: _value(given[member.name], member.type, member.name, currency)
        for member in form.members
        if member.name in given
    }
    if "key" in values:
        return form.command(**values)
    return keyed_by_content(form.command(key="-", **values), "record")


def keyed_by_content(command: Command, prefix: str) -> Command:
    """The command with an idempotency key that is made from all else it says, but personal values: keys are no secret.

    Raises BadValue for text that is not Unicode.
    """
    return replace(command, key=f"{prefix}:sha256:{replace(command, key='-').digest().hex()}")


def _with_own_attributes(members: Mapping[str, Any]) -> dict[str, Any]:
    """A case's hospital and person as members of their own, wherever they stand: entries have them as attributes."""
    members = dict(members)
    attributes = members.get("attributes")
    if isinstance(attributes, Mapping):
        members["attributes"] = {name: code for name, code in attributes.items() if name not in ID_DIMENSIONS}
        for own in set(ID_DIMENSIONS) & attributes.keys():
            if members.setdefault(own, attributes[own]) != attributes[own]:
                raise BadValue(own, attributes[own], "given twice, differently", "给出了两次且不一致")
    return members


def _check_names(
    where: str, given: Mapping[str, Any], members: tuple[Member, ...], apart: Collection[str] = ()
) -> None:
    """Raises BadMembers for members that are not among these, but for those `apart`, or are wanting."""
    known = {member.name for member in members if member.name not in apart}
    unknown = [shown(name) for name in given if name not in known]
    missing = [member.name for member in members if member.required and member.name not in given]
    if not unknown and not missing:
        return
    wrong = [f"no member {', '.join(unknown)}"] if unknown else []
    wrong_zh = [f"没有成员 {'、'.join(unknown)}"] if unknown else []
    wrong += [f"{', '.join(missing)} missing"] if missing else []
    wrong_zh += [f"缺少 {'、'.join(missing)}"] if missing else []
    raise BadMembers(
        fact=where,
        wrong="; ".join(wrong),
        wrong_zh="；".join(wrong_zh),
        required=[member.name for member in members if member.required],
        optional=[member.name for member in members if not member.required and member.name in known],
    )


def _value(value: Any, kind: inspect.Type, name: str, currency: Currency) -> Any:
    """A JSON value as the command's field has it. Raises BadValue, BadMembers."""
    match kind:
        case inspect.IntType():
            return _amount(value, name, currency) if name.rpartition(".")[2] in AMOUNTS else _whole(value, name)
        case inspect.StrType():
            return _of(str, value, name)
        case inspect.DateType():
            return value if type(value) is date else parse_day(_of(str, value, name), name)
        case inspect.VarTupleType(item_type=inspect.TupleType(item_types=(_, inner))):
            pairs = _of(dict, value, name)
            return tuple((key, _value(one, inner, f"{name}.{key}", currency)) for key, one in pairs.items())
        case inspect.VarTupleType(item_type=item):
            return tuple(_value(one, item, name, currency) for one in _of(list, value, name))
        case inspect.DictType(value_type=inner):
            pairs = _of(dict, value, name)
            return {key: _value(one, inner, f"{name}.{key}", currency) for key, one in pairs.items()}
        case inspect.StructType():
            return _struct(_of(dict, value, name), kind, name, currency)
    raise AssertionError(f"{name}: commands have no fields of type {kind}")


def _struct(value: dict[str, Any], kind: inspect.StructType, name: str, currency: Currency) -> Any:
    """A line, a cash leg, a basis, what a gift was in foreign money."""
    value = {key: one for key, one in value.items() if one is not None}
    if kind.cls is Foreign:
        code = str(value.get("currency"))
        value = {"exponent": exponent_of(code), **value}
        if type(exponent := value["exponent"]) is int and 0 <= exponent <= 4:
            currency = Currency(shown(code), exponent)
    members = tuple(Member(one.encode_name, one.name, without_none(one.type), one.required) for one in kind.fields)
    _check_names(name, value, members)
    made = {
        one.field: _value(value[one.name], one.type, f"{name}.{one.name}", currency)
        for one in members
        if one.name in value
    }
    return kind.cls(**made)


_SHAPES: dict[type, tuple[str, str]] = {
    str: ("text", "应为文本"),
    list: ("a list", "应为列表"),
    dict: ("an object with named members", "应为带成员名的对象"),
}


def _of(shape: type, value: Any, name: str) -> Any:
    if type(value) is shape:
        return value
    raise BadValue(name, "…" if name.partition(".")[0] == "personal" else value, *_SHAPES[shape])


def _whole(value: Any, name: str) -> int:
    if type(value) is int and abs(value) <= MAX_MINOR:
        return value
    raise BadValue(name, value, "a whole number within 2^53-1", "应为绝对值不超过 2^53-1 的整数")


def _amount(value: Any, name: str, currency: Currency) -> int:
    """Minor units. Raises BadValue, with what the value could mean, for what is not exactly one of the two forms."""
    if type(value) is int:
        return value
    if isinstance(value, str) and (minor := major_amount(value, currency.exponent)) is not None:
        return minor
    raise BadValue(name, value, *_readings(str(value), currency))


def major_amount(text: str, exponent: int) -> int | None:
    """`"20000.00"` as minor units; None unless it has a point and exactly the currency's decimals."""
    match = re.fullmatch(r"([0-9]{1,20})\.([0-9]+)", text, re.ASCII)
    return int(match[1] + match[2]) if match and len(match[2]) == exponent else None


def _readings(text: str, currency: Currency) -> tuple[str, str]:
    """What an unclear amount could mean, each as it would be written, in English and in Chinese."""
    digits = re.fullmatch(r"([0-9]{1,16})(?:\.([0-9]*))?", re.sub(r"[\s,，¥￥元]", "", text), re.ASCII)
    whole, decimals = (digits[1], digits[2] or "") if digits else ("20000", "")
    exponent = currency.exponent
    as_minor = f"{int(whole)} = {currency.say(int(whole))}"
    if exponent == 0:
        return f"a whole number: {as_minor}", f"应为整数：{as_minor}"
    if len(decimals) > exponent:
        return (
            f"at most {exponent} decimals: amounts are never rounded",
            f"最多 {exponent} 位小数：金额从不四舍五入",
        )
    major = f"{int(whole)}.{decimals.ljust(exponent, '0')}"
    as_major = f'"{major}" = {currency.say(int(whole) * 10**exponent + int(decimals.ljust(exponent, "0")))}'
    rule = f"a whole number is in minor units ({as_minor}), text with exactly {exponent} decimals in major ones"
    rule_zh = f"整数以最小货币单位计（{as_minor}），带 {exponent} 位小数的以元计（{as_major}）：请按所指写明"
    return f"{rule} ({as_major}): write the one that is meant", rule_zh
