"""Commands about gifts: money comes in, is found to be somebody's, goes back to the donor."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date
from fractions import Fraction
from operator import attrgetter
from typing import Any

from msgspec.structs import fields

from ledger.book import Book, Effects, claim
from ledger.decisions.banking import check_cleared
from ledger.decisions.base import Command, Decision, check_amount, check_fee
from ledger.decisions.choosing import POLICY, check_restriction, moved, restricting_hospitals, runs_issued
from ledger.errors import (
    AlreadyAttributed,
    BadValue,
    DuplicateBusinessKey,
    LedgerFull,
    NotRefundable,
    NotStanding,
    Unknown,
)
from ledger.events import (
    BalanceBroughtForward,
    DonationAttributed,
    DonationReceived,
    DonationRefunded,
    Fact,
    Foreign,
    Id,
    Issued,
)
from ledger.ids import check_opaque
from ledger.money import MAX_MINOR, fee_part
from ledger.needs import Needs
from ledger.places import REFUNDED, fee_place, fund_place, parse_place, tape_name
from ledger.records import Entered
from ledger.tapes import Issue, Row, pick, size
from ledger.terms import FEE_TERMS, Terms, check_persons, terms

UNRESTRICTED = terms()
_PLAIN = ("own", (), None, None, None)
SOURCES = ("donation", "grant", "government", "interest", "investment", "bank")


def gift_subject(donation: str, donor: str | None) -> str:
    """Whose the personal values of a gift are: its donor's, or its own where it names none."""
    return f"donation/{donation}" if donor is None else f"donor/{donor}"


def donation_claims(gift: Any) -> tuple[str, ...]:
    """The business keys of a gift (the command's or the fact's): its channel's transaction and line, if it has one."""
    if gift.channel_txn is None:
        return ()
    return (claim("donation", gift.channel or "", gift.channel_txn, gift.line or ""),)


class ReceiveDonation(Command, frozen=True, kw_only=True, omit_defaults=True):
    """A gift; new serials on the tape of the fund and terms, the fee's part on the fund's fee tape."""

    MOVES_MONEY = True

    donation: Id
    fund: Id
    amount: int
    donor: Id | None = None
    channel: Id | None = None
    channel_txn: Id | None = None
    line: Id | None = None
    fee_bp: int | None = None
    source: str = "donation"
    nature: str = "own"
    restriction: tuple[tuple[str, tuple[str, ...]], ...] = ()
    usable_from: date | None = None
    expires_on: date | None = None
    agreement: str | None = None
    payer: Id | None = None
    receipt_to: Id | None = None
    foreign: Foreign | None = None
    suspense: Id | None = None

    def subject(self) -> str:
        return gift_subject(self.donation, self.donor)

    def check(self) -> None:
        Command.check(self)
        check_opaque(self.donor, "donor")
        if self.restriction:
            check_persons(self.restriction)
        if self.payer is not None or self.receipt_to is not None:
            check_opaque(self.payer, "payer")
            check_opaque(self.receipt_to, "receipt_to")
        check_amount(self.amount)
        if self.fee_bp is not None:
            check_fee(self.fee_bp)
        if self.nature == "fee":
            raise BadValue("nature", self.nature, "own or agency", "应为 own 或 agency")
        if self.suspense is not None:
            check_cleared(self, self.suspense)
        self.terms()

    def terms(self) -> Terms:
        """The terms under which the money is given. Raises BadValue."""
        given = (self.nature, self.restriction, self.usable_from, self.expires_on, self.agreement)
        return UNRESTRICTED if given == _PLAIN else terms(*given)

    def novelties(self, needs: Needs) -> None:
        needs.new_streams.add(f"donation/{self.donation}")
        needs.claims.update(donation_claims(self))

    def needs(self, needs: Needs) -> None:
        if self.suspense is not None:
            needs.suspense.add(self.suspense)
        if self.restriction:
            needs.streams |= restricting_hospitals(self.restriction)
        tape = (self.fund, self.terms().key)
        if tape not in needs.tapes:
            needs.tapes |= {tape, (self.fund, FEE_TERMS.key)}
            needs.streams.add(f"fund/{self.fund}")
            needs.funds.add(self.fund)

    def decide(self, book: Book) -> Decision:
        assert self.on is not None
        given = self.terms()
        fund_fee_bp = book.fund_fee_bp(self.fund)
        book.require_new("donation", self.donation)
        if given.restriction:
            check_restriction(book, given)
        if self.source not in SOURCES:
            raise BadValue("source", self.source, " ".join(SOURCES), "来源应为 " + "、".join(SOURCES))
        if self.nature == "agency" and self.fee_bp:
            raise BadValue("fee_rate", self.fee_bp, "agency money bears no fee", "受托代理资金不提取管理费")
        if self.foreign is not None:
            check_foreign(self.foreign, self.amount, book.head.exponent or 0)
        if self.suspense is not None:
            book.cash.require_left(self.suspense, self.amount, self.on or date.min)
        claims = donation_claims(self)
        if (seq := book.claimed_by(claims)) is not None:
            raise DuplicateBusinessKey(
                what=" ".join(part for part in (self.channel, "transaction", self.channel_txn, self.line) if part),
                what_zh="渠道交易 " + " ".join(part for part in (self.channel, self.channel_txn, self.line) if part),
                seq=seq,
            )
        fee_bp = 0 if self.nature == "agency" else fund_fee_bp if self.fee_bp is None else self.fee_bp
        fee = fee_part(self.amount, fee_bp)
        facts: list[Fact] = []
        issues: list[Issue] = []
        if fee < self.amount:
            issues.append(issue(book, facts, (self.fund, given), self.amount - fee, fund_place(self.fund)))
        if fee:
            issues.append(issue(book, facts, (self.fund, FEE_TERMS), fee, fee_place(self.fund)))
            issues.sort()
        facts.append(self.completed(self.fact(issues, fee_bp)))
        return Decision(facts, Effects(claims=dict.fromkeys(claims))) if claims else Decision(facts)

    def fact(self, issues: Iterable[tuple[int, int, int, str]], fee_bp: int) -> DonationReceived:
        """The fact with these issues, and `on` and `by` alone of the common members."""
        return DonationReceived(
            on=self.on,
            by=self.by,
            issue=tuple([Issued(tape_name(tape), lo, hi, to) for tape, lo, hi, to in issues]),
            donation=self.donation,
            fund=self.fund,
            amount=self.amount,
            fee_bp=fee_bp,
            source=self.source,
            donor=self.donor,
            channel=self.channel,
            channel_txn=self.channel_txn,
            line=self.line,
            payer=self.payer,
            receipt_to=self.receipt_to,
            foreign=self.foreign,
            suspense=self.suspense,
        )


