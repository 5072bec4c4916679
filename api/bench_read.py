"""`fenhao bench read`: how fast ledgers of several sizes answer, to show what grows with a ledger and what does not.

Each size has a ledger of its own, written the bulk way, followed, asked, made anew and dropped. Each donor, case and
day is asked for once, and a trace is measured to its last row: the query and what is made of it. What a caller waits
for on a busy machine is mostly the others, so the processors' time stands beside it, of this process and of the server.
"""

from __future__ import annotations

import math
import resource
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from typing import Any

import psutil

from api.bench_ledger import (
    FIRST_DAY,
    FUNDS,
    GREAT_CASE,
    GREAT_DONOR,
    STEADY,
    Year,
    ledger_in,
    record,
    schema_for,
    seconds,
)
from ledger.database import Database
from ledger.journal import Journal
from projections.flows import Scope, flows
from projections.history import QUERIES, Vantage, reading_from
from projections.runner import Runner
from projections.trace import Trace, Traces, reading, snapshot
from reports.balances import balances_of

SAMPLE = 40
"""So many donors, cases and days are asked for."""
WARMING = 48
"""So often one of each is asked for beforehand, until the server keeps the plans: ten times for each connection."""
PER_SECOND, MILLISECONDS, MICROSECONDS, MEGABYTES, TIMES = "/s", "ms", "µs", "MB", "×"

