"""Plain gifts found among entries by compiled code: what `audit.verify.GIFT` takes, at a tenth of the cost.

A gift is plain here just as there: canonical, ASCII without escapes, numbers of few digits, no member but those below,
linked to the entry before it, its issues what its amount and its fee come to. Each function reads on from a place in
the bytes and returns the place behind what it read, or NOT, which every one of them takes for a place where nothing
can be read. `numba` compiles them once for a machine and keeps the code beside this file.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from audit.verify import FEE, GIFT_ALONE, GIFT_WITH_FEE, SOURCES

Bytes = Any  # numpy.ndarray[uint8], as the compiler knows it
Gift = Any  # a record of GIFT

_SPANS = ("channel", "transaction", "donation", "donor", "fund", "to", "to2", "line")
_NUMBERS = ("at", "on", "amount", "fee_bp", "tape", "lo", "hi", "tape2", "lo2", "hi2", "role")
GIFT = np.dtype(
    [("is_plain", np.bool_)]
    + [(name, np.int64) for name in _NUMBERS]
    + [(name, np.int64) for span in _SPANS for name in (span, f"{span}_end")]
)
"""Of one entry: whether it is a plain gift, its numbers, and where its texts stand in the bytes (NOT where absent).
`role` is that of its first issue; `tape2` is 0 without a second."""

ROW = np.dtype([(name, np.int64) for name in ("run", "gift", "second", "tape", "lo", "hi")])
"""Issues that adjoin on a tape and are alike, one behind the other: in which run of gifts, and the first of them."""

NOT = -1
QUOTE, BACKSLASH, COMMA, BRACE, BRACKET, ZERO = b'"\\,}]0'
ID_BYTES, DIGITS, TAPE_DIGITS, RATE_DIGITS = 120, 15, 9, 4
"""How long things may be, as in `audit.verify.GIFT`."""
INSTANT_BYTES = 27


def _text(text: str) -> Bytes:
    return np.frombuffer(text.encode(), np.uint8)


_AT, _AMOUNT, _BY = _text('{"at":"'), _text('","data":{"amount":'), _text(',"by":"')
_CHANNEL, _TRANSACTION = _text(',"channel":"'), _text(',"channel_txn":"')
_COMMITMENTS = _text(',"commitments":{')
_ID_NUMBER, _NAME, _PHONE = _text('"donor_id_no":"'), _text('"donor_name":"'), _text('"donor_phone":"')
_DONATION, _DONOR, _FEE_BP = _text(',"donation":"'), _text(',"donor":"'), _text(',"fee_bp":')
_FUND, _ISSUE, _LINE, _ON = _text(',"fund":"'), _text(',"issue":['), _text(',"line":"'), _text(',"on":"')
_HI, _LO, _TAPE, _TO, _ISSUE_END = _text('{"hi":'), _text(',"lo":'), _text(',"tape":"t'), _text('","to":"'), _text('"}')
_SOURCE = _text('","source":"')
_ORIGIN, _PREV, _SALT, _SEQ = _text('"},"origin":"'), _text('","prev":"'), _text('","salt":"'), _text('","seq":')
_STREAM, _END = _text(',"stream":"donation/'), _text('","type":"DonationReceived","v":1,"version":1}')
_SOURCES = _text("".join(SOURCES))
_SOURCES_AT = np.cumsum([0, *map(len, SOURCES)])
_HEX = _text("0123456789abcdef")

_compiled = njit(nogil=True, cache=True)
_part = njit(nogil=True)  # of what is compiled, called by it alone


@_part
def behind(data: Bytes, at: int, end: int, text: Bytes) -> int:
    """Behind the text, if it stands here."""
    if at < 0 or at + len(text) > end:
        return NOT
    for index in range(len(text)):
        if data[at + index] != text[index]:
            return NOT
    return at + len(text)


@_part
def quote(data: Bytes, at: int, end: int) -> int:
    """The quotation mark that ends the plain text that begins here."""
    if at < 0:
        return NOT
    while at < end:
        byte = data[at]
        if byte == QUOTE:
            return at
        if byte < 0x20 or byte > 0x7E or byte == BACKSLASH:
            return NOT
        at += 1
    return NOT


@_part
def number(data: Bytes, at: int, end: int, most: int) -> tuple[int, int]:
    """Behind the canonical number of at most so many digits, and the number."""
    if at < 0:
        return NOT, 0
    value, first = 0, at
    while at < end and at - first < most and ZERO <= data[at] <= ZERO + 9:
        value = value * 10 + data[at] - ZERO
        at += 1
    if at == first or (data[first] == ZERO and at > first + 1):
        return NOT, 0
    return at, value


@_part
def hexes(data: Bytes, at: int, end: int, count: int) -> int:
    """Behind so many hex digits."""
    if at < 0 or at + count > end:
        return NOT
    for index in range(at, at + count):
        byte = data[index]
        if not (ZERO <= byte <= ZERO + 9 or 0x61 <= byte <= 0x66):
            return NOT
    return at + count


@_part
def two(data: Bytes, at: int, most: int) -> int:
    """The number of two digits that stands here, NOT if it is none or above `most`."""
    tens, ones = data[at] - ZERO, data[at + 1] - ZERO
    if tens < 0 or tens > 9 or ones < 0 or ones > 9 or tens * 10 + ones > most:
        return NOT
    return tens * 10 + ones


@_part
def day(data: Bytes, at: int, end: int) -> int:
    """Behind the real date that stands here as YYYY-MM-DD."""
    if at < 0 or at + 10 > end or data[at + 4] != 0x2D or data[at + 7] != 0x2D:
        return NOT
    century, year, month, date = two(data, at, 99), two(data, at + 2, 99), two(data, at + 5, 12), two(data, at + 8, 31)
    if century < 0 or year < 0 or month < 1 or date < 1 or century + year == 0:
        return NOT
    if date == 31 and (month == 2 or month == 4 or month == 6 or month == 9 or month == 11):
        return NOT
    is_leap = year % 4 == 0 and (year != 0 or century % 4 == 0)
    if month == 2 and (date == 30 or (date == 29 and not is_leap)):
        return NOT
    return at + 10


@_part
def instant(data: Bytes, at: int, end: int) -> int:
    """Behind the time that stands here as 2026-11-21T23:07:00.123456Z."""
    at = day(data, at, end)
    if at < 0 or at + 17 > end or two(data, at + 1, 23) < 0 or two(data, at + 4, 59) < 0 or two(data, at + 7, 59) < 0:
        return NOT
    if (
        data[at] != 0x54
        or data[at + 3] != 0x3A
        or data[at + 6] != 0x3A
        or data[at + 9] != 0x2E
        or data[at + 16] != 0x5A
    ):
        return NOT
    for index in range(at + 10, at + 16):
        if not ZERO <= data[index] <= ZERO + 9:
            return NOT
    return at + 17


@_part
def member(data: Bytes, at: int, end: int, name: Bytes) -> tuple[int, int, int]:
    """Of a member that may be absent: behind it, or here; where its text begins and ends, NOT where it is absent."""
    start = behind(data, at, end, name)
    if start < 0:
        return at, NOT, NOT
    stop = quote(data, start, end)
    return NOT if stop < 0 else stop + 1, start, stop


@_part
def id_member(data: Bytes, at: int, end: int, name: Bytes) -> tuple[int, int, int]:
    """As `member`, and the text can be an id."""
    at, start, stop = member(data, at, end, name)
    if start >= 0 and not 0 < stop - start <= ID_BYTES:
        return NOT, start, stop
    return at, start, stop


@_part
def commitments(data: Bytes, at: int, end: int) -> int:
    """Behind what is committed to of a donor, if anything."""
    inner = behind(data, at, end, _COMMITMENTS)
    if inner < 0:
        return at
    count = 0
    for name in (_ID_NUMBER, _NAME, _PHONE):
        start = inner
        if count > 0 and inner < end:
            start = inner + 1 if data[inner] == COMMA else NOT
        start = behind(data, start, end, name)
        if start >= 0:
            inner = hexes(data, start, end, 64)
            if inner < 0 or inner >= end or data[inner] != QUOTE:
                return NOT
            inner, count = inner + 1, count + 1
    return inner + 1 if count > 0 and inner < end and data[inner] == BRACE else NOT


@_part
def issue(data: Bytes, at: int, end: int) -> tuple[int, int, int, int, int, int]:
    """Behind one issue; its tape, lo and hi; where its place begins and ends."""
    at, hi = number(data, behind(data, at, end, _HI), end, DIGITS)
    at, lo = number(data, behind(data, at, end, _LO), end, DIGITS)
    at, tape = number(data, behind(data, at, end, _TAPE), end, TAPE_DIGITS)
    start = behind(data, at, end, _TO)
    stop = quote(data, start, end)
    at = behind(data, stop, end, _ISSUE_END)
    return at if tape > 0 and stop > start else NOT, tape, lo, hi, start, stop


@_part
def source(data: Bytes, at: int, end: int) -> int:
    """Behind the source of the money, its name and all."""
    at = behind(data, at, end, _SOURCE)
    for index in range(len(_SOURCES_AT) - 1):
        stop = behind(data, at, end, _SOURCES[_SOURCES_AT[index] : _SOURCES_AT[index + 1]])
        if stop >= 0 and stop < end and data[stop] == QUOTE:
            return stop
    return NOT


@_part
def fact(data: Bytes, at: int, end: int, gift: Gift) -> int:
    """Behind what the entry says of the gift."""
    at, gift.amount = number(data, behind(data, at, end, _AMOUNT), end, DIGITS)
    at, _, _ = member(data, at, end, _BY)
    at, gift.channel, gift.channel_end = member(data, at, end, _CHANNEL)
    at, gift.transaction, gift.transaction_end = member(data, at, end, _TRANSACTION)
    at, gift.donation, gift.donation_end = id_member(data, commitments(data, at, end), end, _DONATION)
    at, gift.donor, gift.donor_end = id_member(data, at, end, _DONOR)
    at, gift.fee_bp = number(data, behind(data, at, end, _FEE_BP), end, RATE_DIGITS)
    at, gift.fund, gift.fund_end = id_member(data, at, end, _FUND)
    at, gift.tape, gift.lo, gift.hi, gift.to, gift.to_end = issue(data, behind(data, at, end, _ISSUE), end)
    gift.tape2, gift.lo2, gift.hi2, gift.to2, gift.to2_end = 0, 0, 0, NOT, NOT
    if 0 <= at < end and data[at] == COMMA:
        at, gift.tape2, gift.lo2, gift.hi2, gift.to2, gift.to2_end = issue(data, at + 1, end)
    if at < 0 or at >= end or data[at] != BRACKET or gift.donation < 0 or gift.fund < 0:
        return NOT
    at, gift.line, gift.line_end = member(data, at + 1, end, _LINE)
    gift.on = behind(data, at, end, _ON)
    return source(data, day(data, gift.on, end), end)


@_part
def linked(data: Bytes, at: int, end: int, gift: Gift, origin: Bytes, prev: Bytes, seq: int) -> bool:
    """Whether the entry goes on and ends as its place in the chain and its id ask."""
    at = behind(data, behind(data, behind(data, at, end, _ORIGIN), end, origin), end, _PREV)
    if at < 0 or at + 64 > end:
        return False
    for index in range(32):
        byte = prev[index]
        if data[at + 2 * index] != _HEX[byte >> 4] or data[at + 2 * index + 1] != _HEX[byte & 15]:
            return False
    salt = behind(data, at + 64, end, _SALT)
    at, said = number(data, behind(data, hexes(data, salt, end, 32), end, _SEQ), end, DIGITS)
    at = behind(data, at, end, _STREAM)
    at = behind(data, at, end, data[gift.donation : gift.donation_end])
    return said == seq and behind(data, at, end, _END) == end


@_part
def adds_up(gift: Gift) -> bool:
    """Whether the issues are what the amount and the fee come to; says the role of the first."""
    whole, rest = gift.amount // 10_000, gift.amount % 10_000
    fee = whole * gift.fee_bp + rest * gift.fee_bp // 10_000
    size = gift.hi - gift.lo
    if fee == 0:
        gift.role = GIFT_ALONE
        return gift.amount > 0 and gift.tape2 == 0 and size == gift.amount
    if gift.tape >= gift.tape2 or size + gift.hi2 - gift.lo2 != gift.amount or size * 2 == gift.amount:
        return False
    gift.role = FEE if size == fee else GIFT_WITH_FEE
    return size == fee or size == gift.amount - fee


@_part
def is_later(data: Bytes, at: int, before: int) -> bool:
    """Whether the time that stands here is not earlier than another one."""
    for index in range(INSTANT_BYTES):
        if data[at + index] != data[before + index]:
            return data[at + index] > data[before + index]
    return True


@_compiled
def scan(data: Bytes, ends: Bytes, leaves: Bytes, origin: Bytes, start: int, gifts: Any) -> None:
    """Fill `gifts`: which entries of a bundle are plain gifts, and what these say. The first is never looked at.

    `ends` is where each entry ends, `leaves` their leaf hashes, 32 bytes a row; the first stands at position `start`.
    """
    for index in range(1, len(ends)):
        gift, end = gifts[index], ends[index]
        gift.at = behind(data, ends[index - 1] + 2, end, _AT)
        at = fact(data, instant(data, gift.at, end), end, gift)
        gift.is_plain = (
            at >= 0
            and linked(data, at, end, gift, origin, leaves[index - 1], start + index)
            and adds_up(gift)
            and not (gifts[index - 1].is_plain and not is_later(data, gift.at, gifts[index - 1].at))
        )


@_part
def equal(data: Bytes, at: int, end: int, other: int, other_end: int) -> bool:
    """Whether the same text stands in two places."""
    return behind(data, at, end, data[other:other_end]) == end


@_part
def continues(data: Bytes, gifts: Any, row: Any, gift: Gift, second: int) -> bool:
    """Whether an issue of the gift adjoins the row's last and is alike: place, day, fund and role."""
    first = gifts[row.gift]
    to, to_end = (first.to2, first.to2_end) if row.second else (first.to, first.to_end)
    lo, its, its_end = (gift.lo2, gift.to2, gift.to2_end) if second else (gift.lo, gift.to, gift.to_end)
    role, its_role = first.role, gift.role  # of the first issues: those of the seconds follow from them
    return (
        row.hi == lo
        and row.second == second
        and role == its_role
        and equal(data, to, to_end, its, its_end)
        and equal(data, first.on, first.on + 10, gift.on, gift.on + 10)
        and equal(data, first.fund, first.fund_end, gift.fund, gift.fund_end)
    )


@_compiled
def issued(data: Bytes, gifts: Any, rows: Any) -> int:
    """Fill `rows` with what each run of plain gifts issues, in order; how many there are."""
    count, first, run, is_open = 0, 0, NOT, False
    for index in range(len(gifts)):
        gift = gifts[index]
        if not gift.is_plain:
            is_open = False
            continue
        if not is_open:
            run, first, is_open = run + 1, count, True
        for second in range(2 if gift.tape2 else 1):
            tape, hi = (gift.tape2, gift.hi2) if second else (gift.tape, gift.hi)
            last = count - 1
            while last >= first and rows[last].tape != tape:
                last -= 1
            if last >= first and continues(data, gifts, rows[last], gift, second):
                rows[last].hi = hi
                continue
            row = rows[count]
            row.run, row.gift, row.second, row.tape, row.hi = run, index, second, tape, hi
            row.lo = gift.lo2 if second else gift.lo
            count += 1
    return count
