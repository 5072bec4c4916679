"""Imports: merged by date, recorded once, whole payments or none, every row accounted for."""

from __future__ import annotations

import csv
import os
from pathlib import Path
from random import Random
from zoneinfo import ZoneInfo

import pytest
from conftest import Ledger
from hypothesis import given, settings
from hypothesis import strategies as st

from api.intake import KINDS, Report, Source, UnusableArgument, UnusableFile, parse_sources, run
from api.intake.staging import Staging
from ledger.decisions import DefineCode
from ledger.errors import InputFault
from ledger.vault import open_vault
from ledger.vault_keys import KeyFolder
from ledger.writing import Writer

FUNDS = "fund_id,name\nF,先心病\n"
HOSPITALS = "hospital_id,name\nH,医院\nG,妇幼\n"
CASES = "case_id,fund_id,hospital_id,person_id\nC1,F,H,P1\nC2,F,H,P2\nC3,F,G,P3\n"
DONATIONS = "donation_id,fund_id,amount,received_on\nD1,F,100.00,2026-01-02\nD2,F,50,2026-01-04 08:00\n"
ALLOCATIONS = "allocation_id,case_id,amount,allocated_on\nA1,C1,120,2026-01-04 09:00\nA2,C2,30,2026-01-05\n"
PAYMENTS = "payment_id,hospital_id,paid_on,case_id,amount,invoice_no,account,bank_ref\n"
ALL = {"funds": FUNDS, "hospitals": HOSPITALS, "cases": CASES, "donations": DONATIONS, "allocations": ALLOCATIONS}


class Desk:
    """Where files are written and imported from."""

    def __init__(self, ledger: Ledger, folder: Path) -> None:
        self.ledger, self.folder = ledger, folder

    def file(self, name: str, content: str | bytes) -> Path:
        path = self.folder / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def take_in(
        self,
        *files: tuple[str, str | bytes],
        rejects: Path | None = None,
        dry_run: bool = False,
        all_or_nothing: bool = False,
    ) -> Report:
        named = [f"{kind}={self.file(f'{n}.csv', content)}" for n, (kind, content) in enumerate(files)]
        return run(
            self.ledger.journal,
            self.ledger.writer,
            parse_sources(named),
            rejects=rejects,
            dry_run=dry_run,
            all_or_nothing=all_or_nothing,
        )

    def size(self) -> int:
        return self.ledger.journal.entries.head().size

    def holdings(self) -> list[tuple[object, ...]]:
        with self.ledger.journal.entries.reading() as cursor:
            return cursor.execute("select tape, lo, hi, place from holding order by tape, lo").fetchall()


@pytest.fixture
def desk(ledger: Ledger, tmp_path: Path) -> Desk:
    vault = open_vault(ledger.journal, KeyFolder(tmp_path / "keys", os.urandom), os.urandom)
    vault.prepare()
    return Desk(Ledger(ledger.database, ledger.journal, Writer(ledger.journal, vault=vault)), tmp_path)


def counts(report: Report, kind: str) -> tuple[int, int, int, int, int]:
    one = report.kinds[kind]
    return one.read, one.recorded, one.already, one.rejected, one.amount


def codes(report: Report) -> list[str]:
    return [reject.refusal.code for reject in report.rejects]


def test_rows_are_recorded_by_date_whatever_the_order_of_files_and_rows(desk: Desk) -> None:
    report = desk.take_in(*reversed(ALL.items()))
    assert [counts(report, kind)[1:4:2] for kind in ALL] == [(1, 0), (2, 0), (3, 0), (2, 0), (2, 0)]
    assert report.exit_code == 0
    assert desk.holdings() == [(1, 0, 12000, "case/C1"), (1, 12000, 15000, "case/C2")]


def test_the_same_files_again_record_nothing(desk: Desk) -> None:
    first = desk.take_in(*ALL.items())
    size = desk.size()
    again = desk.take_in(*ALL.items())
    for kind in ALL:
        read, recorded, _, _, amount = counts(first, kind)
        assert recorded == read
        assert counts(again, kind) == (read, 0, read, 0, 0), amount
    assert desk.size() == size


