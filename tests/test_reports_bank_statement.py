"""银行存款余额调节表: what only the bank or only the books have leads from one to the other, and reads as it should."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from clerks import FIRST, FUND, desk_of

from ledger.decisions import CashLeg, LineRef, OpenAccount, ReceiveDonation, WriteOffLines
from reports.banking.reading import read_file
from reports.banking.taking import named
from reports.matching import record_matches
from reports.postings import Basis
from reports.statement_making import Making
from reports.statement_words import StatementReader
from reports.statements import Statement, code_of, grouped, lines_of

GOLDEN = Path(__file__).parent / "golden"
STATEMENT = (
    "交易日期,金额,余额,流水号\n2026-03-02,1234567890.12,1234567890.12,R1\n2026-03-03,3.21,1234567893.33,INT\n"
    "2026-03-04,-0.50,1234567892.83,WRONG\n"
)


@pytest.fixture(scope="module")
def statement(embedded_url: str) -> Iterator[Statement]:
    """A large gift that both have, one that the bank does not have yet, interest that is in no entry, a write-off."""
    with desk_of(embedded_url) as desk:
        ledger = desk.ledger
        ledger.writer.submit(OpenAccount(key="a", account="icbc-1", kind="bank"))
        for n, amount in enumerate((123_456_789_012, 5_000), 1):
            leg = (CashLeg("icbc-1", amount, FIRST, f"R{n}"),)
            ledger.writer.submit(
                ReceiveDonation(key=f"g{n}", donation=f"G{n}", fund=FUND, amount=amount, on=FIRST, cash=leg)
            )
        file = desk.folder / "s.csv"
        file.write_text(STATEMENT, "utf-8")
        desk.register.take(named(read_file(file), "icbc-1", file), file)
        record_matches(ledger.writer, desk.books(), "li")
        lines = (LineRef(read_file(file).sha256.hex(), 0, 3),)
        ledger.writer.submit(
            WriteOffLines(key="w", match="w", lines=lines, reason="bank_error", by="li", approved_by=("wang",))
        )
        desk.runner.catch_up()
        head = ledger.journal.entries.head()
        making = Making(ledger.journal, Basis(str(head.origin), "CNY", 2, head.size, b"\0" * 32))
        yield making.make("bank", {"to": "2026-03-31", "statements": ["1"]})


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_reconciliation_reads_as_it_should(statement: Statement, language: str) -> None:
    """After a change that is meant, read the files, and write them anew with FENHAO_TEST_GOLDEN=write."""
    lines = lines_of(statement, StatementReader(language))[:-1]
    text = "\n".join(" | ".join("" if cell is None else str(cell) for cell in line.cells) for line in lines) + "\n"
    text = text.replace(grouped(code_of(statement)), "CODE")
    golden = GOLDEN / f"statement-bank-{language}.txt"
    if os.environ.get("FENHAO_TEST_GOLDEN") == "write":
        golden.write_text(text, "utf-8")
    assert text == golden.read_text("utf-8"), f"{golden.name} reads otherwise"
