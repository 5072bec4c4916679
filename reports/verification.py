"""`fenhao verify` on a living ledger: the audit's own replay of the entries, then all that is derived held against it.

One snapshot serves it all, so a ledger that is being written to is checked as it stood at one moment. `audit.verify`
judges the entries; what this module adds is whether the tables beside them (their own columns, funds and codes, tapes,
places, and the views) say what the entries say.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from itertools import zip_longest
from typing import Any

from msgspec import DecodeError, Struct
from msgspec.json import Decoder

from audit.aside import Aside, way_for
from audit.codec import FAST
from audit.verify import Kept, Policy, Report, Said, Watch, hold_heads, processors, verify
from ledger.database import Connection, tuples
from ledger.journal import Journal
from ledger.places import is_source, parse_place, tape_number
from projections.fold import BALANCE_BROUGHT_FORWARD, DONATION_ATTRIBUTED, ENTRY_REVERSED, unattributed
from projections.runner import Runner
from projections.trace import joined
from reports.verified_cash import CashSaid, tables_unlike
from reports.verified_tables import SQL, Entries, Tables, Views, issue_line, move_sum, rows_of, tables_beside


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is wrong; `seq` is the entry it is at, None for a table beside the entries."""

    seq: int | None
    what: str
    zh: str


@dataclass(frozen=True, slots=True)
class Verification:
    """What was found: the audit's report on the entries, the tables that do not follow from them, and a line for each
    kept head that agrees."""

    report: Report
    findings: tuple[Finding, ...]
    agreeing: tuple[Said, ...] = ()

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
    journal: Journal,
    runner: Runner,
    *,
    heads: Sequence[Kept] = (),
    policy: Policy | None = None,
    jobs: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Verification:
    """Replays all entries and holds the tables against them; changes nothing but bring the views up to date.

    `heads` and `policy` are the reader's own, from before. `progress` is told how many entries are done, of how many.
    Raises LedgerNotOpen and the database's errors; ProjectionFailed when the views cannot follow; `audit.verify`'s
    Unusable for a head or policy of another ledger.
    """
    journal.entries.head()
    runner.catch_up()
    with journal.database.service() as connection, connection.transaction():
        connection.execute(SQL["snapshot"])
        size, leaf = connection.execute(SQL["head"]).fetchone() or (0, b"")
        (position,) = connection.execute(SQL["view_position"]).fetchone() or (0,)
        lineage, way = Lineage(), way_for(size)
        if progress is not None:
            progress(0, size)
        entries = Entries(tuples(connection), size)
        watch = _Leaves(kept.head.size for kept in heads)
        with tables_beside(connection, journal.database, size, position) as tables, ThreadPoolExecutor(1) as thread:
            report = verify(
                _ahead(thread, entries.bundles()),
                decode=FAST,
                way=way,
                told=lineage.take,
                jobs=jobs or (1 if way.alone else max(1, processors() - 1)),  # the server takes one
                progress=None if progress is None else lambda done: progress(done, size),
                tree=watch,
            )
            findings = list(_chain(report, size, bytes(leaf).hex()))
            if report.ok:
                findings += _derived(connection, report, entries, tables.result(), watch.told.digest())
                findings += _cash(connection, report, lineage)
                if (views := tables.result().views) is not None:
                    findings += _compared(connection, report, "view_place", "the places of the view", "资金位置视图")
                    tapes = connection.execute(SQL["tapes_unlike"], {"opening": entries.opening}).fetchone()
                    findings += _views(views, lineage, tapes_unlike=tapes is not None)
        if position > size:
            findings.append(Finding(None, "the views are ahead of the entries", "视图超前于分录"))
        held, agreeing = hold_heads(report, watch.roots, heads, policy)
        return Verification(held, tuple(findings), tuple(agreeing))


def _ahead(thread: ThreadPoolExecutor, items: Iterator[bytes]) -> Iterator[bytes]:
    """The items, each made by the thread while the one before it is in use."""
    coming = thread.submit(next, items, None)
    while (item := coming.result()) is not None:
        coming = thread.submit(next, items, None)
        yield item


class _Leaves(Watch):
    """A tree that also takes the SHA-256 of all its leaf hashes, one behind the other."""

    def __init__(self, sizes: Iterable[int]) -> None:
        super().__init__(sizes)
        self.told = sha256()

    def foresee(self, leaves: bytes) -> None:
        super().foresee(leaves)
        self.told.update(leaves)


class _Issued(Struct):
    tape: str
    lo: int
    hi: int
    to: str


class _Moved(Struct, rename={"source": "from", "target": "to"}):
    tape: str
    lo: int
    hi: int
    source: str
    target: str


class _Data(Struct):
    donation: str | None = None
    donor: str | None = None
    record: str | None = None
    on: str | None = None
    of: int | None = None
    issue: tuple[_Issued, ...] = ()
    moves: tuple[_Moved, ...] = ()


class _Entry(Struct):
    seq: int
    type: str
    data: _Data


_TELLING = (
    b'"issue":[',
    b'"moves":[',
    f'"type":"{DONATION_ATTRIBUTED}"'.encode(),
    f'"type":"{ENTRY_REVERSED}"'.encode(),
)
"""What the bytes of an entry have in them when it tells of gifts, moves or donors."""


