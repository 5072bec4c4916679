"""Stories of money that may have been paid twice, and near misses, for each rule (told by `guard_stories`)."""

from __future__ import annotations

from guard_stories import story

TWO_CASES = "case C person=P purpose=op household=F; allocate C 90 06-01; pay C 90 06-02 id=Y; close C 06-05;"
SAME_PERSON = [
    story(
        "one child is paid for again, in a case opened when the first was closed",
        TWO_CASES + "case D person=P purpose=op; allocate D 70 06-10; pay D 70 06-11 id=Z",
        "same_person P op C D 70 19 <- C Y D Z",
    ),
    story("for another purpose", TWO_CASES + "case D person=P purpose=rehab; allocate D 70 06-10; pay D 70 06-11"),
    story("another child", TWO_CASES + "case D person=Q purpose=op; allocate D 70 06-10; pay D 70 06-11"),
    story("the second was not paid yet", TWO_CASES + "case D person=P purpose=op; allocate D 70 06-10"),
    story(
        "the second payment came back",
        TWO_CASES + "case D person=P purpose=op; allocate D 70 06-10; pay D 70 06-11 id=Z; back Z D 70 06-12",
    ),
    story(
        "the second was paid by mistake",
        TWO_CASES + "case D person=P purpose=op; allocate D 70 06-10; pay D 70 06-11 id=Z; reverse Z 06-12",
    ),
    story(
        "with approval it is told too, and cash counts",
        "case C person=P; allocate C 90 06-01; pay C 90 06-02 id=Y;"
        "case D person=P approved=boss; allocate D 20 06-10; grant D 20 06-11 id=G",
        "same_person P C D 20 19 <- C Y D G",
    ),
    story(
        "a year lies between",
        "gift old 500 2025-01-01; case C person=P; allocate C 90 2025-06-11; pay C 90 2025-06-11 id=Y;"
        "settle C 90 06-01; close C 06-02; case D person=P; allocate D 70 06-11; pay D 70 06-11 id=Z",
        "same_person P C D 70 19 <- C Y D Z",
    ),
    story(
        "a year and a day lie between",
        "gift old 500 2025-01-01; case C person=P; allocate C 90 2025-06-10; pay C 90 2025-06-10; settle C 90 06-01;"
        "close C 06-02; case D person=P; allocate D 70 06-11; pay D 70 06-11",
    ),
    story(
        "the person was found out later",
        "case C person=P; allocate C 90 06-01; pay C 90 06-02 id=Y; close C 06-02; case D; amend D person=P;"
        "allocate D 95 06-10; pay D 95 06-11 id=Z",
        "same_person P C D 90 19 <- C Y D Z",
    ),
]

SAME_HOUSEHOLD = [
    story(
        "two children of one family, one after the other",
        TWO_CASES + "case D person=Q purpose=op household=F; allocate D 70 06-10; pay D 70 06-11 id=Z",
        "same_household F op C D 70 19 <- C Y D Z",
    ),
    story(
        "one child in two cases is told once, by person",
        TWO_CASES + "case D person=P purpose=op household=F; allocate D 70 06-10; pay D 70 06-11 id=Z",
        "same_person P op C D 70 19 <- C Y D Z",
    ),
    story("another family", TWO_CASES + "case D person=Q purpose=op household=F2; allocate D 70 06-10; pay D 70 06-11"),
]

SAME_BILL = [
    story(
        "one paper is paid for two cases",
        "case C; case D; allocate C 90 06-01; allocate D 70 06-01; pay C 90 06-02 bill=B id=Y;"
        "pay D 70 06-03 bill=B id=Z",
        "same_bill H B C D 70 27 <- Y Z",
    ),
    story(
        "another hospital has its own numbers",
        "case C; case D; allocate C 90 06-01; allocate D 70 06-01; pay C 90 06-02 bill=B;"
        "pay D 70 06-03 bill=B hospital=H2",
    ),
    story(
        "another number",
        "case C; case D; allocate C 9 06-01; allocate D 7 06-01; pay C 9 06-02 bill=B; pay D 7 06-03 bill=B2",
    ),
    story(
        "the second came back",
        "case C; case D; allocate C 9 06-01; allocate D 7 06-01; pay C 9 06-02 bill=B;"
        "pay D 7 06-03 bill=B id=Z; back Z D 7 06-04",
    ),
    story(
        "the second was settled, and came back for all that",
        "case C; case D; allocate C 9 06-01; allocate D 7 06-01; pay C 9 06-02 bill=B; pay D 7 06-03 bill=B id=Z;"
        "settle D 7 06-04 bill=B; back Z D 7 06-05",
    ),
    story(
        "advances of two cases are settled by one paper",
        "case C; case D; allocate C 90 06-01; allocate D 70 06-01; pay C+D 70 06-02; settle C 50 06-03 bill=B id=S;"
        "settle D 70 06-03 bill=B id=T",
        "same_bill H B C D 50 27 <- S T",
    ),
]

