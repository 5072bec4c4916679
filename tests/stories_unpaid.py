"""Stories of who is entitled to money and has not had it, and near misses, for each rule (told by `guard_stories`)."""

from __future__ import annotations

from guard_stories import story

ALLOCATED = [
    story(
        "money waits at an open case for thirty days",
        "case C; allocate C 100 05-31 id=A",
        "allocated_unpaid C 100 30 <- A",
    ),
    story("it came a day later", "case C; allocate C 100 06-01"),
    story(
        "only what is neither paid nor granted waits",
        "case C; allocate C 100 05-01 id=A; pay C 60 06-10; grant C 10 06-10",
        "allocated_unpaid C 30 60 <- A",
    ),
    story("all of it was paid or granted", "case C; allocate C 100 05-01; pay C 60 06-10; grant C 40 06-10"),
    story("it was released", "case C on=06-20; allocate C 100 05-01 id=A; release A 100 06-10"),
    story("the case was closed", "case C; allocate C 100 05-01; close C 06-10"),
    story("the allocation was reversed", "case C; allocate C 100 05-01 id=A; reverse A 06-10"),
    story(
        "a payment by mistake makes waiting money no younger",
        "case C; allocate C 100 05-01 id=A; pay C 60 06-10 id=Y; reverse Y 06-20",
        "allocated_unpaid C 100 60 <- A",
    ),
    story(
        "a surplus that came back waits from then on",
        "case C; allocate C 100 04-01; pay C 100 04-05 id=Y; settle C 70 04-10; back Y C 30 05-20 id=Z",
        "allocated_unpaid C 30 41 <- Y",
    ),
    story("the surplus came back this month", "case C; allocate C 100 04-01; pay C 100 04-05 id=Y; back Y C 100 06-20"),
    story(
        "an opening balance waits too",
        "case C; bring D 100 05-01 case=C",
        "allocated_unpaid C 100 60 <- D",
    ),
    story("what happens later than the day of the report is not known", "case C; allocate C 100 2026-07-02"),
    story(
        "a payment later than the day of the report has not helped yet",
        "case C; allocate C 100 05-31 id=A; pay C 100 2026-07-02",
        "allocated_unpaid C 100 30 <- A",
    ),
]

UNSETTLED = [
    story(
        "an advance is not settled for thirty days",
        "case C; allocate C 100 05-01; pay C 100 05-31 id=Y",
        "paid_unsettled H C 100 30 <- Y",
    ),
    story("the advance is a day younger", "case C; allocate C 100 05-01; pay C 100 06-01 id=Y"),
    story(
        "each payment has an age of its own, and a closed case's advance stays open",
        "case C; allocate C 300 05-01; pay C 100 05-02 id=Y; pay C 200 05-03 id=Z; settle C 60 05-20; close C 06-01",
        "paid_unsettled H C 40 59 <- Y",
        "paid_unsettled H C 200 58 <- Z",
    ),
    story("all is settled", "case C; allocate C 100 05-01; pay C 100 05-01; settle C 100 06-10"),
    story(
        "what was not used came back",
        "case C; allocate C 9 05-01; pay C 9 05-01 id=Y; settle C 5 05-10; close C 05-20; back Y C 4 06-10",
    ),
    story(
        "a settlement by mistake was reversed",
        "case C; allocate C 100 05-01; pay C 100 05-02 id=Y; settle C 100 06-10 id=S; reverse S 06-20",
        "paid_unsettled H C 100 59 <- Y",
    ),
    story(
        "an opening balance at a hospital",
        "case C; bring D 100 05-01 case=C hospital=H",
        "paid_unsettled H C 100 60 <- D",
    ),
]

