"""医院对账单: what was paid to hospitals, settled and returned, and how old what is not settled yet is. Pure.

Settlements and returns of a case are counted against its oldest payment first.
"""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Mapping
from datetime import date

from reports.statement_kinds import Names, Period
from reports.statements import Column, Table, Value

STEPS = ("opening_balance", "paid_out", "settled", "returned")
AGES = (30, 90, 180, 365)
"""Days: an advance is as old as the payment, counted to the last day of the period."""
_AGES = ("age_30", "age_90", "age_180", "age_365", "age_more")

Row = tuple[str, str, date, str, int]
"""Hospital, case, day, step, and the amount: more there above zero, less below."""


class _Standing:
    """What stands at a hospital for a case: steps of the period, and what is open of payments, oldest first."""

    def __init__(self) -> None:
        self.opening = 0
        self.steps: Counter[str] = Counter()
        self.open: deque[tuple[date, int]] = deque()

    def take(self, on: date, step: str, amount: int, since: date) -> None:
        if on < since:
            self.opening += amount
        else:
            self.steps["paid_out" if step == "paid" else step] += amount
        if amount > 0:
            self.open.append((on, amount))
        while amount < 0 and self.open:
            oldest, left = self.open.popleft()
            amount += left
            if amount > 0:
                self.open.appendleft((oldest, amount))

    def ages(self, until: date) -> Counter[str]:
        found: Counter[str] = Counter()
        for on, amount in self.open:
            days = (until - on).days
            found[next((name for limit, name in zip(AGES, _AGES, strict=False) if days <= limit), _AGES[-1])] += amount
        return found


def hospital_tables(rows: Iterable[Row], period: Period, names: Names, hospital: str | None = None) -> list[Table]:
    """All hospitals, a row each; of one hospital a row for each case."""
    standing: dict[tuple[str, str], _Standing] = defaultdict(_Standing)
    for each, case, on, step, amount in rows:
        if hospital is None or each == hospital:
            standing[each, case].take(on, step, amount, period.since)
    figures: dict[tuple[str, ...], Counter[str]] = defaultdict(Counter)
    for (each, case), one in standing.items():
        key = (each, names.get(f"hospital/{each}", "")) if hospital is None else (case,)
        steps = {step: one.steps[step] if step in STEPS[:2] else -one.steps[step] for step in STEPS}
        closing = one.opening + sum(one.steps.values())
        figures[key].update({"opening": one.opening, **steps, "closing": closing})
        figures[key].update(one.ages(period.until))
        assert closing == sum(amount for _, amount in one.open), "what is open is what stands there"
    head = (Column("hospital"), Column("name")) if hospital is None else (Column("case"),)
    amounts = ("opening", *STEPS, "closing", *_AGES)
    return [
        Table(
            "advances_by_hospital" if hospital is None else "advances_by_case",
            (*head, *(Column(key, "amount") for key in amounts)),
            [_row(key, sums, amounts) for key, sums in sorted(figures.items()) if any(sums.values())],
        )
    ]


def _row(key: tuple[str, ...], sums: Mapping[str, int], amounts: tuple[str, ...]) -> tuple[Value, ...]:
    return *key, *(sums.get(name, 0) for name in amounts)
