"""Commands that give back what was allocated, paid or granted: from the back of the order, at most what is left."""

from __future__ import annotations

from datetime import date
from typing import NamedTuple

from ledger.book import Book, Effects
from ledger.decisions.banking import check_cleared
from ledger.decisions.base import Command, Decision, check_amount
from ledger.decisions.choosing import POLICY, give_back, moved
from ledger.decisions.spending import bills_of_payment, grant_claims, payment_claims
from ledger.errors import BadValue, MoreThanStands, NotStanding, Unknown
from ledger.events import (
    AllocationMade,
    AllocationReleased,
    BalanceBroughtForward,
    CashGranted,
    Fact,
    GrantReturned,
    HospitalPaymentMade,
    HospitalPaymentReturned,
    Id,
    PaymentLine,
)
from ledger.loading import Bill
from ledger.needs import BillKey, Needs
from ledger.places import case_place, hospital_place, used_place
from ledger.records import Entered
from ledger.tapes import Row, size

RETURN_REASONS = ("surplus", "bank_rejected", "insurance", "re-billed")


class Payment(NamedTuple):
    """A payment as it was made: the seq of its entry, hospital, lines, and the business keys it took."""

    seq: int
    hospital: str
    lines: tuple[PaymentLine, ...]
    claims: tuple[str, ...]


def wanted_records(noun: str, id: str) -> set[str]:
    """The streams to be read for an allocation or payment: its own, and that of the opening balance it may be."""
    return {f"{noun}/{id}", f"donation/{id}"}


def standing_record(book: Book, noun: str, id: str, kind: type[Fact]) -> Entered:
    """The fact of this kind, or the opening balance, that made the record. Raises Unknown, NotStanding."""
    for record in (book.record(noun, id), book.record("donation", id)):
        made = record.made(kind, BalanceBroughtForward)
        if made is not None and (type(made.fact) is kind or getattr(made.fact, noun, None) is not None):
            reversed_by = record.reversed_by(made)
            if reversed_by is not None:
                raise NotStanding(noun, id, reversed_by)
            return made
    raise Unknown(noun, id)


def standing_payment(book: Book, payment: str) -> Payment:
    """The payment, or the opening balance that serves as it. Raises Unknown, NotStanding."""
    made = standing_record(book, "payment", payment, HospitalPaymentMade)
    claims = payment_claims(made.fact.cash) if type(made.fact) is HospitalPaymentMade else ()
    return Payment(made.seq, made.fact.hospital, made.fact.lines, claims)


def home_or_case(book: Book, case: str, taken: list[Row]) -> list[tuple[Row, str]]:
    """Where money that came back for a case goes: to the case while it is open, else each serial home."""
    is_open = book.case(case).is_open
    return [(row, case_place(case) if is_open else row.home) for row in taken]


class ReleaseAllocation(Command, frozen=True, kw_only=True, omit_defaults=True):
    """释放资助额度: money of the case goes home; at most the allocation, less earlier releases."""

    MOVES_MONEY = True
    FOLLOWS = True

    allocation: Id
    amount: int
    release: Id | None = None

    def check(self) -> None:
        Command.check(self)
        check_amount(self.amount)

    def needs(self, needs: Needs) -> None:
        needs.records |= wanted_records("allocation", self.allocation)

    def follow(self, book: Book, needs: Needs) -> None:
        """The case of the allocation, and what may go home from it."""
        needs.returning |= book.promises.get(f"allocation/{self.allocation}", set())
        for noun in ("allocation", "donation"):
            made = book.record(noun, self.allocation).made(AllocationMade, BalanceBroughtForward)
            if made is not None and made.fact.case is not None:
                needs.cases.add(made.fact.case)
                needs.returning.add(case_place(made.fact.case))

    def decide(self, book: Book) -> Decision:
        assert self.on is not None
        made = standing_record(book, "allocation", self.allocation, AllocationMade).fact
        back = sum(fact.amount for fact in book.record("allocation", self.allocation).facts(AllocationReleased))
        if self.amount > made.amount - back:
            raise MoreThanStands("allocation", self.allocation, made.amount, back, self.amount)
        taken = give_back(book, [case_place(made.case)], self.amount, self.on)
        return Decision(
            [
                AllocationReleased(
                    **self.common(),
                    policy=POLICY,
                    moves=moved((row, row.home) for row in taken),
                    allocation=self.allocation,
                    case=made.case,
                    amount=self.amount,
                    release=self.release,
                )
            ]
        )


