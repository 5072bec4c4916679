"""How text in a file reads as an amount or a date: our own form, or the one that a mapping names.

Amounts are minor units, exact or refused. A date may carry a time of day: rows are sorted by it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from zoneinfo import ZoneInfo

from ledger.money import AmountError, parse_amount

ReadAmount = Callable[[str], int]
"""Text as minor units. Raises AmountError."""
ReadMoment = Callable[[str], datetime]
"""Text as a time in the ledger's zone, without tzinfo; midnight when it says no time. Raises ValueError."""

_SCIENTIFIC = re.compile(r"[0-9]{1,40}(?:\.[0-9]{1,40})?[eE][+-]?[0-9]{1,3}", re.ASCII)
_STYLE = re.compile(r"(?P<before>[^0-9]*?)1(?P<group>[^0-9]?)234(?:(?P<point>[.,])56)?(?P<after>[^0-9]*)")
_ISO = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,6})?)?(?:Z|[+-][0-9]{2}:[0-9]{2})?)?",
    re.ASCII,
)
_SAMPLE = datetime(2001, 12, 31)  # noqa: DTZ001 - only written out and read again
_SPACES = str.maketrans("\u00a0\u2007\u2009\u202f\u3000", "     ")


def plain_amounts(exponent: int) -> ReadAmount:
    """Reads `20000.00`; also `1.96999E+07`, the exact number that spreadsheets write so."""

    def read(text: str) -> int:
        if text[-1:].isdigit() and ("E" in text or "e" in text) and _SCIENTIFIC.fullmatch(text):
            text = format(Decimal(text), "f")
        return parse_amount(text, exponent)

    return read


def styled_amounts(style: str, exponent: int) -> ReadAmount:
    """Reads amounts as 1234.56 is written in `style`: `1.234,56`, `¥1,234.56`, `1 234,56`, `1234,56 元`.

    What stands before and after the digits may be left out in the file; grouping is all or none, never misplaced.
    Raises ValueError for a style that shows neither.
    """
    match = _STYLE.fullmatch(style.translate(_SPACES))
    if match is None or match["group"] == (match["point"] or "none"):
        raise ValueError(style)
    group, point = match["group"], match["point"] or "."
    grouped = rf"[0-9]{{1,3}}(?:{re.escape(group)}[0-9]{{3}})+|" if group else ""
    number = re.compile(rf"((?:{grouped}[0-9]+))(?:{re.escape(point)}([0-9]+))?", re.ASCII)
    before, after = match["before"].strip(), match["after"].strip()

    def read(text: str) -> int:
        digits = text.translate(_SPACES).strip().removeprefix(before).removesuffix(after).strip()
        found = number.fullmatch(digits)
        if found is None:
            raise AmountError(f"an amount is written like {style}", f"金额应写作 {style} 的样式")
        whole = found[1].replace(group, "") if group else found[1]
        return parse_amount(whole if found[2] is None else f"{whole}.{found[2]}", exponent)

    return read


def iso_moments(zone: ZoneInfo) -> ReadMoment:
    """Reads `2026-11-21`, with a time of day if there is one: `2026-11-21 09:30`, `2026-11-21T01:30:00Z`."""

    @lru_cache(maxsize=16_384)
    def read(text: str) -> datetime:
        if not _ISO.fullmatch(text):
            raise ValueError(text)
        return _local(datetime.fromisoformat(text), zone)

    return read


def formatted_moments(format: str, zone: ZoneInfo) -> ReadMoment:
    """Reads dates by a `strptime` format. Raises ValueError for a format that does not give year, month and day."""
    if datetime.strptime(_SAMPLE.strftime(format), format).date() != _SAMPLE.date():  # noqa: DTZ007 - a local day
        raise ValueError(format)

    @lru_cache(maxsize=16_384)
    def read(text: str) -> datetime:
        return _local(datetime.strptime(text, format), zone)  # noqa: DTZ007 - local unless the text says its offset

    return read


def _local(moment: datetime, zone: ZoneInfo) -> datetime:
    if moment.tzinfo is None:
        return moment
    try:
        return moment.astimezone(zone).replace(tzinfo=None)
    except OverflowError as beyond:
        raise ValueError(moment) from beyond
