"""Flow pictures as figures: of all money for everybody, of any money for those entitled, of their own for donors."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends, Query, Request, Response

from api.bootstrap import vantage_of
from api.http import shapes
from api.http.access import NOBODY, READERS
from api.http.asking import not_changed, tag_of, wait_for
from api.http.faults import NotEntitled, NotSignedIn
from api.http.office import Door, Office, Who, admit
from api.http.problems import language_of
from api.http.queries import Id, told
from ledger.ids import check_id
from ledger.times import parse_day
from projections.disclosure import public_flows
from projections.flows import Flows, Scope, flows
from projections.history import Vantage
from reports.sankey import graph
from reports.traces import Reader

router = APIRouter(dependencies=[Depends(admit)], tags=["queries"])

Day = Annotated[str | None, Query(max_length=10)]
Time = Annotated[str | None, Query(description="回看的日期或时刻 / looking back", max_length=40)]
Text = Annotated[str | None, Query(max_length=120)]
AfterSeq = Annotated[
    int | None, Query(description="等视图更新到此分录 / once this entry is in the views", ge=0, le=2**53 - 1)
]


@router.get("/v1/flows", **told(shapes.Picture, "善款流向", "where the money went"))
def all_flows(
    request: Request,
    office: Door,
    asker: Who,
    donor: Text = None,
    fund: Text = None,
    case: Text = None,
    since: Day = None,
    until: Day = None,
    as_of: Time = None,
    known_at: Time = None,
    after_seq: AfterSeq = None,
) -> Response:
    """Donors, funds, hospitals and outcomes, with what went between them, net of returns.

    Everybody sees the whole without donors, and no group of fewer than five children by itself; choosing is for those
    entitled.
    """
    reader = _reader(request, office)
    if asker.grants.isdisjoint(READERS):
        if any(one is not None for one in (donor, fund, case, since, until, as_of, known_at, after_seq)):
            raise NotSignedIn() if asker is NOBODY else NotEntitled()
        known = office.gallery.picture(
            reader.language, lambda: tag_of(request, office), lambda: _body(public_flows(office.fenhao.journal), reader)
        )
        headers = {
            "ETag": known.tag,
            "Cache-Control": "public, max-age=5",
            "Vary": "Accept-Language, Authorization, Cookie",
        }
        return not_changed(request, headers) or Response(known.body, 200, headers, "application/json")
    vantage = vantage_of(office.fenhao, as_of, known_at)
    return _answer(request, office, _scope(donor, fund, case, since, until), vantage, after_seq)


@router.get("/v1/donors/{id:id}/flows", **told(shapes.Picture, "一位捐赠人的善款流向", "where a donor's money went"))
def donor_flows(
    request: Request,
    office: Door,
    asker: Who,
    id: Id,
    since: Day = None,
    until: Day = None,
    as_of: Time = None,
    known_at: Time = None,
    after_seq: AfterSeq = None,
) -> Response:
    """The same of one donor's gifts."""
    asker.require_own(check_id(id, "donor"))
    vantage = vantage_of(office.fenhao, as_of, known_at)
    return _answer(request, office, _scope(id, None, None, since, until), vantage, after_seq)


def _answer(request: Request, office: Office, scope: Scope, vantage: Vantage, after_seq: int | None) -> Response:
    wait_for(office, after_seq)
    headers = {"ETag": tag_of(request, office), "Cache-Control": "private, no-cache"}
    headers["Vary"] = "Accept-Language, Authorization, Cookie"
    unchanged = not_changed(request, headers)
    if unchanged is not None:
        return unchanged
    body = _body(flows(office.fenhao.journal, scope, vantage=vantage), _reader(request, office))
    return Response(body, 200, headers, "application/json")


def _scope(donor: str | None, fund: str | None, case: str | None, since: str | None, until: str | None) -> Scope:
    """Raises BadValue."""
    for noun, one in (("donor", donor), ("fund", fund), ("case", case)):
        if one is not None:
            check_id(one, noun)
    days: list[date | None] = [
        None if day is None else parse_day(day, name) for name, day in (("since", since), ("until", until))
    ]
    return Scope(donor, fund, case, *days)


def _body(found: Flows, reader: Reader) -> bytes:
    members: dict[str, Any] = {"total": found.total, **graph(found, reader)}
    return msgspec.json.encode(members)


def _reader(request: Request, office: Office) -> Reader:
    return Reader(language_of(request), office.currency.code, office.currency.exponent)