SAME_AMOUNT = [
    story(
        "the same amount ten days later",
        "case C; allocate C 100 06-01; pay C 50 06-02 id=Y; pay C 50 06-12 id=Z",
        "same_amount H C 50 18 <- Y Z",
    ),
    story("a day later than that", "case C; allocate C 100 06-01; pay C 50 06-02; pay C 50 06-13"),
    story("another amount", "case C; allocate C 100 06-01; pay C 50 06-02; pay C 49 06-03; release A1 1 06-03"),
    story("two bills", "case C; allocate C 100 06-01; pay C 50 06-02 bill=B; pay C 50 06-03 bill=B2"),
    story(
        "one of them only has a bill",
        "case C; allocate C 100 06-01; pay C 50 06-02 id=Y; pay C 50 06-03 bill=B id=Z",
        "same_amount H C 50 27 <- Y Z",
        "over_bills C 50 27 <- Y Z",
    ),
    story("another case", "case C; case D; allocate C 50 06-01; allocate D 50 06-01; pay C+D 50 06-02"),
    story("another hospital", "case C; allocate C 100 06-01; pay C 50 06-02; pay C 50 06-03 hospital=H2"),
    story("one came back", "case C; allocate C 100 06-01 id=A; pay C 50 06-02; pay C 50 06-03 id=Z; back Z C 50 06-04"),
    story(
        "one was reversed", "case C; allocate C 100 06-01 id=A; pay C 50 06-02; pay C 50 06-03 id=Z; reverse Z 06-04"
    ),
]

SAME_CASH = [
    story(
        "one day, two periods",
        "case C; allocate C 100 06-01; grant C 50 06-02 purpose=food period=2026-05 id=G;"
        "grant C 50 06-02 purpose=food period=2026-06 id=J",
        "same_cash C food 50 28 <- G J",
    ),
    story(
        "no purpose and no period",
        "case C; allocate C 90 06-01; grant C 45 06-02 id=G; grant C 45 06-02 id=J",
        "same_cash C 45 28 <- G J",
    ),
    story(
        "another day", "case C; allocate C 90 06-01; grant C 45 06-02 period=2026-05; grant C 45 06-03 period=2026-06"
    ),
    story(
        "another amount",
        "case C; allocate C 90 06-01; grant C 45 06-02 period=2026-05; grant C 44 06-02 period=2026-06",
    ),
    story(
        "another purpose", "case C; allocate C 90 06-01; grant C 45 06-02 purpose=food; grant C 45 06-02 purpose=travel"
    ),
    story(
        "one was repaid",
        "case C; allocate C 90 06-01; grant C 45 06-02 period=2026-05; grant C 45 06-02 period=2026-06 id=G;"
        "repay G 45 06-03",
        "returned_unpaid C 2026-06 45 27 <- G G",
    ),
]

