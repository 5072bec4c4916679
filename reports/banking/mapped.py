"""Any CSV or Excel table, by a mapping file that names its columns.

[columns]      ours = "their column"; `text` and other columns as in `tabular.COLUMNS`
[constants]    ours = "a value for every row": account, currency
[formats]      booked_on = a strptime format; amount = 1234.56 as the file writes it ("1.234,56")
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from ledger.errors import shown
from reports.banking.chinese_banks import plain
from reports.banking.statement import NotAStatement, Statement
from reports.banking.tables import Row
from reports.banking.tabular import COLUMNS, Layout, formatted_days, statements

_STYLE = re.compile(r"\D*?1(\D?)234(?:([.,])56)?\D*")


class Columns(NamedTuple):
    """A mapping file's sections, as read."""

    columns: Mapping[str, str]
    constants: Mapping[str, str]
    formats: Mapping[str, str]


def read(rows: Sequence[Row], mapping: Columns) -> list[Statement]:
    """The statements in a table by its mapping. Raises NotAStatement."""
    _check(mapping)
    for index, row in enumerate(rows):
        names = [plain(cell) for cell in row.cells]
        if all(plain(theirs) in names for theirs in mapping.columns.values()):
            return statements(rows[index + 1 :], _layout(mapping, names))
    missing = ", ".join(dict.fromkeys(mapping.columns.values()))
    raise NotAStatement(
        f"no row has all the columns that the mapping names: {missing}", f"没有一行包含映射所指的全部列：{missing}"
    )


def _layout(mapping: Columns, names: Sequence[str]) -> Layout:
    return Layout(
        at={ours: [names.index(plain(theirs))] for ours, theirs in mapping.columns.items()},
        width=len(names),
        constants=mapping.constants,
        day=formatted_days(mapping.formats["booked_on"]) if "booked_on" in mapping.formats else None,
        amount=_styled(mapping.formats["amount"]) if "amount" in mapping.formats else None,
    )


def _check(mapping: Columns) -> None:
    """Raises NotAStatement for a mapping that cannot serve."""
    named = {**mapping.columns, **mapping.constants}
    unknown = [name for name in named if name not in COLUMNS] + [
        name for name in mapping.formats if name not in ("booked_on", "amount")
    ]
    if unknown:
        known = ", ".join(COLUMNS)
        raise NotAStatement(
            f"the mapping names {unknown[0]}, which is none of ours: {known}",
            f"映射中的 {unknown[0]} 不是可用的列：{known}",
        )
    if "booked_on" not in mapping.columns or not ("amount" in named or {"credit", "debit"} <= named.keys()):
        raise NotAStatement(
            "the mapping must name booked_on, and amount or both credit and debit",
            "映射须指明 booked_on，以及 amount 或 credit 与 debit",
        )
    if "currency" not in named:
        raise NotAStatement(
            'the mapping must name the currency: [constants] currency = "CNY"',
            '映射须指明币种：[constants] currency = "CNY"',
        )


def _styled(style: str) -> Callable[[str], str]:
    """Turns an amount as 1234.56 is written in `style` into plain digits with a point."""
    match = _STYLE.fullmatch(style)
    if match is None or (match[1] and match[1] == match[2]):
        raise NotAStatement(
            f"the format of amounts shows 1234.56 as the file writes it, not {style}",
            f"金额格式应照文件写法写出 1234.56，而不是 {style}",
        )
    group, point = re.escape(match[1]), re.escape(match[2] or ".")
    grouped = rf"[0-9]{{1,3}}(?:{group}[0-9]{{3}})+|" if group else ""
    number = re.compile(rf"(\D*?)((?:{grouped}[0-9]+)(?:{point}[0-9]+)?)(\D*)", re.ASCII)

    def read(text: str) -> str:
        found = number.fullmatch(text.strip())
        if found is None:
            raise NotAStatement(f"{shown(text)} is not written like {style}", f"{shown(text)} 不是 {style} 的写法")
        sign = "-" if {"-", "−", "("} & set(found[1] + found[3]) else ""
        digits = found[2].replace(match[1], "") if match[1] else found[2]
        return sign + (digits.replace(match[2], ".") if match[2] else digits)

    return read