BILLS = [
    story(
        "an instalment of a bill is outstanding",
        "case C; allocate C 100 06-01; pay C 60 06-10 id=Y bill=B of=100",
        "bill_part_paid H B C 40 20 <- Y",
    ),
    story(
        "all instalments are paid", "case C; allocate C 100 06-01; pay C 60 06-10 bill=B of=100; pay C 40 06-12 bill=B"
    ),
    story("a bill without an amount is what was paid", "case C; allocate C 60 06-01; pay C 60 06-10 bill=B"),
    story(
        "a surplus was not owed",
        "case C; allocate C 100 06-20; pay C 100 06-20 id=Y bill=B of=100; back Y C 30 06-25",
    ),
    story(
        "the instalment that was reversed is outstanding",
        "case C; allocate C 100 06-01; pay C 60 06-10 id=Y bill=B of=100; pay C 40 06-12 bill=B id=Z; reverse Z 06-13",
        "bill_part_paid H B C 40 20 <- Y",
    ),
    story("nobody owes on a closed case", "case C; allocate C 60 06-01; pay C 60 06-10 bill=B of=100; close C 06-20"),
    story(
        "what the bank rejected is told as returned, the rest as outstanding",
        "case C; allocate C 90 06-10; pay C 60 06-10 id=Y bill=B of=90; back Y C 60 06-15 reason=bank_rejected",
        "returned_unpaid H C 60 15 <- Y Y",
        "bill_part_paid H B C 30 20 <- Y",
    ),
    story(
        "a return names its bill",
        "case C; allocate C 100 06-10; pay C+C 50 06-10 id=Y bill=B+B2 of=80; back Y C 50 06-15 bill=B",
        "bill_part_paid H B2 C 30 20 <- Y",
    ),
    story(
        "paid again after the bank's rejection, and still an instalment short",
        "case C; allocate C 90 06-10; pay C 60 06-10 id=Y bill=B of=90; back Y C 60 06-15 reason=bank_rejected;"
        "pay C 60 06-16 id=Z bill=B of=90",
        "bill_part_paid H B C 30 14 <- Y Z",
    ),
]

PERIODS = [
    story(
        "two months were granted and the next is over",
        "case C; allocate C 200 06-01; grant C 50 06-02 id=G purpose=living period=2026-03;"
        "grant C 60 06-03 id=J purpose=living period=2026-04",
        "period_missing C living 60 30 <- G J",
    ),
    story(
        "the next month is not over",
        "case C; allocate C 100 06-10; grant C 50 06-10 period=2026-05; grant C 50 06-11 period=2026-06",
    ),
    story("one month is no habit", "case C; allocate C 50 06-10; grant C 50 06-10 purpose=living period=2026-01"),
    story(
        "two months with a gap are no habit",
        "case C; allocate C 90 06-10; grant C 50 06-10 period=2026-01; grant C 40 06-11 period=2026-03",
    ),
    story(
        "a month is missing amid others, and the amount is the last one's",
        "case C; allocate C 160 06-10; grant C 40 06-10 period=2026-01 id=G; grant C 40 06-11 period=2026-02 id=J;"
        "grant C 40 06-12 period=2026-05; grant C 40 06-13 period=2026-06",
        "period_missing C 80 91 <- G J",
    ),
    story(
        "a case that was closed has no next month",
        "case C; allocate C 80 06-10; grant C 40 06-10 period=2026-01; grant C 40 06-11 period=2026-02; close C 06-12",
    ),
    story(
        "another purpose does not stand in",
        "case C; allocate C 99 06-10; grant C 33 06-10 purpose=living period=2026-03 id=G;"
        "grant C 33 06-11 purpose=living period=2026-04 id=J; grant C 33 06-12 purpose=travel period=2026-05",
        "period_missing C living 33 30 <- G J",
    ),
    story(
        "quarters, and periods written without a dash",
        "case C; allocate C 90 06-10; grant C 20 06-10 period=2025-Q3; grant C 20 06-11 period=2025-Q4;"
        "grant C 20 06-12 period=2026-Q1; grant C 10 06-12 period=202512 id=G; grant C 20 06-13 period=202601 id=J",
        "period_missing C 80 122 <- G J",
    ),
    story(
        "a grant that was returned is told as returned, not as missing",
        "case C; allocate C 90 06-10; grant C 30 06-10 period=2026-03; grant C 30 06-11 period=2026-04;"
        "grant C 30 06-12 period=2026-05 id=G; repay G 30 06-20",
        "returned_unpaid C 2026-05 30 10 <- G G",
    ),
    story(
        "periods in words of one's own have no next one",
        "case C; allocate C 90 06-10; grant C 30 06-10 period=spring; grant C 40 06-11 period=summer",
    ),
]

