"""Every breach of a law in an otherwise well chained history is named at its entry."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
from test_audit_verify_chain import Data, Story, anything, chained, check, every_known_fact

from audit import verify

Change = Callable[[Data], None]


def find(entries: list[Data], kind: str, own: str = "") -> int:
    """The seq of the first entry of a type whose stream's id, or tape, is `own`."""
    for seq, entry in enumerate(entries):
        if entry["type"] == kind and own in ("", entry["stream"].split("/", 1)[1], entry["data"].get("tape")):
            return seq
    raise LookupError(kind, own)


def first_problem(story: Story) -> tuple[int | None, str]:
    report = check(story.bytes())
    assert not report.ok
    return report.problems[0].seq, report.problems[0].what


def setting(path: str, value: Any) -> Change:
    """Set a member of `data`, or of the entry itself with a leading slash; `None` takes it away. Dots go deeper."""

    def change(entry: Data) -> None:
        where: Any = entry if path.startswith("/") else entry["data"]
        *steps, last = path.lstrip("/").split(".")
        for step in steps:
            where = where[int(step)] if isinstance(where, list) else where[step]
        key: Any = int(last) if isinstance(where, list) else last
        if value is None:
            del where[key]
        else:
            where[key] = value

    return change


def both(*changes: Change) -> Change:
    def change(entry: Data) -> None:
        for one in changes:
            one(entry)

    return change


def move(tape: str, lo: int, hi: int, source: str, target: str) -> Data:
    return {"tape": tape, "lo": lo, "hi": hi, "from": source, "to": target}


def issue(tape: str, lo: int, hi: int, to: str) -> Data:
    return {"tape": tape, "lo": lo, "hi": hi, "to": to}