def receive_plain(book: Book, gift: ReceiveDonation) -> int | None:
    """Records a gift as nearly all are, in one go; the seq of its entry. None, and nothing done, for any other.

    What `decide`, `Book.prepare` and `Book.enter` come to for a gift under no terms to tapes that are open, in two
    thirds of their time. What they might refuse is left to them. A test holds the two ways equal.
    """
    fund, on, fee_bp = gift.fund, gift.on, gift.fee_bp
    if fee_bp is None:
        fee_bp = book.registry.funds.get(fund)
    if fee_bp is None or on is None or gift.source not in SOURCES or _rare(gift) != _NOTHING_RARE:
        return None
    stream, claims = f"donation/{gift.donation}", donation_claims(gift)
    if not book.may_begin(stream, claims, on):
        return None
    fee = fee_part(gift.amount, fee_bp)
    issues: list[tuple[int, int, int, str]] = []
    for key, amount, place in ((UNRESTRICTED.key, gift.amount - fee, fund_place), (FEE_TERMS.key, fee, fee_place)):
        if amount:
            tape = book.registry.numbers.get((fund, key))
            if tape is None or book.ends[tape] + amount > MAX_MINOR:
                return None
            lo = book.ends[tape]
            issues.append((tape, lo, lo + amount, place(fund)))
    if fee:
        issues.sort()
    return book.begin(gift.fact(issues, fee_bp), stream, claims, issues)


_PLAIN_MEMBERS = frozenset(
    (
        *("key", "on", "by", "donation", "fund", "amount", "fee_bp", "source"),
        *("donor", "channel", "channel_txn", "line", "payer", "receipt_to"),
    )
)
"""What a plain gift may say. Whatever else a gift can have, or comes to be able to, is rare."""
_RARE = {each.name: each.default for each in fields(ReceiveDonation) if each.name not in _PLAIN_MEMBERS}
_rare, _NOTHING_RARE = attrgetter(*_RARE), tuple(_RARE.values())


def issue(book: Book, facts: list[Fact], tape_of: tuple[str, Terms], amount: int, place: str) -> Issue:
    """The next serials of a fund's tape of these terms; the tape is opened by `facts` first if it is not there."""
    fund, tape_terms = tape_of
    tape = book.registry.find_tape(fund, tape_terms.key)
    if tape is None:
        number = len(book.registry.tapes) + 1 + len(facts)
        facts.append(tape_terms.opened(fund, tape_name(number)))
        return Issue(number, 0, amount, place)
    lo = book.ends[tape.number]
    if lo + amount > MAX_MINOR:
        raise LedgerFull(tape=tape_name(tape.number))
    return Issue(tape.number, lo, lo + amount, place)


