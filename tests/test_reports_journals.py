"""Journals: the programs they are for find them sound, and come to the balances that the ledger has."""

from __future__ import annotations

import csv
import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from honest import Honest

from projections.runner import Runner
from projections.trace import reading
from reports.balances import balances_of
from reports.journals import FORMATS, journal_lines, name_of
from reports.posted import posted
from reports.postings import Account, Basis, Transaction

PROGRAMS = {"hledger": "hledger", "ledger": "ledger", "beancount": "bean-check"}


def run(*command: str) -> str:
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not installed: see .ci/packages.txt")
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def fen(text: str) -> int:
    """An amount of a report in minor units; `0` alone has no currency."""
    sign, whole, cents = re.search(r"(-?)(\d+)(?:\.(\d\d))?", text.replace(",", "")).groups()  # type: ignore[union-attr]  # it is one
    return int(f"{sign}{whole}{cents or '00'}")


def of_hledger(file: Path) -> dict[str, int]:
    run("hledger", "-f", str(file), "check", "--strict", "ordereddates")
    rows = csv.reader(run("hledger", "-f", str(file), "bal", "-N", "-E", "--flat", "-O", "csv").splitlines())
    return {name: fen(amount) for name, amount in list(rows)[1:]}


def of_ledger(file: Path) -> dict[str, int]:
    text = run("ledger", "-f", str(file), "--pedantic", "bal", "-E", "--flat", "--no-total", "--format", "%A\t%T\n")
    return {name: fen(amount) for name, amount in (line.split("\t") for line in text.splitlines())}


def of_beancount(file: Path) -> dict[str, int]:
    assert run("bean-check", "--no-cache", str(file)) == ""
    text = run("bean-query", "-f", "csv", str(file), "select account, sum(number) as amount group by account")
    return {name.strip(): fen(amount) for name, amount in list(csv.reader(text.splitlines()))[1:]}


READ: dict[str, Callable[[Path], dict[str, int]]] = {
    "hledger": of_hledger,
    "ledger": of_ledger,
    "beancount": of_beancount,
}


@pytest.fixture(scope="module")
def books(honest: Honest) -> tuple[Basis, list[Transaction]]:
    """What an honest ledger with a fact of every kind posted."""
    Runner(honest.ledger.journal).catch_up()
    head = honest.ledger.journal.entries.head()
    with posted(honest.ledger.journal, head.size) as transactions:
        return Basis(str(head.origin), "CNY", 2, head.size, b"\0" * 32), list(transactions)


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("since", [date.min, date(2026, 2, 16)])
def test_the_programs_come_to_our_balances(
    books: tuple[Basis, list[Transaction]], form: str, since: date, tmp_path: Path
) -> None:
    basis, transactions = books
    file = tmp_path / "books"
    file.write_text("\n".join([*journal_lines(transactions, form, basis, since), ""]), "utf-8")
    ours = Counter[str]()
    for one in transactions:
        for account, amount in one.postings.items():
            ours[name_of(account.net if one.on < since else account, form)] += amount
    assert {name: amount for name, amount in READ[form](file).items() if amount} == {
        name: amount for name, amount in ours.items() if amount
    }


@pytest.mark.parametrize("form", FORMATS)
def test_the_programs_refuse_a_changed_fen(books: tuple[Basis, list[Transaction]], form: str, tmp_path: Path) -> None:
    basis, transactions = books
    lines = list(journal_lines(transactions, form, basis))
    at = next(n for n, line in enumerate(lines) if line.endswith("-100.00 CNY"))
    other = next(n for n in (at - 1, at + 1) if lines[n].endswith(" 100.00 CNY"))
    for n in (at, other):  # the entry still balances: only the assertion tells
        lines[n] = lines[n].replace("100.00", "100.01")
    file = tmp_path / "books"
    file.write_text("\n".join([*lines, ""]), "utf-8")
    with pytest.raises(AssertionError, match=r"(?i)balance"):
        READ[form](file)


def test_what_is_posted_is_what_stands(honest: Honest, books: tuple[Basis, list[Transaction]]) -> None:
    sums, spent = Counter[str](), Counter[str]()
    for one in books[1]:
        assert sum(one.postings.values()) == 0
        for account, amount in one.postings.items():
            sums[account.kind] += amount
            spent[account.detail] += amount if account.kind == "expense" else 0
    with reading(honest.ledger.journal) as traces:
        told = balances_of(traces)
    cash = sums["bank"] + sums["channel"] + sums["unnamed"]
    assert cash == told["available"] + told["allocated"] + told["fees"] + told["held"]
    assert sums["advance"] == told["paid"]
    assert spent["management"] == told["costs"]
    assert -sums["net"] == told["brought_forward"]


def test_names_of_different_accounts_differ() -> None:
    ids = ["a b", "a-b", "a_b", "a%20b", "A-b", "aˍ20b", "a:b", "中文", "-a", "1", "é", "é"]
    for form in FORMATS:
        names = {name_of(Account("bank", each), form) for each in ids}
        assert len(names) == len(set(ids))
        assert not any(re.search(r"\s|;", name) or name.count(":") != 2 for name in names)