HEART_C1 = ("fund/heart", "case/C1")
BREACHES: list[tuple[str, str, Change, str]] = [
    # type, own id, what is altered, what the report must say
    ("DonationReceived", "D1", setting("amount", 10_001), "10000 is issued for an amount of 10001"),
    ("DonationReceived", "D1", setting("fee_bp", 565), "floor(amount × fee_bp / 10000) is 565"),
    ("DonationReceived", "D1", setting("issue", [issue("t1", 0, 10_000, "fund/heart")]), "the fee issued is 0"),
    ("DonationReceived", "D1", setting("issue.1", issue("t2", 0, 554, "fee/heart")), "the fee issued is 554"),
    ("DonationReceived", "D1", setting("issue.1.to", "fund/heart"), "t2, a tape of nature fee"),
    ("DonationReceived", "D2", setting("issue.0.lo", 1), "the tape ends at 0"),
    ("DonationReceived", "D6", setting("issue.0", issue("t7", 5, 705, "fund/eyes")), "the tape ends at 0"),
    ("DonationReceived", "D2", setting("issue.0", issue("t3", 5, 3_005, "fund/heart")), "the tape ends at 0"),
    ("DonationReceived", "D7", setting("issue.0", issue("t3", 2_999, 3_999, "fund/heart")), "the tape ends at 3000"),
    ("DonationReceived", "D1",
     setting("issue", [issue("t1", 0, 555, "fund/heart"), issue("t2", 0, 9_445, "fee/heart")]), "fee issued is 9445"),
    ("DonationReceived", "D1",
     setting("issue", [issue("t2", 0, 555, "fee/heart"), issue("t1", 0, 9_445, "fund/heart")]), "are not sorted"),
    ("DonationReceived", "D7", setting("issue.0.lo", 2_999), "the tape ends at 3000"),
    ("DonationReceived", "D2", setting("issue", [issue("t3", 0, 1, "fund/heart"),
                                                  issue("t3", 1, 3_000, "fund/heart")]),
     "adjacent issues"),
    ("DonationReceived", "D2", setting("issue.0.tape", "t7"), "not a place of its fund 'eyes'"),
    ("DonationReceived", "D2", setting("issue.0.tape", "t99"), "t99 is not open"),
    ("DonationReceived", "D2", setting("issue.0.to", "fund/eyes"), "not a place of its fund"),
    ("DonationReceived", "D2", setting("issue.0.to", "fund/nobody"), "fund 'nobody' is not open"),
    ("DonationReceived", "D2", setting("issue.0.to", "purse/heart"), "is no place"),
    ("DonationReceived", "D2", setting("fund", "nobody"), "fund 'nobody' is not open"),
    ("DonationReceived", "D2", setting("on", None), "without a posting date"),
    ("DonationReceived", "D2", setting("on", "2026-01-04"), "after the day of recording"),
    ("DonationReceived", "D2", setting("on", "2026-02-30"), "on is not a date"),
    ("DonationReceived", "D2", setting("source", "lottery"), "source is none of"),
    ("DonationReceived", "D2", setting("donation", "D1"), "is not the id of its stream"),
    ("DonationReceived", "D2", both(setting("/stream", "donation/D1"), setting("donation", "D1")),
     "version is 1 where 2"),
    ("DonationReceived", "D2", both(setting("/stream", "donation/D1"), setting("donation", "D1"),
                                    setting("/version", 2)),
     "is made again"),
    ("DonationReceived", "D3", setting("line", "1"), "business key is in use since entry 18"),
    ("DonationReceived", "D2", setting("/version", 2), "made again"),
    ("DonationReceived", "D5",
     setting("issue", [issue("t2", 555, 580, "fee/heart"), issue("t6", 0, 475, "fund/heart")]),
     "the fee issued is 25"),
    ("DonationReceived", "D5",
     both(setting("fee_bp", 500),
          setting("issue", [issue("t2", 555, 580, "fee/heart"), issue("t6", 0, 475, "fund/heart")])),
     "taken from agency money"),
    ("DonationReceived", "D4", setting("moves", [move("t1", 0, 10, *HEART_C1)]), "moves money"),
    ("TapeOpened", "t5", setting("tape", "t6"), "opens where t5 should"),
    ("TapeOpened", "t5", setting("cap_per_case", 1_000), "cap_per_case, which this verifier does not know"),
    ("TapeOpened", "t5", setting("restriction", {"province": []}), "is not a list of codes"),
    ("TapeOpened", "t5", setting("restriction", {"province": ["2", "1"]}), "not sorted"),
    ("TapeOpened", "t5", setting("restriction", {"province": ["1", "1"]}), "not sorted and unique"),
    ("TapeOpened", "t5", setting("restriction", {f"d{n}": ["x"] for n in range(9)}), "at most 8 dimensions"),
    ("TapeOpened", "t5", setting("restriction", {"person": ["P"]}), "names a person"),
    ("TapeOpened", "t5", setting("nature", "agency"), "exactly one person"),
    ("TapeOpened", "t5", setting("nature", "gift"), "not own, agency or fee"),
    ("TapeOpened", "t5", setting("fund", "eyes"), "is not the id of its stream"),
    ("TapeOpened", "t2", setting("restriction", {"province": ["1"]}), "a fee tape is restricted"),
    ("TapeOpened", "t4", setting("expires_on", "2026-06-30"), "the same terms"),
    ("CaseOpened", "C1", setting("fund", "nobody"), "fund 'nobody' is not open"),
    ("CaseOpened", "C1", setting("attributes.hospital", "H9"), "hospital 'H9' is not registered"),
    ("CaseAmended", "C1", setting("attributes.hospital", "H9"), "hospital 'H9' is not registered"),
    ("AllocationMade", "A1", setting("policy", None), "names policy ''"),
    ("AllocationMade", "A1", setting("policy", "lifo/1"), "names policy 'lifo/1'"),
    ("AllocationMade", "A1", setting("amount", 4_999), "5000 is moved to 'case/C1' for an amount of 4999"),
    ("AllocationMade", "A1", setting("case", "C9"), "case 'C9' is not open"),
    ("AllocationMade", "A1", setting("fund", "eyes"), "does not move money from 'fund/heart'"),
    ("AllocationMade", "A1", setting("moves", [move("t3", 0, 3_000, *HEART_C1), move("t4", 0, 1_999, *HEART_C1),
                                               move("t8", 0, 1, *HEART_C1)]),
     "t4:0-1999 is taken where earmark-fifo/1 takes t4:0-2000"),
    ("AllocationMade", "A1", setting("moves", [move("t3", 0, 3_000, *HEART_C1), move("t5", 0, 2_000, *HEART_C1)]),
     "may be used only from 2026-02-01"),
    ("AllocationMade", "A1", setting("moves.1.lo", 1), "4999 is moved"),
    ("AllocationMade", "A1", setting("moves.1", move("t4", 0, 2_001, *HEART_C1)), "t4:2000 is not there"),
    ("AllocationMade", "A1", setting("moves.1", move("t3", 3_000, 5_000, *HEART_C1)), "t3:4000 is not there"),
    ("AllocationMade", "A1", setting("moves", [move("t1", 0, 5_000, *HEART_C1)]), "is taken where"),
    ("AllocationMade", "A1", setting("moves.0.from", "fund/eyes"), "is not there"),
    ("AllocationMade", "A1", setting("moves.0.to", "case/C2"), "does not move money"),
    ("AllocationMade", "A1", setting("moves", [move("t4", 0, 2_000, *HEART_C1), move("t3", 0, 3_000, *HEART_C1)]),
     "not sorted"),
    ("AllocationMade", "A1", setting("moves", [move("t3", 0, 9, *HEART_C1), move("t3", 9, 3_000, *HEART_C1),
                                               move("t4", 0, 2_000, *HEART_C1)]),
     "not written as one"),
    ("AllocationMade", "A1", setting("moves", [move("t3", 0, 3_000, *HEART_C1), move("t3", 2_999, 3_000, *HEART_C1)]),
     "t3:2999 is moved twice"),
    ("AllocationMade", "A1", setting("on", "2026-01-02"), "on 2026-01-02 goes back: t3:0 came"),
    ("AllocationMade", "A2", setting("moves.0", move("t5", 0, 1_500, "fund/heart", "case/C2")),
     "may be used only from"),
    ("AllocationMade", "A2", setting("moves", [move("t1", 0, 4_500, "fund/heart", "case/C2"),
                                               move("t6", 0, 500, "fund/heart", "case/C2")]),
     "t6:0-500 is restricted by person"),
    ("HospitalPaymentMade", "Y1", setting("hospital", "H9"), "hospital 'H9' is not registered"),
    ("HospitalPaymentMade", "Y1", setting("lines.1.case", "C9"), "case 'C9' is not open"),
    ("HospitalPaymentMade", "Y1", setting("lines.1.amount", 1_001), "for an amount of 1001"),
    ("HospitalPaymentMade", "Y1", setting("lines.1.amount", 0), "not an integer above 0"),
    ("HospitalPaymentMade", "Y1", setting("lines", []), "lines is not a list of objects"),
    ("HospitalPaymentMade", "Y1", setting("lines", 7), "lines is not a list of objects"),
    ("HospitalPaymentMade", "Y1", setting("lines", ["C1"]), "lines is not a list of objects"),
    ("HospitalPaymentMade", "Y1", setting("lines.0.bill_amount", 2_999), "3000 is paid on a bill of 2999"),
    ("HospitalPaymentMade", "Y1", setting("moves.1.hi", 2_001), "t4:2000 is not there"),
    ("HospitalPaymentMade", "Y2", setting("moves.0", move("t8", 1_000, 1_500, "case/C2", "hospital/H2/C2")),
     "restricted by hospital"),
    ("HospitalPaymentMade", "Y2", setting("cash", [{"account": "6222", "amount": 1, "bank_ref": "R-1"}]),
     "business key is in use"),
    ("TreatmentSettled", "S1", setting("amount", 2_701), "for an amount of 2701"),
    ("TreatmentSettled", "S1", setting("hospital", "H2"), "does not move money"),
    ("CashGranted", "G2", setting("period", "2026-01"), "business key is in use"),
    ("CashGranted", "G1", setting("moves.0.to", "used/H1/C1"), "does not move money"),
    ("CashGranted", "G1", setting("moves.0.to", "refunded"), "does not move money"),
    ("CodeDefined", "main", setting("/stream", "ledger/other"), "CodeDefined is not on stream ledger/main"),
    ("FundOpened", "eyes", setting("issue", [issue("t1", 0, 1, "fund/eyes")]), "t1 is not open"),
    ("HospitalRegistered", "H2", setting("on", "2027-01-01"), "after the day of recording"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "own", "change", "what"), BREACHES)
