"""Commands that take money from a fund to a case, a hospital, a family."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ledger.book import Book, Effects, claim
from ledger.decisions.base import Command, Decision, check_amount
from ledger.decisions.choosing import POLICY, moved, take
from ledger.errors import AlreadyRecorded, BadValue, BillExceeded, CaseIsClosed, DuplicateBusinessKey
from ledger.events import AllocationMade, CashGranted, CashLeg, HospitalPaymentMade, Id, PaymentLine, TreatmentSettled
from ledger.ids import check_id
from ledger.loading import Bill
from ledger.needs import BillKey, Needs
from ledger.places import case_place, hospital_place, used_place
from ledger.tapes import Row


def payment_claims(cash: Iterable[CashLeg] | None) -> tuple[str, ...]:
    """The business keys of a payment: account and bank reference of each cash leg that has one."""
    return tuple(claim("payment", leg.account, leg.bank_ref) for leg in cash or () if leg.bank_ref is not None)


def grant_claims(grant: Any) -> tuple[str, ...]:
    """The business key of a grant (the command's or the fact's): case, purpose, period; none with neither of these."""
    if grant.purpose is None and grant.period is None:
        return ()
    return (claim("grant", grant.case, grant.purpose or "", grant.period or ""),)


def bills_of_payment(hospital: str, lines: Iterable[PaymentLine]) -> set[BillKey]:
    """The bills that a payment's lines are for."""
    return {(hospital, line.bill_no, line.case) for line in lines if line.bill_no is not None}


def pay_bill(bill: Bill | None, line: PaymentLine, key: BillKey) -> Bill:
    """The bill once the line is paid; a new one is for what the line says. Raises BillExceeded."""
    bill = bill or Bill(line.bill_amount or line.amount, 0)
    if bill.paid + line.amount > bill.limit:
        hospital, bill_no, case = key
        raise BillExceeded(
            hospital=hospital, bill_no=bill_no, case=case, limit=bill.limit, paid=bill.paid, amount=line.amount
        )
    return bill._replace(paid=bill.paid + line.amount)


def require_new_record(book: Book, noun: str, id: str) -> None:
    """Raises AlreadyRecorded when there is such a record, or an opening balance that serves as it."""
    book.require_new(noun, id)
    if (noun, id) in book.registry.openings:
        raise AlreadyRecorded(noun, id)


class MakeAllocation(Command, frozen=True, kw_only=True, omit_defaults=True):
    """善款匹配: money of the case's fund, or of the one named, that may be used for the case."""

    MOVES_MONEY = True

    allocation: Id
    case: Id
    amount: int
    fund: Id | None = None

    def check(self) -> None:
        Command.check(self)
        check_amount(self.amount)

    def novelties(self, needs: Needs) -> None:
        needs.new_streams.add(f"allocation/{self.allocation}")

    def needs(self, needs: Needs) -> None:
        needs.cases.add(self.case)
        needs.places.add(case_place(self.case))
        needs.promises[f"allocation/{self.allocation}"] = {case_place(self.case)}
        if self.fund is not None:
            needs.funds.add(self.fund)
            needs.spending_funds.add(self.fund)
        else:
            needs.spending_cases.add(self.case)

    def decide(self, book: Book) -> Decision:
        assert self.on is not None
        require_new_record(book, "allocation", self.allocation)
        case = book.case(self.case)
        fund = case.fund if self.fund is None else self.fund
        book.fund_fee_bp(fund)
        if not case.is_open:
            raise CaseIsClosed(case=self.case)
        taken = take(book, book.fund_places(fund), self.amount, self.on, book.attributes(case), days=True)
        target = case_place(self.case)
        return Decision(
            [
                AllocationMade(
                    **self.common(),
                    policy=POLICY,
                    moves=moved((row, target) for row in taken),
                    allocation=self.allocation,
                    case=self.case,
                    fund=fund,
                    amount=self.amount,
                )
            ]
        )


