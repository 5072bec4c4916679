"""OFX 1 (SGML, most elements never closed) and OFX 2 (XML) alike, by one tolerant scan for `<NAME>value`.

Banks leave out end tags in files that call themselves XML, and close what they need not close; so no parser of either
is used. OFX knows no opening balance: nothing proves a file whole, and a person has to accept it.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from datetime import date

from ledger.errors import shown
from ledger.money import exponent_of
from reports.banking.amounts import minor_units
from reports.banking.statement import Details, Line, NotAStatement, Statement

_TAG = re.compile(r"<(/?)([A-Z0-9.]+)>([^<]*)", re.IGNORECASE)
_DAY = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})", re.ASCII)
_STATEMENTS = ("STMTRS", "CCSTMTRS")
_ACCOUNTS = ("BANKACCTFROM", "CCACCTFROM")
_FOREIGN = ("CURRENCY", "ORIGCURRENCY")  # the amount is in that currency; the amount was
_SECTIONS = {*_STATEMENTS, *_ACCOUNTS, "STMTTRN", "LEDGERBAL", "AVAILBAL", "BANKTRANLIST"}


def looks_like(text: str) -> bool:
    """Whether text is OFX, as far as its beginning tells."""
    head = text[:4096].upper()
    return "OFXHEADER" in head or "<OFX>" in head


def text_of(data: bytes) -> str:
    """The file as text: UTF-8, or the code page that an OFX 1 header names. Raises NotAStatement."""
    charset = re.search(rb"CHARSET:\s*([0-9]{3,5})", data[:1024])
    for encoding in ("utf-8-sig", f"cp{charset[1].decode()}" if charset else "gb18030", "gb18030"):
        try:
            return data.decode(encoding)
        except (UnicodeDecodeError, LookupError):
            continue
    raise NotAStatement("its text is in no known encoding", "文本编码无法识别")


def read(text: str) -> list[Statement]:
    """Every statement in the file. Raises NotAStatement."""
    if "</OFX>" not in text.upper():
        raise NotAStatement("it is cut off: </OFX> is missing", "文件不完整：缺少 </OFX>")
    statements = [_statement(fields, lines) for fields, lines in _blocks(text)]
    if not statements:
        raise NotAStatement("there is no statement in it", "其中没有对账单")
    return statements


def _blocks(text: str) -> Iterator[tuple[dict[str, str], list[dict[str, str]]]]:
    """For each statement its own fields, `SECTION/NAME`, and those of its lines, `NAME`."""
    fields: dict[str, str] | None = None
    lines: list[dict[str, str]] = []
    section = foreign = ""
    for closing, name, value in _TAG.findall(text):
        name, value = name.upper(), html.unescape(value).strip()
        if name in _STATEMENTS:
            if closing and fields is not None:
                yield fields, lines
            fields, lines = (None, []) if closing else ({}, [])
        elif fields is None:
            continue
        elif name in _SECTIONS:
            section = "" if closing else name
            if section == "STMTTRN":
                lines.append({})
        elif name in _FOREIGN:
            foreign = "" if closing else name
        elif not closing and value:
            if name == "CURSYM":
                name = f"{foreign}/CURSYM"
            if section == "STMTTRN":
                lines[-1].setdefault(name, value)
            else:
                fields.setdefault(f"{section}/{name}", value)
    if fields is not None:
        raise NotAStatement("a statement in it is cut off", "其中有对账单不完整")


def _statement(fields: dict[str, str], lines: list[dict[str, str]]) -> Statement:
    currency = fields.get("/CURDEF", "").upper()
    if not re.fullmatch("[A-Z]{3}", currency):
        raise NotAStatement("a statement in it names no currency (CURDEF)", "其中有对账单未写明币种（CURDEF）")
    exponent = exponent_of(currency)
    balance, as_of = fields.get("LEDGERBAL/BALAMT"), fields.get("LEDGERBAL/DTASOF")
    return Statement(
        account=next((fields[f"{each}/ACCTID"] for each in _ACCOUNTS if f"{each}/ACCTID" in fields), None),
        currency=currency,
        exponent=exponent,
        lines=tuple(_line(line, currency, exponent) for line in lines),
        closing=None if balance is None else minor_units(balance.replace(",", "."), exponent),
        closed_on=None if as_of is None else _day(as_of),
    )


def _line(fields: dict[str, str], currency: str, exponent: int) -> Line:
    if "DTPOSTED" not in fields or "TRNAMT" not in fields:
        raise NotAStatement("a line has no date or no amount", "有明细缺少日期或金额")
    if fields.get("CURRENCY/CURSYM", currency).upper() != currency:
        raise NotAStatement(
            f"a line is in {shown(fields['CURRENCY/CURSYM'])} on an account in {currency}",
            f"账户币种为 {currency}，其中有明细为 {shown(fields['CURRENCY/CURSYM'])}",
        )
    words = [fields[name] for name in ("NAME", "PAYEE", "MEMO") if name in fields]
    return Line(
        booked_on=_day(fields["DTPOSTED"]),
        value_on=_day(fields["DTUSER"]) if "DTUSER" in fields else None,
        amount=minor_units(fields["TRNAMT"].replace(",", "."), exponent),
        bank_ref=fields.get("FITID"),
        details=Details(
            counterparty=fields.get("NAME"),
            counterparty_account=fields.get("ACCTID"),
            reference=fields.get("CHECKNUM") or fields.get("REFNUM"),
            text=" ".join(dict.fromkeys(words)) or None,
        ),
    )


def _day(text: str) -> date:
    match = _DAY.match(text)
    try:
        if match is not None:
            return date(int(match[1]), int(match[2]), int(match[3]))
    except ValueError:
        pass
    raise NotAStatement("a date in it is none", "其中有无效日期")