RETURNED = [
    story(
        "the bank rejected a payment and it was not paid again",
        "case C; allocate C 100 05-01; pay C 100 06-01 id=Y; back Y C 100 06-03 reason=bank_rejected",
        "returned_unpaid H C 100 27 <- Y Y",
    ),
    story(
        "it was paid again",
        "case C; allocate C 100 05-01; pay C 100 06-01 id=Y; back Y C 100 06-13 reason=bank_rejected; pay C 100 06-14",
    ),
    story(
        "it was paid again in part, and another bill is not it",
        "case C; allocate C 200 06-01; pay C 100 06-01 id=Y bill=B; back Y C 100 06-03 reason=bank_rejected;"
        "pay C 40 06-04 bill=B of=100; pay C 90 06-05 bill=B2",
        "returned_unpaid H C 60 27 <- Y Y",
    ),
    story(
        "it is told as returned, not as waiting too, whichever serials a grant took",
        "case C; allocate C 100 04-01; pay C 80 05-01 id=Y; back Y C 80 05-03 reason=bank_rejected;grant C 20 06-01",
        "returned_unpaid H C 80 58 <- Y Y",
    ),
    story(
        "what waits besides is told as waiting",
        "case C; allocate C 100 04-01 id=A; pay C 80 05-01 id=Y; back Y C 80 05-03 reason=bank_rejected;pay C 30 06-01",
        "returned_unpaid H C 50 58 <- Y Y",
        "allocated_unpaid C 20 90 <- A",
    ),
    story(
        "one payment makes up for the older return, and in part for the next",
        "case C; allocate C 100 06-01; pay C 40 06-01 id=Y; pay C 60 06-01 id=Z;"
        "back Y C 40 06-03 reason=bank_rejected; back Z C 60 06-03 reason=bank_rejected; pay C 55 06-20",
        "returned_unpaid H C 45 27 <- Z Z",
    ),
    story(
        "it was paid again after the day of the report",
        "case C; allocate C 100 06-01; pay C 100 06-01 id=Y; back Y C 100 06-03 reason=bank_rejected;"
        "pay C 100 2026-07-02",
        "returned_unpaid H C 100 27 <- Y Y",
    ),
    story(
        "another month is not the month that came back",
        "case C; allocate C 50 06-01; grant C 50 06-01 id=G period=2026-05; repay G 50 06-03;"
        "grant C 50 06-04 period=2026-06",
        "returned_unpaid C 2026-05 50 27 <- G G",
    ),
    story(
        "it was rejected twice",
        "case C; allocate C 100 06-01; pay C 100 06-01 id=Y; back Y C 100 06-03 reason=bank_rejected;"
        "pay C 100 06-04 id=Z; back Z C 100 06-06 reason=bank_rejected",
        "returned_unpaid H C 100 24 <- Z Z",
    ),
    story(
        "it was released",
        "case C; allocate C 100 06-01 id=A; pay C 100 06-01 id=Y; back Y C 100 06-03 reason=bank_rejected;"
        "release A 100 06-05",
    ),
    story(
        "a surplus is not owed again",
        "case C; allocate C 100 06-01; pay C 100 06-01 id=Y; back Y C 100 06-03 reason=surplus",
    ),
    story(
        "the return was a mistake and reversed",
        "case C; allocate C 9 06-01; pay C 9 06-01 id=Y; back Y C 9 06-03 reason=bank_rejected id=Z; reverse Z 06-04",
    ),
    story(
        "the case was closed as completed before the bank rejected",
        "case C; allocate C 100 06-01; pay C 100 06-01 id=Y; close C 06-02; back Y C 100 06-03 reason=bank_rejected",
        "returned_unpaid H C 100 27 <- Y Y",
    ),
    story(
        "the family withdrew",
        "case C; allocate C 9 06-01; pay C 9 06-01 id=Y; back Y C 9 06-03 reason=bank_rejected;"
        "close C 06-05 reason=withdrawn",
    ),
    story(
        "a family's cash came back, and another purpose is not it",
        "case C; allocate C 100 06-01; grant C 50 06-01 id=G purpose=travel; repay G 50 06-03;"
        "grant C 50 06-04 purpose=food",
        "returned_unpaid C travel 50 27 <- G G",
    ),
    story(
        "the cash was granted again",
        "case C; allocate C 50 06-01; grant C 50 06-01 id=G period=2026-06; repay G 50 06-03;"
        "grant C 50 06-04 period=2026-06",
    ),
    story(
        "a family that repays after the case was closed is owed nothing",
        "case C; allocate C 50 06-01; grant C 50 06-01 id=G; close C 06-02; repay G 50 06-03",
    ),
]

