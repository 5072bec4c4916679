"""A quicker way to read the entries of a large ledger: plain gifts by the column and by compiled code.

`audit.verify` stays the judge. What is read here of a chunk is what its own `read_chunk` reads, and every entry that is
the least unusual is read by that. Compiling takes some seconds once for a machine.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise, starmap
from operator import itemgetter
from secrets import randbits
from struct import Struct
from typing import Any

import numpy as np

from audit.aside import Aside
from audit.gift_records import KEY_BYTES, Records, claims_of, entries_of, keys_of, legs_of, lines_of, once
from audit.gift_scanner import (
    AT,
    CHANNEL,
    CHANNEL_END,
    COLUMNS,
    DONATION,
    DONATION_END,
    FUND,
    FUND_END,
    INSTANT_BYTES,
    IS_PLAIN,
    ON,
    ROLE,
    ROW_COLUMNS,
    STREAM,
    STREAM_BYTES,
    TO,
    TO2,
    TO2_END,
    TO_END,
    TRANSACTION,
    ends_in,
    issued,
    scan,
    walk,
)
from audit.sha256 import hashes, parents
from audit.verify import (
    CLAIM_RECORD,
    ENTRY_RECORD,
    FEE,
    GIFT_WITH_FEE,
    HASH_BYTES,
    LEG_RECORD,
    PARTITIONS,
    Batch,
    ChunkReader,
    Codec,
    Found,
    Tree,
    Way,
    check_claims,
    check_versions,
    load,
)

_ROLE_OF_SECOND = {FEE: GIFT_WITH_FEE, GIFT_WITH_FEE: FEE}
_NO_LIMIT = 1 << 62
Position = Callable[[tuple[Any, ...]], int]


class GiftReader(ChunkReader):
    """Reads runs of plain gifts at once, and whatever is between them the long way."""

    def __init__(self, start: int, data: bytes, codec: Codec) -> None:
        super().__init__(start, codec, express=False)
        self.data = data
        self.buffer = np.frombuffer(data, np.uint8)
        count, _ = walk(self.buffer, 0, _NO_LIMIT, _NO_LIMIT)
        self.stops = np.empty(count, np.int64)
        ends_in(self.buffer, self.stops)
        self.begins = np.concatenate(([0], self.stops))[:count] + 2
        self.hashes = hashes(data, self.begins, self.stops - self.begins, 0)
        self.gifts = np.zeros((count, COLUMNS), np.int64)
        self.batches: list[Batch] = []
        if count:
            self._add_one(0)
            self._add_rest()
            self._fill_batches()
        self.plain = np.flatnonzero(self.gifts[:, IS_PLAIN])

    def _raw(self, index: int) -> bytes:
        return self.data[self.begins[index] : self.stops[index]]

    def _add_one(self, index: int) -> None:
        self.gifts[index, IS_PLAIN] = False
        self.add(self._raw(index))

    def _add_rest(self) -> None:
        if self.origin and b'"' not in self.origin:  # else there is nothing to compare with, and no gift is plain
            leaves = np.frombuffer(self.hashes, np.uint8).reshape(-1, HASH_BYTES)
            scan(self.buffer, self.stops, leaves, np.frombuffer(self.origin, np.uint8), self.start, self.gifts)
        at = 1
        for index in (np.flatnonzero(self.gifts[1:, IS_PLAIN] == 0) + 1).tolist():
            self._add_run(at, index)
            self._add_one(index)
            at = index + 1
        self._add_run(at, len(self.gifts))

    def _add_run(self, first: int, last: int) -> None:
        """The plain gifts from the first on, up to the last (exclusive)."""
        while first < last and self._at(first) < self.last_at:
            self._add_one(first)
            first += 1
        if first < last:
            self.batches.append([last - first, [], {}])
            self.facts.append(self.batches[-1])
            self.links += [None] * (last - first)
            self.leaves += self.hashes[first * HASH_BYTES : last * HASH_BYTES]
            self.last_hex, self.last_at = self.leaves[-HASH_BYTES:].hex(), self._at(last - 1)
            self.position = self.start + last

    def _at(self, index: int) -> str:
        at = self.gifts[index, AT]
        return self.data[at : at + INSTANT_BYTES].decode()

    def _fill_batches(self) -> None:
        """Say what each run issues."""
        rows = np.zeros((2 * len(self.gifts), ROW_COLUMNS), np.int64)
        count = issued(self.buffer, self.gifts, rows)
        for run, index, second, tape, lo, hi in rows[:count].tolist():
            gift = self.gifts[index]
            on, fund = self.data[gift[ON] : gift[ON] + 10], self.data[gift[FUND] : gift[FUND_END]]
            to, role = self.data[gift[TO] : gift[TO_END]], int(gift[ROLE])
            if second:
                to, role = self.data[gift[TO2] : gift[TO2_END]], _ROLE_OF_SECOND[role]
            _, packed, days = self.batches[run]
            packed.append([b"%d" % tape, b"%d" % lo, b"%d" % hi, (to, on, fund, role)])
            days.setdefault(on, self._at(index))

    def grown(self, tree: Tree) -> list[tuple[int, bytes]]:
        """As always; whole tiles all at once, level by level."""
        tile = HASH_BYTES << tree.top
        whole = len(self.leaves) // tile * tile if tree.end % (1 << tree.top) == 0 else 0
        row = bytes(self.leaves[:whole])
        for _ in range(tree.top if whole else 0):
            row = parents(row)
        for at in range(0, len(row), HASH_BYTES):
            tree.add(tree.top, row[at : at + HASH_BYTES])
        tree.extend(bytes(self.leaves[whole:]))
        return tree.nodes

    def noted(self) -> tuple[list[bytes], ...]:
        """As always; what the gifts note stands among the rest in its places."""
        entries, claims, legs, *more = super().noted()
        return (
            _with_gifts(entries, self._entries(), ENTRY_RECORD, itemgetter(1)),
            _with_gifts(claims, self._claims(), CLAIM_RECORD, itemgetter(1)),
            _with_gifts(legs, self._legs(), LEG_RECORD, lambda leg: int.from_bytes(leg[0], "little")),
            *more,
        )

    def _entries(self) -> Records:
        gifts = self.gifts[self.plain]
        streams = hashes(self.data, gifts[:, STREAM], gifts[:, DONATION_END] - gifts[:, DONATION] + STREAM_BYTES)
        return entries_of(streams, gifts, self.start + self.plain)

    def _claims(self) -> Records:
        claiming = self.plain[self.gifts[self.plain, TRANSACTION] >= 0]
        sizes = np.empty(len(claiming), np.int64)
        keys = np.empty(len(self.data) + len(claiming) * KEY_BYTES, np.uint8)
        end = keys_of(self.buffer, self.gifts[claiming], sizes, keys)
        digests = hashes(keys[:end].tobytes(), np.cumsum(sizes) - sizes, sizes)
        return claims_of(digests, self.start + claiming)

    def _legs(self) -> Records:
        paid = self.plain[self.gifts[self.plain, CHANNEL] >= 0]
        gifts = self.gifts[paid]
        accounts = hashes(self.data, gifts[:, CHANNEL], gifts[:, CHANNEL_END] - gifts[:, CHANNEL])
        return legs_of(accounts, gifts, self.start + paid)

    def aside(self) -> Aside:
        """Lines of what the gifts issue, see `audit.gift_records.lines_of`; and all other entries."""
        out = np.empty(2 * len(self.data), np.uint8)
        size = lines_of(self.buffer, self.gifts[self.plain], self.start + self.plain, out)
        others = np.flatnonzero(self.gifts[:, IS_PLAIN] == 0).tolist()
        return Aside(out[:size].tobytes(), list(map(self._raw, others)))


def _with_gifts(parts: list[bytes], noted: Records, record: Struct, position: Position) -> list[bytes]:
    """Records by partition with those of the gifts; `position` is that of a record's entry."""
    rows = noted.view(np.uint8).reshape(-1, record.size)
    partitions = rows[:, 0] % PARTITIONS
    whole = rows[np.argsort(partitions, kind="stable")].tobytes()
    ends = (np.cumsum(np.bincount(partitions, minlength=PARTITIONS)) * record.size).tolist()
    gifts = [whole[first:last] for first, last in pairwise([0, *ends])]
    return [_merged(part, more, record, position) if part else more for part, more in zip(parts, gifts, strict=True)]


