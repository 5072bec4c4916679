"""Money that comes back, closings and cases: what the verifier holds each such fact to, sound and tampered.

The world below is the same for the facts of every file; `NAMED` rows are a story, a change to its last entry, and what
the report must say of that entry.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable
from typing import Any

import pytest
from test_audit_verify_chain import Data, Story, anything, check
from test_audit_verify_laws import Change, both, setting

Named = tuple[Callable[[], Story], Change | None, str]

BASIS = {"kind": "consent", "ref": "L-1"}
BY_POLICY = {
    "AllocationReleased",
    "HospitalPaymentReturned",
    "GrantReturned",
    "DonationRefunded",
    "FundsTransferred",
    "ExpenseMade",
    "AllocationMade",
    "HospitalPaymentMade",
    "TreatmentSettled",
    "CashGranted",
}
ON_A_BASIS = {"FundsTransferred", "TermsChanged", "SerialsSubstituted", "BalanceBroughtForward"}


def moves(*texts: str) -> list[Data]:
    """`"t3:250-350 case/C1 > fund/heart"` as a move, and so on."""
    found = []
    for text in texts:
        match = re.fullmatch(r"(t\d+):(\d+)-(\d+) (\S+) > (\S+)", text)
        assert match is not None, text
        tape, lo, hi, source, target = match.groups()
        found.append({"tape": tape, "lo": int(lo), "hi": int(hi), "from": source, "to": target})
    return found


def issues(*texts: str) -> list[Data]:
    """`"t3:250-350 > fund/heart"` as an issue, and so on."""
    turned = moves(*(text.replace(" > ", " x > ") for text in texts))
    return [{name: value for name, value in one.items() if name != "from"} for one in turned]


def add(story: Story, kind: str, stream: str, on: str | None, /, *texts: str, **data: Any) -> int:
    """One entry with these moves; its own id, policy and basis are given where its kind has them. Its seq."""
    noun, own = stream.split("/", 1)
    members: Data = {} if kind in ("EntryReversed", "TermsChanged", "CaseClosed") else {noun: own}
    members |= {"policy": "earmark-fifo/1"} if kind in BY_POLICY else {}
    members |= {"basis": BASIS} if kind in ON_A_BASIS else {}
    members |= {"moves": moves(*texts)} if texts else {}
    return story.add(kind, stream, **members | {"on": on} | copy.deepcopy(data))


def reverse(story: Story, seq: int, on: str, *texts: str, **more: Any) -> int:
    """An EntryReversed with these moves."""
    stream = story.entries[seq]["stream"]
    return add(story, "EntryReversed", stream, on, *texts, reverses=seq, record=stream, **more)


def world() -> Story:
    """Gifts to two funds, and money of case C1 at every stage:

    case/C1 t3:250-350, hospital/H1/C1 t3:50-150, used/H1/C1 t6:0-250 t3:0-50, used/C1 t3:150-250; at fund/heart
    t1:0-1300 t3:350-500 t4:0-200, at fee/heart t2:0-100, at fund/eyes t5:0-300.
    """
    story = Story()
    for fund in ("heart", "eyes"):
        story.fund(fund)
    for hospital in ("H1", "H2"):
        story.hospital(hospital)
    story.tape("heart")  # t1
    story.tape("heart", nature="fee")  # t2
    story.tape("heart", {"province": ["410000"]})  # t3
    story.tape("heart", {"person": ["P-C1"]}, nature="agency")  # t4
    story.tape("eyes")  # t5
    story.tape("heart", {"hospital": ["H1"]}, expires_on="2026-06-30")  # t6
    story.case("C1", "heart", province="410000")
    story.case("C2", "heart", province="110000")
    story.gift("D1", "t1", 1_000, "2026-01-02", fee_bp=1_000, donor="P-1", channel="bank", channel_txn="T-1")
    story.gift("D2", "t3", 500, "2026-01-03")
    story.gift("D3", "t1", 400, "2026-01-04")
    story.gift("D4", "t4", 200, "2026-01-05", donor="P-2")
    story.gift("D5", "t5", 300, "2026-01-05", donor="P-2")
    story.gift("D6", "t6", 250, "2026-01-05", donor="P-2")
    story.allocate("A1", "C1", "heart", 600, "2026-01-10", {"t3", "t6"}.__contains__)
    lines = [
        {"case": "C1", "amount": 300, "bill_no": "B-1", "bill_amount": 350},
        {"case": "C1", "amount": 100, "bill_no": "B-2"},
    ]
    cash = [{"account": "6222", "amount": 400, "bank_ref": "R-1"}]
    story.pay("Y1", "H1", lines, "2026-01-12", anything, cash=cash)
    story.settle("S1", "H1", "C1", 300, "2026-01-14")
    story.grant("G1", "C1", 100, "2026-01-16", anything, purpose="travel", period="2026-01")
    return story


def seq_of(story: Story, kind: str, own: str) -> int:
    """The seq of the first entry of a type on the stream of an id."""
    return next(
        seq
        for seq, entry in enumerate(story.entries)
        if entry["type"] == kind and entry["stream"].split("/", 1)[1] == own
    )


def told(*steps: Callable[[Story], object]) -> Callable[[], Story]:
    """A story of the world with some steps more."""

    def tell() -> Story:
        story = world()
        for step in steps:
            step(story)
        return story

    return tell


def step(kind: str, stream: str, on: str | None, /, *texts: str, **data: Any) -> Callable[[Story], int]:
    """One entry, to be told later."""
    return lambda story: add(story, kind, stream, on, *texts, **data)


def back(kind: str, own: str, on: str, *texts: str) -> Callable[[Story], int]:
    """The reversal of an entry, to be told later."""
    return lambda story: reverse(story, seq_of(story, kind, own), on, *texts)


def assert_sound(story: Story) -> None:
    report = check(story.bytes())
    assert report.problems == ()
    assert report.judged == len(story.entries)
    assert report.unknown_types == {}


def assert_named(story: Story, change: Change | None, what: str) -> None:
    """The last entry, changed, is the one and only problem."""
    if change is not None:
        change(story.entries[-1])
    report = check(story.bytes())
    assert [problem.seq for problem in report.problems] == [len(story.entries) - 1]
    assert what in report.problems[0].what


def names(rows: list[Named]) -> list[str]:
    return [what for _, _, what in rows]


def release(amount: int, *texts: str, on: str = "2026-01-20", own: str = "A1") -> Callable[[Story], int]:
    return step("AllocationReleased", f"allocation/{own}", on, *texts, case="C1", amount=amount)


def returned(amount: int, *texts: str, on: str = "2026-01-20", **more: Any) -> Callable[[Story], int]:
    data = {"hospital": "H1", "case": "C1", "amount": amount, "reason": "surplus", "bill_no": "B-1", **more}
    return step("HospitalPaymentReturned", "payment/Y1", on, *texts, **data)


def repaid(amount: int, *texts: str, on: str = "2026-01-20") -> Callable[[Story], int]:
    return step("GrantReturned", "grant/G1", on, *texts, case="C1", amount=amount)


def closed(on: str | None, *texts: str, **more: Any) -> Callable[[Story], int]:
    return step("CaseClosed", "case/C1", on, *texts, **{"case": "C1", "reason": "completed", **more})


def allocated(
    own: str, amount: int, *texts: str, on: str = "2026-01-18", fund: str = "heart"
) -> Callable[[Story], int]:
    return step("AllocationMade", f"allocation/{own}", on, *texts, case="C1", fund=fund, amount=amount)


A2 = allocated("A2", 50, "t3:350-400 fund/heart > case/C1")
FROM_EYES = allocated("A3", 30, "t5:0-30 fund/eyes > case/C1", fund="eyes")
CLOSED = closed("2026-01-19", "t3:250-350 case/C1 > fund/heart")
RELEASED = release(60, "t3:290-350 case/C1 > fund/heart")
RETURNED = returned(60, "t3:90-150 hospital/H1/C1 > case/C1")
RETURNED_MORE = returned(130, "t3:20-50 used/H1/C1 > case/C1", "t3:50-150 hospital/H1/C1 > case/C1")
REPAID = repaid(40, "t3:210-250 used/C1 > case/C1")
REOPENED = step("CaseReopened", "case/C1", None)

SOUND = [
    told(),
    told(RELEASED),
    told(RELEASED, release(40, "t3:250-290 case/C1 > fund/heart")),
    told(A2, release(60, "t3:340-400 case/C1 > fund/heart")),  # whichever allocation they came by
    told(FROM_EYES, release(50, "t3:330-350 case/C1 > fund/heart", "t5:0-30 case/C1 > fund/eyes")),
    told(allocated("A2", 50, "t3:350-400 fund/heart > case/C1", on="2026-02-02"), RELEASED),  # not there yet
    told(RETURNED),
    told(RETURNED_MORE),
    # What is paid later is not there yet, so the settled money comes back.
    told(step("HospitalPaymentMade", "payment/Y2", "2026-02-01", "t3:250-300 case/C1 > hospital/H1/C1", hospital="H1",
              lines=[{"case": "C1", "amount": 50}]), RETURNED_MORE),
    told(RETURNED, returned(40, "t3:50-90 hospital/H1/C1 > case/C1", bill_no="B-2", reason="re-billed")),
    told(CLOSED, returned(130, "t3:20-50 used/H1/C1 > fund/heart", "t3:50-150 hospital/H1/C1 > fund/heart")),
    told(REPAID),
    told(CLOSED, repaid(100, "t3:150-250 used/C1 > fund/heart")),
    told(CLOSED, step("TreatmentSettled", "settlement/S2", "2026-01-20", "t3:50-150 hospital/H1/C1 > used/H1/C1",
                      hospital="H1", case="C1", amount=100)),
    told(FROM_EYES, closed("2026-01-19", "t3:250-350 case/C1 > fund/heart", "t5:0-30 case/C1 > fund/eyes")),
    told(closed("2026-01-19", "t3:250-350 case/C1 > fund/heart", reason="moved"), REOPENED,
         allocated("A2", 100, "t3:250-350 fund/heart > case/C1", on="2026-01-19")),
    told(step("CaseClosed", "case/C2", "2026-01-01", case="C2", reason="other")),
]  # fmt: skip


@pytest.mark.parametrize("story", SOUND)
def test_what_comes_back_as_the_rules_say_verifies(story: Callable[[], Story]) -> None:
    assert_sound(story())


RELEASES: list[Named] = [
    (told(RELEASED), setting("policy", None), "names policy ''"),
    (told(RELEASED), setting("moves", moves("t3:250-310 case/C1 > fund/heart")), "earmark-fifo/1 takes t3:290-350"),
    (told(RELEASED), setting("amount", 59), "60 is moved from 'case/C1' for an amount of 59"),
    (told(RELEASED), setting("moves.0.to", "fund/eyes"), "its home is 'fund/heart'"),
    (told(RELEASED), setting("moves.0.to", "refunded"), "does not move money from 'case/C1' to 'refunded'"),
    (told(RELEASED), setting("moves", moves("t3:190-250 used/C1 > fund/heart")), "does not move money"),
    (told(RELEASED), setting("case", "C2"), "of which 0 stands for 'C2'"),
    (told(RELEASED), setting("issue", issues("t3:500-501 > fund/heart")), "issues money"),
    (told(RELEASED), setting("/stream", "allocation/A9"), "is not the id of its stream"),
    (told(RELEASED), setting("on", "2026-01-09"), "goes back"),
    (told(RELEASED), setting("release", ""), "release is not an id"),
    (told(release(60, "t3:290-350 case/C1 > fund/heart", own="A9")), None, "there is no 'allocation/A9'"),
    (told(A2, release(60, "t3:340-400 case/C1 > fund/heart", own="A2")), None, "of which 50 stands for 'C1'"),
    (told(A2, release(30, "t3:370-400 case/C1 > fund/heart", own="A2"),
          release(30, "t3:340-370 case/C1 > fund/heart", own="A2")), None, "'allocation/A2', of which 20 stands"),
    (told(A2, back("AllocationMade", "A2", "2026-01-18", "t3:350-400 case/C1 > fund/heart"),
          release(10, "t3:340-350 case/C1 > fund/heart", own="A2")), None, "'allocation/A2' was reversed"),
]  # fmt: skip


@pytest.mark.parametrize(("story", "change", "what"), RELEASES, ids=names(RELEASES))
def test_a_release_goes_home_from_the_back_and_is_no_more_than_the_allocation(
    story: Callable[[], Story], change: Change | None, what: str
) -> None:
    assert_named(story(), change, what)


RETURNS: list[Named] = [
    (told(RETURNED), setting("policy", "lifo/1"), "names policy 'lifo/1'"),
    (told(RETURNED), setting("moves", moves("t3:50-110 hospital/H1/C1 > case/C1")), "takes t3:90-150"),
    (told(RETURNED), setting("moves", moves("t3:0-50 used/H1/C1 > case/C1", "t3:140-150 hospital/H1/C1 > case/C1")),
     "10 is moved to 'case/C1' for an amount of 60"),
    (told(RETURNED), setting("moves.0.to", "fund/heart"), "does not move money from 'hospital/H1/C1'"),
    (told(CLOSED, RETURNED), None, "case 'C1' is closed and takes no money"),
    (told(CLOSED, returned(60, "t3:90-150 hospital/H1/C1 > fund/eyes")), None, "its home is"),
    (told(RETURNED_MORE), setting("moves.0", moves("t3:0-30 used/H1/C1 > case/C1")[0]), "takes t3:20-50"),
    (told(RETURNED), setting("hospital", "H2"), "went to hospital 'H1', not 'H2'"),
    (told(RETURNED), setting("case", "C2"), "stands for 'C2'"),
    (told(RETURNED), setting("reason", "change of heart"), "reason is none of surplus"),
    (told(RETURNED), setting("bill_no", None), "have bills, but none is named"),
    (told(RETURNED), setting("bill_no", "B-9"), "of which 0 stands for 'C1' on bill 'B-9'"),
    (told(returned(110, "t3:40-50 used/H1/C1 > case/C1", "t3:50-150 hospital/H1/C1 > case/C1", bill_no="B-2")), None,
     "110 comes back of 'payment/Y1', of which 100 stands for 'C1' on bill 'B-2'"),
    (told(returned(90, "t3:60-150 hospital/H1/C1 > case/C1", bill_no="B-2"),
          returned(20, "t3:40-50 used/H1/C1 > case/C1", "t3:50-60 hospital/H1/C1 > case/C1", bill_no="B-2")), None,
     "of which 10 stands for 'C1' on bill 'B-2'"),
    (told(RETURNED), both(setting("/stream", "payment/Y9"), setting("payment", "Y9"), setting("/version", 1)),
     "there is no 'payment/Y9'"),
    (told(back("TreatmentSettled", "S1", "2026-01-18", "t3:0-50 used/H1/C1 > hospital/H1/C1",
               "t6:0-250 used/H1/C1 > hospital/H1/C1"),
          back("HospitalPaymentMade", "Y1", "2026-01-18", "t3:0-150 hospital/H1/C1 > case/C1",
               "t6:0-250 hospital/H1/C1 > case/C1"),
          returned(10, "t3:340-350 case/C1 > fund/heart")), None, "'payment/Y1' was reversed"),
]  # fmt: skip


@pytest.mark.parametrize(("story", "change", "what"), RETURNS, ids=names(RETURNS))
def test_a_return_comes_from_the_hospital_first_and_is_no_more_than_the_payment(
    story: Callable[[], Story], change: Change | None, what: str
) -> None:
    assert_named(story(), change, what)


GRANTS: list[Named] = [
    (told(REPAID), setting("policy", None), "names policy ''"),
    (told(REPAID), setting("moves.0", moves("t3:150-190 used/C1 > case/C1")[0]), "takes t3:210-250"),
    (told(REPAID), setting("moves.0.to", "fund/heart"), "does not move money"),
    (told(CLOSED, REPAID), None, "case 'C1' is closed"),
    (told(REPAID), setting("amount", 41), "40 is moved to 'case/C1' for an amount of 41"),
    (told(REPAID, repaid(61, "t3:150-210 used/C1 > case/C1")), None, "61 comes back of 'grant/G1', of which 60"),
    (told(back("CashGranted", "G1", "2026-01-18", "t3:150-250 used/C1 > case/C1"), REPAID), None, "is not there"),
]  # fmt: skip


@pytest.mark.parametrize(("story", "change", "what"), GRANTS, ids=names(GRANTS))
def test_a_grant_comes_back_from_the_back_and_no_more_than_it_was(
    story: Callable[[], Story], change: Change | None, what: str
) -> None:
    assert_named(story(), change, what)


CLOSINGS: list[Named] = [
    (told(CLOSED), setting("moves", None), "nothing is moved where the closing moves t3:250-350 from 'case/C1'"),
    (told(CLOSED), setting("moves.0.hi", 349), "where the closing moves t3:250-350"),
    (told(CLOSED), setting("moves.0.to", "fund/eyes"), "its home is"),
    (told(CLOSED), setting("policy", "earmark-fifo/1"), "names policy"),
    (told(CLOSED), setting("reason", "cured"), "reason is none of completed"),
    (told(CLOSED), setting("case", "C2"), "is not the id of its stream"),
    (told(closed("2026-01-19", "t3:250-350 case/C1 > fund/heart", reason=None)), None, "reason is none of"),
    (told(CLOSED, closed("2026-01-19")), None, "is closed already"),
    (told(step("CaseClosed", "case/C2", None, case="C2", reason="other")), None, "without a posting date"),
    (told(step("CaseClosed", "case/C9", "2026-01-19", case="C9", reason="other")), None, "case 'C9' is not open"),
    # Money reached the case later and is gone again, or the entry was reversed.
    (told(allocated("A2", 50, "t3:350-400 fund/heart > case/C1", on="2026-01-25"),
          release(50, "t3:350-400 case/C1 > fund/heart", on="2026-01-26"), CLOSED), None,
     "money reached case 'C1' on 2026-01-25"),
    (told(allocated("A2", 50, "t3:350-400 fund/heart > case/C1", on="2026-01-25"),
          back("AllocationMade", "A2", "2026-01-26", "t3:350-400 case/C1 > fund/heart"), CLOSED), None,
     "money reached case 'C1' on 2026-01-25"),
    (told(step("BalanceBroughtForward", "donation/O1", "2026-01-25", issue=issues("t1:1300-1310 > case/C1"),
               fund="heart", amount=10, case="C1", allocation="O1"),
          back("BalanceBroughtForward", "O1", "2026-01-25", "t1:1300-1310 case/C1 > void"), CLOSED), None,
     "money reached case 'C1' on 2026-01-25"),
    (told(CLOSED, allocated("A2", 50, "t3:450-500 fund/heart > case/C1", on="2026-01-20")), None,
     "case 'C1' is closed and takes no money"),
    (told(REOPENED), None, "is open already"),
    (told(CLOSED, step("CaseReopened", "case/C1", "2026-01-20", "t3:250-350 fund/heart > case/C1")), None,
     "case 'C1' is closed and takes no money"),
    (told(CLOSED, step("CaseReopened", "case/C1", "2026-01-20", "t1:0-9 fund/heart > hold/X")), None, "moves money"),
    (told(step("CaseReopened", "case/C9", None)), None, "case 'C9' is not open"),
]  # fmt: skip


@pytest.mark.parametrize(("story", "change", "what"), CLOSINGS, ids=names(CLOSINGS))
def test_closing_sends_everything_home_and_nothing_came_later(
    story: Callable[[], Story], change: Change | None, what: str
) -> None:
    assert_named(story(), change, what)


# Cases: the same person or household twice


def opened(own: str, person: str | None, **more: Any) -> Callable[[Story], int]:
    attributes = {"hospital": "H1"} | ({"person": person} if person else {})
    return step("CaseOpened", f"case/{own}", None, fund="heart", attributes=attributes, **more)


def amended(own: str, person: str | None, hospital: str = "H1", **more: Any) -> Callable[[Story], int]:
    attributes = {"hospital": hospital} | ({"person": person} if person else {})
    return step("CaseAmended", f"case/{own}", None, attributes=attributes, **more)


def shut(own: str) -> Callable[[Story], int]:
    return step("CaseClosed", f"case/{own}", "2026-01-19", case=own, reason="completed")


GUARDED_SOUND = [
    told(opened("C3", "P-3"), opened("C4", "P-3", purpose="travel")),
    told(opened("C3", "P-3"), opened("C4", "P-3", approved_by=["boss"])),
    told(opened("C3", "P-3"), shut("C3"), opened("C4", "P-3")),
    told(opened("C3", "P-3"), amended("C3", "P-4"), opened("C4", "P-3")),
    told(opened("C3", None), opened("C4", None)),
    told(opened("C3", "P-3"), opened("C4", "P-3", approved_by=["boss"]), amended("C4", "P-3", "H2")),  # unchanged
    told(opened("C3", "P-3"), opened("C4", "P-4"), shut("C4"), amended("C4", "P-3")),  # closed
    told(opened("C3", "P-3"), opened("C4", "P-4"), amended("C4", "P-3", approved_by=["boss"])),
    told(opened("C3", "P-3", household="X"), opened("C4", "P-4", household="X", approved_by=["boss"]),
         amended("C4", "P-5")),
    told(opened("C3", "P-3"), shut("C3"), step("CaseReopened", "case/C3", None)),
    told(opened("C3", "P-3"), shut("C3"), opened("C4", "P-3"),
         step("CaseReopened", "case/C3", None, approved_by=["boss"])),
]  # fmt: skip

GUARDED: list[Named] = [
    (told(opened("C3", "P-3"), opened("C4", "P-3")), None, "the same person has another open case of this purpose"),
    (told(opened("C3", "P-3"), opened("C4", "P-3")), setting("approved_by", []), "'C3', without approval"),
    (told(opened("C3", "P-3", household="X"), opened("C4", "P-4", household="X")), None, "the same household"),
    (told(opened("C3", "P-3"), opened("C4", "P-4"), amended("C4", "P-3")), None, "the same person"),
    (told(opened("C3", "P-3"), shut("C3"), opened("C4", "P-3"), step("CaseReopened", "case/C3", None)), None,
     "the same person has another open case of this purpose, 'C4'"),
    (told(opened("C3", "P-3"), opened("C4", "P-4"), shut("C4"), amended("C4", "P-3"),
          step("CaseReopened", "case/C4", None)), None, "the same person"),
    (told(amended("C1", "P-C1", "H9")), None, "hospital 'H9' is not registered"),
    (told(amended("C9", "P-9")), None, "case 'C9' is not open"),
]  # fmt: skip


@pytest.mark.parametrize("story", GUARDED_SOUND)
def test_one_open_case_of_a_purpose_or_an_approved_one_verifies(story: Callable[[], Story]) -> None:
    assert_sound(story())


@pytest.mark.parametrize(("story", "change", "what"), GUARDED, ids=names(GUARDED))
def test_a_second_open_case_of_a_person_is_named(story: Callable[[], Story], change: Change | None, what: str) -> None:
    assert_named(story(), change, what)


@pytest.mark.parametrize(
    "told_of",
    [
        step("FundOpened", "fund/new", "2026-01-20", name="x"),
        step("HospitalRegistered", "hospital/new", "2026-01-20", name="x"),
        step("CodeDefined", "ledger/main", "2026-01-20", dimension="disease", code="new", name="x"),
        step("TapeOpened", "fund/heart", "2026-01-20", tape="t7", nature="own", restriction={"disease": ["x"]}),
        step("CaseOpened", "case/C7", "2026-01-20", fund="heart", attributes={}),  # no hospital is known yet
        step("CaseAmended", "case/C2", "2026-01-20", attributes={"person": "P-C2"}),
    ],
)
def test_what_is_told_of_things_moves_no_money(told_of: Callable[[Story], int]) -> None:
    story = told(told_of)
    assert_sound(story())
    assert_named(story(), setting("moves", moves("t1:0-9 fund/heart > hold/X")), "issues or moves money")
    assert_named(story(), setting("issue", issues("t1:1300-1309 > fund/heart")), "issues or moves money")


# Restrictions are not judged on what an amended case already has


def test_money_now_forbidden_is_released_but_neither_paid_nor_granted() -> None:
    other = {"person": "P-C1", "hospital": "H1", "province": "110000"}
    amended = step("CaseAmended", "case/C1", None, attributes=other)
    assert_sound(told(amended, RELEASED)())
    grant = step("CashGranted", "grant/G2", "2026-01-20", "t3:250-260 case/C1 > used/C1", case="C1", amount=10)
    assert_named(told(amended, grant)(), None, "t3:250-260 is restricted by province")
