"""SHA-256 (FIPS 180-4) of many texts at once: `hashlib` takes them one by one, which costs more than the hashing.

Sixteen go side by side in compiled code, so that a processor's wide registers take a step for several of them.
"""

from __future__ import annotations

import numpy as np

from audit.compiling import NOTHING, NUMBER, NUMBERS, ROWS, TEXT, WORDS, Bytes, Numbers, Words, compiled, expanded, part

HASH_BYTES, BLOCK, NO_PREFIX = 32, 64, -1
_LANES = 16
_LENGTH_BYTES, _END = 8, 0x80
_STATE, _ROUNDS = 8, 64


def _root_bits(primes: int, power: int) -> list[int]:
    """The first 32 bits behind the point of the square or cube roots of the first primes."""
    found: list[int] = []
    number = 2
    while len(found) < primes:
        if all(number % divisor for divisor in range(2, number)):
            scaled, root = number << 32 * power, 0
            for bit in reversed(range(40)):
                if (root | 1 << bit) ** power <= scaled:
                    root |= 1 << bit
            found.append(root & 0xFFFFFFFF)
        number += 1
    return found


_START = np.array(_root_bits(_STATE, 2), np.uint32)
_ADDED = np.array(_root_bits(_ROUNDS, 3), np.uint32)
_u32, _u64 = np.uint32, np.uint64  # sums of either are of 64 bits unless said otherwise; unsigned places never wrap


@expanded
def _turned(word: np.uint32, bits: int) -> np.uint32:
    return _u32(_u32(word >> _u32(bits)) | _u32(word << _u32(32 - bits)))


@expanded
def _round(
    a: np.uint32,
    b: np.uint32,
    c: np.uint32,
    d: np.uint32,
    e: np.uint32,
    f: np.uint32,
    g: np.uint32,
    h: np.uint32,
    word: np.uint32,
) -> tuple[np.uint32, np.uint32]:
    """What becomes of `d` and `h`."""
    turned = _u32(_u32(_turned(e, 6) ^ _turned(e, 11)) ^ _turned(e, 25))
    chosen = _u32(g ^ _u32(e & _u32(f ^ g)))
    first = _u32(_u32(_u32(h + turned) + chosen) + word)
    turned = _u32(_u32(_turned(a, 2) ^ _turned(a, 13)) ^ _turned(a, 22))
    return _u32(d + first), _u32(_u32(first + turned) + _u32(_u32(a & b) | _u32(c & _u32(a | b))))


