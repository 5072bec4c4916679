"""The guards report 防止漏发、重发: every rule applied to one reading of the ledger, what it finds the worst first."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date

from ledger.journal import Journal
from reports.guards import doubled, rules, unpaid
from reports.guards.books import Books
from reports.guards.findings import Finding
from reports.guards.reading import read
from reports.guards.rules import DAYS, PAID_UNSETTLED, Rule

CHECKS: dict[Rule, Callable[[Books], Iterator[Finding]]] = {
    rules.ALLOCATED_UNPAID: unpaid.allocated_unpaid,
    rules.PAID_UNSETTLED: unpaid.paid_unsettled,
    rules.BILL_PART_PAID: unpaid.bill_part_paid,
    rules.PERIOD_MISSING: unpaid.period_missing,
    rules.RETURNED_UNPAID: unpaid.returned_unpaid,
    rules.CASE_UNALLOCATED: unpaid.case_unallocated,
    rules.AGENCY_UNALLOCATED: unpaid.agency_unallocated,
    rules.HELD_LONG: unpaid.held_long,
    rules.EXPIRING: unpaid.expiring,
    rules.EXPIRED: unpaid.expired,
    rules.SAME_PERSON: doubled.same_person,
    rules.SAME_HOUSEHOLD: doubled.same_household,
    rules.SAME_BILL: doubled.same_bill,
    rules.SAME_AMOUNT: doubled.same_amount,
    rules.SAME_CASH: doubled.same_cash,
    rules.SAME_BANK_REF: doubled.same_bank_ref,
    rules.SAME_GIFT: doubled.same_gift,
    rules.OVER_BILLS: doubled.over_bills,
}
"""Every rule with the function that finds it, in the order of the report's totals."""

AGES_FROM = (60, 90, 180)
"""From how many days on hospital advances count as older; the youngest begin at the report's own limit."""


@dataclass(frozen=True, slots=True)
class Report:
    """What was found as of `today`, the worst first; `fund` None is all funds."""

    today: date
    days: int
    fund: str | None
    findings: tuple[Finding, ...]

    def of(self, rule: Rule) -> list[Finding]:
        """What one rule found, the worst first."""
        return [finding for finding in self.findings if finding.rule == rule]

    def ages(self) -> tuple[int, ...]:
        """From how many days on each age of hospital advances begins."""
        return (self.days, *(start for start in AGES_FROM if start > self.days))

    def advances(self) -> list[tuple[str, list[int]]]:
        """医院预付账龄: each hospital's advances that are not settled, by the ages of `ages`; the largest first."""
        hospitals: dict[str, list[int]] = defaultdict(lambda: [0] * len(self.ages()))
        for finding in self.of(PAID_UNSETTLED):
            age = sum(finding.days >= start for start in self.ages()) - 1
            hospitals[str(finding.subject["hospital"])][age] += finding.amount
        return sorted(hospitals.items(), key=lambda one: (-sum(one[1]), one[0]))


def guard(journal: Journal, *, today: date | None = None, days: int = DAYS, fund: str | None = None) -> Report:
    """Looks through the ledger as the views have it; changes nothing.

    `today` is the day of which ages are counted and up to which entries count, by default the day in the ledger's zone.
    Raises LedgerNotOpen, and Unknown for the fund.
    """
    books = Books(read(journal, fund, today, days))
    found = (finding for check in CHECKS.values() for finding in check(books) if fund is None or fund in finding.funds)
    return Report(books.today, days, fund, tuple(sorted(found, key=lambda finding: finding.order)))
