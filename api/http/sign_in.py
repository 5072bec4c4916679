"""Signing in and out: staff and auditors by password, donors by a signed link or a one-time code."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from unicodedata import normalize

import msgspec
from fastapi import APIRouter, Depends, Request, Response

from api.http import shapes
from api.http import shapes_of_people as people
from api.http.access import Asker
from api.http.accounts import Session, csrf_of
from api.http.faults import SignInRefused
from api.http.office import COOKIE, Body, Door, Office, Who, address_of, admit
from api.http.one_time_codes import LIFE
from api.http.shapes import answers, json_body, read_as
from ledger.errors import BadValue, Unknown
from ledger.vault import Reader

router = APIRouter(dependencies=[Depends(admit)], tags=["sessions"])
CODE_COOKIE = "fenhao_code"
NO_STORE = {"Cache-Control": "no-store"}


_BEGUN = answers({200: (people.SignedIn, "已登录 / signed in")}, 400, 401, 413, 429, 503)


def _beginning(path: str, summary: str, shape: type[shapes.Shape]) -> Callable[[Any], Any]:
    """Declares a route that begins a session for what the shape says."""
    return router.post(path, summary=summary, response_class=Response, responses=_BEGUN, openapi_extra=json_body(shape))


@_beginning("/v1/session", "登录 / sign in", people.Credentials)
def sign_in(request: Request, office: Door, body: Body) -> Response:
    """Staff and auditors: name and password, and the second factor's code of an account that has one."""
    asked = read_as(body, people.Credentials)
    office.address_pace.take(address_of(request))
    office.account_pace.take(asked.name)
    return _begun(request, office, office.accounts.sign_in(asked.name, asked.password, asked.code))


@_beginning("/v1/session/link", "以链接登录 / sign in with a link", people.Link)
def sign_in_by_link(request: Request, office: Door, body: Body) -> Response:
    """Donors: the signed link of their letter, until it expires."""
    asked = read_as(body, people.Link)
    office.address_pace.take(address_of(request))
    donor = office.links.donor(asked.link, office.fenhao.journal.entries.clock())
    return _begun(request, office, office.accounts.admit_donor(donor))


@_beginning("/v1/session/code", "以验证码登录 / sign in with a code", people.Code)
def sign_in_by_code(request: Request, office: Door, body: Body) -> Response:
    """Donors: the code that was sent to their phone or e-mail, with the cookie that came with the asking.

    It is good once, for ten minutes and five tries. Spaces and dashes in it mean nothing.
    """
    asked = read_as(body, people.Code)
    answer = _begun(request, office, session_by_code(request, office, asked.contact, asked.code))
    answer.delete_cookie(CODE_COOKIE)
    return answer


@router.post(
    "/v1/session/new-code",
    status_code=202,
    summary="索取验证码 / ask for a one-time code",
    response_class=Response,
    responses={
        **answers({}, 400, 401, 413, 429, 503),
        202: {"description": "如有此捐赠人，验证码已发出 / sent, if there is one"},
    },
    openapi_extra=json_body(people.Contact),
)
def send_code(request: Request, office: Door, body: Body) -> Response:
    """Donors whose phone or e-mail the vault knows as their id: a code goes there. Anybody has the same answer.

    The cookie that comes with it is shown with the code.
    """
    asked = read_as(body, people.Contact)
    answer = Response(None, 202, NO_STORE)
    keep_asking(request, answer, ask_for_code(request, office, asked.contact))
    return answer


@router.get(
    "/v1/session",
    summary="当前登录 / who is signed in",
    response_class=Response,
    responses=answers({200: (people.SignedIn, "当前登录 / who is signed in")}, 401, 403, 503),
)
def who(request: Request, office: Door, asker: Who) -> Response:
    """Who is signed in, and what a browser's changing requests show as X-CSRF-Token."""
    return _told(office, asker, csrf_of(request.cookies[COOKIE]))


@router.delete(
    "/v1/session",
    status_code=204,
    summary="退出 / sign out",
    response_class=Response,
    responses={**answers({}, 401, 403, 503), 204: {"description": "已退出 / signed out"}},
)
def sign_out(request: Request, office: Door) -> Response:
    """The session is over, here and everywhere."""
    office.accounts.sign_out(request.cookies[COOKIE])
    answer = Response(None, 204, {**NO_STORE, "HX-Redirect": "/"})  # a page of ours goes back to the front
    answer.delete_cookie(COOKIE)
    return answer


def _begun(request: Request, office: Office, session: Session) -> Response:
    """The answer to whoever has signed in: the cookie, and who they are."""
    asker = office.accounts.asker(session.secret)
    assert asker is not None
    answer = _told(office, asker, session.csrf)
    give_cookie(request, answer, session)
    return answer


def give_cookie(request: Request, answer: Response, session: Session) -> None:
    """Has the browser keep the session: no script reads the cookie, and no other site's request carries it."""
    secure = request.url.scheme == "https"
    answer.set_cookie(COOKIE, session.secret, httponly=True, samesite="strict", secure=secure, path="/")


def _told(office: Office, asker: Asker, csrf: str) -> Response:
    assert asker.name is not None
    members = {
        "name": asker.name,
        "donor": asker.donor,
        "roles": sorted(grant for grant in asker.grants if grant != "public"),
        "second_factor": asker.donor is None and office.accounts.factors.stands(asker.name),
        "csrf": csrf,
    }
    return Response(msgspec.json.encode(members), 200, NO_STORE, "application/json")


def ask_for_code(request: Request, office: Office, text: str) -> str:
    """Sends a code, if there is such a donor; what who asked keeps, whether or not there is. Raises TooOften."""
    address, contact = address_of(request), plain_contact(text)
    office.address_pace.take(address)
    office.asking_pace.take(f"{address} {contact}")  # before the contact's own: one address cannot use that up
    office.contact_pace.take(contact)
    donor, secret = donor_of(office, contact), office.codes.secret()
    nobody = office.codes.nobody(contact)
    code = office.codes.new(donor or nobody, secret)
    if donor is not None:
        office.send_code(contact, code)
    return secret


def session_by_code(request: Request, office: Office, text: str, code: str) -> Session:
    """A session of the donor whose code it is, for who asked for it. Raises SignInRefused, TooOften."""
    office.address_pace.take(address_of(request))
    contact, secret = plain_contact(text), request.cookies.get(CODE_COOKIE, "")
    donor, nobody = donor_of(office, contact), office.codes.nobody(contact)
    if not office.codes.is_right(donor or nobody, secret, code) or donor is None:
        raise SignInRefused()
    return office.accounts.admit_donor(donor)


def keep_asking(request: Request, answer: Response, secret: str) -> None:
    """Has the browser keep what shows that it asked for a code, as long as that is good."""
    secure, life_s = request.url.scheme == "https", int(LIFE.total_seconds())
    answer.set_cookie(CODE_COOKIE, secret, life_s, httponly=True, samesite="strict", secure=secure, path="/")


def plain_contact(text: str) -> str:
    """A phone or an e-mail in the one form in which the vault looks it up: no other spelling has a pace of its own."""
    return normalize("NFC", text.strip())


def donor_of(office: Office, contact: str) -> str | None:
    """Whose outside id that is, as the vault knows it; the looking is noted there as any reading is."""
    try:
        return office.fenhao.vault.find("donor_id", contact, Reader("service", "one-time code for signing in"))
    except (Unknown, BadValue):
        return None