def test_one_id_with_other_content_is_rejected(desk: Desk) -> None:
    desk.take_in(("funds", FUNDS))
    report = desk.take_in(("donations", DONATIONS + "D1,F,100.00,2026-01-02\nD1,F,100.01,2026-01-02\n"))
    assert counts(report, "donations") == (4, 2, 1, 1, 15000)
    assert codes(report) == ["idempotency_conflict"]
    assert report.rejects[0].row == 5


def test_a_dry_run_answers_as_the_real_run_and_records_nothing(desk: Desk) -> None:
    files = [*ALL.items(), ("allocations", "allocation_id,case_id,amount,allocated_on\nA9,C3,1,2026-01-01\n")]
    size = desk.size()
    tried = desk.take_in(*files, dry_run=True)
    assert desk.size() == size
    done = desk.take_in(*files)
    assert tried.kinds == done.kinds
    assert (tried.exit_code, done.exit_code) == (3, 3)
    assert desk.size() > size


def test_all_or_nothing_records_none_unless_all_are_good(desk: Desk) -> None:
    size = desk.size()
    report = desk.take_in(*ALL.items(), ("cases", "case_id,fund_id,hospital_id\nC9,NOPE,H\n"), all_or_nothing=True)
    assert (desk.size(), report.exit_code) == (size, 3)
    assert counts(report, "cases") == (4, 0, 0, 1, 0)
    assert report.members()["held_back"] == {"funds": 1, "hospitals": 2, "cases": 3, "donations": 2, "allocations": 2}
    report = desk.take_in(*ALL.items(), all_or_nothing=True)
    assert (report.exit_code, counts(report, "donations")) == (0, (2, 2, 0, 0, 15000))
    assert desk.size() > size


def test_rows_of_one_payment_go_together_at_the_first_of_them(desk: Desk) -> None:
    desk.take_in(*ALL.items())
    rows = [
        "P1,H,2026-02-01,C1,60,I1,acc,R1",
        "P2,H,2026-02-01,C1,10,I2,acc,R2",
        "P1,H,2026-02-01,C2,30,I3,acc,R1",
    ]
    report = desk.take_in(("hospital-payments", PAYMENTS + "\n".join(rows)))
    assert counts(report, "hospital-payments") == (3, 3, 0, 0, 10000)
    facts = list(desk.ledger.journal.facts("payment/P1"))
    assert [len(fact.lines) for fact in facts] == [2]  # type: ignore[attr-defined]  # a HospitalPaymentMade
    again = desk.take_in(("hospital-payments", PAYMENTS + "\n".join(reversed(rows))))
    assert counts(again, "hospital-payments") == (3, 0, 3, 0, 0)


def test_a_payment_is_recorded_whole_or_not_at_all(desk: Desk) -> None:
    desk.take_in(*ALL.items())
    rows = {
        "short": ["P1,H,2026-02-01,C1,60,,,", "P1,H,2026-02-01,C2,30.01,,,"],
        "faulty": ["P2,H,2026-02-01,C1,60,,,", "P2,H,2026-02-01,C2,x,,,"],
        "disagreeing": ["P3,H,2026-02-01,C1,60,,,", "P3,H,2026-02-02,C2,30,,,"],
        "repeated": ["P4,H,2026-02-01,C1,10,,,", "P4,H,2026-02-01,C1,10,,,"],
    }
    lines = [row for pair in rows.values() for row in pair]
    report = desk.take_in(("hospital-payments", PAYMENTS + "\n".join([*lines, "P5,H,2026-02-01,C1,60,,,"])))
    assert counts(report, "hospital-payments") == (9, 1, 0, 8, 6000)
    assert codes(report) == ["not_enough_money"] * 2 + ["payment_incomplete", "bad_value", "payment_disagrees"]


@pytest.mark.parametrize("damage", ["\udced", "x" * 70_000])
def test_a_payment_with_an_unreadable_row_is_not_recorded_without_it(desk: Desk, damage: str) -> None:
    desk.take_in(*ALL.items())
    rows = f"P1,H,2026-02-01,C1,60,,,\nP1,H,2026-02-01,C2,30,{damage},,\n"
    content = (PAYMENTS + rows).encode(errors="surrogateescape")
    assert counts(desk.take_in(("hospital-payments", content)), "hospital-payments") == (2, 0, 0, 2, 0)


