"""A file that a form sends (multipart/form-data, RFC 7578), with the fields beside it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from typing import Annotated, NamedTuple
from urllib.parse import urlsplit

from anyio import to_thread
from fastapi import Depends, Request
from starlette.datastructures import FormData, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from api.http.faults import BadRequest, NotForged, TooLarge, TooOften
from api.http.office import office_of
from reports.banking.tables import MAX_BYTES

MAX_FIELDS = 20
MAX_FIELD_BYTES = 1 << 16


class Sent(NamedTuple):
    """What a form sent: a file with its name, and its fields."""

    name: str
    data: bytes
    fields: dict[str, str]


class _Parser(MultiPartParser):
    spool_max_size = MAX_BYTES + MAX_FIELD_BYTES  # in memory: what people wrote to a bank lies on no disk unsealed
    is_whole = False

    def on_end(self) -> None:
        self.is_whole = True


async def read_upload(request: Request) -> AsyncIterator[Sent]:
    """The form's one file; a process holds a few at once. Raises BadRequest for another body or none to its end,
    TooLarge, TooOften, NotForged."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "multipart/form-data":
        raise BadRequest(rule="the body is a form with a file", rule_zh="正文应为带文件的表单")
    if not is_from_here(request):
        raise NotForged()
    uploads = (await office_of(request)).uploads
    if not uploads.acquire(blocking=False):
        raise TooOften()
    try:
        form = await _form(request)
        try:
            sent = await to_thread.run_sync(_sent, form)
        finally:
            await form.close()
        yield sent
    finally:
        uploads.release()


async def _form(request: Request) -> FormData:
    async def body() -> AsyncGenerator[bytes, None]:
        read = 0
        async for chunk in request.stream():
            read += len(chunk)
            if read > MAX_BYTES + MAX_FIELD_BYTES:
                raise TooLarge(limit=MAX_BYTES)
            yield chunk
        if not parser.is_whole:
            raise MultiPartException("its last boundary is missing")

    limits = {"max_files": 1, "max_fields": MAX_FIELDS, "max_part_size": MAX_FIELD_BYTES}
    parser = _Parser(request.headers, body(), **limits)
    try:
        return await parser.parse()
    except (MultiPartException, ValueError):  # ValueError: of a charset that is none
        raise BadRequest(
            rule="the form is to have one file, and to come whole", rule_zh="表单应只带一个文件，且完整送达"
        ) from None


def _sent(form: FormData) -> Sent:
    files = [one for one in form.values() if isinstance(one, UploadFile)]
    data = files[0].file.read() if files else b""
    if not data:
        raise BadRequest(rule="choose a file first", rule_zh="请先选择文件")
    name = (files[0].filename or "").replace("\0", "")[:200]
    fields = {name: text.strip() for name, text in form.items() if isinstance(text, str)}
    try:
        "".join((name, *fields, *fields.values())).encode()
    except UnicodeEncodeError:  # some charsets make half characters, which no answer and no table can hold
        raise BadRequest(rule="the form's text is UTF-8", rule_zh="表单文字应为 UTF-8") from None
    return Sent(name, data, fields)


def is_from_here(request: Request) -> bool:
    """Whether a page of ours sent it, as far as a browser says; programs say nothing."""
    site = request.headers.get("sec-fetch-site", "same-origin")
    origin = request.headers.get("origin")
    return site in ("same-origin", "none") and (origin is None or urlsplit(origin).netloc == request.url.netloc)


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