Note = Callable[[str, str], None]


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure: its words, its value at each size, its unit, what it may be at most (rates: must be at least)."""

    zh: str
    en: str
    unit: str
    target: float | None
    values: Sequence[float]

    def met(self) -> bool | None:
        """Whether all values keep to the target; None where there is none."""
        if self.target is None:
            return None
        return all(value >= self.target if self.unit == PER_SECOND else value <= self.target for value in self.values)


@dataclass(frozen=True, slots=True)
class Reading:
    """All figures by name, each with a value for each of the sizes (donations); growth from each size to the next."""

    sizes: Sequence[int]
    figures: dict[str, Figure]

    def members(self) -> dict[str, Any]:
        """As JSON: `{"donations": [...], NAME: {"unit", "values", "target", "met"}}`."""
        return {"donations": list(self.sizes)} | {
            name: {
                "unit": one.unit,
                "values": [round(value, 3) for value in one.values],
                "target": one.target,
                "met": one.met(),
            }
            for name, one in self.figures.items()
        }

    def table(self, language: str) -> Iterator[str]:
        """For a person: a line a figure, a column a size."""
        yield " ".join(f"{size:>12,}" for size in self.sizes) + ("  笔捐赠" if language == "zh" else "  donations")
        for one in self.figures.values():
            values = " ".join(f"{_shown(value, one.unit):>12}" for value in one.values)
            text = f"{values:>{13 * len(self.sizes) - 1}}  {one.zh if language == 'zh' else one.en}"
            if one.target is not None:
                sign = "≥" if one.unit == PER_SECOND else "≤"
                text += f"  ({sign} {one.target:,g} {one.unit}: {'✓' if one.met() else '✗'})"
            yield text


FIGURES: dict[str, tuple[str, str, str, float | None]] = {
    "writing": ("成批登记（含视图以外的一切）", "recorded in bulk", PER_SECOND, None),
    "projection": ("追踪视图", "the projection", PER_SECOND, 20_000),
    "projection_cpu": ("　每条分录所用处理器时间", "  processors' time, an entry", MICROSECONDS, None),
    "rebuild": ("重建视图", "the same made anew", PER_SECOND, 20_000),
    "rebuild_cpu": ("　每条分录所用处理器时间", "  processors' time, an entry", MICROSECONDS, None),
    "donor": ("捐赠人追踪（100 笔），p95", "trace of a donor of 100 gifts, p95", MILLISECONDS, 5),
    "donor_median": ("　中位数", "  median", MILLISECONDS, None),
    "donor_cpu": ("　所用处理器时间，平均", "  processors' time, mean", MILLISECONDS, None),
    "case": ("个案追踪（至多 1,000 位捐赠人），p95", "trace of a case of up to 1,000 donors, p95", MILLISECONDS, 5),
    "case_median": ("　中位数", "  median", MILLISECONDS, None),
    "case_cpu": ("　所用处理器时间，平均", "  processors' time, mean", MILLISECONDS, None),
    "great_donor": ("大捐赠人逐行追踪，每行", "trace of a great donor, a row", MICROSECONDS, 10),
    "great_case": ("大个案逐行追踪，每行", "trace of a great case, a row", MICROSECONDS, 10),
    "flows": ("全账本流向图", "flows of the whole ledger", MILLISECONDS, 100),
    "balances": ("各基金收支余", "balances of all funds", MILLISECONDS, 20),
    "balances_as_of": ("各基金某日收支余，p95", "the same as of a day, p95", MILLISECONDS, 20),
    "balances_known": ("各基金当时所知收支余，p95", "the same as known at some time, p95", MILLISECONDS, 20),
    "memory": ("追踪期间内存增加", "memory that reading and making anew took more", MEGABYTES, 100),
}
"""What is measured: words, unit, target."""
GROWING = {
    "donor_median": ("捐赠人追踪中位数，每十倍增长", "median of a donor's trace, growth per tenfold", 1.5),
    "donor_cpu": ("捐赠人追踪所用处理器时间，每十倍增长", "processors' time of it, growth per tenfold", 1.5),
    "case_median": ("个案追踪中位数，每十倍增长", "median of a case's trace, growth per tenfold", 1.5),
    "case_cpu": ("个案追踪所用处理器时间，每十倍增长", "processors' time of it, growth per tenfold", 1.5),
}
"""By how much a figure may grow from one size to the next, per tenfold: medians, for what is rare comes by chance, and
the processors' time, which on a busy machine is what a ledger's size says something about."""


def bench_read(place: Database, sizes: Sequence[int], note: Note) -> Reading:
    """Measures a ledger of each size. Raises DatabaseFault."""
    found = [_measured(place, size, note) for size in sizes]
    figures = {
        name: Figure(zh, en, unit, target, [values[name] for values in found])
        for name, (zh, en, unit, target) in FIGURES.items()
    }
    for name, (zh, en, most) in GROWING.items():
        values = figures[name].values
        growth = [
            (values[n + 1] / values[n]) ** (1 / math.log10(sizes[n + 1] / sizes[n])) for n in range(len(sizes) - 1)
        ]
        if growth:
            figures[f"{name}_growth"] = Figure(zh, en, TIMES, most, growth)
    return Reading(sizes, figures)


def _measured(place: Database, size: int, note: Note) -> dict[str, float]:
    """All figures of a ledger of that many donations."""
    found: dict[str, float] = {}
    with schema_for(place, f"read{size}") as schema, ledger_in(place, schema, FUNDS) as (journal, writer):
        note(f"登记 {size:,} 笔捐赠", f"recording {size:,} donations")
        year = Year(size)
        record(writer, year.beginning())
        written_s = seconds(lambda: [record(writer, batch) for batch in year.batches()])
        entries = journal.entries.head().size
        found["writing"] = entries / written_s
        note(f"追踪 {entries:,} 条分录", f"following {entries:,} entries")
        runner, processors = Runner(journal), Processors(journal)
        found |= _folding(processors, "projection", entries, runner.catch_up)
        with journal.database.owner() as owner:
            owner.execute("vacuum analyze")
        note("提问", "asking")
        before = memory_mb()
        found |= _answers(processors, journal, year.cases)
        note("重建", "making anew")
        found |= _folding(processors, "rebuild", entries, runner.rebuild)
        found["memory"] = memory_mb() - before
    return found


def _folding(processors: Processors, name: str, entries: int, work: Callable[[], object]) -> dict[str, float]:
    before_s = processors.spent_s()
    took_s = seconds(work)
    return {name: entries / took_s, f"{name}_cpu": (processors.spent_s() - before_s) / entries * 1_000_000}


def _answers(processors: Processors, journal: Journal, cases: Sequence[str]) -> dict[str, float]:
    some = [case for case in cases if case != GREAT_CASE][:: max(len(cases) // SAMPLE, 1)]
    donors = [f"P-steady-{n}" for n in range(STEADY)]
    days = [FIRST_DAY + timedelta(days=9 * n + 5) for n in range(SAMPLE)]
    sizes = [journal.entries.head().size * n // SAMPLE for n in range(SAMPLE)]
    for _ in range(WARMING):
        _traced(journal, "donor", donors[0])
        _traced(journal, "case", some[0])
    return {
        **_asked(processors, "donor", [partial(_traced, journal, "donor", donor) for donor in donors]),
        **_asked(processors, "case", [partial(_traced, journal, "case", case) for case in some]),
        "great_donor": _row_us(journal, "donor", GREAT_DONOR),
        "great_case": _row_us(journal, "case", GREAT_CASE),
        "flows": _p95_ms([partial(flows, journal, Scope())] * 5),
        "balances": _p95_ms([partial(_balances, journal, None)] * 5),
        "balances_as_of": _p95_ms([partial(_balances, journal, day) for day in days]),
        "balances_known": _p95_ms([partial(_balances_known, journal, size) for size in sizes]),
    }


def _traced(journal: Journal, noun: str, id: str) -> int:
    """Reads a trace to its end; how many rows it has."""
    with reading(journal) as traces:
        trace: Trace = getattr(traces, noun)(id)
        return sum(sum(1 for _ in value) for value in trace.values() if isinstance(value, Iterator))


def _balances(journal: Journal, as_of: date | None) -> None:
    with reading_from(journal, Vantage(as_of)) as traces:
        balances_of(traces)


def _balances_known(journal: Journal, size: int) -> None:
    with snapshot(journal) as connection:
        Traces(connection, QUERIES, {"as_of": date.max, "size": size}).balances()


def _row_us(journal: Journal, noun: str, id: str) -> float:
    rows: list[int] = []
    took_s = seconds(lambda: rows.append(_traced(journal, noun, id)))
    return took_s / max(rows[0], 1) * 1_000_000


def _asked(processors: Processors, name: str, asked: Sequence[Callable[[], object]]) -> dict[str, float]:
    """The p95 of what the questions take, their median, and the processors' time of each on average."""
    before_s = processors.spent_s()
    took_ms = [seconds(one) * 1_000 for one in asked]
    cpu_ms = (processors.spent_s() - before_s) / len(asked) * 1_000
    return {name: _p95(took_ms), f"{name}_median": statistics.median(took_ms), f"{name}_cpu": cpu_ms}


def _p95_ms(asked: Sequence[Callable[[], object]]) -> float:
    return _p95([seconds(one) * 1_000 for one in asked])


def _p95(took: Sequence[float]) -> float:
    """What 95 of a hundred take at most."""
    return sorted(took)[min(len(took) * 95 // 100, len(took) - 1)]


class Processors:
    """Processors' time so far of this process and, if it runs here, of the whole server that it is connected to."""

    def __init__(self, journal: Journal) -> None:
        with journal.entries.reading() as cursor:
            backend = cursor.connection.info.backend_pid
        self._server = None
        with suppress(psutil.Error):
            if psutil.Process(backend).name().startswith("postgres"):
                self._server = psutil.Process(backend).parent()

    def spent_s(self) -> float:
        """Those that ended count in their parent's time."""
        spent_s = time.process_time()
        if self._server is not None:
            for one in (self._server, *self._server.children()):
                with suppress(psutil.Error):
                    spent_s += sum(one.cpu_times()[:4])
        return spent_s


def memory_mb() -> float:
    """The most that this process has had of memory so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _shown(value: float, unit: str) -> str:
    return f"{value:,.0f} {unit}" if unit == PER_SECOND or value >= 100 else f"{value:,.1f} {unit}"
