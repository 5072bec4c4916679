"""A quicker reading of entries for the replay of a large ledger: plain gifts by the column and by compiled code.

`audit.verify` stays the judge. What is read here of a chunk is what its own `read_chunk` reads, and every entry that is
the least unusual is read by that. Compiling takes some seconds once for a machine.
"""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from itertools import pairwise, starmap
from operator import itemgetter
from struct import Struct
from typing import Any

import numpy as np

from audit.aside import Aside
from audit.gift_records import claims_of, entries_of, legs_of, lines_of, parted
from audit.gift_scanner import GIFT, INSTANT_BYTES, ROW, issued, scan
from audit.verify import (
    CLAIM_RECORD,
    ENTRY_RECORD,
    FEE,
    GIFT_WITH_FEE,
    LEG_RECORD,
    PARTITIONS,
    Batch,
    ChunkReader,
    Codec,
    split,
)

_ROLE_OF_SECOND = {FEE: GIFT_WITH_FEE, GIFT_WITH_FEE: FEE}
Position = Callable[[tuple[Any, ...]], int]


class GiftReader(ChunkReader):
    """Reads runs of plain gifts at once, and whatever is between them the long way."""

    def __init__(self, start: int, data: bytes, codec: Codec) -> None:
        super().__init__(start, codec, express=False)
        self.data = data
        self.buffer = np.frombuffer(data, np.uint8)
        self.raws = split(data)
        self.hashes = [sha256(b"\x00" + raw).digest() for raw in self.raws]  # as leaf_hash, which costs a call for each
        self.gifts: Any = np.zeros(len(self.raws), GIFT)
        self.batches: list[Batch] = []
        if self.raws:
            self.add(self.raws[0])
            self._add_rest()
            self._fill_batches()

    def _add_rest(self) -> None:
        if self.origin:  # else nothing is known to compare with, and no gift is plain
            ends = np.cumsum(np.fromiter(map(len, self.raws), np.int64, len(self.raws)) + 2)
            leaves = np.frombuffer(b"".join(self.hashes), np.uint8).reshape(-1, 32)
            scan(self.buffer, ends, leaves, np.frombuffer(self.origin, np.uint8), self.start, self.gifts)
        at = 1
        for index in (np.flatnonzero(~self.gifts["is_plain"][1:]) + 1).tolist():
            self._add_run(at, index)
            self.add(self.raws[index])
            at = index + 1
        self._add_run(at, len(self.raws))

    def _add_run(self, first: int, last: int) -> None:
        """The plain gifts from the first on, up to the last (exclusive)."""
        while first < last and self._at(first) < self.last_at:
            self.gifts["is_plain"][first] = False
            self.add(self.raws[first])
            first += 1
        if first < last:
            self.batches.append([last - first, [], {}])
            self.facts.append(self.batches[-1])
            self.links += [None] * (last - first)
            self.leaves += self.hashes[first:last]
            self.last_hex, self.last_at = self.hashes[last - 1].hex(), self._at(last - 1)
            self.position = self.start + last

    def _at(self, index: int) -> str:
        at = self.gifts["at"][index]
        return self.data[at : at + INSTANT_BYTES].decode()

    def _fill_batches(self) -> None:
        """Say what each run issues."""
        rows = np.zeros(2 * len(self.gifts), ROW)
        count = issued(self.buffer, self.gifts, rows)
        for run, index, second, tape, lo, hi in rows[:count].tolist():
            gift = self.gifts[index]
            on, fund = self.data[gift["on"] : gift["on"] + 10], self.data[gift["fund"] : gift["fund_end"]]
            to, role = self.data[gift["to"] : gift["to_end"]], int(gift["role"])
            if second:
                to, role = self.data[gift["to2"] : gift["to2_end"]], _ROLE_OF_SECOND[role]
            _, packed, days = self.batches[run]
            packed.append([b"%d" % tape, b"%d" % lo, b"%d" % hi, (to, on, fund, role)])
            days.setdefault(on, self._at(index))

    def noted(self) -> tuple[list[bytes], ...]:
        """As always; what the gifts note stands among the rest in its places."""
        entries, claims, legs, *more = super().noted()
        return (
            self._with_gifts(entries, entries_of, ENTRY_RECORD, itemgetter(1)),
            self._with_gifts(claims, claims_of, CLAIM_RECORD, itemgetter(1)),
            self._with_gifts(legs, legs_of, LEG_RECORD, lambda leg: int.from_bytes(leg[0], "little")),
            *more,
        )

    def _with_gifts(self, parts: list[bytes], note: Any, record: Struct, position: Position) -> list[bytes]:
        """Records by partition with those of the gifts; `position` is that of a record's entry."""
        noted, out = (np.empty(len(self.gifts) * record.size, np.uint8) for _ in range(2))
        bounds = np.empty(PARTITIONS + 1, np.int64)
        parted(noted, note(self.buffer, self.gifts, self.start, noted), record.size, out, bounds)
        whole = out.tobytes()
        gifts = [whole[first:last] for first, last in pairwise(bounds.tolist())]
        return [
            _merged(part, more, record, position) if part else more for part, more in zip(parts, gifts, strict=True)
        ]

    def aside(self) -> Aside:
        """Lines of what the gifts issue, see `audit.gift_records.lines_of`; and all other entries."""
        out = np.empty(2 * len(self.data), np.uint8)
        size = lines_of(self.buffer, self.gifts, self.start, out)
        return Aside(out[:size].tobytes(), [self.raws[i] for i in np.flatnonzero(~self.gifts["is_plain"]).tolist()])


def _merged(part: bytes, more: bytes, record: Struct, position: Position) -> bytes:
    """Records of a partition in the order of the entries."""
    both = sorted(record.iter_unpack(part + more), key=position)
    return b"".join(starmap(record.pack, both))


def read_quickly(start: int, data: bytes, codec: Codec) -> tuple[Any, ...]:
    """As `audit.aside.read_plainly`, but for where what it tells besides is found."""
    reader = GiftReader(start, data, codec)
    return (*reader.result(), tuple(reader.aside()))
