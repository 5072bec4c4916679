"""Ids of funds, cases, gifts and the rest: opaque printable text that is the same in every place it stands."""

from __future__ import annotations

import re
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
    """Whether each value is None or an id in ASCII without a space: true for nearly all there are, and quick to say."""
    ids = [value for value in values if value is not None]
    try:
        text = "".join(ids)  # type: ignore[arg-type]  # what is no text raises
    except TypeError:
        return False
    if not (text.isascii() and text.isprintable()) or " " in text or "" in ids:
        return False
    return len(text) <= MAX_ID_LENGTH or all(len(value) <= MAX_ID_LENGTH for value in ids)  # type: ignore[arg-type]


def check_opaque(value: str | None, name: str) -> None:
    """Raises BadValue for an id of a person or case that looks like a phone, identity card, bank card or e-mail.

    What is recorded stays for good, so such an id must never be. A mobile number of China (11 digits), an 18-digit
    identity number whose check digit is right (GB 11643), 16 to 19 digits that pass the Luhn check (ISO/IEC 7812), `@`.
    """
    if value is None or not _PERSONAL_SHAPE.fullmatch(value):
        return
    if "@" in value or len(value) in (11, 13, 14) or _is_identity_number(value) or _passes_luhn(value):
        raise BadValue(
            name,
            "…",
            "it looks like a phone, identity card, bank card or e-mail: give an opaque id instead",
            "形似手机号、身份证号、银行卡号或邮箱：请改用不含个人信息的编号",
        )


_PERSONAL_SHAPE = re.compile(r"(\+?86)?1[3-9][0-9]{9}|[0-9]{17}[0-9Xx]|[0-9]{16,19}|[^@\s]+@[^@\s]+\.[^@\s]+", re.ASCII)
_IDENTITY_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)


def _is_identity_number(value: str) -> bool:
    if len(value) != 18:
        return False
    total = sum(weight * int(digit) for weight, digit in zip(_IDENTITY_WEIGHTS, value[:17], strict=True))
    return "10X98765432"[total % 11] == value[17].upper()


def _passes_luhn(value: str) -> bool:
    if not (value.isdigit() and 16 <= len(value) <= 19):
        return False
    doubled = [int(digit) * 2 for digit in value[-2::-2]]
    return (sum(map(int, value[-1::-2])) + sum(number - 9 if number > 9 else number for number in doubled)) % 10 == 0


def check_text(value: object, name: str, limit: int = 200) -> str:
    """`value` in NFC if it is a short label: 1 to `limit` printable characters. Raises BadValue."""
    if type(value) is str and 0 < len(value) <= limit and value.isprintable():
        return unicodedata.normalize("NFC", value)
    raise BadValue(name, value, f"1 to {limit} printable characters", f"应为 1 至 {limit} 个可见字符")


def escape(id: str) -> str:
    """An id as one segment of a place: `%` and `/` percent-encoded."""
    return id.replace("%", "%25").replace("/", "%2F") if "%" in id or "/" in id else id


def unescape(segment: str) -> str:
    """The id behind one segment of a place; the inverse of `escape`."""
    return segment.replace("%2F", "/").replace("%25", "%") if "%" in segment else segment
