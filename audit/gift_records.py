"""What plain gifts note for the end of a replay, made by compiled code: as `audit.verify` packs it one by one.

Records come by partition, which the first byte of each record says, and in a partition in the order of the entries.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from audit.blake2b import Bytes, digest
from audit.gift_scanner import equal
from audit.verify import (
    AT_CHANNEL,
    CLAIM_RECORD,
    ENTRY_RECORD,
    HAS_DONOR,
    IS_DONATION,
    LEG_RECORD,
    PARTITIONS,
)

ENTRY_BYTES, CLAIM_BYTES, LEG_BYTES = ENTRY_RECORD.size, CLAIM_RECORD.size, LEG_RECORD.size
_SCRATCH_BYTES = 64
"""No fewer than a digested text has besides what it takes from the entry."""
TAB, LINE_FEED, ZERO = b"\t\n0"
_NOUN = np.frombuffer(b"donation/", np.uint8)

_compiled = njit(nogil=True, cache=True)
_part = njit(nogil=True)  # of what is compiled, called by it alone


@_part
def put(out: Bytes, at: int, value: int, size: int) -> int:
    """Behind the number as so many bytes, big endian."""
    for index in range(at + size - 1, at - 1, -1):
        out[index] = value & 0xFF
        value >>= 8
    return at + size


@_part
def copy(out: Bytes, at: int, data: Bytes, start: int, stop: int) -> int:
    """Behind the text as it is put there."""
    for index in range(start, stop):
        out[at] = data[index]
        at += 1
    return at


@_part
def put_part(out: Bytes, at: int, data: Bytes, start: int, stop: int) -> int:
    """Behind a part of a business key, see `audit.verify.key_part`."""
    if start < 0:
        return put(out, at, 0x2D, 1)
    return copy(out, put(out, at, 0x73, 1), data, start, stop)


@_compiled
def entries_of(data: Bytes, gifts: Any, start: int, out: Bytes) -> int:
    """Fill `out` with the entry records of all plain gifts; how many there are."""
    text = np.empty(len(data) + _SCRATCH_BYTES, np.uint8)
    block, work, state = np.empty(16, np.uint64), np.empty(16, np.uint64), np.empty(8, np.uint64)
    copy(text, 0, _NOUN, 0, len(_NOUN))
    count = 0
    for index in range(len(gifts)):
        gift = gifts[index]
        if not gift.is_plain:
            continue
        at = count * ENTRY_BYTES
        size = copy(text, len(_NOUN), data, gift.donation, gift.donation_end)
        digest(text, size, block, work, state, out[at : at + 16])
        at = put(out, put(out, at + 16, start + index, 8), 1, 4)
        at = put(out, at, IS_DONATION if gift.donor < 0 else IS_DONATION | HAS_DONOR, 1)
        at = put(out, put(out, put(out, at, gift.tape, 4), gift.lo, 8), gift.hi, 8)
        put(out, put(out, put(out, at, gift.tape2, 4), gift.lo2, 8), gift.hi2, 8)
        count += 1
    return count


@_compiled
def claims_of(data: Bytes, gifts: Any, start: int, out: Bytes) -> int:
    """Fill `out` with the records of the plain gifts' business keys; how many there are."""
    text = np.empty(len(data) + _SCRATCH_BYTES, np.uint8)
    block, work, state = np.empty(16, np.uint64), np.empty(16, np.uint64), np.empty(8, np.uint64)
    put(text, copy(text, 0, _NOUN, 0, len(_NOUN) - 1), 0, 1)
    count = 0
    for index in range(len(gifts)):
        gift = gifts[index]
        if not gift.is_plain or gift.transaction < 0:
            continue
        at = count * CLAIM_BYTES
        size = put(text, put_part(text, len(_NOUN), data, gift.channel, gift.channel_end), 0, 1)
        size = put(text, put_part(text, size, data, gift.transaction, gift.transaction_end), 0, 1)
        size = put_part(text, size, data, gift.line, gift.line_end)
        digest(text, size, block, work, state, out[at : at + 16])
        put(out, at + 16, start + index, 8)
        count += 1
    return count


