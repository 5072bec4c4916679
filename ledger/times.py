"""Instants (UTC, microseconds) and business dates (days in the ledger's zone), and their one text form each."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
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


def parse_instant(text: str, name: str, zone: ZoneInfo) -> datetime:
    """An instant as people give it, in that zone: `2026-11-21T23:07[:00[.123456]]`, with an offset or in that zone.

    A day alone is its last microsecond there; a time that the clocks showed twice is the later one. Raises BadValue.
    """
    try:
        if len(text) == len("2026-11-21"):
            midnight = datetime.combine(parse_day(text, name) + timedelta(days=1), time(), zone)
            return (midnight.astimezone(UTC) - timedelta(microseconds=1)).astimezone(zone)
        if text[4:5] + text[7:8] == "--" and text[10:11] in ("T", " "):
            instant = datetime.fromisoformat(text)
            return (
                (instant if instant.tzinfo else instant.replace(tzinfo=zone, fold=1)).astimezone(UTC).astimezone(zone)
            )
    except (ValueError, OverflowError):
        pass
    rule = "a time is 2026-11-21T23:07, with seconds and offset if wanted, or a day"
    raise BadValue(name, text, rule, "时间格式应为 2026-11-21T23:07（可带秒和时区），或一个日期")


def local_day(instant: datetime, zone: ZoneInfo) -> date:
    """The business date of an instant in the ledger's zone."""
    return instant.astimezone(zone).date()


def find_zone(name: str) -> ZoneInfo:
    """The zone of an IANA name. Raises BadValue."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as unknown:
        raise BadValue("zone", name, "an IANA time zone such as Asia/Shanghai", "应为 IANA 时区名") from unknown