UNALLOCATED = [
    story("no money came for thirty days", "case C on=05-31", "case_unallocated C 0 30 <- C"),
    story("the case is a day younger", "case C on=06-01"),
    story("the case was closed", "case C on=05-01; close C 06-01"),
    story(
        "what was allocated was released",
        "case C on=04-01; allocate C 100 05-01 id=A; release A 100 05-20",
        "case_unallocated C 0 41 <- C A A",
    ),
    story("some of it is left", "case C on=04-01; allocate C 100 06-01 id=A; release A 99 06-20"),
    story(
        "the allocation was a mistake",
        "case C on=05-01; allocate C 100 05-02 id=A; reverse A 06-20",
        "case_unallocated C 0 60 <- C",
    ),
    story("an opening balance is money", "case C on=05-01; bring D 100 06-01 case=C"),
    story("so is one at a hospital", "case C on=05-01; bring D 100 06-01 case=C hospital=H"),
    story(
        "a case that was opened again has nothing of what it had",
        "case C on=04-01; allocate C 100 04-01; close C 04-10; reopen C 05-20",
        "case_unallocated C 0 41 <- C C",
    ),
]

AGENCY = [
    story(
        "a named person's money lies at the fund",
        "gift D 500 05-31 agency=P; gift E 700 06-01 agency=P",
        "agency_unallocated t P 500 30 <- t D",
    ),
    story("it came a day later", "gift D 500 06-01 agency=P"),
    story("it was allocated", "gift D 500 05-01 agency=P; case C person=P; allocate C 500 06-10"),
    story(
        "it was allocated in part",
        "gift D 500 05-01 agency=P; case C person=P; allocate C 200 06-10",
        "agency_unallocated t P 300 60 <- t D",
    ),
    story(
        "what came home from a case came home then",
        "gift D 500 05-01 agency=P; case C person=P; allocate C 500 05-10 id=A; release A 500 06-10",
    ),
    story("own money may wait for a case", "gift D 500 05-01"),
]

HELD = [
    story("a hold lasts for thirty days", "gift D 500 05-01; hold X D 05-31", "held_long X 500 30 <- X"),
    story("it is a day younger", "gift D 500 05-01; hold X D 06-01"),
    story("it was lifted", "gift D 500 05-01; hold X D 05-02; lift X 06-20"),
    story("it was a mistake", "gift D 500 05-01; hold X D 05-02; reverse X 06-20"),
]

EXPIRING = [
    story(
        "restricted money has ninety days left",
        "gift D 500 05-01 disease=VSD expires=2026-09-28",
        "expiring t 500 90 <- t D",
    ),
    story("it has a day more", "gift D 500 05-01 disease=VSD expires=2026-09-29"),
    story(
        "its last day is today",
        "gift D 500 05-01 expires=2026-06-30; gift E 60 05-01 expires=2026-06-30",
        "expiring t 560 0 <- t D E",
    ),
    story(
        "a gift came after the day of the report",
        "gift D 500 05-01 expires=2026-07-29; gift E 70 2026-07-02 expires=2026-07-29",
        "expiring t 500 29 <- t D",
    ),
    story("its last day was yesterday", "gift D 500 05-01 expires=2026-06-29", "expired t 500 1 <- t D"),
    story("it was allocated", "gift D 500 05-01 expires=2026-07-29; case C; allocate C 500 06-10"),
    story(
        "it was allocated in part, the first gift first",
        "gift D 500 05-01 expires=2026-07-29; gift E 300 05-02 expires=2026-07-29; case C; allocate C 600 06-10",
        "expiring t 200 29 <- t E",
    ),
    story("the donor agreed to other terms", "gift D 500 05-01 expires=2026-07-29; terms D 06-01"),
    story(
        "the donor set a last day later",
        "gift D 500 05-01; terms D 06-01 expires=2026-07-29",
        "expiring t 500 29 <- D t",
    ),
    story("the gift was given back", "gift D 500 05-01 expires=2026-07-29; refund D 500 06-01"),
    story("the gift was a mistake", "gift D 500 05-01 expires=2026-07-29; reverse D 06-01"),
]

STORIES = {
    "allocated_unpaid": ALLOCATED,
    "paid_unsettled": UNSETTLED,
    "bill_part_paid": BILLS,
    "period_missing": PERIODS,
    "returned_unpaid": RETURNED,
    "case_unallocated": UNALLOCATED,
    "agency_unallocated": AGENCY,
    "held_long": HELD,
    "expiring": EXPIRING,
    "expired": EXPIRING,
}
"""The stories of each rule."""
