"""Second factors over HTTP: who is signed in enrols an authenticator, an admin takes a lost one off an account."""

from __future__ import annotations

from typing import Annotated

import msgspec
from fastapi import APIRouter, Depends, Path, Response

from api.http import shapes_of_people as people
from api.http.faults import NotEntitled
from api.http.office import Body, Door, Who, admit
from api.http.shapes import answers, json_body, read_as
from api.http.sign_in import NO_STORE

router = APIRouter(dependencies=[Depends(admit)], tags=["sessions"])
FAULTS = (400, 401, 403, 404, 413, 422, 429, 503)


@router.post(
    "/v1/session/factor",
    summary="登记动态口令 / enrol a second factor",
    response_class=Response,
    responses=answers({200: (people.Enrolment, "只显示这一次 / shown this once")}, *FAULTS),
    openapi_extra=json_body(people.OwnProof),
)
def enrol_factor(office: Door, asker: Who, body: Body) -> Response:
    """A secret for an authenticator, for who shows the password again, and a code of the factor that it replaces."""
    asked = read_as(body, people.OwnProof)
    assert asker.name is not None
    office.account_pace.take(asker.name)
    found = office.accounts.enrol(asker.name, asked.password, asked.code)
    return Response(msgspec.json.encode(found._asdict()), 200, NO_STORE, "application/json")


@router.post(
    "/v1/session/factor/confirmation",
    summary="启用动态口令 / confirm a second factor",
    response_class=Response,
    responses=answers({200: (people.RecoveryCodes, "已启用 / in force")}, *FAULTS),
    openapi_extra=json_body(people.FactorCode),
)
def confirm_factor(office: Door, asker: Who, body: Body) -> Response:
    """From now on each sign-in asks for a code, as the authenticator shows that it has the secret."""
    asked = read_as(body, people.FactorCode)
    assert asker.name is not None
    office.account_pace.take(asker.name)
    members = {"recovery_codes": office.accounts.factors.confirm(asker.name, asked.code)}
    return Response(msgspec.json.encode(members), 200, NO_STORE, "application/json")


@router.delete(
    "/v1/accounts/{id}/factor",
    status_code=204,
    summary="重置动态口令 / take off a second factor",
    response_class=Response,
    responses={**answers({}, 400, 401, 403, 404, 503), 204: {"description": "已重置 / taken off"}},
)
def reset_factor(office: Door, asker: Who, id: Annotated[str, Path(min_length=1, max_length=120)]) -> Response:
    """An admin does it for another who has lost authenticator and recovery codes; their sessions end."""
    if id == asker.name:
        raise NotEntitled()
    office.accounts.reset_factor(id)
    return Response(None, 204, NO_STORE)
