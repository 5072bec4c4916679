"""What else happens in the made-up year: opening balances, costs, transfers, a changed purpose, holds, mistakes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

from api.demo.diary import SIGNED, Diary
from api.demo.foundation import AGREEMENTS, BANK, CARE, FUNDS, GENERAL, HEART, NEWBORN, WEST, YUAN
from api.demo.gifts import Gifts, Received
from api.demo.purse import is_free
from ledger.decisions import (
    AttributeDonation,
    Basis,
    BringForward,
    ChangeTerms,
    Command,
    Foreign,
    HoldMoney,
    LiftHold,
    MakeExpense,
    OpenAccount,
    RepaySuspense,
    ReverseEntry,
    SuspendReceipt,
    TransferFunds,
)
from ledger.events import CashLeg
from ledger.places import VOID, cost_place, fee_place, fund_place, hold_place, tape_name
from ledger.tapes import size
from ledger.terms import terms

HUNDRED = 100 * YUAN
BROADER = (("province", ("460000", "440000", "450000")),)
"""What money for the children of Hainan alone may be used for after its purpose is changed."""


class Incidents:
    """All that is neither an ordinary gift nor a child's case."""

    def __init__(self, diary: Diary, gifts: Gifts) -> None:
        self.diary, self.gifts = diary, gifts
        self._narrowed: Received | None = None
        for month in range(12):
            diary.at(self._day(month, 24), self._monthly)
        for days, task in (
            (20, self._cash_box),
            (60, self._unclear_receipts),
            (75, self._foreign),
            (95, self._mistake),
            (130, self._transfer),
            (140, self._grant_of_government),
            (170, self._disputed),
            (200, self._cash_box),
            (215, self._narrow),
            (290, self._change_purpose),
            (345, self._unidentified),
        ):
            diary.at(diary.since + timedelta(days=days), task)

    def _day(self, month: int, day: int) -> date:
        months = self.diary.since.month - 1 + month
        return date(self.diary.since.year + months // 12, months % 12 + 1, day)

    def opening(self) -> Iterator[Command]:
        """期初余额: what was there before the year, and the account that it is on."""
        diary = self.diary
        yield OpenAccount(key=f"account-{BANK}", account=BANK, kind="bank", **SIGNED)
        for fund, percent in ((HEART, 10), (NEWBORN, 4), (WEST, 3), (CARE, 2), (GENERAL, 5)):
            amount = diary.scale.need * percent // 100 // HUNDRED * HUNDRED
            diary.purse.receive(fund, terms(), amount, 0, diary.day)
            donation = diary.id("OB-", 2)
            yield BringForward(
                key=donation,
                donation=donation,
                fund=fund,
                amount=amount,
                basis=Basis("report", f"annual-{diary.since.year - 1}"),
                on=diary.day,
                cash=(CashLeg(BANK, amount, diary.day, None),),
                **SIGNED,
            )

    def _monthly(self) -> Iterator[Command]:
        """Costs out of the fees taken and of unrestricted money; interest each quarter."""
        diary = self.diary
        for fund in FUNDS:
            there = diary.purse.there(fee_place(fund.id))
            for kind, percent in (("programme", 45), ("management", 35)):
                yield from self._spend(fund.id, kind, there * percent // 100, "fee")
        yield from self._spend(GENERAL, "channel", self.gifts.online_total * 6 // 1000 // 12, "fund")
        yield from self._spend(GENERAL, "fundraising", self.diary.scale.need * 2 // 1000, "fund")
        if self.diary.number("month") % 3 == 0:
            amount = diary.purse.there(fund_place(HEART)) * diary.random.randint(20, 40) // 10_000
            if amount:
                yield self.gifts.receive(GENERAL, amount, source="interest", channel="bank")[0]

    def _spend(self, fund: str, kind: str, amount: int, source: str) -> Iterator[Command]:
        diary, purse = self.diary, self.diary.purse
        places = [fee_place(fund)] if source == "fee" else purse.fund_places(fund)
        if not amount or not purse.take(
            places, amount, diary.day, cost_place(fund, kind), lambda at_hand: source == "fee" or is_free(at_hand)
        ):
            return
        expense = diary.id("E")
        legs = (CashLeg(BANK, amount, diary.day, f"BE-{expense}"),)
        yield MakeExpense(
            key=expense,
            expense=expense,
            fund=fund,
            kind=kind,
            amount=amount,
            source=source,
            on=diary.day,
            cash=legs,
            **SIGNED,
        )

    def _cash_box(self) -> Iterator[Command]:
        """A box of coins; weeks later it is known whose shop it stood in."""
        amount = self.diary.random.randint(30_000, 250_000)
        command, received = self.gifts.receive(HEART, amount, channel="cash-box", channel_txn=self.diary.id("BOX"))
        yield command
        self.diary.later(40, self._attribute, received, f"V{self.diary.random.randint(700, 799)}")

    def _unclear_receipts(self) -> Iterator[Command]:
        """Two transfers that say nothing of what they are for: one sender is found, the other gets the money back."""
        diary = self.diary
        for clear, days, amount in ((self._cleared, 18, 8 * HUNDRED), (self._repaid, 30, 3 * HUNDRED)):
            suspense = diary.id("S")
            legs = (CashLeg(BANK, amount, diary.day, f"BS-{suspense}"),)
            yield SuspendReceipt(
                key=suspense, suspense=suspense, amount=amount, on=diary.day, cash=legs, by="staff-zhao"
            )
            diary.later(days, clear, suspense, amount)

    def _cleared(self, suspense: str, amount: int) -> Iterator[Command]:
        yield self.gifts.receive(HEART, amount, donor="V699", suspense=suspense)[0]

    def _repaid(self, suspense: str, amount: int) -> Iterator[Command]:
        legs = (CashLeg(BANK, amount, self.diary.day, f"BR-{suspense}"),)
        yield RepaySuspense(
            key=f"repaid-{suspense}", suspense=suspense, amount=amount, on=self.diary.day, cash=legs, **SIGNED
        )

    def _attribute(self, gift: Received, donor: str) -> Iterator[Command]:
        self.gifts.known.add(donor)
        yield AttributeDonation(
            key=f"whose-{gift.donation}", donation=gift.donation, donor=donor, on=self.diary.day, by="staff-zhao"
        )

    def _foreign(self) -> Iterator[Command]:
        """A gift in dollars, booked at the day's rate."""
        rate_bp = self.diary.random.randint(68_000, 73_500)
        dollars = self.diary.scale.need // 700 // HUNDRED * HUNDRED
        foreign = Foreign("USD", dollars, 2, f"{rate_bp // 10_000}.{rate_bp % 10_000:04}", self.diary.day)
        amount = dollars * rate_bp // 10_000
        yield self.gifts.receive(HEART, amount, donor="org-900", channel="bank", foreign=foreign, payer="org-901")[0]

    def _mistake(self) -> Iterator[Command]:
        """A gift is recorded with a digit too many; next day the entry is reversed and the right one made."""
        amount = self.diary.random.randint(30, 90) * HUNDRED
        command, received = self.gifts.receive(WEST, amount * 10, donor="V601", channel="web", channel_txn="WE-4711")
        seq = self.diary.purse.size
        yield command
        self.diary.later(1, self._reverse, received, seq, amount)

    def _reverse(self, gift: Received, seq: int, amount: int) -> Iterator[Command]:
        diary = self.diary
        rows = [row for run in gift.runs for row in diary.purse.places.within(run)]
        if any(row.place not in (fund_place(WEST), fee_place(WEST)) for row in rows):
            return
        diary.purse.put(rows, VOID, diary.day)
        yield ReverseEntry(key="reversal-1", reverses=seq, on=diary.day, basis=Basis("memo", "CORR-1"), **SIGNED)
        yield self.gifts.receive(WEST, amount, donor="V601", channel="web", channel_txn="WE-4711")[0]

    def _transfer(self) -> Iterator[Command]:
        """项目间资金调剂: what one fund can spare goes to another, last in, first out."""
        diary, purse = self.diary, self.diary.purse
        amount = purse.there(fund_place(HEART)) // 10 // HUNDRED * HUNDRED
        rows = purse.pick(purse.fund_places(HEART), amount, diary.day, back=True)
        if not amount or size(rows) < amount:
            return
        for row in rows:
            purse.put([row], row.place.replace(fund_place(HEART), fund_place(WEST), 1), diary.day)
        yield TransferFunds(
            key="T001",
            transfer="T001",
            fund=HEART,
            to_fund=WEST,
            amount=amount,
            basis=Basis("resolution", f"board-{diary.day.year}-4"),
            on=diary.day,
            **SIGNED,
        )

    def _grant_of_government(self) -> Iterator[Command]:
        amount = self.diary.scale.need * 4 // 100 // HUNDRED * HUNDRED
        yield self.gifts.receive(GENERAL, amount, donor="org-gov", source="government", channel="bank", fee_bp=0)[0]

    def _disputed(self) -> Iterator[Command]:
        """冻结: a donor's heirs object; a month later they agree."""
        command, received = self.gifts.receive(
            HEART, self.diary.scale.need // 50 // HUNDRED * HUNDRED, donor="V602", channel="bank"
        )
        yield command
        yield from self._hold("X-dispute-1", received)
        self.diary.later(32, self._lift, "X-dispute-1")

    def _unidentified(self) -> Iterator[Command]:
        """A transfer without a word is held until its sender is found."""
        command, received = self.gifts.receive(
            GENERAL, self.diary.scale.need // 80 // HUNDRED * HUNDRED, channel="bank"
        )
        yield command
        yield from self._hold("X-unidentified-1", received)

    def _hold(self, hold: str, gift: Received) -> Iterator[Command]:
        self.diary.purse.put(self.diary.purse.places.within(gift.runs[0]), hold_place(hold), self.diary.day)
        yield HoldMoney(key=hold, hold=hold, donation=gift.donation, on=self.diary.day, **SIGNED)

    def _lift(self, hold: str) -> Iterator[Command]:
        self.diary.purse.put(self.diary.purse.rows(hold_place(hold)), None, self.diary.day)
        yield LiftHold(key=f"lift-{hold}", hold=hold, on=self.diary.day, **SIGNED)

    def _narrow(self) -> Iterator[Command]:
        """A company gives for one small province alone."""
        fund, restriction = AGREEMENTS[-1]
        command, received = self.gifts.receive(
            fund, self.diary.scale.need * 3 // 100 // HUNDRED * HUNDRED, restriction, donor="org-902", channel="bank"
        )
        yield command
        self._narrowed = received

    def _change_purpose(self) -> Iterator[Command]:
        """变更捐赠用途: there are no such children any more, and the company agrees to help its neighbours."""
        diary, purse = self.diary, self.diary.purse
        fund = AGREEMENTS[-1][0]
        assert self._narrowed is not None
        rows = [row for row in purse.places.within(self._narrowed.runs[0]) if row.place == fund_place(fund)]
        if not rows:
            return
        tape = purse.tape(fund, terms("own", BROADER))
        purse.put(rows, f"{fund_place(fund)}/{tape_name(tape)}", diary.day)
        yield ChangeTerms(
            key="change-1",
            fund=fund,
            donation=self._narrowed.donation,
            restriction=BROADER,
            basis=Basis("consent", "org-902-letter-2"),
            on=diary.day,
            **SIGNED,
        )
