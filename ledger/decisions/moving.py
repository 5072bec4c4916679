"""Commands that move a fund's own money about: between funds, under other terms, into costs, into holds and out."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

from ledger.book import Book
from ledger.decisions.base import Command, Decision, check_amount
from ledger.decisions.choosing import (
    POLICY,
    check_restriction,
    chosen,
    give_back,
    moved,
    name_of,
    require_allowed,
    restricting_hospitals,
    runs_issued,
    runs_of,
    take,
)
from ledger.decisions.giving import standing_gift
from ledger.errors import BadValue, Unknown
from ledger.events import (
    ExpenseMade,
    Fact,
    FundsTransferred,
    HoldLifted,
    Id,
    MoneyHeld,
    SerialsSubstituted,
    TermsChanged,
)
from ledger.needs import Needs
from ledger.places import COST_KINDS, cost_place, fee_place, fund_place, hold_place, parse_place, tape_name
from ledger.tapes import Row, size
from ledger.terms import Terms, terms


class TransferFunds(Command, frozen=True, kw_only=True, omit_defaults=True):
    """项目间资金调剂: money goes to another fund, from the back of the order, its terms with it."""

    MOVES_MONEY = True
    NEEDS_BASIS = True

    transfer: Id
    fund: Id
    to_fund: Id
    amount: int

    def check(self) -> None:
        Command.check(self)
        check_amount(self.amount)
        if self.fund == self.to_fund:
            raise BadValue("to_fund", self.to_fund, "another fund", "应为另一基金")

    def novelties(self, needs: Needs) -> None:
        needs.new_streams.add(f"transfer/{self.transfer}")

    def needs(self, needs: Needs) -> None:
        needs.funds |= {self.fund, self.to_fund}
        needs.leaving_funds.add(self.fund)

    def decide(self, book: Book) -> Decision:
        assert self.on is not None
        book.require_new("transfer", self.transfer)
        book.fund_fee_bp(self.fund)
        book.fund_fee_bp(self.to_fund)
        taken = give_back(book, book.fund_places(self.fund), self.amount, self.on)
        ends = (fund_place(self.fund), fund_place(self.to_fund))
        return Decision(
            [
                FundsTransferred(
                    **self.common(),
                    policy=POLICY,
                    moves=moved((row, row.place.replace(*ends, 1)) for row in taken),
                    transfer=self.transfer,
                    fund=self.fund,
                    to_fund=self.to_fund,
                    amount=self.amount,
                )
            ]
        )


class MakeExpense(Command, frozen=True, kw_only=True, omit_defaults=True, rename={"source": "from"}):
    """费用支出: the foundation spends itself, of `fund` money that is own and unrestricted, or of the `fee` taken."""

    MOVES_MONEY = True

    expense: Id
    fund: Id
    kind: str
    amount: int
    source: str = "fund"

    def check(self) -> None:
        Command.check(self)
        check_amount(self.amount)
        if self.kind not in COST_KINDS:
            raise BadValue("kind", self.kind, " ".join(COST_KINDS), "费用类别应为 " + "、".join(COST_KINDS))
        if self.source not in ("fund", "fee"):
            raise BadValue("from", self.source, "fund or fee", "应为 fund 或 fee")

    def novelties(self, needs: Needs) -> None:
        needs.new_streams.add(f"expense/{self.expense}")

    def needs(self, needs: Needs) -> None:
        needs.funds.add(self.fund)
        if self.source == "fee":
            needs.returning.add(fee_place(self.fund))
        else:
            needs.leaving_funds.add(self.fund)

    def decide(self, book: Book) -> Decision:
        assert self.on is not None
        book.require_new("expense", self.expense)
        book.fund_fee_bp(self.fund)
        if self.source == "fee":
            taken = take(book, [fee_place(self.fund)], self.amount, self.on)
        else:
            taken = take(book, book.fund_places(self.fund), self.amount, self.on, days=True, free=True)
        target = cost_place(self.fund, self.kind)
        return Decision(
            [
                ExpenseMade(
                    **self.common(),
                    policy=POLICY,
                    moves=moved((row, target) for row in taken),
                    expense=self.expense,
                    fund=self.fund,
                    kind=self.kind,
                    amount=self.amount,
                    source=self.source,
                )
            ]
        )


class ByHand(Command, frozen=True, kw_only=True, omit_defaults=True):
    """What commands share that choose fund money by hand: `ranges` like `t3:100-200`, or all of a `donation`."""

    MOVES_MONEY = True
    FOLLOWS = True

    ranges: tuple[str, ...] = ()
    donation: Id | None = None

    def check(self) -> None:
        Command.check(self)
        runs_of(self.ranges)
        if bool(self.ranges) == (self.donation is not None):
            raise BadValue("ranges", "-", "name ranges, or a donation", "请填号段或捐赠编号，二者选一")

    def needs(self, needs: Needs) -> None:
        needs.runs.update(runs_of(self.ranges))
        if self.donation is not None:
            needs.records.add(f"donation/{self.donation}")

    def follow(self, book: Book, needs: Needs) -> None:
        """The gift's serials, wherever they are."""
        if self.donation is not None:
            for each in book.record("donation", self.donation).entered:
                needs.runs.update(runs_issued(each.fact))

    def chosen(self, book: Book, at: Callable[[str], bool], where: str) -> list[Row]:
        """The rows that are meant, all at places that `at` allows. Raises RangesElsewhere, Unknown, NotStanding."""
        assert self.on is not None
        if self.donation is None:
            return chosen(book, runs_of(self.ranges), at, self.on, where)
        gift = standing_gift(book, self.donation)
        rows = [row for run in runs_issued(gift.fact) for row in book.places.within(run)]
        there = [row for row in rows if at(row.place) and row.since <= self.on]
        if not there:
            raise BadValue(
                "donation", self.donation, f"none of it is at {where} by {self.on}", f"截至 {self.on} 没有资金在{where}"
            )
        return there


