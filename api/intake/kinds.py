"""What can be imported: one entry for each kind, saying its columns and the command that a row becomes.

Kinds of an earlier turn are recorded before those of a later one; within the last turn, rows go by date.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

from api.intake.faults import PaymentDisagrees, PaymentLineRepeated
from api.intake.rows import Row
from ledger.decisions import (
    CashLeg,
    Command,
    DefineCode,
    GrantCash,
    MakeAllocation,
    OpenCase,
    OpenFund,
    PayHospital,
    PaymentLine,
    ReceiveDonation,
    RegisterHospital,
    SettleTreatment,
)
from ledger.errors import BadValue, shown
from ledger.vocabulary import Synonym, check_term

CODES, FUNDS, HOSPITALS, CASES, DATED = range(5)
"""The turns."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind of file.

    `build` makes the command of a row, or of all rows with the same `group_by`; it raises the row's Refusal. `dates`
    begin with the one that rows are ordered by; `attributes` name dimensions that are columns, others may join them;
    `personal` are columns whose values go to the vault, under the person whom the command is about; columns in
    `unrecorded` are known and kept nowhere; `coded` are other columns that hold codes of the dimension of their name;
    `defines` is the column whose values become dimensions.
    """

    name: str
    turn: int
    required: tuple[str, ...]
    optional: tuple[str, ...] = ()
    build: Callable[..., Command]
    dates: tuple[str, ...] = ()
    amounts: tuple[str, ...] = ()
    attributes: tuple[str, ...] = ()
    personal: tuple[str, ...] = ()
    unrecorded: tuple[str, ...] = ()
    coded: tuple[str, ...] = ()
    group_by: str | None = None
    defines: str | None = None

    def columns(self) -> tuple[str, ...]:
        """All columns that the kind knows."""
        return (*self.required, *self.optional, *self.attributes, *self.personal, *self.unrecorded)


def amount_of(command: Command) -> int:
    """What the command moves, in minor units; 0 when it moves no money."""
    return (
        sum(line.amount for line in command.lines)
        if isinstance(command, PayHospital)
        else getattr(command, "amount", 0)
    )


def _code(row: Row) -> Command:
    """The key is of the whole content: what is defined otherwise already is judged, and named, by the decision."""
    row.key("dimension", "code")
    synonyms_in(row)
    content = [row.need("dimension"), row.need("code"), row.need("name"), row.get("parent") or ""]
    digest = hashlib.sha256("\x1f".join(content).encode()).hexdigest()
    return DefineCode(
        key=f"codes:sha256:{digest}",
        dimension=content[0],
        code=content[1],
        name=content[2],
        parent=content[3] or None,
    )


def synonyms_in(row: Row) -> list[Synonym]:
    """What the row of a code says that it is called besides, `a|b`. Raises BadValue, MissingValue."""
    dimension, code = row.need("dimension"), row.need("code")
    terms = [term.strip() for term in (row.get("synonyms") or "").split("|")]
    return [Synonym(dimension, check_term(term), code) for term in terms if term and term != code]


def _fund(row: Row) -> Command:
    return OpenFund(
        key=row.key("fund_id"), fund=row.need("fund_id"), name=row.need("name"), fee_bp=row.rate("fee_rate")
    )


def _hospital(row: Row) -> Command:
    return RegisterHospital(
        key=row.key("hospital_id"),
        hospital=row.need("hospital_id"),
        name=row.need("name"),
        province=row.get("province"),
    )


def _case(row: Row) -> Command:
    approved = row.get("approved_by")
    return OpenCase(
        key=row.key("case_id"),
        case=row.need("case_id"),
        fund=row.need("fund_id"),
        hospital=row.need("hospital_id"),
        person=row.get("person_id"),
        household=row.get("household_id"),
        purpose=row.get("purpose"),
        approved_by=tuple(approver.strip() for approver in approved.split("|")) if approved else None,
        attributes=row.attributes(),
        personal=row.personal(),
    )


def _donation(row: Row) -> Command:
    get = row.values.get
    return ReceiveDonation(
        key=row.key("donation_id"),
        on=row.day("received_on"),
        donation=row.need("donation_id"),
        fund=row.need("fund_id"),
        amount=row.amount("amount"),
        donor=get("donor_id"),
        channel=get("channel"),
        channel_txn=get("channel_txn"),
        line=get("line"),
        fee_bp=row.rate("fee_rate"),
        source=get("source") or "donation",
        nature=get("nature") or "own",
        restriction=row.restriction("restriction"),
        usable_from=row.day_if_any("usable_from"),
        expires_on=row.day_if_any("expires_on"),
        agreement=get("agreement"),
        personal=row.personal(),
    )


def _allocation(row: Row) -> Command:
    return MakeAllocation(
        key=row.key("allocation_id"),
        on=row.day("allocated_on"),
        allocation=row.need("allocation_id"),
        case=row.need("case_id"),
        amount=row.amount("amount"),
        fund=row.get("fund_id"),
    )


def _payment(*rows: Row) -> Command:
    """One payment from all its rows; its lines in an order of their own, so that a re-sorted file says the same."""
    first = rows[0]
    payment, hospital, on = first.need("payment_id"), first.need("hospital_id"), first.day("paid_on")
    for row in rows[1:]:
        for column in ("hospital_id", "paid_on", "account", "bank_ref"):
            if row.get(column) != first.get(column) and not (column == "paid_on" and row.day(column) == on):
                said, other = shown(first.get(column) or "-"), shown(row.get(column) or "-")
                raise PaymentDisagrees(payment=payment, column=column, first=said, other=other)
    lines = sorted((_line(row) for row in rows), key=_line_order)
    for line, next_line in pairwise(lines):
        if line == next_line:
            raise PaymentLineRepeated(payment=payment, case=line.case)
    return PayHospital(
        key=first.key("payment_id"),
        on=on,
        payment=payment,
        hospital=hospital,
        lines=tuple(lines),
        cash=_cash(first, sum(line.amount for line in lines)),
    )


def _cash(row: Row, amount: int) -> tuple[CashLeg, ...] | None:
    """The payment's movement at the bank, if the file says anything of it; `-` is an account that it does not name."""
    account, bank_ref = row.get("account"), row.get("bank_ref")
    if account is None and bank_ref is None:
        return None
    return (CashLeg(account=account or "-", amount=amount, bank_ref=bank_ref),)