def check_foreign(foreign: Foreign, booked: int, exponent: int) -> None:
    """Raises BadValue unless the rate comes to what is booked (minor units of `exponent` decimals).

    What the rate's last digit leaves open, half of it, is let pass, and one minor unit.
    """
    check_amount(foreign.amount, "foreign amount")
    if not re.fullmatch("[A-Z]{3}", foreign.currency) or not 0 <= foreign.exponent <= 4:
        raise BadValue("foreign", foreign.currency, "a currency of ISO 4217 and its decimals", "应为 ISO 4217 币种")
    if not re.fullmatch("[0-9]{1,12}([.][0-9]{1,12})?", foreign.rate, re.ASCII):
        raise BadValue(
            "rate", foreign.rate, "a rate is an exact decimal, such as 7.1234", "汇率应为十进制数，如 7.1234"
        )
    rate = Fraction(foreign.rate)
    scale = Fraction(10) ** (exponent - foreign.exponent) * foreign.amount
    half_digit = Fraction(1, 2 * 10 ** len(foreign.rate.partition(".")[2]))
    if abs(scale * rate - booked) > scale * half_digit + 1:
        expected = int(scale * rate)
        raise BadValue(
            "rate",
            foreign.rate,
            f"{expected} minor units follow from it, but {booked} are booked",
            f"按此汇率应入账 {expected} 分，实际入账 {booked} 分",
        )


class AttributeDonation(Command, frozen=True, kw_only=True, omit_defaults=True):
    """Whose an unattributed gift is."""

    FOLLOWS = True

    donation: Id
    donor: Id

    def subject(self) -> str:
        return gift_subject(self.donation, self.donor)

    def check(self) -> None:
        Command.check(self)
        check_opaque(self.donor, "donor")

    def needs(self, needs: Needs) -> None:
        needs.records.add(f"donation/{self.donation}")

    def follow(self, book: Book, needs: Needs) -> None:
        """Nothing more."""

    def decide(self, book: Book) -> Decision:
        gift = standing_gift(book, self.donation)
        known = next((e for e in book.record("donation", self.donation).standing() if e.fact.donor is not None), None)
        if known is not None:
            raise AlreadyAttributed(donation=self.donation, seq=known.seq)
        assert gift.fact.donor is None
        return Decision([DonationAttributed(**self.common(), donation=self.donation, donor=self.donor)])


class RefundDonation(Command, frozen=True, kw_only=True, omit_defaults=True):
    """捐赠退回: `amount` goes back to the donor, `fee` of it out of the fee that was taken."""

    MOVES_MONEY = True
    FOLLOWS = True

    refund: Id
    donation: Id
    amount: int
    fee: int = 0

    def check(self) -> None:
        Command.check(self)
        check_amount(self.amount)
        if not 0 <= self.fee <= self.amount:
            raise BadValue("fee", self.fee, "a part of the amount", "应为退款金额的一部分")

    def novelties(self, needs: Needs) -> None:
        needs.new_streams.add(f"refund/{self.refund}")

    def needs(self, needs: Needs) -> None:
        needs.records.add(f"donation/{self.donation}")

    def follow(self, book: Book, needs: Needs) -> None:
        """The gift's serials, wherever they are."""
        for each in book.record("donation", self.donation).entered:
            needs.runs.update(runs_issued(each.fact))

    def decide(self, book: Book) -> Decision:
        assert self.on is not None
        book.require_new("refund", self.refund)
        gift = made_gift(book, self.donation)
        taken = self._taken(book, gift.fact, "fund", self.amount - self.fee)
        taken += self._taken(book, gift.fact, "fee", self.fee)
        return Decision(
            [
                DonationRefunded(
                    **self.common(),
                    policy=POLICY,
                    moves=moved((row, REFUNDED) for row in taken),
                    refund=self.refund,
                    donation=self.donation,
                    amount=self.amount,
                    fee=self.fee,
                )
            ]
        )

    def _taken(self, book: Book, gift: Fact, kind: str, amount: int) -> list[Row]:
        """So much of the gift that is at fund places, or of its fee at fee places. Raises NotRefundable."""
        assert self.on is not None
        rows = [row for run in runs_issued(gift) for row in book.places.within(run)]
        there = ((row.tape, row.place, [row]) for row in rows if parse_place(row.place).kind == kind)
        taken = pick(book.groups(there, back=True), amount, self.on, back=True)
        if size(taken) < amount:
            elsewhere: dict[str, int] = {}
            for row in rows:
                if parse_place(row.place).kind != kind:
                    elsewhere[row.place] = elsewhere.get(row.place, 0) + row.hi - row.lo
            raise NotRefundable(
                donation=self.donation,
                what="the fee" if kind == "fee" else "the gift",
                what_zh="管理费" if kind == "fee" else "善款",
                wanted=amount,
                refundable=size(taken),
                elsewhere=elsewhere,
            )
        return taken


def made_gift(book: Book, donation: str) -> Entered:
    """The gift's receipt, or the opening balance that it was, whether it stands or not. Raises Unknown."""
    gift = book.record("donation", donation).made(DonationReceived, BalanceBroughtForward)
    if gift is None:
        raise Unknown("donation", donation)
    return gift


def standing_gift(book: Book, donation: str) -> Entered:
    """The same of one that stands. Raises Unknown, NotStanding."""
    gift = made_gift(book, donation)
    reversed_by = book.record("donation", donation).reversed_by(gift)
    if reversed_by is not None:
        raise NotStanding("donation", donation, reversed_by)
    return gift