def at_fund(place: str) -> bool:
    """Whether a place is a fund's."""
    return place.startswith("fund/")


class ChangeTerms(ByHand, frozen=True, kw_only=True, omit_defaults=True):
    """变更捐赠用途: from now on these terms are in force for money of the fund; its nature stays."""

    NEEDS_BASIS = True

    fund: Id
    restriction: tuple[tuple[str, tuple[str, ...]], ...] = ()
    usable_from: date | None = None
    expires_on: date | None = None
    agreement: str | None = None

    def needs(self, needs: Needs) -> None:
        ByHand.needs(self, needs)
        needs.funds.add(self.fund)
        needs.streams |= {f"fund/{self.fund}"} | restricting_hospitals(self.restriction)

    def decide(self, book: Book) -> Decision:
        book.fund_fee_bp(self.fund)
        own = fund_place(self.fund)
        rows = self.chosen(book, lambda place: place == own or place.startswith(f"{own}/"), own)
        natures = {book.registry.terms_in_force(row.tape, row.place).nature for row in rows}
        if len(natures) > 1:
            raise BadValue("ranges", ", ".join(sorted(natures)), "money of one nature", "应为同一性质的资金")
        wanted = terms(*natures, self.restriction, self.usable_from, self.expires_on, self.agreement)
        check_restriction(book, wanted)
        facts: list[Fact] = []
        target = self._target(book, wanted, rows, facts)
        moves = moved((row, target(row)) for row in rows)
        facts.append(
            TermsChanged(**self.common(), moves=moves, fund=self.fund, amount=size(rows), donation=self.donation)
        )
        return Decision(facts)

    def _target(self, book: Book, wanted: Terms, rows: list[Row], facts: list[Fact]) -> Callable[[Row], str]:
        """Where each row goes; the tape of the wanted terms is opened by `facts` if a row needs it and it is not there.

        Raises BadValue for a row that is under these terms already.
        """
        own = fund_place(self.fund)
        others = [row for row in rows if book.registry.tapes[row.tape].terms.key != wanted.key]
        changed = own
        if others:
            tape = book.registry.find_tape(self.fund, wanted.key)
            number = len(book.registry.tapes) + 1 if tape is None else tape.number
            if tape is None:
                facts.append(wanted.opened(self.fund, tape_name(number)))
            changed = f"{own}/{tape_name(number)}"

        def target(row: Row) -> str:
            place = own if book.registry.tapes[row.tape].terms.key == wanted.key else changed
            if place == row.place:
                raise BadValue("ranges", name_of(row), "other terms than it has", "已适用该限定，无需变更")
            return place

        return target


