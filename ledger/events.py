"""Every fact that an entry can hold: one frozen class each, under a stable name.

A fact is what happened, decided and complete: it says which serials it issued and moved, so that nothing has to be
worked out again later. The class's name is the entry's `type`; its fields are the members of the entry's `data`, an
absent one None here. Dates are business dates, amounts minor units.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

from msgspec import Meta, Struct

from ledger.bank_events import (
    AccountOpened as AccountOpened,
)
from ledger.bank_events import (
    LegPart as LegPart,
)
from ledger.bank_events import (
    LinePart as LinePart,
)
from ledger.bank_events import (
    LinesDisputed as LinesDisputed,
)
from ledger.bank_events import (
    LinesMatched as LinesMatched,
)
from ledger.bank_events import (
    LinesUnmatched as LinesUnmatched,
)
from ledger.bank_events import (
    LinesWrittenOff as LinesWrittenOff,
)
from ledger.bank_events import (
    PeriodClosed as PeriodClosed,
)
from ledger.bank_events import (
    PeriodReopened as PeriodReopened,
)
from ledger.bank_events import (
    ReceiptSuspended as ReceiptSuspended,
)
from ledger.bank_events import (
    SuspenseRepaid as SuspenseRepaid,
)
from ledger.facts import (
    Amount as Amount,
)
from ledger.facts import (
    Basis as Basis,
)
from ledger.facts import (
    BasisPoints as BasisPoints,
)
from ledger.facts import (
    CashLeg as CashLeg,
)
from ledger.facts import (
    Commitment as Commitment,
)
from ledger.facts import (
    Fact as Fact,
)
from ledger.facts import (
    Foreign as Foreign,
)
from ledger.facts import (
    Id as Id,
)
from ledger.facts import (
    Issued as Issued,
)
from ledger.facts import (
    Moved as Moved,
)
from ledger.facts import (
    Serial as Serial,
)
from ledger.money import MAX_MINOR

Subject = Annotated[str, Meta(pattern="^(donor|person|household|case|donation)/.{1,120}$")]
"""Whose personal values these are, `noun/id`: a person, or the record itself where it names none."""


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


class KeyRotated(Fact, frozen=True, kw_only=True, omit_defaults=True):
    """更换日志签名密钥: the log that ends with this entry is signed by the old key and by `key` (a verifier key of C2SP
    signed-note), any longer one by `key` alone."""

    NOUN = "ledger"

    key: str

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


class CaseAmended(Fact, frozen=True, kw_only=True, omit_defaults=True):
    """The case is another than it was: all its attributes anew. It moves nothing."""

    NOUN = "case"

    case: Id
    attributes: dict[str, Id]


class CaseClosed(Fact, frozen=True, kw_only=True, omit_defaults=True):
    """结案: the case takes no more money, and what is left there goes home; `reason` is a coarse code."""

    NOUN = "case"

    case: Id
    reason: str


class CaseReopened(Fact, frozen=True, kw_only=True, omit_defaults=True):
    """The case takes money again; what went home at its closing does not come back by itself."""

    NOUN = "case"

    case: Id


class DonationReceived(Fact, frozen=True, kw_only=True, omit_defaults=True):
    """A gift: the fund's part and the fee's part are issued as new serials.

    `payer` and `receipt_to` are opaque ids of who paid and who is named on the official receipt, where they differ from
    the donor. `suspense`, here and of returns, names the suspended receipt that the money came with.
    """

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
    payer: Id | None = None
    receipt_to: Id | None = None
    foreign: Foreign | None = None
    suspense: Id | None = None


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
    """结算: the hospital has spent money for the case; `total` is the whole bill, of which others bore their shares."""

    NOUN = "settlement"

    settlement: Id
    hospital: Id
    case: Id
    amount: Amount
    bill_no: Id | None = None
    total: Amount | None = None
    insurance: Annotated[int, Meta(ge=0, le=MAX_MINOR)] | None = None
    family: Annotated[int, Meta(ge=0, le=MAX_MINOR)] | None = None


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


class BalanceBroughtForward(Fact, frozen=True, kw_only=True, omit_defaults=True):
    """期初余额: money that was here before this ledger began; no income. Its id serves as the donation's, and, by the
    place it stands at, as the allocation's (with `case`) or the payment's (with `hospital` and `lines`)."""

    NOUN = "donation"

    donation: Id
    fund: Id
    amount: Amount
    donor: Id | None = None
    case: Id | None = None
    allocation: Id | None = None
    payment: Id | None = None
    hospital: Id | None = None
    lines: tuple[PaymentLine, ...] | None = None


class DonationAttributed(Fact, frozen=True, kw_only=True, omit_defaults=True):
    """Whose an unattributed gift is, found out later."""

    NOUN = "donation"

    donation: Id
    donor: Id


class AllocationReleased(Fact, frozen=True, kw_only=True, omit_defaults=True):
    """释放资助额度: money goes home from the case; at most what is left of the allocation."""

    NOUN = "allocation"

    allocation: Id
    case: Id
    amount: Amount
    release: Id | None = None


class HospitalPaymentReturned(Fact, frozen=True, kw_only=True, omit_defaults=True):
    """结余退回, 退汇: the hospital, its bank or an insurer gives money back, of one payment and one case."""

    NOUN = "payment"

    payment: Id
    hospital: Id
    case: Id
    amount: Amount
    reason: str
    bill_no: Id | None = None
    return_id: Id | None = None
    suspense: Id | None = None


class GrantReturned(Fact, frozen=True, kw_only=True, omit_defaults=True):
    """受益人退款: the family repays cash, or the bank rejects it."""

    NOUN = "grant"

    grant: Id
    case: Id
    amount: Amount
    return_id: Id | None = None
    suspense: Id | None = None


class DonationRefunded(Fact, frozen=True, kw_only=True, omit_defaults=True):
    """捐赠退回: the donor gets `amount` back, `fee` of it out of the fee that was taken."""

    NOUN = "refund"

    refund: Id
    donation: Id
    amount: Amount
    fee: Annotated[int, Meta(ge=0, le=MAX_MINOR)]


class FundsTransferred(Fact, frozen=True, kw_only=True, omit_defaults=True):
    """项目间资金调剂: money goes to another fund, its terms with it."""

    NOUN = "transfer"

    transfer: Id
    fund: Id
    to_fund: Id
    amount: Amount


class TermsChanged(Fact, frozen=True, kw_only=True, omit_defaults=True):
    """变更捐赠用途: other terms are in force for money of the fund, by consent, filing or plan."""

    NOUN = "fund"

    fund: Id
    amount: Amount
    donation: Id | None = None


class SerialsSubstituted(Fact, frozen=True, kw_only=True, omit_defaults=True):
    """资金置换: a cost of the case is charged to other money; as much as comes in goes home."""

    NOUN = "case"

    case: Id
    amount: Amount


class ExpenseMade(Fact, frozen=True, kw_only=True, omit_defaults=True, rename={"source": "from"}):
    """费用支出: the foundation's own spending, out of `fund` money or of the `fee` taken."""

    NOUN = "expense"

    expense: Id
    fund: Id
    kind: str
    amount: Amount
    source: str


class MoneyHeld(Fact, frozen=True, kw_only=True, omit_defaults=True):
    """冻结: money that may not be used: disputed, seized, unidentified."""

    NOUN = "hold"

    hold: Id
    amount: Amount
    donation: Id | None = None


class HoldLifted(Fact, frozen=True, kw_only=True, omit_defaults=True):
    """解除冻结: held money goes home."""

    NOUN = "hold"

    hold: Id
    amount: Amount


class EntryReversed(Fact, frozen=True, kw_only=True, omit_defaults=True):
    """冲销: a mistaken entry, `reverses`, is undone whole; what it issued is void. `record` is the stream of both."""

    reverses: Serial
    record: str

    @property
    def stream(self) -> str:
        return self.record


FACTS: dict[str, type[Fact]] = {fact.__name__: fact for fact in Fact.__subclasses__()}
"""Every kind of fact by its stable name. Names are looked up here and nowhere else: nothing is imported by name."""
