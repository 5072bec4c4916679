"""`fenhao bench write`: how fast facts are recorded, followed and verified, each figure beside its yardstick.

Machines are noisy, so what counts is the ratio of two figures of one round; rounds are repeated and the median taken.
Everything happens in schemas of the bench's own, which are dropped at the end.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import partial
from random import Random
from typing import Any

from eventsourcing.application import Application
from eventsourcing.domain import Aggregate, event
from eventsourcing.postgres import PostgresFactory

from api.bench_ledger import SEED, batches, ledger_in, record, schema_for, seconds
from api.intake.running import BATCH_COMMANDS
from ledger.database import Connection, Database, connecting, point_pool
from ledger.decisions import (
    Command,
    MakeAllocation,
    OpenCase,
    PayHospital,
    PaymentLine,
    ReceiveDonation,
    SettleTreatment,
)
from ledger.journal import Journal
from ledger.writing import Writer
from projections.runner import Runner
from reports.verification import verify_ledger

CALLERS = 32
GIFTS_PER_CASE = 400
FIRST_DAY = date(2025, 1, 1)
VERIFIED = 5
"""A ledger of so many times as many gifts is verified: what a process takes to begin says little of a foundation's."""

Note = Callable[[str, str], None]


@dataclass(frozen=True, slots=True)
class Line:
    """One figure: its name in Chinese and English, rates per second by round, and what it is measured against."""

    zh: str
    en: str
    rates: list[float] = field(default_factory=list)
    yardstick: str | None = None
    target: float | None = None

    @property
    def rate(self) -> float:
        """The median rate."""
        return statistics.median(self.rates)


@dataclass(frozen=True, slots=True)
class Result:
    """All lines of one bench by name."""

    lines: dict[str, Line]

    def ratio(self, name: str) -> float | None:
        """A line's rate over its yardstick's, the median over the rounds; None without a yardstick."""
        line = self.lines[name]
        if line.yardstick is None:
            return None
        return statistics.median(a / b for a, b in zip(line.rates, self.lines[line.yardstick].rates, strict=True))

    def members(self) -> dict[str, Any]:
        """As JSON: per line rate, yardstick, ratio, target, met."""
        return {
            name: {
                "per_second": round(line.rate),
                "yardstick": line.yardstick,
                "ratio": None if (ratio := self.ratio(name)) is None else round(ratio, 3),
                "target": line.target,
                "met": self._met(name),
            }
            for name, line in self.lines.items()
        }

    def _met(self, name: str) -> bool | None:
        line = self.lines[name]
        if line.target is None:
            return None
        ratio = self.ratio(name)
        return (line.rate if ratio is None else ratio) >= line.target

    def table(self, language: str) -> Iterator[str]:
        """For a person: one line a figure."""
        for name, line in self.lines.items():
            ratio, words = self.ratio(name), (line.zh if language == "zh" else line.en)
            text = f"{line.rate:>10,.0f} /s  {words}"
            if line.yardstick is not None and ratio is not None:
                other = self.lines[line.yardstick]
                text += f"  = {ratio:.2f} × {other.zh if language == 'zh' else other.en}"
            if line.target is not None:
                unit = "/s" if ratio is None else "×"
                text += f"  (≥ {line.target:,g} {unit}: {'✓' if self._met(name) else '✗'})"
            yield text


class Gift(Aggregate):
    """The stock application's one-event aggregate of a gift, as the library's documentation writes one.

    Its event has the members that our fact has; what they say (serials, fee) is made up.
    """

    @event("Received")
    def __init__(  # the members of DonationReceived
        self,
        donation: str,
        fund: str,
        amount: int,
        fee_bp: int,
        source: str,
        donor: str,
        channel: str,
        channel_txn: str,
        on: str,
        issue: list[dict[str, Any]],
    ) -> None:
        self.donation, self.fund, self.amount, self.fee_bp, self.source = donation, fund, amount, fee_bp, source
        self.donor, self.channel, self.channel_txn, self.on, self.issue = donor, channel, channel_txn, on, issue


def _stock_gift(row: dict[str, Any]) -> Gift:
    lo, fee = 1_000 * len(row["donation"]), row["amount"] // 20
    issue = [
        {"hi": lo + row["amount"] - fee, "lo": lo, "tape": "t1", "to": "fund/F1"},
        {"hi": lo + fee, "lo": lo, "tape": "t2", "to": "fee/F1"},
    ]
    return Gift(**{**row, "on": row["on"].isoformat()}, fee_bp=500, source="donation", issue=issue)


