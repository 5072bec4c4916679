"""项目: the desk of programme staff: funds and agreements, what to look after, and allocating with a preview."""

from __future__ import annotations

import os
import re
from collections import Counter
from datetime import date
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import msgspec
from fastapi import Query, Request, Response

from api.http import proposals
from api.http.access import Asker
from api.http.faults import BadRequest
from api.http.office import Door, Office, Who
from api.http.posting import command_for
from api.recording import Done, record
from api.site.frame import Form, local_text, reader_of, shown, site_router
from ledger.errors import ApprovalNeeded, BadValue, Refusal
from ledger.ids import check_id
from ledger.money import AmountError, parse_amount
from ledger.times import find_zone, local_day, parse_day
from projections.trace import reading, whole
from reports.eligible import Eligible, eligible
from reports.guards import finding_told, guard
from reports.guards.report import CHECKS
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
def watch(request: Request, office: Door, fund: Id = "") -> Response:
    """What to look after, as a part of the desk that takes its time: overdue, expiring, perhaps paid twice."""
    report = guard(office.fenhao.journal, fund=fund or None)
    reader = reader_of(request, office)
    found = [
        (rule, len(each), sum(one.amount for one in each), [finding_told(one, reader) for one in each[:MOST_FINDINGS]])
        for rule in CHECKS
        if (each := report.of(rule))
    ]
    return shown(request, office, "programme_watch.html", found=found, days=report.days, today=report.today)


@router.get("/programme/funds/{id:path}")
def fund(request: Request, office: Door, id: str) -> Response:
    """One fund: its figures, its tapes and their terms."""
    check_id(id, "fund")
    with reading(office.fenhao.journal) as traces:
        told = whole(traces.fund(id))
    return shown(request, office, "programme_fund.html", told=told)


@router.get("/programme/allocation")
def allocation(request: Request, office: Door, case: Id = "") -> Response:
    """The form: which case, how much."""
    today = _today(office)
    fields = {
        "case": case,
        "amount": "",
        "on": today.isoformat(),
        "allocation": f"A{today:%y%m%d}-{os.urandom(3).hex()}",
    }
    return shown(request, office, "allocation.html", fields=fields, key=os.urandom(12).hex())


@router.post("/programme/allocation/preview")
def preview(request: Request, office: Door, asker: Who, form: Form) -> Response:
    """Which money it would take, which it can't and why, what might be a duplicate; nothing is recorded."""
    case, on = check_id(form.get("case", "").strip(), "case"), parse_day(form.get("on", ""), "on")
    found = eligible(office.fenhao.journal, case, on)
    members = _members(form, office)
    try:
        done = record(office.fenhao, command_for(asker, "AllocationMade", members, _key(form), office), dry_run=True)
    except Refusal as refusal:
        return _previewed(request, office, found, None, refusal)
    return _previewed(request, office, found, done, None)


@router.post("/programme/allocation")
def allocate(request: Request, office: Door, asker: Who, form: Form) -> Response:
    """Records it, or has it wait for a second person."""
    members = _members(form, office)
    if form.get("propose"):
        proposals.propose(office, asker, _key(form), msgspec.json.encode({"fact": "AllocationMade", "data": members}))
        return shown(request, office, "allocation_done.html", done=None, case=members["case"])
    done = record(office.fenhao, command_for(asker, "AllocationMade", members, _key(form), office))
    return shown(request, office, "allocation_done.html", done=done, case=members["case"])


@router.get("/programme/proposals")
def waiting(request: Request, office: Door, asker: Who) -> Response:
    """What waits for a second person."""
    return _proposals(request, office, asker)


@router.post("/programme/proposals/{id}/approval")
def approve(request: Request, office: Door, asker: Who, id: str) -> Response:
    """The second person says yes: it is recorded."""
    done = msgspec.json.decode(proposals.approve(office, asker, id).body)
    return _proposals(request, office, asker, recorded=done["seq"])


@router.post("/programme/proposals/{id}/refusal")
def decline(request: Request, office: Door, asker: Who, id: str, form: Form) -> Response:
    """The second person says no, or the first takes it back, with the reason."""
    proposals.decline(office, asker, id, msgspec.json.encode({"reason": form.get("reason", "").strip()}))
    return _proposals(request, office, asker)


def _previewed(
    request: Request, office: Office, found: Eligible, done: Done | None, refusal: Refusal | None
) -> Response:
    """The part of the page below the form."""
    reader = reader_of(request, office)
    picked: Counter[tuple[str, str]] = Counter()
    for move in [] if done is None else done.entry.data["moves"]:
        picked[move["tape"], move["from"]] += move["hi"] - move["lo"]
    return shown(
        request,
        office,
        "allocation_preview.html",
        found=found,
        picked=picked,
        done=done,
        refusal=None if refusal is None else refusal.say(reader.language, reader.exponent),
        two_persons=isinstance(refusal, ApprovalNeeded),
    )


def _members(form: dict[str, str], office: Office) -> dict[str, Any]:
    """The fact's members that the form's fields say. Raises BadValue for an amount that cannot be read."""
    text = form.get("amount", "").strip()
    try:
        amount = parse_amount(text, office.currency.exponent)
    except AmountError as error:
        raise BadValue("amount", text, *error.args) from None
    return {name: form.get(name, "").strip() for name in ("allocation", "case", "on")} | {"amount": amount}


def _key(form: dict[str, str]) -> str:
    """The form's own idempotency key: however often it is sent, it is recorded once. Raises BadRequest without one."""
    key = form.get("key", "")
    if not re.fullmatch("[0-9a-f]{24}", key):
        raise BadRequest(rule="the form has no key: load the page anew", rule_zh="表单缺少标识：请重新打开页面")
    return f"http:{key}"


def _proposals(request: Request, office: Office, asker: Asker, recorded: int | None = None) -> Response:
    zone = _zone(office)
    found = [
        (
            one._replace(made_at=local_text(one.made_at, zone)),
            one.data.get("amount") or sum(line["amount"] for line in one.data.get("lines", ())),
        )
        for one in proposals.waiting_now(office)
    ]
    template = "proposals_part.html" if request.headers.get("hx-request") == "true" else "proposals.html"
    return shown(request, office, template, found=found, recorded=recorded, me=asker.name)


def _today(office: Office) -> date:
    return local_day(office.fenhao.journal.entries.clock(), _zone(office))


def _zone(office: Office) -> ZoneInfo:
    return find_zone(office.fenhao.journal.entries.head().zone or "UTC")
