"""What plain gifts note for the end of a replay, by the column: as `audit.verify` packs it one by one."""

from __future__ import annotations

from typing import Any

import numpy as np

from audit.compiling import BYTES, NUMBER, NUMBERS, TABLE, TEXT, TRUTH, Bytes, Numbers, compiled, part
from audit.gift_scanner import (
    AMOUNT,
    CHANNEL,
    CHANNEL_END,
    DONATION,
    DONATION_END,
    DONOR,
    DONOR_END,
    HI,
    HI2,
    LINE,
    LINE_END,
    LO,
    LO2,
    ON,
    TAPE,
    TAPE2,
    TO,
    TO2,
    TO2_END,
    TO_END,
    TRANSACTION,
    TRANSACTION_END,
    Gifts,
)
from audit.verify import AT_CHANNEL, HAS_DONOR, IS_DONATION

Records = Any  # numpy.ndarray of one of these:
ENTRY = np.dtype(
    [("stream", "V16"), ("seq", ">i8"), ("version", ">u4"), ("flags", "u1")]
    + [(name + which, kind) for which in "12" for name, kind in (("tape", ">u4"), ("lo", ">i8"), ("hi", ">i8"))]
)
CLAIM = np.dtype([("key", "V16"), ("seq", ">i8")])
LEG = np.dtype([("entry", "<i8"), ("leg", "<u2"), ("sort", "u1"), ("amount", "<i8"), ("account", "V8")])
"""Records as `audit.verify` packs them."""
DIGEST_BYTES, VERSION_AT = 16, 24
KEY_BYTES = 24
"""No fewer than a gift's business key has besides what it takes from the entry."""
TAB, LINE_FEED, ZERO = b"\t\n0"
_NOUN = np.frombuffer(b"donation\0", np.uint8)


def entries_of(digests: bytes, gifts: Gifts, seqs: Numbers) -> Records:
    """The gifts' entry records; `digests` are the hashes of their streams, joined."""
    out = np.zeros(len(gifts), ENTRY)
    out["stream"], out["seq"], out["version"] = np.frombuffer(digests, "V16")[::2], seqs, 1
    out["flags"] = np.where(gifts[:, DONOR] < 0, IS_DONATION, IS_DONATION | HAS_DONOR)
    out["tape1"], out["lo1"], out["hi1"] = gifts[:, TAPE], gifts[:, LO], gifts[:, HI]
    out["tape2"], out["lo2"], out["hi2"] = gifts[:, TAPE2], gifts[:, LO2], gifts[:, HI2]
    return out


def claims_of(digests: bytes, seqs: Numbers) -> Records:
    """The records of business keys; `digests` are the keys' hashes, joined."""
    out = np.zeros(len(seqs), CLAIM)
    out["key"], out["seq"] = np.frombuffer(digests, "V16")[::2], seqs
    return out


def legs_of(digests: bytes, gifts: Gifts, seqs: Numbers) -> Records:
    """The records of the gifts' cash legs; `digests` are the hashes of their accounts, joined."""
    out = np.zeros(len(gifts), LEG)
    out["entry"], out["sort"], out["amount"] = seqs, AT_CHANNEL, gifts[:, AMOUNT]
    out["account"] = np.frombuffer(digests, "V8")[::4]
    return out


@part
def put(out: Bytes, at: int, value: int, size: int) -> int:
    """Behind the number as so many bytes, big endian."""
    for index in range(at + size - 1, at - 1, -1):
        out[index] = value & 0xFF
        value >>= 8
    return at + size


@part
def copy(out: Bytes, at: int, data: Bytes, start: int, stop: int) -> int:
    """Behind the text as it is put there."""
    for index in range(stop - start):
        out[at + index] = data[start + index]
    return at + stop - start


@part
def put_part(out: Bytes, at: int, data: Bytes, start: int, stop: int) -> int:
    """Behind a part of a business key, see `audit.verify.key_part`."""
    if start < 0:
        return put(out, at, 0x2D, 1)
    return copy(out, put(out, at, 0x73, 1), data, start, stop)


