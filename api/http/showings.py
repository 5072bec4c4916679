"""Personal values shown to auditors: named ones of one stream, for some days, with a reason; each showing is kept."""

from __future__ import annotations

import os
from datetime import timedelta
from typing import Annotated

import msgspec
from fastapi import APIRouter, Depends, Path, Response

from api.http import shapes_of_people as people
from api.http.access import Asker, Grant
from api.http.faults import NotEntitled
from api.http.office import Body, Door, Office, Who, admit
from api.http.shapes import answers, json_body, read_as
from ledger.database import queries
from ledger.errors import BadValue, Unknown
from ledger.ids import check_text, looks_personal
from ledger.times import utc_text

_SQL = queries("api.http", "showings.sql")
_OF_DONORS = ("donor", "donation")
"""What finance may open; the rest (cases, persons, households) is for programme staff."""
NO_STORE = {"Cache-Control": "no-store"}

router = APIRouter(dependencies=[Depends(admit)], tags=["personal values"])


@router.post(
    "/v1/personal-showings",
    status_code=201,
    summary="向审计展示个人信息 / show values to an auditor",
    response_class=Response,
    responses=answers(
        {201: (people.Shown, "展示期内可查阅 / may be read until it ends")}, 400, 401, 403, 413, 422, 503
    ),
    openapi_extra=json_body(people.ToShow),
)
def show(office: Door, asker: Who, body: Body) -> Response:
    """Whoever may open a stream's values shows some of them to an auditor; reading them is noted besides."""
    asked = read_as(body, people.ToShow)
    require_desk(asker, asked.stream)
    if any(map(looks_personal, check_text(asked.reason, "reason").split())):
        raise BadValue("reason", "…", "no personal values", "请勿填写个人信息")
    if Grant.AUDITOR not in office.accounts.roles_of(asked.auditor):
        raise BadValue("auditor", asked.auditor, "an account that is an auditor's", "应为审计人员的账户")
    there = sorted(office.fenhao.vault.fields_of(asked.stream))
    if not set(asked.fields) <= set(there):
        raise BadValue("fields", " ".join(asked.fields), " ".join(there) or "none", "应为 " + "、".join(there))
    now = office.fenhao.journal.entries.clock()
    values = {**asked.model_dump(), "id": os.urandom(8).hex(), "fields": sorted(set(asked.fields)), "by": asker.name}
    with office.fenhao.journal.entries.reading() as cursor:
        cursor.execute(_SQL["make"], {**values, "now": now, "expires_at": now + timedelta(days=asked.days)})
    [made] = [one for one in _listed(office, asked.auditor) if one["id"] == values["id"]]
    return Response(msgspec.json.encode(made), 201, NO_STORE, "application/json")


@router.get("/v1/personal-showings", summary="展示给审计的 / what is shown to auditors", response_class=Response,
            responses=answers({200: (people.Showings, "最新的在前 / newest first")}, 401, 403, 503))  # fmt: skip
def showings(office: Door, asker: Who) -> Response:
    """What was ever shown, by whom, until when and why; an auditor sees what was shown to them."""
    staff = asker.grants & {Grant.PROGRAMME, Grant.FINANCE, Grant.ADMIN}
    members = {"showings": _listed(office, None if staff else asker.name)}
    return Response(msgspec.json.encode(members), 200, NO_STORE, "application/json")


@router.delete(
    "/v1/personal-showings/{id}",
    status_code=204,
    summary="结束展示 / end a showing",
    response_class=Response,
    responses={**answers({}, 400, 401, 403, 404, 503), 204: {"description": "已结束 / it is over"}},
)
def end_showing(office: Door, asker: Who, id: Annotated[str, Path(pattern="^[0-9a-f]{1,32}$")]) -> Response:
    """Whoever could show it ends it, before its time."""
    with office.fenhao.journal.entries.reading() as cursor:
        row = cursor.execute(_SQL["stream"], {"id": id}).fetchone()
        if row is None:
            raise Unknown("showing", id)
        require_desk(asker, row[0])
        values = {"id": id, "by": asker.name, "now": office.fenhao.journal.entries.clock()}
        if cursor.execute(_SQL["end"], values).fetchone() is None:
            raise Unknown("showing", id)
    return Response(None, 204, NO_STORE)


def require_desk(asker: Asker, stream: str) -> None:
    """Raises NotEntitled for values that are another desk's."""
    desk = Grant.FINANCE if stream.partition("/")[0] in _OF_DONORS else Grant.PROGRAMME
    if desk not in asker.grants:
        raise NotEntitled()


def fields_open_to(office: Office, asker: Asker, stream: str) -> set[str] | None:
    """What who asks may read of a stream: all (None) at the desk that it is for, what was shown to an auditor.

    Raises NotEntitled when that is nothing.
    """
    if Grant.AUDITOR in asker.grants:
        with office.fenhao.journal.entries.reading() as cursor:
            which = {"auditor": asker.name, "stream": stream, "now": office.fenhao.journal.entries.clock()}
            found = {field for (field,) in cursor.execute(_SQL["shown"], which)}
        if found:
            return found
    require_desk(asker, stream)
    return None


def _listed(office: Office, auditor: str | None) -> list[dict[str, object]]:
    names = people.Shown.model_fields
    with office.fenhao.journal.entries.reading() as cursor:
        rows = cursor.execute(_SQL["list"], {"auditor": auditor}).fetchall()
    return [
        dict(zip(names, (*row[:6], *(None if at is None else utc_text(at) for at in row[6:9]), row[9]), strict=True))
        for row in rows
    ]
