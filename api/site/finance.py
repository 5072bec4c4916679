"""财务: the desk of finance: the cash position, advances of hospitals, statements of banks, and paying a hospital."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Query, Request, Response

from api.http import proposals
from api.http.office import Door, Office, Who
from api.recording import Done
from api.site.deeds import amount_of, done, fields_of, fresh_key, fresh_number, tried
from api.site.frame import Form, local_text, reader_of, shown, site_router
from ledger.errors import ApprovalNeeded
from ledger.ids import check_id
from ledger.times import utc_text
from projections.giving import names
from reports.bank_desk import Wanted, counts_of, suspended
from reports.banking.register import Register

router = site_router()
Id = Annotated[str, Query(max_length=120)]


@router.get("/finance")
def desk(request: Request, office: Door) -> Response:
    """What waits to be done; the rest comes as it is reckoned."""
    waiting = len(proposals.waiting_now(office))
    held = sum(one.state == "held" for one in Register(office.fenhao.journal, office.fenhao.vault).statements())
    with office.fenhao.journal.entries.reading() as cursor:
        unplaced = suspended(cursor)
        counts = counts_of(cursor, Wanted(office.currency.code), [])
    return shown(request, office, "finance.html", waiting=waiting, held=held, unplaced=unplaced, counts=counts)


@router.get("/finance/position")
def cash_position(request: Request, office: Door) -> Response:
    """资金头寸表: what the ledger holds against where it must be, and against the banks' word."""
    found, at = office.position()
    seen_at = local_text(utc_text(at), office.zone)
    return shown(request, office, "finance_position.html", found=found, seen_at=seen_at)


@router.get("/finance/advances")
def advances(request: Request, office: Door) -> Response:
    """医院预付账龄: what was paid to hospitals and is not settled, by age."""
    report, at = office.guarded()
    seen_at = local_text(utc_text(at), office.zone)
    found, ages = report.advances(), report.ages()
    with office.fenhao.journal.entries.reading() as cursor:
        called = names(cursor, (f"hospital/{hospital}" for hospital, _ in found))
    told = [(called.get(f"hospital/{hospital}", hospital), amounts) for hospital, amounts in found]
    return shown(request, office, "finance_advances.html", advances=told, ages=ages, seen_at=seen_at)


@router.get("/finance/payment")
def payment(request: Request, office: Door, case: Id = "", hospital: Id = "") -> Response:
    """The form: which hospital, for which case, how much."""
    day = office.today()
    fields = {"case": case, "hospital": hospital, "on": day.isoformat(), "payment": fresh_number("P", day)}
    return shown(request, office, "payment.html", fields=fields, key=fresh_key())


@router.post("/finance/payment/preview")
def preview(request: Request, office: Door, asker: Who, form: Form) -> Response:
    """Whose money it would take, or why it can't; nothing is recorded."""
    outcome = tried(office, asker, "HospitalPaymentMade", _members(form, office), form)
    reader = reader_of(request, office)
    return shown(
        request,
        office,
        "payment_preview.html",
        would=outcome if isinstance(outcome, Done) else None,
        refusal=None if isinstance(outcome, Done) else outcome.say(reader.language, reader.exponent),
        two_persons=isinstance(outcome, ApprovalNeeded),
    )


@router.post("/finance/payment")
def pay(request: Request, office: Door, asker: Who, form: Form) -> Response:
    """Records it, or has it wait for a second person."""
    made = done(office, asker, "HospitalPaymentMade", _members(form, office), form)
    return shown(request, office, "deed_done.html", done=made, case=form.get("case", "").strip())


def _members(form: dict[str, str], office: Office) -> dict[str, Any]:
    """The fact's members that the form's fields say. Raises BadValue."""
    amount = amount_of(form, "amount", office)
    line: dict[str, Any] = {"case": check_id(form.get("case", "").strip(), "case"), "amount": amount}
    line |= fields_of(form, "bill_no")
    if form.get("bill_amount", "").strip():
        line["bill_amount"] = amount_of(form, "bill_amount", office)
    members = {**fields_of(form, "payment", "hospital", "on"), "lines": [line]}
    if account := fields_of(form, "account", "bank_ref", "bank_on"):
        members["cash"] = [{**account, "amount": amount}]
    return members
