"""Exact amounts out of text or spreadsheet numbers, signed, as minor units; never rounded, never by way of a float.

A spreadsheet holds numbers as binary fractions. The shortest decimal that names such a number (`repr`) is what the bank
had written, or the number has more decimals than the currency and is refused.
"""

from __future__ import annotations

import re
from decimal import Decimal

from ledger.errors import shown
from ledger.money import MAX_MINOR
from reports.banking.statement import NotAStatement

Cell = str | Decimal
"""What a table's cell holds: text (dates too, as 2026-11-21), or a spreadsheet's number."""

_NUMBER = re.compile(r"([+-]?)([0-9]*)(?:\.([0-9]*))?", re.ASCII)
_GROUPED = re.compile(r"[+-]?[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]*)?", re.ASCII)
_SIGNS = str.maketrans({"−": "-", "－": "-", "，": ",", "．": ".", "＋": "+"})
_DRESS = "¥￥$€£ \t\u00a0\u3000"
MAX_DIGITS = 24


def minor_units(value: Cell, exponent: int) -> int:
    """`"-1,234.50"`, `1234.5` or a Decimal as minor units. Raises NotAStatement for what is no exact amount."""
    number = value if isinstance(value, Decimal) else _decimal(value)
    if not number.is_finite() or abs(number.adjusted()) > MAX_DIGITS:
        raise _no_amount(value)
    scaled = number.scaleb(exponent)
    minor = int(scaled)
    if scaled != minor:
        raise NotAStatement(
            f"the amount {shown(value)} has more than {exponent} decimals, and amounts are never rounded",
            f"金额 {shown(value)} 超过 {exponent} 位小数，金额从不四舍五入",
        )
    if abs(minor) > MAX_MINOR:
        raise NotAStatement(
            f"the amount {shown(value)} is beyond 2^53-1 minor units",
            f"金额 {shown(value)} 超过 2^53-1 个最小货币单位",
        )
    return minor


def is_blank(value: Cell) -> bool:
    """Whether a cell says nothing: empty, or dashes as some banks print for nothing."""
    return isinstance(value, str) and value.strip(" \t-－—`/") == ""


def decimal_text(minor: int, exponent: int) -> str:
    """`-123450` as `"-1234.50"`: what programs read."""
    sign, digits = ("-", -minor) if minor < 0 else ("", minor)
    whole, rest = divmod(digits, 10**exponent)
    return f"{sign}{whole}.{rest:0{exponent}d}" if exponent else f"{sign}{whole}"


def _decimal(value: str) -> Decimal:
    text = value.translate(_SIGNS).strip(_DRESS)
    sign = text[:1] if text[:1] in ("+", "-") else ""
    text = sign + text[len(sign) :].strip(_DRESS)
    if "," in text:
        if not _GROUPED.fullmatch(text):
            raise _no_amount(value)
        text = text.replace(",", "")
    match = _NUMBER.fullmatch(text)
    if match is None or not (match[2] or match[3]) or len(text) > MAX_DIGITS:
        raise _no_amount(value)
    return Decimal(text)


def _no_amount(value: object) -> NotAStatement:
    return NotAStatement(
        f"{shown(value)} is no amount: digits with at most one decimal point",
        f"{shown(value)} 不是金额：应为数字，最多一个小数点",
    )
