"""疑似重发: the rules that find money that may have been paid, or received, twice. Pure functions of the books.

How much at most: what looks alike less the largest of it, or, where numbers tell some of it apart, what has no number.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise
from typing import TypeVar

from ledger.money import fee_part
from reports.guards import rules
from reports.guards.books import Books, Case, Granted, Paid, bills, limit_of
from reports.guards.entries import Record
from reports.guards.findings import Evidence, Finding, evidence_of, finding, granted_evidence, paid_evidence
from reports.guards.rules import Rule

K = TypeVar("K")


def same_person(books: Books) -> Iterator[Finding]:
    """One finding a person and purpose."""
    yield from _related(books, rules.SAME_PERSON, "person", lambda case: case.person, lambda one, other: True)


def same_household(books: Books) -> Iterator[Finding]:
    """One finding a household and purpose; cases of one and the same person are not held against one another."""

    def differ(one: Case, other: Case) -> bool:
        return one.person is None or one.person != other.person

    yield from _related(books, rules.SAME_HOUSEHOLD, "household", lambda case: case.household, differ)


def _related(
    books: Books,
    rule: Rule,
    name: str,
    whose: Callable[[Case], str | None],
    differ: Callable[[Case, Case], bool],
) -> Iterator[Finding]:
    """Payments in different cases of the same one, for the same purpose, within SAME_PURPOSE_DAYS of each other."""
    groups: dict[tuple[str, str | None], list[tuple[Case, Paid | Granted]]] = defaultdict(list)
    for spent in books.spent:
        case = books.cases.get(spent.case)
        if case is not None and (who := whose(case)) is not None:
            groups[who, case.purpose].append((case, spent))
    for (who, purpose), payments in groups.items():
        near = [
            spent
            for case, spent in payments
            if any(
                case.id != other.id
                and abs((spent.record.day - its.record.day).days) <= rules.SAME_PURPOSE_DAYS
                and differ(case, other)
                for other, its in payments
            )
        ]
        if near:
            by_case = _sums((spent.case, spent.standing) for spent in near)
            evidence = [*(evidence_of(books.cases[case].opened) for case in by_case), *map(_evidence, near)]
            yield finding(
                rule,
                {name: who, "purpose": purpose, "cases": tuple(sorted(by_case))},
                _but_largest(by_case.values()),
                min(books.age(spent.record.day) for spent in near),
                evidence,
                books.funds_of(by_case),
            )


def same_bill(books: Books) -> Iterator[Finding]:
    """One finding a bill number of a hospital; a case's part of it is what was paid, or settled if that is more.

    What was settled counts only as far as its money did not come back.
    """
    left = _sums(((line.hospital, line.case), line.standing) for line in books.paid)
    paid: dict[tuple[str, str], list[Paid]] = defaultdict(list)
    for (hospital, bill_no, _), lines in bills(books).items():
        paid[hospital, bill_no] += (line for line in lines if line.standing)
    settled: dict[tuple[str, str], list[Record]] = defaultdict(list)
    for record in books.of("TreatmentSettled"):
        if record.data.bill_no is not None:
            settled[str(record.data.hospital), record.data.bill_no].append(record)
    for hospital, bill_no in sorted({*paid, *settled}):
        lines, records = paid.get((hospital, bill_no), []), settled.get((hospital, bill_no), [])
        paid_by_case = _sums((line.case, line.standing) for line in lines)
        part = _sums((str(record.data.case), record.data.amount or 0) for record in records)
        for case, settled_amount in part.items():
            part[case] = min(settled_amount, left.get((hospital, case), settled_amount))
        part |= {case: max(amount, part.get(case, 0)) for case, amount in paid_by_case.items()}
        cases = sorted(case for case, amount in part.items() if amount)
        if len(cases) > 1:
            yield finding(
                rules.SAME_BILL,
                {"hospital": hospital, "bill_no": bill_no, "cases": tuple(cases)},
                _but_largest(part.values()),
                min(books.age(one.day) for one in (*(line.record for line in lines), *records)),
                [*map(paid_evidence, lines), *map(evidence_of, records)],
                books.funds_of(cases),
            )


def same_amount(books: Books) -> Iterator[Finding]:
    """One finding a run of equal lines, each within SAME_AMOUNT_DAYS of the one before."""
    alike: dict[tuple[str, str, int], list[Paid]] = defaultdict(list)
    for line in books.paid:
        if line.standing:
            alike[line.hospital, line.case, line.amount].append(line)
    for (hospital, case, _), lines in alike.items():
        for run in _runs(sorted(lines, key=lambda line: (line.record.day, line.record.seq))):
            twice = min(len(run) - 1, sum(line.bill_no is None for line in run))
            if twice:
                yield finding(
                    rules.SAME_AMOUNT,
                    {"hospital": hospital, "case": case},
                    sum(sorted(line.standing for line in run)[:twice]),
                    books.age(run[-1].record.day),
                    map(paid_evidence, run),
                    books.funds_of([case]),
                )


def _runs(lines: list[Paid]) -> Iterator[list[Paid]]:
    """The lines, which come by day, cut where SAME_AMOUNT_DAYS and more lie between two."""
    run = lines[:1]
    for before, line in pairwise(lines):
        if (line.record.day - before.record.day).days > rules.SAME_AMOUNT_DAYS:
            yield run
            run = []
        run.append(line)
    yield run


def same_cash(books: Books) -> Iterator[Finding]:
    """One finding a case, purpose, amount and day."""
    alike: dict[tuple[object, ...], list[Granted]] = defaultdict(list)
    for grant in books.granted:
        if grant.standing:
            alike[grant.case, grant.record.data.purpose, grant.amount, grant.record.day].append(grant)
    for grants in alike.values():
        if len(grants) > 1:
            first = grants[0]
            yield finding(
                rules.SAME_CASH,
                {"case": first.case, "purpose": first.record.data.purpose},
                _but_largest(grant.standing for grant in grants),
                books.age(first.record.day),
                map(granted_evidence, grants),
                books.funds_of([first.case]),
            )


def same_bank_ref(books: Books) -> Iterator[Finding]:
    """One finding a bank reference of money that went out. What came back wholly counts no more."""
    standing = _sums((spent.record.seq, spent.standing) for spent in books.spent)
    legs: dict[str, dict[int, dict[str, int]]] = defaultdict(lambda: defaultdict(dict))
    for record in books.of("HospitalPaymentMade", "CashGranted", "DonationRefunded", "ExpenseMade"):
        if record.type in ("HospitalPaymentMade", "CashGranted"):
            left = standing.get(record.seq, 0)
        else:
            left = record.data.amount or 0
        for leg in record.data.cash:
            if leg.bank_ref is not None and left:
                legs[leg.bank_ref][record.seq][leg.account] = min(leg.amount or left, left)
    for bank_ref, entries in legs.items():
        accounts = {account for each in entries.values() for account in each}
        if len(accounts) > 1 and len(entries) > 1:
            records = [books.reading.records[seq] for seq in entries]
            yield finding(
                rules.SAME_BANK_REF,
                {"bank_ref": bank_ref, "accounts": tuple(sorted(accounts))},
                _but_largest(sum(each.values()) for each in entries.values()),
                min(books.age(record.day) for record in records),
                map(evidence_of, records),
                {fund for record in records for fund in _funds(books, record)},
            )


def _funds(books: Books, record: Record) -> frozenset[str]:
    """The funds that an entry's money came from, by its cases or as it says."""
    cases = {record.data.case, *(line.case for line in record.data.lines)} - {None}
    return books.funds_of(map(str, cases)) | ({record.data.fund} if record.data.fund is not None else frozenset())