class PayHospital(Command, frozen=True, kw_only=True, omit_defaults=True):
    """拨付: one bank payment to a hospital, for one case or many."""

    MOVES_MONEY = True

    payment: Id
    hospital: Id
    lines: tuple[PaymentLine, ...]

    def check(self) -> None:
        Command.check(self)
        if not self.lines:
            raise BadValue("lines", "-", "a payment has at least one line", "拨付至少一行")
        for line in self.lines:
            check_id(line.case, "case")
            check_amount(line.amount)
            if line.bill_no is not None:
                check_id(line.bill_no, "bill_no")
            if line.bill_amount is not None:
                check_amount(line.bill_amount, "bill_amount")

    def novelties(self, needs: Needs) -> None:
        needs.new_streams.add(f"payment/{self.payment}")
        needs.claims.update(payment_claims(self.cash))

    def needs(self, needs: Needs) -> None:
        needs.streams.add(f"hospital/{self.hospital}")
        needs.bills |= bills_of_payment(self.hospital, self.lines)
        paid_to = {hospital_place(self.hospital, line.case) for line in self.lines}
        settled_at = {used_place(line.case, self.hospital) for line in self.lines}
        needs.promises[f"payment/{self.payment}"] = paid_to | settled_at
        needs.cases.update(line.case for line in self.lines)
        needs.places |= paid_to | {case_place(line.case) for line in self.lines}

    def decide(self, book: Book) -> Decision:
        assert self.on is not None
        require_new_record(book, "payment", self.payment)
        book.require_hospital(self.hospital)
        claims = payment_claims(self.cash)
        if (seq := book.claimed_by(claims)) is not None:
            legs = ", ".join(f"{leg.account} {leg.bank_ref}" for leg in self.cash or () if leg.bank_ref is not None)
            raise DuplicateBusinessKey(what=f"bank payment {legs}", what_zh=f"银行付款（{legs}）", seq=seq)
        wanted: dict[str, int] = {}
        for line in self.lines:
            wanted[line.case] = wanted.get(line.case, 0) + line.amount
        taken: list[tuple[Row, str]] = []
        for case, amount in wanted.items():
            attributes = book.attributes(book.case(case), self.hospital)
            rows = take(book, [case_place(case)], amount, self.on, attributes)
            target = hospital_place(self.hospital, case)
            taken.extend((row, target) for row in rows)
        return Decision(
            [
                HospitalPaymentMade(
                    **self.common(),
                    policy=POLICY,
                    moves=moved(taken),
                    payment=self.payment,
                    hospital=self.hospital,
                    lines=self.lines,
                )
            ],
            Effects(claims=dict.fromkeys(claims), bills=self._bills(book)),
        )

    def _bills(self, book: Book) -> Mapping[BillKey, Bill]:
        """The bills after this payment. Raises BillExceeded: lines stay within the first one's bill amount."""
        bills: dict[BillKey, Bill] = {}
        for line in self.lines:
            if line.bill_no is not None:
                key = (self.hospital, line.bill_no, line.case)
                bills[key] = pay_bill(bills.get(key) or book.bill(key), line, key)
        return bills


class SettleTreatment(Command, frozen=True, kw_only=True, omit_defaults=True):
    """结算: the hospital accounts for what it spent on the case."""

    MOVES_MONEY = True

    settlement: Id
    hospital: Id
    case: Id
    amount: int
    bill_no: Id | None = None
    total: int | None = None
    insurance: int | None = None
    family: int | None = None

    def check(self) -> None:
        Command.check(self)
        check_amount(self.amount)
        shares = (self.insurance or 0, self.family or 0)
        if self.total is not None:
            check_amount(self.total, "total")
        if min(shares) < 0 or (self.total is not None and self.total < self.amount + sum(shares)):
            raise BadValue("total", self.total, "no less than all shares together", "不得少于各方承担之和")

    def novelties(self, needs: Needs) -> None:
        needs.new_streams.add(f"settlement/{self.settlement}")

    def needs(self, needs: Needs) -> None:
        needs.streams.add(f"hospital/{self.hospital}")
        needs.cases.add(self.case)
        needs.places |= {hospital_place(self.hospital, self.case), used_place(self.case, self.hospital)}

    def decide(self, book: Book) -> Decision:
        assert self.on is not None
        book.require_new("settlement", self.settlement)
        book.require_hospital(self.hospital)
        book.case(self.case)
        taken = take(book, [hospital_place(self.hospital, self.case)], self.amount, self.on)
        target = used_place(self.case, self.hospital)
        return Decision(
            [
                TreatmentSettled(
                    **self.common(),
                    policy=POLICY,
                    moves=moved((row, target) for row in taken),
                    settlement=self.settlement,
                    hospital=self.hospital,
                    case=self.case,
                    amount=self.amount,
                    bill_no=self.bill_no,
                    total=self.total,
                    insurance=self.insurance,
                    family=self.family,
                )
            ]
        )


class GrantCash(Command, frozen=True, kw_only=True, omit_defaults=True):
    """发放: cash to the family of the case."""

    MOVES_MONEY = True

    grant: Id
    case: Id
    amount: int
    purpose: Id | None = None
    period: Id | None = None

    def check(self) -> None:
        Command.check(self)
        check_amount(self.amount)

    def novelties(self, needs: Needs) -> None:
        needs.new_streams.add(f"grant/{self.grant}")
        needs.claims.update(grant_claims(self))

    def needs(self, needs: Needs) -> None:
        needs.cases.add(self.case)
        needs.promises[f"grant/{self.grant}"] = {used_place(self.case)}
        needs.places |= {case_place(self.case), used_place(self.case)}

    def decide(self, book: Book) -> Decision:
        assert self.on is not None
        book.require_new("grant", self.grant)
        case = book.case(self.case)
        claims = grant_claims(self)
        if (seq := book.claimed_by(claims)) is not None:
            what = " / ".join(part for part in (self.case, self.purpose, self.period) if part)
            raise DuplicateBusinessKey(what=f"a grant for {what}", what_zh=f"发放（{what}）", seq=seq)
        taken = take(book, [case_place(self.case)], self.amount, self.on, book.attributes(case))
        target = used_place(self.case)
        return Decision(
            [
                CashGranted(
                    **self.common(),
                    policy=POLICY,
                    moves=moved((row, target) for row in taken),
                    grant=self.grant,
                    case=self.case,
                    amount=self.amount,
                    purpose=self.purpose,
                    period=self.period,
                )
            ],
            Effects(claims=dict.fromkeys(claims)),
        )
