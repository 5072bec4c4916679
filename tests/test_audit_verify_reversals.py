"""Reversals: exactly the entry turned round, once, and only while nothing rests on it; and what they free."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from test_audit_verify_chain import Data, Story, check
from test_audit_verify_facts import (
    A2,
    CLOSED,
    RELEASED,
    REPAID,
    RETURNED,
    Named,
    add,
    allocated,
    assert_named,
    assert_sound,
    back,
    issues,
    moves,
    names,
    release,
    repaid,
    returned,
    reverse,
    step,
    told,
)
from test_audit_verify_fund_facts import (
    AT_CASE,
    AT_FUND,
    AT_HOSPITAL,
    ATTRIBUTED,
    C3,
    COST,
    FEE_COST,
    FREED,
    HOLD,
    LIFT,
    PART,
    REFUND,
    SWAP,
    Step,
    gift,
    lifted,
    refunded,
    transferred,
)
from test_audit_verify_laws import Change, setting

from audit import verify

DAY = "2026-01-25"


def undone(*texts: str, on: str | None = DAY) -> Step:
    """The reversal of the last entry."""
    return lambda story: reverse(story, len(story.entries) - 1, on, *texts)  # type: ignore[arg-type]  # handed on


def paid(own: str, amount: int, *texts: str, key: str | None = None, **line: object) -> Step:
    cash = [{"account": "6222", "bank_ref": key}] if key else None
    data: Data = {"hospital": "H1", "lines": [{"case": "C1", "amount": amount, **line}], "cash": cash}
    return step("HospitalPaymentMade", f"payment/{own}", "2026-01-21", *texts, **data)


def granted(own: str, amount: int, *texts: str, period: str | None, purpose: str | None = "travel") -> Step:
    data: Data = {"case": "C1", "amount": amount, "purpose": purpose, "period": period}
    return step("CashGranted", f"grant/{own}", "2026-01-21", *texts, **data)


BLESSED = step("MoneyBlessed", "money/1", "2026-01-20", "t1:0-9 fund/heart > hold/X",
               issue=issues("t1:1300-1310 > case/C1"))  # fmt: skip
UNHELD = lifted(70, "t1:10-60 hold/X > fund/heart", "t5:0-20 hold/X > fund/eyes")
GONE_D1 = back("DonationReceived", "D1", DAY, "t1:0-900 fund/heart > void", "t2:0-100 fee/heart > void")
GONE_D3 = back("DonationReceived", "D3", DAY, "t1:900-1300 fund/heart > void")
D3_FOUND = step("DonationAttributed", "donation/D3", None, donor="P-9")
UNSETTLED = back("TreatmentSettled", "S1", "2026-01-20", "t3:0-50 used/H1/C1 > hospital/H1/C1",
                 "t6:0-250 used/H1/C1 > hospital/H1/C1")  # fmt: skip
UNPAID = back("HospitalPaymentMade", "Y1", "2026-01-20", "t3:0-150 hospital/H1/C1 > case/C1",
              "t6:0-250 hospital/H1/C1 > case/C1")  # fmt: skip
THERE = transferred(450, "t1:1150-1300 fund/eyes > fund/heart", "t5:0-300 fund/eyes > fund/heart", own="F2",
                    fund="eyes", to_fund="heart")  # fmt: skip
AND_BACK = transferred(450, "t1:1150-1300 fund/heart > fund/eyes", "t5:0-300 fund/heart > fund/eyes", own="F3")

SOUND = [
    told(GONE_D1),
    told(HOLD, UNHELD, GONE_D1),  # gone and back: an issue needs only that its serials are there
    told(A2, undone("t3:350-400 case/C1 > fund/heart")),
    told(RELEASED, undone("t3:290-350 fund/heart > case/C1")),
    told(paid("Y2", 50, "t3:250-300 case/C1 > hospital/H1/C1"), undone("t3:250-300 hospital/H1/C1 > case/C1")),
    told(RETURNED, undone("t3:90-150 case/C1 > hospital/H1/C1")),
    told(UNSETTLED, UNPAID),
    told(back("CashGranted", "G1", "2026-01-20", "t3:150-250 used/C1 > case/C1")),
    told(REPAID, undone("t3:210-250 case/C1 > used/C1")),
    told(CLOSED, repaid(40, "t3:210-250 used/C1 > fund/heart"), undone("t3:210-250 fund/heart > used/C1")),
    told(REFUND, undone("t1:860-900 refunded > fund/heart", "t2:80-100 refunded > fee/heart")),
    told(PART, undone("t1:1150-1300 fund/eyes > fund/heart")),
    told(FREED, undone("t3:400-500 fund/heart/t1 > fund/heart")),
    told(SWAP, undone("t3:0-50 fund/heart > used/H1/C1", "t3:350-400 used/H1/C1 > fund/heart")),
    told(COST, undone("t1:0-90 cost/heart/other > fund/heart")),
    told(FEE_COST, undone("t2:0-30 cost/heart/channel > fee/heart")),
    told(HOLD, undone("t1:10-60 hold/X > fund/heart", "t5:0-20 hold/X > fund/eyes")),
    told(HOLD, LIFT, undone("t1:50-60 fund/heart > hold/X", "t5:0-20 fund/eyes > hold/X")),
    told(AT_FUND, undone("t1:1300-1380 fund/heart > void")),
    told(AT_CASE, undone("t6:250-330 case/C1 > void")),
    told(C3, AT_HOSPITAL, undone("t3:500-530 hospital/H2/C1 > void", "t3:530-580 hospital/H2/C3 > void")),
    told(ATTRIBUTED, undone()),
    told(ATTRIBUTED, undone(), ATTRIBUTED),
    told(D3_FOUND, undone(), GONE_D3),
    told(PART, THERE, undone("t1:1150-1300 fund/heart > fund/eyes", "t5:0-300 fund/heart > fund/eyes"),
         back("FundsTransferred", "F1", DAY, "t1:1150-1300 fund/eyes > fund/heart")),  # what came later is undone too
    told(A2, release(10, "t3:390-400 case/C1 > fund/heart", own="A2"), undone("t3:390-400 fund/heart > case/C1"),
         back("AllocationMade", "A2", DAY, "t3:350-400 case/C1 > fund/heart")),
]  # fmt: skip


@pytest.mark.parametrize("story", SOUND)
def test_an_entry_turned_round_verifies(story: Callable[[], Story]) -> None:
    assert_sound(story())


def test_an_entry_of_an_unknown_kind_can_be_reversed_too() -> None:
    story = told(BLESSED, undone("t1:0-9 hold/X > fund/heart", "t1:1300-1310 case/C1 > void"))()
    report = check(story.bytes())
    assert (report.problems, report.unknown_types) == ((), {"MoneyBlessed": 1})


A4 = allocated("A4", 50, "t3:400-450 fund/heart > case/C1")
GONE_A2 = back("AllocationMade", "A2", DAY, "t3:350-400 case/C1 > fund/heart")
HELD_AND_BACK = told(HOLD, undone("t1:10-60 hold/X > fund/heart", "t5:0-20 hold/X > fund/eyes"))
REVERSALS: list[Named] = [
    (HELD_AND_BACK, setting("moves.0.hi", 59), "t1:10-59 from 'hold/X' to 'fund/heart' is moved where the reversal"),
    (HELD_AND_BACK, setting("moves", moves("t1:10-60 hold/X > fund/heart")), "nothing is moved where the reversal"),
    (HELD_AND_BACK, setting("moves.1.to", "fund/heart"), "its home is 'fund/eyes'"),
    (HELD_AND_BACK, setting("moves.1.to", "void"), "where the reversal of entry 23 moves t5:0-20"),
    (HELD_AND_BACK, setting("moves", None), "nothing is moved where the reversal of entry 23 moves t1:10-60"),
    (HELD_AND_BACK, setting("policy", "earmark-fifo/1"), "names policy"),
    (HELD_AND_BACK, setting("issue", issues("t1:1300-1301 > fund/heart")), "issues money"),
    (HELD_AND_BACK, setting("on", "2026-01-17"), "goes back"),
    (HELD_AND_BACK, setting("record", "hold/Y"), "is not its stream"),
    (HELD_AND_BACK, setting("record", "hold"), "record is no stream"),
    (HELD_AND_BACK, setting("record", 7), "record is no stream"),
    (HELD_AND_BACK, setting("reverses", 14), "entry 14, which is reversed, does not come before on stream 'hold/X'"),
    (HELD_AND_BACK, setting("reverses", 24), "entry 24, which is reversed, does not come before"),
    (HELD_AND_BACK, setting("reverses", 9_999), "entry 9999, which is reversed, does not come before"),
    (HELD_AND_BACK, setting("reverses", None), "reverses is not an integer"),
    (told(ATTRIBUTED, undone(on=None)), None, "reversed without a posting date"),
    (told(ATTRIBUTED, undone(), back("DonationAttributed", "D2", DAY)), None, "entry 23 was reversed already"),
    (told(HOLD, undone("t1:10-60 hold/X > fund/heart", "t5:0-20 hold/X > fund/eyes"),
          undone("t1:10-60 fund/heart > hold/X", "t5:0-20 fund/eyes > hold/X")), None, "of type EntryReversed"),
    (told(CLOSED, back("CaseClosed", "C1", DAY)), None, "of type CaseClosed, which is never reversed"),
    (told(back("CaseOpened", "C1", DAY)), None, "moved no money"),
    (told(back("TapeOpened", "heart", DAY)), None, "moved no money"),
    # A serial is not where the entry put it.
    (told(A2, release(10, "t3:390-400 case/C1 > fund/heart"), GONE_A2), None, "t3:390 is not there"),
    (told(refunded("D1", 9, 0, "t1:891-900 fund/heart > refunded"), GONE_D1), None, "t1:891 is not there"),
    (told(transferred(9, "t1:1291-1300 fund/heart > fund/eyes"), GONE_D3),
     setting("moves", moves("t1:900-1291 fund/heart > void", "t1:1291-1300 fund/eyes > void")),
     "where the reversal of entry 15 moves t1:900-1300 from 'fund/heart' to 'void'"),
    # It is there again, but a later entry that stands moved it.
    (told(PART, THERE, AND_BACK, back("FundsTransferred", "F1", DAY, "t1:1150-1300 fund/eyes > fund/heart")), None,
     "entry 24, which stands, moved what entry 23 had moved"),
    # What names it stands, though its own serials are all there.
    (told(A2, A4, release(10, "t3:440-450 case/C1 > fund/heart", own="A2"), GONE_A2), None,
     "something came back of 'allocation/A2'"),
    (told(paid("Y2", 50, "t3:250-300 case/C1 > hospital/H1/C1"), paid("Y3", 50, "t3:300-350 case/C1 > hospital/H1/C1"),
          step("HospitalPaymentReturned", "payment/Y2", "2026-01-21", "t3:320-350 hospital/H1/C1 > case/C1",
               hospital="H1", case="C1", amount=30, reason="insurance"),
          back("HospitalPaymentMade", "Y2", DAY, "t3:250-300 hospital/H1/C1 > case/C1")), None,
     "something came back of 'payment/Y2'"),
    (told(granted("G2", 50, "t3:250-300 case/C1 > used/C1", period="2"),
          granted("G3", 50, "t3:300-350 case/C1 > used/C1", period="3"),
          step("GrantReturned", "grant/G2", "2026-01-21", "t3:340-350 used/C1 > case/C1", case="C1", amount=10),
          back("CashGranted", "G2", DAY, "t3:250-300 used/C1 > case/C1")), None, "something came back of 'grant/G2'"),
    (told(D3_FOUND, GONE_D3), None, "entry 23, which stands, says whose 'donation/D3' is"),
    (told(AT_CASE, release(10, "t3:340-350 case/C1 > fund/heart", own="O1"),
          back("BalanceBroughtForward", "O1", DAY, "t6:250-330 case/C1 > void")), None,
     "something came back of 'allocation/O1'"),
    (told(C3, AT_HOSPITAL,
          step("HospitalPaymentReturned", "payment/O1", "2026-01-20", "t3:550-580 hospital/H2/C3 > case/C3",
               hospital="H2", case="C3", amount=30, reason="surplus"),
          step("HospitalPaymentMade", "payment/Y5", "2026-01-20", "t3:550-580 case/C3 > hospital/H2/C3",
               hospital="H2", lines=[{"case": "C3", "amount": 30}]),
          back("BalanceBroughtForward", "O1", DAY, "t3:500-530 hospital/H2/C1 > void",
               "t3:530-580 hospital/H2/C3 > void")), None, "something came back of 'payment/O1'"),
    (told(D3_FOUND, undone(on=DAY), D3_FOUND, GONE_D3), None, "entry 25, which stands, says whose 'donation/D3' is"),
    # A closed case is not refilled.
    (told(RELEASED, step("CaseClosed", "case/C1", "2026-01-20", "t3:250-290 case/C1 > fund/heart", case="C1",
                         reason="other"),
          back("AllocationReleased", "A1", DAY, "t3:290-350 fund/heart > case/C1")), None,
     "case 'C1' is closed and takes no money"),
]  # fmt: skip


@pytest.mark.parametrize(("story", "change", "what"), REVERSALS, ids=names(REVERSALS))
def test_anything_but_the_whole_entry_turned_round_once_is_named(
    story: Callable[[], Story], change: Change | None, what: str
) -> None:
    assert_named(story(), change, what)


def parted(first: str = "hold/X") -> Story:
    """An entry in two parts, reversed by one in two parts."""
    story = told()()
    for kind, texts, more in (
        ("MoneyHeld", ("t1:0-10 fund/heart > hold/X", "t1:20-30 fund/heart > hold/X"), {"hold": "X", "amount": 20}),
        ("EntryReversed", ("t1:0-10 hold/X > fund/heart", "t1:20-30 hold/X > fund/heart"), {"record": "hold/X"}),
    ):
        data: Data = {**more} if kind == "MoneyHeld" else {**more, "reverses": len(story.entries) - 2}
        seq = add(story, kind, first, DAY, texts[0], part=1, **data)
        story.add(kind, first, part=2, of=seq, last=True, moves=moves(texts[1]))
        story.entries[-1]["at"] = story.entries[seq]["at"]
    return story


def test_entries_of_several_parts_are_reversed_as_one() -> None:
    report = check(parted().bytes())
    assert report.problems == ()
    assert (1, 0, 900, "fund/heart", "", "2026-01-02") not in list(report.places())
    assert [row[3] for row in report.places() if row[:2] == (1, 0)] == ["fund/heart"]


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (setting("reverses", 24), "entry 24 moved no money"),  # its second part
        (setting("moves", moves("t1:0-9 hold/X > fund/heart")), "t1:0-9 from 'hold/X' to 'fund/heart' is moved where"),
    ],
)
def test_a_reversal_in_parts_names_part_1_and_turns_all_round(change: Change, what: str) -> None:
    story = parted()
    change(story.entries[25])
    report = check(story.bytes())
    assert [problem.seq for problem in report.problems] == [25]
    assert what in report.problems[0].what


LOOKED_UP = [
    told(REFUND, back("DonationReceived", "D3", DAY, "t1:900-1300 fund/heart > void")),
    told(ATTRIBUTED, AT_FUND, refunded("O1", 80, 0, "t1:1300-1380 fund/heart > refunded")),
    told(step("DonationAttributed", "donation/D1", None, donor="P-9")),
    told(refunded("D1", 9, 0, "t1:891-900 fund/heart > refunded"), GONE_D1),
]


@pytest.mark.parametrize("story", LOOKED_UP)
def test_what_the_disk_remembers_of_a_gift_does_not_depend_on_how_it_was_read(
    story: Callable[[], Story], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    chain = story().bytes()
    expected = check(chain).as_json()
    by_two = verify.Way(entries=2)
    assert check(chain, way=by_two).as_json() == expected
    monkeypatch.setattr(verify, "SPILL_BYTES", 300)  # part of it on disk, part in memory
    assert check(chain, way=by_two, spill_dir=tmp_path).as_json() == expected
    monkeypatch.setattr(verify.ChunkReader, "add_gift", lambda *_: False)
    assert check(chain, way=by_two, spill_dir=tmp_path).as_json() == expected
    assert not list(tmp_path.iterdir())


# Business keys and bills

ALL_BACK_1 = returned(300, "t3:0-50 used/H1/C1 > case/C1", "t3:50-150 hospital/H1/C1 > case/C1",
                      "t6:100-250 used/H1/C1 > case/C1")  # fmt: skip
ALL_BACK_2 = returned(100, "t6:0-100 used/H1/C1 > case/C1", bill_no="B-2")
AGAIN = ("t3:0-150 case/C1 > hospital/H1/C1", "t6:0-250 case/C1 > hospital/H1/C1")
REPAID_ALL = repaid(100, "t3:150-250 used/C1 > case/C1")
GRANT_AGAIN = granted("G2", 100, "t3:150-250 case/C1 > used/C1", period="2026-01")
T_1: Data = {"channel": "bank", "channel_txn": "T-1"}

KEYS_FREE = [
    told(GONE_D1, gift(**T_1)),
    told(ALL_BACK_1, ALL_BACK_2, paid("Y2", 400, *AGAIN, key="R-1")),
    told(UNSETTLED, UNPAID, paid("Y2", 400, *AGAIN, key="R-1")),
    told(ALL_BACK_1, ALL_BACK_2, undone("t6:0-100 case/C1 > used/H1/C1")),
    told(ALL_BACK_1, ALL_BACK_2, paid("Y2", 400, *AGAIN, key="R-1"),
         undone("t3:0-150 hospital/H1/C1 > case/C1", "t6:0-250 hospital/H1/C1 > case/C1"),
         lambda story: reverse(story, len(story.entries) - 3, DAY, "t6:0-100 case/C1 > used/H1/C1")),
    told(REPAID_ALL, GRANT_AGAIN),
    told(back("CashGranted", "G1", "2026-01-20", "t3:150-250 used/C1 > case/C1"), GRANT_AGAIN),
    told(granted("G2", 9, "t3:250-259 case/C1 > used/C1", period=None),
         granted("G3", 9, "t3:259-268 case/C1 > used/C1", period="2026-01", purpose=None),
         granted("G4", 9, "t3:268-277 case/C1 > used/C1", period=None, purpose=None),
         granted("G5", 9, "t3:277-286 case/C1 > used/C1", period=None, purpose=None)),
    told(step("HospitalPaymentMade", "payment/Y2", "2026-01-21", "t3:250-259 case/C1 > hospital/H1/C1", hospital="H1",
              lines=[{"case": "C1", "amount": 9}], cash=[{"account": "6222"}, {"bank_ref": "R-1"}]),
         step("HospitalPaymentMade", "payment/Y3", "2026-01-21", "t3:259-268 case/C1 > hospital/H1/C1", hospital="H1",
              lines=[{"case": "C1", "amount": 9}], cash=[{"account": "6222"}, {"bank_ref": "R-1"}])),
    # The bill B-1 is for 350, of which 300 are paid.
    told(paid("Y2", 50, "t3:250-300 case/C1 > hospital/H1/C1", bill_no="B-1", bill_amount=9)),
    told(RETURNED, paid("Y2", 110, "t3:90-150 case/C1 > hospital/H1/C1", "t3:250-300 case/C1 > hospital/H1/C1",
                        bill_no="B-1")),
    told(ALL_BACK_1, paid("Y2", 400, "t3:0-150 case/C1 > hospital/H1/C1", "t3:250-350 case/C1 > hospital/H1/C1",
                          "t6:100-250 case/C1 > hospital/H1/C1", bill_no="B-1")),
    told(UNSETTLED, UNPAID, paid("Y2", 400, *AGAIN, bill_no="B-1")),
    told(ALL_BACK_1, undone("t3:0-50 case/C1 > used/H1/C1", "t3:50-150 case/C1 > hospital/H1/C1",
                            "t6:100-250 case/C1 > used/H1/C1"),
         paid("Y2", 50, "t3:250-300 case/C1 > hospital/H1/C1", bill_no="B-1")),
]  # fmt: skip

KEYS_TAKEN: list[Named] = [
    # A refund frees nothing, nor does a part that comes back.
    (told(refunded("D1", 900, 0, "t1:0-900 fund/heart > refunded"), gift(**T_1)), None, "in use since entry 13"),
    (told(GONE_D1, gift(**T_1), lambda story: story.gift("D8", "t1", 5, DAY, **T_1)), None, "in use since entry 24"),
    (told(ALL_BACK_1, paid("Y2", 250, "t3:0-100 case/C1 > hospital/H1/C1", "t6:100-250 case/C1 > hospital/H1/C1",
                           key="R-1")), None, "its business key is in use since entry 20"),
    (told(ALL_BACK_1, ALL_BACK_2, undone("t6:0-100 case/C1 > used/H1/C1"),
          paid("Y2", 10, "t6:100-110 case/C1 > hospital/H1/C1", key="R-1")), None, "in use since entry 20"),
    (told(ALL_BACK_1, ALL_BACK_2, paid("Y2", 10, "t6:0-10 case/C1 > hospital/H1/C1", key="R-1"),
          lambda story: reverse(story, len(story.entries) - 3, DAY, "t3:0-50 case/C1 > used/H1/C1",
                                "t3:50-150 case/C1 > hospital/H1/C1", "t6:100-250 case/C1 > used/H1/C1")), None,
     "its business key is in use since entry 25"),
    (told(REPAID, granted("G2", 10, "t3:210-220 case/C1 > used/C1", period="2026-01")), None, "in use since entry 22"),
    (told(granted("G2", 9, "t3:250-259 case/C1 > used/C1", period=None),
          granted("G3", 9, "t3:259-268 case/C1 > used/C1", period=None)), None, "in use since entry 23"),
    (told(granted("G2", 9, "t3:250-259 case/C1 > used/C1", period="1", purpose=None),
          granted("G3", 9, "t3:259-268 case/C1 > used/C1", period="1", purpose=None)), None, "in use since entry 23"),
    (told(REPAID_ALL, GRANT_AGAIN, granted("G3", 9, "t3:250-259 case/C1 > used/C1", period="2026-01")), None,
     "in use since entry 24"),
    (told(AT_CASE, REPAID_ALL, granted("G2", 9, "t6:250-259 case/C1 > used/C1", period="2026-01"),
          back("GrantReturned", "G1", DAY, "t3:150-250 case/C1 > used/C1")), None, "in use since entry 25"),
    (told(paid("Y2", 51, "t3:250-301 case/C1 > hospital/H1/C1", bill_no="B-1", bill_amount=999)), None,
     "351 is paid on a bill of 350 (first paid in entry 20)"),
    (told(RETURNED, paid("Y2", 111, "t3:90-150 case/C1 > hospital/H1/C1", "t3:250-301 case/C1 > hospital/H1/C1",
                         bill_no="B-1")), None, "351 is paid on a bill of 350"),
    # A return is reversed when others filled the bill meanwhile.
    (told(AT_CASE, RETURNED, paid("Y2", 80, "t6:250-330 case/C1 > hospital/H1/C1", bill_no="B-1"),
          back("HospitalPaymentReturned", "Y1", DAY, "t3:90-150 case/C1 > hospital/H1/C1")), None,
     "380 is paid on a bill of 350 (first paid in entry 20)"),
    # A bill that was forgotten stands again with the limit that its payment had set.
    (told(ALL_BACK_1, undone("t3:0-50 case/C1 > used/H1/C1", "t3:50-150 case/C1 > hospital/H1/C1",
                             "t6:100-250 case/C1 > used/H1/C1"),
          paid("Y2", 51, "t3:250-301 case/C1 > hospital/H1/C1", bill_no="B-1")), None, "351 is paid on a bill of 350"),
]  # fmt: skip


@pytest.mark.parametrize("story", KEYS_FREE)
def test_what_came_back_or_was_reversed_frees_its_keys_and_bills(story: Callable[[], Story]) -> None:
    assert_sound(story())


@pytest.mark.parametrize(("story", "change", "what"), KEYS_TAKEN, ids=names(KEYS_TAKEN))
def test_what_stands_keeps_its_keys_and_bills(story: Callable[[], Story], change: Change | None, what: str) -> None:
    assert_named(story(), change, what)
