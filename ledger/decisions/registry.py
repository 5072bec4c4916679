"""Commands about what the ledger knows besides money and cases: itself, the dictionary, funds, hospitals."""

from __future__ import annotations

import re
from typing import Any, NoReturn

from ledger.book import Book
from ledger.decisions.base import Command, Decision, check_fee
from ledger.dictionary import Code
from ledger.errors import BadValue, CodeDefinedAlready, NotYet
from ledger.events import CodeDefined, FundOpened, HospitalRegistered, Id, LedgerOpened
from ledger.ids import check_text
from ledger.journal import check_origin
from ledger.needs import Needs
from ledger.terms import ID_DIMENSIONS, check_dimension
from ledger.times import find_zone, local_day


class OpenLedger(Command, frozen=True, kw_only=True, omit_defaults=True):
    """Entry 0. `verifier_key` is the log's public key as C2SP signed-note writes it.

    `continues` names the last head of an older ledger that this one follows: `{origin, size, root}`, root in hex.
    """

    origin: str
    verifier_key: str
    currency: str = "CNY"
    exponent: int = 2
    zone: str = "Asia/Shanghai"
    continues: dict[str, Any] | None = None

    def needs(self, needs: Needs) -> None:
        needs.streams.add("ledger/main")

    def decide(self, book: Book) -> Decision:
        check_origin(self.origin)
        today = local_day(book.at, find_zone(self.zone))
        if self.on is not None and self.on > today:
            raise NotYet(on=self.on, today=today)
        check_currency(self.currency)
        if self.continues is not None:
            check_follows(self.origin, self.continues["origin"])
        if not 0 <= self.exponent <= 4:
            raise BadValue("exponent", self.exponent, "0 to 4 decimals", "小数位数应为 0 至 4")
        book.require_new("ledger", "main")
        return Decision(
            [
                LedgerOpened(
                    **{**self.common(), "on": self.on or today},
                    origin=self.origin,
                    key=self.verifier_key,
                    currency=self.currency,
                    exponent=self.exponent,
                    zone=self.zone,
                    continues=self.continues,
                )
            ]
        )


class DefineCode(Command, frozen=True, kw_only=True, omit_defaults=True):
    """A code of the dictionary, below an existing one if `parent` is given."""

    dimension: str
    code: Id
    name: str
    parent: str | None = None

    def needs(self, needs: Needs) -> None:
        needs.streams.add("ledger/main")

    def decide(self, book: Book) -> Decision:
        check_dimension(self.dimension)
        name = check_text(self.name, "name")
        if self.dimension in ID_DIMENSIONS:
            raise BadValue(
                "dimension", self.dimension, "its codes are ids, not defined here", "该维度的代码即编号，无需定义"
            )
        dictionary = book.registry.dictionary
        stands = dictionary.find(self.dimension, self.code)
        if stands is not None:
            self._refuse_again(stands, Code(self.code, self.parent, name))
        if self.parent is not None:
            dictionary.require_parent(self.dimension, self.parent, of=self.code)
        return Decision(
            [CodeDefined(**self.common(), dimension=self.dimension, code=self.code, name=name, parent=self.parent)]
        )

    def _refuse_again(self, stands: Code, given: Code) -> NoReturn:
        """Codes never change; one that is given again just so is a refusal that importers tell from the others."""
        if stands == given:
            raise CodeDefinedAlready("code", self.code, f"defined already in {self.dimension}", "已按同样内容定义")
        was, now = (f"{code} < {code.parent}" if code.parent else str(code) for code in (stands, given))
        raise BadValue(
            "code",
            self.code,
            f"it is defined already as “{was}” and not “{now}”; codes never change, take a new one",
            f"已定义为“{was}”，与给出的“{now}”不同；代码定义后不可更改，请另用新代码",
        )


class OpenFund(Command, frozen=True, kw_only=True, omit_defaults=True):
    """A fund; `fee_bp` is the management fee of gifts that name no rate, in basis points."""

    fund: Id
    name: str
    fee_bp: int | None = None

    def novelties(self, needs: Needs) -> None:
        needs.new_streams.add(f"fund/{self.fund}")

    def decide(self, book: Book) -> Decision:
        name = check_text(self.name, "name")
        check_fee(self.fee_bp)
        book.require_new("fund", self.fund)
        return Decision([FundOpened(**self.common(), fund=self.fund, name=name, fee_bp=self.fee_bp)])


class RegisterHospital(Command, frozen=True, kw_only=True, omit_defaults=True):
    """A hospital that may be paid."""

    hospital: Id
    name: str
    province: Id | None = None

    def novelties(self, needs: Needs) -> None:
        needs.new_streams.add(f"hospital/{self.hospital}")

    def decide(self, book: Book) -> Decision:
        name = check_text(self.name, "name")
        book.require_new("hospital", self.hospital)
        if self.province is not None:
            book.registry.dictionary.require("province", self.province)
        return Decision(
            [HospitalRegistered(**self.common(), hospital=self.hospital, name=name, province=self.province)]
        )


def check_follows(origin: str, older: str) -> None:
    """Raises BadValue for a ledger that says to follow itself."""
    if older == origin:
        rule = "a ledger follows one of another name; lost history is never continued under its own"
        raise BadValue("continues", older, rule, "应为另一名称的旧账本；丢失的历史不得以原名继续")


def check_currency(code: str) -> None:
    """Raises BadValue for what cannot be a currency code of ISO 4217."""
    if not re.fullmatch("[A-Z]{3}", code):
        raise BadValue("currency", code, "three capital letters of ISO 4217", "应为 ISO 4217 三位字母代码")