def _line_order(line: PaymentLine) -> tuple[str, str, int, int]:
    return line.case, line.bill_no or "", line.amount, line.bill_amount or 0


def _line(row: Row) -> PaymentLine:
    return PaymentLine(
        row.need("case_id"), row.amount("amount"), row.get("invoice_no"), row.amount_if_any("bill_amount")
    )


def _disbursement(row: Row) -> Command:
    key, own_id, on = row.key("disbursement_id"), row.need("disbursement_id"), row.day("disbursed_on")
    case, amount, kind = row.need("case_id"), row.amount("amount"), row.need("kind")
    if kind == "treatment":
        hospital, bill_no = row.need("hospital_id"), row.get("bill_no")
        return SettleTreatment(
            key=key, on=on, settlement=own_id, hospital=hospital, case=case, amount=amount, bill_no=bill_no
        )
    if kind == "cash":
        purpose, period = row.get("purpose"), row.get("period")
        return GrantCash(key=key, on=on, grant=own_id, case=case, amount=amount, purpose=purpose, period=period)
    raise BadValue("kind", kind, "treatment or cash", "应为 treatment 或 cash")


KINDS = {
    kind.name: kind
    for kind in (
        Kind(
            name="codes",
            turn=CODES,
            required=("dimension", "code", "name"),
            optional=("parent", "synonyms"),
            defines="dimension",
            build=_code,
        ),
        Kind(
            name="funds",
            turn=FUNDS,
            required=("fund_id", "name"),
            optional=("fee_rate",),
            build=_fund,
        ),
        Kind(
            name="hospitals",
            turn=HOSPITALS,
            required=("hospital_id", "name"),
            optional=("province",),
            coded=("province",),
            build=_hospital,
        ),
        Kind(
            name="cases",
            turn=CASES,
            required=("case_id", "fund_id", "hospital_id"),
            optional=("person_id", "household_id", "purpose", "approved_by"),
            attributes=("disease", "province", "age_band"),
            personal=("beneficiary_name", "beneficiary_id_no", "guardian_name", "guardian_phone"),
            build=_case,
        ),
        Kind(
            name="donations",
            turn=DATED,
            required=("donation_id", "fund_id", "amount", "received_on"),
            optional=(
                *("donor_id", "channel", "channel_txn", "line", "source", "nature", "fee_rate"),
                *("restriction", "usable_from", "expires_on", "agreement"),
            ),
            personal=("donor_name", "donor_phone", "donor_id_no"),
            dates=("received_on", "usable_from", "expires_on"),
            amounts=("amount",),
            build=_donation,
        ),
        Kind(
            name="allocations",
            turn=DATED,
            required=("allocation_id", "case_id", "amount", "allocated_on"),
            optional=("fund_id",),
            dates=("allocated_on",),
            amounts=("amount",),
            build=_allocation,
        ),
        Kind(
            name="hospital-payments",
            turn=DATED,
            required=("payment_id", "hospital_id", "paid_on", "case_id", "amount"),
            optional=("invoice_no", "bill_amount", "account", "bank_ref"),
            dates=("paid_on",),
            amounts=("amount", "bill_amount"),
            group_by="payment_id",
            build=_payment,
        ),
        Kind(
            name="disbursements",
            turn=DATED,
            required=("disbursement_id", "case_id", "amount", "disbursed_on", "kind"),
            optional=("hospital_id", "bill_no", "purpose", "period"),
            unrecorded=("category",),
            dates=("disbursed_on",),
            amounts=("amount",),
            build=_disbursement,
        ),
    )
}
"""Every kind by its name."""
