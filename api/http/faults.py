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


class WhoAreYou(RequestFault):
    """Who asks has not said who they are, as far as that can be believed."""

    status = 401
    headers: ClassVar[dict[str, str]] = {"WWW-Authenticate": 'Bearer realm="fenhao"'}


class NotSignedIn(WhoAreYou):
    """Nobody in particular asks for what not everybody may have; or what says who it is is not valid any more."""

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


class NotInLog(RequestFault):
    """A checkpoint, a tile or a receipt that the signed log does not have, or not yet."""

    status = 404
    headers: ClassVar[dict[str, str]] = {"Cache-Control": "no-store"}
    code = "not_in_log"
    zh = "已签名的日志中没有（或尚无）这部分"
    en = "the signed log does not have this, or not yet"


class ViewsBehind(RequestFault):
    """The views have not come to the entry that was waited for."""

    status = 503
    code = "views_behind"
    zh = "视图尚未更新到第 {seq} 号分录，请稍后再试"
    en = "the views have not come to entry {seq} yet: ask again in a moment"


class CursorStale(RequestFault):
    """A cursor that is none of ours, or of another question."""

    code = "bad_cursor"
    zh = "游标无效：请原样使用上一页给出的 next，其他参数不变或省略"
    en = "the cursor is not one of this list: give the `next` before it as it is, the rest unchanged"


class SignInRefused(WhoAreYou):
    """A name, password, link or code that signs nobody in; which of them is wrong is not told."""

    code = "sign_in_refused"
    zh = "未能登录：账号、密码、链接、验证码或动态口令不正确，或已失效"
    en = "not signed in: the name, password, link or code is not right, or not good any more"


class CodeNeeded(WhoAreYou):
    """The password is right, and the account has a second factor besides."""

    code = "second_factor_needed"
    zh = "此账户启用了动态口令：请再输入验证器显示的六位数字，或一个恢复码"
    en = "the account has a second factor: give the six digits that the authenticator shows, or a recovery code, too"


class NotWaiting(RequestFault):
    """A proposal that this person cannot decide: decided already, expired, in another's hands, or their own."""

    status = 409
    code = "not_waiting"
    zh = "该提请不在等待您的决定：可能已决定、已过期、正由他人批准，或由您本人提出"
    en = "the proposal does not wait for you: it is decided, expired, being approved by another, or your own"


class NotReady(RequestFault):
    """The service is up and should be asked nothing for now."""

    status = 503
    code = "not_ready"
    zh = "服务尚未就绪"
    en = "the service is not ready"
