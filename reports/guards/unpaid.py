"""应发未发: the rules that find who is entitled to money and has not had it. Pure functions of the books."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from itertools import groupby, pairwise
from typing import Any

from ledger.places import parse_place, tape_name
from reports.guards import rules
from reports.guards.books import Books, Granted, Paid, bills, limit_of
from reports.guards.debts import BANK_REJECTED, Debt, debts
from reports.guards.entries import Record
from reports.guards.findings import Evidence, Finding, evidence_of, finding, granted_evidence, paid_evidence
from reports.guards.periods import Period, parse_period
from reports.guards.reading import Heap
from reports.guards.rules import Rule
from reports.guards.standing import Arrival


def allocated_unpaid(books: Books) -> Iterator[Finding]:
    """One finding a case: what stands there (at a closed one nothing does), but for what `returned_unpaid` tells of."""
    owed: dict[str, list[Debt]] = defaultdict(list)
    for debt in debts(books):
        owed[debt.case].append(debt)
    for place, arrivals in books.reading.standing.places("case"):
        case = str(parse_place(place).case)
        yield from _waiting(books, rules.ALLOCATED_UNPAID, _but_owed(arrivals, owed[case]), {"case": case})


def _but_owed(arrivals: list[Arrival], owed: list[Debt]) -> list[Arrival]:
    """Without as much as is owed: what came back by those returns, then what came last, since payments mix serials."""
    amount = sum(debt.owed for debt in owed)
    back = {debt.back.seq for debt in owed}
    rest = []
    for one in sorted(arrivals, key=lambda one: (one.seq not in back, -one.on.toordinal())):
        part = min(amount, one.hi - one.lo)
        amount -= part
        if part < one.hi - one.lo:
            rest.append(one._replace(lo=one.lo + part))
    return rest


def paid_unsettled(books: Books) -> Iterator[Finding]:
    """One finding for each payment's part of a case, so that advances add up by age."""
    for place, arrivals in books.reading.standing.places("hospital"):
        ids = parse_place(place)
        for _, group in groupby(sorted(arrivals, key=_entry), key=_entry):
            yield from _waiting(books, rules.PAID_UNSETTLED, list(group), {"hospital": ids.hospital, "case": ids.case})


def held_long(books: Books) -> Iterator[Finding]:
    """One finding a hold."""
    for place, arrivals in books.reading.standing.places("hold"):
        yield from _waiting(books, rules.HELD_LONG, arrivals, {"hold": parse_place(place).rest})


def _waiting(books: Books, rule: Rule, arrivals: list[Arrival], subject: dict[str, str | None]) -> Iterator[Finding]:
    """What of it has waited for so long, and the entries by which it came, each with how much of it is still there."""
    old = [one for one in arrivals if books.age(one.on) >= books.days]
    if not old:
        return
    case = subject.get("case")
    left: dict[int, int] = defaultdict(int)
    for one in old:
        left[one.seq] += one.hi - one.lo
    evidence = []
    for seq, amount in left.items():
        record = books.reading.records[seq]
        lines = [line.amount for line in record.data.lines if line.case == case]
        evidence.append(evidence_of(record, sum(lines) or None, amount))
    funds = {one.fund for one in old} | books.funds_of([case] if case else [])
    yield finding(rule, subject, sum(left.values()), max(books.age(one.on) for one in old), evidence, funds)


def _entry(arrival: Arrival) -> int:
    return arrival.seq


def bill_part_paid(books: Books) -> Iterator[Finding]:
    """One finding a bill of an open case. What a bank rejected is owed on it; other returns only say it was less."""
    rejected: dict[tuple[str | None, ...], int] = defaultdict(int)
    for back in books.of("HospitalPaymentReturned"):
        if back.data.reason == BANK_REJECTED:
            rejected[back.data.hospital, back.data.bill_no, back.data.case] += back.data.amount or 0
    told: dict[tuple[str | None, ...], int] = defaultdict(int)
    for debt in debts(books):
        told[debt.back.data.hospital, debt.what.bill_no, debt.case] += debt.owed
    for bill, lines in bills(books).items():
        hospital, bill_no, case = bill
        standing = [line for line in lines if line.standing] or (lines if told[bill] else [])
        if not standing or not books.is_open(case):
            continue
        limit = limit_of(standing)
        paid = sum(line.amount for line in lines) - rejected[bill]
        if limit > paid + told[bill]:
            yield finding(
                rules.BILL_PART_PAID,
                {"hospital": hospital, "bill_no": bill_no, "case": case},
                limit - paid - told[bill],
                books.age(lines[-1].record.day),
                map(paid_evidence, lines),
                books.funds_of([case]),
                {"bill_amount": limit, "paid": paid},
            )