def test_a_breach_is_named_at_its_entry(kind: str, own: str, change: Change, what: str) -> None:
    story = every_known_fact()
    seq = find(story.entries, kind, own)
    change(story.entries[seq])
    found, said = first_problem(story)
    assert (found, said) == (seq, said)
    assert what in said


def test_expired_money_may_not_be_allocated() -> None:
    story = Story()
    story.fund("heart")
    story.hospital("H1")
    story.tape("heart", expires_on="2026-01-31")
    story.case("C1", "heart")
    story.gift("D1", "t1", 100, "2026-01-05")
    last_day = copy.deepcopy(story)
    last_day.allocate("A1", "C1", "heart", 100, "2026-01-31", anything)
    assert check(last_day.bytes()).ok
    seq = story.allocate("A1", "C1", "heart", 100, "2026-02-01", anything)
    assert first_problem(story) == (seq, "t1:0-100 expired on 2026-01-31, before 2026-02-01")


def test_serials_not_there_yet_are_passed_over() -> None:
    story = Story()
    story.fund("heart")
    story.hospital("H1")
    story.tape("heart", {"province": ["410000"]})
    story.tape("heart")
    story.case("C1", "heart", province="410000")
    story.gift("D1", "t2", 100, "2026-01-05")
    story.gift("D2", "t1", 100, "2026-01-20")
    early = story.allocate("A1", "C1", "heart", 30, "2026-01-10", anything)
    assert story.entries[early]["data"]["moves"][0]["tape"] == "t2"
    story.allocate("A2", "C1", "heart", 30, "2026-01-20", anything)
    assert check(story.bytes()).problems == ()
    story.entries[early]["data"]["moves"][0]["tape"] = "t1"
    assert first_problem(story) == (early, "on 2026-01-10 goes back: t1:0 came to 'fund/heart' only on 2026-01-20")


