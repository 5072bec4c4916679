"""`fenhao verify` on a living ledger: the audit's own replay of the entries, then all that is derived held against it.

One snapshot serves it all, so a ledger that is being written to is checked as it stood at one moment. `audit.verify`
judges the entries; what this module adds is whether the tables beside them (their own columns, the places, the tapes,
the views) say what the entries say.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

from audit.codec import FAST
from audit.verify import Report, verify
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
    """Replays all entries and holds every derived table against them; changes nothing but bring the views up to date.

    `progress` is told how many entries are done, of how many. Raises LedgerNotOpen and the database's errors;
    ProjectionFailed when the views cannot follow.
    """
    runner.catch_up()
    with journal.database.service() as connection, connection.transaction():
        connection.execute(_SQL["snapshot"])
        size, leaf = connection.execute(_SQL["head"]).fetchone() or (0, b"")
        report = verify(
            bundles_of(tuples(connection), 0, size),
            decode=FAST,
            jobs=jobs or min(os.cpu_count() or 1, 8),
            progress=None if progress is None else lambda done: progress(done, size),
        )
        return Verification(report, tuple(_derived(connection, report, size, bytes(leaf).hex())) if report.ok else ())


def _derived(connection: Connection, report: Report, size: int, leaf: str) -> Iterator[Finding]:
    """What the tables beside the entries say that the entries do not."""
    if report.entries != size or (size and report.head != leaf):
        yield Finding(None, "the head does not name the last entry", "链头与最后一条分录不符")
    for (seq,) in connection.execute(_SQL["entry_columns"]):
        yield Finding(seq, "the table's columns differ from the entry's bytes", "分录表的列与分录内容不符")
    ends = dict(connection.execute(_SQL["tape_ends"]).fetchall())
    if ends != report.tapes:
        yield Finding(None, "the table of tapes differs from the entries", "编号序列表与分录不符")
    yield from _compared(connection, report, "holding", "places", "资金位置表")
    (position,) = connection.execute(_SQL["view_position"]).fetchone() or (0,)
    if position != size:
        yield Finding(None, f"the views are at entry {position} of {size}", f"视图停在第 {position} 条（共 {size} 条）")
        return
    yield from _compared(connection, report, "view_place", "view of places", "资金位置视图")
    for (tape,) in connection.execute(_SQL["gift_gaps"]):
        yield Finding(None, f"the view of gifts does not cover tape t{tape}", f"捐赠视图未覆盖编号序列 t{tape}")


def _compared(connection: Connection, report: Report, table: str, name: str, name_zh: str) -> Iterator[Finding]:
    """The first row at which a table of places differs from the replay."""
    with connection.cursor(name=f"compare_{table}") as cursor:
        cursor.itersize = FETCH_ROWS
        cursor.execute(_SQL[table])
        for ours, theirs in zip_longest(joined(cursor), report.places()):
            if ours != theirs:
                where = min(row for row in (ours, theirs) if row is not None)
                at = f"t{where[0]}:{where[1]}"
                yield Finding(None, f"the {name} differs from the entries at {at}", f"{name_zh}自 {at} 起与分录不符")
                return
