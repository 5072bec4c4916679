"""No personal value is to be seen anywhere but in the vault's ciphertext: tables, files, logs, words are searched."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from personal_files import ALL_COLUMNS, CARDS, CASE_NOS, MAILS, NAMES, PHONES, rich_files

from api.cli import main
from ledger.database import Connection, Database, connecting
from ledger.embedded import ensure_running
from ledger.journal import Journal

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


def statement_of(folder: Path) -> Path:
    """A bank's statement that names people."""
    path = folder / "bank.csv"
    people = enumerate(zip(NAMES, PHONES, strict=False), 1)
    rows = [f"2026-09-02,1.00,{n}.00,{name},{phone}" for n, (name, phone) in people]
    path.write_text("\n".join(["交易日期,金额,余额,对方户名,附言", *rows, ""]), "utf-8")
    return path


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
    do(0, "bank", "import", statement_of(tmp_path), "--account", "A-1", "--json")
    do(0, "bank", "show", "B1")
    do(0, "doctor")
    opened = fenhao("vault", "open", "donation/D3", *vault, "--json")
    assert json.loads(opened.stdout)["openings"][0]["value"] == NAMES[5]

    forms = needles()
    for what, output in said:
        assert_clean(what, output.encode(), forms)
    with ensure_running(home) as server, connecting(server.owner_url) as owner:
        assert scan_tables(owner, forms) >= 25
        with Journal(Database(server.owner_url)) as journal:
            assert_clean("the bundles", b"".join(journal.entries.bundles()), forms)
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
