"""Coming and going: signing in and out, the language, and the files that pages need."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Query, Request, Response

from api.demo.doors import PASSWORD, ROLES, SECOND, name_of
from api.demo.gifts import FIRST_MONTHLY
from api.http.access import Asker, Grant
from api.http.accounts import Session
from api.http.faults import CodeNeeded, NoSuchRoute, SignInRefused
from api.http.office import Door, Office, address_of
from api.http.sign_in import CODE_COOKIE, ask_for_code, give_cookie, keep_asking, plain_contact, session_by_code
from api.site.frame import LANGUAGE_COOKIE, Form, is_demo, leading, own_path, shown, site_router
from reports.pages import LANGUAGES, static

router = site_router()
NEXT = Annotated[str, Query(max_length=500)]
DESKS = {
    Grant.DONOR: "/my",
    Grant.FINANCE: "/finance",
    Grant.PROGRAMME: "/programme",
    Grant.ADMIN: "/programme",
    Grant.AUDITOR: "/audit",
}
"""Where each begins."""
_YEAR_S = 365 * 24 * 3600
_FOREVER = "public, max-age=31536000, immutable"


@router.get("/sign-in")
def entrance(request: Request, office: Door, next: NEXT = "") -> Response:
    """Where everybody signs in."""
    return _entrance(request, office, next=own_path(next) if next else "")


@router.post("/sign-in")
def sign_in(request: Request, office: Door, form: Form) -> Response:
    """Staff and auditors, by name and password, and the code of a second factor where the account has one."""
    office.address_pace.take(address_of(request))
    name, next_page = form.get("name", ""), form.get("next", "")
    office.account_pace.take(name)
    try:
        session = office.accounts.sign_in(name, form.get("password", ""), form.get("second", "").strip() or None)
    except CodeNeeded:
        return _entrance(request, office, 401, next=next_page, name=name, second=True)
    except SignInRefused:
        return _entrance(request, office, 401, next=next_page, name=name, refused=True, second="second" in form)
    return _begun(request, session, own_path(next_page) if next_page else _home(office.accounts.asker(session.secret)))


@router.post("/sign-in/code")
def sign_in_by_code(request: Request, office: Door, form: Form) -> Response:
    """A donor asks for a code, or shows the one that was sent; who is not known is told the same."""
    contact, code = plain_contact(form.get("contact", "")), form.get("code", "").strip()
    if not code or "again" in form:
        secret = ask_for_code(request, office, contact)
        answer = _entrance(request, office, sent_to=contact)
        keep_asking(request, answer, secret)
        return answer
    try:
        answer = _begun(request, session_by_code(request, office, contact, code), "/my")
    except SignInRefused:
        return _entrance(request, office, 401, refused=True, sent_to=contact)
    answer.delete_cookie(CODE_COOKIE)
    return answer


def _entrance(request: Request, office: Office, status: int = 200, **told: Any) -> Response:
    """The page, with what is known of an attempt; in the demo, with a door for everybody."""
    members: dict[str, Any] = {"next": "", "name": "", "refused": False, "second": False, "sent_to": "", **told}
    demo_link = ""
    if is_demo(office):
        demo_link = office.links.make(FIRST_MONTHLY, 1, office.fenhao.journal.entries.clock())
    members |= {
        "demo_doors": {**{role: name_of(role) for role in ROLES}, "second": SECOND},
        "demo_password": PASSWORD,
        "demo_link": demo_link,
    }
    return shown(request, office, "sign_in.html", status=status, provider=office.provider is not None, **members)


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
    give_cookie(request, answer, session)
    return answer


def _home(asker: Asker | None) -> str:
    """Where who has signed in begins: their own desk."""
    grants = frozenset[Grant]() if asker is None else asker.grants
    return next((desk for grant, desk in DESKS.items() if grant in grants), "/")