def simple() -> Story:
    """One unrestricted gift of 100 in each of two funds, one case."""
    story = Story()
    for fund in ("heart", "eyes"):
        story.fund(fund)
    story.hospital("H1")
    story.tape("heart")
    story.tape("eyes")
    story.tape("heart", {"province": ["410000"]})
    story.case("C1", "heart", province="410000")
    story.gift("D1", "t1", 100, "2026-01-02")
    story.gift("D2", "t2", 100, "2026-01-02")
    return story


def odd(story: Story, *moves: Data, on: str | None = "2026-01-03", kind: str = "MoneyBlessed", **more: Any) -> int:
    """A fact of an unknown kind."""
    return story.add(kind, f"blessing/{len(story.entries)}", on=on, moves=list(moves), **more)


def test_an_unknown_fact_moves_money_and_is_named() -> None:
    story = simple()
    odd(story, move("t1", 0, 40, "fund/heart", "hold/X"))
    odd(story, move("t1", 0, 30, "hold/X", "fund/heart"))
    odd(story, issue=[issue("t1", 100, 150, "case/C1")])
    report = check(story.bytes())
    assert report.ok
    assert report.unknown_types == {"MoneyBlessed": 3}
    assert list(report.places()) == [
        (1, 0, 30, "fund/heart", "", "2026-01-03"),
        (1, 30, 40, "hold/X", "fund/heart", "2026-01-03"),
        (1, 40, 100, "fund/heart", "", "2026-01-02"),
        (1, 100, 150, "case/C1", "fund/heart", "2026-01-03"),
        (2, 0, 100, "fund/eyes", "", "2026-01-02"),
    ]


@pytest.mark.parametrize(
    ("first", "second", "what"),
    [
        (
            move("t1", 0, 40, "fund/heart", "hold/X"),
            move("t1", 0, 40, "hold/X", "fund/eyes"),
            "its home is 'fund/heart'",
        ),
        (move("t1", 0, 40, "fund/heart", "hold/X"), move("t1", 0, 40, "hold/X", "fund/heart/t3"), "its home is"),
        (move("t1", 0, 40, "fund/heart", "hold/X"), move("t1", 39, 41, "hold/X", "fund/heart"), "t1:40 is not there"),
        (None, move("t1", 0, 40, "fund/heart", "fund/eyes"), "to another fund"),
        (None, move("t1", 0, 40, "fund/heart", "fund/heart/t3"), "changes the terms"),
        (None, move("t1", 0, 40, "fund/heart", "fund/heart/t1"), "no change of terms"),
        (None, move("t1", 0, 40, "fund/heart", "fund/heart/t9"), "t9 is not open"),
        (None, move("t1", 0, 40, "fund/heart", "fund/heart"), "to where it is"),
        (None, move("t1", 0, 40, "fund/heart", "cost/heart/bribes"), "is no place"),
        (None, move("t1", 0, 40, "fund/heart", "case/C2"), "case 'C2' is not open"),
        (None, move("t1", 0, 40, "fund/heart", "used/H9/C1"), "hospital 'H9' is not registered"),
        (None, move("t1", 0, 40, "fund/heart", "case/C%311"), "is no place"),
    ],
)
def test_laws_hold_for_unknown_facts(first: Data | None, second: Data, what: str) -> None:
    story = simple()
    if first is not None:
        odd(story, first)
    seq = odd(story, second)
    found, said = first_problem(story)
    assert found == seq
    assert what in said


