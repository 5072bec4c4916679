"""分录浏览: entries by the page, and one entry with its exact bytes, its hash worked out anew, and its neighbours."""

from __future__ import annotations

import hashlib
from typing import Any, NamedTuple

import msgspec

from audit.merkle import leaf_hash
from ledger.codec import Entry, decode
from ledger.database import Cursor, queries

_SQL = queries("reports", "explorer.sql")


class Line(NamedTuple):
    """An entry in the list; `amount` in minor units is what it is about, or what it moves."""

    entry: Entry
    amount: int


class Neighbour(NamedTuple):
    """The entry before or behind."""

    seq: int
    type: str
    stream: str


class Explored(NamedTuple):
    """An entry: its exact bytes, the hash that the table has, whether the bytes still come to it, and whether it names
    the hash of the entry before."""

    entry: Entry
    amount: int
    body: str
    size: int
    leaf: str
    is_itself: bool
    is_chained: bool
    before: Neighbour | None
    behind: Neighbour | None
    reversed_by: int | None


def entries_listed(cursor: Cursor, before: int, stream: str | None, type: str | None, limit: int) -> list[Line]:
    """A page of entries, newest first."""
    which = {"before": before, "stream": stream, "type": type, "limit": limit}
    found = [decode(body) for _, body in cursor.execute(_SQL["newest"], which).fetchall()]
    return [Line(entry, amount_of(entry.data)) for entry in found]


def types_of(cursor: Cursor) -> list[str]:
    """The types that entries have."""
    return [name for (name,) in cursor.execute(_SQL["types"]).fetchall()]


def explored(cursor: Cursor, seq: int) -> Explored | None:
    """The entry of that number; None where there is none."""
    rows = {row[0]: row for row in cursor.execute(_SQL["around"], {"seq": seq}).fetchall()}
    if seq not in rows:
        return None
    _, _, _, leaf, body = rows[seq]
    entry = decode(body)
    prev = msgspec.json.decode(body)["prev"]
    before = rows[seq - 1][3].hex() if seq - 1 in rows else hashlib.sha256(b"").hexdigest()
    [reversing] = cursor.execute(_SQL["reversed_by"], {"seq": seq}).fetchall() or [(None,)]
    return Explored(
        entry,
        amount_of(entry.data),
        bytes(body).decode(),
        len(body),
        leaf.hex(),
        leaf_hash(bytes(body)) == bytes(leaf),
        prev == before,
        _neighbour(rows.get(seq - 1)),
        _neighbour(rows.get(seq + 1)),
        reversing[0],
    )


def amount_of(data: dict[str, Any]) -> int:
    """What a fact is about in minor units: its amount, the sum of its lines, or of what it issues or moves."""
    if isinstance(data.get("amount"), int):
        return int(data["amount"])
    if "lines" in data:
        return sum(line["amount"] for line in data["lines"])
    return sum(run["hi"] - run["lo"] for run in (*data.get("issue", ()), *data.get("moves", ())))


def _neighbour(row: Any) -> Neighbour | None:
    return None if row is None else Neighbour(*row[:3])
