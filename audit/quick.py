"""A quicker reading of entries for the replay on a living ledger: plain gifts by compiled code and by the column.

`audit.verify` stays the one that judges: what is read here is what its own `read_chunk` reads, and every entry that is
the least unusual is read by that.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import Any, NamedTuple

import numpy as np

from audit.gift_scanner import GIFT, ROW, merge, scan, tell
from audit.verify import (
    AT_CHANNEL,
    FEE,
    GIFT_ALONE,
    GIFT_WITH_FEE,
    HAS_DONOR,
    IS_DONATION,
    PARTITIONS,
    Batch,
    ChunkReader,
    Codec,
    account_digest,
    leaf_hash,
    read_chunk,
    split,
)

_ENTRY = np.dtype(
    [("digest", "V16"), ("seq", ">u8"), ("version", ">u4"), ("flags", "u1")]
    + [(name, kind) for end in ("", "2") for name, kind in ((f"tape{end}", ">u4"), (f"lo{end}", ">u8"), (f"hi{end}", ">u8"))]
)
_CLAIM = np.dtype([("digest", "V16"), ("seq", ">u8")])
_LEG = np.dtype([("seq", "<u8"), ("leg", "<u2"), ("sort", "u1"), ("amount", "<i8"), ("account", "V8")])
"""As `audit.verify`'s ENTRY_RECORD, CLAIM_RECORD and LEG_RECORD."""


class Aside(NamedTuple):
    """What a chunk tells those who hold tables against it.

    `issues` has a line for each issue of each gift that was read quickly, tabs between: seq, tape number, lo, hi,
    donation, donor (or nothing), date, place, and three times nothing. `others` are all other entries, as they are.
    """

    issues: bytes
    others: list[bytes]


class GiftReader(ChunkReader):
    """Reads runs of plain gifts at once, and whatever is between them the long way."""

    def __init__(self, start: int, data: bytes, codec: Codec) -> None:
        super().__init__(start, codec, express=False)
        self.data = data
        self.buffer = np.frombuffer(data, np.uint8)
        self.raws = split(data)
        self.gifts: Any = np.zeros(len(self.raws), GIFT)
        self.hashes = list(map(leaf_hash, self.raws))
        self.batches: list[Batch] = []
        if self.raws:
            self.add(self.raws[0])
            self._scan()
            self._fill_batches()
        self.plain = self.gifts[self.gifts["is_plain"]]

    def _scan(self) -> None:
        sizes = np.fromiter(map(len, self.raws), np.int64, len(self.raws))
        leaves = np.frombuffer(b"".join(self.hashes), np.uint8).reshape(-1, 32)
        origin = np.frombuffer(self.origin or b"\0", np.uint8)
        scan(self.buffer, np.cumsum(sizes + 2), leaves, origin, self.start, self.gifts)
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
        return self.data[at : at + 27].decode()

    def _fill_batches(self) -> None:
        """Say what each run issues."""
        rows = np.zeros(2 * len(self.gifts), ROW)
        count = merge(self.buffer, self.gifts, rows)
        for run, index, second, tape, lo, hi in rows[:count].tolist():
            gift = self.gifts[index]
            on, fund = self.data[gift["on"] : gift["on"] + 10], self.data[gift["fund"] : gift["fund_end"]]
            to = self.data[gift["to2"] : gift["to2_end"]] if second else self.data[gift["to"] : gift["to_end"]]
            role = {GIFT_ALONE: GIFT_ALONE, FEE: GIFT_WITH_FEE, GIFT_WITH_FEE: FEE}[gift["role"]] if second else gift["role"]
            self.batches[run][1].append([b"%d" % tape, b"%d" % lo, b"%d" % hi, (to, on, fund, int(role))])
            self.batches[run][2].setdefault(on, self._at(index))

    def texts(self, name: str) -> list[bytes | None]:
        """A member of all plain gifts, None where it is absent."""
        data, gifts = self.data, self.plain
        spans = zip(gifts[name].tolist(), gifts[f"{name}_end"].tolist(), strict=True)
        return [None if start < 0 else data[start:stop] for start, stop in spans]

    def noted(self) -> tuple[list[bytes], ...]:
        """As always; what the gifts note is put in its places among the rest."""
        entries, claims, legs, *more = super().noted()
        gifts = self.plain
        seqs = (np.flatnonzero(self.gifts["is_plain"]) + self.start).astype(np.uint64)
        return (
            _sorted_in(entries, self._entries(gifts, seqs)),
            _sorted_in(claims, self._claims(seqs)),
            _sorted_in(legs, self._legs(gifts, seqs)),
            *more,
        )

    def _entries(self, gifts: Any, seqs: Any) -> Any:
        records = np.zeros(len(gifts), _ENTRY)
        digests = [blake2b(b"donation/" + name, digest_size=16).digest() for name in self.texts("donation") if name]
        records["digest"] = np.frombuffer(b"".join(digests), "V16")
        records["seq"], records["version"] = seqs, 1
        records["flags"] = np.where(gifts["donor"] < 0, IS_DONATION, IS_DONATION | HAS_DONOR)
        for name in ("tape", "lo", "hi", "tape2", "lo2", "hi2"):
            records[name] = gifts[name]
        return records

    def _claims(self, seqs: Any) -> Any:
        keys = [
            None if transaction is None else self.gift_key(channel, transaction, line)
            for channel, transaction, line in zip(
                self.texts("channel"), self.texts("transaction"), self.texts("line"), strict=True
            )
        ]
        digests = [blake2b(key, digest_size=16).digest() for key in keys if key is not None]
        records = np.zeros(len(digests), _CLAIM)
        records["digest"] = np.frombuffer(b"".join(digests), "V16")
        records["seq"] = seqs[self.plain["transaction"] >= 0]
        return records

    def _legs(self, gifts: Any, seqs: Any) -> Any:
        here = gifts["channel"] >= 0
        accounts = [account_digest(channel) for channel in self.texts("channel") if channel is not None]
        records = np.zeros(len(accounts), _LEG)
        records["seq"], records["sort"], records["amount"] = seqs[here], AT_CHANNEL, gifts["amount"][here]
        records["account"] = np.frombuffer(b"".join(accounts), "V8")
        return records

    def aside(self) -> Aside:
        """What is told besides."""
        out = np.empty(2 * len(self.data) + 64 * len(self.gifts), np.uint8)
        size = tell(self.buffer, self.gifts, self.start, out)
        return Aside(out[:size].tobytes(), [self.raws[i] for i in np.flatnonzero(~self.gifts["is_plain"]).tolist()])


def _sorted_in(parts: list[bytes], more: Any) -> list[bytes]:
    """Records by partition, which their first byte says, in the order of the entries, with more of them among them."""
    records = np.frombuffer(b"".join([*parts, more.tobytes()]), more.dtype)
    partition = records.view(np.uint8)[:: records.itemsize] % PARTITIONS
    order = np.lexsort((records["seq"], partition))
    records = records[order]
    bounds = np.searchsorted(partition[order], np.arange(PARTITIONS + 1)).tolist()
    return [records[first:last].tobytes() for first, last in zip(bounds, bounds[1:], strict=False)]


def read_quickly(start: int, data: bytes, codec: Codec) -> tuple[Any, ...]:
    """As `audit.verify.read_chunk`, and an `Aside`."""
    reader = GiftReader(start, data, codec)
    return (*reader.result(), tuple(reader.aside()))


def read_plainly(start: int, data: bytes, codec: Codec) -> tuple[Any, ...]:
    """The same without compiled code."""
    return (*read_chunk(start, data, codec), tuple(Aside(b"", split(data))))
