"""Every fact that an entry can hold: one frozen class each, under a stable name.

A fact is what happened, decided and complete: it says which serials it issued and moved, so that nothing has to be
worked out again later. The class's name is the entry's `type`; its fields are the members of the entry's `data`, an
absent one None here. Dates are business dates, amounts minor units.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, ClassVar

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
Subject = Annotated[str, Meta(pattern="^(donor|person|household|case|donation)/.{1,120}$")]
"""Whose personal values these are, `noun/id`: a person, or the record itself where it names none."""


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


class Fact(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Members that every fact may have. `NOUN` names the record it goes on."""

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

    @property
    def stream(self) -> str:
        """The record this fact goes on, `noun/id`: the fact's own id under its noun."""
        return f"{self.NOUN}/{getattr(self, self.NOUN)}"


class LedgerOpened(Fact, frozen=True, kw_only=True, omit_defaults=True):
    """Entry 0: whose ledger this is. `key` is the log's verifier key (C2SP signed-note)."""

    NOUN = "ledger"

    origin: str
    currency: str
    exponent: int
    zone: str
    key: str
    continues: dict[str, Any] | None = None

    @property
    def stream(self) -> str:
        return "ledger/main"


class CodeDefined(Fact, frozen=True, kw_only=True, omit_defaults=True):
    """A code of the dictionary 数据字典, below `parent` if it has one."""

    NOUN = "ledger"

    dimension: str
    code: Id
    name: str
    parent: Id | None = None

    @property
    def stream(self) -> str:
        return "ledger/main"


class FundOpened(Fact, frozen=True, kw_only=True, omit_defaults=True):
    """A fund 专项基金; `fee_bp` is the fee rate of gifts that name none."""

    NOUN = "fund"

    fund: Id
    name: str
    fee_bp: BasisPoints | None = None


class TapeOpened(Fact, frozen=True, kw_only=True, omit_defaults=True):
    """A tape 编号序列, `t1`, `t2`, ...: the serials of one fund under one set of terms (see `ledger.terms`)."""

    NOUN = "fund"

    fund: Id
    tape: str
    nature: str
    restriction: dict[str, tuple[Id, ...]]
    usable_from: date | None = None
    expires_on: date | None = None
    agreement: Id | None = None


class HospitalRegistered(Fact, frozen=True, kw_only=True, omit_defaults=True):
    """A hospital, or whoever treats and is paid."""

    NOUN = "hospital"

    hospital: Id
    name: str
    province: Id | None = None


class CaseOpened(Fact, frozen=True, kw_only=True, omit_defaults=True):
    """A case 个案: one child's need. `attributes` has one code a dimension, `person` and `hospital` among them."""

    NOUN = "case"

    case: Id
    fund: Id
    attributes: dict[str, Id]
    household: Id | None = None
    purpose: Id | None = None


class DonationReceived(Fact, frozen=True, kw_only=True, omit_defaults=True):
    """A gift: the fund's part and the fee's part are issued as new serials."""

    NOUN = "donation"

    donation: Id
    fund: Id
    amount: Amount
    fee_bp: BasisPoints
    source: str
    donor: Id | None = None
    channel: Id | None = None
    channel_txn: Id | None = None
    line: Id | None = None


class AllocationMade(Fact, frozen=True, kw_only=True, omit_defaults=True):
    """善款匹配: money of a fund set aside for a case."""

    NOUN = "allocation"

    allocation: Id
    case: Id
    fund: Id
    amount: Amount


class PaymentLine(Struct, frozen=True, omit_defaults=True):
    """One case's part of a payment to a hospital, with the hospital's bill if there is one."""

    case: Id
    amount: Amount
    bill_no: Id | None = None
    bill_amount: Amount | None = None


class HospitalPaymentMade(Fact, frozen=True, kw_only=True, omit_defaults=True):
    """拨付: one bank payment to a hospital for one or more cases."""

    NOUN = "payment"

    payment: Id
    hospital: Id
    lines: tuple[PaymentLine, ...]


class TreatmentSettled(Fact, frozen=True, kw_only=True, omit_defaults=True):
    """结算: the hospital has spent money for the case."""

    NOUN = "settlement"

    settlement: Id
    hospital: Id
    case: Id
    amount: Amount
    bill_no: Id | None = None


class CashGranted(Fact, frozen=True, kw_only=True, omit_defaults=True):
    """发放: cash to the family."""

    NOUN = "grant"

    grant: Id
    case: Id
    amount: Amount
    purpose: Id | None = None
    period: Id | None = None


class SubjectRestricted(Fact, frozen=True, kw_only=True, omit_defaults=True):
    """限制处理: erasure was asked for; vouchers must be kept `until` then, so the values are stored and not read."""

    NOUN = "subject"

    subject: Subject
    until: date

    @property
    def stream(self) -> str:
        return self.subject


class SubjectErased(Fact, frozen=True, kw_only=True, omit_defaults=True):
    """删除: the key of the subject's personal values up to here is destroyed; what was committed to stays committed."""

    NOUN = "subject"

    subject: Subject

    @property
    def stream(self) -> str:
        return self.subject


FACTS: dict[str, type[Fact]] = {
    fact.__name__: fact
    for fact in (
        LedgerOpened,
        CodeDefined,
        FundOpened,
        TapeOpened,
        HospitalRegistered,
        CaseOpened,
        DonationReceived,
        AllocationMade,
        HospitalPaymentMade,
        TreatmentSettled,
        CashGranted,
        SubjectRestricted,
        SubjectErased,
    )
}
"""Every kind of fact by its stable name. Names are looked up here and nowhere else: nothing is imported by name."""
