"""Statements: they say what the ledger holds, in both languages and all formats, and any changed figure is told."""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from honest import Honest

from ledger.errors import LedgerError
from projections.runner import Runner
from projections.trace import reading
from reports.balances import balances_of
from reports.chart import DEFAULTS
from reports.donor import Wording
from reports.donor_statement import DonorReader, donor_file, told_of
from reports.postings import Basis
from reports.report_check import NotAReport, check_report, read_printed
from reports.statement_files import statement_file
from reports.statement_making import Making
from reports.statement_words import StatementReader
from reports.statements import Statement, code_of, grouped, lines_of

GOLDEN = Path(__file__).parent / "golden"
FEBRUARY = {"from": "2026-02-01", "to": "2026-02-28"}
YEAR = {"from": "2026-01-01", "to": "2026-12-31"}
RULES = {"programme_min": 7_000, "management_max": 1_000, "years": 1}
SAMPLES: dict[str, tuple[str, dict[str, Any]]] = {
    "accounts": ("accounts", {**FEBRUARY, "chart": DEFAULTS}),
    "flows": ("flows", YEAR),
    "flows-of-fund": ("flows", {**FEBRUARY, "fund": "heart"}),
    "fund": ("fund", FEBRUARY),
    "hospital": ("hospital", FEBRUARY),
    "hospital-cases": ("hospital", {**YEAR, "hospital": "H1"}),
    "position": ("position", {"to": "2026-02-28"}),
    "ratios": ("ratios", {"year": 2026, "rules": RULES}),
}
SIDES = (("opening_debit", "opening_credit"), ("debit", "credit"), ("closing_debit", "closing_credit"))
ZH, EN = StatementReader("zh"), StatementReader("en")


@pytest.fixture(scope="module")
def making(honest: Honest) -> Making:
    """An honest ledger with a fact of every kind, under its signed head."""
    Runner(honest.ledger.journal).catch_up()
    head = honest.log.checkpoint()
    assert head is not None
    return Making(honest.ledger.journal, Basis(head.origin, "CNY", 2, head.size, head.root))


@pytest.fixture(scope="module")
def made(making: Making) -> dict[str, Statement]:
    return {name: making.make(kind, parameters) for name, (kind, parameters) in SAMPLES.items()}


def column(statement: Statement, name: str, key: str) -> list[Any]:
    """A column of a table."""
    table = next(table for table in statement.tables if table.key == name)
    at = [each.key for each in table.columns].index(key)
    return [row[at] for row in table.rows]


def by_key(statement: Statement, name: str, key: str, amount: str) -> Counter[str]:
    """Sums of one column by another."""
    sums: Counter[str] = Counter()
    for each, value in zip(column(statement, name, key), column(statement, name, amount), strict=True):
        sums[each] += value
    return sums


def test_of_a_donors_pages_it_is_said_what_no_log_can_tell(making: Making, honest: Honest) -> None:
    told = told_of(making.journal, honest.ledger.vault, "DN-2", "2026", making.basis, None)
    reader = DonorReader("zh", wording=Wording(StatementReader("zh"), told.names))
    for kind in (".html", ".pdf", ".csv", ".json"):
        verdict = check(donor_file(told, reader, kind), making)
        assert (list(verdict.problems), verdict.is_named) == ([], True), kind
        assert verdict.ok == (kind in (".csv", ".json")), kind
        if not verdict.ok:
            with pytest.raises(NotAReport, match="names that no log tells"):
                verdict.require_pages()
    page = donor_file(told, reader, ".html")
    code = code_of(told.statement)
    assert [one.en for one in check(page.replace(code.encode(), code[::-1].encode()), making).problems] == ["the code"]
    with pytest.raises(NotAReport):
        check(b"<html></html>", making)


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("name", [*SAMPLES, "donor"])
def test_statements_read_as_they_should(
    name: str, language: str, made: dict[str, Statement], making: Making, honest: Honest
) -> None:
    """After a change that is meant, read the files, and write them anew with FENHAO_TEST_GOLDEN=write."""
    if name == "donor":
        told = told_of(making.journal, honest.ledger.vault, "DN-2", "2026", making.basis, None)
        statement = told.statement
        reader: StatementReader = DonorReader(language, wording=Wording(StatementReader(language), told.names))
    else:
        statement, reader = made[name], StatementReader(language)
    lines = lines_of(statement, reader)[:-1]
    text = "\n".join(" | ".join("" if cell is None else str(cell) for cell in line.cells) for line in lines) + "\n"
    text = text.replace(statement.basis.root.hex(), "ROOT").replace(grouped(code_of(statement)), "CODE")
    golden = GOLDEN / f"statement-{name}-{language}.txt"
    if os.environ.get("FENHAO_TEST_GOLDEN") == "write":
        golden.write_text(text, "utf-8")
    assert text == golden.read_text("utf-8"), f"{golden.name} reads otherwise"