class Lineage:
    """All gifts, donors and moves that the entries tell of, each as a sum that does not depend on their order; and of
    cash what `verified_cash` sets tables against.

    A move comes to the same wherever it is cut: the view cuts it where the money of two funds goes together.

    The sums are of Python's own hashes, keyed afresh in each process: good for comparing with the views here and now.
    """

    def __init__(self) -> None:
        self.gifts = self.said = self.moves = 0
        self.cash = CashSaid()
        self._on = ""
        self._decode = Decoder(_Entry).decode

    def take(self, aside: Aside) -> None:
        """Adds up what a chunk's entries tell of."""
        issues, others = aside
        self.gifts += sum(map(hash, issues.splitlines()))
        for raw in others:
            self.cash.add(raw)
            if any(sign in raw for sign in _TELLING):
                self._add(raw)

    def _add(self, raw: bytes) -> None:
        # The replay, which reads every byte, says what is wrong with an entry that cannot be read.
        with suppress(DecodeError, ValueError):
            entry = self._decode(raw)
            seq, kind, data = entry.seq, entry.type, entry.data
            self._on = self._on if data.of is not None else data.on or ""
            for i in data.issue:
                place, opening = parse_place(i.to), kind == BALANCE_BROUGHT_FORWARD
                issue = seq, tape_number(i.tape), i.lo, i.hi
                where = i.to, place.hospital, place.case, opening
                self.gifts += hash(issue_line(*issue, data.donation, data.donor, self._on, *where))
            for m in data.moves:
                self.moves += move_sum(m.lo, m.hi, (seq, self._on, kind, m.tape, *_end(m.source), *_end(m.target)))
            if kind == DONATION_ATTRIBUTED:
                self.said += hash((seq, data.donation, data.donor))
            elif kind == ENTRY_REVERSED and (donation := unattributed(data.record, data.moves)) is not None:
                self.said += hash((seq, donation, None))


def _end(name: str) -> tuple[str | None, ...]:
    """One end of a move: the place, its kind, its fund if it is at home there, hospital and case."""
    place = parse_place(name)
    return name, place.kind, place.fund if is_source(name) else None, place.hospital, place.case


def _chain(report: Report, size: int, leaf: str) -> Iterator[Finding]:
    """Where the chain's end as it is kept differs from the entries, if these are sound."""
    if not report.ok:
        return
    if report.entries != size:
        missing = report.entries
        yield Finding(
            missing, f"entry {missing} is missing: there were {size}", f"缺少第 {missing} 条分录：原有 {size} 条"
        )
    elif report.head != leaf:
        yield Finding(size - 1, "the head does not name the last entry", "链头与最后一条分录不符")


def _derived(
    connection: Connection, report: Report, entries: Entries, tables: Tables, leaves: bytes
) -> Iterator[Finding]:
    """What the write side's tables say that the entries do not; `leaves` is the SHA-256 of the entries' leaf hashes.

    Idempotency keys are in no entry, and business keys, bills and cases' standing are not looked at here; accounts,
    suspense, matches and periods are `verified_cash`'s.
    """
    for seq in tables.strays:
        yield Finding(seq, "an entry stands in the table past the end of the chain", "分录表中有链尾之外的分录")
    odd = set(entries.odd)
    if entries.leaves != leaves:
        odd |= {seq for (seq,) in connection.execute(SQL["odd_leaves"])}
    for seq in sorted(odd):
        yield Finding(seq, "the table's columns differ from the entry's bytes", "分录表的列与分录内容不符")
    for table, key in connection.execute(SQL["register"], {"opening": entries.opening}).fetchall():
        yield Finding(None, f"the table {table} differs from the entries at {key}", f"表 {table} 与分录不符：{key}")
    if tables.tape_ends != report.tapes:
        yield Finding(None, "the table of tapes differs from the entries", "编号序列表与分录不符")
    yield from _compared(connection, report, "holding", "the places", "资金位置表")


def _cash(connection: Connection, report: Report, lineage: Lineage) -> Iterator[Finding]:
    """What the tables of accounts, suspense, matches, periods and reversals say that the entries do not."""
    for name, zh in tables_unlike(connection, report, lineage.cash):
        yield Finding(None, f"rows of {name} are not what the entries say", f"{zh}与分录不符")


def _views(views: Views, lineage: Lineage, *, tapes_unlike: bool) -> Iterator[Finding]:
    """What the views say that the entries do not; `fenhao rebuild` makes them anew."""
    wrong = set(views.unlike & VIEWS_ZH.keys()) | ({"view_tape"} if tapes_unlike else set())
    differ = (views.gifts != lineage.gifts, views.said != lineage.said, views.moves != lineage.moves)
    wrong |= {name for name, is_wrong in zip(SUMMED, differ, strict=True) if is_wrong}
    for name, zh in VIEWS_ZH.items():
        if name in wrong:
            yield Finding(None, f"the table {name} differs from the entries", f"{zh}与分录不符")
    if wrong:
        return
    for kind, seq in views.still.items():
        yield Finding(seq, f"the sums of {kind} stand still before this entry", f"汇总（{kind}）停在此分录之前")
    for name in sorted(views.unlike):
        yield Finding(None, f"the table {name} differs from the views it sums up", f"汇总表 {name} 与视图不符")


SUMMED = ("view_gift", "view_attribution", "view_movement")
VIEWS_ZH = {
    "view_tape": "编号序列视图",
    "view_gift": "捐赠视图",
    "view_attribution": "认捐视图",
    "view_movement": "流向视图",
}


def _compared(connection: Connection, report: Report, table: str, name: str, name_zh: str) -> Iterator[Finding]:
    """The first row at which a table of places differs from the replay."""
    for ours, theirs in zip_longest(joined(rows_of(connection, SQL[table])), report.places()):
        if ours != theirs:
            where = min(row for row in (ours, theirs) if row is not None)
            at = f"t{where[0]}:{where[1]}"
            yield Finding(None, f"{name} differ from the entries at {at}", f"{name_zh}自 {at} 起与分录不符")
            return
