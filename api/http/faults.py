"""What can be wrong with a request itself: each with its HTTP status, in words for people."""

from __future__ import annotations

from typing import ClassVar

from ledger.errors import InputFault


class RequestFault(InputFault):
    """A request that is not answered as asked; `status` is the answer's, `headers` go with it."""

    status: ClassVar[int] = 400
    headers: ClassVar[dict[str, str]] = {}


class BadRequest(RequestFault):
    """A body, a header or a parameter that cannot be read as what it should be."""

    code = "bad_request"
    zh = "请求无法读取：{rule_zh}"
    en = "the request cannot be read: {rule}"


class NotSignedIn(RequestFault):
    """Nobody in particular asks for what not everybody may have; or what says who it is is not valid any more."""

    status = 401
    headers: ClassVar[dict[str, str]] = {"WWW-Authenticate": 'Bearer realm="fenhao"'}
    code = "not_signed_in"
    zh = "请先登录，或出示有效的令牌"
    en = "sign in first, or show a token that is valid"


class NotEntitled(RequestFault):
    """Who asks is known, and may not."""

    status = 403
    code = "not_entitled"
    zh = "您无权进行此操作"
    en = "you are not entitled to this"


class NotForged(RequestFault):
    """A browser's request that changes something and does not prove that our own page made it."""

    status = 403
    code = "csrf_missing"
    zh = "缺少或错误的 X-CSRF-Token：请从登录应答或 GET /v1/session 取得"
    en = "X-CSRF-Token is missing or wrong: it stands in the answer to signing in and in GET /v1/session"


class NoSuchRoute(RequestFault):
    """A path that leads nowhere."""

    status = 404
    code = "not_found"
    zh = "没有这个地址"
    en = "there is nothing at this address"


class WrongMethod(RequestFault):
    """A path that is asked otherwise."""

    status = 405
    code = "method_not_allowed"
    zh = "此地址不支持该方法"
    en = "this address does not take that method"


class TooLarge(RequestFault):
    """A body beyond what is read."""

    status = 413
    code = "body_too_large"
    zh = "请求正文超过 {limit} 字节：请分批"
    en = "the body has more than {limit} bytes: send it in several"


class TooOften(RequestFault):
    """Asked again too soon."""

    status = 429
    headers: ClassVar[dict[str, str]] = {"Retry-After": "10"}
    code = "too_often"
    zh = "请求过于频繁，请稍后再试"
    en = "asked too often: wait a little"
