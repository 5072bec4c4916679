"""Tables of movements, whoever's: rows under known columns become statements, one for each account and currency.

`chinese_banks` finds the columns by their names, `mapped` is told them; what the cells mean is the same.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from ledger.errors import shown
from ledger.money import exponent_of
from reports.banking.amounts import Cell, is_blank, minor_units
from reports.banking.gate import chain_of, judge
from reports.banking.statement import Claim, Details, Line, NotAStatement, Statement
from reports.banking.tables import Row, text_of

COLUMNS = (
    "booked_on",
    "clock",
    "value_on",
    "amount",
    "direction",
    "credit",
    "debit",
    "balance",
    "fee",
    "bank_ref",
    "order_ref",
    "account",
    "currency",
    "counterparty",
    "counterparty_account",
    "text",
)
"""Our names of columns. Either `amount` (signed, or with `direction`) or `credit` and `debit`; the rest where known."""

_DAY = re.compile(
    r"([0-9]{4})(?:[-/.年]([0-9]{1,2})[-/.月]([0-9]{1,2})日?|([0-9]{2})([0-9]{2}))(?:[T\s]+([0-9]{1,2}:[0-9]{2}(?::[0-9]{2})?)(?:\.[0-9]+)?)?",
    re.ASCII,
)
_OUT = {"借", "借方", "支", "支出", "付", "付款", "出", "转出", "out", "d", "dr", "debit"}
_IN = {"贷", "贷方", "收", "收入", "收款", "入", "转入", "in", "c", "cr", "credit"}
_CURRENCIES = {
    "人民币": "CNY",
    "人民币元": "CNY",
    "RMB": "CNY",
    "156": "CNY",
    "美元": "USD",
    "港币": "HKD",
    "港元": "HKD",
    "欧元": "EUR",
    "英镑": "GBP",
    "日元": "JPY",
}
_SUMMARY = re.compile(
    r"合计|总计|小计|本页|总笔数|笔数|收入|支出|打印|导出|说明|备注|注[:：]|-{3,}|={3,}|total", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Layout:
    """Where our columns are: `at` by our name; `constants` hold for every row; `opening` and `closing` as the file's
    head states them; `day` and `amount` read text in another form than usual."""

    at: Mapping[str, Sequence[int]]
    width: int
    constants: Mapping[str, str] = field(default_factory=dict)
    opening: Cell = ""
    closing: Cell = ""
    day: Callable[[str], tuple[date, str | None]] | None = None
    amount: Callable[[str], str] | None = None

    def cell(self, row: Row, name: str) -> Cell:
        """The first cell that says something in a column of ours."""
        cells = [row.cells[index] for index in self.at.get(name, ()) if index < len(row.cells)]
        return next((cell for cell in cells if not is_blank(cell)), self.constants.get(name, ""))

    def text(self, row: Row, name: str) -> str | None:
        """The same as text; of several columns the texts together."""
        cells = [row.cells[index] for index in self.at.get(name, ()) if index < len(row.cells)]
        found = dict.fromkeys(text_of(cell) for cell in cells if not is_blank(cell))
        return " ".join(found) or self.constants.get(name) or None

    def minor(self, row: Row, name: str, exponent: int) -> int | None:
        """An amount, None where the cell is blank."""
        cell = self.cell(row, name)
        if is_blank(cell):
            return None
        if isinstance(cell, str) and self.amount is not None:
            cell = self.amount(cell)
        return minor_units(cell, exponent)


def statements(rows: Iterable[Row], layout: Layout) -> list[Statement]:
    """The statements in the rows below a header. Raises NotAStatement with the row."""
    own: dict[tuple[str | None, str], list[Row]] = {}
    for row in rows:
        try:
            if _is_movement(row, layout):
                currency = _currency(layout.text(row, "currency") or "CNY")
                own.setdefault((layout.text(row, "account"), currency), []).append(row)
        except NotAStatement as error:
            raise _at(error, row) from None
    if not own:
        raise NotAStatement("there are no movements in it", "其中没有交易明细")
    return [_statement(account, currency, of_account, layout) for (account, currency), of_account in own.items()]


def read_day(cell: Cell) -> tuple[date, str | None]:
    """A day, and a time of day if there is one: `2025-08-22`, `2025/8/22 14:06:51`, `20250822`, `2025年8月22日`."""
    match = _DAY.fullmatch(text_of(cell).strip())
    try:
        if match is not None:
            year, month, day = match[1], match[2] or match[4], match[3] or match[5]
            return date(int(year), int(month), int(day)), match[6]
    except ValueError:
        pass
    raise NotAStatement(f"{shown(cell)} is no date", f"{shown(cell)} 不是日期")


def formatted_days(format: str) -> Callable[[str], tuple[date, str | None]]:
    """Reads days by a `strptime` format."""

    def read(text: str) -> tuple[date, str | None]:
        try:
            moment = datetime.strptime(text.strip(), format)  # noqa: DTZ007 - the bank's own local time
        except ValueError:
            raise NotAStatement(
                f"{shown(text)} is no date of the form {format}", f"{shown(text)} 不是 {format} 形式的日期"
            ) from None
        return moment.date(), moment.strftime("%H:%M:%S") if "%H" in format or "%I" in format else None

    return read


def _is_movement(row: Row, layout: Layout) -> bool:
    """Whether a row is a movement, not a sum or a remark below them. Raises NotAStatement for half a row."""
    money = [layout.cell(row, name) for name in ("amount", "credit", "debit")]
    first = layout.cell(row, "booked_on")
    said = [cell for cell in row.cells if not is_blank(cell)]
    if not said:
        return False
    if is_blank(first) or (not _DAY.match(text_of(first)) and layout.day is None):
        if _SUMMARY.search(text_of(said[0])) or (len(said) == 1 and all(map(is_blank, money))):
            return False
        raise NotAStatement("the row has no date", "此行没有日期")
    if all(map(is_blank, money)):
        raise NotAStatement("the row has a date and no amount: it is cut off", "此行有日期而没有金额：文件不完整")
    if any(not is_blank(cell) for cell in row.cells[layout.width :]):
        raise NotAStatement(
            "the row has more cells than the header has columns: look for a comma that is not in quotes",
            "此行的格数多于表头的列数：请检查是否有未加引号的逗号",
        )
    return True


def _statement(account: str | None, currency: str, rows: Sequence[Row], layout: Layout) -> Statement:
    """The rows' statement. An amount in a column for money out is out whatever its sign, if only so it ties: some banks
    mark it with a minus there, others mean a correction by that."""
    exponent = exponent_of(currency)
    as_written = _read(account, currency, exponent, rows, layout, False)
    if judge(as_written).ties or not {"debit", "direction"} & layout.at.keys():
        return as_written
    as_meant = _read(account, currency, exponent, rows, layout, True)
    return as_meant if judge(as_meant).ties else as_written


def _read(
    account: str | None, currency: str, exponent: int, rows: Sequence[Row], layout: Layout, out: bool
) -> Statement:
    lines = []
    for row in rows:
        try:
            lines.append(_line(row, layout, exponent, out))
        except NotAStatement as error:
            raise _at(error, row) from None
    opening = None if is_blank(layout.opening) else minor_units(layout.opening, exponent)
    closing = None if is_blank(layout.closing) else minor_units(layout.closing, exponent)
    chain = chain_of(lines)
    return Statement(
        account=account,
        currency=currency,
        exponent=exponent,
        lines=tuple(lines),
        opening=opening if opening is not None or chain is None else chain.opening,
        closing=closing if closing is not None or chain is None else chain.closing,
        claims=() if chain is None else (breaks(chain.breaks),),
    )


def breaks(count: int) -> Claim:
    """That running balances follow from each other, with how often they do not."""
    return Claim("breaks in the running balances", "逐笔余额断点", 0, count, money=False)


def _line(row: Row, layout: Layout, exponent: int, out: bool) -> Line:
    first = layout.cell(row, "booked_on")
    booked_on, clock = layout.day(text_of(first)) if layout.day else read_day(first)
    value = layout.cell(row, "value_on")
    return Line(
        booked_on=booked_on,
        value_on=None if is_blank(value) else (layout.day(text_of(value)) if layout.day else read_day(value))[0],
        clock=clock or layout.text(row, "clock"),
        amount=_amount(row, layout, exponent, out),
        balance=layout.minor(row, "balance", exponent),
        fee=layout.minor(row, "fee", exponent) or 0,
        bank_ref=layout.text(row, "bank_ref"),
        order_ref=layout.text(row, "order_ref"),
        details=Details(
            counterparty=layout.text(row, "counterparty"),
            counterparty_account=layout.text(row, "counterparty_account"),
            text=layout.text(row, "text"),
        ),
    )


def _amount(row: Row, layout: Layout, exponent: int, out: bool) -> int:
    amount = layout.minor(row, "amount", exponent)
    if amount is None:
        debit = layout.minor(row, "debit", exponent) or 0
        return (layout.minor(row, "credit", exponent) or 0) - (abs(debit) if out else debit)
    if "direction" not in layout.at:
        return amount
    direction = (layout.text(row, "direction") or "").lower()
    if direction in _OUT:
        return -abs(amount) if out else -amount
    if direction in _IN:
        return amount
    raise NotAStatement(f"{shown(direction)} says neither in nor out", f"{shown(direction)} 未说明是收入还是支出")


def _currency(text: str) -> str:
    code = _CURRENCIES.get(text.strip().upper(), text.strip().upper())
    if not re.fullmatch("[A-Z]{3}", code):
        raise NotAStatement(f"{shown(text)} is no currency", f"{shown(text)} 不是币种")
    return code


def _at(error: NotAStatement, row: Row) -> NotAStatement:
    return NotAStatement(error.reason, error.reason_zh, row.number)
