"""The way to what is asked for most: a fact is recorded without the framework's long way to its route.

That way costs a request more than the fact itself does. The framework has the same routes, for the reference and for
whoever asks for them otherwise (another method, a slash too many).
"""

from __future__ import annotations

from collections.abc import Iterable

from eventsourcing.persistence import PersistenceError
from fastapi import Request
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from api.http.office import admit
from api.http.problems import answer_to
from ledger.errors import LedgerError


class Straight:
    """A layer that answers POST to these routes by itself; their endpoints take the request and nothing else."""

    def __init__(self, app: ASGIApp, routes: Iterable[BaseRoute]) -> None:
        self._app = app
        self._routes = {route.path: route for route in routes if isinstance(route, APIRoute)}
        assert all(route.methods == {"POST"} for route in self._routes.values()), "no other method is passed over"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Who may not is told so before the body is read, as everywhere. A bug is for the layers outside to answer."""
        route = self._routes.get(scope["path"]) if scope["type"] == "http" and scope["method"] == "POST" else None
        if route is None:
            await self._app(scope, receive, send)
            return
        scope["route"] = route
        request = Request(scope, receive)
        try:
            await admit(request)
            response = await route.endpoint(request)
        except (LedgerError, PersistenceError) as error:
            response = await answer_to(request, error)
        await response(scope, receive, send)
