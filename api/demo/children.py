"""Children of the made-up year: each case from its opening through money, hospital and settlement to its closing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import NamedTuple

from api.demo.diary import SIGNED, Diary, Wheel
from api.demo.foundation import (
    AGE_BANDS,
    BANK,
    CARE,
    COSTS,
    DISEASES,
    GENERAL,
    HEART,
    INFANTS,
    LATE_HOSPITALS,
    NEWBORN,
    PROVINCES,
    WEST,
    WESTERN,
    YUAN,
    Hospital,
    between,
    person_name,
)
from api.demo.gifts import Gifts
from api.demo.purse import permits, range_of, usable
from ledger.decisions import (
    AmendCase,
    Basis,
    CashLeg,
    CloseCase,
    Command,
    GrantCash,
    MakeAllocation,
    OpenCase,
    PayHospital,
    PaymentLine,
    ReleaseAllocation,
    ReopenCase,
    ReturnGrant,
    ReturnHospitalPayment,
    SettleTreatment,
    SubstituteSerials,
)
from ledger.dictionary import Dictionary
from ledger.places import case_place, fund_place, hospital_place, used_place
from ledger.tapes import Row, size
from ledger.terms import Attributes

NAMED = 24
"""So many children have a name in the vault."""
LINES_MAX = 40
"""Children in one bank payment."""


@dataclass(eq=False)
class Child:
    """A case as it goes on; `payment` and `bill` are the last of each, `tries` how often money was sought."""

    case: str
    person: str
    hospital: str
    fund: str
    codes: dict[str, str]
    cost: int
    name: str | None = None
    allocation: str = ""
    payment: str = ""
    bill: str = ""
    tries: int = 0
    from_general: bool = False
    twice: bool = False
    closed_on: date | None = None

    @property
    def is_open(self) -> bool:
        """Whether it may have money."""
        return self.closed_on is None


class Paid(NamedTuple):
    """What one bank payment brought to a hospital for a child."""

    payment: str
    bill: str
    amount: int


@dataclass
class Told:
    """Cases worth a look, as they come along."""

    helped: list[Child] = field(default_factory=list)
    closed: list[Child] = field(default_factory=list)
    newest: Child | None = None
    bank_ref: str = ""


class Children:
    """All cases of the year."""

    def __init__(self, diary: Diary, gifts: Gifts, hospitals: list[Hospital], dictionary: Dictionary) -> None:
        self.diary, self.gifts = diary, gifts
        self.told = Told()
        self.opened = 0
        self._dictionary = dictionary
        self._provinces = Wheel({code: weight for code, (_, weight) in PROVINCES.items()})
        others = (code.code for _, code in dictionary.tree("disease") if code.parent not in (None, "CHD"))
        self._diseases = Wheel(dict.fromkeys(others, 1) | DISEASES)
        self._ages = Wheel(AGE_BANDS)
        self._hospitals = Wheel({one: max(40 - n, 6) for n, one in enumerate(hospitals)})
        self._near: dict[str, list[Hospital]] = defaultdict(list)
        for hospital in hospitals:
            self._near[hospital.province].append(hospital)
        self._waiting: dict[str, list[Child]] = defaultdict(list)
        self._turn = {hospital.id: n % 5 for n, hospital in enumerate(hospitals)}

    def of_day(self) -> Iterator[Command]:
        """The cases that open on the day, and the week's payment to the hospitals whose day it is."""
        diary = self.diary
        days = (diary.until - diary.since).days + 1
        by_now = diary.scale.cases * ((diary.day - diary.since).days + 1) // days
        while self.opened < by_now:
            yield from self._open()
        for hospital, turn in self._turn.items():
            if turn == diary.day.weekday() and self._waiting[hospital]:
                yield from self._pay(hospital)

    def _open(self) -> Iterator[Command]:
        diary, random = self.diary, self.diary.random
        province, disease, age = (each.draw(random) for each in (self._provinces, self._diseases, self._ages))
        near = self._near.get(province)
        hospital = random.choice(near) if near and diary.chance(700) else self._hospitals.draw(random)
        classes = self._dictionary.lineage("disease", disease)
        self.opened += 1
        number = self.opened
        child = Child(
            case=f"C{number:05}",
            person=f"K{number:05}",
            hospital=hospital.id,
            fund=_fund_for(classes, age, province, diary.chance(600)),
            codes={"disease": disease, "province": province, "age_band": age},
            cost=between(random, next((COSTS[one] for one in COSTS if one in classes), COSTS[""])) * YUAN,
            name=person_name(random) if number <= NAMED else None,
        )
        self.told.newest = child
        yield OpenCase(
            key=f"open-{child.case}",
            case=child.case,
            fund=child.fund,
            hospital=child.hospital,
            person=child.person,
            household=f"HH{number:05}",
            purpose="surgery",
            attributes=child.codes,
            personal=(("beneficiary_name", child.name),) if child.name and diary.named else (),
            on=diary.day,
        )
        if diary.every(33, "amended", 4):
            diary.later(1, self._amend, child)
        elif diary.every(33, "agency", 6):
            yield from self._given_for(child)
        if child.fund == NEWBORN and diary.every(4, "emergency", 1):
            yield from self._emergency(child)
        if not child.allocation:
            diary.later(random.randint(2, 7), self._match, child)

    def _attributes(self, child: Child) -> Attributes:
        plain = {**child.codes, "hospital": child.hospital, "person": child.person}
        return self._dictionary.attributes(plain)

    def _amend(self, child: Child) -> Iterator[Command]:
        """The ultrasound says more precisely what it is."""
        child.codes = {**child.codes, "disease": self._diseases.draw(self.diary.random)}
        yield AmendCase(
            key=self.diary.id("AM"),
            case=child.case,
            hospital=child.hospital,
            person=child.person,
            attributes=child.codes,
            on=self.diary.day,
            by="staff-zhao",
        )

    def _given_for(self, child: Child) -> Iterator[Command]:
        """Agency money 受托代理: somebody gives for this one child."""
        amount = self.diary.random.randint(10, 60) * 100 * YUAN
        donor = f"V{self.diary.random.randint(800, 999)}"
        yield self.gifts.receive(
            child.fund, amount, (("person", (child.person,)),), nature="agency", donor=donor, channel="bank"
        )[0]

    def _emergency(self, child: Child) -> Iterator[Command]:
        """Urgent: paid from unrestricted money at once, to be re-charged later."""
        yield from self._allocate(child, GENERAL, child.cost)
        if child.allocation:
            child.from_general = True
            self.diary.later(30, self._recharge, child, 0)

    def _match(self, child: Child) -> Iterator[Command]:
        """Money is sought for the child, each week again while there is not enough."""
        if child.is_open and not child.allocation:
            yield from self._allocate(child, child.fund, child.cost)
            child.tries += 1
            if not child.allocation:
                self.diary.later(7, self._match, child)

    def _allocate(self, child: Child, fund: str, amount: int) -> Iterator[Command]:
        diary = self.diary
        allowed = usable(self._attributes(child), diary.day)
        places = diary.purse.fund_places(fund)
        if diary.purse.take(places, amount, diary.day, case_place(child.case), allowed):
            child.allocation = diary.id("A")
            yield MakeAllocation(
                key=child.allocation,
                allocation=child.allocation,
                case=child.case,
                amount=amount,
                fund=None if fund == child.fund else fund,
                on=diary.day,
                **SIGNED,
            )
            if not child.twice and diary.every(50, "withdrawn", 9):
                diary.later(2, self._close, child, "withdrawn")
            elif diary.every(20, "released", 5):
                diary.later(1, self._release, child, amount * diary.random.randint(3, 15) // 100 // 1000 * 1000)
            diary.later(3, self._queue, child)

    def _release(self, child: Child, amount: int) -> Iterator[Command]:
        """The hospital's estimate became lower before it was paid."""
        diary = self.diary
        place = case_place(child.case)
        if child.is_open and not child.payment and amount and diary.purse.give_back([place], amount, diary.day, None):
            yield ReleaseAllocation(
                key=diary.id("RL"), allocation=child.allocation, amount=amount, on=diary.day, **SIGNED
            )

    def _queue(self, child: Child) -> Iterator[Command]:
        """The child is on the hospital's next payment."""
        self._waiting[child.hospital].append(child)
        yield from ()

    def _pay(self, hospital: str) -> Iterator[Command]:
        """One bank payment for all children who wait for it."""
        diary, purse = self.diary, self.diary.purse
        waiting, self._waiting[hospital] = self._waiting[hospital][:LINES_MAX], self._waiting[hospital][LINES_MAX:]
        payment, lines = "", []
        for child in waiting:
            amount = purse.there(case_place(child.case))
            if not child.is_open or not amount:
                continue
            payment = payment or diary.id("Y")
            child.payment, child.bill = payment, diary.id(f"INV-{hospital}-")
            lines.append(PaymentLine(child.case, amount, child.bill, amount))
            allowed = permits(self._attributes(child))
            paid = purse.take(
                [case_place(child.case)], amount, diary.day, hospital_place(hospital, child.case), allowed
            )
            assert paid, "what was allocated for a child may be paid"
            self._after_payment(child, amount)
        if lines:
            self.told.bank_ref = f"BR{diary.day:%Y%m%d}-{payment}"
            legs = (CashLeg(BANK, sum(line.amount for line in lines), diary.day, self.told.bank_ref),)
            yield PayHospital(
                key=payment,
                payment=payment,
                hospital=hospital,
                lines=tuple(lines),
                on=diary.day,
                cash=legs,
                **SIGNED,
            )

    def _after_payment(self, child: Child, amount: int) -> None:
        diary = self.diary
        paid = Paid(child.payment, child.bill, amount)
        if diary.every(200, "bounced", 8):
            diary.later(2, self._bounce, child, paid)
            return
        late = child.hospital in LATE_HOSPITALS
        diary.later(diary.random.randint(*((150, 260) if late else (10, 35))), self._settle, child, paid)
        if diary.chance(350):
            diary.later(diary.random.randint(2, 20), self._grant, child)

    def _bounce(self, child: Child, paid: Paid) -> Iterator[Command]:
        """退汇: the bank sends the money back, and it is paid again."""
        yield from self._return(child, paid, "bank_rejected")
        yield from self._queue(child)

    def _settle(self, child: Child, line: Paid) -> Iterator[Command]:
        """The hospital accounts for the money; sometimes it used less, and sends the rest back later."""
        diary, random = self.diary, self.diary.random
        place = hospital_place(child.hospital, child.case)
        paid = line.amount
        used = paid * random.randint(80, 97) // 100 if diary.every(33, "surplus", 3) else paid
        insurance, family = paid * random.randint(60, 180) // 100, paid * random.randint(10, 60) // 100
        diary.purse.take([place], used, diary.day, used_place(child.case, child.hospital))
        settlement = diary.id("S")
        yield SettleTreatment(
            key=settlement,
            settlement=settlement,
            hospital=child.hospital,
            case=child.case,
            amount=used,
            bill_no=line.bill,
            total=used + insurance + family,
            insurance=insurance,
            family=family,
            on=diary.day,
            **SIGNED,
        )
        if used < paid:
            diary.later(random.randint(7, 50), self._return, child, line._replace(amount=paid - used), "surplus")
        diary.later(random.randint(20, 50), self._close, child, "completed")

    def _return(self, child: Child, paid: Paid, reason: str) -> Iterator[Command]:
        diary = self.diary
        to = case_place(child.case) if child.is_open else None
        returned = diary.purse.give_back([hospital_place(child.hospital, child.case)], paid.amount, diary.day, to)
        assert returned, "what was not settled is at the hospital"
        key = diary.id("RT")
        yield ReturnHospitalPayment(
            key=key,
            cash=(CashLeg(BANK, paid.amount, diary.day, f"BX-{key}"),),
            payment=paid.payment,
            case=child.case,
            amount=paid.amount,
            reason=reason,
            bill_no=paid.bill,
            on=diary.day,
            **SIGNED,
        )

    def _grant(self, child: Child) -> Iterator[Command]:
        """Cash to the family for travel and food, out of the fund for that; a few send it back."""
        diary = self.diary
        amount = diary.random.randint(8, 30) * 100 * YUAN
        place = case_place(child.case)
        allowed = usable(self._attributes(child), diary.day)
        if not child.is_open or not diary.purse.take(diary.purse.fund_places(CARE), amount, diary.day, place, allowed):
            return
        allocation, grant = diary.id("A"), diary.id("G")
        yield MakeAllocation(
            key=allocation, allocation=allocation, case=child.case, amount=amount, fund=CARE, on=diary.day, **SIGNED
        )
        taken = diary.purse.take([place], amount, diary.day, used_place(child.case), permits(self._attributes(child)))
        assert taken, "what was just allocated may be granted"
        yield GrantCash(
            key=grant,
            grant=grant,
            case=child.case,
            amount=amount,
            purpose="travel",
            period=f"{diary.day:%Y-%m}",
            on=diary.day,
            cash=(CashLeg(BANK, amount, diary.day, f"BG-{grant}"),),
            **SIGNED,
        )
        if diary.every(40, "repaid", 2):
            diary.later(10, self._repay, child, grant, amount // 2)

    def _repay(self, child: Child, grant: str, amount: int) -> Iterator[Command]:
        diary = self.diary
        to = case_place(child.case) if child.is_open else None
        diary.purse.give_back([used_place(child.case)], amount, diary.day, to)
        key = diary.id("GR")
        legs = (CashLeg(BANK, amount, diary.day, f"BX-{key}"),)
        yield ReturnGrant(key=key, grant=grant, amount=amount, case=child.case, on=diary.day, cash=legs, **SIGNED)

    def _close(self, child: Child, reason: str) -> Iterator[Command]:
        """The case closes; what is left at it goes home. A few open again for a second stage."""
        diary = self.diary
        if not child.is_open or (reason == "withdrawn" and child.payment):
            return
        child.closed_on = diary.day
        diary.purse.put(diary.purse.rows(case_place(child.case)), None, diary.day)
        yield CloseCase(key=diary.id("CL"), case=child.case, reason=reason, on=diary.day, **SIGNED)
        self.told.closed.append(child)
        if reason == "completed" and child.name and child.fund == HEART:
            self.told.helped.append(child)
        elif reason == "completed" and diary.every(66, "reopened", 5):
            diary.later(30, self._reopen, child)

    def _reopen(self, child: Child) -> Iterator[Command]:
        child.closed_on, child.allocation, child.twice = None, "", True
        self.told.closed.remove(child)
        yield ReopenCase(key=self.diary.id("RO"), case=child.case, on=self.diary.day, **SIGNED)
        self.diary.later(5, self._match, child)

    def _recharge(self, child: Child, tries: int) -> Iterator[Command]:
        """资金置换: money given for such children takes the place of what was urgently paid from unrestricted money."""
        diary = self.diary
        allowed = usable(self._attributes(child), diary.day)
        for place in (used_place(child.case, child.hospital), hospital_place(child.hospital, child.case)):
            going = [row for row in diary.purse.rows(place) if row.home == fund_place(GENERAL)]
            coming = diary.purse.pick(
                diary.purse.fund_places(child.fund),
                size(going),
                diary.day,
                lambda terms: bool(terms.restriction) and allowed(terms),
            )
            if going and size(coming) == size(going):
                yield self._substitute(child, place, coming, going)
                return
        if tries < 6:
            diary.later(30, self._recharge, child, tries + 1)

    def _substitute(self, child: Child, place: str, coming: list[Row], going: list[Row]) -> Command:
        day = self.diary.day
        self.diary.purse.put(coming, place, day)
        self.diary.purse.put(going, None, day)
        return SubstituteSerials(
            key=self.diary.id("SB"),
            case=child.case,
            place=place,
            incoming=tuple(map(range_of, coming)),
            outgoing=tuple(map(range_of, going)),
            basis=Basis("memo", f"RC-{child.case}"),
            on=day,
            **SIGNED,
        )


def _fund_for(classes: frozenset[str], age: str, province: str, is_local: bool) -> str:
    """The fund that takes the case."""
    if age in INFANTS and not classes.isdisjoint(("CYANOTIC", "OBSTRUCTIVE")):
        return NEWBORN
    return WEST if province in WESTERN and is_local else HEART
