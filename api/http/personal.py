"""Personal values: read one stream at a time, by whom it is for, with a reason, and noted; and who read what."""

from __future__ import annotations

from typing import Annotated

import msgspec
from fastapi import APIRouter, Depends, Query, Response

from api.http import shapes_of_people as people
from api.http.office import Body, Door, Who, admit
from api.http.shapes import answers, json_body, read_as
from api.http.showings import fields_open_to
from ledger.vault import Reader

router = APIRouter(dependencies=[Depends(admit)], tags=["personal values"])


@router.post(
    "/v1/personal-openings",
    summary="查阅个人信息 / open personal values",
    response_class=Response,
    responses=answers(
        {200: (people.Opening, "已记入查阅日志 / noted in the log of accesses")}, 400, 401, 403, 413, 422, 503
    ),
    openapi_extra=json_body(people.ToOpen),
)
def open_values(office: Door, asker: Who, body: Body) -> Response:
    """What opens the commitments of one stream (`case/C1`, `donor/N1`), or, to an auditor, what staff showed of it.

    Who, when, which and why is noted, for good.
    """
    asked = read_as(body, people.ToOpen)
    fields = fields_open_to(office, asker, asked.stream)
    assert asker.name is not None
    found = office.fenhao.vault.open(asked.stream, Reader(asker.name, asked.reason, asked.restricted_reason), fields)
    return Response(msgspec.json.encode(found), 200, {"Cache-Control": "no-store"}, "application/json")


@router.get(
    "/v1/personal-accesses",
    summary="查阅日志 / who read personal values",
    response_class=Response,
    responses=answers({200: (people.Accesses, "最新的在前 / newest first")}, 400, 401, 403, 503),
)
def accesses(
    office: Door,
    stream: Annotated[str | None, Query(max_length=200)] = None,
    limit: Annotated[int, Query(ge=1, le=1_000)] = 100,
) -> Response:
    """Who read which personal values, when and why; of one stream or subject, or of all."""
    found = [one._asdict() for one in office.fenhao.vault.accesses(stream, limit)]
    return Response(msgspec.json.encode({"accesses": found}), 200, {"Cache-Control": "no-store"}, "application/json")
