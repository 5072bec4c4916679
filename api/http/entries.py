"""The entries themselves, exactly as sealed: by the page, one by one, as they come, and with their proofs."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from typing import Annotated, Any

import anyio
import msgspec
from anyio import to_thread
from fastapi import APIRouter, Depends, Header, Path, Query, Request, Response
from fastapi.responses import StreamingResponse

from api.bootstrap import log_of, vantage_of
from api.http import shapes
from api.http.asking import MAX_PAGE, AsOf, KnownAt, not_changed
from api.http.cursors import MAX_CHARS, cursor_of, read_cursor
from api.http.faults import CursorStale, NotEntitled, NotInLog
from api.http.office import Door, Office, Who, admit
from api.http.queries import FAULTS, told
from api.http.shapes import answers, with_body
from ledger.codec import decode
from ledger.database import queries
from ledger.ids import check_text
from projections.history import entries_known

GLANCE_S = 0.5
"""How often a stream looks for what has come since."""
STREAM_S = 600
"""How long a stream goes on before its reader has to ask again, and to show again who they are."""
HEARTBEAT_S = 15

router = APIRouter(dependencies=[Depends(admit)], tags=["entries"])
_SQL = queries("api.http", "entries.sql")

Seq = Annotated[int, Path(description="分录号 / the entry's number", ge=0, le=2**53 - 1)]
Text = Annotated[str | None, Query(max_length=200)]


@router.get("/v1/entries", **told(shapes.EntryList, "分录", "entries"))
def entries(
    request: Request,
    office: Door,
    stream: Text = None,
    type: Text = None,
    as_of: AsOf = None,
    known_at: KnownAt = None,
    limit: Annotated[int, Query(ge=1, le=MAX_PAGE)] = 100,
    cursor: Annotated[str | None, Query(max_length=MAX_CHARS)] = None,
) -> Response:
    """Entries in the order of the chain, of one stream (`donation/D1`) or type, or all; now, or as of then."""
    behind, filters = -1, [stream, type, as_of, known_at]
    if cursor is not None:
        filters, place = read_cursor(cursor, "entries", filters)
        if len(place) != 1 or not isinstance(place[0], int) or not 0 <= place[0] < 2**53:
            raise CursorStale()
        behind = place[0]
    which = _which(office, filters)
    headers = {"ETag": f'"{office.fenhao.journal.entries.head().size}"', "Cache-Control": "private, no-cache"}
    unchanged = not_changed(request, headers)
    if unchanged is not None:
        return unchanged
    rows = _page(office, behind, limit + 1, **which)
    last = rows[limit - 1][0] if len(rows) > limit else None
    found = {
        "entries": [_sealed(leaf, body) for _, leaf, body in rows[:limit]],
        "next": None if last is None else cursor_of("entries", filters, [last]),
    }
    return Response(msgspec.json.encode(found), 200, headers, "application/json")


@router.get(
    "/v1/entries/stream",
    summary="分录流 / entries as they come",
    response_class=StreamingResponse,
    responses={**answers({}, *FAULTS), **with_body("server-sent events", "text/event-stream")},
)
async def stream(
    office: Door,
    after: Annotated[int | None, Query(description="自此分录之后 / behind this entry", ge=-1, le=2**53 - 1)] = None,
    last_event_id: Annotated[str | None, Header(description="断线续传 / resumes", pattern="^[0-9]{1,16}$")] = None,
) -> StreamingResponse:
    """Server-sent events: `id` is the seq, `event` the type, `data` the entry as sealed; none comes twice.

    Without `after` and Last-Event-ID it begins with the next entry that comes. It ends after ten minutes; a reader that
    asks again with Last-Event-ID, as browsers do by themselves, misses nothing.
    """
    if last_event_id is not None:
        behind = int(last_event_id)
    elif after is not None:
        behind = after
    else:
        behind = (await to_thread.run_sync(office.fenhao.journal.entries.head)).size - 1
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(_stream(office, behind), headers=headers, media_type="text/event-stream")


async def _stream(office: Office, behind: int) -> AsyncIterator[bytes]:
    """The events, for one reader more; with too many already, only that it may come again later."""
    if not office.streams.acquire(blocking=False):
        yield b"retry: 10000\n\n"
        return
    try:
        yield b"retry: 1000\n\n"
        async for event in _events(office, behind):
            yield event
    finally:
        office.streams.release()


async def _events(office: Office, behind: int) -> AsyncIterator[bytes]:
    """Reads what has come by the page, and rests when nothing has."""
    began_s = told_s = time.monotonic()
    while not office.stopping.is_set() and time.monotonic() - began_s < STREAM_S:
        rows = await to_thread.run_sync(_page, office, behind, 100)
        for seq, _, body in rows:
            yield b"id: %d\nevent: %b\ndata: %b\n\n" % (seq, decode(body).type.encode(), body)
            behind = seq
        if rows:
            told_s = time.monotonic()
            continue
        if time.monotonic() - told_s > HEARTBEAT_S:
            told_s = time.monotonic()
            yield b": still here\n\n"
        await anyio.sleep(GLANCE_S)


@router.get("/v1/entries/{seq}", **told(shapes.SealedEntry, "一条分录", "one entry"))
def entry(request: Request, office: Door, seq: Seq) -> Response:
    """An entry exactly as sealed, and its leaf hash. It never changes."""
    rows = _page(office, seq - 1, 1)
    if not rows or rows[0][0] != seq:
        raise NotInLog()
    _, leaf, body = rows[0]
    headers = {"ETag": f'"{leaf.hex()}"', "Cache-Control": "private, max-age=31536000, immutable"}
    headers["Vary"] = "Authorization, Cookie"
    unchanged = not_changed(request, headers)
    return unchanged or Response(msgspec.json.encode(_sealed(leaf, body)), 200, headers, "application/json")


@router.get(
    "/v1/entries/{seq}/receipt",
    summary="存证凭据 / the proof that an entry is in the log",
    response_class=Response,
    responses={**answers({}, *FAULTS), **with_body("C2SP tlog-proof", "text/plain")},
)
def receipt(office: Door, asker: Who, seq: Seq) -> Response:
    """A C2SP tlog-proof with the entry in it, to be checked with `verify` or anybody's tools.

    A donor has it of the entries that issued or moved their money. Entries are signed every few seconds.
    """
    if asker.donor is not None and not _touches(office, seq, asker.donor):
        raise NotEntitled()
    log = log_of(office.fenhao)
    head = log.checkpoint()
    if head is None or head.size <= seq:
        raise NotInLog()
    headers = {"Cache-Control": "private, no-cache"}
    headers["Content-Disposition"] = f'attachment; filename="entry-{seq}.tlog-proof"'
    return Response(log.receipt(seq).proof.text(), 200, headers, "text/plain; charset=utf-8")


def _which(office: Office, filters: list[str | None]) -> dict[str, Any]:
    """What the filters ask for: of which stream and type, up to which day, below which seq. Raises BadValue."""
    for name, text in zip(("stream", "type"), filters[:2], strict=True):
        if text is not None:
            check_text(text, name)
    vantage, size = vantage_of(office.fenhao, filters[2], filters[3]), None
    if vantage.known_at is not None:
        with office.fenhao.journal.entries.reading() as cursor:
            size = entries_known(cursor, vantage.known_at)
    return {"stream": filters[0], "type": filters[1], "as_of": vantage.as_of, "size": size}


def _page(office: Office, behind: int, limit: int, **which: Any) -> list[tuple[int, bytes, bytes]]:
    with office.fenhao.journal.entries.reading() as cursor:
        which = {"stream": None, "type": None, "as_of": None, "size": None, "behind": behind, "limit": limit, **which}
        return [(seq, bytes(leaf), bytes(body)) for seq, leaf, body in cursor.execute(_SQL["page"], which)]


def _sealed(leaf: bytes, body: bytes) -> dict[str, Any]:
    return {"leaf": leaf.hex(), "entry": msgspec.Raw(body)}


def _touches(office: Office, seq: int, donor: str) -> bool:
    with office.fenhao.journal.entries.reading() as cursor:
        [(touches,)] = cursor.execute(_SQL["touches"], {"seq": seq, "donor": donor}).fetchall()
    return bool(touches)
