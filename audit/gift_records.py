"""What plain gifts note for the end of a replay, made by compiled code: as `audit.verify` packs it one by one."""

from __future__ import annotations

import numpy as np

from audit.compiling import BYTES, NOTHING, NUMBER, NUMBERS, TABLE, TEXT, TRUTH, Bytes, Numbers, compiled, part
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
from audit.sha256 import HASH_BYTES
from audit.verify import (
    AT_CHANNEL,
    CLAIM_RECORD,
    ENTRY_RECORD,
    HAS_DONOR,
    IS_DONATION,
    LEG_RECORD,
)

ENTRY_BYTES, CLAIM_BYTES, LEG_BYTES = ENTRY_RECORD.size, CLAIM_RECORD.size, LEG_RECORD.size
DIGEST_BYTES, ACCOUNT_BYTES, VERSION_AT, LEG_ACCOUNT_AT = 16, 8, 24, 19
KEY_BYTES = 24
"""No fewer than a gift's business key has besides what it takes from the entry."""
TAB, LINE_FEED, ZERO = b"\t\n0"
_NOUN = np.frombuffer(b"donation\0", np.uint8)


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


@compiled(NOTHING, TEXT, TABLE, NUMBERS, BYTES)
def entries_of(digests: Bytes, gifts: Gifts, seqs: Numbers, out: Bytes) -> None:
    """Fill `out` with the gifts' entry records; `digests` are the hashes of their streams, joined."""
    for index in range(len(gifts)):
        gift, at, digest = gifts[index], index * ENTRY_BYTES, index * HASH_BYTES
        at = copy(out, at, digests, digest, digest + DIGEST_BYTES)
        at = put(out, put(out, at, seqs[index], 8), 1, 4)
        at = put(out, at, IS_DONATION if gift[DONOR] < 0 else IS_DONATION | HAS_DONOR, 1)
        at = put(out, put(out, put(out, at, gift[TAPE], 4), gift[LO], 8), gift[HI], 8)
        put(out, put(out, put(out, at, gift[TAPE2], 4), gift[LO2], 8), gift[HI2], 8)


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


@compiled(NOTHING, TEXT, NUMBERS, BYTES)
def claims_of(digests: Bytes, seqs: Numbers, out: Bytes) -> None:
    """Fill `out` with the records of business keys; `digests` are the keys' hashes, joined."""
    for index in range(len(seqs)):
        at = copy(out, index * CLAIM_BYTES, digests, index * HASH_BYTES, index * HASH_BYTES + DIGEST_BYTES)
        put(out, at, seqs[index], 8)


@compiled(NOTHING, TEXT, TABLE, NUMBERS, BYTES)
def legs_of(digests: Bytes, gifts: Gifts, seqs: Numbers, out: Bytes) -> None:
    """Fill `out` with the records of the gifts' cash legs; `digests` are the hashes of their accounts, joined."""
    for index in range(len(gifts)):
        at = index * LEG_BYTES
        seq, amount = seqs[index], gifts[index, AMOUNT]
        for byte in range(8):
            out[at + byte], seq = seq & 0xFF, seq >> 8
            out[at + 11 + byte], amount = amount & 0xFF, amount >> 8
        out[at + 8], out[at + 9], out[at + 10] = 0, 0, AT_CHANNEL
        copy(out, at + LEG_ACCOUNT_AT, digests, index * HASH_BYTES, index * HASH_BYTES + ACCOUNT_BYTES)


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
