"""Instants (UTC, microseconds) and business dates (days in the ledger's zone), and their one text form each."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from ledger.errors import BadValue

Clock = Callable[[], datetime]
"""Gives the present instant, aware, in UTC."""


def utc_now() -> datetime:
    """The machine's clock."""
    return datetime.now(UTC)


def utc_text(instant: datetime) -> str:
    """`2026-11-21T23:07:00.123456Z`: the only form of an instant in an entry."""
    return instant.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def parse_utc(text: str) -> datetime:
    """The inverse of `utc_text`; ValueError for any other form."""
    instant = datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)
    if utc_text(instant) != text:
        raise ValueError(text)
    return instant


def parse_day(text: str, name: str) -> date:
    """`2026-11-21` as a date. Raises BadValue."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        day = None
    if day is not None and day.isoformat() == text:
        return day
    raise BadValue(name, text, "a date is YYYY-MM-DD", "日期格式应为 YYYY-MM-DD")


def local_day(instant: datetime, zone: ZoneInfo) -> date:
    """The business date of an instant in the ledger's zone."""
    return instant.astimezone(zone).date()


def find_zone(name: str) -> ZoneInfo:
    """The zone of an IANA name. Raises BadValue."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as unknown:
        raise BadValue("zone", name, "an IANA time zone such as Asia/Shanghai", "应为 IANA 时区名") from unknown
