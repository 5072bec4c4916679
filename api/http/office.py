"""What the service's routes work with, and who is at the door: assembled once for each process, asked for by routes."""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from ipaddress import ip_address, ip_network
from threading import BoundedSemaphore, Event
from typing import Annotated
from zoneinfo import ZoneInfo

from fastapi import Depends, Request

from api.bootstrap import Fenhao
from api.commands import Currency
from api.http.access import NOBODY, Asker
from api.http.accounts import Accounts, csrf_of
from api.http.faults import BadRequest, NotEntitled, NotForged, NotSignedIn, TooLarge
from api.http.gallery import Gallery
from api.http.links import Links
from api.http.mail import SendCode
from api.http.meters import Meters
from api.http.one_time_codes import OneTimeCodes
from api.http.pace import Pace
from api.http.provider import Provider
from api.http.together import Together
from api.http.tokens import Tokens
from api.recording import Done
from ledger.decisions import Command
from ledger.times import local_day
from reports.bank_desk import Kept
from reports.guards.report import Report, guard
from reports.keeper import Keeper, Reckoned
from reports.position import Position, read_position

MAX_STREAMS = 64
"""Readers of the stream of entries in one process: each looks twice a second for what is new."""
MAX_UPLOADS = 2
"""Files that one process reads and keeps in memory at once."""
MAX_BODY_BYTES = 1 << 20
MAX_BATCH_BYTES = 1 << 24
COOKIE = "fenhao_session"
_UNPACED = ("/log/", "/static/", "/healthz", "/readyz", "/metrics", "/openapi.json")
"""What anybody may ask as often as they like: it is kept by caches, or cheap."""


Shown = tuple[str | None, str | None]
"""What a request shows of who asks: its Authorization header, its cookie."""


@dataclass(frozen=True, slots=True)
class Office:
    """One process's parts, and what of the ledger never changes; `edition` is the program's, which answers hang on."""

    fenhao: Fenhao
    origin: str
    currency: Currency
    zone: ZoneInfo
    tokens: Tokens
    accounts: Accounts
    codes: OneTimeCodes
    links: Links
    send_code: SendCode
    edition: str
    stopping: Event
    meters: Meters
    recorder: Together[Command, Done]
    doorman: Together[Shown, Asker]
    provider: Provider | None = None
    gallery: Gallery = field(default_factory=Gallery)
    ideas: Kept = field(default_factory=Kept)
    reports: Keeper[Report] = field(default_factory=Keeper)
    positions: Keeper[Position] = field(default_factory=Keeper)
    public_pace: Pace = field(default_factory=partial(Pace, burst=200, refill_s=20))
    address_pace: Pace = field(default_factory=partial(Pace, burst=60, refill_s=300))
    account_pace: Pace = field(default_factory=partial(Pace, burst=10, refill_s=300))
    uploads: BoundedSemaphore = field(default_factory=partial(BoundedSemaphore, MAX_UPLOADS))
    streams: BoundedSemaphore = field(default_factory=partial(BoundedSemaphore, MAX_STREAMS))
    asking_pace: Pace = field(default_factory=partial(Pace, burst=4, refill_s=1_800))
    contact_pace: Pace = field(default_factory=partial(Pace, burst=20, refill_s=3_600))

    def today(self) -> date:
        """The business day that it is where the ledger is."""
        return local_day(self.fenhao.journal.entries.clock(), self.zone)

    def guarded(self) -> Reckoned[Report]:
        """What the guards find, not much older than it takes to look."""
        journal = self.fenhao.journal
        return self.reports.reckoned(self.today(), journal.entries.clock, partial(guard, journal))

    def position(self) -> Reckoned[Position]:
        """The cash position, the same way."""
        journal, vault = self.fenhao.journal, self.fenhao.vault
        return self.positions.reckoned(self.today(), journal.entries.clock, partial(read_position, journal, vault))


async def office_of(request: Request) -> Office:
    """The office that this request came to."""
    return _office(request)


def _office(request: Request) -> Office:
    office = request.app.state.office
    assert isinstance(office, Office)
    return office


def address_of(request: Request) -> str:
    """Where the request comes from, as far as the trusted proxies tell; of IPv6 the network, which has one holder."""
    host = request.client.host if request.client else "-"
    try:
        found = ip_address(host.partition("%")[0])
    except ValueError:
        return host[:60]  # a proxy's own word for somebody; they share what everybody has of that name
    if found.version == 4 or found.ipv4_mapped is not None:
        return str(found if found.version == 4 else found.ipv4_mapped)
    return str(ip_network(f"{found}/64", strict=False))


async def admit(request: Request) -> Asker:
    """Who asks, if they may ask for this route; judged before anything of the request's body is read.

    Raises NotSignedIn, NotEntitled, NotForged, TooOften.
    """
    office = _office(request)
    if "\0" in request.scope["path"] or b"%00" in request.scope["query_string"]:
        raise BadRequest(rule="there is a NUL in the address", rule_zh="地址中含有 NUL 字符")
    asker = NOBODY
    if "authorization" in request.headers or COOKIE in request.cookies:
        asker = await office.doorman.ask((request.headers.get("authorization"), request.cookies.get(COOKIE)))
    route = request.scope["route"]
    if not _is_ours(request, asker):
        # A browser that is signed in still may what everybody may, signing in as somebody else among it.
        if not NOBODY.may(request.method, route.path_format):
            raise NotForged()
        asker = NOBODY
    request.state.asker = asker
    if asker is NOBODY and not request.url.path.startswith(_UNPACED):
        office.public_pace.take(address_of(request))
    if not asker.may(request.method, route.path_format):
        raise NotSignedIn() if asker is NOBODY else NotEntitled()
    return asker


def askers(tokens: Tokens, accounts: Accounts, shown: Sequence[Shown]) -> list[Asker | Exception]:
    """Who they are that show this, each looked up now, and once: nothing is remembered for who comes later."""
    found = {one: _asker(tokens, accounts, *one) for one in dict.fromkeys(shown)}
    return [found[one] for one in shown]


def _asker(tokens: Tokens, accounts: Accounts, authorization: str | None, cookie: str | None) -> Asker | Exception:
    """Who shows a token is its machine, who has a cookie is who signed in; NotSignedIn for a token that is not good."""
    if authorization:
        kind, _, secret = authorization.partition(" ")
        return (tokens.asker(secret.strip()) if kind.lower() == "bearer" else None) or NotSignedIn()
    # A browser keeps a cookie longer than it is good.
    return (None if cookie is None else accounts.asker(cookie)) or NOBODY


def _is_ours(request: Request, asker: Asker) -> bool:
    """Whether a request that changes something, of who is signed in by a cookie, shows what only our page can know."""
    if asker is NOBODY or asker.is_machine or request.method in ("GET", "HEAD"):
        return True
    shown, own = request.headers.get("x-csrf-token", ""), csrf_of(request.cookies[COOKIE])
    return hmac.compare_digest(shown.encode(errors="replace"), own.encode())


async def read_body(request: Request, limit: int) -> bytes:
    """The JSON body's bytes. Raises BadRequest for another type, TooLarge as soon as there are more than `limit`."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        # What a foreign page's form can send without asking the browser's leave is never read.
        raise BadRequest(rule="the body is application/json", rule_zh="正文类型应为 application/json")
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