def test_a_file_of_payments_given_twice_pays_once(desk: Desk) -> None:
    desk.take_in(*ALL.items())
    payments = ("hospital-payments", PAYMENTS + "P1,H,2026-02-01,C1,60,,,\nP1,H,2026-02-01,C2,30,,,\n")
    assert counts(desk.take_in(payments, payments), "hospital-payments") == (4, 2, 2, 0, 9000)


def test_treatment_is_settled_and_cash_granted(desk: Desk) -> None:
    desk.take_in(*ALL.items(), ("hospital-payments", PAYMENTS + "P1,H,2026-02-01,C1,60,,,\n"))
    header = "disbursement_id,case_id,amount,disbursed_on,kind,hospital_id,bill_no,purpose,period\n"
    rows = ["S1,C1,55,2026-03-01,treatment,H", "G1,C1,20,2026-03-01,cash,,,travel,2026-03", "G2,C1,20,2026-03-01,gift"]
    rows += ["S2,C1,5,2026-03-01,treatment", "G3,C1,20,2026-03-02,cash,,,travel,2026-03"]
    report = desk.take_in(("disbursements", header + "\n".join(rows)))
    assert counts(report, "disbursements") == (5, 2, 0, 3, 7500)
    assert codes(report) == ["bad_value", "missing_value", "duplicate_business_key"]


def test_codes_come_first_and_make_dimensions_for_the_cases_of_the_same_import(desk: Desk) -> None:
    cases = "case_id,fund_id,hospital_id,surgery,beneficiary_name\nC1,F,H,OPEN,张三\nC2,F,H,OPNE,\n"
    own = "dimension,code,name,parent\nsurgery,ANY,手术,\nsurgery,OPEN,开胸,ANY\n"
    report = desk.take_in(("cases", cases), ("hospitals", HOSPITALS), ("funds", FUNDS), ("codes", own))
    assert counts(report, "codes") == (2, 2, 0, 0, 0)
    assert codes(report) == ["unknown_code"]
    assert report.members()["columns"]["cases"] == {"not_recorded": [], "ignored": []}
    assert report.members()["personal"] == {"cases": 1}
    assert all("张三".encode() not in bundle for bundle in desk.ledger.journal.entries.bundles())


def test_restrictions_rates_and_days_are_read(desk: Desk) -> None:
    desk.ledger.writer.submit(DefineCode(key="c", dimension="disease", code="VSD", name="室缺"))
    header = "donation_id,fund_id,amount,received_on,restriction,expires_on,fee_rate,nature\n"
    rows = ["D1,F,100,2026-01-02,disease=VSD;hospital=H|G,2026-12-31,0.05", "D2,F,100,2026-01-02,person=P1,,,agency"]
    rows += ["D3,F,1,2026-01-02,disease=VDS", "D4,F,1,2026-01-02,disease", "D5,F,1,2026-01-02,,,0.00001"]
    report = desk.take_in(
        ("funds", "fund_id,name,fee_rate\nF,x,0.1\n"),
        ("hospitals", "hospital_id,name\nH,x\nG,x\n"),
        ("donations", header + "\n".join(rows)),
    )
    assert counts(report, "donations") == (5, 2, 0, 3, 20000)
    assert codes(report) == ["unknown_code", "bad_value", "bad_value"]
    assert sorted(row[2:] for row in desk.holdings()) == [(500, "fee/F"), (9500, "fund/F"), (10000, "fund/F")]


HOSTILE = [
    b"X1,F,1000000000000000000,2026-01-02",
    b"X2,F,-1,2026-01-02",
    b"X3,F,0.001,2026-01-02",
    b"X4,F,NaN,2026-01-02",
    b"X5,F,1,2026-02-30",
    b"X6,F,1,2999-01-01",
    b"X7,\xed\xa0\x80,1,2026-01-02",
    b"X8," + b"f" * 70_000 + b",1,2026-01-02",
    b"X9," + b"f" * 1_000_000 + b",1,2026-01-02",
    b"X10,F,1,2026-01-02,extra",
    b"X11,F",
    b",F,1,2026-01-02",
    b"X13,NOPE,1,2026-01-02",
    b"X14\x07,F,1,2026-01-02",
    b"y" * 121 + b",F,1,2026-01-02",
    "X16,F,１,2026-01-02".encode(),
]


