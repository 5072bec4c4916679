"""Cursors: where a page ended and what its list was of, as opaque text. What one says is checked as any input is."""

from __future__ import annotations

import base64
import binascii
import hashlib
from typing import Any

import msgspec

from api.http.faults import CursorStale

MAX_CHARS = 2_000


def cursor_of(list_name: str, filters: list[str | None], place: list[Any]) -> str:
    """The cursor of the page behind a place: it keeps the list's filters, and is good for that list alone."""
    said = msgspec.json.encode([_mark(list_name), filters, place])
    return base64.urlsafe_b64encode(said).decode().rstrip("=")


def read_cursor(cursor: str, list_name: str, filters: list[str | None]) -> tuple[list[str | None], list[Any]]:
    """The filters and the place in a cursor. Raises CursorStale.

    `filters` are those that were given beside it: none, or the same. A place is a list of numbers and texts.
    """
    try:
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        mark, kept, place = msgspec.json.decode(text, type=tuple[str, list[str | None], list[int | str]])
    except (binascii.Error, msgspec.DecodeError, UnicodeError, ValueError):
        raise CursorStale() from None
    if mark != _mark(list_name) or len(kept) != len(filters) or any(len(one or "") > 200 for one in kept):
        raise CursorStale()
    if any(given is not None and given != old for given, old in zip(filters, kept, strict=True)):
        raise CursorStale()
    return kept, place


def _mark(list_name: str) -> str:
    """Says which list a cursor is of."""
    return hashlib.sha256(list_name.encode(errors="replace")).hexdigest()[:16]
