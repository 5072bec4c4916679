"""One row of a file under our column names, and what its text says."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, NamedTuple

from api.intake.faults import MissingValue
from api.intake.formats import ReadAmount, ReadMoment
from ledger.decisions import Basis, CashLeg
from ledger.errors import BadValue
from ledger.ids import MAX_ID_LENGTH, check_id
from ledger.money import AmountError, parse_rate

Restriction = tuple[tuple[str, tuple[str, ...]], ...]
BESIDES = ("occurred_on", "by", "approved_by", "basis", "evidence", "corrects")
"""Columns that every kind may have: when it happened, who did and who approved it (`a|b`), why (`kind:ref`), scans,
the entry that it puts right."""
_BESIDES = frozenset(BESIDES)
FOREIGN_EXPONENT = 4
"""Decimals with which foreign amounts are read: as many as any currency has."""


@dataclass(frozen=True, slots=True)
class Readers:
    """How this file's text reads: by column where a mapping says so, else in our own form."""

    amount: ReadAmount
    moment: ReadMoment
    amounts: Mapping[str, ReadAmount]
    moments: Mapping[str, ReadMoment]
    attributes: tuple[str, ...] = ()
    terms: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    synonyms: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


class Row(NamedTuple):
    """Values by our column names, empty ones absent, stripped and in NFC."""

    kind: str
    values: Mapping[str, str]
    readers: Readers

    def get(self, column: str) -> str | None:
        """The text, None when it is empty."""
        return self.values.get(column)

    def need(self, column: str) -> str:
        """The text. Raises MissingValue."""
        try:
            return self.values[column]
        except KeyError:
            raise MissingValue(column=column) from None

    def amount(self, column: str) -> int:
        """Minor units. Raises MissingValue, BadValue."""
        text = self.need(column)
        try:
            return self.readers.amounts.get(column, self.readers.amount)(text)
        except AmountError as error:
            raise BadValue(column, text, *error.args) from None

    def amount_if_any(self, column: str) -> int | None:
        """Minor units, None when empty. Raises BadValue."""
        return self.amount(column) if column in self.values else None

    def amount_or_zero(self, column: str) -> int:
        """Minor units, 0 when empty or nought. Raises BadValue."""
        text = self.values.get(column)
        return 0 if text is None or re.fullmatch(r"0+([.,]0+)?", text, re.ASCII) else self.amount(column)

    def foreign_amount(self, column: str, exponent: int) -> int:
        """Minor units of a currency of so many decimals. Raises MissingValue, BadValue."""
        scale: int = 10 ** (FOREIGN_EXPONENT - exponent)
        amount, rest = divmod(self.amount(column), scale)
        if rest:
            rule = f"at most {exponent} decimals: amounts are never rounded"
            raise BadValue(column, self.need(column), rule, f"最多 {exponent} 位小数：金额从不四舍五入")
        return amount

    def whole(self, column: str) -> int:
        """A whole number, such as an entry's. Raises MissingValue, BadValue."""
        text = self.need(column)
        if re.fullmatch("[0-9]{1,16}", text, re.ASCII):
            return int(text)
        raise BadValue(column, text, "a whole number", "应为整数")

    def listed(self, column: str) -> tuple[str, ...]:
        """`a|b`; empty when there is none."""
        text = self.values.get(column)
        return tuple(part.strip() for part in text.split("|")) if text else ()

    def rate(self, column: str) -> int | None:
        """Basis points, None when empty. Raises BadValue."""
        text = self.values.get(column)
        try:
            return None if text is None else parse_rate(text)
        except AmountError as error:
            raise BadValue(column, text, *error.args) from None

    def moment(self, column: str) -> datetime:
        """The time in the ledger's zone, midnight if none is said. Raises MissingValue, BadValue."""
        text = self.need(column)
        read = self.readers.moments.get(column)
        try:
            return (read or self.readers.moment)(text)
        except ValueError:
            if read is None:
                rule, rule_zh = "a date is YYYY-MM-DD", "日期格式应为 YYYY-MM-DD"
            else:
                rule, rule_zh = "not in the format that the mapping names", "与映射文件中的格式不符"
            raise BadValue(column, text, rule, rule_zh) from None

    def day(self, column: str) -> date:
        """The business date. Raises MissingValue, BadValue."""
        return self.moment(column).date()

    def day_if_any(self, column: str) -> date | None:
        """The business date, None when empty. Raises BadValue."""
        return self.day(column) if column in self.values else None

    def restriction(self, column: str) -> Restriction:
        """`dim=code|code;dim=code`, their terms translated: by the mapping, then by the synonyms. Raises BadValue."""
        text = self.values.get(column)
        if text is None:
            return ()
        found = []
        for part in text.strip("; ").split(";"):
            dimension, equals, codes = part.partition("=")
            if not equals:
                raise BadValue(column, text, "write dim=code|code;dim=code", "应写作 dim=code|code;dim=code")
            dimension = dimension.strip()
            terms, synonyms = self.readers.terms.get(dimension, {}), self.readers.synonyms.get(dimension, {})
            named = (terms.get(code, code) for code in map(str.strip, codes.split("|")))
            found.append((dimension, tuple(synonyms.get(code, code) for code in named)))
        return tuple(found)

    def attributes(self) -> dict[str, str]:
        """What the row says of the case by dimension."""
        return {name: self.values[name] for name in self.readers.attributes if name in self.values}

    def personal(self, columns: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
        """The row's personal values by field."""
        return tuple((name, self.values[name]) for name in columns if name in self.values)

    def cash(self, amount: int) -> tuple[CashLeg, ...] | None:
        """The movement at the bank, if the row says anything of it; `-` is an account that it does not name."""
        account, bank_ref = self.get("account"), self.get("bank_ref")
        if account is None and bank_ref is None:
            return None
        return (CashLeg(account=account or "-", amount=amount, bank_ref=bank_ref),)

    def beside(self) -> dict[str, Any]:
        """What a row of any kind may say beside its own columns, as any command may carry it. Raises BadValue."""
        if _BESIDES.isdisjoint(self.values):
            return {}
        said: dict[str, Any] = {"by": self.get("by"), "occurred_on": self.day_if_any("occurred_on")}
        said |= {column: self.listed(column) or None for column in ("approved_by", "evidence")}
        if (text := self.get("basis")) is not None:
            kind, colon, ref = text.partition(":")
            if not colon:
                rule, rule_zh = "write kind:reference, such as filing:2026-118", "应写作 类别:文号，如 filing:2026-118"
                raise BadValue("basis", text, rule, rule_zh)
            said["basis"] = Basis(kind.strip(), ref.strip())
        if (text := self.get("corrects")) is not None:
            if not (text.isascii() and text.isdigit()):
                raise BadValue("corrects", text, "the number of an entry", "应为分录号")
            said["corrects"] = int(text)
        return said

    def key(self, *columns: str) -> str:
        """The row's idempotency key, from its own id: the same row again is the same request. Raises BadValue.

        An id too long to stand in a key stands there by its hash.
        """
        own_id = ":".join([check_id(self.need(column), column) for column in columns])
        key = f"{self.kind}:{own_id}"
        if len(key) <= MAX_ID_LENGTH:
            return key
        return f"{self.kind}:sha256:{hashlib.sha256(own_id.encode()).hexdigest()}"
