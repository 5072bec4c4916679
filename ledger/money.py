"""Amounts: integers of the currency's minor unit (fen), read from and written to decimal text without rounding."""

from __future__ import annotations

import re

MAX_MINOR = 2**53 - 1
"""The largest amount and serial: what JSON readers hold exactly (RFC 8259 section 6)."""

_DECIMAL = re.compile(r"(-?)([0-9]+)(?:\.([0-9]+))?", re.ASCII)


_NO_DECIMALS = ("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI", "VND", "VUV")
_EXPONENTS = {
    **dict.fromkeys((*_NO_DECIMALS, "XAF", "XOF", "XPF"), 0),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
    **dict.fromkeys(("CLF", "UYW"), 4),
}
"""Of currencies that have not two decimals (ISO 4217)."""


class AmountError(ValueError):
    """Text that is not an exact positive amount; `args` are the rule in English and in Chinese."""


def parse_amount(text: str, exponent: int) -> int:
    """`"20000.00"` as minor units. Raises AmountError for anything but a positive exact decimal within bounds."""
    match = _DECIMAL.fullmatch(text.strip())
    if match is None:
        raise AmountError("an amount is digits with at most one decimal point", "金额应为数字，最多一个小数点")
    sign, whole, decimals = match.group(1), match.group(2), match.group(3) or ""
    if len(decimals) > exponent:
        raise AmountError(
            f"at most {exponent} decimals: amounts are never rounded", f"最多 {exponent} 位小数：金额从不四舍五入"
        )
    if len(whole.lstrip("0")) > 16:
        raise AmountError("at most 2^53-1 minor units", "不得超过 2^53-1 个最小货币单位")
    minor: int = int(whole) * 10**exponent + int(decimals.ljust(exponent, "0") or "0")
    if sign or minor == 0:
        raise AmountError("an amount is more than zero", "金额必须大于零")
    if minor > MAX_MINOR:
        raise AmountError("at most 2^53-1 minor units", "不得超过 2^53-1 个最小货币单位")
    return minor


def exponent_of(currency: str) -> int:
    """How many decimals a currency has, by its ISO 4217 code."""
    return _EXPONENTS.get(currency, 2)


def format_amount(minor: int, exponent: int = 2, separator: str = ",") -> str:
    """Minor units as decimal text, `123456` -> `"1,234.56"`."""
    sign, digits = ("-", -minor) if minor < 0 else ("", minor)
    whole, rest = divmod(digits, 10**exponent)
    grouped = f"{whole:,}".replace(",", separator)
    return f"{sign}{grouped}.{rest:0{exponent}d}" if exponent else f"{sign}{grouped}"


def parse_rate(text: str) -> int:
    """A decimal fraction of at most 4 places, `"0.05"`, as basis points, `500`. Raises AmountError; 0 to 1."""
    match = _DECIMAL.fullmatch(text.strip())
    if match is None or match.group(1) or len(match.group(3) or "") > 4 or len(match.group(2)) > 4:
        raise AmountError(
            "a rate is a decimal fraction from 0 to 1 with at most 4 decimals", "费率应为 0 到 1 之间、最多 4 位小数"
        )
    basis_points = int(match.group(2)) * 10_000 + int((match.group(3) or "").ljust(4, "0"))
    if basis_points > 10_000:
        raise AmountError("a rate is at most 1", "费率不得超过 1")
    return basis_points


def fee_part(amount: int, fee_bp: int) -> int:
    """The fee within `amount` (minor units) at `fee_bp` basis points, rounded down: floor(amount * fee_bp / 10000)."""
    return amount * fee_bp // 10_000