def same_gift(books: Books) -> Iterator[Finding]:
    """One finding a donor, day, amount and channel. A gift that was given back but for its fee counts no more."""
    refunded = _sums((record.data.donation, record.data.amount or 0) for record in books.of("DonationRefunded"))
    alike: dict[tuple[object, ...], list[Record]] = defaultdict(list)
    for donor, record in books.reading.alike:
        data = record.data
        amount = data.amount or 0
        if amount - refunded.get(data.donation, 0) > fee_part(amount, data.fee_bp):
            alike[donor, record.day, amount, data.channel].append(record)
    for (giver, *_), gifts in alike.items():
        twice = min(len(gifts) - 1, sum(gift.data.channel_txn is None for gift in gifts))
        if twice:
            yield finding(
                rules.SAME_GIFT,
                {"donor": str(giver), "channel": gifts[0].data.channel},
                twice * (gifts[0].data.amount or 0),
                books.age(gifts[0].day),
                map(evidence_of, gifts),
                {fund for gift in gifts if (fund := gift.data.fund) is not None},
            )


def over_bills(books: Books) -> Iterator[Finding]:
    """One finding a case that has bills. A bill that only settlements name counts for what was settled on it."""
    total: dict[str, int] = defaultdict(int)
    known = set()
    for (hospital, bill_no, case), lines in bills(books).items():
        standing = [line for line in lines if line.standing]
        if standing:
            total[case] += limit_of(standing)
            known.add((hospital, bill_no, case))
    for record in books.of("TreatmentSettled"):
        data = record.data
        if data.bill_no is not None and data.case in total and (data.hospital, data.bill_no, data.case) not in known:
            total[data.case] += data.amount or 0
    by_case: dict[str, list[Paid]] = defaultdict(list)
    for line in books.paid:
        if line.standing and line.case in total:
            by_case[line.case].append(line)
    for case, lines in by_case.items():
        paid = sum(line.standing for line in lines)
        if paid > total[case]:
            yield finding(
                rules.OVER_BILLS,
                {"case": case},
                paid - total[case],
                books.age(lines[-1].record.day),
                map(paid_evidence, lines),
                books.funds_of([case]),
                {"bills": total[case], "paid": paid},
            )


def _evidence(spent: Paid | Granted) -> Evidence:
    return paid_evidence(spent) if isinstance(spent, Paid) else granted_evidence(spent)


def _sums(parts: Iterable[tuple[K, int]]) -> dict[K, int]:
    """The sum of each key's amounts, keys in the order in which they come."""
    sums: dict[K, int] = defaultdict(int)
    for key, amount in parts:
        sums[key] += amount
    return dict(sums)


def _but_largest(amounts: Iterable[int]) -> int:
    """The sum without the largest."""
    each = list(amounts)
    return sum(each) - max(each)
