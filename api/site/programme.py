"""项目: the desk of programme staff: funds and agreements, what to look after, and allocating with a preview."""

from __future__ import annotations

from collections import Counter
from typing import Annotated, Any

import msgspec
from fastapi import Query, Request, Response

from api.http import proposals
from api.http.access import Asker
from api.http.office import Door, Office, Who
from api.recording import Done
from api.site.deeds import amount_of, done, fields_of, fresh_key, fresh_number, tried
from api.site.frame import Form, local_text, reader_of, shown, site_router
from ledger.errors import ApprovalNeeded
from ledger.ids import check_id
from ledger.times import parse_day, utc_text
from projections.trace import reading, whole
from reports.bank_desk import line_named
from reports.case_told import names_of
from reports.eligible import eligible
from reports.guards import finding_told
from reports.guards.report import CHECKS
from reports.offer_words import obstacle_said, terms_said
from reports.programme import funds_and_agreements

router = site_router()
MOST_FINDINGS = 8
"""How many findings of a rule the desk shows."""
Id = Annotated[str, Query(max_length=120)]


@router.get("/programme")
def desk(request: Request, office: Door) -> Response:
    """Funds, agreements, what waits for a second person."""
    funds, agreements = funds_and_agreements(office.fenhao.journal)
    waiting = proposals.waiting_now(office)
    return shown(request, office, "programme.html", funds=funds, agreements=agreements, waiting=len(waiting))


@router.get("/programme/watch")
def watch(request: Request, office: Door) -> Response:
    """What to look after, as a part of the desk that takes its time: overdue, expiring, perhaps paid twice."""
    report, at = office.guarded()
    reader = reader_of(request, office)
    found = [
        (
            rule,
            len(each),
            sum(one.amount for one in each),
            [(finding_told(one, reader), one.subject.get("case")) for one in each[:MOST_FINDINGS]],
        )
        for rule in CHECKS
        if (each := report.of(rule))
    ]
    seen_at = local_text(utc_text(at), office.zone)
    return shown(request, office, "programme_watch.html", found=found, days=report.days, seen_at=seen_at)


@router.get("/programme/funds/{id:id}")
def fund(request: Request, office: Door, id: str) -> Response:
    """One fund: its figures, its tapes and their terms."""
    check_id(id, "fund")
    with reading(office.fenhao.journal) as traces:
        told = whole(traces.fund(id))
    return shown(request, office, "programme_fund.html", told=told)


@router.get("/programme/allocation")
def allocation(request: Request, office: Door, case: Id = "") -> Response:
    """The form: which case, how much."""
    day = office.today()
    fields = {"case": case, "on": day.isoformat(), "allocation": fresh_number("A", day)}
    return shown(request, office, "allocation.html", fields=fields, key=fresh_key())


@router.post("/programme/allocation/preview")
def preview(request: Request, office: Door, asker: Who, form: Form) -> Response:
    """Which money it would take, which it can't and why, what might be a duplicate; nothing is recorded."""
    members = _members(form, office)
    case, on = check_id(members.get("case", ""), "case"), parse_day(members.get("on", ""), "on")
    found = eligible(office.fenhao.journal, case, on)
    outcome = tried(office, asker, "AllocationMade", members, form)
    reader, would = reader_of(request, office), outcome if isinstance(outcome, Done) else None
    with office.fenhao.journal.entries.reading() as cursor:
        fund = names_of(cursor, [(found.case.fund, {})])(f"fund/{found.case.fund}")
    picked: Counter[tuple[str, str]] = Counter()
    for move in [] if would is None else would.entry.data["moves"]:
        picked[move["tape"], move["from"]] += move["hi"] - move["lo"]
    return shown(
        request,
        office,
        "allocation_preview.html",
        found=found,
        fund=fund,
        offers=[
            (one, terms_said(one.terms, found.dictionary, reader), obstacle_said(found, one, reader))
            for one in found.offers
        ],
        picked=picked,
        would=would,
        refusal=None if isinstance(outcome, Done) else outcome.say(reader.language, reader.exponent),
        two_persons=isinstance(outcome, ApprovalNeeded),
    )


@router.post("/programme/allocation")
def allocate(request: Request, office: Door, asker: Who, form: Form) -> Response:
    """Records it, or has it wait for a second person."""
    made = done(office, asker, "AllocationMade", _members(form, office), form)
    return shown(request, office, "deed_done.html", done=made, case=form.get("case", "").strip())


@router.get("/programme/proposals")
def waiting(request: Request, office: Door, asker: Who) -> Response:
    """What waits for a second person."""
    return _proposals(request, office, asker)


@router.post("/programme/proposals/{id}/approval")
def approve(request: Request, office: Door, asker: Who, id: str) -> Response:
    """The second person says yes: it is recorded."""
    recorded = msgspec.json.decode(proposals.approve(office, asker, id).body)
    return _proposals(request, office, asker, recorded=recorded["seq"])


@router.post("/programme/proposals/{id}/refusal")
def decline(request: Request, office: Door, asker: Who, id: str, form: Form) -> Response:
    """The second person says no, or the first takes it back, with the reason."""
    proposals.decline(office, asker, id, msgspec.json.encode({"reason": form.get("reason", "").strip()}))
    return _proposals(request, office, asker)


def _members(form: dict[str, str], office: Office) -> dict[str, Any]:
    """The fact's members that the form's fields say. Raises BadValue for an amount that cannot be read."""
    return {**fields_of(form, "allocation", "case", "on"), "amount": amount_of(form, "amount", office)}


def _proposals(request: Request, office: Office, asker: Asker, recorded: int | None = None) -> Response:
    found = [
        (one._replace(made_at=local_text(one.made_at, office.zone)), proposals.amount_of(office, one))
        for one in proposals.waiting_now(office)
    ]
    with office.fenhao.journal.entries.reading() as cursor:
        lines = {
            one.id: [line for ref in one.data.get("lines", ()) if "file" in ref and (line := line_named(cursor, ref))]
            for one, _ in found
        }
    template = "proposals_part.html" if request.headers.get("hx-request") == "true" else "proposals.html"
    return shown(request, office, template, found=found, lines=lines, recorded=recorded, me=asker.name)
