"""Plain gifts found among entries by compiled code: what `audit.verify.GIFT` takes, at a tenth of the cost.

A gift is plain here just as there: canonical, ASCII without escapes, numbers of few digits, no member but those below,
linked to the entry before it, its issues what its amount and its fee come to. Each function reads on from a place in
the bytes and returns the place behind what it read, or NOT, which every one of them takes for a place where nothing
can be read.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import types

from audit.compiling import HASHES, NOTHING, NUMBER, NUMBERS, TABLE, TEXT, Bytes, Numbers, compiled, expanded, part
from audit.verify import FEE, GIFT_ALONE, GIFT_WITH_FEE, SOURCES, walked

Gift = Numbers  # a row of columns
Gifts = Any  # numpy.ndarray[int64, int64], a row for each entry

AT, ON, STREAM, AMOUNT, FEE_BP, ROLE, TAPE, LO, HI, TAPE2, LO2, HI2 = range(12)
CHANNEL, CHANNEL_END, TRANSACTION, TRANSACTION_END, DONATION, DONATION_END, DONOR, DONOR_END = range(12, 20)
FUND, FUND_END, TO, TO_END, TO2, TO2_END, LINE, LINE_END, IS_PLAIN, COLUMNS = range(20, 30)
"""Columns of one entry: its numbers; where its texts begin and end in the bytes (NOT where absent); whether it is a
plain gift. ROLE is that of its first issue; TAPE2 is 0 without a second."""

RUN, FIRST, SECOND, ROW_TAPE, ROW_LO, ROW_HI, ROW_COLUMNS = range(7)
"""Columns of issues that adjoin on a tape and are alike, one behind the other: in which run of gifts, the first gift of
them, whether they are its second issue."""

NOT = -1
QUOTE, BACKSLASH, COMMA, BRACE, BRACKET, ZERO = b'"\\,}]0'
ID_BYTES, DIGITS, TAPE_DIGITS, RATE_DIGITS = 120, 15, 9, 4
"""How long things may be, as in `audit.verify.GIFT`."""
INSTANT_BYTES, STREAM_BYTES = 27, len("donation/")
"""How long a time is, and what stands before the donation in the name of its stream."""


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
_STREAM, _END = _text(',"stream":"'), _text('","type":"DonationReceived","v":1,"version":1}')
_NOUN = _text("donation/")
_SOURCES = _text("".join(SOURCES))
_SOURCES_AT = np.cumsum([0, *map(len, SOURCES)])
_HEX = _text("0123456789abcdef")


walk = compiled(types.UniTuple(NUMBER, 2), TEXT, NUMBER, NUMBER, NUMBER)(walked)
"""As it stands in the replay."""


@compiled(NOTHING, TEXT, NUMBERS)
def ends_in(data: Bytes, ends: Numbers) -> None:
    """Fill `ends` with where each entry of a bundle ends."""
    at = 0
    for index in range(len(ends)):
        at += 2 + (data[at] << 8 | data[at + 1])
        ends[index] = at


@expanded
def _eight(data: Bytes, at: int) -> np.uint64:
    """Eight bytes as one number: the compiler makes one step of it."""
    place, value = np.uint64(at), np.uint64(0)
    for index in range(8):
        value |= np.uint64(data[place + np.uint64(index)]) << np.uint64(8 * index)
    return value


@part
def behind(data: Bytes, at: int, end: int, text: Bytes) -> int:
    """Behind the text, if it stands here."""
    size = len(text)
    if at < 0 or at + size > end:
        return NOT
    if size < 8:
        for index in range(size):
            if data[at + index] != text[index]:
                return NOT
        return at + size
    for index in range(0, size - 8, 8):
        if _eight(data, at + index) != _eight(text, index):
            return NOT
    return at + size if _eight(data, at + size - 8) == _eight(text, size - 8) else NOT


@part
def is_plain_text(data: Bytes, at: int, end: int) -> bool:
    """Whether all bytes are ASCII that stands in JSON as it is, or a quotation mark."""
    odd = 0
    for index in range(at, end):
        byte = data[index]
        odd |= (byte < 0x20) | (byte > 0x7E) | (byte == BACKSLASH)
    return odd == 0


@part
def quote(data: Bytes, at: int, end: int) -> int:
    """The next quotation mark."""
    if at < 0:
        return NOT
    while at < end and data[at] != QUOTE:
        at += 1
    return at if at < end else NOT


@part
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


@part
def hexes(data: Bytes, at: int, end: int, count: int) -> int:
    """Behind so many hex digits."""
    if at < 0 or at + count > end:
        return NOT
    odd = 0
    for index in range(at, at + count):
        byte = data[index]
        odd |= ((byte < ZERO) | (byte > ZERO + 9)) & ((byte < 0x61) | (byte > 0x66))
    return at + count if odd == 0 else NOT


@part
def two(data: Bytes, at: int, most: int) -> int:
    """The number of two digits that stands here, NOT if it is none or above `most`."""
    tens, ones = data[at] - ZERO, data[at + 1] - ZERO
    if tens < 0 or tens > 9 or ones < 0 or ones > 9 or tens * 10 + ones > most:
        return NOT
    return tens * 10 + ones


@part
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


@part
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


@part
def member(data: Bytes, at: int, end: int, name: Bytes) -> tuple[int, int, int]:
    """Of a member that may be absent: behind it, or here; where its text begins and ends, NOT where it is absent."""
    start = behind(data, at, end, name)
    if start < 0:
        return at, NOT, NOT
    stop = quote(data, start, end)
    return NOT if stop < 0 else stop + 1, start, stop


@part
def id_member(data: Bytes, at: int, end: int, name: Bytes) -> tuple[int, int, int]:
    """As `member`, and the text can be an id."""
    at, start, stop = member(data, at, end, name)
    if start >= 0 and not 0 < stop - start <= ID_BYTES:
        return NOT, start, stop
    return at, start, stop


@part
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


@part
def issue(data: Bytes, at: int, end: int) -> tuple[int, int, int, int, int, int]:
    """Behind one issue; its tape, lo and hi; where its place begins and ends."""
    at, hi = number(data, behind(data, at, end, _HI), end, DIGITS)
    at, lo = number(data, behind(data, at, end, _LO), end, DIGITS)
    at, tape = number(data, behind(data, at, end, _TAPE), end, TAPE_DIGITS)
    start = behind(data, at, end, _TO)
    stop = quote(data, start, end)
    at = behind(data, stop, end, _ISSUE_END)
    return at if tape > 0 and stop > start else NOT, tape, lo, hi, start, stop


@part
def source(data: Bytes, at: int, end: int) -> int:
    """Behind the source of the money, its name and all."""
    at = behind(data, at, end, _SOURCE)
    for index in range(len(_SOURCES_AT) - 1):
        stop = behind(data, at, end, _SOURCES[_SOURCES_AT[index] : _SOURCES_AT[index + 1]])
        if stop >= 0 and stop < end and data[stop] == QUOTE:
            return stop
    return NOT


@part
def fact(data: Bytes, at: int, end: int, gift: Gift) -> int:
    """Behind what the entry says of the gift."""
    at, gift[AMOUNT] = number(data, behind(data, at, end, _AMOUNT), end, DIGITS)
    at, _, _ = member(data, at, end, _BY)
    at, gift[CHANNEL], gift[CHANNEL_END] = member(data, at, end, _CHANNEL)
    at, gift[TRANSACTION], gift[TRANSACTION_END] = member(data, at, end, _TRANSACTION)
    at, gift[DONATION], gift[DONATION_END] = id_member(data, commitments(data, at, end), end, _DONATION)
    at, gift[DONOR], gift[DONOR_END] = id_member(data, at, end, _DONOR)
    at, gift[FEE_BP] = number(data, behind(data, at, end, _FEE_BP), end, RATE_DIGITS)
    at, gift[FUND], gift[FUND_END] = id_member(data, at, end, _FUND)
    at, gift[TAPE], gift[LO], gift[HI], gift[TO], gift[TO_END] = issue(data, behind(data, at, end, _ISSUE), end)
    gift[TAPE2], gift[LO2], gift[HI2], gift[TO2], gift[TO2_END] = 0, 0, 0, NOT, NOT
    if 0 <= at < end and data[at] == COMMA:
        at, gift[TAPE2], gift[LO2], gift[HI2], gift[TO2], gift[TO2_END] = issue(data, at + 1, end)
    if at < 0 or at >= end or data[at] != BRACKET or gift[DONATION] < 0 or gift[FUND] < 0:
        return NOT
    at, gift[LINE], gift[LINE_END] = member(data, at + 1, end, _LINE)
    gift[ON] = behind(data, at, end, _ON)
    return source(data, day(data, gift[ON], end), end)


@part
def linked(data: Bytes, at: int, end: int, gift: Gift, origin: Bytes, prev: Bytes, seq: int) -> bool:
    """Whether the entry goes on and ends as its place in the chain and its id ask."""
    at = behind(data, behind(data, behind(data, at, end, _ORIGIN), end, origin), end, _PREV)
    if at < 0 or at + 64 > end:
        return False
    unlike = 0
    for index in range(32):
        byte = prev[index]
        unlike |= data[at + 2 * index] ^ _HEX[byte >> 4] | data[at + 2 * index + 1] ^ _HEX[byte & 15]
    if unlike:
        return False
    salt = behind(data, at + 64, end, _SALT)
    at, said = number(data, behind(data, hexes(data, salt, end, 32), end, _SEQ), end, DIGITS)
    gift[STREAM] = behind(data, at, end, _STREAM)
    at = behind(data, behind(data, gift[STREAM], end, _NOUN), end, data[gift[DONATION] : gift[DONATION_END]])
    return said == seq and behind(data, at, end, _END) == end


@part
def adds_up(gift: Gift) -> bool:
    """Whether the issues are what the amount and the fee come to; says the role of the first."""
    whole, rest = gift[AMOUNT] // 10_000, gift[AMOUNT] % 10_000
    fee = whole * gift[FEE_BP] + rest * gift[FEE_BP] // 10_000
    size = gift[HI] - gift[LO]
    if fee == 0:
        gift[ROLE] = GIFT_ALONE
        return gift[AMOUNT] > 0 and gift[TAPE2] == 0 and size == gift[AMOUNT]
    if gift[TAPE] >= gift[TAPE2] or size + gift[HI2] - gift[LO2] != gift[AMOUNT] or size * 2 == gift[AMOUNT]:
        return False
    gift[ROLE] = FEE if size == fee else GIFT_WITH_FEE
    return size == fee or size == gift[AMOUNT] - fee


@part
def is_later(data: Bytes, at: int, before: int) -> bool:
    """Whether the time that stands here is not earlier than another one."""
    for index in range(INSTANT_BYTES):
        if data[at + index] != data[before + index]:
            return data[at + index] > data[before + index]
    return True


@compiled(NOTHING, TEXT, NUMBERS, HASHES, TEXT, NUMBER, TABLE)
def scan(data: Bytes, ends: Numbers, leaves: Bytes, origin: Bytes, start: int, gifts: Gifts) -> None:
    """Fill `gifts`: which entries of a bundle are plain gifts, and what these say. The first is never looked at.

    `ends` is where each entry ends, `leaves` their leaf hashes, 32 bytes a row; the first stands at position `start`.
    """
    for index in range(1, len(ends)):
        gift, end = gifts[index], ends[index]
        gift[AT] = behind(data, ends[index - 1] + 2, end, _AT)
        at = fact(data, instant(data, gift[AT], end), end, gift)
        gift[IS_PLAIN] = (
            at >= 0
            and is_plain_text(data, gift[AT], end)
            and linked(data, at, end, gift, origin, leaves[index - 1], start + index)
            and adds_up(gift)
            and not (gifts[index - 1, IS_PLAIN] and not is_later(data, gift[AT], gifts[index - 1, AT]))
        )


@part
def equal(data: Bytes, at: int, end: int, other: int, other_end: int) -> bool:
    """Whether the same text stands in two places."""
    return behind(data, at, end, data[other:other_end]) == end


@part
def role_of(gift: Gift, second: int) -> int:
    """The role of the gift's first or second issue: where there are two, one is the fee."""
    return FEE + GIFT_WITH_FEE - gift[ROLE] if second else gift[ROLE]


