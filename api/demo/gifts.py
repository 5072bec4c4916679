"""Gifts of the made-up year: online, heavy-tailed and with one great day; monthly; and large ones under agreements."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import date, timedelta
from functools import partial
from random import Random
from typing import Any, NamedTuple

from api.demo.diary import SIGNED, Diary, Wheel
from api.demo.foundation import (
    AGREEMENTS,
    APPEALS,
    BANK,
    CHANNELS,
    FUNDS,
    GENERAL,
    GIFTS,
    HEART,
    MONTHLY_GIFTS,
    YUAN,
    Restriction,
    person_name,
)
from ledger.decisions import Command, ReceiveDonation, RefundDonation
from ledger.events import CashLeg
from ledger.money import fee_part
from ledger.places import REFUNDED, is_source
from ledger.tapes import Run
from ledger.terms import terms

PEAK = (9, 9)
"""The day of giving: every tenth small gift comes on it."""
BUSY = {(12, 31): 40, (6, 1): 35, (9, 8): 30, (9, 7): 25, (9, 10): 20}
"""Other days with their weights; a usual day's is 10."""
FIRST_MONTHLY = "M00001"
"""The donor whose story is told: from the first month on, and with a name."""
PRIVATE = "V"
"""How ids begin of those who give large sums of their own."""
NEWCOMER = "P"
"""How ids begin of those who give online now and then."""
MONTHLY_ONE_IN = 80
"""So many small gifts for each monthly donor."""


class Subscriber(NamedTuple):
    """Somebody who gives the same each month, from the `first` month of the year on."""

    donor: str
    fund: str
    amount: int
    first: int


class Agreed(NamedTuple):
    """A large gift as it will come: under an agreement with its restriction and end, or neither."""

    donor: str
    fund: str
    amount: int
    restriction: Restriction
    agreement: str | None
    expires_on: date | None


class Received(NamedTuple):
    """A gift as it came; its serials, the fee's last."""

    donation: str
    amount: int
    fee: int
    runs: list[Run]


