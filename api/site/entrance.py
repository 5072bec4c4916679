"""Coming and going: signing in and out, the language, and the files that pages need."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Request, Response

from api.http.access import Asker
from api.http.accounts import Session
from api.http.faults import NoSuchRoute, SignInRefused
from api.http.office import COOKIE, Door, address_of
from api.http.sign_in import donor_of
from api.site.frame import LANGUAGE_COOKIE, Form, leading, own_path, shown, site_router
from reports.pages import LANGUAGES, static

router = site_router()
NEXT = Annotated[str, Query(max_length=500)]
_YEAR_S = 365 * 24 * 3600
_FOREVER = "public, max-age=31536000, immutable"


@router.get("/sign-in")
def entrance(request: Request, office: Door, next: NEXT = "") -> Response:
    """Where everybody signs in."""
    return shown(request, office, "sign_in.html", next=own_path(next) if next else "", refused=False, sent_to="")


@router.post("/sign-in")
def sign_in(request: Request, office: Door, form: Form) -> Response:
    """Staff and auditors, by name and password."""
    office.address_pace.take(address_of(request))
    name, next_page = form.get("name", ""), form.get("next", "")
    office.account_pace.take(name)
    try:
        session = office.accounts.sign_in(name, form.get("password", ""))
    except SignInRefused:
        return shown(request, office, "sign_in.html", status=401, next=next_page, refused=True, sent_to="")
    return _begun(request, session, own_path(next_page) if next_page else _home(office.accounts.asker(session.secret)))


@router.post("/sign-in/code")
def ask_for_code(request: Request, office: Door, form: Form) -> Response:
    """A donor asks for a code, or shows the one that was sent; who is not known is told the same."""
    office.address_pace.take(address_of(request))
    contact, code = form.get("contact", "").strip(), form.get("code", "").strip()
    donor = donor_of(office, contact)
    if not code:
        office.contact_pace.take(contact)
        if donor is not None:
            office.send_code(contact, office.accounts.new_code(donor))
        return shown(request, office, "sign_in.html", next="", refused=False, sent_to=contact)
    try:
        session = office.accounts.try_code("" if donor is None else donor, code)
    except SignInRefused:
        return shown(request, office, "sign_in.html", status=401, next="", refused=True, sent_to=contact)
    return _begun(request, session, "/my")


@router.get("/enter")
def letter(request: Request, office: Door, link: Annotated[str, Query(max_length=1000)]) -> Response:
    """Where the link in a donor's letter leads: nothing begins before a button is pressed: machines follow links."""
    return shown(request, office, "enter.html", link=link)


@router.post("/enter")
def sign_in_by_link(request: Request, office: Door, form: Form) -> Response:
    """A donor with the link of their letter."""
    office.address_pace.take(address_of(request))
    donor = office.links.donor(form.get("link", ""), office.fenhao.journal.entries.clock())
    return _begun(request, office.accounts.admit_donor(donor), "/my")


@router.post("/language")
def speak(request: Request, form: Form) -> Response:
    """Pages are in that language from now on, in this browser."""
    answer = leading(own_path(form.get("next", "/")))
    chosen = form.get("language", "")
    if chosen in LANGUAGES:
        secure = request.url.scheme == "https"
        answer.set_cookie(LANGUAGE_COOKIE, chosen, max_age=_YEAR_S, samesite="lax", secure=secure, httponly=True)
    return answer


@router.get("/static/{name}")
def file(request: Request, name: str, v: Annotated[str, Query(max_length=64)] = "") -> Response:
    """A style sheet, a script: for good under the address that says which edition of it this is."""
    found = static(name)
    if found is None:
        raise NoSuchRoute()
    headers = {"Cache-Control": _FOREVER if v == found.digest else "no-cache", "ETag": f'"{found.digest}"'}
    headers["Vary"] = "Accept-Encoding"
    if headers["ETag"] in request.headers.get("if-none-match", ""):
        return Response(None, 304, headers)
    if "gzip" in request.headers.get("accept-encoding", ""):
        return Response(found.gzipped, headers={**headers, "Content-Encoding": "gzip"}, media_type=found.media_type)
    return Response(found.body, headers=headers, media_type=found.media_type)


def _begun(request: Request, session: Session, path: str) -> Response:
    answer = leading(path)
    secure = request.url.scheme == "https"
    answer.set_cookie(COOKIE, session.secret, httponly=True, samesite="strict", secure=secure, path="/")
    return answer


def _home(asker: Asker | None) -> str:
    """Where who has signed in begins: their own desk."""
    desks = ("/my", "/programme", "/finance", "/audit")
    return next((desk for desk in desks if asker is not None and asker.may("GET", desk)), "/")
