"""ISO 20022 camt.053, any version: read element by element, without entities or outside references.

`Bal` OPBD or PRCD opens and CLBD closes (ITBD a page of several); each `Ntry` that is booked is a line. `CdtDbtInd`
says on which side; whether `RvslInd` turns that around differs by bank, so the equation decides (see `read`).
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import date
from typing import NamedTuple
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import iterparse

from ledger.errors import shown
from ledger.money import exponent_of
from reports.banking.amounts import minor_units
from reports.banking.gate import judge
from reports.banking.statement import Claim, Details, Line, NotAStatement, Statement

_OPENING, _CLOSING, _PAGE = ("OPBD", "PRCD"), ("CLBD",), ("ITBD",)
_NOTHING = {"", "NOTPROVIDED", "NONREF"}


def looks_like(head: bytes) -> bool:
    """Whether a file that begins so is camt.053, as far as its first bytes tell."""
    return b"camt.053" in head or b"BkToCstmrStmt" in head


def read(data: bytes) -> list[Statement]:
    """Every statement in the file. Raises NotAStatement.

    A reversal's `CdtDbtInd` is the side it is booked on; some banks give the side of what it takes back. Where the
    first does not tie and the second does, the second is meant.
    """
    statements: list[Statement] = []
    entries: list[_Entry] = []
    try:
        for _, element in iterparse(io.BytesIO(data), events=("end",), forbid_dtd=True):
            name = _name(element)
            if name == "Ntry":
                entries += [_entry(element)] if _is_booked(element) else []
                element.clear()
            elif name == "Stmt":
                statements.append(_statement(element, entries))
                entries = []
                element.clear()
    except DefusedXmlException as error:
        raise NotAStatement(
            "it declares a document type or entities, which no bank does and an attack would",
            "其中声明了文档类型或实体：银行文件不会如此，疑为攻击",
        ) from error
    except (ParseError, ValueError, LookupError) as error:
        raise NotAStatement(
            f"it is cut off or no XML ({shown(error)})", f"文件不完整，或不是有效的 XML（{shown(error)}）"
        ) from error
    if not statements:
        raise NotAStatement("there is no statement in it", "其中没有对账单")
    return statements


class _Entry(NamedTuple):
    """An entry as read: its line, its currency, whether it takes another back."""

    line: Line
    currency: str
    reversal: bool


def _statement(element: Element, entries: Sequence[_Entry]) -> Statement:
    balances = [(_text(each, "Tp/CdOrPrtry/Cd"), each) for each in _children(element, "Bal")]
    opening = _balance(balances, (*_OPENING, *_PAGE))
    closing = _balance(balances[::-1], (*_CLOSING, *_PAGE))
    currency = _text(element, "Acct/Ccy") or _currency(opening) or _currency(closing)
    currency = currency or next((entry.currency for entry in entries), None)
    if currency is None:
        raise NotAStatement("a statement in it names no currency", "其中有对账单未写明币种")
    other = next((entry.currency for entry in entries if entry.currency != currency), None)
    if other is not None:
        raise NotAStatement(
            f"an entry is in {other} on an account in {currency}", f"账户币种为 {currency}，其中有明细为 {other}"
        )
    exponent = exponent_of(currency)
    closed_in = _currency(closing) or currency
    statement = Statement(
        account=_text(element, "Acct/Id/IBAN") or _text(element, "Acct/Id/Othr/Id"),
        currency=currency,
        exponent=exponent,
        lines=(),
        opening=_signed(opening, exponent) if opening is not None and _currency(opening) == currency else None,
        closing=None if closing is None else _signed(closing, exponent_of(closed_in)),
        closing_currency=closed_in if closed_in != currency else None,
        number=_text(element, "Id"),
        opened_on=None if opening is None else _day(opening, "Dt"),
        closed_on=None if closing is None else _day(closing, "Dt"),
    )
    as_booked = _with_lines(statement, element, [entry.line for entry in entries])
    if judge(as_booked).ties or not any(entry.reversal for entry in entries):
        return as_booked
    turned = [replace(one.line, amount=-one.line.amount) if one.reversal else one.line for one in entries]
    as_meant = _with_lines(statement, element, turned)
    return as_meant if judge(as_meant).ties else as_booked


def _with_lines(statement: Statement, element: Element, lines: Sequence[Line]) -> Statement:
    return replace(statement, lines=tuple(lines), claims=tuple(_claims(element, lines, statement.exponent)))


def _entry(entry: Element) -> _Entry:
    currency = _currency(entry) or ""
    amount = _signed(entry, exponent_of(currency))
    details = _all(entry, "NtryDtls/TxDtls")
    only = details[0] if len(details) == 1 else entry  # of a batch, no one party is the other side
    side = "Dbtr" if amount > 0 else "Cdtr"
    reference = _text(only, "Refs/EndToEndId") or ""
    texts = [child.text or "" for child in _all(only, "RmtInf/Ustrd")] + [_text(entry, "AddtlNtryInf") or ""]
    account = f"RltdPties/{side}Acct/Id"
    line = Line(
        booked_on=_day(entry, "BookgDt") or _day(entry, "ValDt") or _no_day(),
        value_on=_day(entry, "ValDt"),
        amount=amount,
        bank_ref=_text(entry, "AcctSvcrRef") or _text(only, "Refs/AcctSvcrRef"),
        details=Details(
            counterparty=_text(only, f"RltdPties/{side}/Nm") or _text(only, f"RltdPties/{side}/Pty/Nm"),
            counterparty_account=_text(only, f"{account}/IBAN") or _text(only, f"{account}/Othr/Id"),
            reference=None if reference.upper() in _NOTHING else reference,
            text=" ".join(text for text in map(str.strip, texts) if text) or None,
        ),
    )
    return _Entry(line, currency, _text(entry, "RvslInd") == "true")


def _claims(element: Element, lines: Sequence[Line], exponent: int) -> Iterator[Claim]:
    """What `TxsSummry` says of number and sums, where a bank gives them."""
    tests: tuple[tuple[str, str, str, Callable[[Line], bool]], ...] = (
        ("TtlNtries", "entries", "明细", lambda line: True),
        ("TtlCdtNtries", "money in", "收入", lambda line: line.amount > 0),
        ("TtlDbtNtries", "money out", "支出", lambda line: line.amount < 0),
    )
    for name, what, what_zh, belongs in tests:
        amounts = [abs(line.amount) for line in lines if belongs(line)]
        count, total = _text(element, f"TxsSummry/{name}/NbOfNtries"), _text(element, f"TxsSummry/{name}/Sum")
        if count is not None and count.isascii() and count.isdigit():
            yield Claim(f"number of {what}", f"{what_zh}笔数", int(count), len(amounts), money=False)
        if total is not None:
            yield Claim(what, what_zh, minor_units(total, exponent), sum(amounts))


def _balance(balances: list[tuple[str | None, Element]], codes: tuple[str, ...]) -> Element | None:
    return next((each for code in codes for found, each in balances if found == code), None)


def _is_booked(entry: Element) -> bool:
    """Pending and informative entries are not money yet. Older versions give the status as text, newer as a code."""
    status = _text(entry, "Sts/Cd") or _text(entry, "Sts")
    return status is None or status == "BOOK"


def _signed(element: Element, exponent: int) -> int:
    """An amount with its side."""
    text, side = _text(element, "Amt"), _text(element, "CdtDbtInd")
    if text is None or side not in ("CRDT", "DBIT"):
        raise NotAStatement("an amount or its side (CdtDbtInd) is missing", "缺少金额或借贷方向（CdtDbtInd）")
    return (1 if side == "CRDT" else -1) * minor_units(text, exponent)


def _currency(element: Element | None) -> str | None:
    amounts = [] if element is None else _children(element, "Amt")
    return amounts[0].get("Ccy") if amounts else None


def _day(element: Element, path: str) -> date | None:
    text = _text(element, f"{path}/Dt") or _text(element, f"{path}/DtTm")
    try:
        return None if text is None else date.fromisoformat(text[:10])
    except ValueError:
        raise NotAStatement(f"{shown(text)} is no date", f"{shown(text)} 不是日期") from None


def _no_day() -> date:
    raise NotAStatement("an entry has no date", "有明细缺少日期")


def _name(element: Element) -> str:
    """The element's name without its namespace: each version of the format has its own."""
    return str(element.tag).rpartition("}")[2]


def _children(element: Element, name: str) -> list[Element]:
    return [child for child in element if child.tag.endswith(name) and _name(child) == name]


def _all(element: Element, path: str) -> list[Element]:
    """All elements at a path of names."""
    found = [element]
    for name in path.split("/"):
        found = [child for each in found for child in _children(each, name)]
    return found


def _text(element: Element, path: str) -> str | None:
    """The first text at a path, None where there is none."""
    found: Element | None = element
    for name in path.split("/"):
        found = None if found is None else next(iter(_children(found, name)), None)
    return None if found is None else (found.text or "").strip() or None
