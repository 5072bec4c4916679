"""我的善款: a donor's own pages; staff and auditors see the same of any donor under /donors/{id}."""

from __future__ import annotations

from typing import Annotated, Any, NamedTuple
from urllib.parse import quote

from fastapi import Depends, Query, Request, Response

from api.http.access import Grant
from api.http.cursors import MAX_CHARS, cursor_of, read_cursor
from api.http.faults import CursorStale, NotEntitled
from api.http.office import Door, Office, Who
from api.site.flows import csv_of
from api.site.frame import reader_of, shown, site_router
from api.site.public import head_of
from ledger.errors import Unknown
from ledger.ids import check_id
from ledger.vault import Reader as VaultReader
from projections.flows import Flows, Scope, flows
from reports.donor import REASON, Asked, Wording, gift_of, giving_of
from reports.donor_statement import periods_between
from reports.flow_parts import picture_of, words_of
from reports.masking import month_of
from reports.plotting import figure
from reports.sankey import chart_of

router = site_router()
Below = Annotated[int | None, Query(ge=0, le=2**53 - 1)]
Place = Annotated[str | None, Query(max_length=200)]
Cursor = Annotated[str | None, Query(max_length=MAX_CHARS)]


class Desk(NamedTuple):
    """Whose pages are asked for, where they are on this site, who may read there names of children and of the donor
    (None: not who asks), and whether who asks is the donor."""

    donor: str
    path: str
    looking: VaultReader | None
    naming: VaultReader | None
    own: bool


def desk(request: Request, asker: Who) -> Desk:
    """The donor's of the address, for those entitled; under /my who is signed in. Raises NotEntitled, BadValue."""
    named = request.path_params.get("id")
    donor = asker.donor if named is None else check_id(named, "donor")
    if donor is None:
        raise NotEntitled()
    asker.require_own(donor)
    path = "/my" if named is None else f"/donors/{quote(donor, safe='')}"
    looking = VaultReader(asker.name or donor, REASON)
    own = asker.donor is not None
    return Desk(
        donor,
        path,
        looking if own or Grant.PROGRAMME in asker.grants else None,
        looking if own or Grant.FINANCE in asker.grants else None,
        own,
    )


Whose = Annotated[Desk, Depends(desk)]


@router.get("/my/gifts/{donation:id}")
@router.get("/donors/{id:id}/gifts/{donation:id}")
def gift(
    request: Request, office: Door, whose: Whose, donation: str, step: Cursor = None, piece: Cursor = None
) -> Response:
    """One gift, step by step, down to its serials."""
    pages = (
        None if step is None else _place(step, donation, "steps", (int, str, str)),
        None if piece is None else _place(piece, donation, "pieces", (int, int)),
    )
    try:
        check_id(donation, "donation")
        told = gift_of(office.fenhao.journal, office.fenhao.vault, whose.donor, donation, whose.looking, *pages)
    except Unknown:
        raise NotEntitled() if whose.own else Unknown("donation", donation) from None
    reader = reader_of(request, office)
    return shown(
        request,
        office,
        "donor_gift.html",
        desk=whose,
        told=told,
        wording=Wording(reader, told.names),
        next_step=told.next_step and cursor_of("steps", [donation], told.next_step),
        next_piece=told.next_piece and cursor_of("pieces", [donation], told.next_piece),
        paged=step is not None or piece is not None,
    )


@router.get("/my/flows")
@router.get("/donors/{id:id}/flows")
def picture(request: Request, office: Door, whose: Whose) -> Response:
    """The flow picture of their money."""
    found, reader = _flows(office, whose), reader_of(request, office)
    return shown(
        request,
        office,
        "donor_flows.html",
        charts=True,
        desk=whose,
        picture=picture_of(found, reader) if found and found.total else None,
        figure=figure(chart_of(found, reader)) if found and found.total else None,
        words=words_of(reader),
    )


@router.get("/my/flows.csv")
@router.get("/donors/{id:id}/flows.csv")
def rows(request: Request, office: Door, whose: Whose) -> Response:
    """Its rows."""
    found = _flows(office, whose)
    if found is None:
        raise Unknown("donor", whose.donor)
    answer = csv_of(found, reader_of(request, office))
    answer.headers["Cache-Control"] = "private, no-cache"
    return answer


@router.get("/my")
@router.get("/donors/{id:id}")
def front(
    request: Request, office: Door, whose: Whose, gift: Below = None, child: Place = None, change: Below = None
) -> Response:
    """What they gave, where it stands, whom it helped, what waits, what was changed, and every gift."""
    reader = reader_of(request, office)
    asked = Asked(gift, child, change)
    today = office.today()
    told = giving_of(office.fenhao.journal, office.fenhao.vault, whose.donor, whose.looking, today, asked)
    if not told.lines and not whose.own:
        raise Unknown("donor", whose.donor)
    return shown(
        request,
        office,
        "donor.html",
        desk=whose,
        told=told,
        wording=Wording(reader, told.names),
        head=head_of(office),
        asked=asked,
        month_of=month_of,
        periods=periods_between(told.span[0], today) if told.span else [],
    )


def _flows(office: Office, whose: Desk) -> Flows | None:
    """None for who gave nothing."""
    try:
        return flows(office.fenhao.journal, Scope(donor=whose.donor))
    except Unknown:
        if not whose.own:
            raise
        return None


def _place(cursor: str, donation: str, name: str, types: tuple[type, ...]) -> list[Any]:
    """The place in a list of one gift that a cursor says. Raises CursorStale."""
    _, place = read_cursor(cursor, name, [donation])
    if tuple(map(type, place)) != types:
        raise CursorStale()
    return place