def test_time_never_goes_back_along_a_serial() -> None:
    story = simple()
    odd(story, move("t1", 0, 50, "fund/heart", "hold/X"), on="2026-01-05")
    seq = odd(story, move("t1", 40, 60, "fund/heart", "hold/Y"), on="2026-01-04")
    assert first_problem(story) == (seq, "t1:40-60 is moved from 'fund/heart', but t1:40 is not there")
    story = simple()
    odd(story, move("t1", 0, 50, "fund/heart", "hold/X"), on="2026-01-05")
    seq = odd(story, move("t1", 0, 50, "hold/X", "fund/heart"), on="2026-01-04")
    assert first_problem(story) == (seq, "on 2026-01-04 goes back: t1:0 came to 'hold/X' only on 2026-01-05")


def test_changed_terms_decide_what_may_pay_and_in_which_order() -> None:
    story = simple()
    changed = [move("t1", 50, 100, "fund/heart", "fund/heart/t3")]
    story.add("TermsChanged", "fund/heart", fund="heart", amount=50, on="2026-01-03", moves=changed,
              basis={"kind": "plan", "ref": "1"})  # fmt: skip
    moves = [move("t1", 50, 60, "fund/heart/t3", "case/C1")]
    story.add("AllocationMade", "allocation/A1", allocation="A1", case="C1", fund="heart", amount=10, on="2026-01-04",
              moves=moves, policy="earmark-fifo/1")  # fmt: skip
    report = check(story.bytes())
    assert report.problems == ()
    assert (1, 50, 60, "case/C1", "fund/heart/t3", "2026-01-04") in list(report.places())


def test_a_closed_case_takes_no_money_until_it_is_reopened() -> None:
    story = simple()
    story.add("CaseClosed", "case/C1", case="C1", on="2026-01-03", reason="completed")
    reopened = copy.deepcopy(story)
    seq = story.allocate("A1", "C1", "heart", 10, "2026-01-03", anything)
    assert first_problem(story) == (seq, "case 'C1' is closed and takes no money")
    reopened.add("CaseReopened", "case/C1", case="C1", on="2026-01-03")
    reopened.allocate("A1", "C1", "heart", 10, "2026-01-03", anything)
    assert check(reopened.bytes()).ok


def test_only_entry_0_opens_the_ledger() -> None:
    story = simple()
    seq = story.add("LedgerOpened", "ledger/main", **story.entries[0]["data"])
    assert first_problem(story)[0] == seq
    story = simple()
    del story.entries[0]
    assert first_problem(story) == (0, "LedgerOpened is entry 0, and only entry 0")


@pytest.mark.parametrize(("member", "value"), [("zone", "Mars/Olympus"), ("origin", "a b"), ("exponent", -1)])
def test_a_ledger_opened_badly_is_named(member: str, value: Any) -> None:
    story = simple()
    story.entries[0]["data"][member] = value
    assert first_problem(story)[0] == 0


@pytest.mark.parametrize(("zone", "good"), [("Asia/Shanghai", True), ("UTC", False), ("America/New_York", False)])
def test_the_day_of_recording_is_the_ledgers(zone: str, good: bool) -> None:
    story = simple()
    story.entries[0]["data"]["zone"] = zone
    story.gift("D9", "t1", 5, "2026-01-02")
    story.entries[-1]["at"] = "2026-01-02T16:30:00.000000Z"
    story.entries[-1]["data"]["on"] = "2026-01-03"
    report = check(story.bytes())
    if zone == "America/New_York":  # entry 0 itself is recorded on the evening before its date
        assert len(story.entries) - 1 in [problem.seq for problem in report.problems]
    else:
        assert report.ok is good


