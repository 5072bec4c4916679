"""Ids of funds, cases, gifts and the rest: opaque printable text that is the same in every place it stands."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from stdnum import luhn
from stdnum.cn import ric
from stdnum.exceptions import InvalidComponent

from ledger.errors import BadValue

MAX_ID_LENGTH = 120
MAX_VALUE_LENGTH = 1_000


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
    return len(text) <= MAX_ID_LENGTH or all(len(value) <= MAX_ID_LENGTH for value in ids)  # type: ignore[arg-type]  # as above


def check_opaque(value: str | None, name: str) -> None:
    """Raises BadValue for an id of a donor, person, household or case that looks personal.

    What is recorded stays for good, so such an id must never be; nor does the message repeat it.
    """
    if value is None or (value[:1].isalpha() and "@" not in value and value.isascii() and value.isprintable()):
        return  # nearly all that there are: a number begins with a digit or a plus
    if looks_personal(value):
        raise BadValue(
            name,
            "…",
            "it looks like a phone, identity card, bank card or e-mail: give an opaque id instead "
            "(import maps such ids with --pseudonymise)",
            "形似手机号、身份证号、银行卡号或邮箱：请改用不含个人信息的编号（导入时可用 --pseudonymise 换成假名）",
        )


def looks_personal(value: str) -> bool:
    """Whether a text is written like a mobile number of China, an identity card, a bank card or an e-mail.

    Full-width digits and the usual spaces do not hide them. Identity cards by check digit and birth date (GB 11643),
    not by place: the codes of places are those of the day of issue. Bank cards by 16 to 19 digits and Luhn (ISO/IEC
    7812).
    """
    text = value
    if not (value.isascii() and value.isprintable()):
        text = "".join(c for c in unicodedata.normalize("NFKC", value) if c.isprintable())
    if not _PERSONAL_SHAPE.fullmatch(text):
        return False
    if "@" in text or _MOBILE.fullmatch(text):
        return True
    digits = text.replace(" ", "").upper()
    return _is_identity_number(digits) or (16 <= len(digits) <= 19 and luhn.is_valid(digits))


_MOBILE = re.compile(r"(?:(?:\+|00)?86[ -]?)?1[3-9][0-9][ -]?[0-9]{4}[ -]?[0-9]{4}", re.ASCII)
_PERSONAL_SHAPE = re.compile(r"[+0-9][0-9 -]{9,24}[0-9Xx]|[^@\s]+@[^@\s]+\.[^@\s]+", re.ASCII)


def _is_identity_number(digits: str) -> bool:
    if len(digits) != 18 or not digits[:17].isdigit() or digits[17] != ric.calc_check_digit(digits):
        return False
    try:
        ric.get_birth_date(digits)
    except InvalidComponent:
        return False
    return True


def check_text(value: object, name: str, limit: int = 200) -> str:
    """`value` in NFC if it is a short label: 1 to `limit` printable characters. Raises BadValue."""
    if type(value) is str and 0 < len(value) <= limit and value.isprintable():
        return unicodedata.normalize("NFC", value)
    raise BadValue(name, value, f"1 to {limit} printable characters", f"应为 1 至 {limit} 个可见字符")


def check_value(value: object, field: str) -> str:
    """`value` if it can be the personal value of a field: 1 to 1,000 characters, NFC, no control character.

    Raises BadValue for a field or a value that cannot be, and repeats neither.
    """
    if type(field) is not str or not _FIELD.fullmatch(field):
        raise BadValue(
            "field", "…", "at most 60 lower-case letters, digits and _", "应为不超过 60 个小写字母、数字和下划线"
        )
    if (
        type(value) is str
        and 0 < len(value) <= MAX_VALUE_LENGTH
        and (value.isprintable() or not any(unicodedata.category(c) in ("Cc", "Cs") for c in value))
        and unicodedata.is_normalized("NFC", value)
    ):
        return value
    raise BadValue(
        field,
        "…",
        f"1 to {MAX_VALUE_LENGTH} characters, none a control character",
        f"应为 1 至 {MAX_VALUE_LENGTH} 个字符，不含控制字符",
    )


_FIELD = re.compile(r"[a-z][a-z0-9_]{0,59}", re.ASCII)


def escape(id: str) -> str:
    """An id as one segment of a place: `%` and `/` percent-encoded."""
    return id.replace("%", "%25").replace("/", "%2F") if "%" in id or "/" in id else id


def unescape(segment: str) -> str:
    """The id behind one segment of a place; the inverse of `escape`."""
    return segment.replace("%2F", "/").replace("%25", "%") if "%" in segment else segment
