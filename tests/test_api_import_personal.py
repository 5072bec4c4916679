"""Imports of personal values: into the vault with the entry, outside ids replaced by random ones, always the same."""

from __future__ import annotations

import base64
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from personal_files import COLUMNS, HEADS
from vaults import READER, Vaulted

from api.intake import KINDS, Report, Source, parse_sources, run
from api.intake.staging import Staging
from ledger.decisions import Basis
from ledger.erasure import erase
from ledger.vault_faults import NoVault
from ledger.writing import Writer


class Desk:
    """Where files are written and imported from, into a ledger with a vault."""

    def __init__(self, vaulted: Vaulted, folder: Path) -> None:
        self.vaulted, self.folder = vaulted, folder

    def file(self, kind: str, rows: list[str], name: str = "") -> Path:
        path = self.folder / f"{name or kind}.csv"
        path.write_text("\n".join([HEADS[kind], *rows]), "utf-8")
        return path

    def take_in(self, pseudonymise: tuple[str, ...] = (), **rows: list[str]) -> Report:
        files = [f"{kind.replace('_', '-')}={self.file(kind.replace('_', '-'), rows[kind])}" for kind in rows]
        return run(self.vaulted.journal, self.vaulted.writer, parse_sources(files), pseudonymise=pseudonymise)

    def streams(self, noun: str) -> list[str]:
        return [name for (name,) in self.vaulted.rows("select stream from entry where stream like %s", f"{noun}/%")]


@pytest.fixture
def desk(vaulted: Vaulted, tmp_path: Path) -> Desk:
    return Desk(vaulted, tmp_path)


def recorded(report: Report, kind: str) -> int:
    assert report.rejected == 0, [str(reject.refusal) for reject in report.rejects]
    return report.kinds[kind].recorded


PHONE, OTHER = "13800138000", "13900139000"
CHILD = "110101201803074520"


# Imports.


def test_personal_columns_go_to_the_vault_and_the_report_says_how_many(desk: Desk) -> None:
    report = desk.take_in(
        cases=[f"C1,F,H,K1,,,张小宝,{CHILD},张大山,{OTHER}", "C2,F,H,,,,李小花,,,"],
        donations=[f"D1,F,1,2026-01-02,P1,王小明,{PHONE},,,", "D2,F,1,2026-01-02,,匿名,,,,", "D3,F,1,2026-01-02,P2"],
    )
    assert (recorded(report, "cases"), recorded(report, "donations")) == (2, 3)
    assert report.members()["personal"] == {"cases": 5, "donations": 3}
    assert any("5" in line and "保险库" in line for line in report.lines("zh"))
    assert desk.vaulted.values("case/C1") == {
        "beneficiary_id_no": CHILD,
        "beneficiary_name": "张小宝",
        "guardian_name": "张大山",
        "guardian_phone": OTHER,
    }
    subjects = desk.vaulted.rows("select subject from vault_person order by 1")
    assert subjects == [("case/C2",), ("donation/D2",), ("donor/P1",), ("person/K1",)]


def test_the_same_file_again_stores_nothing(desk: Desk) -> None:
    rows = [f"D{n},F,1,2026-01-02,P{n % 2},王小明{n},{PHONE}" for n in range(9)]
    desk.take_in(donations=rows)
    before = desk.vaulted.rows("select count(*) from vault_value"), desk.vaulted.journal.entries.head().size
    again = desk.take_in(donations=rows)
    assert again.kinds["donations"].already == 9
    assert again.members()["personal"] == {}
    assert (desk.vaulted.rows("select count(*) from vault_value"), desk.vaulted.journal.entries.head().size) == before


def test_an_id_that_looks_personal_is_refused_in_any_file_without_repeating_it(desk: Desk) -> None:
    report = desk.take_in(
        cases=[f"{CHILD},F,H,,", f"C1,F,H,{PHONE},", f"C2,F,H,,{PHONE}"],
        donations=[f"D1,F,1,2026-01-02,{PHONE}", f"D2,F,1,2026-01-02,,,,,person={CHILD},agency"],
        allocations=[f"A1,{CHILD},1,2026-01-02", "A2,１３８００１３８０００,1,2026-01-02"],
    )
    assert [reject.refusal.code for reject in report.rejects] == ["bad_value"] * 5
    assert report.rejected == 7
    others = desk.take_in(allocations=[f"A1,{CHILD},1,2026-01-02", "A2,１３８００１３８０００,1,2026-01-02"])
    text = "\n".join(line for one in (report, others) for language in ("zh", "en") for line in one.lines(language))
    assert [reject.refusal.code for reject in others.rejects] == ["bad_value"] * 2
    assert PHONE not in text
    assert CHILD not in text
    assert "--pseudonymise" in text


