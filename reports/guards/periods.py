"""Periods of cash grants as they are written: months `2026-08` or `202608`, quarters `2026-Q3`, years `2026`. Pure."""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import NamedTuple

_MONTH = re.compile(r"([0-9]{4})(-?)(0[1-9]|1[0-2])", re.ASCII)
_QUARTER = re.compile(r"([0-9]{4})(-?)Q([1-4])", re.ASCII)
_YEAR = re.compile(r"([0-9]{4})", re.ASCII)


class Period(NamedTuple):
    """A period of `months` months, the `number`-th since year 0 of its length; `dash` is how it is written."""

    months: int
    number: int
    dash: str = "-"

    @property
    def next(self) -> Period:
        """The one after it."""
        return self._replace(number=self.number + 1)

    @property
    def first_day(self) -> date:
        """Its first day; the day before it is the last of the period before."""
        year, month = divmod(self.number * self.months, 12)
        return date(year, month + 1, 1)

    @property
    def last_day(self) -> date:
        """Its last day."""
        return self.next.first_day - timedelta(days=1)

    def __str__(self) -> str:
        first = self.first_day
        if self.months == 12:
            return f"{first.year:04}"
        if self.months == 3:
            return f"{first.year:04}{self.dash}Q{first.month // 3 + 1}"
        return f"{first.year:04}{self.dash}{first.month:02}"


def parse_period(text: str) -> Period | None:
    """The period that the text writes; None for what is written otherwise, which has no next one."""
    if match := _YEAR.fullmatch(text):
        found = Period(12, int(match[1]))
    elif match := _QUARTER.fullmatch(text):
        found = Period(3, int(match[1]) * 4 + int(match[3]) - 1, match[2])
    elif match := _MONTH.fullmatch(text):
        found = Period(1, int(match[1]) * 12 + int(match[3]) - 1, match[2])
    else:
        return None
    return found if 1900 * 12 <= found.number * found.months < 3000 * 12 else None
