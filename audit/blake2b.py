"""BLAKE2b (RFC 7693) without a key, for compiled code, which cannot call `hashlib`."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

Bytes = Any  # numpy.ndarray[uint8], as the compiler knows it
Words = Any  # numpy.ndarray[uint64]

BLOCK = 128
_START = np.array(
    [
        0x6A09E667F3BCC908,
        0xBB67AE8584CAA73B,
        0x3C6EF372FE94F82B,
        0xA54FF53A5F1D36F1,
        0x510E527FADE682D1,
        0x9B05688C2B3E6C1F,
        0x1F83D9ABFB41BD6B,
        0x5BE0CD19137E2179,
    ],
    np.uint64,
)
_ORDERS = np.array(
    [
        [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15],
        [14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3],
        [11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4],
        [7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8],
        [9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13],
        [2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9],
        [12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11],
        [13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10],
        [6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5],
        [10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0],
    ],
    np.uint8,
)
_ROUNDS = 12

_compiled = njit(nogil=True, cache=True)
_part = njit(nogil=True)  # of what is compiled, called by it alone


@_part
def _turned(word: np.uint64, bits: int) -> np.uint64:
    return (word >> np.uint64(bits)) | (word << np.uint64(64 - bits))


@_part
def _mix(work: Words, a: int, b: int, c: int, d: int, first: np.uint64, second: np.uint64) -> None:
    one, two, three, four = work[a], work[b], work[c], work[d]
    one = one + two + first
    four = _turned(four ^ one, 32)
    three = three + four
    two = _turned(two ^ three, 24)
    one = one + two + second
    four = _turned(four ^ one, 16)
    three = three + four
    work[a], work[b], work[c], work[d] = one, _turned(two ^ three, 63), three, four


@_part
def _compress(state: Words, block: Words, work: Words, count: int, is_last: bool) -> None:
    for index in range(8):
        work[index], work[index + 8] = state[index], _START[index]
    work[12] ^= np.uint64(count)
    if is_last:
        work[14] = ~work[14]
    for turn in range(_ROUNDS):
        order = _ORDERS[turn % 10]
        _mix(work, 0, 4, 8, 12, block[order[0]], block[order[1]])
        _mix(work, 1, 5, 9, 13, block[order[2]], block[order[3]])
        _mix(work, 2, 6, 10, 14, block[order[4]], block[order[5]])
        _mix(work, 3, 7, 11, 15, block[order[6]], block[order[7]])
        _mix(work, 0, 5, 10, 15, block[order[8]], block[order[9]])
        _mix(work, 1, 6, 11, 12, block[order[10]], block[order[11]])
        _mix(work, 2, 7, 8, 13, block[order[12]], block[order[13]])
        _mix(work, 3, 4, 9, 14, block[order[14]], block[order[15]])
    for index in range(8):
        state[index] ^= work[index] ^ work[index + 8]


@_compiled
def digest(message: Bytes, size: int, block: Words, work: Words, state: Words, out: Bytes) -> None:
    """Fill `out` with the digest, of as many bytes as it has, of the message's first `size` bytes.

    `block`, `work` and `state`, of 16, 16 and 8 words, are room to work in; words are little-endian as the machine's.
    """
    for index in range(8):
        state[index] = _START[index]
    state[0] ^= np.uint64(0x01010000 + len(out))
    letters, digits, at = block.view(np.uint8), state.view(np.uint8), 0
    while size - at > BLOCK:
        for index in range(BLOCK):
            letters[index] = message[at + index]
        at += BLOCK
        _compress(state, block, work, at, False)
    for index in range(BLOCK):
        letters[index] = message[at + index] if at + index < size else 0
    _compress(state, block, work, size, True)
    for index in range(len(out)):
        out[index] = digits[index]
