"""Ids of funds, cases, gifts and the rest: opaque printable text that is the same in every place it stands."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

from ledger.errors import BadValue

MAX_ID_LENGTH = 120


def check_id(value: object, name: str) -> str:
    """`value` if it is an id: 1 to 120 printable characters in NFC, no space at either end. Raises BadValue."""
    if type(value) is str and 0 < len(value) <= MAX_ID_LENGTH and value.isprintable():
        if value.isascii():
            if value[0] != " " and value[-1] != " ":
                return value
        elif value == value.strip() and unicodedata.is_normalized("NFC", value):
            return value
    raise BadValue(
        name, value, "an id is 1 to 120 printable characters (Unicode NFC)", "编号应为 1 至 120 个可见字符（NFC）"
    )


def are_plain_ids(values: Iterable[object]) -> bool:
    """Whether each value is None or an id in ASCII: true for nearly all there are, and quick to say."""
    for value in values:
        if value is not None and not (
            type(value) is str
            and 0 < len(value) <= MAX_ID_LENGTH
            and value.isascii()
            and value.isprintable()
            and value[0] != " " != value[-1]
        ):
            return False
    return True


def check_text(value: object, name: str, limit: int = 200) -> str:
    """`value` if it is a short label: 1 to `limit` printable characters in NFC. Raises BadValue."""
    if type(value) is str and 0 < len(value) <= limit and value.isprintable():
        return unicodedata.normalize("NFC", value)
    raise BadValue(name, value, f"1 to {limit} printable characters", f"应为 1 至 {limit} 个可见字符")


def escape(id: str) -> str:
    """An id as one segment of a place: `%` and `/` percent-encoded."""
    return id.replace("%", "%25").replace("/", "%2F") if "%" in id or "/" in id else id


def unescape(segment: str) -> str:
    """The id behind one segment of a place; the inverse of `escape`."""
    return segment.replace("%2F", "/").replace("%25", "%") if "%" in segment else segment