@part
def continues(data: Bytes, gifts: Gifts, row: Numbers, gift: Gift, second: int) -> bool:
    """Whether an issue of the gift adjoins the row's last and is alike: place, day, fund and role."""
    first = gifts[row[FIRST]]
    to, to_end = (first[TO2], first[TO2_END]) if row[SECOND] else (first[TO], first[TO_END])
    lo, its, its_end = (gift[LO2], gift[TO2], gift[TO2_END]) if second else (gift[LO], gift[TO], gift[TO_END])
    return (
        row[ROW_HI] == lo
        and role_of(first, row[SECOND]) == role_of(gift, second)
        and equal(data, to, to_end, its, its_end)
        and equal(data, first[ON], first[ON] + 10, gift[ON], gift[ON] + 10)
        and equal(data, first[FUND], first[FUND_END], gift[FUND], gift[FUND_END])
    )


@compiled(NUMBER, TEXT, TABLE, TABLE)
def issued(data: Bytes, gifts: Gifts, rows: Gifts) -> int:
    """Fill `rows` with what each run of plain gifts issues, in order; how many there are."""
    count, first, run, is_open = 0, 0, NOT, False
    for index in range(len(gifts)):
        gift = gifts[index]
        if not gift[IS_PLAIN]:
            is_open = False
            continue
        if not is_open:
            run, first, is_open = run + 1, count, True
        for second in range(2 if gift[TAPE2] else 1):
            tape, hi = (gift[TAPE2], gift[HI2]) if second else (gift[TAPE], gift[HI])
            last = count - 1
            while last >= first and rows[last, ROW_TAPE] != tape:
                last -= 1
            if last >= first and continues(data, gifts, rows[last], gift, second):
                rows[last, ROW_HI] = hi
                continue
            row = rows[count]
            row[RUN], row[FIRST], row[SECOND], row[ROW_TAPE], row[ROW_HI] = run, index, second, tape, hi
            row[ROW_LO] = gift[LO2] if second else gift[LO]
            count += 1
    return count
