"""What the demo shows a person at the end: totals, a donor, a child, what is refused, and what to try next."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import groupby
from typing import Any, NamedTuple

from api.bootstrap import Fenhao
from api.demo.children import Child
from api.demo.foundation import BANK
from api.demo.year import Year
from ledger.decisions import CashLeg, Command, MakeAllocation, OpenCase, PayHospital, PaymentLine
from ledger.errors import Refusal
from ledger.places import used_place
from ledger.writing import Abandoned, Outcome
from projections.trace import Trace, Traces
from reports.balances import FIGURES, STANDS
from reports.masking import masked_child, month_of
from reports.traces import Reader, figures, trace_lines

HEAD, ROWS = 2, 8
"""Lines above the rows of a table, and as many of its rows as are shown."""


class Attempt(NamedTuple):
    """Something that the ledger must refuse: what it is, in Chinese and English, and the command."""

    zh: str
    en: str
    command: Command


def totals_of(balances: Trace, year: Year, entries: int) -> dict[str, Any]:
    """The year in figures, amounts in minor units."""
    return {
        "from": year.diary.since.isoformat(),
        "to": year.diary.until.isoformat(),
        "entries": entries,
        "donations": year.gifts.count,
        "donors": year.gifts.donors,
        "cases": year.children.opened,
        "hospitals": len(year.hospitals),
        **{name: balances[name] for name in FIGURES},
    }


def totals_lines(totals: dict[str, Any], reader: Reader) -> Iterator[str]:
    """The same for a person."""
    said = {name: f"{totals[name]:,}" for name in ("donations", "donors", "cases", "hospitals", "entries")}
    zh = "{from} 至 {to}：{donors} 位捐赠人的 {donations} 笔捐赠，{hospitals} 家医院的 {cases} 个孩子，{entries} 条分录"
    en = (
        "{from} to {to}: {donations} gifts of {donors} donors, {cases} children at {hospitals} hospitals, "
        "{entries} entries"
    )
    yield (zh if reader.language == "zh" else en).format(**totals | said)
    yield from figures([("received", totals["received"]), ("brought_forward", totals["brought_forward"])], reader)
    stands = [(name, totals[name]) for name in STANDS if totals[name] and name != "transferred_out"]
    yield from figures(stands, reader, "of_which")


def child_of(year: Year) -> Child:
    """The child whose story is told: of those that have a name, one that the money of many tapes helped."""
    told, purse = year.children.told, year.diary.purse
    return max(
        told.helped or told.closed, key=lambda child: len(purse.places.at(used_place(child.case, child.hospital)))
    )


def donor_lines(traces: Traces, donor: str, reader: Reader) -> Iterator[str]:
    """The trace of a donor, its long lists cut short."""
    yield from _cut(trace_lines("donor", traces.donor(donor), reader), reader)


def child_lines(traces: Traces, child: Child, year: Year, reader: Reader) -> Iterator[str]:
    """What a donor may know of a child, who helped it, and the way of one fen to it."""
    masked = masked_child(child.name, child.codes, year.dictionary)
    assert child.closed_on is not None
    month = month_of(child.closed_on, reader.language)
    yield f"{masked} · {month}结案" if reader.language == "zh" else f"{masked} · closed in {month}"
    yield from _cut(trace_lines("case", traces.case(child.case), reader), reader)
    named = next((one for one in traces.case(child.case)["donors"] if one["donor"] is not None), None)
    if named is not None:
        yield ""
        yield from trace_lines("serial", traces.serial(named["ranges"][0].partition("-")[0]), reader)


def _cut(lines: Iterable[str], reader: Reader) -> Iterator[str]:
    """The lines with all but the first rows of each table left out, and without the reminder that ends them.

    Tables are parted by empty lines.
    """
    *kept, _, _ = lines
    for has_text, block in groupby(kept, bool):
        told = list(block)
        rows = HEAD + ROWS
        yield from told[:rows]
        if has_text and len(told) > rows:
            more = len(told) - rows
            yield f"  …… 另有 {more:,} 行" if reader.language == "zh" else f"  … {more:,} more"


def attempts(year: Year) -> Iterator[Attempt]:
    """What must be refused on the last day of the year."""
    told, day = year.children.told, year.diary.until
    closed, newest = told.closed[0], told.newest
    assert newest is not None
    yield Attempt(
        f"向已结案的个案 {closed.case} 匹配善款",
        f"allocating money to case {closed.case}, which is closed",
        MakeAllocation(key="try-1", allocation="TRY-1", case=closed.case, amount=100_00, on=day),
    )
    yield Attempt(
        f"同一笔银行付款 {told.bank_ref} 再登记一次",
        f"recording the bank payment {told.bank_ref} once more",
        PayHospital(
            key="try-2",
            payment="TRY-2",
            hospital=newest.hospital,
            lines=(PaymentLine(newest.case, 100_00),),
            cash=(CashLeg(BANK, 100_00, day, told.bank_ref),),
            on=day,
        ),
    )
    purse = year.diary.purse
    there = sum(map(purse.there, purse.fund_places(newest.fund)))
    yield Attempt(
        f"把专项基金 {newest.fund} 的全部善款匹配给个案 {newest.case}",
        f"allocating all money of the fund {newest.fund} to case {newest.case}",
        MakeAllocation(key="try-3", allocation="TRY-3", case=newest.case, amount=there, on=day),
    )
    yield Attempt(
        "以字典中没有的病种“室缺”登记个案",
        "opening a case with a disease, 室缺, that the dictionary does not have",
        OpenCase(
            key="try-4",
            case="TRY-4",
            fund=newest.fund,
            hospital=newest.hospital,
            attributes={"disease": "室缺"},
            on=day,
        ),
    )


def refused(fenhao: Fenhao, year: Year) -> Iterator[tuple[Attempt, Refusal]]:
    """What came of the attempts: nothing is recorded, whatever it is."""
    tried = list(attempts(year))
    outcomes: list[Outcome] = []
    with suppress(Abandoned), fenhao.writer.session() as session:
        outcomes += session.run([attempt.command for attempt in tried])
        raise Abandoned()
    for attempt, outcome in zip(tried, outcomes, strict=True):
        if isinstance(outcome, Refusal):
            yield attempt, outcome


def next_steps(child: Child) -> list[str]:
    """Commands that a person may want to try, without the program's name."""
    return [
        "trace donor org-001",
        f"trace case {child.case} --as-of {child.closed_on}",
        "balances",
        "sankey --fund heart --by me --reason demo --out heart.svg",
        "guards --days 90",
        f"vault open case/{child.case} --by me --reason demo",
        "checkpoint",
        "verify --lang en",
    ]
