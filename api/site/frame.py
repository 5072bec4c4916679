"""What every page stands in: who is signed in, where they may go, in which language, and what a browser may fetch.

A page's route is one with `admit`, in the table of access as any other, and answers with `shown`. A form of somebody
signed in is sent by htmx, which shows the session's X-CSRF-Token beside the cookie.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated, Any, NamedTuple
from urllib.parse import parse_qsl, quote, urlsplit
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Request, Response

from api.demo.recording import Demo
from api.http.access import NOBODY, Asker
from api.http.accounts import csrf_of
from api.http.faults import BadRequest, NotForged, NotSignedIn, TooLarge
from api.http.office import COOKIE, Office, admit
from api.http.problems import TITLES, language_of
from api.http.uploads import is_from_here
from ledger.errors import LedgerError
from reports.pages import LANGUAGES, rendered
from reports.traces import Reader

LANGUAGE_COOKIE = "fenhao_language"
MAX_FORM_BYTES = 1 << 20
_PROGRAMS = ("/v1/", "/log/", "/static/", "/healthz", "/readyz", "/metrics", "/openapi.json")
"""What programs ask for: faults there are RFC 9457 problems whatever the asker would like to read."""
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'{style}; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)


class Place(NamedTuple):
    """A page that the head of every page leads to, for those who may see it."""

    path: str
    zh: str
    en: str


PLACES = (
    Place("/", "信息公开", "Disclosure"),
    Place("/my", "我的善款", "My giving"),
    Place("/cases", "个案", "Cases"),
    Place("/programme", "项目", "Programme"),
    Place("/finance", "财务", "Finance"),
    Place("/audit", "审计", "Audit"),
    Place("/verify", "验证", "Verify"),
)


def site_router() -> APIRouter:
    """A router for pages: admitted as everywhere, and no part of the reference for programs."""
    return APIRouter(dependencies=[Depends(admit)], include_in_schema=False)


def reader_of(request: Request, office: Office) -> Reader:
    """For whom a page speaks."""
    return Reader(page_language(request), office.currency.code, office.currency.exponent)


def page_language(request: Request) -> str:
    """The language that was chosen on the site, else the one that the browser prefers."""
    chosen = request.cookies.get(LANGUAGE_COOKIE)
    return chosen if chosen in LANGUAGES else language_of(request)


def shown(
    request: Request, office: Office, template: str, *, status: int = 200, charts: bool = False, **members: Any
) -> Response:
    """The page, for who asks; `charts` lets plotly write styles of its own."""
    asker: Asker = getattr(request.state, "asker", NOBODY)
    reader = reader_of(request, office)
    signed_in = asker is not NOBODY and COOKIE in request.cookies
    body = rendered(
        template,
        reader.language,
        reader=reader,
        asker=asker,
        signed_in=signed_in,
        csrf=csrf_of(request.cookies[COOKIE]) if signed_in else "",
        places=[place for place in PLACES if asker.may("GET", place.path)],
        path=request.url.path,
        address=_address(request),
        origin=office.origin,
        demo=is_demo(office),
        edition=office.edition,
        **members,
    )
    headers = {
        "Cache-Control": "private, no-cache" if signed_in else "no-cache",
        "Content-Language": LANGUAGES[reader.language].replace("_", "-"),
        "Content-Security-Policy": _POLICY.format(style=" 'unsafe-inline'" if charts else ""),
        "Referrer-Policy": "same-origin",
        "Vary": "Accept-Language, Cookie",
    }
    return Response(body, status, headers, "text/html; charset=utf-8")


def is_demo(office: Office) -> bool:
    """Whether the ledger is a made-up foundation's, which each page says."""
    return Demo.of_origin(office.origin) is not None


def error_page(request: Request, error: LedgerError, status: int, headers: dict[str, str]) -> Response | None:
    """The fault as a page, or as the part of one that htmx asked for; None for programs.

    Who is not signed in is led to where they can sign in, and back.
    """
    part = request.headers.get("hx-request") == "true"  # which accepts anything, and shows it to a person
    if request.url.path.startswith(_PROGRAMS) or not (part or "text/html" in request.headers.get("accept", "")):
        return None
    office: Office = request.app.state.office
    if isinstance(error, NotSignedIn) and not part and request.method == "GET":
        return leading(f"/sign-in?next={quote(_address(request))}")
    reader = reader_of(request, office)
    title = TITLES[status][reader.language != "zh"]
    detail = error.say(reader.language, reader.exponent)
    answer = shown(request, office, "said.html" if part else "fault.html", status=status, title=title, detail=detail)
    answer.headers.update(headers)
    return answer


def local_text(instant: str, zone: ZoneInfo) -> str:
    """An instant (UTC text) as people of that zone read it, to the minute."""
    return datetime.fromisoformat(instant).astimezone(zone).strftime("%Y-%m-%d %H:%M")


def leading(path: str, status: int = 303) -> Response:
    """The browser goes on to a page of ours."""
    return Response(None, status, {"Location": path, "Cache-Control": "no-store"})


def own_path(text: str) -> str:
    """Where on this site a link that came from outside leads; the front page for one that leads elsewhere."""
    found = urlsplit(text)
    safe = not found.scheme and not found.netloc and re.fullmatch(r"/[^/\\\x00-\x1f].*|/", text)
    return text if safe else "/"


async def read_form(request: Request) -> dict[str, str]:
    """The fields of a form, the last of each name. Raises BadRequest for another type, TooLarge, NotForged.

    A form that another site's page sent is refused: the browser says where it comes from.
    """
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/x-www-form-urlencoded":
        raise BadRequest(rule="the body is a form", rule_zh="正文应为表单")
    if not is_from_here(request):
        raise NotForged()
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_FORM_BYTES:
            raise TooLarge(limit=MAX_FORM_BYTES)
    try:
        fields = dict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=200))
        if "\0" in "".join(fields.values()):
            raise ValueError("NUL")
        return fields
    except ValueError:
        raise BadRequest(rule="the form cannot be read", rule_zh="表单无法读取") from None


def _address(request: Request) -> str:
    """The path and the query that were asked for, escaped as they were."""
    path: str = request.scope["raw_path"].decode("latin-1")
    return path + (f"?{request.url.query}" if request.url.query else "")


Form = Annotated[dict[str, str], Depends(read_form)]
"""The fields of the form that was sent."""
