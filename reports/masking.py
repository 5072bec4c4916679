"""How personal data is shown to those who may know that there is a child, but not which one."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from ledger.dictionary import Dictionary

SHOWN = ("age_band", "province", "disease")


def masked_name(name: str) -> str:
    """The first character alone: 张**."""
    return f"{name[:1]}**"


def masked_child(name: str | None, codes: Mapping[str, str], dictionary: Dictionary) -> str:
    """A child as donors see it: masked name, then age, province and disease by the broadest code of each."""
    told = [masked_name(name)] if name else []
    for dimension in SHOWN:
        if dimension in codes:
            told.append(_broadest(dimension, codes[dimension], dictionary))
    return " · ".join(told)


def _broadest(dimension: str, code: str, dictionary: Dictionary) -> str:
    """What the topmost code above this one is called."""
    while (found := dictionary.find(dimension, code)) is not None and found.parent is not None:
        code = found.parent
    return found.name if found is not None else code


def month_of(day: date, language: str) -> str:
    """A day as a month alone."""
    return f"{day.year} 年 {day.month} 月" if language == "zh" else f"{day:%Y-%m}"
