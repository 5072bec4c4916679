"""Ids in addresses: a slash that is written %2F belongs to an id, and never ends one.

A server hands on the address with all escapes undone, so that the page of donor `x/flows` would be the picture of donor
`x`. Plain slashes in an id are understood too, as far as the rest of the address leaves no doubt.
"""

from __future__ import annotations

import re
from urllib.parse import unquote

from starlette.convertors import Convertor
from starlette.types import ASGIApp, Receive, Scope, Send

SLASH = "\x1f"
"""What stands for it until the route is found: no id has it."""


class WholeId(Convertor[str]):
    """`{name:id}` in a route: the rest of the address, or what is there before the route goes on."""

    regex = ".*"

    def convert(self, value: str) -> str:
        return value.replace(SLASH, "/")

    def to_string(self, value: str) -> str:
        return value.replace("/", SLASH)


class Addresses:
    """A layer that keeps apart what the server's unescaping made one."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Has escaped slashes stand in the path as `SLASH`."""
        raw = scope.get("raw_path") if scope["type"] == "http" else None
        if raw and b"%2f" in raw.lower():
            # In place: the layers outside read from it which route was found.
            scope["path"] = unquote(re.sub("%2f", SLASH, raw.decode("latin-1"), flags=re.IGNORECASE))
        await self._app(scope, receive, send)
