"""The application: every router, every fault as a problem, and no route that the table of access does not name."""

from __future__ import annotations

import logging
import os
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager, asynccontextmanager
from functools import partial
from importlib.metadata import version
from threading import Event
from typing import Any

from anyio import to_thread
from fastapi import APIRouter, Depends, FastAPI, Request
from fastapi.responses import JSONResponse
from fastapi.routing import iter_route_contexts

from api.bootstrap import Fenhao
from api.commands import Currency
from api.http import (
    bank,
    bank_statements,
    batches,
    entries,
    factors,
    log,
    oidc,
    operations,
    papers,
    personal,
    pictures,
    posting,
    problems,
    proposals,
    queries,
    showings,
    sign_in,
)
from api.http.access import check_complete
from api.http.accounts import Accounts
from api.http.addresses import Addresses
from api.http.chores import chores, hear_signals
from api.http.links import Links
from api.http.mail import SendCode, on_console
from api.http.meters import Meters
from api.http.office import Office, admit, askers
from api.http.one_time_codes import OneTimeCodes
from api.http.onward import lead_onward
from api.http.provider import Provider
from api.http.shapes import BODIES, Problem, answers
from api.http.straight import Straight
from api.http.together import Together
from api.http.tokens import Tokens
from api.http.watching import Watch
from api.recording import record_all
from api.site import (
    audit,
    cases,
    donor,
    donor_papers,
    entrance,
    finance,
    flows,
    heads,
    lines,
    months,
    programme,
    public,
    statements,
    suspense,
    verifying,
)
from api.site.frame import error_page
from ledger.times import find_zone

reference = APIRouter(dependencies=[Depends(admit)])
ROUTERS = (
    reference,
    posting.router,
    batches.router,
    queries.router,
    bank.router,
    bank_statements.router,
    papers.router,
    pictures.router,
    entries.router,
    log.router,
    sign_in.router,
    factors.router,
    oidc.router,
    personal.router,
    showings.router,
    proposals.router,
    operations.router,
    entrance.router,
    public.router,
    flows.router,
    programme.router,
    finance.router,
    suspense.router,
    statements.router,
    lines.router,
    months.router,
    verifying.router,
    cases.router,
    audit.router,
    heads.router,
    donor_papers.router,
    donor.router,
)
Opening = Callable[[], AbstractContextManager[Fenhao]]
"""Assembles a ledger for as long as the service runs."""


def service(opening: Opening, stopping: Event | None = None, send_code: SendCode = on_console) -> FastAPI:
    """The service on what `opening` assembles when it starts; once `stopping` is set, streams end."""
    app = FastAPI(
        title="分毫 fenhao",
        version=version("fenhao"),
        description="善款追溯账本 / an event-sourced fund-traceability ledger",
        lifespan=_lifespan(opening, stopping or Event(), send_code),
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        # It would tell strangers' words (what a fault says) to whatever collects them, and costs each request its look.
        telemetry={"tracing": False, "metrics": False, "logs": False},
        generate_unique_id_function=lambda route: route.name,
    )
    app.state.log = logging.getLogger("fenhao.http")
    app.state.language, app.state.exponent = "zh", 2
    app.state.meters = Meters()
    app.add_middleware(Addresses)
    app.add_middleware(Straight, routes=posting.router.routes)
    app.add_middleware(Watch, meters=app.state.meters)  # the outermost
    problems.install(app, error_page)
    for router in ROUTERS:
        app.include_router(router)
    check_complete(
        (method, str(route.path_format))
        for route in iter_route_contexts(app.routes)
        for method in route.methods or ("?",)
    )
    app.openapi = lambda: _openapi(app)  # type: ignore[method-assign]  # FastAPI's own way to change it
    return app


def _lifespan(opening: Opening, stopping: Event, send_code: SendCode) -> Callable[[FastAPI], Any]:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        hear_signals(stopping)
        assembling = opening()
        fenhao = await to_thread.run_sync(assembling.__enter__)
        try:
            await to_thread.run_sync(_move_in, app, fenhao, stopping, send_code)
            working = chores(fenhao, fenhao.settings.sign_every_s(), stopping)
            working.__enter__()
            try:
                yield
            finally:
                await to_thread.run_sync(working.__exit__, None, None, None)
        finally:
            await to_thread.run_sync(assembling.__exit__, None, None, None)

    return lifespan


def _move_in(app: FastAPI, fenhao: Fenhao, stopping: Event, send_code: SendCode) -> None:
    head = fenhao.journal.entries.head()
    assert head.currency is not None
    assert head.exponent is not None
    app.state.language, app.state.exponent = fenhao.settings.language, head.exponent
    accounts = Accounts(fenhao.journal, fenhao.settings.home / "keys", os.urandom)
    tokens = Tokens(fenhao.journal, os.urandom)
    said = fenhao.settings.oidc
    app.state.office = Office(
        fenhao,
        head.origin or "",
        Currency(head.currency, head.exponent),
        find_zone(head.zone or "UTC"),
        tokens,
        accounts,
        OneTimeCodes(fenhao.journal, fenhao.settings.home / "keys", os.urandom),
        Links(fenhao.settings.home / "keys", head.origin or "", os.urandom),
        send_code,
        version("fenhao"),
        stopping,
        app.state.meters,
        Together(partial(record_all, fenhao)),
        Together(partial(askers, tokens, accounts)),
        None if said is None else Provider(said, fenhao.journal, accounts, os.urandom),
    )


def _openapi(app: FastAPI) -> dict[str, Any]:
    """FastAPI's, without the answer 422 that it adds by itself: parameters that cannot be are a 400 here."""
    if app.openapi_schema is None:
        made = FastAPI.openapi(app)
        schemas = made.setdefault("components", {}).setdefault("schemas", {})
        schemas |= {"Problem": Problem.model_json_schema(), **BODIES}
        for name in ("HTTPValidationError", "ValidationError"):
            schemas.pop(name, None)
        for operation in (one for methods in made["paths"].values() for one in methods.values()):
            if "HTTPValidationError" in str(operation["responses"].get("422")):
                del operation["responses"]["422"]
            lead_onward(operation)
        app.openapi_schema = made
    return app.openapi_schema


@reference.get("/openapi.json", summary="本参考 / this reference", tags=["operations"], responses=answers({}, 401, 403))
async def openapi(request: Request) -> JSONResponse:
    """OpenAPI 3.1."""
    return JSONResponse(request.app.openapi())
