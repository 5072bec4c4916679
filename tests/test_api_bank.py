"""`fenhao bank`: what is taken in once, what is held, who may accept it, and what is never kept in clear."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import bank_files as files
import pytest
from click.testing import Result
from conftest import Fenhao

from ledger.database import Connection, connecting
from ledger.vault_keeping import Keeping

TWO = ("--by", "li", "--approved-by", "wang", "--reason", "the bank corrects it in October")
PEOPLE = (
    "Zhang San",
    "Li Si",
    "张三",
    "王五",
    "市儿童医院",
    "openid-zhang",
    "138****0000",
    "NL00X",
    "CN99",
    "捐款",
    "Müller",
)
STATED = {
    "account": "6222000011112222",
    "currency": "CNY",
    "opening": "1000.00",
    "closing": "1100.25",
    "count": 4,
    "credits": "250.75",
    "debits": "150.50",
    "ties": True,
}


@pytest.fixture
def ledger(fenhao: Fenhao) -> Fenhao:
    """A ledger with nothing else in it."""
    assert fenhao("init", "--origin", "example.org/bank", "--no-codes").exit_code == 0
    return fenhao


@pytest.fixture
def tables(ledger: Fenhao, embedded_url: str) -> Iterator[Connection]:
    """The owner's view of that ledger's tables."""
    with connecting(embedded_url) as owner:
        found = owner.execute(
            "select n.nspname from pg_class c join pg_namespace n on n.oid = c.relnamespace where relname = 'bank_file'"
            " order by c.oid desc limit 1"
        ).fetchone()
        assert found is not None
        owner.execute(f"set search_path to {found[0]}")
        yield owner


def written(folder: Path, name: str, content: str | bytes) -> str:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return str(path)


def told(result: Result, code: int = 0) -> list[dict[str, Any]]:
    """The statements that a command gave."""
    assert result.exit_code == code, result.output
    found = json.loads(result.stdout)["statements"]
    assert isinstance(found, list)
    return found


def counts(owner: Connection) -> tuple[int, ...]:
    """How many files, statements, lines and acceptances there are, and keys in the vault."""
    names = ("bank_file", "bank_statement", "bank_line", "bank_acceptance", "vault_person")
    rows = [owner.execute(f"select count(*) from {name}").fetchone() for name in names]  # noqa: S608 - our own names
    return tuple(row[0] for row in rows if row)


def test_a_dry_run_needs_no_ledger_and_leaves_nothing(fenhao: Fenhao, tmp_path: Path) -> None:
    found = told(fenhao("bank", "import", written(tmp_path, "s.sta", files.MT940), "--dry-run", "--json"))
    assert [{name: each[name] for name in STATED} for each in found] == [STATED]
    assert not (tmp_path / "home" / "postgres").exists()


def test_a_dry_run_answers_as_the_real_one_and_records_nothing(
    ledger: Fenhao, tables: Connection, tmp_path: Path
) -> None:
    arguments = ("bank", "import", written(tmp_path, "s.sta", files.MT940), "--json")
    tried = told(ledger(*arguments, "--dry-run"))
    assert counts(tables) == (0, 0, 0, 0, 0)
    done = told(ledger(*arguments))
    assert counts(tables) == (1, 1, 4, 0, 1)
    assert [{**each, "id": None} for each in tried] == [{**each, "id": None} for each in done]


def test_the_same_file_twice_records_nothing_whatever_it_is_called(
    ledger: Fenhao, tables: Connection, tmp_path: Path
) -> None:
    first = told(ledger("bank", "import", written(tmp_path, "a.sta", files.MT940), "--json"))
    before = counts(tables)
    again = told(ledger("bank", "import", written(tmp_path, "b.txt", files.MT940), str(tmp_path / "a.sta"), "--json"))
    assert [(each["state"], each["id"]) for each in again] == [("already", first[0]["id"])] * 2
    assert counts(tables) == before


def test_two_genuine_twins_on_a_day_stay_two_and_overlapping_downloads_add_only_what_is_new(
    ledger: Fenhao, tables: Connection, tmp_path: Path
) -> None:
    head = "交易日期,金额,余额,流水号\n"
    twins = "2026-09-02,5.00,5.00,L1\n2026-09-02,5.00,10.00,L1\n"
    more = "2026-09-02,5.00,15.00,L1\n2026-09-03,-1.00,14.00,L2\n"
    [first] = told(ledger("bank", "import", written(tmp_path, "1.csv", head + twins), "--account", "A", "--json"))
    assert (first["count"], first["known"]) == (2, 0)
    [second] = told(
        ledger("bank", "import", written(tmp_path, "2.csv", head + twins + more), "--account", "A", "--json")
    )
    assert (second["count"], second["known"]) == (4, 2)
    assert counts(tables)[1:3] == (2, 4)
    part = written(tmp_path, "3.csv", head + more.splitlines()[1])
    assert told(ledger("bank", "import", part, "--account", "A", "--json"))[0]["state"] == "already"
    assert told(ledger("bank", "import", part, "--account", "B", "--json"))[0]["state"] == "recorded"


def test_without_reference_and_balance_no_line_is_taken_for_another(
    ledger: Fenhao, tables: Connection, tmp_path: Path
) -> None:
    """Two files with a like gift of the same day may both be whole: no money is left out by a guess."""
    for name in ("a", "b"):
        table = f"交易日期,金额,备注\n2026-09-02,5.00,{name}\n"
        told(ledger("bank", "import", written(tmp_path, name, table), "--account", "A", "--json"), 3)
    assert counts(tables)[2] == 2


def test_a_statement_in_another_file_is_known_by_its_number_and_a_different_one_refused(
    ledger: Fenhao, tables: Connection, tmp_path: Path
) -> None:
    told(ledger("bank", "import", written(tmp_path, "a.sta", files.MT940), "--json"))
    before = counts(tables)
    anew = written(tmp_path, "b.sta", "\n" + files.MT940)
    assert told(ledger("bank", "import", anew, "--json"))[0]["state"] == "already"
    other = files.MT940.replace("D100,", "D100,01").replace("C260904CNY1100,25", "C260904CNY1100,24")
    result = ledger("bank", "import", written(tmp_path, "c.sta", other), "--json")
    assert result.exit_code == 2
    assert "already as B" in result.stderr
    assert counts(tables) == before


def test_lines_of_another_numbered_statement_are_others_whatever_their_references_are(
    ledger: Fenhao, tables: Connection, tmp_path: Path
) -> None:
    """Two pages of one day may hold a like fee under a like reference; each page ties by itself."""
    told(ledger("bank", "import", written(tmp_path, "1.sta", files.MT940), "--json"))
    [second] = told(ledger("bank", "import", written(tmp_path, "2.sta", files.MT940.replace(":9/1", ":9/2")), "--json"))
    assert (second["state"], second["known"]) == ("recorded", 0)
    assert counts(tables)[1:3] == (2, 8)


def test_the_same_days_in_another_format_are_refused_unless_two_persons_say_otherwise(
    ledger: Fenhao, tables: Connection, tmp_path: Path
) -> None:
    told(ledger("bank", "import", written(tmp_path, "1.sta", files.MT940), "--account", "A", "--json"))
    table = "交易日期,金额,余额\n{}0.25,1100.25\n"
    same, later = (written(tmp_path, f"{day}.csv", table.format(f"2026-09-{day},")) for day in ("04", "05"))
    result = ledger("bank", "import", same, "--account", "A")
    assert (result.exit_code, "in another format" in result.stderr) == (2, True)
    assert counts(tables)[0] == 1
    told(ledger("bank", "import", later, "--account", "A", "--json"))
    told(ledger("bank", "import", same, "--account", "B", "--json"))
    other = written(tmp_path, "more.csv", table.format("2026-09-04,") + "\n")
    told(ledger("bank", "import", other, "--account", "A", "--accept", *TWO, "--json"))


def test_what_does_not_tie_is_held_until_two_persons_accept_it_with_a_reason(ledger: Fenhao, tmp_path: Path) -> None:
    wrong = written(tmp_path, "w.sta", files.MT940.replace("1100,25", "1100,20"))
    [held] = told(ledger("bank", "import", wrong, "--json"), 3)
    assert (held["ties"], held["difference"], held["state"]) == (False, "-0.05", "held")
    assert [each["id"] for each in told(ledger("bank", "list", "--held", "--json"))] == [held["id"]]
    for arguments, said in (
        (("--by", "li", "--reason", "x"), "--approved-by"),
        (("--by", "li", "--approved-by", "li", "--reason", "x"), "two different persons"),
        (("--by", "li", "--approved-by", "wang", "--reason", "call 13800138000"), "no personal values"),
        (("--by", "13800138000", "--approved-by", "wang", "--reason", "x"), "looks like a phone"),
    ):
        refused = ledger("bank", "accept", held["id"], *arguments)
        assert (refused.exit_code, said in refused.stderr) == (2, True), refused.stderr
    [accepted] = told(ledger("bank", "accept", held["id"], *TWO, "--json"))
    assert (accepted["state"], accepted["acceptance"]["approved_by"]) == ("accepted", "wang")
    assert told(ledger("bank", "list", "--held", "--json")) == []
    again = ledger("bank", "accept", wrong, *TWO)
    assert (again.exit_code, "is not held" in again.stderr) == (2, True)


def test_a_file_is_accepted_by_its_content_or_while_it_is_taken_in(ledger: Fenhao, tmp_path: Path) -> None:
    path = written(tmp_path, "o.ofx", files.OFX.encode("cp1252"))
    [held] = told(ledger("bank", "import", path, "--json"), 3)
    assert (held["ties"], held["difference"], held["opening"]) == (None, None, None)
    assert told(ledger("bank", "accept", path, *TWO, "--json"))[0]["id"] == held["id"]
    wrong = written(tmp_path, "w.sta", files.MT940.replace("1100,25", "1100,20"))
    assert ledger("bank", "import", wrong, "--accept").exit_code == 2
    assert told(ledger("bank", "import", wrong, "--accept", *TWO, "--json"))[0]["state"] == "accepted"
    for unknown in ("B999", written(tmp_path, "none.csv", "x")):
        result = ledger("bank", "accept", unknown, *TWO)
        assert (result.exit_code, "there is no statement" in result.stderr) == (2, True)


def test_a_file_without_an_account_needs_one_and_one_of_several_takes_none(
    ledger: Fenhao, tables: Connection, tmp_path: Path
) -> None:
    nameless = written(tmp_path, "f.csv", files.WECHAT_FUNDS)
    assert "--account" in ledger("bank", "import", nameless).stderr
    assert told(ledger("bank", "import", nameless, "--dry-run", "--json"))[0]["account"] is None
    assert told(ledger("bank", "import", nameless, "--account", "wx", "--json"))[0]["account"] == "wx"
    several = files.MT940 + files.MT940.replace("6222000011112222", "6222000011113333")
    before = counts(tables)
    result = ledger("bank", "import", written(tmp_path, "m.sta", several), "--account", "x")
    assert (result.exit_code, "several accounts" in result.stderr) == (2, True)
    assert counts(tables) == before


def test_one_bad_file_among_several_and_none_is_recorded(ledger: Fenhao, tables: Connection, tmp_path: Path) -> None:
    good, bad = written(tmp_path, "g.sta", files.MT940), written(tmp_path, "b.csv", "交易日期,金额\n2026-09-02,=1+1\n")
    result = ledger("bank", "import", good, bad, "--json")
    assert result.exit_code == 2
    assert json.loads(result.stdout)["error"] == "unusable_statement"
    assert result.stderr.count("\n") == 2
    assert "第 2 行" in result.stderr
    assert "line 2" in result.stderr
    assert counts(tables) == (0, 0, 0, 0, 0)


def test_a_file_broken_off_while_it_is_taken_in_leaves_nothing(
    ledger: Fenhao, tables: Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(self: Keeping) -> None:
        raise KeyboardInterrupt

    path = written(tmp_path, "s.sta", files.MT940)
    with monkeypatch.context() as patched:
        patched.setattr(Keeping, "store", killed)
        assert ledger("bank", "import", path).exit_code == 130
    assert counts(tables) == (0, 0, 0, 0, 0)
    assert told(ledger("bank", "import", path, "--json"))[0]["state"] == "recorded"


def test_people_in_statements_are_read_with_a_reason_which_is_noted_and_are_nowhere_in_clear(
    ledger: Fenhao, tables: Connection, tmp_path: Path
) -> None:
    contents: dict[str, str | bytes] = {
        "a.sta": files.MT940,
        "b.xml": files.camt("100.25", files.entry("200.25", "CRDT", "A1")),
        "c.ofx": files.OFX.encode("cp1252"),
        "d.csv": files.BANK_CSV,
        "e.csv": files.WECHAT_TRADES,
        "f.csv": files.ALIPAY_MOVEMENTS.encode("gbk"),
    }
    paths = [written(tmp_path, name, content) for name, content in contents.items()]
    kept = told(ledger("bank", "import", *paths, "--json"), 3)
    for table in tables.execute("select tablename from pg_tables where schemaname = current_schema()").fetchall():
        for (row,) in tables.execute(f"select t::text from {table[0]} t"):  # noqa: S608 - names of the catalogue
            assert [name for name in PEOPLE if name in row] == [], table

    by_id = kept[3]["id"]
    shown = json.loads(ledger("bank", "show", by_id, "--json").stdout)["lines"]
    assert [(line["amount"], line["counterparty"]) for line in shown] == [
        ("-30.00", None),
        ("100.50", None),
        ("100.00", None),
    ]
    reading = ("bank", "show", by_id, "--by", "li", "--reason", "an unknown receipt")
    shown = json.loads(ledger(*reading, "--json").stdout)["lines"]
    assert [line["counterparty"] for line in shown] == ["市儿童医院", "张三", "王五"]
    assert "an unknown receipt" in ledger("vault", "log").stdout
    assert ledger("vault", "rotate").exit_code == 0
    assert "王五" in ledger(*reading).stdout
    assert ledger("bank", "show", by_id, "--by", "li").exit_code == 2
    assert ledger("verify").exit_code == 0


def test_a_line_moved_to_another_place_does_not_open(ledger: Fenhao, tables: Connection, tmp_path: Path) -> None:
    [kept] = told(ledger("bank", "import", written(tmp_path, "d.csv", files.BANK_CSV), "--json"))
    tables.execute("update bank_line a set sealed = b.sealed from bank_line b where a.ordinal = 1 and b.ordinal = 2")
    result = ledger("bank", "show", kept["id"], "--by", "li", "--reason", "x")
    assert (result.exit_code, "does not open" in result.stderr) == (2, True)


def test_the_service_may_add_statements_and_neither_change_nor_remove_them(tables: Connection) -> None:
    role = tables.execute("select current_schema() || '_service'").fetchone()
    assert role is not None
    for table in ("bank_file", "bank_statement", "bank_acceptance", "bank_line"):
        rights = [
            right
            for right in ("INSERT", "UPDATE", "DELETE", "TRUNCATE")
            if tables.execute("select has_table_privilege(%s, %s, %s)", (role[0], table, right)).fetchone() == (True,)
        ]
        assert rights == ["INSERT"]


def test_any_table_comes_in_by_a_mapping_file(ledger: Fenhao, tmp_path: Path) -> None:
    mapping = written(
        tmp_path,
        "m.toml",
        '[columns]\nbooked_on = "Datum"\namount = "Betrag"\nbalance = "Saldo"\n[constants]\ncurrency = "EUR"\n'
        '[formats]\nbooked_on = "%d.%m.%Y"\namount = "1.234,56"\n',
    )
    path = written(tmp_path, "x.csv", files.MAPPED)
    [found] = told(ledger("bank", "import", path, "--mapping", mapping, "--account", "DE1", "--json"))
    assert (found["opening"], found["closing"], found["ties"], found["format"]) == ("100.00", "1300.00", True, "mapped")
    other = written(tmp_path, "n.toml", '[templates]\namount = "{Betrag}"\n')
    assert ledger("bank", "import", path, "--mapping", other).exit_code == 2


@pytest.mark.parametrize(
    ("language", "words"),
    [
        (
            "zh",
            ["期末余额应为 1,100.20，按明细为 1,100.25，相差 -0.05", "收入笔数应为 2，实为 1", "没有可供核对", "币种"],
        ),
        (
            "en",
            ["the lines come to 1,100.25, a difference of -0.05", "1 instead of 2", "no balances", "the account in"],
        ),
    ],
)
def test_why_a_statement_is_held_is_said_in_both_languages(
    ledger: Fenhao, tmp_path: Path, language: str, words: list[str]
) -> None:
    paths = [
        written(tmp_path, "w.sta", files.MT940.replace("1100,25", "1100,20")),
        written(tmp_path, "f.csv", files.ALIPAY_MOVEMENTS.replace("收入合计：1笔", "收入合计：2笔").encode("gbk")),
        written(tmp_path, "o.ofx", files.OFX.encode("cp1252")),
        written(tmp_path, "c.xml", files.camt("1.00").replace(b'Amt Ccy="EUR">1.00', b'Amt Ccy="USD">1.00')),
    ]
    result = ledger("bank", "import", *paths, "--lang", language)
    assert result.exit_code == 3
    assert [each for each in words if each not in result.stdout] == []
    listed = ledger("bank", "list", "--lang", language).stdout
    assert listed.count("✗") + listed.count("?") == 4
