"""Every request seen from outside: timed, counted, logged as one line of JSON that says nothing of anybody's data."""

from __future__ import annotations

import json
import logging
import os
import time
import traceback
from typing import Any

from starlette.datastructures import MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.http.access import Asker
from api.http.meters import Meters

_log = logging.getLogger("fenhao.request")
_as_json = json.JSONEncoder(ensure_ascii=False).encode


class JsonLines(logging.Formatter):
    """A record as a line of JSON. Of an exception its kind and where it came from: its words may be anybody's data."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        line = {
            "at": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created)) + f".{int(record.msecs):03}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "said": record.getMessage(),
            **getattr(record, "figures", {}),
        }
        if record.exc_info and record.exc_info[1] is not None:
            error = record.exc_info[1]
            frames = traceback.extract_tb(error.__traceback__)
            line["error"] = type(error).__name__
            line["from"] = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames[-8:]]
        return _as_json(line)


def log_as_json() -> None:
    """All logs of this process go to standard error as JSON."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    # What no line of ours says is not looked for (logging HOWTO, "Optimization").
    logging._srcfile = None
    logging.logThreads = logging.logMultiprocessing = logging.logProcesses = False
    for chatty in ("psycopg.pool", "eventsourcing"):
        logging.getLogger(chatty).setLevel(logging.WARNING)


class Watch:
    """The outermost layer; see the module."""

    def __init__(self, app: ASGIApp, meters: Meters) -> None:
        self._app, self._meters = app, meters

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers as the application does, with an id of the request and no more caching than it asks for."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id, began_ns = os.urandom(8).hex(), time.monotonic_ns()
        status = 500

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers["X-Request-ID"] = request_id
                headers["X-Content-Type-Options"] = "nosniff"
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        try:
            await self._app(scope, receive, sending)
        except ClientDisconnect:
            status = 400  # who asked went away amid the body: nothing is wrong here, and nobody is there to be answered
        finally:
            self._tell(scope, request_id, status, (time.monotonic_ns() - began_ns) // 1000)

    def _tell(self, scope: Scope, request_id: str, status: int, took_us: int) -> None:
        state: dict[str, Any] = scope.get("state", {})
        route = getattr(scope.get("route"), "path_format", "-")
        method = scope["method"] if scope["method"] in _METHODS else "-"
        refused = state.get("refused")
        self._meters.count(method, route, status, took_us, refused)
        figures = {"request": request_id, "method": method, "route": route, "status": status, "us": took_us}
        figures |= {"who": _who(state.get("asker"))} | ({"refused": refused} if refused else {})
        _log.info("answered", extra={"figures": figures})


_METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))


def _who(asker: Asker | None) -> str:
    """Who asked: a member of staff, a token; of donors and everybody else only that they are."""
    if asker is None or asker.name is None:
        return "-"
    return "donor" if asker.donor is not None else asker.name
