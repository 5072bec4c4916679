"""Faults as HTTP answers: RFC 9457 problems with a stable `type`, in the language that was asked for."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import msgspec
from eventsourcing.persistence import PersistenceError
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from api.http.faults import BadRequest, NoSuchRoute, RequestFault, WrongMethod
from ledger.database import DatabaseFault
from ledger.errors import (
    AlreadyRecorded,
    DuplicateBusinessKey,
    IdempotencyConflict,
    LedgerError,
    OperatorFault,
    Unknown,
    shown,
)

MEDIA_TYPE = "application/problem+json"
TYPE_PREFIX = "urn:fenhao:problem:"
RETRY_AFTER_S = "2"
_OPERATORS_OWN = {
    **dict.fromkeys(("path", "reason", "reasons"), "see the service's log"),
    "reason_zh": "详见服务日志",
}
"""Which file it is, and what a machine said of it, is for the operator's log."""
_CONFLICTS = (AlreadyRecorded, DuplicateBusinessKey, IdempotencyConflict)

TITLES = {
    400: ("请求无法读取", "The request cannot be read"),
    401: ("请先登录", "Sign in first"),
    403: ("无权进行此操作", "Not entitled"),
    404: ("没有找到", "Not found"),
    405: ("不支持该方法", "The method is not allowed"),
    409: ("与已登记的冲突", "In conflict with what is recorded"),
    413: ("请求过大", "Too large"),
    422: ("规则不允许", "Refused by a rule"),
    429: ("请求过于频繁", "Too often"),
    500: ("程序错误", "A bug of ours"),
    503: ("暂时无法答复", "Not answered for now"),
}


AsPage = Callable[[Request, LedgerError, int, dict[str, str]], Response | None]
"""Makes a page of a fault for who reads pages; None for programs."""


def install(app: FastAPI, as_page: AsPage) -> None:
    """Has the application answer every fault as a problem, or where a browser shows it as a page."""
    app.state.as_page = as_page
    app.add_exception_handler(LedgerError, _of_ledger)
    app.add_exception_handler(PersistenceError, _of_database)
    app.add_exception_handler(RequestValidationError, _of_parameters)
    app.add_exception_handler(HTTPException, _of_routing)
    app.add_exception_handler(Exception, _of_bug)


async def answer_to(request: Request, error: LedgerError | PersistenceError) -> Response:
    """What the application answers to a fault of these kinds, for who does not leave it to the framework."""
    return await (_of_ledger if isinstance(error, LedgerError) else _of_database)(request, error)


def status_of(error: LedgerError, *, reading: bool = False) -> int:
    """The status of a fault; `reading` what is there, an id that is not is 404 and a value that cannot be 400."""
    if isinstance(error, RequestFault):
        return error.status
    if isinstance(error, OperatorFault):
        return 503
    if reading:
        return 404 if isinstance(error, Unknown) else 400
    return 409 if isinstance(error, _CONFLICTS) else 422


def problem_of(error: LedgerError, status: int, language: str, exponent: int) -> dict[str, Any]:
    """The problem's members; `figures` are the values behind the words, amounts in minor units."""
    return {
        "type": TYPE_PREFIX + error.code,
        "title": TITLES[status][language != "zh"],
        "status": status,
        "detail": error.say(language, exponent),
        # What an operator has to put right (a folder, a key) is the operator's to know: it is in the log.
        "figures": {} if status == 503 else _figures(error.fields),
    }


def problem(
    error: LedgerError, status: int, language: str, exponent: int, headers: dict[str, str] | None = None
) -> Response:
    """The problem as an answer."""
    members = problem_of(error, status, language, exponent)
    said = {"Content-Language": language, "Vary": "Accept-Language", "Cache-Control": "no-store", **(headers or {})}
    return Response(msgspec.json.encode(members), status, said, MEDIA_TYPE)


def language_of(request: Request) -> str:
    """`zh` or `en`: which of them Accept-Language prefers, else the service's own."""
    best, found = 0.0, str(request.app.state.language)
    for part in request.headers.get("accept-language", "")[:200].split(","):
        match = re.fullmatch(r"\s*(zh|en)\b[-\w]*\s*(?:;\s*q=([01](?:\.[0-9]{0,3})?))?\s*", part, re.ASCII | re.I)
        if match and (weight := float(match[2] or 1)) > best:
            best, found = weight, match[1].lower()
    return found


def _figures(fields: dict[str, Any]) -> dict[str, Any]:
    """The figures behind a fault's words, without the words themselves (what has a Chinese twin)."""
    words = {name for name in fields if name.endswith("_zh") or f"{name}_zh" in fields}
    return {name: _plain(value) for name, value in fields.items() if name not in words}


def _plain(value: Any) -> Any:
    """As JSON; what is no figure is cut as text in messages is."""
    if value is None or isinstance(value, int):
        return value
    if isinstance(value, dict):
        return {shown(name): _plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return shown(value, 200)


def _answer(request: Request, error: LedgerError, status: int, headers: dict[str, str] | None = None) -> Response:
    request.state.refused = error.code
    headers = {"Retry-After": RETRY_AFTER_S, **(headers or {})} if status == 503 else headers
    as_page: AsPage = request.app.state.as_page
    page = as_page(request, error, status, headers or {})
    return page or problem(error, status, language_of(request), request.app.state.exponent, headers)


async def _of_ledger(request: Request, error: Exception) -> Response:
    assert isinstance(error, LedgerError)
    headers = error.headers if isinstance(error, RequestFault) else None
    if isinstance(error, OperatorFault):
        request.app.state.log.warning("%s: %s", error.code, error)
        error.fields = {name: _OPERATORS_OWN.get(name, value) for name, value in error.fields.items()}
        error = DatabaseAway() if isinstance(error, DatabaseFault) else error
    return _answer(request, error, status_of(error, reading=request.method in ("GET", "DELETE")), headers)


async def _of_database(request: Request, error: Exception) -> Response:
    reason = str(error).strip().split("\n")[0]
    request.app.state.log.warning("database: %s", reason)
    return _answer(request, DatabaseAway(), 503)


async def _of_parameters(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    wrong = ", ".join(dict.fromkeys(shown(".".join(map(str, one["loc"]))) for one in error.errors()))
    return _answer(request, BadRequest(rule=f"{wrong} is not as documented", rule_zh=f"{wrong} 与文档不符"), 400)


async def _of_routing(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code == 404:
        return _answer(request, NoSuchRoute(), 404)
    if error.status_code == 405:
        return _answer(request, WrongMethod(), 405, dict(error.headers or {}))
    return _answer(request, BadRequest(rule=str(error.detail), rule_zh="格式有误"), 400)


class DatabaseAway(OperatorFault):
    """PostgreSQL does not answer, or not as it should; why is in the log."""

    code = "database_away"
    zh = "数据库暂时无法使用，请稍后再试；已登记的内容不受影响"
    en = "the database cannot be used for now: ask again in a moment; what is recorded is safe"


class Bug(LedgerError):
    """Something that we got wrong; what it was is in the log."""

    code = "bug"
    zh = "程序内部出错，已记入日志；没有登记任何内容，或可凭幂等键查实"
    en = "something went wrong inside, and is in the log; nothing was recorded, or the idempotency key tells"


async def _of_bug(request: Request, error: Exception) -> Response:
    return _answer(request, Bug(), 500)
