"""What every fact is: the members that any may have, and the values that they are made of."""

from __future__ import annotations

from datetime import date
from typing import Annotated, ClassVar

from msgspec import Meta, Struct

from ledger.money import MAX_MINOR

Id = Annotated[str, Meta(min_length=1, max_length=120)]
"""An opaque id; see `ledger.ids`."""
Amount = Annotated[int, Meta(gt=0, le=MAX_MINOR)]
"""Minor units, more than zero."""
Serial = Annotated[int, Meta(ge=0, le=MAX_MINOR)]
"""A serial's number on its tape."""
BasisPoints = Annotated[int, Meta(ge=0, le=10_000)]
"""A rate in hundredths of a percent."""
Commitment = Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
"""What an entry says of a personal value: a salted keyed hash; value and salt are in the vault."""


class Issued(Struct, frozen=True, gc=False):
    """New serials `[lo, hi)` at the end of a tape, put at a place."""

    tape: str
    lo: Serial
    hi: Serial
    to: str


class Moved(Struct, frozen=True, gc=False, rename={"source": "from", "target": "to"}):
    """Serials `[lo, hi)` taken from one place to another."""

    tape: str
    lo: Serial
    hi: Serial
    source: str
    target: str


class CashLeg(Struct, frozen=True, omit_defaults=True):
    """The movement on a bank account behind a fact."""

    account: Id
    amount: Amount | None = None
    bank_on: date | None = None
    bank_ref: Id | None = None


class Basis(Struct, frozen=True):
    """On what ground: a kind (consent, filing, plan, ...) and a reference to the paper."""

    kind: Id
    ref: Id


class Foreign(Struct, frozen=True):
    """What a gift was before it was changed into the ledger's currency.

    `amount` in minor units of `currency`, which has `exponent` decimals; `rate` is exact decimal text: so many of the
    ledger's units for one of theirs, as of `rate_on`.
    """

    currency: str
    amount: Amount
    exponent: int
    rate: str
    rate_on: date


class Fact(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Members that every fact may have. `NOUN` names the record it goes on; `corrects` is an earlier entry that the
    fact puts right."""

    NOUN: ClassVar[str]

    on: date | None = None
    occurred_on: date | None = None
    issue: tuple[Issued, ...] = ()
    moves: tuple[Moved, ...] = ()
    policy: str | None = None
    by: Id | None = None
    approved_by: tuple[Id, ...] | None = None
    basis: Basis | None = None
    evidence: tuple[Id, ...] | None = None
    cash: tuple[CashLeg, ...] | None = None
    commitments: dict[str, Commitment] | None = None
    corrects: Serial | None = None

    @property
    def stream(self) -> str:
        """The record this fact goes on, `noun/id`: the fact's own id under its noun."""
        return f"{self.NOUN}/{getattr(self, self.NOUN)}"
