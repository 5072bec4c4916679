"""`fenhao vault`: what it says to people and programs, and what it asks of them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from personal_files import ALL_COLUMNS, CARDS, MAILS, NAMES, PHONES, rich_files
from schemas import own_schema
from vaults import commitment_by_hand

from api.cli import main
from ledger.database import connecting

Fenhao = Callable[..., Result]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def schema(embedded_url: str) -> Iterator[str]:
    """A migrated schema of the test's own."""
    with own_schema(embedded_url) as database:
        yield database.schema


@pytest.fixture
def fenhao(embedded_url: str, home: Path, schema: str) -> Fenhao:
    """`fenhao` in a home and a schema of its own, with a ledger."""

    def run_it(*arguments: object, **more: Any) -> Result:
        environment = {
            "FENHAO_HOME": str(home),
            "FENHAO_DATABASE_URL": embedded_url,
            "FENHAO_SCHEMA": schema,
            "FENHAO_LANGUAGE": "en",
            "FENHAO_RETENTION_YEARS": more.pop("years", ""),
        }
        return CliRunner().invoke(main, [str(one) for one in arguments], env=environment, **more)

    assert run_it("init", "--origin", "example.org/t").exit_code == 0
    return run_it


def test_an_opening_says_what_a_receipt_needs(fenhao: Fenhao, tmp_path: Path) -> None:
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
        ["open", "donation/none", "--by", "s", "--reason", "r"],
        ["find", "donor_id", "nobody", "--by", "s", "--reason", "r"],
        ["find", "amount", "nobody", "--by", "s", "--reason", "r"],
        ["erase", "donor/none", "--basis", "request:1"],
        ["erase", "P1", "--basis", "request:1"],
        ["erase", "donor/P1", "--basis", "request"],
    ],
    ids=" ".join,
)
def test_a_bad_request_to_the_vault_is_one_sentence_and_exit_code_two(fenhao: Fenhao, arguments: list[str]) -> None:
    result = fenhao("vault", *arguments)
    assert (result.exit_code, result.stderr.count("error: ")) == (2, 1), result.output
    assert "nobody" not in result.stderr


def test_years_that_are_none_are_a_clear_fault(fenhao: Fenhao) -> None:
    result = fenhao("vault", "erase", "donor/P1", "--basis", "a:b", years="thirty")
    assert (result.exit_code, "FENHAO_RETENTION_YEARS" in result.stderr) == (2, True)


def test_doctor_says_what_is_wrong_with_the_vaults_keys(fenhao: Fenhao, home: Path, tmp_path: Path) -> None:
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


def test_an_older_ledger_gets_its_vault_by_migrate(
    fenhao: Fenhao, home: Path, tmp_path: Path, embedded_url: str, schema: str
) -> None:
    with connecting(embedded_url) as owner:
        owner.execute(f"delete from {schema}.vault_keys")  # noqa: S608 - our schema
    for path in (home / "keys").glob("vault-*"):
        path.unlink()
    refused = fenhao("import", *rich_files(tmp_path), *ALL_COLUMNS)
    assert (refused.exit_code, "fenhao migrate" in refused.stderr) == (2, True)
    assert fenhao("migrate").exit_code == 0
    assert fenhao("import", *rich_files(tmp_path), *ALL_COLUMNS).exit_code == 3


def test_a_single_fact_takes_personal_values_too(fenhao: Fenhao, tmp_path: Path) -> None:
    fenhao("import", *rich_files(tmp_path))
    sets = ["donation=R1", "fund=F", "amount=5.00", "on=2026-03-01", "donor=P1", f"personal.donor_name={NAMES[0]}"]
    asked = ["record", "DonationReceived", *(part for one in sets for part in ("--set", one))]
    done = fenhao(*asked)
    assert (done.exit_code, NAMES[0] in done.output, "in the vault donor_name" in done.stdout) == (0, False, True)
    assert "recorded already" in fenhao(*asked).stdout
    opened = fenhao("vault", "open", "donation/R1", "--by", "s1", "--reason", "r")
    assert NAMES[0] in opened.stdout
    for bad in ("personal=" + NAMES[0], "personal={" + NAMES[0], "personal.donor_phone=1", "personal.X=" + NAMES[0]):
        refused = fenhao(*asked, "--set", bad)
        assert (refused.exit_code, NAMES[0] in refused.output) == (2, False), refused.output
    closed = fenhao("record", "FundOpened", "--set", "fund=Z", "--set", "name=z", "--set", f"personal.x={NAMES[0]}")
    assert (closed.exit_code, NAMES[0] in closed.output) == (2, False)
    assert "fenhao vault erase records it" in fenhao("record", "SubjectErased").stderr


def test_help_says_that_the_rejects_file_holds_the_rows_as_they_are() -> None:
    text = " ".join(CliRunner().invoke(main, ["import", "--help"]).output.split())
    assert "with names and all" in text
    assert "含姓名等个人信息" in text