def test_an_outside_id_becomes_one_random_id_across_files_columns_and_imports(desk: Desk) -> None:
    first = desk.take_in(
        COLUMNS,
        cases=[f"{CHILD},F,H,{CHILD},户 1,,,,,", "病案 2,F,H,,户 2,,,,,"],
        donations=[f"D1,F,5,2026-01-02,{PHONE}", f"D2,F,5,2026-01-02,{PHONE}", f"D3,F,5,2026-01-02, {OTHER} "],
        allocations=[f"A1,{CHILD},1,2026-01-03"],
    )
    assert recorded(first, "allocations") == 1
    assert first.members()["pseudonyms"] == {"case_id": 2, "person_id": 1, "household_id": 2, "donor_id": 2}
    second = desk.take_in(
        COLUMNS,
        donations=[f"D4,F,5,2026-01-02,{PHONE}", f"D5,F,5,2026-01-02,,,,,person={CHILD},agency"],
        allocations=["A2,病案 2,1,2026-01-03"],
        hospital_payments=[f"Y1,H,2026-01-04,{CHILD},1"],
    )
    assert recorded(second, "donations") + recorded(second, "hospital-payments") == 3
    assert second.members()["pseudonyms"] == {}
    donors = [desk.vaulted.entry(seq)["data"].get("donor") for seq in gifts(desk)]
    assert donors[0] == donors[1] == donors[3] != donors[2]
    assert [desk.vaulted.vault.find("donor_id", one, READER) for one in (PHONE, OTHER)] == [donors[0], donors[2]]
    ((opened,),) = desk.vaulted.rows(
        "select convert_from(body, 'UTF8')::jsonb #>> '{data,attributes,person}' from entry"
        " where type = 'CaseOpened' and convert_from(body, 'UTF8')::jsonb #>> '{data,attributes,person}' is not null"
    )
    ((restricted,),) = desk.vaulted.rows(
        "select convert_from(body, 'UTF8')::jsonb #>> '{data,restriction,person,0}' from entry"
        " where type = 'TapeOpened' and convert_from(body, 'UTF8')::jsonb #> '{data,restriction,person}' is not null"
    )
    assert opened == restricted == desk.vaulted.vault.find("person_id", CHILD, READER)
    assert desk.vaulted.vault.find("case_id", CHILD, READER) != opened
    assert desk.vaulted.vault.open(f"donor/{donors[2]}", READER).outside_id == OTHER


def test_who_paid_and_who_gets_the_receipt_are_ids_of_donors(desk: Desk) -> None:
    path = desk.folder / "paid.csv"
    path.write_text(
        f"donation_id,fund_id,amount,received_on,donor_id,payer,receipt_to\nD1,F,5,2026-01-02,{PHONE},{OTHER},{PHONE}\n",
        "utf-8",
    )
    source = parse_sources([f"donations={path}"])
    report = run(desk.vaulted.journal, desk.vaulted.writer, source, pseudonymise=("donor_id",))
    assert recorded(report, "donations") == 1
    data = desk.vaulted.entry(gifts(desk)[0])["data"]
    assert data["donor"] == data["receipt_to"] == desk.vaulted.vault.find("donor_id", PHONE, READER)
    assert data["payer"] == desk.vaulted.vault.find("donor_id", OTHER, READER)


def gifts(desk: Desk) -> list[int]:
    return [seq for (seq,) in desk.vaulted.rows("select seq from entry where type = 'DonationReceived' order by seq")]


def test_pseudonyms_are_drawn_at_random(desk: Desk) -> None:
    desk.take_in(("donor_id",), donations=[f"D{n},F,5,2026-01-02,{13800138000 + n}" for n in range(50)])
    donors = {desk.vaulted.entry(seq)["data"]["donor"] for seq in gifts(desk)}
    assert len(donors) == 50
    assert all(len(donor) == 18 and donor.startswith("d-") for donor in donors)


def test_the_same_pseudonymised_file_again_records_nothing(desk: Desk) -> None:
    rows: dict[str, list[str]] = {
        "cases": [f"{CHILD},F,H,{CHILD},户 1,,张小宝,,,"],
        "donations": [f"D1,F,5,2026-01-02,{PHONE},王小明"],
        "allocations": [f"A1,{CHILD},1,2026-01-03"],
        "hospital_payments": [f"Y1,H,2026-01-04,{CHILD},1"],
    }
    desk.take_in(COLUMNS, **rows)
    size = desk.vaulted.journal.entries.head().size
    again = desk.take_in(COLUMNS, **rows)
    assert [counts.already for counts in again.kinds.values()] == [1, 1, 1, 1]
    assert desk.vaulted.journal.entries.head().size == size


def test_rows_that_are_not_recorded_leave_no_pseudonym(desk: Desk) -> None:
    report = desk.take_in(
        COLUMNS,
        donations=[
            f"D1,nowhere,5,2026-01-02,{PHONE}",
            f"D2,F,x,2026-01-02,{OTHER}",
            "D3,F,1,2026-01-02,a\u0301\u0007b",
        ],
        allocations=[f"A1,{CHILD},1,2026-01-03"],
    )
    assert report.rejected == 4
    assert report.members()["pseudonyms"] == {}
    assert desk.vaulted.rows("select count(*) from vault_pseudonym") == [(0,)]
    assert desk.vaulted.rows("select count(*) from vault_person") == [(0,)]


