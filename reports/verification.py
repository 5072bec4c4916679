"""`fenhao verify` on a living ledger: the audit's own replay of the entries, then all that is derived held against it.

One snapshot serves it all, so a ledger that is being written to is checked as it stood at one moment. `audit.verify`
judges the entries; what this module adds is whether the tables beside them (their own columns, funds and codes, tapes,
places, and the views) say what the entries say.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

from msgspec import DecodeError, Struct
from msgspec.json import Decoder

from audit.codec import FAST
from audit.verify import Report, split, verify
from ledger.database import Connection, queries, tuples
from ledger.journal import Journal, bundles_of
from projections.runner import Runner
from projections.trace import joined

_SQL = queries("reports", "verification.sql")
FETCH_ROWS = 5_000


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is wrong; `seq` is the entry it is at, None for a table beside the entries."""

    seq: int | None
    what: str
    zh: str


@dataclass(frozen=True, slots=True)
class Verification:
    """What was found: the audit's report on the entries, and the tables that do not follow from them."""

    report: Report
    findings: tuple[Finding, ...]

    @property
    def ok(self) -> bool:
        """Whether nothing at all is wrong."""
        return self.report.ok and not self.findings

    def as_json(self) -> dict[str, Any]:
        """`{"ok", "entries", "root", "problems": [{"seq", "what"}], ...}`; `seq` is null for a derived table."""
        members = self.report.as_json()
        members["ok"] = self.ok
        members["problems"] += [{"seq": finding.seq, "what": finding.what} for finding in self.findings]
        return members


def verify_ledger(
    journal: Journal, runner: Runner, *, jobs: int | None = None, progress: Callable[[int, int], None] | None = None
) -> Verification:
    """Replays all entries and holds the tables against them; changes nothing but bring the views up to date.

    `progress` is told how many entries are done, of how many. Raises LedgerNotOpen and the database's errors;
    ProjectionFailed when the views cannot follow.
    """
    journal.entries.head()
    runner.catch_up()
    with journal.database.service() as connection, connection.transaction():
        connection.execute(_SQL["snapshot"])
        size, leaf = connection.execute(_SQL["head"]).fetchone() or (0, b"")
        (position,) = connection.execute(_SQL["view_position"]).fetchone() or (0,)
        lineage = Lineage(position)
        report = verify(
            lineage.watch(bundles_of(tuples(connection), 0, size)),
            decode=FAST,
            jobs=jobs or min(os.cpu_count() or 1, 8),
            progress=None if progress is None else lambda done: progress(done, size),
        )
        findings = list(_derived(connection, report, size, bytes(leaf).hex())) if report.ok else []
        if report.ok and position == size:
            findings += _views(connection, report, lineage)
        elif position > size:
            findings.append(Finding(None, "the views are ahead of the entries", "视图超前于分录"))
        return Verification(report, tuple(findings))


class _Issued(Struct):
    tape: str
    lo: int
    hi: int


class _Moved(Struct, rename={"source": "from", "target": "to"}):
    tape: str
    lo: int
    hi: int
    source: str
    target: str


class _Data(Struct):
    donation: str | None = None
    donor: str | None = None
    on: str | None = None
    issue: tuple[_Issued, ...] = ()
    moves: tuple[_Moved, ...] = ()


class _Entry(Struct):
    seq: int
    data: _Data


class Lineage:
    """All gifts and moves that the entries tell of, each as a sum that does not depend on their order.

    The sums are of Python's own hashes, keyed afresh in each process: good for comparing with the views here and now.
    """

    def __init__(self, size: int) -> None:
        self.gifts = self.moves = 0
        self._size = size
        self._decode = Decoder(_Entry).decode

    def watch(self, bundles: Iterable[bytes]) -> Iterator[bytes]:
        """Hands the bundles on, and adds up what their entries below `size` tell of on the way."""
        for bundle in bundles:
            for raw in split(bundle):
                if b'"issue":[' in raw or b'"moves":[' in raw:
                    self._add(raw)
            yield bundle

    def _add(self, raw: bytes) -> None:
        with suppress(DecodeError):  # the replay, which reads every byte, says what is wrong with such an entry
            entry = self._decode(raw)
            seq, data = entry.seq, entry.data
            for i in data.issue:
                self.gifts += hash((seq, i.tape, i.lo, i.hi, data.donation, data.donor, data.on))
            for m in data.moves:
                self.moves += hash((seq, m.tape, m.lo, m.hi, m.source, m.target))


def _derived(connection: Connection, report: Report, size: int, leaf: str) -> Iterator[Finding]:
    """What the write side's tables say that the entries do not.

    Idempotency keys are in no entry, and business keys, bills and cases' standing are not looked at here.
    """
    if report.entries != size:
        missing = report.entries
        yield Finding(
            missing, f"entry {missing} is missing: there were {size}", f"缺少第 {missing} 条分录：原有 {size} 条"
        )
    elif report.head != leaf:
        yield Finding(size - 1, "the head does not name the last entry", "链头与最后一条分录不符")
    for (seq,) in connection.execute(_SQL["stray_entries"]):
        yield Finding(seq, "an entry stands in the table past the end of the chain", "分录表中有链尾之外的分录")
    for (seq,) in connection.execute(_SQL["entry_columns"]):
        yield Finding(seq, "the table's columns differ from the entry's bytes", "分录表的列与分录内容不符")
    for table, key in connection.execute(_SQL["register"]):
        yield Finding(None, f"the table {table} differs from the entries at {key}", f"表 {table} 与分录不符：{key}")
    ends = dict(connection.execute(_SQL["tape_ends"]).fetchall())
    if ends != report.tapes:
        yield Finding(None, "the table of tapes differs from the entries", "编号序列表与分录不符")
    yield from _compared(connection, report, "holding", "the places", "资金位置表")


def _views(connection: Connection, report: Report, lineage: Lineage) -> Iterator[Finding]:
    """What the views say that the entries do not; `fenhao rebuild` makes them anew."""
    yield from _compared(connection, report, "view_place", "the places of the view", "资金位置视图")
    for name, expected, zh in (("view_gift", lineage.gifts, "捐赠视图"), ("view_movement", lineage.moves, "流向视图")):
        with connection.cursor(name=f"sum_{name}") as cursor:
            cursor.itersize = FETCH_ROWS
            if sum(map(hash, cursor.execute(_SQL[name]))) != expected:
                yield Finding(None, f"the table {name} differs from the entries", f"{zh}与分录不符")


def _compared(connection: Connection, report: Report, table: str, name: str, name_zh: str) -> Iterator[Finding]:
    """The first row at which a table of places differs from the replay."""
    with connection.cursor(name=f"compare_{table}") as cursor:
        cursor.itersize = FETCH_ROWS
        cursor.execute(_SQL[table])
        for ours, theirs in zip_longest(joined(cursor), report.places()):
            if ours != theirs:
                where = min(row for row in (ours, theirs) if row is not None)
                at = f"t{where[0]}:{where[1]}"
                yield Finding(None, f"{name} differ from the entries at {at}", f"{name_zh}自 {at} 起与分录不符")
                return
