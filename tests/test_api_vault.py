"""Personal values at the command line: imported, replaced, found, opened, erased, and to be seen nowhere else."""

from __future__ import annotations

import base64
import hashlib
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from click.testing import CliRunner, Result
from vaults import READER, Vaulted, commitment_by_hand

from api.cli import main
from api.intake import KINDS, Report, Source, parse_sources, run
from api.intake.staging import Staging
from ledger.database import Connection, connecting
from ledger.decisions import Basis
from ledger.embedded import ensure_running
from ledger.erasure import erase
from ledger.vault_faults import NoVault
from ledger.writing import Writer

HEADS = {
    "funds": "fund_id,name",
    "hospitals": "hospital_id,name",
    "cases": "case_id,fund_id,hospital_id,person_id,household_id,disease,beneficiary_name,beneficiary_id_no,"
    "guardian_name,guardian_phone",
    "donations": "donation_id,fund_id,amount,received_on,donor_id,donor_name,donor_phone,donor_id_no,restriction,"
    "nature",
    "allocations": "allocation_id,case_id,amount,allocated_on",
    "hospital-payments": "payment_id,hospital_id,paid_on,case_id,amount",
}
COLUMNS = ("donor_id", "person_id", "household_id", "case_id")
ALL_COLUMNS = tuple(part for column in COLUMNS for part in ("--pseudonymise", column))


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
    text = "\n".join([*report.lines("zh"), *report.lines("en")])
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
        assert not any(needle in text for text in texts for needle in ("王小明", PHONE, OTHER, "D1"))
        decoded = [base64.b64decode(payload) for (payload,) in connection.execute("select payload from staged")]
        assert not any(needle.encode() in cell for cell in decoded for needle in ("王小明", PHONE, OTHER, "D1"))
        with staging.rows() as rows:
            assert {row.cells[0] for row in rows} == {"D1", "D2"}


# The command line.

Fenhao = Callable[..., Result]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def fenhao(home: Path, tmp_path: Path) -> Iterator[Fenhao]:
    """`fenhao` with an embedded server of its own, that writes down every statement with all it was given."""

    def run_it(*arguments: object, **more: Any) -> Result:
        environment = {
            "FENHAO_HOME": str(home),
            "FENHAO_DATABASE_URL": "",
            "FENHAO_SCHEMA": "",
            "FENHAO_LANGUAGE": "en",
            "FENHAO_RETENTION_YEARS": more.pop("years", ""),
            "TMPDIR": str(tmp_path / "tmp"),
        }
        return CliRunner().invoke(main, [str(one) for one in arguments], env=environment, **more)

    (tmp_path / "tmp").mkdir()
    with ensure_running(home) as server:
        with connecting(server.owner_url) as owner:
            for setting in (
                "log_statement = 'all'",
                "log_error_verbosity = 'verbose'",
                "log_parameter_max_length = -1",
                "log_parameter_max_length_on_error = -1",
            ):
                owner.execute(f"alter system set {setting}")
            owner.execute("select pg_reload_conf()")
        yield run_it


NAMES = ("欧阳震华甲子", "司马相如乙丑", "诸葛孔明丙寅", "西门吹雪丁卯", "上官婉儿戊辰", "慕容复己巳")
PHONES = ("13812345601", "13812345602", "13812345603", "13812345604")
CARDS = ("110101199003074514", "110101201803074512", "440524188001010014")
MAILS = ("ouyang.zhenhua@example.org",)
CASE_NOS = ("病案号甲乙丙丁戊", "户口簿子丑寅卯辰")