class HoldMoney(ByHand, frozen=True, kw_only=True, omit_defaults=True):
    """冻结: money that may not be used until the hold is lifted."""

    hold: Id

    def novelties(self, needs: Needs) -> None:
        needs.new_streams.add(f"hold/{self.hold}")

    def decide(self, book: Book) -> Decision:
        book.require_new("hold", self.hold)
        rows = self.chosen(book, at_fund, "fund/…")
        moves = moved((row, hold_place(self.hold)) for row in rows)
        return Decision(
            [MoneyHeld(**self.common(), moves=moves, hold=self.hold, amount=size(rows), donation=self.donation)]
        )


class LiftHold(Command, frozen=True, kw_only=True, omit_defaults=True):
    """解除冻结: what is held, or ranges of it, goes home."""

    MOVES_MONEY = True

    hold: Id
    ranges: tuple[str, ...] = ()

    def check(self) -> None:
        Command.check(self)
        runs_of(self.ranges)

    def needs(self, needs: Needs) -> None:
        needs.streams.add(f"hold/{self.hold}")
        needs.returning.add(hold_place(self.hold))

    def decide(self, book: Book) -> Decision:
        assert self.on is not None
        if not book.exists("hold", self.hold):
            raise Unknown("hold", self.hold)
        hold = hold_place(self.hold)
        if self.ranges:
            rows = chosen(book, runs_of(self.ranges), hold.__eq__, self.on, hold)
        else:
            held = book.places.at(hold)
            rows = [row for tape in held for row in held[tape] if row.since <= self.on]
        if not rows:
            raise BadValue("hold", self.hold, f"nothing is held by {self.on}", f"截至 {self.on} 没有冻结资金")
        moves = moved((row, row.home) for row in rows)
        return Decision([HoldLifted(**self.common(), moves=moves, hold=self.hold, amount=size(rows))])


class SubstituteSerials(Command, frozen=True, kw_only=True, omit_defaults=True):
    """资金置换: `incoming` fund money takes the place of as much `outgoing` money, at one place of the case.

    `place` is `case/C`, `hospital/H/C`, `used/H/C` or `used/C`; what goes out goes home.
    """

    MOVES_MONEY = True
    NEEDS_BASIS = True

    case: Id
    place: str
    incoming: tuple[str, ...]
    outgoing: tuple[str, ...]

    def check(self) -> None:
        Command.check(self)
        coming, going = runs_of(self.incoming, "incoming"), runs_of(self.outgoing, "outgoing")
        if not coming or size(coming) != size(going):
            raise BadValue("outgoing", size(going), "as much as comes in", "调出与调入金额应相等")
        try:
            place = parse_place(self.place)
        except ValueError:
            place = None
        if place is None or place.kind not in ("case", "hospital", "used") or place.case != self.case:
            raise BadValue(
                "place",
                self.place,
                "a case, hospital or used place of the case",
                "应为该个案的 case、hospital 或 used 位置",
            )

    def needs(self, needs: Needs) -> None:
        needs.streams.add(f"case/{self.case}")
        needs.cases.add(self.case)
        needs.runs.update(runs_of((*self.incoming, *self.outgoing)))

    def decide(self, book: Book) -> Decision:
        assert self.on is not None
        case = book.case(self.case)
        coming = chosen(book, runs_of(self.incoming, "incoming"), at_fund, self.on, "fund/…")
        going = chosen(book, runs_of(self.outgoing, "outgoing"), self.place.__eq__, self.on, self.place)
        if len(funds := {parse_place(row.place).fund for row in coming}) > 1:
            raise BadValue("incoming", ", ".join(sorted(map(str, funds))), "money of one fund", "应为同一基金的资金")
        for row in coming:
            at_hand = book.registry.terms_in_force(row.tape, row.place)
            require_allowed(book, at_hand, case, parse_place(self.place).hospital, self.on, name_of(row))
        moves = moved([*((row, self.place) for row in coming), *((row, row.home) for row in going)])
        return Decision([SerialsSubstituted(**self.common(), moves=moves, case=self.case, amount=size(coming))])
