"""A little builder of histories, independent of the verifier, and a golden chain with fixed hashes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

from audit import verify

Data = dict[str, Any]
EPOCH = datetime(2026, 1, 1, 1, 0, tzinfo=UTC)
ORIGIN = "ledger.example.org/test"


def leaf(raw: bytes) -> str:
    """Hex RFC 6962 leaf hash."""
    return hashlib.sha256(b"\x00" + raw).hexdigest()


def root_of(leaves: list[bytes]) -> bytes:
    """RFC 6962 §2.1, as written there."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    half = 1
    while half * 2 < len(leaves):
        half *= 2
    return hashlib.sha256(b"\x01" + root_of(leaves[:half]) + root_of(leaves[half:])).digest()


def canonical(entry: Data) -> bytes:
    """RFC 8785 of what tests write, whose names are ASCII: `test_audit_verify` asks `rfc8785`, which is far slower."""
    return json.dumps(entry, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def chained(entries: Iterable[Data]) -> list[bytes]:
    """The bytes of the entries, with `seq` and `prev` made right."""
    prev, chain = hashlib.sha256(b"").hexdigest(), []
    for seq, entry in enumerate(entries):
        chain.append(canonical({**entry, "seq": seq, "prev": prev}))
        prev = leaf(chain[-1])
    return chain


class Story:
    """Entries without links (`entries`), made verb by verb; money is kept as a plain list of rows.

    A row is [order, lo, hi, place, home, since, tape]; picks are made by sorting all rows, with no index at all.
    """

    def __init__(self, zone: str = "Asia/Shanghai") -> None:
        self.entries: list[Data] = []
        self.versions: dict[str, int] = {}
        self.tapes: list[Data] = []
        self.rows: list[list[Any]] = []
        self.ends: dict[str, int] = {}
        self.add(
            "LedgerOpened",
            "ledger/main",
            origin=ORIGIN,
            currency="CNY",
            exponent=2,
            zone=zone,
            key="k",
            on="2026-01-01",
        )

    def add(self, kind: str, stream: str, /, **data: Any) -> int:
        """One entry; `at` is a minute after the one before, or the morning of `on` if that is later. Its seq."""
        at = EPOCH + timedelta(minutes=len(self.entries))
        on = data.get("on")
        if on:
            at = max(at, datetime.fromisoformat(f"{on}T04:00:00+00:00"))
        if self.entries:
            before = datetime.fromisoformat(self.entries[-1]["at"])
            at = max(at, before)
        self.versions[stream] = self.versions.get(stream, 0) + 1
        salt = hashlib.sha256(str(len(self.entries)).encode()).hexdigest()[:32]
        entry = {
            "v": 1,
            "origin": ORIGIN,
            "at": at.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
            "salt": salt,
            "stream": stream,
            "version": self.versions[stream],
            "type": kind,
            "data": {name: value for name, value in data.items() if value is not None},
        }
        self.entries.append(entry)
        return len(self.entries) - 1

    def fund(self, fund: str) -> int:
        return self.add("FundOpened", f"fund/{fund}", fund=fund, name="基金")

    def hospital(self, hospital: str) -> int:
        return self.add("HospitalRegistered", f"hospital/{hospital}", hospital=hospital, name="医院")

    def code(self, dimension: str, code: str, parent: str | None = None) -> int:
        return self.add("CodeDefined", "ledger/main", dimension=dimension, code=code, name=code, parent=parent)

    def tape(self, fund: str, restriction: Data | None = None, nature: str = "own", **terms: Any) -> int:
        name = f"t{len(self.tapes) + 1}"
        data = {"tape": name, "fund": fund, "nature": nature, "restriction": restriction or {}, **terms}
        self.tapes.append(data)
        return self.add("TapeOpened", f"fund/{fund}", **data)

    def case(self, case: str, fund: str, **attributes: str) -> int:
        attributes = {"person": f"P-{case}", "hospital": "H1", **attributes}
        return self.add("CaseOpened", f"case/{case}", case=case, fund=fund, attributes=attributes)

    def issue(self, tape: str, amount: int, to: str, on: str) -> Data:
        """An issue at the end of the tape."""
        lo = self.ends.get(tape, 0)
        self.ends[tape] = lo + amount
        self.rows.append([self.order(tape), lo, lo + amount, to, "", on, tape])
        return {"tape": tape, "lo": lo, "hi": lo + amount, "to": to}

    def order(self, tape: str) -> tuple[int, str, int]:
        terms = self.tapes[int(tape[1:]) - 1]
        return -len(terms["restriction"]), terms.get("expires_on", "9999"), int(tape[1:])

    def gift(self, donation: str, tape: str, amount: int, on: str, fee_bp: int = 0, **more: Any) -> int:
        fund = self.tapes[int(tape[1:]) - 1]["fund"]
        fee = amount * fee_bp // 10000
        issues = [self.issue(tape, amount - fee, f"fund/{fund}", on)] if fee < amount else []
        if fee:
            own = next(t["tape"] for t in self.tapes if t["nature"] == "fee" and t["fund"] == fund)
            issues.append(self.issue(own, fee, f"fee/{fund}", on))
        issues.sort(key=lambda i: int(i["tape"][1:]))
        data = {"donation": donation, "fund": fund, "amount": amount, "fee_bp": fee_bp, "source": "donation"}
        return self.add("DonationReceived", f"donation/{donation}", **{**data, "issue": issues, "on": on, **more})

    def take(self, amount: int, source: str, target: str, on: str, may: Callable[[str], bool]) -> list[Data]:
        """Moves from the front of the order; asserts that there is enough."""
        moves: list[Data] = []
        for row in sorted(self.rows, key=lambda r: (r[0], r[1])):
            order, lo, hi, place, home, since, tape = row
            if place != source or since > on or not amount or not may(tape):
                continue
            part = min(hi - lo, amount)
            amount -= part
            self.rows.remove(row)
            if part < hi - lo:
                self.rows.append([order, lo + part, hi, place, home, since, tape])
            kept = place if place.startswith("fund/") else home
            self.rows.append([order, lo, lo + part, target, kept, on, tape])
            if moves and (moves[-1]["tape"], moves[-1]["hi"]) == (tape, lo):
                moves[-1]["hi"] = lo + part
            else:
                moves.append({"tape": tape, "lo": lo, "hi": lo + part, "from": source, "to": target})
        assert amount == 0, "the story takes more than there is"
        return moves

    def _taking(self, kind: str, noun: str, own: str, on: str, moves: list[Data], **data: Any) -> int:
        moves.sort(key=lambda m: (int(m["tape"][1:]), m["lo"]))
        for left, right in pairwise(moves):
            if {**left, "lo": 0, "hi": 0} == {**right, "lo": 0, "hi": 0} and left["hi"] == right["lo"]:
                right["lo"] = left["lo"]
                left["hi"] = 0
        moves = [move for move in moves if move["hi"]]
        more = {noun: own, "on": on, "moves": moves, "policy": "earmark-fifo/1", **data}
        return self.add(kind, f"{noun}/{own}", **more)

    def allocate(self, own: str, case: str, fund: str, amount: int, on: str, may: Callable[[str], bool]) -> int:
        moves = self.take(amount, f"fund/{fund}", f"case/{case}", on, may)
        return self._taking("AllocationMade", "allocation", own, on, moves, case=case, fund=fund, amount=amount)

    def pay(self, own: str, hospital: str, lines: list[Data], on: str, may: Callable[[str], bool], **more: Any) -> int:
        moves = []
        for line in lines:
            case = line["case"]
            moves += self.take(line["amount"], f"case/{case}", f"hospital/{hospital}/{case}", on, may)
        return self._taking("HospitalPaymentMade", "payment", own, on, moves, hospital=hospital, lines=lines, **more)

    def settle(self, own: str, hospital: str, case: str, amount: int, on: str) -> int:
        way = f"{hospital}/{case}"
        moves = self.take(amount, f"hospital/{way}", f"used/{way}", on, lambda _: True)
        data = {"hospital": hospital, "case": case, "amount": amount}
        return self._taking("TreatmentSettled", "settlement", own, on, moves, **data)

    def grant(self, own: str, case: str, amount: int, on: str, may: Callable[[str], bool], **more: Any) -> int:
        moves = self.take(amount, f"case/{case}", f"used/{case}", on, may)
        return self._taking("CashGranted", "grant", own, on, moves, case=case, amount=amount, **more)

    def bytes(self) -> list[bytes]:
        return chained(self.entries)

    def places(self) -> list[tuple[Any, ...]]:
        """The rows as the report gives them, merged."""
        rows: list[tuple[Any, ...]] = []
        for _, lo, hi, place, home, since, tape in sorted(self.rows, key=lambda r: (int(r[6][1:]), r[1])):
            number = int(tape[1:])
            if rows and (rows[-1][0], *rows[-1][2:]) == (number, lo, place, home, since):
                rows[-1] = (*rows[-1][:2], hi, *rows[-1][3:])
            else:
                rows.append((number, lo, hi, place, home, since))
        return rows


def anything(_: str) -> bool:
    return True


def every_known_fact() -> Story:
    """A valid history with each known kind of fact, takings that pass money over, and two cases in one payment."""
    story = Story()
    for fund in ("heart", "eyes"):
        story.fund(fund)
    for hospital in ("H1", "H2"):
        story.hospital(hospital)
    story.code("disease", "CHD")
    story.code("disease", "VSD", "CHD")
    story.tape("heart")  # t1
    story.tape("heart", nature="fee")  # t2
    story.tape("heart", {"disease": ["CHD"]}, expires_on="2026-06-30")  # t3
    story.tape("heart", {"disease": ["CHD"]}, expires_on="2026-03-31")  # t4
    story.tape("heart", {"province": ["320000", "410000"]}, usable_from="2026-02-01")  # t5
    story.tape("heart", {"person": ["P-C1"]}, nature="agency", agreement="A-1")  # t6
    story.tape("eyes", {"hospital": ["H2"]})  # t7
    story.tape("heart", {"hospital": ["H1"]})  # t8
    story.case("C1", "heart", disease="VSD", province="410000")
    story.case("C2", "heart", disease="other", province="110000")
    story.gift("D1", "t1", 10_000, "2026-01-02", fee_bp=555, donor="P-7", channel="bank", channel_txn="T-1")
    story.gift("D2", "t3", 3_000, "2026-01-03", channel="bank", channel_txn="T-2", line="1")
    story.gift("D3", "t4", 2_000, "2026-01-03", channel="bank", channel_txn="T-2", line="2")
    story.gift("D4", "t5", 2_000, "2026-01-04")
    story.gift("D5", "t6", 500, "2026-01-05", source="grant")
    story.gift("D6", "t7", 700, "2026-01-05")
    story.gift("D7", "t3", 1_000, "2026-01-20")
    story.gift("D8", "t8", 1_500, "2026-01-06")
    vsd = {"t1", "t3", "t4", "t6", "t8"}
    story.allocate("A1", "C1", "heart", 5_000, "2026-01-10", vsd.__contains__)
    story.allocate("A2", "C2", "heart", 5_000, "2026-01-10", {"t1", "t8"}.__contains__)
    story.add("CaseAmended", "case/C1", case="C1", attributes={"person": "P-C1", "hospital": "H1", "disease": "VSD"})
    lines = [
        {"case": "C1", "amount": 2_600, "bill_no": "B-1", "bill_amount": 3_000},
        {"case": "C2", "amount": 1_000},
        {"case": "C1", "amount": 400, "bill_no": "B-1"},
    ]
    cash = [{"account": "6222", "amount": 4_000, "bank_on": "2026-01-12", "bank_ref": "R-1"}]
    story.pay("Y1", "H1", lines, "2026-01-12", anything, cash=cash)
    story.pay("Y2", "H2", [{"case": "C2", "amount": 1_000}], "2026-01-13", {"t1"}.__contains__)
    story.settle("S1", "H1", "C1", 2_700, "2026-01-20")
    story.grant("G1", "C1", 300, "2026-01-21", anything, purpose="travel", period="2026-01")
    story.grant("G2", "C1", 200, "2026-01-22", anything, purpose="travel", period="2026-02")
    story.allocate("A3", "C1", "heart", 2_000, "2026-02-02", vsd.__contains__)
    return story


def check(chain: Iterable[bytes], **options: Any) -> verify.Report:
    return verify.verify(verify.bundle(chain), **options)


def test_a_valid_history_of_every_known_fact_verifies() -> None:
    story = every_known_fact()
    chain = story.bytes()
    report = check(chain)
    assert report.problems == ()
    assert report.ok
    assert (report.entries, report.judged, report.unknown_types) == (len(chain), len(chain), {})
    assert report.head == leaf(chain[-1])
    assert report.root == root_of([bytes.fromhex(leaf(raw)) for raw in chain]).hex()
    assert list(report.places()) == story.places()
    assert {f"t{number}": end for number, end in report.tapes.items() if end} == story.ends


def test_the_golden_chain_keeps_its_hashes() -> None:
    report = check(every_known_fact().bytes())
    assert (report.head, report.root) == (GOLDEN_HEAD, GOLDEN_ROOT)


GOLDEN_HEAD = "3211a02adfbebfcb5643e298d849c4f86296c4e25fdbd7a5a2e5c225fe9b765c"
GOLDEN_ROOT = "a96a8d84579b0fb3a481ad888f183dcb6f7b16eb9099b4f05584bbc1d3922468"