def rich_files(folder: Path) -> list[str]:
    """Files with every personal column, some rows of which are bad in as many ways as there are messages."""
    n, p, c = NAMES, PHONES, CARDS
    rows = {
        "funds": ["F,基金"],
        "hospitals": ["H,医院"],
        "cases": [
            f"{CASE_NOS[0]},F,H,{c[1]},{CASE_NOS[1]},VSD,{n[0]},{c[1]},{n[1]},{p[0]}",
            f"{CASE_NOS[0]}二,F,H,{c[1]},{CASE_NOS[1]},VSD,{n[0]},{c[1]},{n[1]},{p[0]}",
            f"C3,F,H,{c[2]},,NOPE,{n[2]},,,",
            f"C4,F,nowhere,,,VSD,{n[2]}\u0007,,,{p[1]}",
        ],
        "donations": [
            f"D1,F,100,2026-01-02,{p[1]},{n[3]},{p[1]},{c[0]},,",
            f"D2,F,100,2026-01-03,{MAILS[0]},{n[4]},{p[2]},,,",
            f"D1,F,101,2026-01-02,{p[1]},{n[3]},{p[1]},{c[0]},,",
            f"D3,F,5,2026-01-04,,{n[5]},{p[3]},,person={c[1]},agency",
            f"D4,F,x,2026-01-02,{p[2]},{n[4]},{p[2]},{c[0]},,",
            f"D5,F,1,2026-01-02,{p[2]},{'长' * 999}{n[4]},,,,",
            f"D6,nowhere,1,2026-01-02,{p[2]},{n[4]},{p[3]},,,",
            f"D7,F,1,2026-01-02,{p[3]},{n[4]},{p[3]},,person={c[1]},own",
        ],
        "allocations": [
            f"A1,{CASE_NOS[0]},10,2026-02-02",
            f"A2,{CASE_NOS[1]},10,2026-02-02",
            f"A3,{c[0]},1,2026-02-02",
        ],
    }
    arguments = []
    for kind, lines in rows.items():
        path = folder / f"{kind}.csv"
        encoding = "gb18030" if kind == "cases" else "utf-8"
        path.write_bytes("\n".join([HEADS[kind], *lines]).encode(encoding))
        arguments.append(f"{kind}={path}")
    headless = folder / "headless.csv"
    headless.write_text(f"D1,F,100,2026-01-02,{PHONES[1]},{NAMES[3]}\n", "utf-8")
    return arguments


