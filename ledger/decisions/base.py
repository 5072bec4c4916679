"""What every command is: the fields that any may carry, and the checks that need no ledger."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from datetime import date
from functools import cache
from operator import attrgetter
from typing import Any, ClassVar, TypeVar, get_args

import msgspec
from msgspec import Struct
from msgspec.structs import asdict, replace

from ledger.book import NOTHING, Book, Effects
from ledger.errors import BadValue
from ledger.events import Basis, CashLeg, Fact, Id
from ledger.ids import are_plain_ids, check_id, check_value
from ledger.money import MAX_MINOR
from ledger.needs import Needs


class Decision(Struct, frozen=True):
    """What an accepted command comes to: its facts in order, and what they do to keys and bills."""

    facts: list[Fact]
    effects: Effects = NOTHING


class Command(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What any command may carry; see the class for the rest.

    `personal` are personal values by field: they go to the vault, and only commitments to them into the entry.
    `corrects` is an earlier entry that it puts right, in a closed period perhaps.
    """

    key: Id
    on: date | None = None
    occurred_on: date | None = None
    by: Id | None = None
    approved_by: tuple[str, ...] | None = None
    basis: Basis | None = None
    evidence: tuple[str, ...] | None = None
    cash: tuple[CashLeg, ...] | None = None
    corrects: int | None = None
    personal: tuple[tuple[str, str], ...] = ()

    MOVES_MONEY: ClassVar[bool] = False
    NEEDS_BASIS: ClassVar[bool] = False
    FOLLOWS: ClassVar[bool] = False

    def subject(self) -> str | None:
        """Whose its personal values are, `noun/id`; None for a command that can carry none."""
        return None

    def check(self) -> None:
        """What can be judged without the ledger. Raises BadValue."""
        if self.MOVES_MONEY and self.on is None:
            raise BadValue("on", "-", "a fact that moves money has a date", "资金事项须有日期")
        if self.NEEDS_BASIS and self.basis is None:
            raise BadValue(
                "basis",
                "-",
                "name its basis: a kind and a reference (basis=consent:2026-118)",
                "须注明依据：类别与文号",
            )
        names, read = _id_reader(type(self))
        values = read(self)
        if not are_plain_ids(values):
            for name, value in zip(names, values, strict=True):
                if value is not None:
                    check_id(value, name)
        if self.approved_by or self.evidence or self.basis or self.cash:
            for name, value in self._references():
                check_id(value, name)
        if self.corrects is not None and not 0 <= self.corrects <= MAX_MINOR:
            raise BadValue("corrects", self.corrects, "the number of an entry", "应为分录号")
        if self.personal:
            self._check_personal()

    def _check_personal(self) -> None:
        if self.subject() is None:
            raise BadValue("personal", "…", f"{type(self).__name__} carries no personal values", "此类事项不含个人信息")
        for field, value in self.personal:
            check_value(value, field)
        if len({field for field, _ in self.personal}) < len(self.personal):
            raise BadValue("personal", "…", "each field is given once", "每项个人信息只能给出一次")

    def _references(self) -> Iterator[tuple[str, object]]:
        """The ids within the common members: who approved, on what basis, in which account."""
        yield from (("approved_by", approver) for approver in self.approved_by or ())
        yield from (("evidence", digest) for digest in self.evidence or ())
        if self.basis is not None:
            yield from (("basis kind", self.basis.kind), ("basis ref", self.basis.ref))
        for leg in self.cash or ():
            yield "account", leg.account
            if leg.bank_ref is not None:
                yield "bank_ref", leg.bank_ref

    def is_approved(self) -> bool:
        """Whether somebody else than who records it approved."""
        return any(approver != self.by for approver in self.approved_by or ())

    def needs(self, needs: Needs) -> None:
        """Adds what `decide` will read."""

    def novelties(self, needs: Needs) -> None:
        """Adds what should not be there yet, records and business keys: asked only where somebody looks for it."""

    def follow(self, book: Book, needs: Needs) -> None:
        """Adds what `decide` will read because of what the records say; asked of those that `FOLLOWS`."""
        raise NotImplementedError

    def decide(self, book: Book) -> Decision:
        """What this comes to on the book as it is. Raises Refusal."""
        raise NotImplementedError

    def digest(self) -> bytes:
        """SHA-256 of the content, absent members left out: the same request made again has the same.

        Personal values are left out too: anybody who reads the digest could guess them. The vault adds a digest of
        theirs under the person's key. Raises BadValue for text that is not Unicode (a lone surrogate).
        """
        try:
            content = _ENCODER.encode(replace(self, personal=()) if self.personal else self)
        except UnicodeEncodeError as error:
            raise BadValue("text", type(self).__name__, "text in Unicode", "应为有效的 Unicode 文本") from error
        return hashlib.sha256(type(self).__name__.encode() + content).digest()

    def __repr__(self) -> str:
        """As any other, without the personal values: what is printed may be kept."""
        shown = ", ".join(
            f"{name}={value!r}" for name, value in asdict(self).items() if name != "personal" and value is not None
        )
        return f"{type(self).__name__}({shown}{', personal=…' if self.personal else ''})"

    def common(self) -> dict[str, Any]:
        """The members that go into the fact as they are."""
        return dict(zip(_COMMON, _common_values(self), strict=True))

    def completed(self, fact: F) -> F:
        """A fact that was made with `on` alone of these members, with the others that there are.

        For what is made by the thousand: members by name cost a fifth of those out of a dict.
        """
        return fact if _more_values(self) == _NO_MORE else replace(fact, **self.common())


_COMMON = ("on", "occurred_on", "by", "approved_by", "basis", "evidence", "cash", "corrects")
_NO_MORE = (None,) * 7
_common_values, _more_values = attrgetter(*_COMMON), attrgetter(*_COMMON[1:])
_ENCODER = msgspec.json.Encoder(order="sorted")

F = TypeVar("F", bound=Fact)


@cache
def _id_reader(kind: type[Command]) -> tuple[tuple[str, ...], Callable[[Command], tuple[object, ...]]]:
    """The names of the fields that hold ids (two at least), and what gets their values in one call."""
    names = tuple(f.name for f in msgspec.structs.fields(kind) if Id in (f.type, *get_args(f.type)))
    return names, attrgetter(*names)


def check_amount(amount: int, name: str = "amount") -> None:
    """Raises BadValue unless it is a whole number of minor units, more than zero, within what an entry can hold."""
    if type(amount) is not int or not 0 < amount <= MAX_MINOR:
        raise BadValue(name, amount, "more than zero, at most 2^53-1 minor units", "应大于零且不超过 2^53-1")


def check_fee(fee_bp: int | None) -> None:
    """Raises BadValue for a rate outside 0 to 10,000 basis points; None is no rate."""
    if fee_bp is not None and not 0 <= fee_bp <= 10_000:
        raise BadValue("fee_rate", fee_bp, "0 to 10000 basis points", "费率应在 0 至 10000 个基点之间")
