"""Commands that take money from a fund to a case, a hospital, a family."""

from __future__ import annotations

from ledger.book import Bill, BillKey, Book, Needs, claim
from ledger.decisions.base import POLICY, Command, Decision, check_amount, moved, take
from ledger.errors import BadValue, BillExceeded, CaseIsClosed, DuplicateBusinessKey
from ledger.events import AllocationMade, CashGranted, HospitalPaymentMade, Id, PaymentLine, TreatmentSettled
from ledger.ids import check_id
from ledger.places import case_place, hospital_place, used_place
from ledger.tapes import Row


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

    def needs(self, needs: Needs) -> None:
        needs.new_streams.add(f"allocation/{self.allocation}")
        needs.cases.add(self.case)
        needs.places.add(case_place(self.case))
        if self.fund is not None:
            needs.funds.add(self.fund)
            needs.spending_funds.add(self.fund)
        else:
            needs.spending_cases.add(self.case)

    def decide(self, book: Book) -> Decision:
        assert self.on is not None
        book.require_new("allocation", self.allocation)
        case = book.case(self.case)
        fund = case.fund if self.fund is None else self.fund
        book.fund_fee_bp(fund)
        if not case.is_open:
            raise CaseIsClosed(case=self.case)
        taken = take(book, book.fund_places(fund), self.amount, self.on, book.attributes(case), judge_days=True)
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

    def claims(self) -> tuple[str, ...]:
        """Account and bank reference of each cash leg that names both."""
        return tuple(claim("payment", leg.account, leg.bank_ref) for leg in self.cash or () if leg.bank_ref is not None)

    def needs(self, needs: Needs) -> None:
        needs.new_streams.add(f"payment/{self.payment}")
        needs.streams.add(f"hospital/{self.hospital}")
        needs.claims.update(self.claims())
        for line in self.lines:
            needs.cases.add(line.case)
            needs.places |= {case_place(line.case), hospital_place(self.hospital, line.case)}
            if line.bill_no is not None:
                needs.bills.add((self.hospital, line.bill_no, line.case))

    def decide(self, book: Book) -> Decision:
        assert self.on is not None
        book.require_new("payment", self.payment)
        book.require_hospital(self.hospital)
        if (seq := book.claimed_by(self.claims())) is not None:
            raise DuplicateBusinessKey(what="this bank payment", what_zh="这笔银行付款", seq=seq)
        wanted: dict[str, int] = {}
        for line in self.lines:
            wanted[line.case] = wanted.get(line.case, 0) + line.amount
        taken: list[tuple[Row, str]] = []
        for case, amount in wanted.items():
            attributes = {**book.attributes(book.case(case)), "hospital": frozenset([self.hospital])}
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
            self.claims(),
            self._bills(book),
        )

    def _bills(self, book: Book) -> dict[BillKey, Bill]:
        """The bills after this payment. Raises BillExceeded: lines stay within the first one's bill amount."""
        bills: dict[BillKey, Bill] = {}
        for line in self.lines:
            if line.bill_no is None:
                continue
            key = (self.hospital, line.bill_no, line.case)
            bill = bills.get(key) or book.bill(key) or Bill(line.bill_amount or line.amount, 0)
            if bill.paid + line.amount > bill.limit:
                raise BillExceeded(
                    hospital=self.hospital,
                    bill_no=line.bill_no,
                    case=line.case,
                    limit=bill.limit,
                    paid=bill.paid,
                    amount=line.amount,
                )
            bills[key] = bill._replace(paid=bill.paid + line.amount)
        return bills


class SettleTreatment(Command, frozen=True, kw_only=True, omit_defaults=True):
    """结算: the hospital accounts for what it spent on the case."""

    MOVES_MONEY = True

    settlement: Id
    hospital: Id
    case: Id
    amount: int
    bill_no: Id | None = None

    def check(self) -> None:
        Command.check(self)
        check_amount(self.amount)

    def needs(self, needs: Needs) -> None:
        needs.new_streams.add(f"settlement/{self.settlement}")
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

    def claims(self) -> tuple[str, ...]:
        """Case, purpose and period; none when neither purpose nor period is given."""
        if self.purpose is None and self.period is None:
            return ()
        return (claim("grant", self.case, self.purpose, self.period),)

    def needs(self, needs: Needs) -> None:
        needs.new_streams.add(f"grant/{self.grant}")
        needs.cases.add(self.case)
        needs.claims.update(self.claims())
        needs.places |= {case_place(self.case), used_place(self.case)}

    def decide(self, book: Book) -> Decision:
        assert self.on is not None
        book.require_new("grant", self.grant)
        case = book.case(self.case)
        if (seq := book.claimed_by(self.claims())) is not None:
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
            self.claims(),
        )
