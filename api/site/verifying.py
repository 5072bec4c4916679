"""验证: the page that checks receipts in the reader's own browser, and the same page as a file to keep."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import Query, Request, Response

from api.bootstrap import log_of
from api.http.office import Door, Office
from api.site.frame import reader_of, shown, site_router
from reports.traces import Reader
from reports.verifying_page import page_alone, setting_of

router = site_router()
Entry = Annotated[int | None, Query(description="分录号 / the entry's number", ge=0, le=2**53 - 1)]


@router.get("/verify")
def verify(request: Request, office: Door, entry: Entry = None) -> Response:
    """Where a receipt is checked: a file of the reader's own, or that of `entry`, which the browser asks for."""
    setting = setting_of(_policy(office), reader_of(request, office), online=True)
    return shown(request, office, "verify.html", setting=setting, entry=entry)


@router.get("/verify.html")
def verify_alone(request: Request, office: Door, language: Literal["zh", "en"] | None = None) -> Response:
    """The page as one file, which asks nobody for anything."""
    asked = reader_of(request, office)
    reader = Reader(language or asked.language, asked.currency, asked.exponent)
    body = page_alone(_policy(office), office.origin, reader)
    headers = {"Content-Disposition": 'attachment; filename="verify.html"', "Cache-Control": "no-cache"}
    return Response(body, headers=headers, media_type="text/html; charset=utf-8")


def _policy(office: Office) -> str:
    return log_of(office.fenhao).policy.text().decode("utf-8", "replace")