def needles() -> dict[bytes, str]:
    """Every personal value in every form it could lie about in, with the value."""
    found: dict[bytes, str] = {}
    for value in (*NAMES, *PHONES, *CARDS, *MAILS, *CASE_NOS):
        raw = value.encode()
        digest = hashlib.sha256(raw)
        forms = [
            raw,
            value.encode("gb18030"),
            value.encode("utf-16-le"),
            json.dumps(value).strip('"').encode(),
            raw.hex().encode(),
            base64.b64encode(raw).rstrip(b"=")[: len(raw) * 4 // 3 - 1],
            digest.digest(),
            digest.hexdigest().encode(),
            hashlib.sha256(json.dumps(value, ensure_ascii=False).encode()).digest(),
        ]
        found |= dict.fromkeys(forms, value)
    return found


def assert_clean(where: str, data: bytes, forms: dict[bytes, str]) -> None:
    found = [value for form, value in forms.items() if form in data]
    assert found == [], f"{where} holds {found}"


def scan_tables(owner: Connection, forms: dict[bytes, str]) -> int:
    """Scans every column of every table but PostgreSQL's own, those of other sessions' temporary schemas too."""
    tables = owner.execute(
        "select n.nspname, c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace"
        " where c.relkind in ('r', 'p', 'm', 'v') and n.nspname not in ('pg_catalog', 'information_schema')"
    ).fetchall()
    for schema, table in tables:
        if not schema.startswith("pg_temp"):  # other sessions' rows cannot be read; their files are scanned below
            for (row,) in owner.execute(f'select t::text from "{schema}"."{table}" t'):  # noqa: S608 - names of the catalogue
                assert_clean(f"{schema}.{table}", row.encode(), forms)
    return len(tables)


def test_no_personal_value_is_anywhere_but_in_the_vaults_ciphertext(fenhao: Fenhao, home: Path, tmp_path: Path) -> None:
    """Imports, faults, reading by others, erasure, rotation; then every table, file, log and word is looked through."""
    said: list[tuple[str, str]] = []

    def do(code: int, *arguments: object, **more: Any) -> Result:
        result = fenhao(*arguments, **more)
        said.append((" ".join(map(str, arguments[:2])), result.output))
        assert result.exit_code == code, result.output
        return result

    files, vault = rich_files(tmp_path), ("--by", "s1", "--reason", "test")
    do(0, "init", "--origin", "example.org/t")
    do(3, "import", *[file for file in files if "donations" in file])  # their ids look personal, and are refused
    do(2, "import", f"donations={tmp_path / 'headless.csv'}")
    do(3, "import", *files, *ALL_COLUMNS, "--dry-run", "--json")
    do(3, "import", *files, *ALL_COLUMNS, "--rejects", tmp_path / "rejects.csv")
    do(3, "import", *files, *ALL_COLUMNS, "--json")
    donor = do(0, "vault", "find", "donor_id", "-", *vault, input=f"{PHONES[1]}\n").stdout.strip()
    do(2, "vault", "find", "donor_id", "-", *vault, input=f"{PHONES[0]}\n")
    do(0, "trace", "donor", donor)
    do(0, "trace", "donation", "D1", "--json")
    do(0, "verify")
    do(0, "rebuild")
    do(0, "vault", "erase", f"donor/{donor}", "--basis", "request:1")
    do(2, "vault", "open", "donation/D1", *vault)
    do(0, "vault", "rotate")
    do(0, "vault", "erase", f"donor/{donor}", "--basis", "request:1", years="0")
    do(0, "vault", "open", "donation/D1", *vault)
    do(0, "vault", "log", "--json")
    do(0, "doctor")
    opened = fenhao("vault", "open", "donation/D3", *vault, "--json")
    assert json.loads(opened.stdout)["openings"][0]["value"] == NAMES[5]

    forms = needles()
    for what, output in said:
        assert_clean(what, output.encode(), forms)
    with ensure_running(home) as server, connecting(server.owner_url) as owner:
        assert scan_tables(owner, forms) >= 25
        owner.execute("checkpoint")
        assert b"copy vault_value" in (log := server.log.read_bytes()), "the log tells everything"
        assert b"parameters: $1 = " in log.lower()
        for path in [*home.rglob("*"), *(tmp_path / "tmp").rglob("*")]:
            if path.is_file():
                assert_clean(str(path), path.read_bytes(), forms)
    rejects = (tmp_path / "rejects.csv").read_bytes()
    assert PHONES[2].encode() in rejects, "the user's own rows"
    reasons = [line.split(",")[-3:] for line in rejects.decode("utf-8-sig").splitlines()]
    assert_clean("reasons", repr(reasons).encode(), forms)
    assert (tmp_path / "rejects.csv").stat().st_mode & 0o077 == 0


def test_the_scan_sees_what_it_is_to_see(fenhao: Fenhao, home: Path, tmp_path: Path) -> None:
    """A value that does lie about, in the log and in a table, is found."""
    fenhao("init", "--origin", "example.org/t")
    with ensure_running(home) as server, connecting(server.owner_url) as owner:
        owner.execute("create table fenhao.remark as select %s::text as said", (NAMES[0],))
        with pytest.raises(AssertionError, match="remark"):
            scan_tables(owner, needles())
        owner.execute("drop table fenhao.remark")
        with pytest.raises(AssertionError, match="log"):
            assert_clean("log", server.log.read_bytes(), needles())


def test_an_opening_says_what_a_receipt_needs(fenhao: Fenhao, tmp_path: Path) -> None:
    fenhao("init", "--origin", "example.org/t")
    fenhao("import", *rich_files(tmp_path), *ALL_COLUMNS)
    result = json.loads(fenhao("vault", "open", "donation/D1", "--by", "s1", "--reason", "r", "--json").stdout)
    assert result["stream"] == "donation/D1"
    assert {one["field"]: one["value"] for one in result["openings"]} == {
        "donor_id_no": CARDS[0],
        "donor_name": NAMES[3],
        "donor_phone": PHONES[1],
    }
    for one in result["openings"]:
        assert commitment_by_hand(one["salt"], one["field"], "donation/D1", one["value"]) == one["commitment"]
    log = json.loads(fenhao("vault", "log", "donation/D1", "--json").stdout)["accesses"]
    assert [(one["by"], one["reason"], one["fields"]) for one in log] == [
        ("s1", "r", ["donor_id_no", "donor_name", "donor_phone"])
    ]


def test_vault_commands_answer_people_in_both_languages(fenhao: Fenhao, tmp_path: Path) -> None:
    fenhao("init", "--origin", "example.org/t")
    fenhao("import", *rich_files(tmp_path), *ALL_COLUMNS)
    vault = ("--by", "s1", "--reason", "r")
    found = fenhao("vault", "find", "donor_id", MAILS[0], *vault, "--json")
    donor = json.loads(found.stdout)["donor_id"]
    assert MAILS[0] in fenhao("vault", "open", f"donor/{donor}", *vault, "--lang", "zh").stdout
    assert "没有个人信息" in fenhao("vault", "open", "fund/F", *vault, "--lang", "zh").stdout
    asked = fenhao("vault", "erase", f"donor/{donor}", "--basis", "request:1", "--json")
    assert json.loads(asked.stdout)["state"] == "restricted"
    assert json.loads(asked.stdout)["until"] == "2057-01-01"
    refused = fenhao("vault", "open", "donation/D2", *vault)
    assert (refused.exit_code, "--restricted-reason" in refused.stderr) == (2, True)
    read = fenhao("vault", "open", "donation/D2", *vault, "--restricted-reason", "court", "--lang", "zh")
    assert NAMES[4] in read.stdout
    assert "restricted" in fenhao("doctor").stdout
    erased = fenhao("vault", "erase", f"donor/{donor}", "--basis", "request:1", years="0")
    assert "are erased" in erased.stdout
    assert "已删除" in fenhao("vault", "open", "donation/D2", *vault, "--lang", "zh").stdout
    assert "主密钥" in fenhao("vault", "rotate", "--lang", "zh").stdout
    assert "only older backups need" in fenhao("doctor").stdout


@pytest.mark.parametrize(
    "arguments",
    [
        ["vault", "open", "donation/none", "--by", "s", "--reason", "r"],
        ["vault", "find", "donor_id", "nobody", "--by", "s", "--reason", "r"],
        ["vault", "find", "amount", "nobody", "--by", "s", "--reason", "r"],
        ["vault", "erase", "donor/none", "--basis", "request:1"],
        ["vault", "erase", "P1", "--basis", "request:1"],
        ["vault", "erase", "donor/P1", "--basis", "request"],
    ],
    ids=" ".join,
)
def test_a_bad_request_to_the_vault_is_one_sentence_and_exit_code_two(
    embedded_url: str, tmp_path: Path, arguments: list[str]
) -> None:
    schema = f"cli_{os.getpid()}_{abs(hash(tuple(arguments))) % 10**6}"
    environment = {"FENHAO_HOME": str(tmp_path), "FENHAO_DATABASE_URL": embedded_url, "FENHAO_SCHEMA": schema}
    try:
        assert CliRunner().invoke(main, ["init", "--origin", "example.org/t"], env=environment).exit_code == 0
        result = CliRunner().invoke(main, arguments, env=environment)
        assert (result.exit_code, result.stderr.count("error: ")) == (2, 1), result.output
        years = CliRunner().invoke(
            main,
            ["vault", "erase", "donor/P1", "--basis", "a:b"],
            env={**environment, "FENHAO_RETENTION_YEARS": "thirty"},
        )
        assert (years.exit_code, "FENHAO_RETENTION_YEARS" in years.stderr) == (2, True)
    finally:
        with connecting(embedded_url) as owner:
            owner.execute(f"drop schema if exists {schema} cascade; drop owned by {schema}_service")
            owner.execute(f"drop role {schema}_service")


def test_doctor_says_what_is_wrong_with_the_vaults_keys(fenhao: Fenhao, home: Path, tmp_path: Path) -> None:
    fenhao("init", "--origin", "example.org/t")
    fenhao("import", *rich_files(tmp_path), *ALL_COLUMNS)
    assert "vault of personal values: the keys of" in fenhao("doctor").stdout
    (master,) = (home / "keys").glob("vault-master-*.key")
    content = master.read_bytes()
    master.write_bytes(b"00" * 32)
    broken = fenhao("doctor")
    assert (broken.exit_code, "another key than its name says" in broken.stdout) == (1, True)
    master.write_bytes(content)
    (index,) = (home / "keys").glob("vault-index-*.key")
    index.rename(tmp_path / "index")
    assert "it is not there" in fenhao("doctor").stdout


def test_an_older_ledger_gets_its_vault_by_migrate(fenhao: Fenhao, home: Path, tmp_path: Path) -> None:
    fenhao("init", "--origin", "example.org/t")
    with ensure_running(home) as server, connecting(server.owner_url) as owner:
        owner.execute("delete from fenhao.vault_keys")
    for path in (home / "keys").glob("vault-*"):
        path.unlink()
    refused = fenhao("import", *rich_files(tmp_path), *ALL_COLUMNS)
    assert (refused.exit_code, "fenhao migrate" in refused.stderr) == (2, True)
    assert fenhao("migrate").exit_code == 0
    assert fenhao("import", *rich_files(tmp_path), *ALL_COLUMNS).exit_code == 3


def test_help_says_that_the_rejects_file_holds_the_rows_as_they_are() -> None:
    text = " ".join(CliRunner().invoke(main, ["import", "--help"]).output.split())
    assert "with names and all" in text
    assert "含姓名等个人信息" in text