class ReturnHospitalPayment(Command, frozen=True, kw_only=True, omit_defaults=True):
    """结余退回, 退汇: money of one payment comes back for one case: first what is not settled, then what is."""

    MOVES_MONEY = True
    FOLLOWS = True

    payment: Id
    case: Id
    amount: int
    reason: str = "surplus"
    bill_no: Id | None = None
    return_id: Id | None = None
    suspense: Id | None = None

    def check(self) -> None:
        Command.check(self)
        check_amount(self.amount)
        check_cleared(self, self.suspense)
        if self.reason not in RETURN_REASONS:
            raise BadValue("reason", self.reason, " ".join(RETURN_REASONS), "退回原因应为 " + "、".join(RETURN_REASONS))

    def needs(self, needs: Needs) -> None:
        needs.records |= wanted_records("payment", self.payment)
        needs.cases.add(self.case)
        needs.returning.add(case_place(self.case))
        if self.suspense is not None:
            needs.suspense.add(self.suspense)

    def follow(self, book: Book, needs: Needs) -> None:
        """What is at the hospital for the case, and the bills and keys of the payment."""
        needs.returning |= book.promises.get(f"payment/{self.payment}", set())
        for noun in ("payment", "donation"):
            made = book.record(noun, self.payment).made(HospitalPaymentMade, BalanceBroughtForward)
            if made is not None and made.fact.hospital is not None:
                hospital = made.fact.hospital
                needs.returning |= {hospital_place(hospital, self.case), used_place(self.case, hospital)}
                needs.bills |= bills_of_payment(hospital, made.fact.lines)

    def decide(self, book: Book) -> Decision:
        assert self.on is not None
        payment = standing_payment(book, self.payment)
        returns = book.record("payment", self.payment).facts(HospitalPaymentReturned)
        lines = [line for line in payment.lines if line.case == self.case]
        book.case(self.case)
        bill_no = self._bill_no(lines)
        billed = lines if bill_no is None else [line for line in lines if line.bill_no == bill_no]
        paid = sum(line.amount for line in billed)
        back = sum(r.amount for r in returns if r.case == self.case and bill_no in (None, r.bill_no))
        if self.amount > paid - back:
            raise MoreThanStands("payment", self.payment, paid, back, self.amount)
        if self.suspense is not None:
            book.cash.require_left(self.suspense, self.amount, self.on or date.min)
        taken = self._taken(book, payment.hospital)
        everything = sum(line.amount for line in payment.lines)
        is_over = everything == sum(each.amount for each in returns) + self.amount
        return Decision(
            [
                HospitalPaymentReturned(
                    **self.common(),
                    policy=POLICY,
                    moves=moved(home_or_case(book, self.case, taken)),
                    payment=self.payment,
                    hospital=payment.hospital,
                    case=self.case,
                    amount=self.amount,
                    reason=self.reason,
                    bill_no=bill_no,
                    return_id=self.return_id,
                    suspense=self.suspense,
                )
            ],
            Effects(freed=payment.claims if is_over else (), bills=self._bills(book, payment.hospital, bill_no)),
        )

    def _bill_no(self, lines: list[PaymentLine]) -> str | None:
        """The bill that the money comes back of: the one named, or the only one there is. Raises BadValue."""
        bills = {line.bill_no for line in lines}
        if self.bill_no is not None:
            return self.bill_no
        if len(bills) > 1:
            known = " ".join(sorted(bill for bill in bills if bill is not None))
            raise BadValue("bill_no", "-", f"name the bill, one of {known}", f"须指明账单号：{known}")
        return next(iter(bills), None)

    def _taken(self, book: Book, hospital: str) -> list[Row]:
        """From what is not settled as much as there is, the rest from what is. Raises NotEnoughMoney."""
        assert self.on is not None
        taken: list[Row] = []
        places = [hospital_place(hospital, self.case), used_place(self.case, hospital)]
        for place in places:
            rows = [row for rows in book.places.at(place).values() for row in rows if row.since <= self.on]
            amount = min(size(rows), self.amount - size(taken))
            if amount:
                taken += give_back(book, [place], amount, self.on)
        if size(taken) < self.amount:
            # Says where the rest is: it comes later, or it is not there at all.
            give_back(book, places, self.amount, self.on)
        return taken

    def _bills(self, book: Book, hospital: str, bill_no: str | None) -> dict[BillKey, Bill]:
        if bill_no is None:
            return {}
        key = (hospital, bill_no, self.case)
        bill = book.bill(key)
        assert bill is not None, "a bill is kept as long as something stands paid on it"
        return {key: bill._replace(paid=bill.paid - self.amount)}


class ReturnGrant(Command, frozen=True, kw_only=True, omit_defaults=True):
    """受益人退款: the family repays, or the bank rejects the payment. `case`, if named, must be the grant's."""

    MOVES_MONEY = True
    FOLLOWS = True

    grant: Id
    amount: int
    case: Id | None = None
    return_id: Id | None = None
    suspense: Id | None = None

    def check(self) -> None:
        Command.check(self)
        check_amount(self.amount)
        check_cleared(self, self.suspense)

    def needs(self, needs: Needs) -> None:
        needs.records.add(f"grant/{self.grant}")
        if self.suspense is not None:
            needs.suspense.add(self.suspense)

    def follow(self, book: Book, needs: Needs) -> None:
        """The case of the grant, and what was granted to it."""
        needs.returning |= book.promises.get(f"grant/{self.grant}", set())
        made = book.record("grant", self.grant).made(CashGranted)
        if made is not None:
            needs.cases.add(made.fact.case)
            needs.returning |= {used_place(made.fact.case), case_place(made.fact.case)}

    def decide(self, book: Book) -> Decision:
        assert self.on is not None
        record = book.record("grant", self.grant)
        made = standing_record(book, "grant", self.grant, CashGranted).fact
        if self.case not in (None, made.case):
            raise BadValue("case", self.case, f"the grant is for case {made.case}", f"该笔发放属于个案 {made.case}")
        back = sum(fact.amount for fact in record.facts(GrantReturned))
        if self.amount > made.amount - back:
            raise MoreThanStands("grant", self.grant, made.amount, back, self.amount)
        if self.suspense is not None:
            book.cash.require_left(self.suspense, self.amount, self.on or date.min)
        taken = give_back(book, [used_place(made.case)], self.amount, self.on)
        is_over = back + self.amount == made.amount
        return Decision(
            [
                GrantReturned(
                    **self.common(),
                    policy=POLICY,
                    moves=moved(home_or_case(book, made.case, taken)),
                    grant=self.grant,
                    case=made.case,
                    amount=self.amount,
                    return_id=self.return_id,
                    suspense=self.suspense,
                )
            ],
            Effects(freed=grant_claims(made) if is_over else ()),
        )
