"""A file that a form sends (multipart/form-data, RFC 7578), with the fields beside it."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import Annotated, NamedTuple
from urllib.parse import urlsplit

from anyio import to_thread
from fastapi import Depends, Request

from api.http.faults import BadRequest, NotForged, TooLarge, TooOften
from api.http.office import office_of
from reports.banking.tables import MAX_BYTES

MOST_PARTS = 20
_BOUNDARY = re.compile(r'multipart/form-data;\s*boundary="?([^"\s;]{1,70})"?', re.ASCII | re.IGNORECASE)
_NAME = re.compile(rb'\bname="([^"]*)"')
_FILE = re.compile(rb'\bfilename="([^"]*)"')


class Sent(NamedTuple):
    """What a form sent: a file with its name, and its fields."""

    name: str
    data: bytes
    fields: dict[str, str]


async def read_upload(request: Request) -> AsyncIterator[Sent]:
    """The form's one file; a process holds a few at once. Raises BadRequest for another body, TooLarge, TooOften,
    NotForged."""
    match = _BOUNDARY.fullmatch(request.headers.get("content-type", "").strip())
    if match is None:
        raise BadRequest(rule="the body is a form with a file", rule_zh="正文应为带文件的表单")
    if not is_from_here(request):
        raise NotForged()
    uploads = (await office_of(request)).uploads
    if not uploads.acquire(blocking=False):
        raise TooOften()
    try:
        body = bytearray(b"\r\n")
        async for chunk in request.stream():
            body += chunk
            if len(body) > MAX_BYTES + (1 << 16):
                raise TooLarge(limit=MAX_BYTES)
        yield await to_thread.run_sync(_parted, bytes(body), match[1].encode())
    finally:
        uploads.release()


def is_from_here(request: Request) -> bool:
    """Whether a page of ours sent it, as far as a browser says; programs say nothing."""
    site = request.headers.get("sec-fetch-site", "same-origin")
    origin = request.headers.get("origin")
    return site in ("same-origin", "none") and (origin is None or urlsplit(origin).netloc == request.url.netloc)


def _parted(body: bytes, boundary: bytes) -> Sent:
    """The parts between the boundary, which whoever sends them chooses so that it is in none; each begins a line."""
    found: Sent | None = None
    fields: dict[str, str] = {}
    for part in body.split(b"\r\n--" + boundary)[1:][:MOST_PARTS]:
        head, blank, data = part.partition(b"\r\n\r\n")
        name, file = _NAME.search(head), _FILE.search(head)
        if not blank or name is None:
            continue  # what follows the last boundary
        if file is None:
            fields[name[1].decode(errors="replace")] = data.decode(errors="replace").strip()
        else:
            found = Sent(file[1].decode(errors="replace").replace("\0", "")[:200], data, fields)
    if found is None or not found.data:
        raise BadRequest(rule="choose a file first", rule_zh="请先选择文件")
    return found


MULTIPART = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {
                        "file": {"type": "string", "contentMediaType": "application/octet-stream"},
                        "account": {"type": "string", "maxLength": 120, "description": "账户名称 / its account's id"},
                        "mapping": {"type": "string", "description": "映射文件（TOML） / a mapping file's text"},
                    },
                }
            }
        },
    }
}
"""Such a form as the reference has it."""

Upload = Annotated[Sent, Depends(read_upload)]
"""The file that the form sent."""
