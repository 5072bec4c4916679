"""审计: the state of the chain, its entries one by one, a full verification, journal tests, the log to take away."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import Annotated, Any, BinaryIO

from fastapi import Query, Request, Response
from fastapi.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from api.bootstrap import log_folder, log_of
from api.http.faults import NotInLog
from api.http.office import Door, Office, Who
from api.inspecting import Inspector
from api.site.frame import leading, reader_of, shown, site_router
from audit.export import export
from ledger.database import Cursor, tuples
from ledger.errors import BadValue
from ledger.ids import check_text
from ledger.money import AmountError, parse_amount
from ledger.times import parse_day
from projections.trace import MAX_SEQ, snapshot
from reports.entries import entry_lines, word
from reports.explorer import entries_listed, explored, types_of
from reports.journal_tests import TESTS, Thresholds, counts_of, found_by, stretch_of
from reports.log_state import log_state

router = site_router()
PAGE = 50
EXPORT_MOST = 200_000
"""A larger log is exported by the command line: it takes minutes, and room on the disk."""
DAYS = 90
YEARS = range(1900, 3000)
Seq = Annotated[int, Query(ge=0, le=MAX_SEQ)]
Text = Annotated[str, Query(max_length=200)]
Below = Annotated[str, Query(pattern="^[0-9]{0,15}$")]
"""A field of a form may be empty."""
Number = Annotated[int, Query(ge=0, le=100_000)]
Hour = Annotated[int, Query(ge=0, le=24)]


@contextmanager
def _looking(office: Office) -> Iterator[Cursor]:
    with snapshot(office.fenhao.journal) as connection:
        yield tuples(connection)


@router.get("/audit")
def state(request: Request, office: Door) -> Response:
    """The chain, the log, the last verification, and what else there is to look at."""
    head = office.fenhao.journal.entries.head()
    told = log_state(log_of(office.fenhao), log_folder(office.fenhao), head.size)
    last = _inspector(office).last()
    return shown(
        request,
        office,
        "audit.html",
        head=head,
        log=told,
        last=last,
        exports=head.size <= EXPORT_MOST,
        behind=_behind(office),
    )


@router.get("/audit/entries")
def entries(request: Request, office: Door, stream: Text = "", type: Text = "", before: Below = "") -> Response:
    """Entries by the page, newest first."""
    below = int(before) if before else MAX_SEQ
    for name, text in (("stream", stream), ("type", type)):
        if text:
            check_text(text, name)
    reader = reader_of(request, office)
    with _looking(office) as cursor:
        found = entries_listed(cursor, below, stream.strip() or None, type or None, PAGE + 1)
        types = types_of(cursor)
    return shown(
        request,
        office,
        "audit_entries.html",
        found=found[:PAGE],
        next=found[PAGE - 1].entry.seq if len(found) > PAGE else None,
        stream=stream,
        type=type,
        first=not before,
        before=before,
        types=[(name, word(name, reader)) for name in types],
        word=lambda name: word(name, reader),
    )


@router.get("/audit/entries/{seq}")
def entry(request: Request, office: Door, seq: int) -> Response:
    """One entry: in words, its money, its commitments, its exact bytes, its hash and its neighbours."""
    reader = reader_of(request, office)
    with _looking(office) as cursor:
        found = explored(cursor, seq) if 0 <= seq < MAX_SEQ else None
    if found is None:
        raise NotInLog()
    lines = list(entry_lines(found.entry, found.amount, reader))
    return shown(
        request,
        office,
        "audit_entry.html",
        found=found,
        entry=found.entry,
        title=lines[0],
        rest=[line.strip() for line in lines[1:] if "→" not in line],
        word=lambda name: word(name, reader),
    )


@router.get("/audit/tests")
def journal_tests(
    request: Request,
    office: Door,
    since: Text = "",
    until: Text = "",
    days: Number = 7,
    night: Hour = 22,
    morning: Hour = 6,
    percent: Annotated[int, Query(ge=1, le=100)] = 5,
    limit: Text = "",
    test: Text = "",
    before: Seq = MAX_SEQ,
) -> Response:
    """Entries to look at first, by rules whose thresholds can be set."""
    head = office.fenhao.journal.entries.head()
    zone = office.zone
    first, last = _days(since, until, office.today())
    own = office.fenhao.writer.limits.two_persons_from
    minor = own if not limit else _minor(limit, office.currency.exponent)
    thresholds = Thresholds(days, night, morning, minor or 0, percent)
    chosen = test if test in TESTS else ""
    with _looking(office) as cursor:
        stretch = stretch_of(cursor, head.size, zone, first, last)
        counts = counts_of(cursor, stretch, thresholds, zone)
        found = found_by(cursor, chosen, stretch, thresholds, zone, before, PAGE + 1) if chosen else []
    reader = reader_of(request, office)
    asked: dict[str, Any] = {"since": first.isoformat(), "until": last.isoformat(), "days": days, "night": night}
    asked |= {"morning": morning, "percent": percent, "limit": reader.money(minor).replace(",", "") if minor else ""}
    return shown(
        request,
        office,
        "audit_tests.html",
        stretch=stretch,
        zone=zone.key,
        thresholds=thresholds,
        counts=counts,
        tests=TESTS,
        test=chosen,
        found=found[:PAGE],
        next=found[PAGE - 1].seq if len(found) > PAGE else None,
        asked=asked,
        word=lambda name: word(name, reader),
    )


@router.post("/audit/verification")
def begin(request: Request, office: Door, asker: Who) -> Response:
    """Has a full verification begin, unless one is under way."""
    _inspector(office).begin(asker.name or "")
    return _verification(request, office)


@router.get("/audit/verification")
def verification(request: Request, office: Door) -> Response:
    """How far it is: a part of the page, asked for again and again."""
    if request.headers.get("hx-request") != "true":
        return leading("/audit#verification")
    return _verification(request, office)


@router.get("/audit/export.zip")
def take_away(office: Door) -> Response:
    """The whole log with its verifier, as `fenhao export` writes it. Raises NotInLog before the first head."""
    log = log_of(office.fenhao)
    head = log.checkpoint()
    if head is None or head.size > EXPORT_MOST:
        raise NotInLog()
    name = f"fenhao-log-{head.size}"
    with tempfile.TemporaryDirectory(prefix="fenhao-export-") as folder:
        export(office.fenhao.journal, log_folder(office.fenhao), head, log.policy, Path(folder) / name)
        # Open, the file outlives its name: whatever becomes of the answer, nothing stays on the disk.
        file = Path(shutil.make_archive(f"{folder}/log", "zip", folder, name)).open("rb")  # noqa: SIM115 - see `_Packed`
    headers = {"Content-Disposition": f'attachment; filename="{name}.zip"', "Cache-Control": "private, no-store"}
    headers["Content-Length"] = str(os.fstat(file.fileno()).st_size)
    return _Packed(file, headers=headers, media_type="application/zip")


class _Packed(StreamingResponse):
    """An open file, which is closed however the answer ends."""

    def __init__(self, file: BinaryIO, **more: Any) -> None:
        super().__init__(iter(partial(file.read, 1 << 16), b""), **more)
        self._file = file

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self._file:
            await super().__call__(scope, receive, send)


def _verification(request: Request, office: Office) -> Response:
    return shown(request, office, "audit_verification.html", last=_inspector(office).last())


def _inspector(office: Office) -> Inspector:
    return Inspector(office.fenhao.settings, office.fenhao.journal.entries.clock)


def _behind(office: Office) -> int:
    """How many entries the views have yet to take in."""
    return office.fenhao.journal.entries.head().size - office.fenhao.runner.position()


def _days(since: str, until: str, today: date) -> tuple[date, date]:
    """Raises BadValue."""
    last = _day(until, "until") if until else today
    return (_day(since, "since") if since else last - timedelta(days=DAYS)), last


def _day(text: str, name: str) -> date:
    """A day on which something can have been recorded. Raises BadValue."""
    day = parse_day(text, name)
    if day.year not in YEARS:
        raise BadValue(name, text, "a year from 1900 to 2999", "年份应在 1900 至 2999 之间")
    return day


def _minor(text: str, exponent: int) -> int:
    """An amount in minor units. Raises BadValue."""
    try:
        return parse_amount(text.strip(), exponent)
    except AmountError as error:
        raise BadValue("limit", text, *error.args) from error
