"""Two persons: what one member of staff proposes, another approves or declines; then, and only then, it is recorded."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Any, NamedTuple

import msgspec
from fastapi import APIRouter, Depends, Response

from api.commands import command_of, form_of
from api.http import shapes
from api.http import shapes_of_people as people
from api.http.access import FACT_ROUTES, Asker
from api.http.faults import NotEntitled, NotWaiting
from api.http.office import Body, Door, Key, Office, Who, admit
from api.http.posting import KEY_HEADER, command_for
from api.http.shapes import answers, json_body, leading, read_as
from api.recording import record
from ledger.database import queries
from ledger.errors import AlreadyRecorded, BadValue, Refusal, Unknown
from ledger.ids import check_text, looks_personal
from ledger.times import utc_text

LIFE = timedelta(days=14)
_SQL = queries("api.http", "proposals.sql")

router = APIRouter(dependencies=[Depends(admit)], tags=["proposals"])


class Proposal(NamedTuple):
    """A proposal as it is shown; instants are UTC text, `state` waiting, approved or declined."""

    id: str
    fact: str
    data: dict[str, Any]
    made_by: str
    made_at: str
    expires_at: str
    state: str
    decided_by: str | None
    reason: str | None
    seq: int | None


@router.post(
    "/v1/proposals",
    status_code=201,
    summary="提请批准 / propose",
    response_class=Response,
    responses=leading(
        answers(
            {200: (people.Proposal, "此前已提请 / proposed before"), 201: (people.Proposal, "等待批准 / waits")},
            400, 401, 403, 409, 413, 422, 503,
        ),
        *(201, "id", "approve", "decline"),
    ),
    openapi_extra={"parameters": [KEY_HEADER], **json_body(shapes.BatchFact)},
)  # fmt: skip
def propose(office: Door, asker: Who, key: Key, body: Body) -> Response:
    """Any fact that the proposer may record, whatever its amount; it waits for two weeks. No personal values in it."""
    asked = read_as(body, shapes.BatchFact)
    fact = form_of(asked.fact).fact
    _require_may(asker, fact)
    if "personal" in asked.data:
        raise BadValue("personal", "…", "a proposal holds no personal values", "提请内容不得含个人信息")
    command = command_for(asker, fact, asked.data, key, office)
    command.check()
    name = hashlib.sha256(f"{asker.name}\x00{key}".encode()).hexdigest()[:24]
    now = office.fenhao.journal.entries.clock()
    values = {"id": name, "fact": fact, "data": msgspec.json.encode(asked.data).decode(), "by": asker.name}
    fresh = _done(office, "make", {**values, "now": now, "expires_at": now + LIFE})
    if (found := _get(office, name)) and (found.fact, found.data) != (fact, asked.data):
        raise AlreadyRecorded("proposal", name)
    return _shown(office, name, 201 if fresh else 200)


@router.get("/v1/proposals", summary="待批准 / what waits", response_class=Response,
            responses=answers({200: (people.Proposals, "最早的在前 / oldest first")}, 401, 403, 503))  # fmt: skip
def waiting(office: Door) -> Response:
    """What waits for approval."""
    members = {"proposals": [one._asdict() for one in waiting_now(office)]}
    return Response(msgspec.json.encode(members), 200, {"Cache-Control": "no-store"}, "application/json")


@router.post(
    "/v1/proposals/{id}/approval",
    status_code=201,
    summary="批准 / approve",
    response_class=Response,
    responses=answers({201: (shapes.RecordedFact, "已批准并登记 / approved and recorded")},
                      400, 401, 403, 404, 409, 413, 422, 503),
)  # fmt: skip
def approve(office: Door, asker: Who, id: str) -> Response:
    """Somebody else than the proposer, who may record such a fact too. What a rule refuses goes on waiting."""
    found = _get(office, id)
    _require_may(asker, found.fact)
    now = office.fenhao.journal.entries.clock()
    # From here on only this person can go on with it: after a crash they ask again, and it is recorded once.
    if not _done(office, "begin", {"id": id, "by": asker.name, "now": now}):
        raise NotWaiting()
    try:
        members = {**found.data, "key": f"proposal:{id}", "by": found.made_by, "approved_by": [asker.name]}
        done = record(office.fenhao, command_of(found.fact, members, office.currency))
    except Refusal:
        _run(office, "release", {"id": id})
        raise
    _run(office, "approve", {"id": id, "seq": done.entry.seq})
    said = done.members(office.currency)
    del said["dry_run"]
    headers = {"Location": f"/v1/entries/{done.entry.seq}"}
    return Response(msgspec.json.encode(said), 201, headers, "application/json")


@router.post(
    "/v1/proposals/{id}/refusal",
    summary="不予批准，或撤回 / decline, or withdraw",
    response_class=Response,
    responses=answers({200: (people.Proposal, "未予批准 / declined")}, 400, 401, 403, 404, 409, 413, 422, 503),
    openapi_extra=json_body(people.Reason),
)
def decline(office: Door, asker: Who, id: str, body: Body) -> Response:
    """Whoever may approve declines it; who made it withdraws it. The reason is kept in plain text."""
    asked = read_as(body, people.Reason)
    if any(map(looks_personal, check_text(asked.reason, "reason").split())):
        raise BadValue("reason", "…", "no personal values", "请勿填写个人信息")
    found = _get(office, id)
    _require_may(asker, found.fact)
    now = office.fenhao.journal.entries.clock()
    if not _done(office, "decline", {"id": id, "by": asker.name, "reason": asked.reason, "now": now}):
        raise NotWaiting()
    return _shown(office, id, 200)


def waiting_now(office: Office) -> list[Proposal]:
    """What waits, the oldest first."""
    with office.fenhao.journal.entries.reading() as cursor:
        rows = cursor.execute(_SQL["list"], {"now": office.fenhao.journal.entries.clock()}).fetchall()
    return [_proposal(row) for row in rows]


def amount_of(office: Office, proposal: Proposal) -> int:
    """What a proposal would move, in minor units, however its members have it written; 0 where they name no amount."""
    command = command_of(proposal.fact, {**proposal.data, "key": "-"}, office.currency)
    lines: tuple[Any, ...] = getattr(command, "lines", ())
    return int(getattr(command, "amount", None) or sum(line.amount or 0 for line in lines))


def _require_may(asker: Asker, fact: str) -> None:
    """Raises NotEntitled for a fact that this person could not record."""
    if not asker.may("POST", FACT_ROUTES[fact]):
        raise NotEntitled()


def _get(office: Office, id: str) -> Proposal:
    found = _find(office, id)
    if found is None:
        raise Unknown("proposal", id)
    return found


def _find(office: Office, id: str) -> Proposal | None:
    with office.fenhao.journal.entries.reading() as cursor:
        row = cursor.execute(_SQL["get"], {"id": id}).fetchone()
    return None if row is None else _proposal(row)


def _proposal(row: Any) -> Proposal:
    name, fact, data, made_by, made_at, expires_at, *rest = row
    return Proposal(name, fact, data, made_by, utc_text(made_at), utc_text(expires_at), *rest)


def _shown(office: Office, id: str, status: int) -> Response:
    members = _get(office, id)._asdict()
    return Response(msgspec.json.encode(members), status, {"Cache-Control": "no-store"}, "application/json")


def _run(office: Office, name: str, values: dict[str, object]) -> None:
    with office.fenhao.journal.entries.reading() as cursor:
        cursor.execute(_SQL[name], values)


def _done(office: Office, name: str, values: dict[str, object]) -> bool:
    with office.fenhao.journal.entries.reading() as cursor:
        return cursor.execute(_SQL[name], values).fetchone() is not None
