"""The command that brings opening balances 期初余额 into a new ledger: where each stands is where it is put."""

from __future__ import annotations

from datetime import date

from ledger.book import Book
from ledger.decisions.base import Command, Decision, check_amount
from ledger.decisions.choosing import check_restriction, require_allowed, restricting_hospitals
from ledger.decisions.giving import gift_subject, issue
from ledger.errors import AlreadyRecorded, BadValue, CaseIsClosed
from ledger.events import BalanceBroughtForward, Fact, Id, Issued, PaymentLine
from ledger.ids import check_id, check_opaque
from ledger.needs import Needs
from ledger.places import case_place, fund_place, hospital_place, tape_name
from ledger.terms import FEE_TERMS, Terms, check_persons, terms


class BringForward(Command, frozen=True, kw_only=True, omit_defaults=True):
    """Money that was here before: in the fund, at a `case` already, or paid to a `hospital` for the cases of `lines`.

    Its id serves as the donation's, and as the allocation's or the payment's. `amount` is the lines' sum if they are
    given. No fee is taken, and it is no income.
    """

    MOVES_MONEY = True
    NEEDS_BASIS = True

    donation: Id
    fund: Id
    amount: int | None = None
    donor: Id | None = None
    nature: str = "own"
    restriction: tuple[tuple[str, tuple[str, ...]], ...] = ()
    usable_from: date | None = None
    expires_on: date | None = None
    agreement: str | None = None
    case: Id | None = None
    hospital: Id | None = None
    lines: tuple[PaymentLine, ...] = ()

    def subject(self) -> str:
        return gift_subject(self.donation, self.donor)

    def check(self) -> None:
        Command.check(self)
        check_opaque(self.donor, "donor")
        check_persons(self.restriction)
        self.terms()
        for line in self.lines:
            check_id(line.case, "case")
            check_amount(line.amount)
            if line.bill_no is not None or line.bill_amount is not None:
                raise BadValue("lines", line.case, "opening balances carry no bills", "期初余额不带账单")
        if bool(self.lines) != (self.hospital is not None) or (self.lines and self.case is not None):
            raise BadValue(
                "lines",
                "-",
                "either a case, or a hospital with lines, or neither",
                "应为：个案，或医院加明细，或都不填",
            )
        if len({line.case for line in self.lines}) < len(self.lines):
            raise BadValue("lines", "-", "one line for each case", "每个个案只写一行")
        check_amount(self.total(), "amount")
        if self.lines and self.amount not in (None, self.total()):
            raise BadValue("amount", self.amount, "the sum of the lines", "应等于明细合计")

    def terms(self) -> Terms:
        """The terms under which the money stands. Raises BadValue."""
        if self.nature == "fee":
            raise BadValue("nature", self.nature, "own or agency", "应为 own 或 agency")
        return terms(self.nature, self.restriction, self.usable_from, self.expires_on, self.agreement)

    def total(self) -> int:
        """All of it, minor units; 0 when nothing says how much."""
        return sum(line.amount for line in self.lines) if self.lines else self.amount or 0

    def needs(self, needs: Needs) -> None:
        own_id = self.donation
        needs.streams |= {f"{noun}/{own_id}" for noun in ("donation", "allocation", "payment")}
        needs.streams |= {f"fund/{self.fund}"} | restricting_hospitals(self.restriction)
        needs.funds.add(self.fund)
        # With the fee's tape, as gifts do: a gift that finds its own tape asked for takes both to be.
        needs.tapes |= {(self.fund, self.terms().key), (self.fund, FEE_TERMS.key)}
        needs.cases |= {line.case for line in self.lines} | ({self.case} if self.case is not None else set())
        if self.hospital is not None:
            needs.streams.add(f"hospital/{self.hospital}")
            places = {hospital_place(self.hospital, line.case) for line in self.lines}
            needs.promises[f"payment/{own_id}"] = places
            needs.places |= places
        if self.case is not None:
            needs.promises[f"allocation/{own_id}"] = {case_place(self.case)}
            needs.places.add(case_place(self.case))

    def decide(self, book: Book) -> Decision:
        assert self.on is not None
        given = self.terms()
        book.fund_fee_bp(self.fund)
        for noun in ("donation", "allocation", "payment"):
            book.require_new(noun, self.donation)
            if (noun, self.donation) in book.registry.openings:
                raise AlreadyRecorded(noun, self.donation)
        check_restriction(book, given)
        facts: list[Fact] = []
        tape, lo, _, _ = issue(book, facts, (self.fund, given), self.total(), "")
        issues: list[Issued] = []
        for place, amount in self._places(book, given):
            issues.append(Issued(tape_name(tape), lo, lo + amount, place))
            lo += amount
        facts.append(
            BalanceBroughtForward(
                **self.common(),
                issue=tuple(issues),
                donation=self.donation,
                fund=self.fund,
                amount=self.total(),
                donor=self.donor,
                case=self.case,
                allocation=None if self.case is None else self.donation,
                payment=None if self.hospital is None else self.donation,
                hospital=self.hospital,
                lines=self.lines or None,
            )
        )
        return Decision(facts)

    def _places(self, book: Book, given: Terms) -> list[tuple[str, int]]:
        """How much comes to which place. Raises Unknown, CaseIsClosed, TermsForbid."""
        if self.hospital is not None:
            book.require_hospital(self.hospital)
            parts = [(line.case, hospital_place(self.hospital, line.case), line.amount) for line in self.lines]
        elif self.case is not None:
            parts = [(self.case, case_place(self.case), self.total())]
        else:
            return [(fund_place(self.fund), self.total())]
        for name, _, _ in parts:
            case = book.case(name)
            if not case.is_open:
                raise CaseIsClosed(case=name)
            require_allowed(book, given, case, self.hospital)
        return [(place, amount) for _, place, amount in parts]
