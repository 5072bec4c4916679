"""Statements of Chinese banks as CSV or Excel: no two alike, so columns are found by their names, wherever they stand.

Above the header may stand a title, the account, the balances. Running balances, where there are any, are the gate.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from reports.banking.amounts import Cell, is_blank
from reports.banking.statement import NotAStatement, Statement
from reports.banking.tables import Row, text_of
from reports.banking.tabular import Layout, statements

HEADER_WITHIN_ROWS = 40
_NAMES: dict[str, tuple[str, ...]] = {
    "booked_on": ("记账日期", "入账日期", "交易日期", "交易时间", "记账时间", "入账时间", "日期"),
    "clock": ("记账时间", "交易时间", "入账时间", "时间"),
    "value_on": ("起息日", "起息日期"),
    "amount": ("金额", "交易金额", "发生额", "发生金额"),
    "direction": ("借贷标志", "借贷", "借贷方向", "收支", "收/支", "收支标志", "收支类型", "借/贷"),
    "credit": (
        "存入金额",
        "收入金额",
        "贷方金额",
        "贷方发生额",
        "贷方发生额(收入)",
        "收入",
        "存入",
        "转入金额",
        "贷方",
    ),
    "debit": ("取出金额", "支出金额", "借方金额", "借方发生额", "借方发生额(支取)", "支出", "支取", "转出金额", "借方"),
    "balance": ("余额", "联机余额", "账户余额", "本次余额", "当前余额", "交易后余额"),
    "bank_ref": ("交易流水号", "银行流水号", "核心流水号", "流水号", "交易流水", "账务流水号", "交易参考号"),
    "account": ("本方账号", "查询账号", "借记卡号", "交易账号", "账号", "卡号"),
    "currency": ("币种", "币别", "货币"),
    "counterparty": ("对方户名", "对方账户名", "对方账户名称", "对方名称", "对方单位", "交易对手名称", "对手信息"),
    "counterparty_account": ("对方账号", "对方卡号/账号", "对方账户", "交易对手账号"),
    "text": ("摘要", "交易摘要", "客户摘要", "附言", "用途", "备注", "交易名称", "交易类型"),
}
_BOTH = ("text",)
"""Columns of ours that take all of theirs together; of the others the first that the file has."""
_ACCOUNT = re.compile(r"(?:账号|卡号|账户号)\s*[::]\s*\[?([0-9A-Za-z*-]{4,40})")
_ACCOUNT_LABELS = {"账号", "卡号", "账户号", "查询账号", "本方账号"}
_OPENING, _CLOSING = {"期初余额", "上期余额", "承前余额", "起始余额"}, {"期末余额", "本期余额", "终止余额", "结余"}


def find(rows: Sequence[Row]) -> tuple[int, Layout] | None:
    """Where the movements begin, and their columns; None when there is no header that names them."""
    for index, row in enumerate(rows[:HEADER_WITHIN_ROWS]):
        at = _columns(row.cells)
        if "booked_on" in at and ("amount" in at or ("credit" in at and "debit" in at)):
            if "credit" in at and "debit" in at and "direction" not in at:
                at.pop("amount", None)
            return index + 1, _layout(at, len(row.cells), rows[:index])
    return None


def read(rows: Sequence[Row]) -> list[Statement]:
    """The statements in a table. Raises NotAStatement."""
    found = find(rows)
    if found is None:
        raise NotAStatement(
            "no row names its columns as known banks do (交易日期, 收入, 支出, 余额, ...): give --mapping",
            "找不到已知银行的列名（交易日期、收入、支出、余额等）：请用 --mapping 指明",
        )
    begin, layout = found
    return statements(rows[begin:], layout)


def plain(cell: Cell) -> str:
    """A column's name without what differs from export to export: spaces, the form of brackets, the unit."""
    name = re.sub(r"\s", "", text_of(cell)).translate(str.maketrans("（）：", "():"))
    return re.sub(r"\((?:元|CNY|人民币|单位:元)\)$", "", name)


def _columns(cells: Sequence[Cell]) -> dict[str, list[int]]:
    names = [plain(cell) for cell in cells]
    at: dict[str, list[int]] = {}
    taken: set[int] = set()
    for ours, theirs in _NAMES.items():
        places = [names.index(name) for name in theirs if name in names and names.index(name) not in taken]
        if places:
            at[ours] = places if ours in _BOTH else places[:1]
            taken.update(at[ours])
    return at


def _layout(at: dict[str, list[int]], width: int, head: Sequence[Row]) -> Layout:
    """The columns, with what the head above them says of the account."""
    constants: dict[str, str] = {}
    balances: dict[str, Cell] = {}
    for row in head:
        for index, cell in enumerate(row.cells):
            label = plain(cell).rstrip(":")
            beside = next((each for each in row.cells[index + 1 :] if not is_blank(each)), "")
            written = _ACCOUNT.search(plain(cell))
            if written is not None:
                constants.setdefault("account", written[1])
            elif label in _ACCOUNT_LABELS and beside != "":
                constants.setdefault("account", text_of(beside))
            elif label in _OPENING:
                balances.setdefault("opening", beside)
            elif label in _CLOSING:
                balances.setdefault("closing", beside)
    return Layout(at, width, constants, balances.get("opening", ""), balances.get("closing", ""))
