"""What the tables say, for `fenhao verify`: that of the entries as they are read for the replay, and those beside it on
a connection of its own meanwhile, at the same moment of the database."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, LiteralString

from ledger.database import Connection, Cursor, Database, queries, tuples
from ledger.journal import looked_at
from projections.summing import SUMS, unlike

SQL = queries("reports", "verification.sql")
FETCH_ROWS, LUMPS_AT_ONCE = 5_000, 4
ODD_AT_MOST = 10


@dataclass(frozen=True, slots=True)
class Views:
    """What the views say: `gifts`, `said` and `moves` as sums that don't depend on the order of rows; the kinds of
    sums that stand still, with the entry before which they do; the views that contradict each other, and the tables of
    sums that are not what the views come to."""

    gifts: int
    said: int
    moves: int
    still: dict[str, int]
    unlike: frozenset[str]


@dataclass(frozen=True, slots=True)
class Tables:
    """What the tables beside the entries say: entries past the chain's end; tapes' ends; and the views, None where
    they are behind."""

    strays: list[int]
    tape_ends: dict[int, int]
    views: Views | None


@contextmanager
def tables_beside(connection: Connection, database: Database, size: int, position: int) -> Iterator[Future[Tables]]:
    """The tables as the open transaction of `connection` sees them, read while the block runs.

    `size` is the chain's, `position` the views'. What nobody waited for is cancelled at the end.
    """
    (snapshot,) = connection.execute(SQL["share"]).fetchone() or ("",)
    with ThreadPoolExecutor(1) as thread, database.service() as other, other.transaction():
        other.execute(SQL["snapshot"])
        other.execute(SQL["see"].format(snapshot=snapshot))
        future = thread.submit(_read, other, size, position)
        try:
            yield future
        finally:
            if not future.done():
                other.cancel()
            wait([future])


def _read(connection: Connection, size: int, position: int) -> Tables:
    return Tables(
        strays=[seq for (seq,) in connection.execute(SQL["stray_entries"])],
        tape_ends=dict(connection.execute(SQL["tape_ends"]).fetchall()),
        views=_views(connection) if position == size else None,
    )


class Entries:
    """The entries of a chain of that size, and what the table says of each beside its bytes.

    Once all bundles are taken, `odd` are entries whose columns are not what their bytes say, of many the first;
    `leaves` is the SHA-256 over all leaf hashes in order; `opening` are the entries that open funds, codes and tapes.
    """

    def __init__(self, cursor: Cursor, size: int) -> None:
        self.odd: list[int] = []
        self.opening: list[int] = []
        self._cursor, self._size, self._told = cursor, size, sha256()

    @property
    def leaves(self) -> bytes:
        """See above."""
        return self._told.digest()

    def bundles(self) -> Iterator[bytes]:
        """The entries as C2SP entry bundles, as `ledger.journal.bundles_of` gives them."""
        for bundle, leaves, odd, opening in looked_at(self._cursor, SQL["entries"], 0, self._size):
            self._told.update(leaves or b"")
            self.odd += (odd or [])[: ODD_AT_MOST - len(self.odd)]
            self.opening += opening or []
            yield bundle or b""


def _views(connection: Connection) -> Views:
    gifts = gift_sum(connection)
    said = sum(map(hash, rows_of(connection, SQL["view_attribution"])))
    moves = sum(move_sum(lo, hi, tuple(what)) for lo, hi, *what in rows_of(connection, SQL["view_movement"]))
    positions = dict(connection.execute(SQL["view_positions"]).fetchall())
    kinds = {kind: positions.get(f"journal.{kind}", 0) for kind in SUMS}
    still = {kind: seq for kind, seq in kinds.items() if seq != positions["journal"]}
    wrong = unlike(tuples(connection), kinds.keys() - still.keys())
    if connection.execute(SQL["donors_unlike"]).fetchone() is not None:
        wrong.append("view_gift")
    return Views(gifts, said, moves, still, frozenset(wrong))


def rows_of(
    connection: Connection, query: LiteralString, at_once: int = FETCH_ROWS, *, binary: bool = False
) -> Iterator[tuple[Any, ...]]:
    """The rows of a query, by the page."""
    with connection.cursor(name="rows", binary=binary) as cursor:
        cursor.itersize = at_once
        yield from cursor.execute(query)


def gift_sum(connection: Connection) -> int:
    """All issues by the views: the sum of the hashes of their lines, as `issue_line` makes them, in whatever order.

    What a line's end in some value would make of one issue counts as none, and so as a difference.
    """
    total = 0
    for lump, issues in rows_of(connection, SQL["view_gift"], LUMPS_AT_ONCE, binary=True):
        lines = lump.split(b"\n")
        total += sum(map(hash, lines)) if len(lines) == issues else 0
    return total


def issue_line(
    seq: int,
    tape: int,
    lo: int,
    hi: int,
    donation: str | None,
    donor: str | None,
    on: str,
    place: str,
    hospital: str | None,
    case: str | None,
    opening: bool,
) -> bytes:
    """An issue as the entry `seq` tells it, as one line in UTF-8 without its end: `view_gift` in SQL makes the same.

    `donor` is the one that the gift came with, `on` the posting date in ISO form, `place` where the issue put it, with
    that place's hospital and case. A tab between two values; what there is none of is empty, `opening` is `t` or empty.
    """
    return (
        f"{seq}\t{tape}\t{lo}\t{hi}\t{donation or ''}\t{donor or ''}\t{on}\t{place}\t"
        f"{hospital or ''}\t{case or ''}\t{'t' if opening else ''}"
    ).encode()


def move_sum(lo: int, hi: int, what: tuple[Any, ...]) -> int:
    """Pieces of a range come to the same as the whole; weighed twice, so that no other `what` or ends do."""
    weight = hash(what)
    return weight * (hi - lo) + weight * weight * (hi * hi - lo * lo)
