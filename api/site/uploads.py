"""A file that a form sends (multipart/form-data, RFC 7578), with the fields beside it."""

from __future__ import annotations

import re
from typing import Annotated, NamedTuple

from fastapi import Depends, Request

from api.http.faults import BadRequest, NotForged, TooLarge
from api.site.frame import is_from_here
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


async def read_upload(request: Request) -> Sent:
    """The form's one file. Raises BadRequest for another body, TooLarge, NotForged."""
    match = _BOUNDARY.fullmatch(request.headers.get("content-type", "").strip())
    if match is None:
        raise BadRequest(rule="the body is a form with a file", rule_zh="正文应为带文件的表单")
    if not is_from_here(request):
        raise NotForged()
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BYTES + (1 << 16):
            raise TooLarge(limit=MAX_BYTES)
    return _parted(bytes(body), match[1].encode())


def _parted(body: bytes, boundary: bytes) -> Sent:
    """The parts between the boundary, which a browser chooses so that it is in none of them."""
    found: Sent | None = None
    fields: dict[str, str] = {}
    for part in (b"\r\n" + body).split(b"\r\n--" + boundary)[1:][:MOST_PARTS]:
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


Upload = Annotated[Sent, Depends(read_upload)]
"""The file that the form sent."""
