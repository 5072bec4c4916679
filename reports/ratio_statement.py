"""比例测算表: the ratios that 慈善法 asks for, each figure with the entries that it comes from. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import NamedTuple

from reports.postings import Transaction
from reports.statement_kinds import runs_text
from reports.statements import Column, Table, Value

MAX_RUNS = 1_000
"""So many runs of entries in one cell at most: a spreadsheet's holds 32,767 characters."""
INCOME = "income_before"
SPENDING = ("programme", "management", "fundraising", "other_spending")


class Rules(NamedTuple):
    """Spending is at least `programme_min` of the income of the year before (or the average of `years` before), and
    management at most `management_max` of all spending; in basis points."""

    programme_min: int = 7_000
    management_max: int = 1_000
    years: int = 1


class _Evidence:
    """The entries of a day and kind behind a figure: runs of neighbours, and what they add to it."""

    def __init__(self) -> None:
        self.runs: list[tuple[int, int]] = []
        self.amounts: list[int] = []

    def add(self, one: Transaction, amount: int) -> None:
        if self.runs and self.runs[-1][1] + 1 == one.seq:
            self.runs[-1] = (self.runs[-1][0], one.last)
            self.amounts[-1] += amount
        else:
            self.runs.append((one.seq, one.last))
            self.amounts.append(amount)

    def cells(self) -> Iterator[tuple[str, int]]:
        for n in range(0, len(self.runs), MAX_RUNS):
            yield runs_text(self.runs[n : n + MAX_RUNS]), sum(self.amounts[n : n + MAX_RUNS])


def ratio_tables(transactions: Iterable[Transaction], year: int, rules: Rules) -> list[Table]:
    """The ratios of a year, the figures they are made of, and the entries of those."""
    evidence: dict[tuple[str, str, str], _Evidence] = defaultdict(_Evidence)
    sums, counts = Counter[str](), Counter[str]()
    for one in transactions:
        for figure, amount in _figures(one, year, rules.years).items():
            sums[figure] += amount
            counts[figure] += 1
            evidence[figure, one.on.isoformat(), one.type].add(one, amount)
    spending = sum(sums[figure] for figure in SPENDING)
    income = sums[INCOME]
    figures: list[tuple[Value, ...]] = [(figure, sums[figure], counts[figure]) for figure in (INCOME, *SPENDING)]
    figures.append(("all_spending", spending, sum(counts[figure] for figure in SPENDING)))
    results = [
        ("programme_ratio", sums["programme"], income, *_at_least(sums["programme"] * rules.years, income, rules)),
        ("management_ratio", sums["management"], spending, *_at_most(sums["management"], spending, rules)),
    ]
    order = {figure: n for n, figure in enumerate((INCOME, *SPENDING))}
    entries = [
        (figure, on, kind, text, amount)
        for (figure, on, kind), each in sorted(evidence.items(), key=lambda one: (order[one[0][0]], one[0]))
        for text, amount in each.cells()
    ]
    return [
        Table("ratio_results", _columns("figure numerator denominator ratio limit verdict"), results, totals=False),
        Table("ratio_figures", _columns("figure amount count"), figures, totals=False),
        Table("ratio_entries", _columns("figure on type entries amount"), entries, totals=False),
    ]


_KINDS = {
    **dict.fromkeys(("figure", "verdict", "type"), "word"),
    **dict.fromkeys(("numerator", "denominator", "amount"), "amount"),
    "count": "count",
    "on": "day",
}


def _columns(keys: str) -> list[Column]:
    return [Column(key, _KINDS.get(key, "text")) for key in keys.split()]


def _figures(one: Transaction, year: int, years: int) -> Counter[str]:
    """What an entry adds to the figures of a year."""
    sums: Counter[str] = Counter()
    for account, amount in one.postings.items():
        if account.kind in ("income", "refunded") and year - years <= one.on.year < year:
            sums[INCOME] -= amount
        elif account.kind in ("expense", "out") and one.on.year == year:
            named = account.kind == "expense" and account.detail in SPENDING
            sums[account.detail if named else "other_spending"] += amount
    return sums


def _at_least(part: int, whole: int, rules: Rules) -> tuple[Value, Value, Value]:
    """The ratio, rounded down, its limit, and whether it is met: judged exactly."""
    limit = f"≥ {_percent(rules.programme_min)}"
    if whole <= 0:
        return None, limit, "no_base"
    met = Fraction(part, whole) >= Fraction(rules.programme_min, 10_000)
    return _percent(part * 10_000 // whole), limit, "met" if met else "not_met"


def _at_most(part: int, whole: int, rules: Rules) -> tuple[Value, Value, Value]:
    """The same of a maximum, rounded up."""
    limit = f"≤ {_percent(rules.management_max)}"
    if whole <= 0:
        return None, limit, "no_base"
    met = Fraction(part, whole) <= Fraction(rules.management_max, 10_000)
    return _percent(-(-part * 10_000 // whole)), limit, "met" if met else "not_met"


def _percent(basis_points: int) -> str:
    whole, rest = divmod(abs(basis_points), 100)
    return f"{'-' if basis_points < 0 else ''}{whole}.{rest:02d} %"
