"""What came back from a bank or a family and has not been paid again since. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from reports.guards.books import Books, Granted, Paid
from reports.guards.entries import Record

BANK_REJECTED = "bank_rejected"
"""The reason of a return that says that the money never arrived 退汇."""
COMPLETED = "completed"
"""The reason of a closing that leaves a rejected payment owed: the treatment took place."""


class What(NamedTuple):
    """What a payment or a grant was for; None where it does not say."""

    kind: str
    bill_no: str | None = None
    purpose: str | None = None
    period: str | None = None

    @property
    def cash(self) -> dict[str, str | None]:
        """What a grant was for."""
        return {"purpose": self.purpose, "period": self.period}

    def meets(self, later: What) -> bool:
        """Whether a later payment may be this one again."""
        return (
            (self.kind, self.purpose) == (later.kind, later.purpose)
            and (self.bill_no is None or later.bill_no in (None, self.bill_no))
            and (self.period is None or later.period in (None, self.period))
        )


@dataclass(slots=True)
class Debt:
    """A return: of what (`was`), for which case, and how much of it is still `owed`."""

    back: Record
    was: tuple[Paid, ...] | tuple[Granted, ...]
    what: What
    case: str
    owed: int


def debts(books: Books) -> list[Debt]:
    """Rejected payments and returned grants that are not paid again, nor released, in the order of the returns.

    Each later payment counts against the oldest return that it meets. A closed case is owed nothing, unless it was
    closed as completed: then what the bank rejected is.
    """
    found = [*_rejected(books), *_returned(books)]
    if not found:
        return []
    by_case: dict[str, list[Debt]] = defaultdict(list)
    for debt in sorted(found, key=lambda debt: debt.back.seq):
        by_case[debt.case].append(debt)
    for record, case, what, amount in _settling(books):
        for debt in by_case.get(case, ()):
            if debt.back.seq < record.seq and (what is None or debt.what.meets(what)):
                part = min(debt.owed, amount)
                debt.owed -= part
                amount -= part
    return [debt for debt in found if debt.owed and _is_due(books, debt)]


def _is_due(books: Books, debt: Debt) -> bool:
    case = books.cases.get(debt.case)
    if case is None or case.closed is None:
        return case is not None
    return debt.what.kind == "payment" and case.closed.data.reason == COMPLETED


def _rejected(books: Books) -> Iterator[Debt]:
    lines: dict[tuple[str | None, str | None], list[Paid]] = defaultdict(list)
    for line in books.paid:
        lines[line.record.id, line.case].append(line)
    for back in books.of("HospitalPaymentReturned"):
        data = back.data
        if data.reason == BANK_REJECTED:
            was = tuple(line for line in lines[data.payment, data.case] if data.bill_no in (None, line.bill_no))
            yield Debt(back, was, What("payment", bill_no=data.bill_no), str(data.case), data.amount or 0)


def _returned(books: Books) -> Iterator[Debt]:
    grants = {grant.record.id: grant for grant in books.granted}
    for back in books.of("GrantReturned"):
        data, grant = back.data, grants.get(back.data.grant or "")
        if grant is not None:
            yield Debt(back, (grant,), _what(grant), grant.case, data.amount or 0)


def _settling(books: Books) -> Iterator[tuple[Record, str, What | None, int]]:
    """What may have settled a debt, in order: entry, case, for what (None: whatever), amount."""
    later: list[tuple[Record, str, What | None, int]] = [
        *((line.record, line.case, What("payment", line.bill_no), line.amount) for line in books.paid),
        *((grant.record, grant.case, _what(grant), grant.amount) for grant in books.granted),
        *((record, str(record.data.case), None, record.data.amount or 0) for record in books.of("AllocationReleased")),
    ]
    return iter(sorted(later, key=lambda one: one[0].seq))


def _what(grant: Granted) -> What:
    return What("grant", purpose=grant.record.data.purpose, period=grant.record.data.period)