@compiled(NUMBER, TEXT, TABLE, NUMBERS, BYTES)
def keys_of(data: Bytes, gifts: Gifts, sizes: Numbers, out: Bytes) -> int:
    """Fill `out` with the gifts' business keys, and `sizes` with that of each; how many bytes they are."""
    end = 0
    for index in range(len(gifts)):
        gift, start = gifts[index], end
        at = put_part(out, copy(out, start, _NOUN, 0, len(_NOUN)), data, gift[CHANNEL], gift[CHANNEL_END])
        at = put_part(out, put(out, at, 0, 1), data, gift[TRANSACTION], gift[TRANSACTION_END])
        end = put_part(out, put(out, at, 0, 1), data, gift[LINE], gift[LINE_END])
        sizes[index] = end - start
    return end


@part
def _word(data: Bytes, at: int, size: int) -> int:
    """The number that stands there in so many bytes, big endian."""
    value = 0
    for index in range(at, at + size):
        value = value << 8 | data[index]
    return value


@part
def _same(records: Bytes, one: int, other: int) -> bool:
    unlike = 0
    for index in range(DIGEST_BYTES):
        unlike |= records[one + index] ^ records[other + index]
    return unlike == 0


@compiled(TRUTH, TEXT, NUMBER, NUMBER, NUMBER, NUMBERS)
def once(records: Bytes, size: int, judged: int, secret: int, slots: Numbers) -> bool:
    """Whether, of the records of entries before `judged`, those with a digest in common are of versions 1, 2, 3, ...

    Records of claims, which have no version, have no digest in common. `slots` is as many zeros as a power of two, of
    which there are more than records; `secret` is an odd number, of 63 bits, that nobody knew who chose the texts: else
    these could be such that all records want the same few slots.
    """
    for at in range(0, len(records), size):
        if _word(records, at + DIGEST_BYTES, 8) >= judged:
            return True
        slot = (_word(records, at, 7) * secret >> 24) & (len(slots) - 1)
        while slots[slot] and not _same(records, slots[slot] - 1, at):
            slot = (slot + 1) & (len(slots) - 1)
        before = slots[slot] - 1
        if size > VERSION_AT:
            version = _word(records, before + VERSION_AT, 4) if before >= 0 else 0
            if _word(records, at + VERSION_AT, 4) != version + 1:
                return False
        elif before >= 0:
            return False
        slots[slot] = at + 1
    return True


@part
def put_number(out: Bytes, at: int, value: int) -> int:
    """Behind the number as it is written there, and a tab."""
    rest, ten = np.uint64(value), np.uint64(10)
    end, above = at + 1, ten
    while rest >= above:
        end, above = end + 1, above * ten
    out[end] = TAB
    for index in range(end - 1, at - 1, -1):
        out[index] = np.uint64(ZERO) + rest % ten
        rest //= ten
    return end + 1


@part
def put_text(out: Bytes, at: int, data: Bytes, start: int, stop: int) -> int:
    """Behind the text as it is written there, if there is one, and a tab."""
    if start >= 0:
        at = copy(out, at, data, start, stop)
    out[at] = TAB
    return at + 1


@compiled(NUMBER, TEXT, TABLE, NUMBERS, BYTES)
def lines_of(data: Bytes, gifts: Gifts, seqs: Numbers, out: Bytes) -> int:
    """Fill `out` with a line for each issue of the gifts; how many bytes they are.

    Tabs are between seq, tape number, lo, hi, donation, donor or nothing, date, place, and three times nothing.
    """
    at = 0
    for index in range(len(gifts)):
        gift = gifts[index]
        for second in range(2 if gift[TAPE2] else 1):
            tape, lo, hi = (gift[TAPE2], gift[LO2], gift[HI2]) if second else (gift[TAPE], gift[LO], gift[HI])
            to, to_end = (gift[TO2], gift[TO2_END]) if second else (gift[TO], gift[TO_END])
            at = put_number(out, put_number(out, at, seqs[index]), tape)
            at = put_number(out, put_number(out, at, lo), hi)
            at = put_text(out, at, data, gift[DONATION], gift[DONATION_END])
            at = put_text(out, at, data, gift[DONOR], gift[DONOR_END])
            at = put_text(out, at, data, gift[ON], gift[ON] + 10)
            at = put_text(out, at, data, to, to_end)
            out[at], out[at + 1], out[at + 2] = TAB, TAB, LINE_FEED
            at += 3
    return at