@pytest.mark.parametrize("dry_run", [True, False], ids=["dry run", "all or nothing"])
def test_a_run_that_records_nothing_keeps_no_pseudonym_and_no_value(desk: Desk, dry_run: bool) -> None:
    rows = [f"D1,F,5,2026-01-02,{PHONE},王小明", f"D2,F,5,2026-01-02,{PHONE}", "D3,F,x,"]
    files = [
        f"donations={desk.file('donations', rows)}",
        f"cases={desk.file('cases', [f'{CHILD},F,H,{CHILD}'])}",
        f"allocations={desk.file('allocations', [f'A1,{CHILD},1,2026-01-03'])}",
    ]
    report = run(
        desk.vaulted.journal,
        desk.vaulted.writer,
        parse_sources(files),
        pseudonymise=COLUMNS,
        dry_run=dry_run,
        all_or_nothing=not dry_run,
    )
    assert report.rejected == 1
    for table in ("vault_person", "vault_value", "vault_pseudonym"):
        assert desk.vaulted.rows(f"select count(*) from {table}") == [(0,)], table  # noqa: S608 - our tables
    done = desk.take_in(COLUMNS, donations=[f"D1,F,5,2026-01-02,{PHONE},王小明"])
    assert done.members()["personal"] == {"donations": 1}
    assert done.members()["pseudonyms"] == {"donor_id": 1}


def test_batches_of_one_import_share_their_pseudonyms(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.intake.running.BATCH_COMMANDS", 3)
    rows = [f"D{n},F,5,2026-01-02,{13800138000 + n % 4}" for n in range(20)]
    assert recorded(desk.take_in(("donor_id",), donations=rows), "donations") == 20
    donors = [desk.vaulted.entry(seq)["data"]["donor"] for seq in gifts(desk)]
    assert len(set(donors)) == 4
    assert all(donors[n] == donors[n % 4] for n in range(20))


def test_imports_at_the_same_time_give_nobody_two_ids(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.intake.running.BATCH_COMMANDS", 5)

    def take_in(n: int) -> Any:
        own = desk.vaulted.again()
        path = desk.file(
            "donations", [f"D{n}-{i},F,5,2026-01-02,{13800138000 + i % 10}" for i in range(40)], f"own-{n}"
        )
        report = run(own.journal, own.writer, parse_sources([f"donations={path}"]), pseudonymise=("donor_id",))
        return int(report.members()["pseudonyms"].get("donor_id", 0))

    with ThreadPoolExecutor(3) as threads:
        assert sum(threads.map(take_in, range(3))) == 10
    donors = {desk.vaulted.entry(seq)["data"]["donor"] for seq in gifts(desk)}
    assert len(donors) == 10
    assert desk.vaulted.rows("select count(*) from vault_pseudonym") == [(10,)]


def test_an_erased_donor_who_comes_again_is_somebody_new(desk: Desk) -> None:
    desk.take_in(("donor_id",), donations=[f"D1,F,5,2026-01-02,{PHONE}"])
    before = desk.vaulted.vault.find("donor_id", PHONE, READER)
    erase(desk.vaulted.writer, desk.vaulted.vault, f"donor/{before}", Basis("request", "1"), 0)
    desk.take_in(("donor_id",), donations=[f"D2,F,5,2026-01-02,{PHONE}"])
    assert desk.vaulted.vault.find("donor_id", PHONE, READER) != before


def test_without_a_vault_there_are_no_pseudonyms(desk: Desk) -> None:
    source = parse_sources([f"donations={desk.file('donations', [])}"])
    with pytest.raises(NoVault):
        run(desk.vaulted.journal, Writer(desk.vaulted.journal), source, pseudonymise=("donor_id",))


def test_the_staged_rows_of_an_import_are_encrypted(desk: Desk) -> None:
    path = desk.file("donations", [f"D1,F,1,2026-01-02,{PHONE},王小明的名字,{OTHER}", "D2,F," + "长" * 70_000])
    with desk.vaulted.database.service() as connection:
        staging = Staging(connection, 2, ZoneInfo("Asia/Shanghai"))
        staging.stage(0, Source(KINDS["donations"], path))
        texts = [text for (text,) in connection.execute("select staged::text from staged")]
        assert not any(needle in text for text in texts for needle in ("王小明", PHONE, OTHER))
        decoded = [base64.b64decode(payload) for (payload,) in connection.execute("select payload from staged")]
        assert not any(needle.encode() in cell for cell in decoded for needle in ("王小明", PHONE, OTHER))
        with staging.rows() as rows:
            assert {row.cells[0] for row in rows} == {"D1", "D2"}