# Facts of several entries


def parted() -> Story:
    """A fact in three parts."""
    story = simple()
    first = story.add("MoneyBlessed", "blessing/1", on="2026-01-03", part=1, moves=[
        move("t1", 0, 10, "fund/heart", "hold/X")])  # fmt: skip
    story.add("MoneyBlessed", "blessing/1", part=2, of=first, moves=[move("t1", 20, 30, "fund/heart", "hold/X")])
    story.add("MoneyBlessed", "blessing/1", part=3, of=first, last=True, moves=[
        move("t2", 0, 10, "fund/eyes", "hold/X")])  # fmt: skip
    at = story.entries[first]["at"]
    for entry in story.entries[first:]:
        entry["at"] = at
    story.fund("late")
    return story


def test_a_fact_in_parts_is_one_fact() -> None:
    report = check(parted().bytes())
    assert report.problems == ()
    assert (2, 0, 10, "hold/X", "fund/eyes", "2026-01-03") in list(report.places())


@pytest.mark.parametrize(
    ("offset", "change", "named", "what"),
    [
        (1, setting("part", 3), 1, "part 2 of the fact of entry 10 is missing here"),
        (1, setting("of", 9), 1, "part 2 of the fact"),
        (1, setting("by", "staff"), 1, "members other than part, of, moves"),
        (1, setting("/at", "2026-01-09T00:00:00.000000Z"), 1, "part 2 of the fact"),
        (1, setting("/type", "MoneyCursed"), 1, "part 2 of the fact"),
        (2, setting("/stream", "blessing/2"), 2, "part 3 of the fact"),
        (2, setting("last", None), 3, "part 4 of the fact"),
        (0, setting("part", 2), 0, "members other than"),
        (1, setting("moves.0.lo", 9), 0, "t1:9 is moved twice"),
        (1, setting("moves.0.lo", 10), 0, "not written as one"),
        (2, setting("last", False), 2, "last is not true"),
    ],
)
def test_parts_follow_each_other_without_gap(offset: int, change: Change, named: int, what: str) -> None:
    story = parted()
    start = find(story.entries, "MoneyBlessed")
    change(story.entries[start + offset])
    found, said = first_problem(story)
    assert found == start + named
    assert what in said


def test_an_open_group_at_the_end_is_found() -> None:
    story = parted()
    start = find(story.entries, "MoneyBlessed")
    report = verify.verify(verify.bundle(chained(story.entries[: start + 2])))
    assert [problem.seq for problem in report.problems] == [start]
    assert report.judged == start


# Business keys of gifts; those of payments and grants are kept in the book


def test_a_gifts_key_is_free_again_once_its_entry_is_reversed() -> None:
    def claims(*seqs: int) -> bytes:
        return b"".join(verify.CLAIM_RECORD.pack(b"k" * 16, seq) for seq in seqs)

    assert [seq for seq, _ in verify.check_claims(claims(1, 3), 99, {})] == [3]
    assert verify.check_claims(claims(1, 5), 5, {}) == []
    assert verify.check_claims(claims(1, 3), 99, {1: 2}) == []
    assert [seq for seq, _ in verify.check_claims(claims(1, 3), 99, {1: 4})] == [3]
    assert verify.check_claims(claims(1, 3, 4), 99, {1: 2}) == [(4, "its business key is in use since entry 3")]
    assert verify.check_claims(claims(1, 3, 5), 99, {1: 2, 3: 4}) == []


def test_absent_members_of_a_key_count_as_a_value_of_their_own() -> None:
    story = simple()
    for number, (channel, line) in enumerate([(None, None), ("bank", None), ("bank", ""), ("bank", "-"), ("bank", 1)]):
        story.gift(f"K{number}", "t1", 5, "2026-01-02", channel=channel, channel_txn="T", line=line)
    story.gift("K8", "t1", 5, "2026-01-02", channel="bank")
    story.gift("K9", "t1", 5, "2026-01-02", channel="bank")
    assert check(story.bytes()).problems == ()
    seq = story.gift("K10", "t1", 5, "2026-01-02", channel_txn="T")
    assert first_problem(story)[0] == seq
