"""What every question may say (from where to look, which page), and answering it, or that nothing has changed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Annotated, Any

import msgspec
from fastapi import Depends, Query, Request, Response

from api.bootstrap import vantage_of
from api.http.cursors import MAX_CHARS, cursor_of, read_cursor
from api.http.faults import BadRequest, CursorStale, ViewsBehind
from api.http.office import Office
from api.http.problems import language_of
from projections.history import reading_from
from projections.trace import Trace, Traces, whole

WAIT_S = 5.0
MAX_PAGE = 1_000
Item = dict[str, Any]
AsOf = Annotated[str | None, Query(description="记账日期截至该日 / posted up to that day", max_length=40)]
KnownAt = Annotated[str | None, Query(description="截至该时刻已登记的 / recorded by then", max_length=40)]
OrderOf = Callable[[Item], list[Any]]
"""An item's place in its list: what the list is sorted by, numbers and texts, no two items alike."""


@dataclass(frozen=True, slots=True)
class Question:
    """From where to look, once which entry is in the views, and which page: that behind the place `behind`."""

    as_of: str | None
    known_at: str | None
    after_seq: int | None
    limit: int
    behind: list[Any] | None
    where: str

    def next_cursor(self, place: list[Any]) -> str:
        """The cursor of the page behind a place: it keeps from where is looked, and is good for this list alone."""
        return cursor_of(self.where, [self.as_of, self.known_at], place)


async def question(
    request: Request,
    as_of: AsOf = None,
    known_at: KnownAt = None,
    after_seq: Annotated[
        int | None, Query(description="等视图更新到此分录 / once this entry is in the views", ge=0, le=2**53 - 1)
    ] = None,
    limit: Annotated[int, Query(description="每页条数 / items of a page", ge=1, le=MAX_PAGE)] = 100,
    cursor: Annotated[
        str | None, Query(description="上一页的 next / `next` of the page before", max_length=MAX_CHARS)
    ] = None,
) -> Question:
    """The question that the parameters ask. Raises CursorStale."""
    where = f"{request.url.path}?{request.query_params.get('list', '')}"
    if cursor is None:
        return Question(as_of, known_at, after_seq, limit, None, where)
    (old_as_of, old_known_at), place = read_cursor(cursor, where, [as_of, known_at])
    return Question(old_as_of, old_known_at, after_seq, limit, place, where)


Asked = Annotated[Question, Depends(question)]


def answer(request: Request, office: Office, asked: Question, tell: Callable[[Traces], Trace]) -> Response:
    """What `tell` says of the state that is asked for, or 304 when the asker has it already. Raises what it raises."""
    wait_for(office, asked.after_seq)
    tag = tag_of(request, office)
    headers = {"ETag": tag, "Cache-Control": "private, no-cache"}
    headers["Vary"] = "Accept-Language, Authorization, Cookie"
    unchanged = not_changed(request, headers)
    if unchanged is not None:
        return unchanged
    vantage = vantage_of(office.fenhao, asked.as_of, asked.known_at)
    with reading_from(office.fenhao.journal, vantage) as traces:
        found = whole(tell(traces))
    return Response(msgspec.json.encode(found), 200, headers, "application/json")


def not_changed(request: Request, headers: dict[str, str]) -> Response | None:
    """304 for who has the answer already, as If-None-Match and the headers' ETag tell."""
    known = [one.strip().removeprefix("W/") for one in request.headers.get("if-none-match", "").split(",")]
    return Response(None, 304, headers) if headers["ETag"] in known else None


def wait_for(office: Office, seq: int | None) -> None:
    """Returns once the views have that entry. Raises BadRequest for one that is not recorded, ViewsBehind."""
    if seq is None:
        return
    if seq >= office.fenhao.journal.entries.head().size:
        raise BadRequest(rule=f"there is no entry {seq} to wait for", rule_zh=f"没有第 {seq} 号分录可等")
    try:
        office.fenhao.runner.wait_for(seq, WAIT_S)
    except TimeoutError:
        raise ViewsBehind(seq=seq) from None


def tag_of(request: Request, office: Office) -> str:
    """The entity tag of what the views say now at this address: it changes whenever an entry is folded."""
    return f'"{office.fenhao.runner.position()}-{language_of(request)}-{office.edition}"'


def page(trace: Trace, name: str, order_of: OrderOf, asked: Question) -> Trace:
    """The trace with one page of its long list `name`, and `next`, the cursor of the page behind it (None: none is)."""
    rest = _behind(trace[name], order_of, asked.behind)
    items = list(islice(rest, asked.limit))
    more = next(rest, None) is not None
    return {**trace, name: items, "next": asked.next_cursor(order_of(items[-1])) if more else None}


def _behind(items: Iterable[Item], order_of: OrderOf, place: list[Any] | None) -> Iterator[Item]:
    """The items behind a place. Raises CursorStale for a place that is none of this list's."""
    for one in items:
        own = order_of(one)
        if place is not None and list(map(type, own)) != list(map(type, place)):
            raise CursorStale()
        if place is None or own > place:
            yield one