def test_figures_are_those_of_the_ledger(honest: Honest, making: Making, made: dict[str, Statement]) -> None:
    with reading(honest.ledger.journal) as traces:
        told = balances_of(traces)
    held = sum(told[name] for name in ("available", "allocated", "fees", "held"))
    year = making.make("fund", YEAR)
    assert sum(column(year, "fund_roll", "closing")) == held + told["paid"]
    assert sum(column(year, "fund_roll", "released")) == 0
    advances = making.make("hospital", YEAR)
    assert sum(column(advances, "advances_by_hospital", "closing")) == told["paid"]
    ages = ("age_30", "age_90", "age_180", "age_365", "age_more")
    assert sum(sum(column(advances, "advances_by_hospital", age)) for age in ages) == told["paid"]
    [[is_held, placed, apart]] = making.make("position", {"to": YEAR["to"]}).tables[2].rows
    assert (is_held, placed, apart) == (held, held, 0)
    spent = by_key(made["ratios"], "ratio_figures", "figure", "amount")
    assert spent["management"] == told["costs"]
    assert spent["programme"] - by_key(made["flows"], "flows_by_fund", "item", "agency")["agency_spent"] == told["used"]
    for statement in (made["accounts"], making.make("accounts", {**YEAR, "chart": DEFAULTS})):
        for table in statement.tables:
            for one, other in SIDES:
                assert sum(column(statement, table.key, one)) == sum(column(statement, table.key, other))


def test_the_same_statement_is_the_same_bytes_and_unchanged(made: dict[str, Statement], making: Making) -> None:
    for kind in (".xlsx", ".csv", ".json"):
        for reader in (ZH, EN):
            data = statement_file(made["fund"], reader, kind)
            assert data == statement_file(made["fund"], reader, kind)
            verdict = check(data, making)
            assert (verdict.ok, verdict.unchanged) == (True, True)


def check(data: bytes, making: Making) -> Any:
    return check_report(read_printed(data), data, making.journal, making.basis, lambda done, size: None)


def in_workbook(data: bytes, change: Callable[[Any], None]) -> bytes:
    """The workbook as another program saves it, with a change."""
    book, file = openpyxl.load_workbook(io.BytesIO(data)), io.BytesIO()
    change(book.active)
    book.save(file)
    return file.getvalue()


def raise_a_fen(sheet: Any) -> None:
    """One fen more in the first amount."""
    cell = next(cell for row in sheet.iter_rows() for cell in row if isinstance(cell.value, float))
    cell.value = float(Decimal(str(cell.value)) + Decimal("0.01"))


def test_any_changed_figure_is_told(made: dict[str, Statement], making: Making) -> None:
    statement = made["hospital"]
    sheet = statement_file(statement, ZH, ".xlsx")
    saved = check(in_workbook(sheet, lambda sheet: None), making)
    assert (saved.ok, saved.unchanged) == (True, False), "saved by another program, and not changed"
    [problem] = check(in_workbook(sheet, raise_a_fen), making).problems
    assert Decimal(problem.said) - Decimal(problem.computed) == Decimal("0.01")
    text = statement_file(statement, ZH, ".csv").decode()
    figure = next(each for each in text.split(",") if each.endswith(".00") and each > "0.00")
    for changed in (
        text.replace(figure, f"1{figure}", 1),
        text.replace("H1", "H2", 1),
        text.replace("\r\n", "\r\nx\r\n", 1),
    ):
        assert check(changed.encode(), making).problems
    figures = json.loads(statement_file(statement, EN, ".json"))
    figures["tables"][0]["rows"][0][2] += 1
    [problem] = check(json.dumps(figures).encode(), making).problems
    assert problem.en == "tables.0.rows.0.2"