def test_hostile_rows_are_rejected_each_with_its_reason_and_sink_no_other(desk: Desk) -> None:
    desk.take_in(("funds", FUNDS))
    out = desk.folder / "rejects.csv"
    report = desk.take_in(("donations", DONATIONS.encode() + b"\n".join(HOSTILE) + b"\nD3,F,1,2026-01-09"), rejects=out)
    assert counts(report, "donations") == (len(HOSTILE) + 3, 3, 0, len(HOSTILE), 15100)
    with out.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert sorted(int(row["row"]) for row in rows) == list(range(4, 4 + len(HOSTILE)))
    assert all(row["reason_zh"] and row["reason_en"] and row["code"] for row in rows)
    by_id = {row["donation_id"]: row for row in rows}
    assert by_id["X3"]["amount"] == "0.001"
    assert by_id["X7"]["code"] == "damaged_text"
    assert by_id["X8"]["code"] == by_id["X9"]["code"] == "row_too_long"
    assert out.stat().st_mode & 0o077 == 0


def test_without_a_rejects_file_the_report_shows_the_first_reasons(desk: Desk) -> None:
    report = desk.take_in(("donations", DONATIONS))
    for language, said in (("en", "2 rows were rejected"), ("zh", "2 行被退回")):
        text = "\n".join(report.lines(language))
        assert said in text
        assert "--rejects" in text
        assert "D1" not in text
    assert any("row 2" in line for line in report.lines("en"))


def test_nothing_is_recorded_when_one_file_of_several_is_unusable(desk: Desk) -> None:
    size = desk.size()
    with pytest.raises(UnusableFile):
        desk.take_in(*ALL.items(), ("donations", 'donation_id,fund_id,amount,received_on\nD1,F,"1\n'))
    assert desk.size() == size


def test_the_rejects_file_is_no_file_that_is_imported_and_can_be_written(desk: Desk) -> None:
    for path in (desk.folder / "0.csv", desk.folder / "none" / "out.csv"):
        with pytest.raises(UnusableArgument):
            desk.take_in(("funds", FUNDS), rejects=path)
    assert (desk.folder / "0.csv").read_text(encoding="utf-8") == FUNDS


def test_progress_ends_at_the_total(desk: Desk) -> None:
    told: list[tuple[str, int, int | None]] = []
    sources = parse_sources([f"funds={desk.file('f.csv', FUNDS)}", f"hospitals={desk.file('h.csv', HOSPITALS)}"])
    run(desk.ledger.journal, desk.ledger.writer, sources, progress=lambda *step: told.append(step))
    assert told[-1] == ("record", 3, 3)
    assert ("read", 3, None) in told


@settings(max_examples=25)
@given(
    minutes=st.lists(st.integers(0, 10_000), min_size=1, max_size=30, unique=True),
    seed=st.integers(),
    parts=st.integers(1, 4),
)
def test_rows_of_distinct_times_go_in_their_order_however_they_are_dealt(
    desk: Desk, minutes: list[int], seed: int, parts: int
) -> None:
    rows = [f"D{m},F,1,2026-01-{1 + m // 1440:02} {m % 1440 // 60:02}:{m % 60:02}\n" for m in minutes]
    Random(seed).shuffle(rows)
    with desk.ledger.database.service() as connection:
        staging = Staging(connection, 2, ZoneInfo("Asia/Shanghai"))
        for n in range(parts):
            content = "donation_id,fund_id,amount,received_on\n" + "".join(rows[n::parts])
            staging.stage(n, Source(KINDS["donations"], desk.file(f"{n}.csv", content)))
        with staging.rows() as staged:
            assert [row.cells[0] for row in staged] == [f"D{m}" for m in sorted(minutes)]


@settings(max_examples=60)
@given(
    kind=st.sampled_from(sorted(KINDS)),
    headed=st.booleans(),
    content=st.binary(max_size=80) | st.text(alphabet='DF1C2,"\n-0.=|;', max_size=120).map(str.encode),
)
def test_any_bytes_are_one_fault_or_a_report_that_adds_up(desk: Desk, kind: str, headed: bool, content: bytes) -> None:
    header = ",".join(KINDS[kind].required).encode() + b"\n" if headed else b""
    try:
        report = desk.take_in((kind, header + content), dry_run=True)
    except InputFault:
        pass
    else:
        one = report.kinds[kind]
        assert one.read == one.recorded + one.already + one.rejected
        assert list(report.lines("zh"))