class Gifts:
    """All gifts of the year, day by day."""

    def __init__(self, diary: Diary) -> None:
        self.diary = diary
        self._fees = {fund.id: fund.fee_bp for fund in FUNDS}
        self.online_total = 0
        self.known: set[str] = set()
        self._funds = Wheel({fund.id: fund.weight for fund in FUNDS})
        self._channels = Wheel(CHANNELS)
        self._amounts = Wheel({(lo, hi): weight for lo, hi, weight in GIFTS})
        self._newcomers = 0
        self._subscribers = self._subscribed()
        self._counts = self._planned()
        self._agree()

    @property
    def count(self) -> int:
        """How many gifts there were so far."""
        return self.diary.count("D")

    @property
    def donors(self) -> int:
        """How many donors there are whom somebody knows by an id."""
        return self._newcomers + len(self.known)

    def of_day(self) -> Iterator[Command]:
        """What is given on the day."""
        day = self.diary.day
        for subscriber in self._subscribers.get(day.day, ()):
            if self._month(day) >= subscriber.first:
                is_named = self.diary.named and subscriber.donor == FIRST_MONTHLY
                more = {"personal": (("donor_name", "陈一诺"),)} if is_named else {}
                yield self._small(subscriber.fund, subscriber.amount, subscriber.donor, (), **more)
        for _ in range(self._counts[(day - self.diary.since).days]):
            lo, hi = self._amounts.draw(self.diary.random)
            amount = lo if lo == hi else self.diary.random.randint(lo, hi)
            appeal = self.diary.random.randrange(1000)
            fund, restriction = (
                APPEALS[appeal % len(APPEALS)] if appeal < 80 else (self._funds.draw(self.diary.random), ())
            )
            yield self._small(fund, amount, self._donor(), restriction)

    def receive(self, fund: str, amount: int, restriction: Restriction = (), **more: Any) -> tuple[Command, Received]:
        """A gift by the ledger's command, and as the purse has it from now on."""
        diary = self.diary
        donation = diary.id("D", 7)
        if (donor := more.get("donor")) is not None and not donor.startswith(NEWCOMER):
            self.known.add(donor)
        given = terms(more.get("nature", "own"), restriction, None, more.get("expires_on"), more.get("agreement"))
        fee = fee_part(amount, more.get("fee_bp", 0 if given.nature == "agency" else self._fees[fund]))
        if more.get("channel") == "bank":
            more["cash"] = (CashLeg(BANK, amount, diary.day, more.get("channel_txn")),)
        command = ReceiveDonation(
            key=donation, donation=donation, fund=fund, amount=amount, restriction=restriction, on=diary.day, **more
        )
        return command, Received(donation, amount, fee, diary.purse.receive(fund, given, amount, fee, diary.day))

    def _small(self, fund: str, amount: int, donor: str | None, restriction: Restriction, **more: Any) -> Command:
        channel = self._channels.draw(self.diary.random)
        txn = f"{channel[:2].upper()}{self.diary.number('txn'):08}"
        self.online_total += amount
        command, received = self.receive(
            fund, amount, restriction, donor=donor, channel=channel, channel_txn=txn, **more
        )
        if self.diary.chance(5):
            self.diary.later(self.diary.random.randint(1, 12), self._refund, received)
        return command

    def _refund(self, gift: Received) -> Iterator[Command]:
        """The whole gift goes back, its fee too, if nothing of it is on its way to a child yet."""
        diary = self.diary
        rows = [row for run in gift.runs for row in diary.purse.places.within(run)]
        fee = gift.fee if diary.chance(500) else 0
        back = rows if fee else [row for row in rows if row.tape == gift.runs[0].tape]
        if all(is_source(row.place) for row in back):
            diary.purse.put(back, REFUNDED, diary.day)
            refund = diary.id("R")
            yield RefundDonation(
                key=refund,
                refund=refund,
                donation=gift.donation,
                amount=gift.amount - gift.fee + fee,
                fee=fee,
                on=diary.day,
                cash=(CashLeg(BANK, gift.amount - gift.fee + fee, diary.day, f"BX-{refund}"),),
                **SIGNED,
            )

    def _donor(self) -> str | None:
        """Somebody new, somebody who gave before (the earlier, the more often), or nobody we know."""
        draw = self.diary.random.randrange(100)
        if draw < 4:
            return None
        if draw < 60 or not self._newcomers:
            self._newcomers += 1
            return f"{NEWCOMER}{self._newcomers:07}"
        before = self.diary.random.randrange(self.diary.random.randrange(self._newcomers) + 1)
        return f"{NEWCOMER}{before + 1:07}"

    def _subscribed(self) -> dict[int, list[Subscriber]]:
        """Monthly donors by the day of the month on which they give."""
        found: dict[int, list[Subscriber]] = defaultdict(list)
        random = self.diary.random
        for n in range(max(self.diary.scale.donations // MONTHLY_ONE_IN, 1)):
            first = 0 if n == 0 or random.randrange(5) < 2 else random.randrange(12)
            fund = HEART if n == 0 else self._funds.draw(random)
            amount = 5_000 if n == 0 else random.choice(MONTHLY_GIFTS)
            found[random.randint(1, 28)].append(Subscriber(f"M{n + 1:05}", fund, amount, first))
        return found

    def _month(self, day: date) -> int:
        """0 to 11: which month of the year it is."""
        return (day.year - self.diary.since.year) * 12 + day.month - self.diary.since.month

    def _planned(self) -> list[int]:
        """How many single small gifts come on each day: with the monthly ones they are as many as were asked for."""
        days = (self.diary.until - self.diary.since).days + 1
        calendar = [self.diary.since + timedelta(days=n) for n in range(days)]
        monthly = sum(12 - one.first for each in self._subscribers.values() for one in each)
        single = max(self.diary.scale.donations - monthly, 0)
        great = self.diary.scale.donations // 10
        weights = [
            0 if (day.month, day.day) == PEAK else BUSY.get((day.month, day.day), 13 if day.weekday() > 4 else 10)
            for day in calendar
        ]
        done, counts = 0, []
        for day, weight in zip(calendar, weights, strict=True):
            before = (single - great) * done // sum(weights)
            done += weight
            after = (single - great) * done // sum(weights)
            counts.append(great if (day.month, day.day) == PEAK else max(after - before, 0))
        return counts

    def _agree(self) -> None:
        """Large donors, the first the largest, each with one to three instalments over the year."""
        diary, count = self.diary, self.diary.scale.large_donors
        shares = [1000 // (n + 2) for n in range(count)]
        for n, share in enumerate(shares):
            whole = diary.scale.large_total * share // sum(shares)
            kind = n % 5
            if kind < 3:
                agreement = f"AG-{diary.since.year}-{n + 1:03}"
                fund, restriction = AGREEMENTS[(n - n // 5 * 2) % len(AGREEMENTS)]
                until = diary.until + timedelta(days=diary.random.choice((45, 180, 365))) if n % 2 else None
                gift = Agreed(f"org-{n + 1:03}", fund, whole, restriction, agreement, until)
            else:
                gift = Agreed(f"{PRIVATE}{n + 1:03}", (HEART, GENERAL)[kind - 3], whole, (), None, None)
            parts = diary.random.randint(1, 3) if kind < 3 else 1
            first = diary.random.randrange(120)
            for part in range(parts):
                day = diary.since + timedelta(days=first + part * 90)
                diary.at(day, partial(self._large, gift, parts))

    def _large(self, gift: Agreed, parts: int) -> Iterator[Command]:
        diary = self.diary
        amount = max(gift.amount // parts // (100 * YUAN) * (100 * YUAN), 100 * YUAN)
        more: dict[str, Any] = {"donor": gift.donor, "channel": "bank", "channel_txn": diary.id("BK")}
        if diary.named and gift.donor.startswith(PRIVATE):
            name = person_name(Random(gift.donor))  # noqa: S311 - the same person has the same made-up name each time
            more["personal"] = (("donor_name", name),)
        if gift.agreement is not None:
            more |= {"agreement": gift.agreement, "expires_on": gift.expires_on}
        yield self.receive(gift.fund, amount, gift.restriction, **more)[0]
