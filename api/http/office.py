"""What the service's routes work with, and who is at the door: assembled once for each process, asked for by routes."""

from __future__ import annotations

from dataclasses import dataclass
from threading import Event
from typing import Annotated

from fastapi import Depends, Request

from api.bootstrap import Fenhao
from api.commands import Currency
from api.http.access import NOBODY, Asker
from api.http.faults import BadRequest, NotEntitled, NotSignedIn, TooLarge
from api.http.gallery import Gallery
from api.http.tokens import Tokens

MAX_BODY_BYTES = 1 << 20
MAX_BATCH_BYTES = 1 << 24


@dataclass(frozen=True, slots=True)
class Office:
    """One process's parts; `edition` is the program's, which the shape of answers hangs on."""

    fenhao: Fenhao
    currency: Currency
    tokens: Tokens
    edition: str
    gallery: Gallery
    stopping: Event


async def office_of(request: Request) -> Office:
    """The office that this request came to."""
    return _office(request)


def _office(request: Request) -> Office:
    office = request.app.state.office
    assert isinstance(office, Office)
    return office


def admit(request: Request) -> Asker:
    """Who asks, if they may ask for this route; judged before anything of the request's body is read.

    Raises NotSignedIn, NotEntitled.
    """
    asker = _asker(request, _office(request))
    request.state.asker = asker
    route = request.scope["route"]
    if not asker.may(request.method, route.path_format):
        raise NotSignedIn() if asker is NOBODY else NotEntitled()
    return asker


def _asker(request: Request, office: Office) -> Asker:
    """Who shows a token is its machine. Raises NotSignedIn when what is shown is not good."""
    kind, _, secret = request.headers.get("authorization", "").partition(" ")
    if kind:
        asker = office.tokens.asker(secret.strip()) if kind.lower() == "bearer" else None
        if asker is None:
            raise NotSignedIn()
        return asker
    return NOBODY


async def read_body(request: Request, limit: int) -> bytes:
    """The body. Raises TooLarge as soon as there is more than `limit` bytes of it."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            raise TooLarge(limit=limit)
    return bytes(body)


async def _small_body(request: Request) -> bytes:
    return await read_body(request, MAX_BODY_BYTES)


async def _batch_body(request: Request) -> bytes:
    return await read_body(request, MAX_BATCH_BYTES)


async def idempotency_key(request: Request) -> str:
    """What the Idempotency-Key header says, plain or as a quoted string. Raises BadRequest without one.

    Keys of the service are apart from those of imports: `http:` stands before them.
    """
    text = request.headers.get("idempotency-key", "").strip()
    if len(text) >= 2 and text[0] == text[-1] == '"':
        text = text[1:-1]
    if not (0 < len(text) <= 100 and text.isascii() and text.isprintable() and text == text.strip()):
        raise BadRequest(
            rule="the header Idempotency-Key is missing, or not 1 to 100 printable ASCII characters",
            rule_zh="缺少 Idempotency-Key 请求头，或不是 1 至 100 个可见 ASCII 字符",
        )
    return f"http:{text}"


Door = Annotated[Office, Depends(office_of)]
Who = Annotated[Asker, Depends(admit)]
Body = Annotated[bytes, Depends(_small_body)]
BatchBody = Annotated[bytes, Depends(_batch_body)]
Key = Annotated[str, Depends(idempotency_key)]
