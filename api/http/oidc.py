"""Signing in by the foundation's identity provider, as a browser goes: there, and back."""

from __future__ import annotations

from fastapi import APIRouter, Depends, Request, Response

from api.http.faults import NoSuchRoute, SignInRefused
from api.http.office import Door, Office, address_of, admit
from api.http.provider import LIFE, Provider
from api.http.shapes import answers, with_body
from api.http.sign_in import NO_STORE, give_cookie

COOKIE = "fenhao_start"
LANDING = "/"
"""Where who has signed in goes on."""
_PAGE = (
    f'<!doctype html><html lang="zh"><meta charset="utf-8"><meta http-equiv="refresh" content="0; url={LANDING}">'
    f'<title>已登录 / signed in</title><p><a href="{LANDING}">继续 / go on</a></p></html>'
)
"""A page, for the session's cookie is not sent on a redirect that began at another site."""

router = APIRouter(dependencies=[Depends(admit)], tags=["sessions"])


@router.get("/oidc/start", status_code=303, summary="经身份提供方登录 / sign in by the identity provider",
            response_class=Response, responses={**answers({}, 401, 404, 429, 503), 303: {
                "description": "到身份提供方去 / to the provider",
                "headers": {"Location": {"schema": {"type": "string"}}}}})  # fmt: skip
def start(request: Request, office: Door) -> Response:
    """Sends the browser to the provider; it is back within ten minutes, or begins again."""
    office.address_pace.take(address_of(request))
    begun = _provider(office).begin()
    answer = Response(None, 303, {"Location": begun.url, **NO_STORE})
    answer.set_cookie(COOKIE, begun.secret, int(LIFE.total_seconds()), path="/oidc", httponly=True, samesite="lax",
                      secure=request.url.scheme == "https")  # fmt: skip
    return answer


@router.get("/oidc/callback", summary="自身份提供方返回 / back from the identity provider", response_class=Response,
            responses={**answers({}, 401, 404, 429, 503), **with_body("已登录 / signed in", "text/html")})  # fmt: skip
def callback(request: Request, office: Door) -> Response:
    """Only in the browser that began, once, and with what the provider has signed for this sign-in."""
    office.address_pace.take(address_of(request))
    provider = _provider(office)
    if COOKIE not in request.cookies:
        raise SignInRefused()
    session = provider.finish(request.cookies[COOKIE], request.query_params)
    answer = Response(_PAGE, 200, {**NO_STORE, "Referrer-Policy": "no-referrer"}, "text/html; charset=utf-8")
    answer.delete_cookie(COOKIE, path="/oidc")
    give_cookie(request, answer, session)
    return answer


def _provider(office: Office) -> Provider:
    if office.provider is None:
        raise NoSuchRoute()
    return office.provider
