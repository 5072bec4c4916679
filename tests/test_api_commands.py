"""Facts as JSON: every fact has its form, what is given arrives in the command, and an amount is never guessed."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_every_event import EXAMPLES

from api.commands import NOT_ALONE, RECORDABLE, BadMembers, Currency, UnknownFact, command_of, form_of, major_amount
from api.fact_words import MEANINGS, hint_of
from ledger.codec import encode
from ledger.decisions import Foreign, GrantCash, MakeExpense, OpenCase, PayHospital, PaymentLine, ReceiveDonation
from ledger.errors import BadValue
from ledger.events import FACTS, Fact
from ledger.money import format_amount

CNY, JPY, KWD = Currency("CNY", 2), Currency("JPY", 0), Currency("KWD", 3)
BASIS = {"kind": "filing", "ref": "2026-1"}
LINE = {"file": "0f" * 32, "statement": 0, "ordinal": 3, "amount": -3}
BESIDES: dict[str, dict[str, Any]] = {
    "CaseOpened": {"hospital": "H"},
    "CaseAmended": {"hospital": "H"},
    "FundsTransferred": {"basis": BASIS},
    "TermsChanged": {"basis": BASIS, "restriction": {"disease": ["ASD", "VSD"]}},
    "SerialsSubstituted": {"basis": BASIS, "place": "case/C", "incoming": ["t1:0-3"], "outgoing": ["t2:0-3"]},
    "LinesMatched": {"lines": [LINE], "legs": [{"seq": 7, "leg": 1, "amount": -3}]},
    "LinesWrittenOff": {"lines": [LINE]},
    "LinesDisputed": {"lines": [LINE]},
}
"""What commands ask for that their facts do not repeat, or say at more length."""
GIFT = {"donation": "D", "fund": "F", "amount": 100, "on": "2026-01-02"}


def test_every_fact_can_be_recorded_or_comes_by_itself() -> None:
    assert sorted([*RECORDABLE, *NOT_ALONE]) == sorted(FACTS)
    assert sorted(MEANINGS) == sorted(RECORDABLE)


@pytest.mark.parametrize(
    "fact", [f for f in EXAMPLES if type(f).__name__ in RECORDABLE], ids=lambda f: type(f).__name__
)
def test_the_members_of_every_fact_arrive_in_its_command_and_come_back(fact: Fact) -> None:
    name = type(fact).__name__
    data = json.loads(encode(fact))
    members = {member: value for member, value in data.items() if form_of(name).member(member)} | BESIDES.get(name, {})
    members["key"] = "k"
    command = command_of(name, members, CNY)
    assert type(command) is RECORDABLE[name]
    back = msgspec.to_builtins(command)
    if "attributes" in members:
        own = {member: back[member] for member in ("hospital", "person") if member in back}
        back["attributes"] = {**back.get("attributes", {}), **own}
    if "restriction" in members:
        back["restriction"] = {dimension: list(codes) for dimension, codes in back["restriction"]}
    assert {member: json.loads(json.dumps(back[member])) for member in members if member in back} == {
        member: value for member, value in members.items() if member in back
    }
    # What a command leaves at its default is not encoded.
    assert {member for member in members if member not in back} <= {"fee", "source", "reason"}


@pytest.mark.parametrize("fact", RECORDABLE)
def test_a_fact_is_found_by_its_name_and_its_commands_in_any_spelling(fact: str) -> None:
    form = form_of(fact)
    for name in (fact, RECORDABLE[fact].__name__):
        kebab = "".join(f"-{c.lower()}" if c.isupper() else c for c in name).strip("-")
        for spelling in (name, name.lower(), kebab, kebab.replace("-", "_")):
            assert form_of(spelling) is form
    assert all(zh and en for member in form.members for zh, en in [hint_of(form, member)])


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("DonationRecieved", "DonationReceived"),
        ("LedgerOpened", "fenhao init"),
        ("zzz", "CaseOpened"),
        ("", "there are"),
    ],
)
def test_a_name_that_is_no_fact_is_answered_with_those_that_are(name: str, said: str) -> None:
    with pytest.raises(UnknownFact, match=said):
        form_of(name)


def test_members_that_are_unknown_or_missing_are_one_error_that_lists_those_there_are() -> None:
    with pytest.raises(BadMembers) as caught:
        command_of("CashGranted", {"grant": "G", "amuont": 3, "purpos": "x"}, CNY)
    assert caught.value.say("en") == (
        "CashGranted: no member amuont, purpos; case, amount, on missing. Required: grant, case, amount, on; optional: "
        "purpose, period, key, occurred_on, by, approved_by, basis, evidence, cash, corrects"
    )
    for members, where in (
        ({"payment": "P", "hospital": "H", "on": "2026-01-02", "lines": [{"case": "C", "bil_no": "B"}]}, "lines"),
        ({"payment": "P", "hospital": "H", "on": "2026-01-02", "lines": [{}], "basis": {}}, "lines"),
    ):
        with pytest.raises(BadMembers, match=f"{where}: .*amount"):
            command_of("HospitalPaymentMade", members, CNY)


def test_a_fact_that_moves_money_or_rests_on_a_paper_demands_its_date_or_basis() -> None:
    assert "on" in form_of("CaseClosed").names(required=True)
    assert "on" not in form_of("CaseAmended").names(required=True)
    assert "basis" in form_of("TermsChanged").names(required=True)


def test_null_and_empty_members_are_absent() -> None:
    plain = command_of("DonationReceived", GIFT, CNY)
    assert command_of("DonationReceived", {**GIFT, "donor": None, "approved_by": [], "restriction": {}}, CNY) == plain


def test_the_same_members_are_the_same_request_and_others_another() -> None:
    first = command_of("DonationReceived", GIFT, CNY)
    assert first.key.startswith("record:sha256:")
    assert command_of("donation-received", dict(reversed(GIFT.items())), CNY).key == first.key
    assert command_of("DonationReceived", {**GIFT, "amount": "1.00"}, CNY).key == first.key
    assert command_of("DonationReceived", {**GIFT, "amount": 101}, CNY).key != first.key
    assert command_of("DonationReceived", {**GIFT, "key": "mine"}, CNY).key == "mine"


def test_hospital_and_person_may_stand_among_the_attributes_as_entries_have_them() -> None:
    asked = {"case": "C", "fund": "F", "attributes": {"hospital": "H", "person": "P", "disease": "VSD"}}
    made = command_of("CaseOpened", asked, CNY)
    assert isinstance(made, OpenCase)
    assert (made.hospital, made.person, made.attributes) == ("H", "P", {"disease": "VSD"})
    assert command_of("CaseOpened", {**asked, "hospital": "H"}, CNY) == made
    with pytest.raises(BadValue, match="twice"):
        command_of("CaseOpened", {**asked, "hospital": "G"}, CNY)


def test_an_expense_says_where_from() -> None:
    asked = {"expense": "E", "fund": "F", "kind": "other", "amount": 1, "on": "2026-01-02", "from": "fee"}
    made = command_of("ExpenseMade", asked, CNY)
    assert isinstance(made, MakeExpense)
    assert made.source == "fee"
    with pytest.raises(BadMembers):
        command_of("ExpenseMade", {**asked, "source": "fee"}, CNY)


@given(minor=st.integers(0, 2**53 - 1), currency=st.sampled_from([CNY, JPY, KWD]))
def test_whole_numbers_are_minor_units_and_exact_decimals_major_ones(minor: int, currency: Currency) -> None:
    asked = {"grant": "G", "case": "C", "on": "2026-01-02"}
    made = command_of("CashGranted", {**asked, "amount": minor}, currency)
    assert isinstance(made, GrantCash)
    assert made.amount == minor
    text = format_amount(minor, currency.exponent, separator="")
    if currency.exponent:
        assert command_of("CashGranted", {**asked, "amount": text}, currency) == made
    else:
        assert major_amount(text, 0) is None
    for unclear in (
        f"{text}0",
        text + "." if "." not in text else text[:-1],
        f"-{text}",
        f"{text} ",
        text.replace("1", "１"),
    ):
        if unclear != text:
            with pytest.raises(BadValue):
                command_of("CashGranted", {**asked, "amount": unclear}, currency)


@pytest.mark.parametrize(
    ("value", "readings"),
    [
        ("20000", ["20000 = 200.00 CNY", '"20000.00" = 20,000.00 CNY']),
        ("20000.5", ["20000 = 200.00 CNY", '"20000.50" = 20,000.50 CNY']),
        (20000.5, ["20000 = 200.00 CNY", '"20000.50" = 20,000.50 CNY']),
        ("¥20,000.00", ["20000 = 200.00 CNY", '"20000.00" = 20,000.00 CNY']),
        ("20000.005", ["never rounded"]),
        ("many", ["20000 = 200.00 CNY", '"20000.00" = 20,000.00 CNY']),
        ("1e5", ["20000 = 200.00 CNY"]),
        (True, ["minor units"]),
        ([100], ["minor units"]),
        ({"a": 1}, ["minor units"]),
    ],
)
def test_an_unclear_amount_is_refused_with_both_readings(value: Any, readings: list[str]) -> None:
    with pytest.raises(BadValue) as caught:
        command_of("CashGranted", {"grant": "G", "case": "C", "on": "2026-01-02", "amount": value}, CNY)
    for reading in readings:
        assert reading in caught.value.say("en")
        if "=" in reading:
            assert reading in caught.value.say("zh")


def test_amounts_within_lines_and_in_foreign_money_follow_the_same_rule() -> None:
    lines = [{"case": "C", "amount": "60.00", "bill_no": "B", "bill_amount": 7000}]
    paid = command_of("HospitalPaymentMade", {"payment": "P", "hospital": "H", "on": "2026-01-02", "lines": lines}, CNY)
    assert isinstance(paid, PayHospital)
    assert paid.lines == (PaymentLine("C", 6000, "B", 7000),)
    foreign = {"currency": "JPY", "amount": 2000, "rate": "0.05", "rate_on": "2026-01-01"}
    gift = command_of("DonationReceived", {**GIFT, "amount": "100.00", "foreign": foreign}, CNY)
    assert isinstance(gift, ReceiveDonation)
    assert gift.foreign == Foreign("JPY", 2000, 0, "0.05", date(2026, 1, 1))
    with pytest.raises(BadValue, match=r"2000 = 2,000 JPY"):
        command_of("DonationReceived", {**GIFT, "foreign": {**foreign, "amount": "2000.00"}}, CNY)
    dinars = {**foreign, "currency": "KWD", "amount": "14.000"}
    gift = command_of("DonationReceived", {**GIFT, "foreign": dinars}, CNY)
    assert isinstance(gift, ReceiveDonation)
    assert gift.foreign is not None
    assert (gift.foreign.amount, gift.foreign.exponent) == (14_000, 3)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)


@given(fact=st.sampled_from(sorted(RECORDABLE)), data=st.data())
def test_any_json_is_a_command_or_one_error_in_two_languages(fact: str, data: st.DataObject) -> None:
    form = form_of(fact)
    asked = {"on": "2026-01-02", "amount": 1, "basis": BASIS}
    asked = {name: value for name, value in asked.items() if form.member(name)}
    for member in form.members:
        if member.required or data.draw(st.booleans(), label=member.name):
            asked[member.name] = data.draw(JSON | st.just("X") | st.just(asked.get(member.name)), label=member.name)
    try:
        command: object = command_of(fact, asked, CNY)
    except (BadValue, BadMembers) as refused:
        command = None
        said = [refused.say("zh"), refused.say("en")]
    else:
        said = []
    assert type(command) is RECORDABLE[fact] or (len(set(said)) == 2 and all(said))


@pytest.mark.parametrize(
    "change",
    [
        {"on": "2026-1-2"},
        {"on": 20260102},
        {"donor": 7},
        {"donor": ["P"]},
        {"fee_bp": "5%"},
        {"fee_bp": 5.0},
        {"approved_by": "a"},
        {"restriction": [["disease", ["VSD"]]]},
        {"restriction": {"disease": "VSD"}},
        {"basis": "filing:1"},
        {"cash": [{"account": "A", "amount": "1.5"}]},
        {"foreign": {"currency": 7, "amount": 1, "rate": "1", "rate_on": "2026-01-01"}},
        {"foreign": {"currency": "USD", "amount": 1, "exponent": 2**70, "rate": "1", "rate_on": "2026-01-01"}},
    ],
    ids=str,
)
def test_a_value_that_is_not_of_its_kind_is_refused_by_name(change: dict[str, Any]) -> None:
    with pytest.raises(BadValue) as caught:
        command_of("DonationReceived", {**GIFT, **change}, CNY)
    assert next(iter(change)) in str(caught.value)
