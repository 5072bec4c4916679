"""Commands that bring money in."""

from __future__ import annotations

from datetime import date

from ledger.book import Book, Needs, claim
from ledger.decisions.base import Command, Decision, check_amount, check_fee
from ledger.errors import BadValue, DuplicateBusinessKey, LedgerFull
from ledger.events import DonationReceived, Fact, Id, Issued
from ledger.ids import check_opaque
from ledger.money import MAX_MINOR, fee_part
from ledger.places import fee_place, fund_place, tape_name
from ledger.tapes import Issue
from ledger.terms import FEE_TERMS, Terms, terms

SOURCES = ("donation", "grant", "government", "interest", "investment", "bank")


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

    def subject(self) -> str:
        return f"donation/{self.donation}" if self.donor is None else f"donor/{self.donor}"

    def check(self) -> None:
        Command.check(self)
        check_opaque(self.donor, "donor")
        for dimension, codes in self.restriction:
            if dimension == "person":
                for code in codes:
                    check_opaque(code, "restriction person")
        check_amount(self.amount)
        check_fee(self.fee_bp)
        if self.nature == "fee":
            raise BadValue("nature", self.nature, "own or agency", "应为 own 或 agency")
        self.terms()

    def terms(self) -> Terms:
        """The terms under which the money is given. Raises BadValue."""
        return terms(self.nature, self.restriction, self.usable_from, self.expires_on, self.agreement)

    def claims(self) -> tuple[str, ...]:
        """The channel's transaction and line; none when no transaction number is given."""
        if self.channel_txn is None:
            return ()
        return (claim("donation", self.channel, self.channel_txn, self.line),)

    def needs(self, needs: Needs) -> None:
        needs.new_streams.add(f"donation/{self.donation}")
        needs.claims.update(self.claims())
        needs.streams.update(
            f"hospital/{code}" for name, codes in self.restriction if name == "hospital" for code in codes
        )
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
        for dimension, codes in given.restriction:
            for code in codes:
                book.registry.dictionary.require(dimension, code)
                if dimension == "hospital":
                    book.require_hospital(code)
        if self.source not in SOURCES:
            raise BadValue("source", self.source, " ".join(SOURCES), "来源应为 " + "、".join(SOURCES))
        if self.nature == "agency" and self.fee_bp:
            raise BadValue("fee_rate", self.fee_bp, "agency money bears no fee", "受托代理资金不提取管理费")
        claims = self.claims()
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
            issues.append(self._issue(book, facts, given, self.amount - fee, fund_place(self.fund)))
        if fee:
            issues.append(self._issue(book, facts, FEE_TERMS, fee, fee_place(self.fund)))
            issues.sort()
        facts.append(
            DonationReceived(
                **self.common(),
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
            )
        )
        return Decision(facts, claims)

    def _issue(self, book: Book, facts: list[Fact], tape_terms: Terms, amount: int, place: str) -> Issue:
        """The next serials of the fund's tape of these terms, which is opened first if it is not there."""
        tape = book.registry.find_tape(self.fund, tape_terms.key)
        if tape is None:
            number = len(book.registry.tapes) + 1 + len(facts)
            facts.append(tape_terms.opened(self.fund, tape_name(number)))
            return Issue(number, 0, amount, place)
        lo = book.ends[tape.number]
        if lo + amount > MAX_MINOR:
            raise LedgerFull(tape=tape_name(tape.number))
        return Issue(tape.number, lo, lo + amount, place)