def period_missing(books: Books) -> Iterator[Finding]:
    """One finding for each run of two periods and more of a case and purpose, when the next is over without a grant."""
    periods: dict[tuple[str, str | None], dict[Period, list[Granted]]] = defaultdict(dict)
    for grant in books.granted:
        data = grant.record.data
        if data.period is not None and (period := parse_period(data.period)) and books.is_open(grant.case):
            periods[grant.case, data.purpose].setdefault(period, []).append(grant)
    for (case, purpose), grants in periods.items():
        given = sorted(period for period, each in grants.items() if any(grant.standing for grant in each))
        for before, last in pairwise(given):
            missing = _missing(books, last, given, grants) if before.next == last else []
            if missing:
                amount = sum(grant.standing for grant in grants[last])
                yield finding(
                    rules.PERIOD_MISSING,
                    {"case": case, "purpose": purpose},
                    amount * len(missing),
                    books.age(missing[0].last_day),
                    map(granted_evidence, (*grants[before], *grants[last])),
                    books.funds_of([case]),
                    {"missing": tuple(map(str, missing)), "last_grant": amount},
                )


def _missing(books: Books, last: Period, given: list[Period], grants: dict[Period, list[Granted]]) -> list[Period]:
    """The periods that are over, from the one after `last` to the next that was granted, but for returned grants."""
    missing = []
    period = last.next
    while period not in given and period.last_day < books.today:
        if period not in grants:
            missing.append(period)
        period = period.next
    return missing


def returned_unpaid(books: Books) -> Iterator[Finding]:
    """One finding a return."""
    for debt in debts(books):
        was = [paid_evidence(one) if isinstance(one, Paid) else granted_evidence(one) for one in debt.was]
        yield finding(
            rules.RETURNED_UNPAID,
            {"hospital": debt.back.data.hospital, "case": debt.case, **debt.what.cash},
            debt.owed,
            books.age(debt.back.day),
            [*was, evidence_of(debt.back)],
            books.funds_of([debt.case]),
        )


def case_unallocated(books: Books) -> Iterator[Finding]:
    """One finding an open case to which nothing is allocated that was since it opened, or opened again."""
    released: dict[str | None, list[Record]] = defaultdict(list)
    for record in books.of("AllocationReleased"):
        released[record.data.allocation].append(record)
    allocated: dict[str, list[Record]] = defaultdict(list)
    for record in books.of("AllocationMade", "BalanceBroughtForward"):
        for named in {record.data.case, *(line.case for line in record.data.lines)} - {None}:
            allocated[str(named)].append(record)
    for case in books.cases.values():
        made = [record for record in allocated[case.id] if record.seq > case.since.seq]
        back = [one for record in made for one in released[record.id]]
        amount = sum(_amount(record) for record in made) - sum(_amount(record) for record in back)
        days = books.age(max(record.day for record in (case.since, *back)))
        if case.closed is None and amount <= 0 and days >= books.days:
            evidence = map(evidence_of, (case.opened, case.since, *made, *back))
            yield finding(rules.CASE_UNALLOCATED, {"case": case.id}, 0, days, evidence, books.funds_of([case.id]))


def _amount(record: Record) -> int:
    return record.data.amount or 0


def agency_unallocated(books: Books) -> Iterator[Finding]:
    """One finding a tape of agency money."""
    for heap in books.reading.agency:
        yield _heap(rules.AGENCY_UNALLOCATED, heap, books.age(heap.since))


def expiring(books: Books) -> Iterator[Finding]:
    """One finding a tape whose last day comes soon."""
    for heap in books.reading.expiring:
        if heap.tape.expires_on is not None and heap.tape.expires_on >= books.today:
            yield _heap(rules.EXPIRING, heap, -books.age(heap.tape.expires_on))


def expired(books: Books) -> Iterator[Finding]:
    """One finding a tape whose last day is past."""
    for heap in books.reading.expiring:
        if heap.tape.expires_on is not None and heap.tape.expires_on < books.today:
            yield _heap(rules.EXPIRED, heap, books.age(heap.tape.expires_on))


def _person(terms: Mapping[str, Any]) -> str | None:
    """Whom agency money is for."""
    return str(terms["restriction"]["person"][0]) if terms["nature"] == "agency" else None


def _heap(rule: Rule, heap: Heap, days: int) -> Finding:
    """Money at a fund under the terms of a tape, with the largest gifts behind it."""
    fund = str(parse_place(heap.place).fund)
    terms = heap.tape.terms
    restriction = tuple(
        f"{dimension}={'|'.join(codes)}" for dimension, codes in terms["restriction"].items() if dimension != "person"
    )
    gifts = [Evidence(gift.seq, gift.type, gift.on, gift.donation or "", gift.amount) for gift in heap.gifts]
    subject = {"fund": fund, "tape": tape_name(heap.tape.number), "person": _person(terms)}
    details = {"restriction": restriction, "expires_on": terms.get("expires_on"), "agreement": terms.get("agreement")}
    evidence = [evidence_of(heap.tape.opened), *gifts]
    return finding(rule, subject, heap.amount, days, evidence, [fund], details, entries=heap.entries + 1)
