"""What the entries come to for the rules: payments and grants less what came back, and cases as they stand. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from typing import NamedTuple

from reports.guards.entries import Record
from reports.guards.reading import Reading


class Paid(NamedTuple):
    """A line of a payment to a hospital; `standing` is its amount less returns."""

    record: Record
    hospital: str
    case: str
    amount: int
    standing: int
    bill_no: str | None
    bill_amount: int | None


class Granted(NamedTuple):
    """A cash grant; `standing` is its amount less returns."""

    record: Record
    case: str
    amount: int
    standing: int


@dataclass(frozen=True, slots=True)
class Case:
    """A case as it stands; `since` is the entry that opened it last, the first time or again."""

    id: str
    fund: str | None
    person: str | None
    household: str | None
    purpose: str | None
    opened: Record
    since: Record
    closed: Record | None = None


class Books:
    """What the rules look at; each part is worked out when it is first asked for."""

    def __init__(self, reading: Reading) -> None:
        self.reading = reading
        self.today, self.days = reading.today, reading.days

    def of(self, *types: str) -> list[Record]:
        """Entries of these types, in order."""
        return sorted(record for name in types for record in self._by_type.get(name, ()))

    def age(self, day: date) -> int:
        """How many days ago that was."""
        return (self.today - day).days

    def is_open(self, case: str) -> bool:
        """Whether it is a case, and open."""
        found = self.cases.get(case)
        return found is not None and found.closed is None

    def funds_of(self, cases: Iterable[str]) -> frozenset[str]:
        """The funds of these cases."""
        return frozenset(case.fund for each in cases if (case := self.cases.get(each)) and case.fund is not None)

    @cached_property
    def _by_type(self) -> dict[str, list[Record]]:
        by_type: dict[str, list[Record]] = defaultdict(list)
        for record in self.reading.records.values():
            by_type[record.type].append(record)
        return by_type

    @cached_property
    def cases(self) -> dict[str, Case]:
        """All cases by id."""
        cases: dict[str, Case] = {}
        for record in self.of("CaseOpened", "CaseAmended", "CaseClosed", "CaseReopened"):
            data, case = record.data, cases.get(record.id)
            if record.type == "CaseOpened":
                person = data.attributes.get("person")
                cases[record.id] = Case(record.id, data.fund, person, data.household, data.purpose, record, record)
            elif case is None:
                continue
            elif record.type == "CaseAmended":
                cases[record.id] = replace(case, person=data.attributes.get("person"))
            elif record.type == "CaseClosed":
                cases[record.id] = replace(case, closed=record)
            elif case.closed is not None:
                cases[record.id] = replace(case, closed=None, since=record)
        return cases

    @cached_property
    def paid(self) -> list[Paid]:
        """Lines of payments, in order. Opening balances are not among them: their day is the migration's."""
        returns: dict[tuple[str | None, str | None], list[Record]] = defaultdict(list)
        for record in self.of("HospitalPaymentReturned"):
            returns[record.data.payment, record.data.case].append(record)
        paid: list[Paid] = []
        for record in self.of("HospitalPaymentMade"):
            lines = [
                Paid(
                    record,
                    str(record.data.hospital),
                    line.case,
                    line.amount,
                    line.amount,
                    line.bill_no,
                    line.bill_amount,
                )
                for line in record.data.lines
            ]
            for case in {line.case for line in lines}:
                for back in returns.get((record.id, case), ()):
                    lines = _reduced(lines, case, back.data.bill_no, back.data.amount or 0)
            paid += lines
        return paid

    @cached_property
    def granted(self) -> list[Granted]:
        """Cash grants, in order."""
        back: dict[str | None, int] = defaultdict(int)
        for record in self.of("GrantReturned"):
            back[record.data.grant] += record.data.amount or 0
        return [
            Granted(record, str(record.data.case), amount, amount - back[record.id])
            for record in self.of("CashGranted")
            if (amount := record.data.amount or 0)
        ]

    @cached_property
    def spent(self) -> list[Paid | Granted]:
        """Payments and grants, what came back wholly left out."""
        return [*(line for line in self.paid if line.standing), *(grant for grant in self.granted if grant.standing)]


def bills(books: Books) -> dict[tuple[str, str, str], list[Paid]]:
    """The lines of each bill (hospital, bill number, case), in order."""
    found: dict[tuple[str, str, str], list[Paid]] = defaultdict(list)
    for line in books.paid:
        if line.bill_no is not None:
            found[line.hospital, line.bill_no, line.case].append(line)
    return found


def limit_of(standing: list[Paid]) -> int:
    """What a bill is for: its amount as the first standing line gives it, or else that line's own."""
    return standing[0].bill_amount or standing[0].amount


def _reduced(lines: list[Paid], case: str, bill_no: str | None, amount: int) -> list[Paid]:
    """The payment's lines after a return: the lines of the bill it names, or any of the case, the last one first."""
    reduced: list[Paid] = []
    for line in reversed(lines):
        if line.case == case and bill_no in (None, line.bill_no):
            part = min(line.standing, amount)
            amount -= part
            line = line._replace(standing=line.standing - part)
        reduced.append(line)
    return reduced[::-1]
