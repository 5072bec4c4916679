"""Rows of a channel's bill by column name, each read as a line; a fault says in which row it is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from ledger.money import exponent_of
from reports.banking.amounts import is_blank, minor_units
from reports.banking.statement import Line, NotAStatement

CURRENCY = "CNY"
"""Of all bills of WeChat Pay and Alipay to merchants at home."""
EXPONENT = exponent_of(CURRENCY)

Record = Mapping[str, str]


def lines_of(records: Iterable[tuple[int, Record]], read: Callable[[Record], Line]) -> tuple[Line, ...]:
    """Each numbered record as a line. Raises NotAStatement with the number, also for a column that is missing."""
    lines = []
    for number, record in records:
        try:
            lines.append(read(record))
        except NotAStatement as error:
            raise NotAStatement(error.reason, error.reason_zh, number) from None
        except KeyError as missing:
            raise _missing(missing.args[0]) from None
    return tuple(lines)


def minor(record: Record, column: str) -> int:
    """An amount; a blank one is zero. Raises NotAStatement, also for a column that is missing."""
    if column not in record:
        raise _missing(column)
    return 0 if is_blank(record[column]) else minor_units(record[column], EXPONENT)


def balance(record: Record, column: str) -> int | None:
    """A running balance, if there is one."""
    return None if is_blank(record.get(column, "")) else minor_units(record[column], EXPONENT)


def _missing(column: str) -> NotAStatement:
    return NotAStatement(f"the column {column} is missing", f"缺少列 {column}")