@part
def _compress(state: Words, words: Words, before: Words) -> None:
    """Take a block of each lane; `words` holds 16 words of each, word by word, and has room for 64."""
    for turn in range(BLOCK // 4, _ROUNDS):
        for at in range(turn * _LANES, turn * _LANES + _LANES):
            x, y = words[at - 15 * _LANES], words[at - 2 * _LANES]
            x = _u32(_u32(_turned(x, 7) ^ _turned(x, 18)) ^ _u32(x >> _u32(3)))
            y = _u32(_u32(_turned(y, 17) ^ _turned(y, 19)) ^ _u32(y >> _u32(10)))
            words[at] = _u32(_u32(x + y) + _u32(words[at - 16 * _LANES] + words[at - 7 * _LANES]))
    for at in range(_STATE * _LANES):
        before[at] = state[at]
    for turn in range(0, _ROUNDS, 8):
        at, more = turn * _LANES, _ADDED[turn : turn + 8]
        for i in range(_LANES):
            a, b, c, d = state[i], state[_LANES + i], state[2 * _LANES + i], state[3 * _LANES + i]
            e, f, g, h = state[4 * _LANES + i], state[5 * _LANES + i], state[6 * _LANES + i], state[7 * _LANES + i]
            d, h = _round(a, b, c, d, e, f, g, h, _u32(words[at + i] + more[0]))
            c, g = _round(h, a, b, c, d, e, f, g, _u32(words[at + _LANES + i] + more[1]))
            b, f = _round(g, h, a, b, c, d, e, f, _u32(words[at + 2 * _LANES + i] + more[2]))
            a, e = _round(f, g, h, a, b, c, d, e, _u32(words[at + 3 * _LANES + i] + more[3]))
            h, d = _round(e, f, g, h, a, b, c, d, _u32(words[at + 4 * _LANES + i] + more[4]))
            g, c = _round(d, e, f, g, h, a, b, c, _u32(words[at + 5 * _LANES + i] + more[5]))
            f, b = _round(c, d, e, f, g, h, a, b, _u32(words[at + 6 * _LANES + i] + more[6]))
            e, a = _round(b, c, d, e, f, g, h, a, _u32(words[at + 7 * _LANES + i] + more[7]))
            state[i], state[_LANES + i], state[2 * _LANES + i], state[3 * _LANES + i] = a, b, c, d
            state[4 * _LANES + i], state[5 * _LANES + i], state[6 * _LANES + i], state[7 * _LANES + i] = e, f, g, h
    for at in range(_STATE * _LANES):
        state[at] = _u32(state[at] + before[at])


@part
def _load(data: Bytes, start: int, size: int, at: int, prefix: int, words: Words, lane: int) -> None:
    """Lay the block that begins `at` bytes behind the text's start, -1 for a prefix, in its lane."""
    if at >= 0 and at + BLOCK <= size:
        place = _u64(start + at)
        for word in range(BLOCK // 4):
            high = _u32(_u32(_u32(data[place]) << _u32(24)) | _u32(_u32(data[place + _u64(1)]) << _u32(16)))
            low = _u32(_u32(_u32(data[place + _u64(2)]) << _u32(8)) | _u32(data[place + _u64(3)]))
            words[word * _LANES + lane] = high | low
            place += _u64(4)
        return
    for word in range(BLOCK // 4):
        words[word * _LANES + lane] = 0
    for byte in range(max(at, 0), min(at + BLOCK, size)):
        _put(words, lane, byte - at, data[start + byte])
    if at < 0:
        _put(words, lane, 0, prefix)
    if at <= size < at + BLOCK:
        _put(words, lane, size - at, _END)
    if size + _LENGTH_BYTES < at + BLOCK:
        words[15 * _LANES + lane] = (size + (prefix >= 0)) * 8


@part
def _put(words: Words, lane: int, byte: int, value: int) -> None:
    words[(byte >> 2) * _LANES + lane] |= _u32(_u32(value) << _u32(24 - 8 * (byte & 3)))


@part
def _last_block(size: int, prefix: int) -> int:
    return (size + (prefix >= 0) + _LENGTH_BYTES) // BLOCK


@compiled(NOTHING, TEXT, NUMBERS, NUMBERS, NUMBER, WORDS, ROWS)
def _digests(data: Bytes, starts: Numbers, sizes: Numbers, prefix: int, room: Words, out: Bytes) -> None:
    """Fill `out`, 32 bytes a row; `starts` and `sizes` say where texts are, each shorter than 2^28 bytes."""
    words, state = room[: _ROUNDS * _LANES], room[_ROUNDS * _LANES : (_ROUNDS + _STATE) * _LANES]
    before = room[(_ROUNDS + _STATE) * _LANES :]
    for first in range(0, len(starts), _LANES):
        lanes = min(_LANES, len(starts) - first)
        last = 0
        for lane in range(lanes):
            last = max(last, _last_block(sizes[first + lane], prefix))
        for at in range(_STATE * _LANES):
            state[at] = _START[at // _LANES]
        for block in range(last + 1):
            for lane in range(lanes):
                at = block * BLOCK - (prefix >= 0)
                if block <= _last_block(sizes[first + lane], prefix):
                    _load(data, starts[first + lane], sizes[first + lane], at, prefix, words, lane)
            _compress(state, words, before)
            for lane in range(lanes):
                if block == _last_block(sizes[first + lane], prefix):
                    for byte in range(HASH_BYTES):
                        out[first + lane, byte] = state[(byte >> 2) * _LANES + lane] >> _u32(24 - 8 * (byte & 3))


def hashes(data: bytes, starts: Numbers, sizes: Numbers, prefix: int = NO_PREFIX) -> bytes:
    """The hash of each text in the data, or of that behind the byte `prefix`: 32 bytes each, joined."""
    out = np.empty((len(starts), HASH_BYTES), np.uint8)
    room = np.zeros((_ROUNDS + 2 * _STATE) * _LANES, np.uint32)
    texts = np.ascontiguousarray(starts), np.ascontiguousarray(sizes)
    _digests(np.frombuffer(data, np.uint8), *texts, prefix, room, out)
    return out.tobytes()


def parents(row: bytes) -> bytes:
    """The nodes above hashes of a tree, of which there are two for each (RFC 6962 §2.1)."""
    starts = np.arange(0, len(row), 2 * HASH_BYTES)
    return hashes(row, starts, np.full_like(starts, 2 * HASH_BYTES), 1)