class StockFactory(PostgresFactory):
    """The library's own PostgreSQL infrastructure on the bench's server."""

    def __init__(self, url: str, env: Any) -> None:
        super().__init__(env)
        point_pool(self.datastore.pool, url)


class StockApplication(Application[Any]):
    """The library's application, nothing changed but where it connects to."""

    def __init__(self, url: str, schema: str) -> None:
        self.url = url
        names = ("DBNAME", "HOST", "USER", "PASSWORD")
        super().__init__(
            {f"POSTGRES_{name}": "-" for name in names}
            | {"POSTGRES_SCHEMA": schema, "POSTGRES_POOL_SIZE": str(CALLERS), "POSTGRES_MAX_OVERFLOW": "0"}
        )

    def construct_factory(self, env: Any) -> Any:
        return StockFactory(self.url, env)


def bench_write(place: Database, gifts: int, rounds: int, note: Note) -> Result:
    """Measures `rounds` rounds of `gifts` gifts each, and how fast a ledger of more is verified.

    Raises DatabaseFault.
    """
    lines = {
        "stock_bulk": Line(
            "原版 eventsourcing 每批 500 个单事件聚合", "stock eventsourcing, one-event aggregates by 500"
        ),
        "copy": Line("同样字节、同样批量的裸 COPY", "bare COPY of the same bytes, by as many"),
        "bulk": Line(
            f"成批登记捐赠，每批 {BATCH_COMMANDS:,} 笔，与导入相同（成链、防重、定位）",
            f"gifts in bulk, by {BATCH_COMMANDS:,} as imports do, chained, guarded, placed",
            [],
            "stock_bulk",
            2.0,
        ),
        "bulk_copy": Line("同上", "the same", [], "copy", 0.12),
        "vault": Line("同上，每笔一位新捐赠人入保险库", "the same, a new person in the vault each", [], "bulk"),
        "projection": Line("追踪视图", "the trace projection"),
        "stock_single": Line("原版 eventsourcing 32 线程逐条", "stock eventsourcing, 32 threads"),
        "single": Line("逐条登记，32 个调用者", "single commands, 32 callers", [], "stock_single", 1.5),
        "verify": Line(
            f"fenhao verify（2 核，含第 6 条，捐赠 {VERIFIED} 倍于上）",
            f"fenhao verify, 2 cores, law 6 included, of {VERIFIED} times as many gifts",
            [],
            None,
            80_000,
        ),
    }
    with (
        schema_for(place, "stock") as stock_schema,
        schema_for(place, "ledger") as schema,
        _stock(place, stock_schema) as stock,
        ledger_in(place, schema) as (journal, writer),
        schema_for(place, "vault") as vault_schema,
        ledger_in(place, vault_schema) as (_, vault_writer),
    ):
        runner = Runner(journal)
        for n in range(rounds):
            note(f"第 {n + 1} 轮，共 {rounds} 轮", f"round {n + 1} of {rounds}")
            _round(lines, place, stock_schema, stock, journal, (writer, vault_writer), runner, _rows(n, gifts))
            _spend(writer, n, gifts)
        for n in range(rounds, VERIFIED * rounds):
            note(f"扩大账本，第 {n + 1} 批，共 {VERIFIED * rounds} 批", f"more gifts, {n + 1} of {VERIFIED * rounds}")
            for batch in batches(_rows(n, gifts), BATCH_COMMANDS):
                _record_gifts(writer, batch)
            _spend(writer, n, gifts)
        note("验证", "verifying")
        _verified(journal, runner)  # what a process loads, or a machine compiles, once
        for _ in range(rounds):
            lines["verify"].rates.append(journal.entries.head().size / seconds(lambda: _verified(journal, runner)))
    return Result(lines)


def _verified(journal: Journal, runner: Runner) -> None:
    found = verify_ledger(journal, runner)
    assert found.ok, found.as_json()["problems"]