def test_a_proof_that_was_changed_is_told(made: dict[str, Statement], making: Making) -> None:
    text = statement_file(made["fund"], EN, ".csv").decode()
    code, root = code_of(made["fund"]), making.basis.root.hex()
    for changed in (
        text.replace(code, code[::-1]),
        text.replace(root, root[::-1]),
        text.replace("2026-02-28", "2026-02-27"),
        text.replace(f'""size"":{making.basis.size}', '""size"":40'),
    ):
        assert changed != text
        assert check(changed.encode(), making).problems
    for unusable in (
        text.replace("ledger.example.org", "ledger.example.net"),
        text.replace(f'""size"":{making.basis.size}', '""size"":9999999'),
        text.replace('""fund""', '""fortune""'),
        text.replace('""from""', '""form""'),
        text[:-40],
        "",
        "%PDF-1.7",
        "PK\x03\x04",
        '{"format": "fenhao-statement/1"}',
    ):
        with pytest.raises(LedgerError):
            check(unusable.encode(), making)


def test_entries_that_were_changed_are_told(honest: Honest, made: dict[str, Statement], making: Making) -> None:
    data = statement_file(made["fund"], EN, ".json")
    with honest.unchanged(), honest.ledger.database.owner() as owner:
        owner.execute("set session_replication_role = replica")
        owner.execute(
            "update entry set body = replace(convert_from(body, 'UTF8'), '张三', '李四')::bytea where seq = 20"
        )
        owner.execute("update entry set body = set_byte(body, 30, 120) where seq = 5")
        assert {problem.en for problem in check(data, making).problems} >= {"the root"}


def test_a_pdf_says_all_that_the_figures_say_and_other_pages_are_not_vouched_for(
    made: dict[str, Statement], making: Making, tmp_path: Path
) -> None:
    if shutil.which("pdftotext") is None:
        pytest.skip("poppler-utils is not installed: see .ci/packages.txt")
    file = tmp_path / "statement.pdf"
    for reader in (EN, ZH):
        file.write_bytes(data := statement_file(made["fund"], reader, ".pdf"))
        done = subprocess.run(["pdftotext", "-layout", file, "-"], check=True, capture_output=True, text=True)
        for cell in (cell for line in lines_of(made["fund"], reader)[:-3] for cell in line.cells if cell is not None):
            assert (f"{cell:,}" if isinstance(cell, Decimal) else str(cell)[:12]) in done.stdout
    assert check(data, making).unchanged
    verdict = check(data + b"% other pages", making)
    assert (verdict.ok, verdict.pages, list(verdict.problems)) == (False, False, [])


def test_a_table_of_large_amounts_stays_on_the_page(made: dict[str, Statement]) -> None:
    """Ten billion in each column."""
    if shutil.which("pdftotext") is None:
        pytest.skip("poppler-utils is not installed: see .ci/packages.txt")
    tables = [
        table._replace(
            rows=[
                [10**12 if column.kind == "amount" else cell for cell, column in zip(row, table.columns, strict=True)]
                for row in table.rows[:2]
            ]
        )
        for table in made["hospital"].tables
    ]
    large = made["hospital"]._replace(tables=tables)
    for reader in (ZH, EN):
        data = statement_file(large, reader, ".pdf")
        done = subprocess.run(["pdftotext", "-bbox", "-", "-"], input=data, check=True, capture_output=True)
        page = float(done.stdout.decode().split('<page width="')[1].split('"')[0])
        words = [(float(x), text) for x, text in re.findall(r'xMax="([0-9.]+)"[^>]*>([^<]*)<', done.stdout.decode())]
        assert sum(text == "10,000,000,000.00" for _, text in words) >= 20
        assert max(words) <= (page - 45, "")


def test_a_sheet_has_ids_as_text_and_no_formula(made: dict[str, Statement]) -> None:
    statement = made["fund"]
    [table] = statement.tables
    odd = statement._replace(tables=[table._replace(rows=[("=1+1", "@x", *row[2:]) for row in table.rows[:1]])])
    sheet = openpyxl.load_workbook(io.BytesIO(statement_file(odd, ZH, ".xlsx"))).active
    assert sheet is not None
    assert sheet.freeze_panes is not None
    cells = {cell.value: cell.data_type for row in sheet.iter_rows() for cell in row}
    assert cells["=1+1"] == "s" or not str(cells["=1+1"]).startswith("f")
    assert b"'=1+1,'@x" in statement_file(odd, ZH, ".csv")
