"""The bank and the books, for programs: lines of statements, what is behind them, months and what keeps them open."""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated, Any, Literal

import msgspec
from fastapi import APIRouter, Depends, Path, Query, Response

from api.closing import ready
from api.http import shapes_of_bank as shapes
from api.http.asking import MAX_PAGE
from api.http.cursors import MAX_CHARS, cursor_of, read_cursor
from api.http.faults import CursorStale
from api.http.office import Door, Office, admit
from api.http.queries import told
from ledger.decisions.periods import last_day
from ledger.errors import BadValue
from ledger.ids import check_id
from reports.bank_desk import Listed, Wanted, idea_members, lines_of
from reports.closing import cut_off
from reports.line_told import told_line
from reports.months import months
from reports.reconcile import Key

router = APIRouter(dependencies=[Depends(admit)], tags=["bank"])

State = Literal["unmatched", "suggested", "partial", "disputed", "matched", "written_off", "held"]
MONTH = "^[0-9]{4}-(0[1-9]|1[0-2])$"
MOST_OPEN = 1_000
"""So many open lines of a month are named; the list of lines has them all."""


@router.get("/v1/bank/lines", operation_id="bankLines", **told(shapes.Lines, "对账单流水", "lines of statements"))
def lines(
    office: Door,
    state: Annotated[State | None, Query(description="状态 / what stands of it")] = None,
    account: Annotated[str | None, Query(description="账户 / of one account", max_length=120)] = None,
    month: Annotated[str | None, Query(description="月份 / of a month", pattern=MONTH)] = None,
    limit: Annotated[int, Query(ge=1, le=MAX_PAGE)] = 100,
    cursor: Annotated[
        str | None, Query(description="上一页的 next / `next` of the page before", max_length=MAX_CHARS)
    ] = None,
) -> Response:
    """Lines in the ledger's currency in the order of their days, each with what stands of it; by the page."""
    behind, filters = None, [state, account, month]
    if cursor is not None:
        filters, place = read_cursor(cursor, "bank-lines", filters)
        behind = _behind(place)
    wanted = wanted_of(office, *filters)._replace(behind=behind)
    suggested = sorted(office.ideas.ideas(office.fenhao.journal).lines)
    with office.fenhao.journal.entries.reading() as reading:
        found = lines_of(reading, wanted, suggested, limit + 1)
    last = found[limit - 1] if len(found) > limit else None
    after = None if last is None else [last.on.toordinal(), last.statement, last.ordinal]
    return _json(
        {
            "lines": [_line(one) for one in found[:limit]],
            "next": None if after is None else cursor_of("bank-lines", filters, after),
        }
    )


@router.get("/v1/bank/lines/{id:id}", operation_id="bankLine", **told(shapes.LineTold, "一笔流水", "one line"))
def line(
    office: Door, id: Annotated[str, Path(description="如 B7/3 / such as B7/3", min_length=4, max_length=40)]
) -> Response:
    """A line (`B7/3`), what was said of it, the entries and gifts behind it, whom they helped, what is suggested."""
    key = line_key(id)
    found, gifts = told_line(office.fenhao.journal, key)
    ideas = office.ideas.ideas(office.fenhao.journal).of(key)
    return _json(
        {
            "line": f"B{key[0]}/{key[1]}",
            "account": found.account,
            "on": found.on,
            "amount": found.amount,
            "refs": found.refs,
            "state": "suggested" if ideas and found.state == "unmatched" else found.state,
            "said": [one._asdict() for one in found.said],
            "entries": [one._asdict() for one in found.behind],
            "donations": gifts,
            "suggested": [idea_members(one) for one in ideas],
        }
    )


@router.get("/v1/periods", operation_id="periods", **told(shapes.Periods, "账期", "the months of the books"))
def periods(office: Door) -> Response:
    """Months that were closed, and those after the last closed one."""
    with office.fenhao.journal.entries.reading() as cursor:
        found = months(cursor, office.today())
    return _json({"periods": [one._asdict() for one in found]})


@router.get("/v1/periods/{period}", operation_id="period", **told(shapes.PeriodTold, "一个账期", "one month"))
def period(office: Door, period: Annotated[str, Path(description="如 2026-10 / such as 2026-10")]) -> Response:
    """What stands in the way of closing a month (lines open, statements held or missing), and its cut-off list."""
    last_day(period)
    found, _ = ready(office.fenhao, period, office.ideas.ideas(office.fenhao.journal).lines)
    with office.fenhao.journal.entries.reading() as cursor:
        state = next((one.state for one in months(cursor, office.today()) if one.period == period), None)
        across = cut_off(cursor, period)
    obstacles = found.members()
    obstacles["open"] = obstacles["open"][:MOST_OPEN]
    return _json(
        {
            **obstacles,
            "state": state,
            "ready": found.is_ready,
            "open_lines": len(found.lines),
            "cut_off": [one._asdict() for one in across],
        }
    )


def wanted_of(office: Office, state: str | None, account: str | None, month: str | None) -> Wanted:
    """Which lines the filters ask for. Raises BadValue."""
    if account is not None:
        check_id(account, "account")
    until = None if month is None else last_day(month)
    since = None if until is None else until.replace(day=1)
    return Wanted(office.currency.code, state, account, since, until)


def line_key(id: str) -> Key:
    """`B7/3` as statement and ordinal. Raises BadValue."""
    match = re.fullmatch("B([0-9]{1,18})/([0-9]{1,9})", id, re.ASCII)
    if match is None:
        raise BadValue("line", id, "a line, such as B7/3", "应为流水编号，如 B7/3")
    return int(match[1]), int(match[2])


def _behind(place: list[Any]) -> tuple[date, int, int]:
    """The day, statement and ordinal that a page goes on behind. Raises CursorStale."""
    match place:
        case [int(day), int(statement), int(ordinal)] if (
            0 < day <= date.max.toordinal() and 0 <= statement < 2**63 and 0 <= ordinal < 2**31
        ):
            return date.fromordinal(day), statement, ordinal
    raise CursorStale()


def _line(one: Listed) -> dict[str, Any]:
    return {
        "line": one.name,
        "account": one.account,
        "on": one.on,
        "amount": one.amount,
        "open": one.amount - one.taken,
        "refs": [ref for ref in (one.bank_ref, one.order_ref) if ref],
        "state": one.state,
        "file": one.file,
        "statement": one.position,
        "ordinal": one.ordinal,
    }


def _json(members: dict[str, Any]) -> Response:
    headers = {"Cache-Control": "private, no-cache", "Vary": "Accept-Language, Authorization, Cookie"}
    return Response(msgspec.json.encode(members), 200, headers, "application/json")