def _merged(part: bytes, more: bytes, record: Struct, position: Position) -> bytes:
    """Records of a partition in the order of the entries."""
    both = sorted(record.iter_unpack(part + more), key=position)
    return b"".join(starmap(record.pack, both))


def _read(start: int, data: bytes, codec: Codec) -> tuple[Any, ...]:
    """As `audit.aside.PLAINLY` reads, but for where what it tells besides is found."""
    reader = GiftReader(start, data, codec)
    return (*reader.result(), tuple(reader.aside()))


def _walk(data: bytes, at: int, most: int, enough: int) -> tuple[int, int]:
    count, end = walk(np.frombuffer(data, np.uint8), at, most, enough)
    return count, end


def _is_once(records: bytes, record: Struct, judged: int) -> bool:
    slots = np.zeros(2 << (len(records) // record.size).bit_length(), np.int64)
    return bool(once(np.frombuffer(records, np.uint8), record.size, judged, randbits(63) | 1, slots))


def _check_versions(part: bytes | str, judged: int) -> Found:
    records = load(part)
    return [] if _is_once(records, ENTRY_RECORD, judged) else check_versions(records, judged)


def _check_claims(part: bytes | str, judged: int, reversals: dict[int, int]) -> Found:
    records = load(part)
    return [] if _is_once(records, CLAIM_RECORD, judged) else check_claims(records, judged, reversals)


QUICKLY = Way(_read, _walk, _check_versions, _check_claims, entries=1024, alone=True)
"""By compiled code, which is begun as seldom as the processor's nearer memory allows."""