@_compiled
def legs_of(data: Bytes, gifts: Any, start: int, out: Bytes) -> int:
    """Fill `out` with the records of the plain gifts' cash legs; how many there are."""
    block, work, state = np.empty(16, np.uint64), np.empty(16, np.uint64), np.empty(8, np.uint64)
    count, before, before_end = 0, 0, 0
    for index in range(len(gifts)):
        gift = gifts[index]
        if not gift.is_plain or gift.channel < 0:
            continue
        at = count * LEG_BYTES
        seq, amount = start + index, gift.amount
        for byte in range(8):
            out[at + byte], seq = seq & 0xFF, seq >> 8
            out[at + 11 + byte], amount = amount & 0xFF, amount >> 8
        out[at + 8], out[at + 9], out[at + 10] = 0, 0, AT_CHANNEL
        account = out[at + 19 : at + 27]
        if count > 0 and equal(data, gift.channel, gift.channel_end, before, before_end):
            copy(out, at + 19, out, at + 19 - LEG_BYTES, at + 27 - LEG_BYTES)
        else:
            channel = data[gift.channel : gift.channel_end]
            digest(channel, len(channel), block, work, state, account)
        count, before, before_end = count + 1, gift.channel, gift.channel_end
    return count


@_compiled
def parted(records: Bytes, count: int, size: int, out: Bytes, bounds: Any) -> None:
    """Fill `out` with the records by partition, and `bounds` with where each partition begins and the last one ends."""
    bounds[:] = 0
    for index in range(count):
        bounds[records[index * size] % PARTITIONS + 1] += size
    for partition in range(PARTITIONS):
        bounds[partition + 1] += bounds[partition]
    ends = bounds.copy()
    for index in range(count):
        partition = records[index * size] % PARTITIONS
        for byte in range(size):
            out[ends[partition] + byte] = records[index * size + byte]
        ends[partition] += size


@_part
def put_number(out: Bytes, at: int, value: int) -> int:
    """Behind the number as it is written there, and a tab."""
    size, rest = 1, value // 10
    while rest:
        size, rest = size + 1, rest // 10
    for index in range(at + size - 1, at - 1, -1):
        out[index], value = ZERO + value % 10, value // 10
    out[at + size] = TAB
    return at + size + 1


@_part
def put_text(out: Bytes, at: int, data: Bytes, start: int, stop: int) -> int:
    """Behind the text as it is written there, if there is one, and a tab."""
    if start >= 0:
        at = copy(out, at, data, start, stop)
    out[at] = TAB
    return at + 1


@_compiled
def lines_of(data: Bytes, gifts: Any, start: int, out: Bytes) -> int:
    """Fill `out` with a line for each issue of the plain gifts; how many bytes they are.

    Tabs are between seq, tape number, lo, hi, donation, donor or nothing, date, place, and three times nothing.
    """
    at = 0
    for index in range(len(gifts)):
        gift = gifts[index]
        if not gift.is_plain:
            continue
        for second in range(2 if gift.tape2 else 1):
            tape, lo, hi = (gift.tape2, gift.lo2, gift.hi2) if second else (gift.tape, gift.lo, gift.hi)
            to, to_end = (gift.to2, gift.to2_end) if second else (gift.to, gift.to_end)
            at = put_number(out, put_number(out, at, start + index), tape)
            at = put_number(out, put_number(out, at, lo), hi)
            at = put_text(out, at, data, gift.donation, gift.donation_end)
            at = put_text(out, at, data, gift.donor, gift.donor_end)
            at = put_text(out, at, data, gift.on, gift.on + 10)
            at = put_text(out, at, data, to, to_end)
            out[at], out[at + 1], out[at + 2] = TAB, TAB, LINE_FEED
            at += 3
    return at