SAME_REFERENCE = [
    story(
        "one reference under two accounts",
        "case C; allocate C 100 06-01; pay C 60 06-02 ref=77 account=a id=Y; grant C 40 06-03 ref=77 account=b id=G",
        "same_bank_ref 77 a b 40 27 <- Y G",
    ),
    story(
        "one account pays several by one transfer",
        "case C; allocate C 100 06-01; pay C 60 06-02 ref=77 account=a; grant C 40 06-03 ref=77 account=a",
    ),
    story(
        "two references",
        "case C; allocate C 100 06-01; pay C 60 06-02 ref=77 account=a; grant C 40 06-03 ref=78 account=b",
    ),
    story(
        "the bank rejected one of them",
        "case C; allocate C 99 06-01; pay C 60 06-02 ref=77 account=a id=Y;"
        "back Y C 60 06-03 id=Z reason=bank_rejected;"
        "pay C 60 06-04 ref=77 account=b",
    ),
    story(
        "one was reversed",
        "case C; allocate C 99 06-01 id=A; pay C 60 06-02 ref=77 account=a id=Y; reverse Y 06-03;"
        "pay C 60 06-04 ref=77 account=b",
    ),
    story(
        "the foundation's own costs and refunds are payments",
        "gift D 50 05-01; refund D 50 06-01 ref=77 account=a id=R; spend 30 06-02 ref=77 account=b id=E",
        "same_bank_ref 77 a b 30 28 <- R E",
    ),
    story("what comes in has its own references", "gift D 50 05-01 ref=77 account=a; spend 30 06-02 ref=77 account=b"),
]

SAME_GIFT = [
    story(
        "two gifts alike, one without a transaction number",
        "gift D 100 06-01 donor=N channel=wx txn=T fee=500; gift E 100 06-01 donor=N channel=wx fee=500",
        "same_gift N wx 100 29 <- D E",
    ),
    story(
        "three without any",
        "gift D 9 06-01 donor=N; gift E 9 06-01 donor=N; gift G 9 06-01 donor=N",
        "same_gift N 18 29 <- D E G",
    ),
    story(
        "transaction numbers tell them apart",
        "gift D 9 06-01 donor=N channel=wx txn=T; gift E 9 06-01 donor=N channel=wx txn=U",
    ),
    story("another donor", "gift D 9 06-01 donor=N; gift E 9 06-01 donor=M"),
    story("they come after the day of the report", "gift D 9 2026-07-01 donor=N; gift E 9 2026-07-01 donor=N"),
    story("an opening balance is no gift", "case C; gift D 9 06-01 donor=N; bring E 9 06-01 donor=N case=C"),
    story("no known donor", "gift D 9 06-01; gift E 9 06-01"),
    story("another day", "gift D 9 06-01 donor=N; gift E 9 06-02 donor=N"),
    story("another amount", "gift D 9 06-01 donor=N; gift E 8 06-01 donor=N"),
    story("another channel", "gift D 9 06-01 donor=N channel=wx; gift E 9 06-01 donor=N channel=bank"),
    story("one was reversed", "gift D 9 06-01 donor=N; gift E 9 06-01 donor=N; reverse E 06-02"),
    story(
        "one was given back but for its fee",
        "gift D 100 06-01 donor=N; gift E 100 06-01 donor=N fee=500; refund E 95 06-02",
    ),
    story(
        "the donor was found out later",
        "gift D 9 06-01 donor=N; gift E 9 06-01; attribute E N",
        "same_gift N 9 29 <- D E",
    ),
]

OVER_BILLS = [
    story(
        "an advance, and then the whole bill",
        "case C; allocate C 180 06-01; pay C 80 06-02 id=Y; pay C 100 06-12 bill=B id=Z",
        "over_bills C 80 18 <- Y Z",
    ),
    story(
        "the bill less the advance",
        "case C; allocate C 100 06-01; pay C 80 06-02; pay C 20 06-12 bill=B of=100",
        "bill_part_paid H B C 80 18 <- Y3",
    ),
    story("no bills, nothing to be above", "case C; allocate C 180 06-01; pay C 80 06-02; pay C 100 06-12"),
    story(
        "the surplus came back",
        "case C; allocate C 180 06-01; pay C 80 06-02 id=Y; pay C 100 06-12 bill=B; back Y C 80 06-20",
    ),
    story(
        "a bill that the settlement names counts",
        "case C; allocate C 180 06-01; pay C 80 06-02; settle C 80 06-10 bill=B2; pay C 100 06-12 bill=B",
    ),
]

STORIES = {
    "same_person": SAME_PERSON,
    "same_household": SAME_HOUSEHOLD,
    "same_bill": SAME_BILL,
    "same_amount": SAME_AMOUNT,
    "same_cash": SAME_CASH,
    "same_bank_ref": SAME_REFERENCE,
    "same_gift": SAME_GIFT,
    "over_bills": OVER_BILLS,
}
"""The stories of each rule."""
