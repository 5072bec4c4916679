"""SWIFT MT940, read by the library `mt-940` and held against the text: nothing that it passes over is lost unseen.

`:20:` begins a statement, `:60F:`/`:60M:` opening balance, `:61:` one line each, `:86:` its details, `:62F:`/`:62M:`
closing balance. Marks: C and RD (a debit taken back) are money in, D and RC (a credit taken back) money out.
"""

from __future__ import annotations

import io
import logging
import re
from datetime import date
from typing import Any

import mt940

from ledger.money import exponent_of
from reports.banking.amounts import minor_units
from reports.banking.statement import Claim, Details, Line, NotAStatement, Statement
from reports.banking.tables import MAX_ROWS, too_big

MAX_STATEMENTS = 10_000
_SIGNS = {"C": 1, "RD": 1, "D": -1, "RC": -1}
_LINE = re.compile(r"^\s*:61:", re.MULTILINE)
_BEGIN = re.compile(r"^\s*:20:", re.MULTILINE)
_NOTHING = {"", "NONREF", "NOREF"}
_OPENING = ("final_opening_balance", "intermediate_opening_balance", "opening_balance")
_CLOSING = ("final_closing_balance", "intermediate_closing_balance", "closing_balance")

# What the library cannot match it would write to the log, line for line: names and accounts.
logging.getLogger("mt940").addHandler(logging.NullHandler())
logging.getLogger("mt940").propagate = False


def looks_like(text: str) -> bool:
    """Whether text is MT940."""
    return bool(re.search(r"^\s*:60[FM]?:", text, re.MULTILINE) and _BEGIN.search(text))


def read(text: str) -> list[Statement]:
    """Every statement in the file. Raises NotAStatement."""
    if len(_BEGIN.findall(text)) > MAX_STATEMENTS or len(_LINE.findall(text)) > MAX_ROWS:
        raise too_big()
    read_by_library = _parsed(text)
    found, lines = len(read_by_library), sum(len(one.transactions) for one in read_by_library)
    if (found, lines) != (len(_BEGIN.findall(text)), len(_LINE.findall(text))):
        raise _unreadable()
    return [_statement(one) for one in read_by_library]


def _parsed(text: str) -> list[Any]:
    """By the standard's form of `:61:`, or by that of banks whose references are longer (ASN, GLS)."""
    tags = mt940.tags
    for statement in (tags.Statement, tags.StatementGLS, tags.StatementASNB):
        try:
            return mt940.parse_statements(
                io.StringIO(text), tags={statement.id: statement()}, options=mt940.Options.all()
            )
        except (RuntimeError, ValueError, KeyError, TypeError, ArithmeticError):
            continue
    raise _unreadable()


def _statement(one: Any) -> Statement:
    opening, closing = _first(one.data, _OPENING), _first(one.data, _CLOSING)
    if opening is None or closing is None:
        raise NotAStatement(
            "a statement in it has no opening or no closing balance: it is cut off, or no MT940",
            "其中有对账单缺少期初或期末余额：文件不完整，或不是 MT940",
        )
    currency = opening.amount.currency
    exponent = exponent_of(currency)
    lines = tuple(_line(each.data, exponent) for each in one.transactions)
    return Statement(
        account=one.data.get("account_identification"),
        currency=currency,
        exponent=exponent,
        lines=lines,
        opening=_signed(opening, exponent),
        closing=_signed(closing, exponent),
        closing_currency=closing.amount.currency if closing.amount.currency != currency else None,
        number=_number(one.data),
        opened_on=_day(opening.date),
        closed_on=_day(closing.date),
        claims=tuple(_sums(one.data, lines, exponent)),
    )


def _line(data: dict[str, Any], exponent: int) -> Line:
    mark = str(data["status"]).upper()
    if mark not in _SIGNS:
        raise NotAStatement(
            f"the mark {mark} of a line is none of C, D, RC, RD: it holds entries that are not booked",
            f"明细行的借贷标志 {mark} 不是 C、D、RC、RD：文件含未入账明细",
        )
    words = (data.get("transaction_details"), data.get("purpose"), data.get("extra_details"), data.get("posting_text"))
    return Line(
        booked_on=_day(data.get("entry_date") or data["date"]),
        value_on=_day(data["date"]),
        amount=_SIGNS[mark] * minor_units(abs(data["amount"].amount), exponent),
        bank_ref=_reference(data.get("bank_reference")),
        details=Details(
            counterparty=data.get("applicant_name") or None,
            counterparty_account=data.get("applicant_iban") or None,
            reference=_reference(data.get("end_to_end_reference")) or _reference(data.get("customer_reference")),
            text=" ".join(" ".join(word.split()) for word in words if word) or None,
        ),
    )


def _sums(data: dict[str, Any], lines: tuple[Line, ...], exponent: int) -> list[Claim]:
    """What `:90C:` and `:90D:` say of number and sum, where a bank gives them."""
    claims = []
    for name, what, what_zh, amounts in (
        ("sum_credit_entries", "money in", "收入", [line.amount for line in lines if line.amount > 0]),
        ("sum_debit_entries", "money out", "支出", [-line.amount for line in lines if line.amount < 0]),
    ):
        stated = data.get(name)
        if stated is not None:
            claims.append(Claim(what, what_zh, minor_units(abs(stated.amount), exponent), sum(amounts)))
    return claims


def _signed(balance: Any, exponent: int) -> int:
    return (-1 if str(balance.status).upper() == "D" else 1) * minor_units(abs(balance.amount.amount), exponent)


def _first(data: dict[str, Any], names: tuple[str, ...]) -> Any:
    return next((data[name] for name in names if name in data), None)


def _number(data: dict[str, Any]) -> str:
    """The statement's own number, with its reference: some banks number from 1 each year, some give zeros."""
    parts = (data.get("statement_number"), data.get("sequence_number"), data.get("transaction_reference"))
    return "/".join(str(part) for part in parts if part)


def _reference(text: str | None) -> str | None:
    reference = " ".join((text or "").split())
    return None if reference.upper() in _NOTHING else reference


def _day(day: date) -> date:
    """A plain date instead of the library's own class."""
    return date(day.year, day.month, day.day)


def _unreadable() -> NotAStatement:
    return NotAStatement(
        "it looks like MT940, but not all of its lines can be read: export it again",
        "形似 MT940，但有明细行无法读取：请重新导出",
    )
