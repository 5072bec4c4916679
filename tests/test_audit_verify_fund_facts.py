"""Refunds, transfers, changed terms, substitutions, expenses, holds, opening balances: sound and tampered."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
from test_audit_verify_chain import Data, Story, check
from test_audit_verify_facts import Named, assert_named, assert_sound, back, issues, moves, names, step, told, world
from test_audit_verify_laws import Change, setting

Step = Callable[[Story], int]


def tape(fund: str, restriction: Data | None = None, **terms: Any) -> Step:
    """A tape more: t7, then t8."""
    return lambda story: story.tape(fund, restriction, **terms)


def refunded(donation: str, amount: int, fee: int, *texts: str, own: str = "R1", on: str = "2026-01-20") -> Step:
    return step("DonationRefunded", f"refund/{own}", on, *texts, donation=donation, amount=amount, fee=fee)


def transferred(amount: int, *texts: str, own: str = "F1", on: str = "2026-01-18", **more: Any) -> Step:
    return step("FundsTransferred", f"transfer/{own}", on, *texts,
                **{"fund": "heart", "to_fund": "eyes", "amount": amount, **more})  # fmt: skip


def termed(amount: int, *texts: str, on: str = "2026-01-18", fund: str = "heart", **more: Any) -> Step:
    return step("TermsChanged", f"fund/{fund}", on, *texts, fund=fund, amount=amount, **more)


def substituted(amount: int, *texts: str, on: str = "2026-01-20", case: str = "C1", **more: Any) -> Step:
    return step("SerialsSubstituted", f"case/{case}", on, *texts, amount=amount, **more)


def spent(amount: int, *texts: str, source: str = "fund", kind: str = "other", **more: Any) -> Step:
    data = {"fund": "heart", "kind": kind, "amount": amount, "from": source, **more}
    return step("ExpenseMade", "expense/E1", "2026-01-20", *texts, **data)


def held(amount: int, *texts: str, own: str = "X", on: str = "2026-01-18", **more: Any) -> Step:
    return step("MoneyHeld", f"hold/{own}", on, *texts, amount=amount, **more)


def lifted(amount: int, *texts: str, own: str = "X", on: str = "2026-01-20") -> Step:
    return step("HoldLifted", f"hold/{own}", on, *texts, amount=amount)


def brought(amount: int, *texts: str, own: str = "O1", **more: Any) -> Step:
    data = {"fund": "heart", "amount": amount, "issue": issues(*texts), **more}
    return step("BalanceBroughtForward", f"donation/{own}", "2026-01-18", **data)


REFUND = refunded("D1", 60, 20, "t1:860-900 fund/heart > refunded", "t2:80-100 fee/heart > refunded")
TRANSFER = transferred(1_350, "t1:0-1300 fund/heart > fund/eyes", "t4:150-200 fund/heart > fund/eyes")
PART = transferred(150, "t1:1150-1300 fund/heart > fund/eyes")
FREED = termed(100, "t3:400-500 fund/heart > fund/heart/t1", donation=None)
RESTRICTED = termed(200, "t1:800-1000 fund/heart > fund/heart/t3")
SWAP = substituted(50, "t3:0-50 used/H1/C1 > fund/heart", "t3:350-400 fund/heart > used/H1/C1")
COST = spent(90, "t1:0-90 fund/heart > cost/heart/other")
FEE_COST = spent(30, "t2:0-30 fee/heart > cost/heart/channel", source="fee", kind="channel")
HOLD = held(70, "t1:10-60 fund/heart > hold/X", "t5:0-20 fund/eyes > hold/X")
LIFT = lifted(30, "t1:50-60 hold/X > fund/heart", "t5:0-20 hold/X > fund/eyes")
AT_FUND = brought(80, "t1:1300-1380 > fund/heart")
AT_CASE = brought(80, "t6:250-330 > case/C1", case="C1", allocation="O1")
LINES = [{"case": "C1", "amount": 30}, {"case": "C3", "amount": 50}]
AT_HOSPITAL = brought(80, "t3:500-530 > hospital/H2/C1", "t3:530-580 > hospital/H2/C3", payment="O1", hospital="H2",
                      lines=LINES)  # fmt: skip
C3 = step("CaseOpened", "case/C3", None, fund="heart",
          attributes={"hospital": "H2", "province": "410000", "person": "P-C3"})  # fmt: skip
ATTRIBUTED = step("DonationAttributed", "donation/D2", None, donor="P-9")
SHUT = step("CaseClosed", "case/C1", "2026-01-19", "t3:250-350 case/C1 > fund/heart", case="C1", reason="other")

SOUND = [
    told(REFUND),
    told(REFUND, refunded("D1", 40, 0, "t1:820-860 fund/heart > refunded", own="R2")),
    told(refunded("D1", 20, 20, "t2:80-100 fee/heart > refunded")),
    told(refunded("D2", 150, 0, "t3:350-500 fund/heart > refunded")),  # nobody's gift; the rest is spent
    # From wherever it is: another fund, other terms; by the terms in force the restricted come first.
    told(PART, refunded("D3", 200, 0, "t1:1100-1150 fund/heart > refunded", "t1:1150-1300 fund/eyes > refunded")),
    told(RESTRICTED, refunded("D1", 30, 0, "t1:770-800 fund/heart > refunded")),
    told(TRANSFER),
    told(RESTRICTED, transferred(1_550, "t1:0-800 fund/heart > fund/eyes", "t1:900-1000 fund/heart/t3 > fund/eyes/t3",
                                 "t1:1000-1300 fund/heart > fund/eyes", "t3:350-500 fund/heart > fund/eyes",
                                 "t4:0-200 fund/heart > fund/eyes")),
    told(FREED, transferred(1_400, "t1:0-1300 fund/heart > fund/eyes", "t3:400-500 fund/heart/t1 > fund/eyes/t1")),
    told(FREED, COST),
    told(FREED, termed(10, "t3:400-410 fund/heart/t1 > fund/heart", on="2026-01-19")),  # its own terms again
    told(tape("heart", expires_on="2026-12-31"), termed(60, "t1:0-10 fund/heart > fund/heart/t7",
                                                        "t3:350-400 fund/heart > fund/heart/t7")),
    told(termed(400, "t1:900-1300 fund/heart > fund/heart/t3", donation="D3")),
    told(SWAP),
    told(substituted(50, "t3:150-200 used/C1 > fund/heart", "t3:450-500 fund/heart > used/C1")),
    told(substituted(100, "t1:0-100 fund/heart > hospital/H1/C1", "t3:50-150 hospital/H1/C1 > fund/heart")),
    told(substituted(9, "t3:250-259 case/C1 > fund/heart", "t4:100-109 fund/heart > case/C1")),
    told(SHUT, SWAP),  # of a closed case
    told(RESTRICTED, substituted(5, "t1:800-805 fund/heart/t3 > used/C1", "t3:150-155 used/C1 > fund/heart")),
    told(COST),
    told(FEE_COST),
    told(tape("heart", usable_from="2026-01-20", expires_on="2026-01-20"), brought(9, "t7:0-9 > fund/heart"),
         spent(9, "t7:0-9 fund/heart > cost/heart/other")),
    told(HOLD, LIFT, lifted(40, "t1:10-50 hold/X > fund/heart")),
    told(held(400, "t1:900-1300 fund/heart > hold/X", donation="D3")),
    told(held(250, "t1:900-1150 fund/heart > hold/Y", own="Y"),
         held(150, "t1:1150-1300 fund/heart > hold/X", donation="D3")),
    told(AT_FUND, refunded("O1", 80, 0, "t1:1300-1380 fund/heart > refunded")),
    told(AT_CASE, step("AllocationReleased", "allocation/O1", "2026-01-20", "t3:270-350 case/C1 > fund/heart",
                       case="C1", amount=80)),
    told(C3, AT_HOSPITAL, step("HospitalPaymentReturned", "payment/O1", "2026-01-20",
                               "t3:550-580 hospital/H2/C3 > case/C3", hospital="H2", case="C3", amount=30,
                               reason="bank_rejected")),
    told(brought(9, "t4:200-209 > fund/heart", donor="P-2")),
    told(ATTRIBUTED),
    told(AT_FUND, step("DonationAttributed", "donation/O1", None, donor="P-9")),
    told(step("SubjectRestricted", "household/H-1", None, subject="household/H-1", until="2057-01-01"),
         step("SubjectErased", "person/P-C1", None, subject="person/P-C1"),
         step("SubjectErased", "donor/P-1", None, subject="donor/P-1")),
]  # fmt: skip


@pytest.mark.parametrize("story", SOUND)
def test_what_the_rules_allow_verifies(story: Callable[[], Story]) -> None:
    assert_sound(story())


REFUNDS: list[Named] = [
    (told(REFUND), setting("policy", None), "names policy ''"),
    (told(REFUND), setting("moves.0", moves("t1:0-40 fund/heart > refunded")[0]), "takes t1:860-900"),
    (told(REFUND), setting("moves.0", moves("t1:900-940 fund/heart > refunded")[0]), "is not all of donation 'D1'"),
    (told(REFUND), setting("moves.1.lo", 79), "21 is moved to 'refunded' for an amount of 20"),
    (told(REFUND), setting("fee", 21), "40 is moved to 'refunded' for an amount of 39"),
    (told(REFUND), setting("fee", 61), "a fee of 61 is part of a refund of 60"),
    (told(REFUND), setting("fee", None), "fee is not an integer"),
    (told(REFUND), setting("donation", "D9"), "donation 'D9' is not known"),
    (told(REFUND), setting("moves.0.to", "out/R"), "does not move money"),
    (told(refunded("D2", 10, 0, "t3:340-350 case/C1 > refunded")), None, "does not move money from 'case/C1'"),
    (told(REFUND, refunded("D1", 5, 0, "t1:855-860 fund/heart > refunded")), None, "made again"),
    (told(RESTRICTED, refunded("D1", 30, 0, "t1:870-900 fund/heart/t3 > refunded")), None, "takes t1:770-800"),
]  # fmt: skip
TRANSFERS: list[Named] = [
    (told(TRANSFER), setting("policy", None), "names policy ''"),
    (told(TRANSFER), setting("basis", None), "names no basis"),
    (told(TRANSFER), setting("basis", {"kind": "plan"}), "names no basis"),
    (told(TRANSFER), setting("basis", {"ref": "7"}), "names no basis"),
    (told(TRANSFER), setting("to_fund", "heart"), "to itself"),
    (told(TRANSFER), setting("amount", 1_351), "for an amount of 1351"),
    (told(TRANSFER), setting("moves.1", moves("t4:0-50 fund/heart > fund/eyes")[0]), "takes t"),
    (told(TRANSFER), setting("moves.0.to", "fund/eyes/t5"), "changes the terms"),
    (told(TRANSFER), setting("moves.0.to", "hold/X"), "does not move money"),
    (told(FREED, transferred(50, "t3:450-500 fund/heart/t1 > fund/eyes")), None, "changes the terms"),
    (told(TRANSFER), setting("to_fund", "nobody"), "does not move money"),
    (told(step("AllocationMade", "allocation/A9", "2026-01-18", "t1:0-9 fund/heart > fund/eyes", case="C1",
               fund="heart", amount=9)), None, "moves t1:0-9 to another fund"),
]  # fmt: skip
TERMS: list[Named] = [
    (told(FREED), setting("basis", None), "names no basis"),
    (told(FREED), setting("policy", "earmark-fifo/1"), "names policy"),
    (told(FREED), setting("amount", 99), "100 is moved for an amount of 99"),
    (told(FREED), setting("moves.0.to", "fund/heart"), "to where it is"),
    (told(FREED), setting("moves.0.to", "fund/heart/t3"), "its own terms are no change"),
    (told(FREED), setting("moves.0.to", "fund/heart/t4"), "becomes agency"),
    (told(FREED), setting("moves.0.to", "fund/heart/t5"), "t5 is a tape of fund 'eyes'"),
    (told(FREED), setting("moves.0.to", "fund/heart/t9"), "t9 is not open"),
    (told(FREED), setting("moves.0.to", "fund/eyes"), "to another fund"),
    (told(FREED), setting("moves.0.to", "hold/X"), "does not move money"),
    (told(FREED), setting("fund", "eyes"), "is not the id of its stream"),
    (told(FREED), setting("donation", "D2"), "of donation 'D2' t3:350-500 is there"),
    (told(FREED), setting("donation", "D9"), "donation 'D9' is not known"),
    (told(termed(20, "t1:0-10 fund/heart > fund/heart/t3", "t3:350-360 fund/heart > fund/heart/t1")), None,
     "under other terms than the serials before"),
    (told(termed(10, "t3:340-350 case/C1 > fund/heart/t1")), None, "its home is"),
    (told(tape("eyes", {"province": ["410000"]}),
          termed(9, "t5:0-9 fund/eyes > fund/eyes/t7", fund="eyes", on="2026-01-19"),
          termed(9, "t5:0-9 fund/eyes/t7 > fund/eyes", fund="eyes", on="2026-01-17")), None, "goes back"),
    # Money of another fund under terms of this one that are like its own: these are its own.
    (told(TRANSFER, termed(9, "t1:0-9 fund/eyes > fund/eyes/t5", fund="eyes")), None, "its own are the same"),
    (told(step("AllocationMade", "allocation/A9", "2026-01-18", "t3:350-359 fund/heart > fund/heart/t1", case="C1",
               fund="heart", amount=9)), None, "changes the terms of t3:350-359"),
]  # fmt: skip
SWAPS: list[Named] = [
    (told(SWAP), setting("basis", None), "names no basis"),
    (told(SWAP), setting("policy", "earmark-fifo/1"), "names policy"),
    (told(SWAP), setting("amount", 100), "50 comes in and 50 goes out for an amount of 100"),
    (told(SWAP), setting("moves.1.hi", 399), "49 comes in and 50 goes out"),
    (told(SWAP), setting("moves.1.to", "used/C1"), "substituted between"),
    (told(SWAP), setting("moves.1.to", "used/H1/C2"), "does not move money"),
    (told(SWAP), setting("moves.0.to", "fund/eyes"), "its home is"),
    (told(SWAP), setting("moves.0.to", "refunded"), "does not move money"),
    (told(SWAP), setting("case", "C2"), "is not the id of its stream"),
    (told(SWAP), setting("moves.1", moves("t1:0-50 fee/heart > used/H1/C1")[0]), "is not there"),
    (told(substituted(20, "t2:0-20 fee/heart > used/H1/C1", "t3:0-20 used/H1/C1 > fund/heart")), None,
     "does not move money from 'fee/heart'"),
    (told(substituted(50, "t1:0-30 fund/heart > used/H1/C1", "t3:0-50 used/H1/C1 > fund/heart",
                      "t5:0-20 fund/eyes > used/H1/C1")), None, "substituted between"),
    (told(substituted(9, "t1:0-9 fund/heart > used/H1/C9", case="C9")), None, "case 'C9' is not open"),
    (told(tape("heart", {"province": ["110000"]}), brought(9, "t7:0-9 > fund/heart"),
          substituted(9, "t3:0-9 used/H1/C1 > fund/heart", "t7:0-9 fund/heart > used/H1/C1")), None,
     "t7:0-9 is restricted by province"),
    (told(tape("heart", expires_on="2026-01-18"), brought(9, "t7:0-9 > fund/heart"),
          substituted(9, "t3:0-9 used/H1/C1 > fund/heart", "t7:0-9 fund/heart > used/H1/C1")), None, "expired on"),
    (told(tape("heart", {"hospital": ["H2"]}), brought(9, "t7:0-9 > fund/heart"),
          substituted(9, "t3:0-9 used/H1/C1 > fund/heart", "t7:0-9 fund/heart > used/H1/C1")), None,
     "restricted by hospital"),
    (told(SHUT, substituted(9, "t1:0-9 fund/heart > case/C1", on="2026-01-20")), None, "is closed and takes no money"),
]  # fmt: skip
EXPENSES: list[Named] = [
    (told(COST), setting("policy", None), "names policy ''"),
    (told(COST), setting("moves.0", moves("t1:10-100 fund/heart > cost/heart/other")[0]), "takes t1:0-90"),
    (told(COST), setting("moves.0", moves("t3:350-440 fund/heart > cost/heart/other")[0]), "pays no expense"),
    (told(COST), setting("moves.0", moves("t4:0-90 fund/heart > cost/heart/other")[0]), "pays no expense"),
    (told(RESTRICTED, spent(90, "t1:800-890 fund/heart/t3 > cost/heart/other")), None, "pays no expense"),
    (told(tape("heart", usable_from="2026-01-21"), brought(9, "t7:0-9 > fund/heart"),
          spent(9, "t7:0-9 fund/heart > cost/heart/other")), None, "may be used only from 2026-01-21"),
    (told(tape("heart", expires_on="2026-01-19"), brought(9, "t7:0-9 > fund/heart"),
          spent(9, "t7:0-9 fund/heart > cost/heart/other")), None, "expired on 2026-01-19"),
    (told(COST), setting("kind", "channel"), "does not move money"),
    (told(COST), setting("kind", "party"), "kind is none of"),
    (told(COST), setting("from", "hold"), "from is none of"),
    (told(COST), setting("from", "fee"), "does not move money from 'fund/heart'"),
    (told(FEE_COST), setting("amount", 31), "30 is moved"),
    (told(FEE_COST), setting("moves.0", moves("t2:1-31 fee/heart > cost/heart/channel")[0]), "takes t2:0-30"),
]  # fmt: skip
HOLDS: list[Named] = [
    (told(HOLD), setting("policy", "earmark-fifo/1"), "names policy"),
    (told(HOLD), setting("amount", 71), "70 is moved for an amount of 71"),
    (told(HOLD), setting("moves.0.to", "hold/Y"), "does not move money from 'fund/heart' to 'hold/Y'"),
    (told(held(10, "t2:0-10 fee/heart > hold/X")), None, "does not move money from 'fee/heart'"),
    (told(held(10, "t3:250-260 case/C1 > hold/X")), None, "does not move money from 'case/C1'"),
    (told(HOLD), setting("donation", "D1"), "of donation 'D1' t1:0-900 is there"),
    (told(HOLD, held(5, "t1:0-5 fund/heart > hold/X")), None, "made again"),
    (told(HOLD, LIFT), setting("policy", "earmark-fifo/1"), "names policy"),
    (told(HOLD, LIFT), setting("amount", 29), "30 is moved for an amount of 29"),
    (told(HOLD, LIFT), setting("moves.0.to", "fund/eyes"), "its home is 'fund/heart'"),
    (told(HOLD, LIFT), setting("moves.0.to", "refunded"), "does not move money"),
    (told(HOLD, held(10, "t1:60-70 fund/heart > hold/Y", own="Y"),
          lifted(10, "t1:60-70 hold/Y > fund/heart")), None, "does not move money from 'hold/Y'"),
    (told(HOLD, lifted(10, "t1:10-20 hold/X > fund/heart", on="2026-01-17")), None, "goes back"),
]  # fmt: skip
OPENINGS: list[Named] = [
    (told(AT_FUND), setting("basis", None), "names no basis"),
    (told(AT_FUND), setting("issue.0.to", "case/C1"), "is not 80 on one tape to 'fund/heart'"),
    (told(AT_FUND), setting("amount", 81), "is not 81 on one tape"),
    (told(AT_FUND), setting("issue", issues("t1:1300-1340 > fund/heart", "t6:250-290 > fund/heart")), "on one tape"),
    (told(AT_FUND), setting("issue", issues("t2:100-180 > fee/heart")), "no tape of fund 'heart'"),
    (told(AT_FUND), setting("issue", issues("t5:300-380 > fund/eyes")), "no tape of fund 'heart'"),
    (told(AT_FUND), setting("issue", None), "no tape of fund 'heart'"),
    (told(AT_FUND), setting("moves", moves("t1:0-9 fund/heart > hold/X")), "moves money"),
    (told(AT_FUND), setting("case", "C1"), "neither at a fund, a case nor a hospital"),
    (told(AT_CASE), setting("allocation", "O2"), "serves under another id"),
    (told(AT_CASE), setting("case", "C2"), "is not 80 on one tape to 'case/C2'"),
    (told(brought(9, "t3:500-509 > case/C2", case="C2", allocation="O1")), None, "restricted by province"),
    (told(SHUT, AT_CASE), None, "case 'C1' is closed"),
    (told(brought(9, "t3:500-509 > case/C9", case="C9", allocation="O1")), None, "case 'C9' is not open"),
    (told(brought(9, "t3:500-509 > case/C1", own="A1", case="C1", allocation="A1")), None,
     "'allocation/A1' is made by entry"),
    (told(AT_CASE, step("AllocationMade", "allocation/O1", "2026-01-20", "t3:350-359 fund/heart > case/C1", case="C1",
                        fund="heart", amount=9)), None, "'allocation/O1' is made by entry"),
    (told(C3, AT_HOSPITAL), setting("amount", 79), "the lines come to 80 for an amount of 79"),
    (told(C3, AT_HOSPITAL), setting("lines", LINES[::-1]), "is not 80 on one tape to 'hospital/H2/C3'"),
    (told(C3, AT_HOSPITAL), setting("hospital", "H1"), "is not 80 on one tape"),
    (told(C3, brought(9, "t6:250-259 > hospital/H2/C3", payment="O1", hospital="H2",
                      lines=[{"case": "C3", "amount": 9}])), None, "restricted by hospital"),
    (told(SHUT, brought(9, "t3:500-509 > hospital/H1/C1", payment="O1", hospital="H1",
                        lines=[{"case": "C1", "amount": 9}])), None, "case 'C1' is not open"),
    (told(AT_FUND, brought(9, "t1:1380-1389 > fund/heart")), None, "made again"),
]  # fmt: skip
GIFTS: list[Named] = [
    (told(ATTRIBUTED), setting("donor", None), "donor is not an id"),
    (told(ATTRIBUTED, ATTRIBUTED), None, "donation 'D2' is attributed already"),
    (told(step("DonationAttributed", "donation/D1", None, donor="P-9")), None, "came with its donor"),
    (told(step("DonationAttributed", "donation/D9", None, donor="P-9")), None, "donation 'D9' is not known"),
    (told(back("DonationReceived", "D3", "2026-01-20", "t1:900-1300 fund/heart > void"),
          step("DonationAttributed", "donation/D3", None, donor="P-9")), None, "donation 'D3' was reversed"),
    (told(ATTRIBUTED), setting("moves", moves("t1:0-9 fund/heart > hold/X")), "without a posting date"),
    (told(step("DonationAttributed", "donation/D2", "2026-01-20", "t1:0-9 fund/heart > hold/X", donor="P")), None,
     "moves money"),
    (told(step("SubjectErased", "person/P-C1", None, subject="person/P-C1")), setting("/stream", "case/P-C1"),
     "is not its stream"),
    (told(step("SubjectErased", "fund/F", None, subject="fund/F")), None, "no person or record"),
    (told(step("SubjectErased", "donor/P-1", "2026-01-20", "t1:0-9 fund/heart > hold/X", subject="donor/P-1")), None,
     "moves money"),
]  # fmt: skip
ALL = [*REFUNDS, *TRANSFERS, *TERMS, *SWAPS, *EXPENSES, *HOLDS, *OPENINGS, *GIFTS]


@pytest.mark.parametrize(("story", "change", "what"), ALL, ids=names(ALL))
def test_what_they_forbid_is_named(story: Callable[[], Story], change: Change | None, what: str) -> None:
    assert_named(story(), change, what)


# What a gift may say besides

FOREIGN = {"currency": "USD", "amount": 1_404, "exponent": 2, "rate": "7.1234", "rate_on": "2026-01-17"}


def gift(**more: Any) -> Step:
    return lambda story: story.gift("D9", "t1", 100, "2026-01-18", **copy.deepcopy(more))


COMMITMENTS = {"donor_name": "0" * 63 + "a"}


def test_a_gift_may_name_payer_receipt_foreign_money_and_commitments() -> None:
    more = {"foreign": FOREIGN, "payer": "P-5", "receipt_to": "P-6", "commitments": COMMITMENTS}
    assert_sound(told(gift(**more))())


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (setting("payer", ""), "payer is not an id"),
        (setting("receipt_to", 7), "receipt_to is not an id"),
        (setting("foreign", "USD"), "foreign is not an object"),
        (setting("foreign.currency", "usd"), "three capital letters"),
        (setting("foreign.currency", 7), "three capital letters"),
        (setting("foreign.amount", 0), "amount is not an integer above 0"),
        (setting("foreign.exponent", None), "exponent is not an integer"),
        (setting("foreign.rate", 7), "no decimal as text"),
        (setting("foreign.rate", "7,1"), "no decimal as text"),
        (setting("foreign.rate_on", None), "rate_on of foreign money is missing"),
        (setting("foreign.rate_on", "2026-02-30"), "rate_on is not a date"),
        (setting("commitments", {"name": "0" * 63}), "64 lower-case hex digits"),
        (setting("commitments", ["0" * 64]), "64 lower-case hex digits"),
        (setting("commitments", {"name": 7}), "64 lower-case hex digits"),
    ],
)
def test_what_it_says_besides_has_its_form(change: Change, what: str) -> None:
    assert_named(told(gift(foreign=FOREIGN, commitments=COMMITMENTS))(), change, what)


def test_any_fact_may_carry_commitments() -> None:
    story = world()
    story.case("C7", "heart")
    story.entries[-1]["data"]["commitments"] = COMMITMENTS
    story.tape("heart", {"province": ["650000"]}, commitments=COMMITMENTS)
    assert check(story.bytes()).problems == ()


def test_a_place_under_terms_that_are_not_open_does_not_stop_the_judging() -> None:
    story = world()
    wrong = termed(9, "t1:0-9 fund/heart > fund/heart/t99")(story)
    spent(90, "t1:0-9 fund/heart/t99 > cost/heart/other", "t1:9-90 fund/heart > cost/heart/other")(story)
    report = check(story.bytes())
    assert [problem.seq for problem in report.problems] == [wrong]
