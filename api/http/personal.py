"""Personal values: read one stream at a time, by whom it is for, with a reason, and noted; and who read what."""

from __future__ import annotations

from typing import Annotated

import msgspec
from fastapi import APIRouter, Depends, Query, Response

from api.http import shapes_of_people as people
from api.http.access import Asker, Grant
from api.http.faults import NotEntitled
from api.http.office import Body, Door, Who, admit
from api.http.shapes import answers, json_body, read_as
from ledger.vault import Reader

router = APIRouter(dependencies=[Depends(admit)], tags=["personal values"])

_OF_DONORS = ("donor", "donation")
"""What finance may open; the rest (cases, persons, households) is for programme staff."""


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
    """What opens the commitments of one stream (`case/C1`, `donor/N1`). Who, when, which and why is noted, for good."""
    asked = read_as(body, people.ToOpen)
    _require_open_to(asker, asked.stream)
    assert asker.name is not None
    found = office.fenhao.vault.open(asked.stream, Reader(asker.name, asked.reason, asked.restricted_reason))
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


def _require_open_to(asker: Asker, stream: str) -> None:
    """Raises NotEntitled for values that are another desk's."""
    desk = Grant.FINANCE if stream.partition("/")[0] in _OF_DONORS else Grant.PROGRAMME
    if desk not in asker.grants:
        raise NotEntitled()
