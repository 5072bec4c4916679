"""From a line of a statement to the entries, gifts and children behind it, and from an entry to its lines."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any, NamedTuple

from ledger.database import Cursor, queries
from ledger.errors import Unknown
from reports.matching import state_of
from reports.reconcile import Key

_SQL = queries("reports", "matching.sql")


class Said(NamedTuple):
    """What an entry said of a line: matched, written off or disputed; `undone` by an entry, or standing."""

    match: str
    kind: str
    amount: int
    seq: int
    undone: int | None


class Behind(NamedTuple):
    """An entry behind a line: one that it is matched with, or `cleared`: its money came with a suspended receipt that
    is matched."""

    seq: int
    stream: str
    type: str
    amount: int | None = None
    cleared: bool = True


class LineFile(NamedTuple):
    """A line with all that was said of it, and the entries behind it."""

    key: Key
    account: str
    on: date
    amount: int
    refs: tuple[str, ...]
    state: str
    said: tuple[Said, ...]
    behind: tuple[Behind, ...]


def read_line(cursor: Cursor, key: Key) -> LineFile:
    """The line and what is behind it. Raises Unknown."""
    row = cursor.execute(_SQL["line"], key).fetchone()
    if row is None:
        raise Unknown("line", f"B{key[0]}/{key[1]}")
    account, on, amount, bank_ref, order_ref, counts = row
    said = tuple(Said(*each) for each in cursor.execute(_SQL["line_parts"], key).fetchall())
    standing = [one for one in said if one.undone is None]
    taken = sum(one.amount for one in standing)
    kinds = [one.kind for one in standing]
    kind = "disputed" if "disputed" in kinds else kinds[-1] if kinds else None
    state = state_of(amount, taken, kind) if counts else "held"
    behind: list[Behind] = []
    for one in standing:
        for seq, _, part, stream, kind in cursor.execute(_SQL["matched_entries"], (one.match,)).fetchall():
            behind.append(Behind(seq, stream, kind, part, cleared=False))
            if kind == "ReceiptSuspended":
                found = cursor.execute(_SQL["cleared"], (stream.partition("/")[2],)).fetchall()
                behind += [Behind(*each) for each in found]
    refs = tuple(ref for ref in (bank_ref, order_ref) if ref)
    return LineFile(key, account, on, amount, refs, state, said, tuple(behind))


def lines_of_gift(cursor: Cursor, donation: str) -> list[dict[str, Any]]:
    """The lines that stand matched with a gift, or with the suspended receipt that it came with."""
    rows = cursor.execute(_SQL["gift_entries"], {"stream": f"donation/{donation}"}).fetchall()
    return lines_of(cursor, (seq for (seq,) in rows))


def lines_of(cursor: Cursor, seqs: Iterable[int]) -> list[dict[str, Any]]:
    """The lines that stand matched with these entries, for programs."""
    rows = cursor.execute(_SQL["entry_lines"], (list(seqs),)).fetchall()
    return [
        {"line": f"B{statement}/{ordinal}", "account": account, "on": on, "amount": amount, "match": match}
        for _, statement, ordinal, account, on, amount, match in rows
    ]
