"""The command that undoes a mistaken entry 冲销: whole, once, and only while nothing later rests on it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date

from ledger.book import NOTHING, Book, Effects
from ledger.decisions.base import Command, Decision
from ledger.decisions.choosing import chosen, moved, name_of, runs_issued, runs_moved
from ledger.decisions.giving import donation_claims
from ledger.decisions.returning import standing_payment
from ledger.decisions.spending import bills_of_payment, grant_claims, pay_bill, payment_claims
from ledger.errors import BadValue, CannotReverse, DuplicateBusinessKey, RangesElsewhere, Unknown
from ledger.events import (
    AllocationReleased,
    CaseClosed,
    CashGranted,
    DonationAttributed,
    DonationReceived,
    EntryReversed,
    Fact,
    GrantReturned,
    HospitalPaymentMade,
    HospitalPaymentReturned,
    PaymentLine,
    ReceiptSuspended,
    SuspenseRepaid,
)
from ledger.loading import Bill
from ledger.money import MAX_MINOR
from ledger.needs import BillKey, Needs
from ledger.places import VOID, parse_place
from ledger.records import Entered
from ledger.tapes import Row, Run

FOLLOWERS = (AllocationReleased, HospitalPaymentReturned, GrantReturned, DonationAttributed)
"""Facts that name the record they follow."""
UNMOVING = (DonationAttributed, ReceiptSuspended, SuspenseRepaid)
"""Facts that are reversed though they move no serials."""


class ReverseEntry(Command, frozen=True, kw_only=True, omit_defaults=True):
    """冲销: every move of entry `reverses` (part 1 of it) is made back, what it issued becomes void."""

    MOVES_MONEY = True
    FOLLOWS = True

    reverses: int

    def check(self) -> None:
        Command.check(self)
        if not 0 <= self.reverses <= MAX_MINOR:
            raise BadValue("reverses", self.reverses, "the number of an entry", "应为分录号")

    def needs(self, needs: Needs) -> None:
        needs.reversals.add(self.reverses)
        needs.legs.add(self.reverses)

    def follow(self, book: Book, needs: Needs) -> None:
        """Its serials wherever they are, who moved them since, and the records, cases, keys and bills it touches."""
        mistaken = book.entered(self.reverses)
        if mistaken is None:
            return
        fact = mistaken.fact
        needs.runs.update(runs_issued(fact))
        needs.runs.update(runs_moved(fact))
        needs.movers.update((mistaken.seq, *run) for run in runs_moved(fact))
        ends = {end for one in fact.moves for end in (one.source, one.target)}
        needs.cases.update(case for end in ends if (case := parse_place(end).case) is not None)
        _, _, own_id = fact.stream.partition("/")
        needs.records |= {f"{noun}/{own_id}" for noun in ("donation", "allocation", "payment")}
        if isinstance(suspense := getattr(fact, "suspense", None), str):  # of a closing it is an amount
            needs.suspense.add(suspense)
        match fact:
            case HospitalPaymentMade():
                needs.bills |= bills_of_payment(fact.hospital, fact.lines)
            case HospitalPaymentReturned():
                needs.bills |= {(fact.hospital, fact.bill_no, fact.case)} if fact.bill_no is not None else set()
                payment = book.record("payment", fact.payment).made(HospitalPaymentMade)
                needs.claims.update(payment_claims(payment.fact.cash) if payment is not None else ())
            case GrantReturned():
                grant = book.record("grant", fact.grant).made(CashGranted)
                needs.claims.update(grant_claims(grant.fact) if grant is not None else ())

    def decide(self, book: Book) -> Decision:
        assert self.on is not None
        mistaken = book.entered(self.reverses)
        if mistaken is None:
            raise Unknown("entry", str(self.reverses))
        self._require_reversible(book, mistaken)
        fact = mistaken.fact
        taken: list[tuple[Row, str]] = []
        for one, run in zip(fact.issue, runs_issued(fact), strict=True):
            taken += [(row, VOID) for row in self._still(book, fact, run, one.to)]
        for one, run in zip(fact.moves, runs_moved(fact), strict=True):
            taken += [(row, one.source) for row in self._still(book, fact, run, one.target)]
        return Decision(
            [EntryReversed(**self.common(), moves=moved(taken), reverses=mistaken.seq, record=fact.stream)],
            self._effects(book, mistaken),
        )

    def _require_reversible(self, book: Book, mistaken: Entered) -> None:
        """Raises CannotReverse with what stands in the way."""
        fact = mistaken.fact
        if isinstance(fact, EntryReversed | CaseClosed) or not (fact.issue or fact.moves or isinstance(fact, UNMOVING)):
            raise self._refused(fact, "this kind of entry never is", "此类分录不可冲销")
        noun, _, own_id = fact.stream.partition("/")
        before = book.record(noun, own_id).reversed_by(mistaken)
        if before is not None:
            raise self._refused(fact, f"entry {before} did so already", f"已由第 {before} 号分录冲销")
        for follower in self._followers(book, mistaken):
            kind = type(follower.fact).__name__
            raise self._refused(
                fact,
                f"entry {follower.seq} ({kind}) names it: reverse that first",
                f"须先冲销第 {follower.seq} 号分录（{kind}）",
            )
        if book.cash.is_matched(mistaken.seq):
            raise self._refused(
                fact,
                "it is matched with a line of a statement: undo that first",
                "其收付已与对账单流水匹配，须先撤销匹配",
            )
        if isinstance(fact, ReceiptSuspended):
            if book.cash.suspended(fact.suspense)[1] < fact.amount:
                raise self._refused(fact, "some of it was cleared or repaid", "其暂收款已部分认领或退还")
            book.cash.require_left(fact.suspense, fact.amount, self.on or date.min)
        if isinstance(fact, SuspenseRepaid) and self.on is not None and fact.on is not None and self.on < fact.on:
            raise BadValue("on", self.on, f"not before {fact.on}, its own day", f"不得早于其记账日期 {fact.on}")
        mover = book.later_mover(mistaken)
        if mover is not None:
            raise self._refused(
                fact,
                f"entry {mover} moved its money on: reverse that first",
                f"第 {mover} 号分录已动用其资金，须先冲销",
            )
        for one in fact.moves:
            refilled = parse_place(one.source)
            if refilled.kind == "case" and refilled.case is not None and not book.case(refilled.case).is_open:
                raise self._refused(fact, f"case {refilled.case} is closed", f"个案 {refilled.case} 已结案")

    def _followers(self, book: Book, mistaken: Entered) -> Iterator[Entered]:
        """Standing facts that name the record which this one made."""
        if isinstance(mistaken.fact, FOLLOWERS):
            return
        noun, _, own_id = mistaken.fact.stream.partition("/")
        for each in ("allocation", "payment") if noun == "donation" else ():
            if getattr(mistaken.fact, each, None) is not None:
                yield from (one for one in book.record(each, own_id).standing() if isinstance(one.fact, FOLLOWERS))
        yield from (one for one in book.record(noun, own_id).standing() if isinstance(one.fact, FOLLOWERS))

    def _still(self, book: Book, fact: Fact, run: Run, place: str) -> list[Row]:
        """The rows of a run, all still where the entry put them."""
        assert self.on is not None
        try:
            return chosen(book, [run], place.__eq__, self.on, place)
        except RangesElsewhere as elsewhere:
            at = elsewhere.fields["actual"]
            raise self._refused(
                fact,
                f"{name_of(run)} is not at {place} by {self.on} but at {at}",
                f"{name_of(run)} 截至 {self.on} 不在 {place}（在 {at}）",
            ) from None

    def _refused(self, fact: Fact, reason: str, reason_zh: str) -> CannotReverse:
        return CannotReverse(seq=self.reverses, type=type(fact).__name__, reason=reason, reason_zh=reason_zh)

    def _effects(self, book: Book, mistaken: Entered) -> Effects:
        """Keys and bills as if the entry had not been. Raises DuplicateBusinessKey, BillExceeded."""
        fact = mistaken.fact
        match fact:
            case DonationReceived():
                return Effects(freed=donation_claims(fact))
            case CashGranted():
                return Effects(freed=grant_claims(fact))
            case HospitalPaymentMade():
                return Effects(freed=payment_claims(fact.cash), bills=_unpaid(book, fact))
            case HospitalPaymentReturned():
                payment = standing_payment(book, fact.payment)
                bills: dict[BillKey, Bill] = {}
                if fact.bill_no is not None:
                    key = (fact.hospital, fact.bill_no, fact.case)
                    first = next(one for one in payment.lines if (one.case, one.bill_no) == (fact.case, fact.bill_no))
                    limit = first.bill_amount or first.amount
                    again = PaymentLine(fact.case, fact.amount, fact.bill_no, max(limit, fact.amount))
                    bills[key] = pay_bill(book.bill(key), again, key)
                return Effects(claims=self._taken_again(book, payment.claims, payment.seq), bills=bills)
            case GrantReturned():
                grant = book.record("grant", fact.grant).made(CashGranted)
                assert grant is not None
                return Effects(claims=self._taken_again(book, grant_claims(grant.fact), grant.seq))
        return NOTHING

    @staticmethod
    def _taken_again(book: Book, claims: tuple[str, ...], holder: int) -> Mapping[str, int]:
        """Business keys that stand again. Raises DuplicateBusinessKey when another took them since."""
        seq = book.claimed_by(claims)
        if seq is not None and seq != holder:
            raise DuplicateBusinessKey(what="its business key", what_zh="其业务编号", seq=seq)
        return {} if seq is not None else dict.fromkeys(claims, holder)


def _unpaid(book: Book, payment: HospitalPaymentMade) -> dict[BillKey, Bill]:
    """The bills without this payment's lines."""
    bills: dict[BillKey, Bill] = {}
    for line in payment.lines:
        if line.bill_no is not None:
            key = (payment.hospital, line.bill_no, line.case)
            bill = bills.get(key) or book.bill(key)
            assert bill is not None, "a bill is kept as long as something stands paid on it"
            bills[key] = bill._replace(paid=bill.paid - line.amount)
    return bills
