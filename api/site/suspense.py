"""待查暂收: receipts that nobody could place yet; found out, each is a gift, a return, or goes back to who paid it."""

from __future__ import annotations

from typing import Any

from fastapi import Request, Response

from api.http.office import Door, Office, Who
from api.recording import Done
from api.site.deeds import amount_of, done, fields_of, fresh_key, fresh_number
from api.site.frame import Form, reader_of, shown, site_router
from ledger.decisions.returning import RETURN_REASONS
from ledger.errors import BadValue
from reports.bank_desk import accounts_of, suspended
from reports.entries import word

router = site_router()
_DEEDS = {
    "gift": ("DonationReceived", ("donation", "fund", "donor", "on")),
    "return": ("HospitalPaymentReturned", ("payment", "case", "reason", "on")),
    "grant": ("GrantReturned", ("grant", "on")),
    "repay": ("SuspenseRepaid", ("on",)),
}
"""What a receipt can turn out to be: the fact, and its fields."""


@router.get("/finance/suspense")
def suspense(request: Request, office: Door) -> Response:
    """The receipts that wait, oldest first, each with what it can turn out to be."""
    return _suspense(request, office, None)


@router.post("/finance/suspense/{id:id}")
def identify(request: Request, office: Door, asker: Who, form: Form, id: str) -> Response:
    """A receipt, or a part of it, is found out: recorded as what came with it, or as repaid."""
    deed = form.get("deed", "")
    if deed not in _DEEDS:
        raise BadValue("deed", deed, "something that is done with a receipt", "未知操作")
    fact, fields = _DEEDS[deed]
    asked: dict[str, Any] = {**fields_of(form, *fields), "suspense": id, "amount": amount_of(form, "amount", office)}
    if deed == "repay":
        asked["cash"] = [{**fields_of(form, "account", "bank_ref"), "amount": asked["amount"]}]
    return _suspense(request, office, deed, done(office, asker, fact, asked, form))


def _suspense(request: Request, office: Office, deed: str | None, made: Done | None = None) -> Response:
    day = office.today()
    with office.fenhao.journal.entries.reading() as cursor:
        waiting = [(one, fresh_number("D", day), fresh_key()) for one in suspended(cursor)]
        accounts = [one.account for one in accounts_of(cursor) if one.kind in ("bank", "cash")]
    return shown(
        request,
        office,
        "finance_suspense.html" if deed is None else "finance_suspense_part.html",
        waiting=waiting,
        accounts=accounts,
        reasons=[(each, word(f"reason={each}", reader_of(request, office))) for each in RETURN_REASONS],
        today=day.isoformat(),
        deed=deed,
        made=made,
    )
