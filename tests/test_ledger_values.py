"""Amounts, rates, ids, times and places: read and written in one form, and refused with a reason otherwise."""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.errors import BadValue, LedgerError, NotEnoughMoney
from ledger.ids import are_plain_ids, check_id, check_opaque, escape, unescape
from ledger.money import MAX_MINOR, AmountError, fee_part, format_amount, parse_amount, parse_rate
from ledger.places import (
    Place,
    case_place,
    fee_place,
    fund_place,
    hospital_place,
    parse_place,
    tape_name,
    tape_number,
    used_place,
)
from ledger.times import find_zone, local_day, parse_day, parse_utc, utc_text

ids = st.text(st.characters(codec="utf-8"), min_size=1, max_size=120).filter(
    lambda text: text.isprintable() and text == text.strip() and unicodedata.is_normalized("NFC", text)
)
minors = st.integers(1, MAX_MINOR)


@given(minors, st.integers(0, 4))
def test_an_amount_reads_back_as_it_was_written(minor: int, exponent: int) -> None:
    assert parse_amount(format_amount(minor, exponent, separator=""), exponent) == minor


@given(minors)
def test_an_amount_in_text_is_the_exact_decimal(minor: int) -> None:
    assert Decimal(format_amount(minor, 2, separator="")) == Decimal(minor) / 100


@pytest.mark.parametrize(
    "text",
    [
        *("", "-1", "0", "0.00", "0.001", "NaN", "1e5", "10**2", "1,000.00", "¥5", "1.", ".5", "٣", "1 000"),
        *("9" * 17, "90071992547409.92", "1" + "0" * 18, "1" * 70_000),
    ],
)
def test_what_is_no_exact_positive_amount_is_refused(text: str) -> None:
    with pytest.raises(AmountError):
        parse_amount(text, 2)


@pytest.mark.parametrize(
    ("text", "basis_points"), [("0", 0), ("0.05", 500), ("0.0001", 1), ("1", 10_000), ("1.0", 10_000)]
)
def test_a_rate_is_read_in_basis_points(text: str, basis_points: int) -> None:
    assert parse_rate(text) == basis_points


@pytest.mark.parametrize("text", ["", "-0.1", "1.0001", "0.00001", "5%", "2", "99999"])
def test_what_is_no_rate_is_refused(text: str) -> None:
    with pytest.raises(AmountError):
        parse_rate(text)


@given(minors, st.integers(0, 10_000))
def test_the_fee_is_rounded_down_and_never_more_than_the_gift(amount: int, fee_bp: int) -> None:
    fee = fee_part(amount, fee_bp)
    assert fee * 10_000 <= amount * fee_bp < (fee + 1) * 10_000
    assert 0 <= fee <= amount


@given(ids)
def test_an_id_survives_being_part_of_a_place(id: str) -> None:
    assert check_id(id, "id") == id
    assert unescape(escape(id)) == id
    assert "/" not in escape(id)


@given(ids, ids)
def test_places_read_back_as_they_were_built(one: str, two: str) -> None:
    assert parse_place(fund_place(one)) == Place("fund", fund=one)
    assert parse_place(fund_place(one) + "/t9") == Place("fund", fund=one, tape=9)
    assert parse_place(fee_place(one)) == Place("fee", fund=one)
    assert parse_place(case_place(one)) == Place("case", case=one)
    assert parse_place(hospital_place(one, two)) == Place("hospital", hospital=one, case=two)
    assert parse_place(used_place(two, one)) == Place("used", hospital=one, case=two)
    assert parse_place(used_place(two)) == Place("used", case=two)


@pytest.mark.parametrize("text", ["", "fund", "fund/a/b", "case/a/b", "used/a/b/c", "elsewhere/x", "refunded/x"])
def test_what_is_no_place_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a"):
        parse_place(text)


@pytest.mark.parametrize("value", ["", " a", "a ", "a\tb", "a\u0301", "x" * 121, "\ud800", "a\u200b", None, 5])
def test_what_is_no_id_is_refused(value: object) -> None:
    assert value is None or not are_plain_ids([value])
    with pytest.raises(BadValue, match="1 to 120 printable"):
        check_id(value, "id")


@pytest.mark.parametrize(
    "value",
    ["13800138000", "+8613800138000", "110101199003074514", "11010119900307002X", "a@example.org", "4111111111111111"],
)
def test_an_id_that_looks_personal_is_refused_without_repeating_it(value: str) -> None:
    with pytest.raises(BadValue) as refused:
        check_opaque(value, "donor")
    assert value not in refused.value.say("zh") + refused.value.say("en")


@pytest.mark.parametrize(
    "value", [None, "P1", "12800138000", "110101199003074515", "4111111111111112", "1234567", "a@b"]
)
def test_an_id_that_does_not_look_personal_passes(value: str | None) -> None:
    check_opaque(value, "donor")
    assert value is None or check_id(value, "donor") == value


@given(st.integers(1, 10**6))
def test_tape_names_count_from_one(number: int) -> None:
    assert tape_number(tape_name(number)) == number


@pytest.mark.parametrize("name", ["t0", "t01", "t", "3", "T3", "t-1", "t٣", "t1 "])
def test_what_is_no_tape_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="not a tape"):
        tape_number(name)


@given(st.datetimes(timezones=st.just(UTC)))
def test_an_instant_has_one_text_form(instant: datetime) -> None:
    assert parse_utc(utc_text(instant)) == instant
    assert len(utc_text(instant)) == 27


def test_the_business_date_is_the_day_in_the_ledgers_zone() -> None:
    zone = find_zone("Asia/Shanghai")
    midnight = datetime(2026, 1, 1, 16, 0, tzinfo=UTC)
    assert local_day(midnight, zone) == date(2026, 1, 2)
    assert local_day(midnight - timedelta(microseconds=1), zone) == date(2026, 1, 1)


@pytest.mark.parametrize("text", ["2026-1-2", "20260102", "2026-02-30", "2026-01-02 ", "", "yesterday", "2026-W01-1"])
def test_what_is_no_date_is_refused(text: str) -> None:
    with pytest.raises(BadValue, match="YYYY-MM-DD"):
        parse_day(text, "on")


def test_an_unknown_zone_is_refused() -> None:
    with pytest.raises(BadValue, match="IANA"):
        find_zone("Asia/Nowhere")


def test_every_refusal_speaks_both_languages_with_the_same_figures() -> None:
    refusal = NotEnoughMoney(
        place="fund/F",
        wanted=123_456,
        there=1,
        restricted=700,
        by_dimension={"disease": 700},
        held=2_200,
        expired=0,
        too_early=30,
        later=5,
    )
    assert "冻结 22.00" in refusal.say("zh")
    assert "not usable yet 0.30" in refusal.say("en")
    assert "1,234.56" in refusal.say("zh")
    assert "disease 7.00" in refusal.say("zh")
    assert "restricted to other uses 7.00 (disease 7.00)" in refusal.say("en")
    assert "123,456 is wanted" in refusal.say("en", exponent=0)


def test_every_kind_of_refusal_has_a_stable_code_and_two_sentences() -> None:
    def below(kind: type[LedgerError]) -> list[type[LedgerError]]:
        return [kind, *(deeper for child in kind.__subclasses__() for deeper in below(child))]

    leaves = [kind for kind in below(LedgerError) if not kind.__subclasses__()]
    assert len({kind.code for kind in leaves}) == len(leaves)
    assert all(any("\u4e00" <= c <= "\u9fff" for c in kind.zh) or re.fullmatch(r"{\w+}", kind.zh) for kind in leaves)
    assert all(kind.en.isascii() for kind in leaves)