def _round(
    lines: dict[str, Line],
    place: Database,
    stock_schema: str,
    stock: StockApplication,
    journal: Journal,
    writers: tuple[Writer, Writer],
    runner: Runner,
    rows: list[dict[str, Any]],
) -> None:
    """One round: the same gifts by the stock application, by ours and by a bare COPY; then singly by 32 callers.

    Ours twice, by the batch of an import: as they are, and in another ledger each with a new person's name. They take
    turns at each batch, so that what else the machine does falls on all of them alike.
    """
    writer, vault_writer = writers
    spent = {"stock_bulk": 0.0, "bulk": 0.0, "vault": 0.0, "copy": 0.0}
    with connecting(place.owner_url) as bare, journal.entries.reading() as cursor:
        bare.execute(f"drop table if exists {stock_schema}.bare")
        bare.execute(f"create table {stock_schema}.bare (seq bigint primary key, body bytea)")
        for batch in batches(rows, BATCH_COMMANDS):
            before = journal.entries.head().size
            spent["stock_bulk"] += seconds(partial(_stock_save, stock, batch))
            spent["bulk"] += seconds(partial(_record_gifts, writer, batch))
            spent["vault"] += seconds(partial(_record_gifts, vault_writer, batch, named=True))
            stored = cursor.execute("select seq, body from entry where seq >= %s", (before,)).fetchall()
            spent["copy"] += seconds(partial(_bare_copy, bare, stock_schema, stored))
    for name, spent_s in spent.items():
        lines[name].rates.append(len(rows) / spent_s)
    lines["bulk_copy"].rates.append(lines["bulk"].rates[-1])
    lines["projection"].rates.append(len(rows) / seconds(runner.catch_up))
    _singly(lines, stock, writer, rows[: min(len(rows) // 4, 4_000)])
    runner.catch_up()


def _stock_save(stock: StockApplication, rows: Sequence[dict[str, Any]]) -> None:
    for batch in batches(rows):
        stock.save(*map(_stock_gift, batch))


def _record_gifts(writer: Writer, batch: Sequence[dict[str, Any]], *, named: bool = False) -> None:
    more = {"personal": (("donor_name", "王小明"),)} if named else {}
    record(writer, [_gift({**row, "donor": row["donation"], **more} if named else row) for row in batch])


def _singly(lines: dict[str, Line], stock: StockApplication, writer: Writer, rows: list[dict[str, Any]]) -> None:
    """One command at a time from 32 callers, by the stock application (a quarter of them) and by ours."""
    again = [_gift({**row, "donation": "s" + row["donation"], "channel_txn": "s" + row["channel_txn"]}) for row in rows]
    quarter = rows[::4]
    with ThreadPoolExecutor(CALLERS) as callers:
        stock_s = seconds(lambda: list(callers.map(lambda row: stock.save(_stock_gift(row)), quarter)))
        ours_s = seconds(lambda: list(callers.map(writer.submit, again)))
    lines["stock_single"].rates.append(len(quarter) / stock_s)
    lines["single"].rates.append(len(again) / ours_s)


def _rows(n: int, gifts: int) -> list[dict[str, Any]]:
    """Gifts of round `n`, as plain rows: heavy-tailed amounts, three funds, two weeks."""
    random = Random(SEED + n)  # noqa: S311 - sample data, no secret
    return [
        {
            "donation": f"D{n}-{i}",
            "fund": f"F{random.randrange(3)}",
            "amount": int(100 * random.paretovariate(1.2)),
            "donor": f"P{random.randrange(gifts // 3 + 1)}",
            "channel": "wechat",
            "channel_txn": f"T{n}-{i}",
            "on": _day(n, 14 * i // gifts),
        }
        for i in range(gifts)
    ]


def _day(n: int, day: int) -> date:
    """That day of the two weeks of round `n`; after a year's rounds they begin again."""
    return FIRST_DAY + timedelta(days=14 * (n % 26) + day)


def _gift(row: dict[str, Any]) -> ReceiveDonation:
    return ReceiveDonation(key=row["donation"], **row)


def _spend(writer: Writer, n: int, gifts: int) -> None:
    """A case for every 400 gifts, with its allocation, payment and settlement."""
    commands: list[Command] = []
    day = _day(n, 13)
    for i in range(gifts // GIFTS_PER_CASE):
        case, fund = f"C{n}-{i}", f"F{i % 3}"
        commands += [
            OpenCase(key=f"c{case}", case=case, fund=fund, hospital="H"),
            MakeAllocation(key=f"a{case}", allocation=case, case=case, amount=20_000, on=day),
            PayHospital(key=f"p{case}", payment=case, hospital="H", lines=(PaymentLine(case, 20_000),), on=day),
            SettleTreatment(key=f"s{case}", settlement=case, hospital="H", case=case, amount=19_000, on=day),
        ]
    record(writer, commands)


def _bare_copy(connection: Connection, schema: str, rows: Sequence[tuple[int, bytes]]) -> None:
    """The entries' bytes by COPY alone, a transaction a batch, into a logged table with a key."""
    with connection.cursor().copy(f"copy {schema}.bare from stdin (format binary)") as copy:
        copy.set_types(["int8", "bytea"])
        for row in rows:
            copy.write_row(row)


@contextmanager
def _stock(place: Database, schema: str) -> Iterator[StockApplication]:
    with connecting(place.owner_url) as connection:
        connection.execute(f"create schema {schema}")
    with StockApplication(place.owner_url, schema) as application:
        yield application
