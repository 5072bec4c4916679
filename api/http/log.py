"""The log over HTTP, as C2SP tlog-tiles has it: checkpoint and hashes for everybody, the entries for those entitled."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

from fastapi import APIRouter, Depends, Request, Response

from api.bootstrap import log_folder
from api.http.faults import NotInLog
from api.http.office import Door, Office, admit
from api.http.shapes import answers, with_body
from audit.checkpoint import Checkpoint, Note
from audit.tiles import WIDTH, TileFault, Tiles, tile_path
from audit.timestamp import ROOTS, stamp_files
from ledger.journal import bundles_of

CHECKPOINT_CACHE = "public, max-age=2"
"""A mutable answer: caches keep it for no more than a few seconds."""
TILE_CACHE = "public, max-age=31536000, immutable"
BUNDLE_CACHE = "private, max-age=31536000, immutable"
"""A bundle never changes, and is for whoever was entitled to ask: no shared cache keeps it."""
_STAMP_TYPES = {
    ".tsr": "application/timestamp-reply",
    ".checkpoint": "text/plain; charset=utf-8",
    ".pem": "application/x-pem-file",
}
MAX_LEVEL = 7
"""256^8 entries are more than a ledger's numbers reach."""

router = APIRouter(dependencies=[Depends(admit)], tags=["log"])


@router.get(
    "/log/checkpoint",
    summary="最新的签名日志头 / the newest signed head",
    response_class=Response,
    responses={**answers({}, 401, 404, 503), **with_body("C2SP signed note", "text/plain")},
)
def checkpoint(office: Door) -> Response:
    """The checkpoint as it was signed."""
    headers = {"Cache-Control": CHECKPOINT_CACHE, "Access-Control-Allow-Origin": "*"}
    return Response(_checkpoint(office), headers=headers, media_type="text/plain; charset=utf-8")


@router.get(
    "/log/tile/entries/{tile:path}",
    summary="分录束 / a bundle of entries",
    response_class=Response,
    responses={**answers({}, 400, 401, 403, 404, 503), **with_body("C2SP tlog-tiles", "application/octet-stream")},
)
def bundle(request: Request, office: Door, tile: str) -> Response:
    """256 entries, or as many as a signed tree ends with (`.p/W`), each behind its length in two bytes."""
    number, width = _tile("entries", tile)
    first, end = number * WIDTH, number * WIDTH + width
    if end > _signed_size(office):
        raise NotInLog()
    with office.fenhao.journal.entries.reading() as cursor:
        data = b"".join(bundles_of(cursor, first, end, WIDTH))
    headers = {"Cache-Control": BUNDLE_CACHE, "Vary": "Accept-Encoding, Authorization, Cookie"}
    if re.search(r"\bgzip\b(?!\s*;\s*q=0(\.0*)?(,|$))", request.headers.get("accept-encoding", "")):
        data = gzip.compress(data, compresslevel=6, mtime=0)
        headers["Content-Encoding"] = "gzip"
    return Response(data, headers=headers, media_type="application/octet-stream")


@router.get(
    "/log/tile/{level}/{tile:path}",
    summary="哈希块 / a tile of hashes",
    response_class=Response,
    responses={**answers({}, 400, 401, 404, 503), **with_body("C2SP tlog-tiles", "application/octet-stream")},
)
def hashes(office: Door, level: str, tile: str) -> Response:
    """256 hashes of a level, or as many as a signed tree has there (`.p/W`)."""
    if not re.fullmatch(r"[0-9]", level, re.ASCII) or int(level) > MAX_LEVEL:
        raise NotInLog()
    number, width = _tile(level, tile)
    if (number * WIDTH + width) * WIDTH ** int(level) > _signed_size(office):
        raise NotInLog()
    try:
        data = Tiles(log_folder(office.fenhao)).read(int(level), number, width)
    except TileFault:
        raise NotInLog() from None
    headers = {"Cache-Control": TILE_CACHE, "Access-Control-Allow-Origin": "*"}
    return Response(data, headers=headers, media_type="application/octet-stream")


@router.get(
    "/log/timestamps",
    summary="时间戳目录 / the time-stamps that there are",
    response_class=Response,
    responses={**answers({}, 401, 503), **with_body("file names, a line each", "text/plain")},
)
def stamps(office: Door) -> Response:
    """The files of the time-stamps, a line each, those of smaller heads first: for each `.tsr` (RFC 3161) the
    `.checkpoint` that was stamped, and `roots.pem`, the authorities' roots as the foundation names them."""
    names = sorted((path.name for path in _stamps(office)), key=lambda name: (len(name.partition("-")[0]), name))
    headers = {"Cache-Control": CHECKPOINT_CACHE, "Access-Control-Allow-Origin": "*"}
    return Response("".join(f"{name}\n" for name in names), headers=headers, media_type="text/plain; charset=utf-8")


@router.get(
    "/log/timestamps/{name}",
    summary="时间戳 / a time-stamp, or what was stamped",
    response_class=Response,
    responses={
        **answers({}, 400, 401, 404, 503),
        **with_body("RFC 3161, or C2SP signed note", "application/octet-stream"),
    },
)
def stamp(office: Door, name: str) -> Response:
    """One of those files, as an export has it under `timestamps/`."""
    found = next((path for path in _stamps(office) if path.name == name), None)
    if found is None:
        raise NotInLog()
    cache = CHECKPOINT_CACHE if name == ROOTS else TILE_CACHE
    headers = {"Cache-Control": cache, "Access-Control-Allow-Origin": "*"}
    return Response(found.read_bytes(), headers=headers, media_type=_STAMP_TYPES[found.suffix])


def _stamps(office: Office) -> list[Path]:
    """The files of the stamps that are whole, none of a head beyond the one that is shown."""
    shown = log_folder(office.fenhao)
    return [] if not (shown / "checkpoint").exists() else stamp_files(shown, _signed_size(office))


def _tile(level: str, path: str) -> tuple[int, int]:
    """The number and the width that a tile's path says, in its one form. Raises NotInLog for any other."""
    match = re.fullmatch(r"((?:x[0-9]{3}/){0,4}[0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?", path, re.ASCII)
    if match:
        number = int(match[1].replace("x", "").replace("/", ""))
        width = int(match[2] or WIDTH)
        if width <= WIDTH and tile_path(level, number, width) == f"tile/{level}/{path}":
            return number, width
    raise NotInLog()


def _checkpoint(office: Office) -> bytes:
    """The newest signed note. Raises NotInLog before the first."""
    try:
        return Path(log_folder(office.fenhao) / "checkpoint").read_bytes()
    except FileNotFoundError:
        raise NotInLog() from None


def _signed_size(office: Office) -> int:
    return Checkpoint.parse(Note.parse(_checkpoint(office)).text).size
