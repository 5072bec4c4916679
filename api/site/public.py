"""信息公开: the page for everybody."""

from __future__ import annotations

from fastapi import Request, Response

from api.bootstrap import log_folder, policy_of
from api.http.office import Door, Office
from api.site.flows import kept
from api.site.frame import reader_of, shown, site_router
from audit.anchor import Anchor, newest
from projections.disclosure import public_flows
from reports.disclosed import disclosed
from reports.entries import basis_said
from reports.flow_parts import picture_of, words_of
from reports.masking import month_of
from reports.pages import rendered
from reports.traces import Reader

router = site_router()


@router.get("/")
def front(request: Request, office: Door) -> Response:
    """Totals, the picture, funds, months and corrections, and the newest signed head."""
    figures = kept(office, reader_of(request, office), "front", _figures)
    return shown(request, office, "public.html", figures=figures, head=head_of(office))


def _figures(office: Office, reader: Reader) -> str:
    """All that hangs on the entries alone; made anew when some have come."""
    told = disclosed(office.fenhao.journal)
    return rendered(
        "public_figures.html",
        reader.language,
        told=told,
        picture=picture_of(public_flows(office.fenhao.journal), reader),
        reader=reader,
        words=words_of(reader),
        month_of=month_of,
        why=lambda one: basis_said(one.basis, reader) if one.basis else "",
        largest=max([max(month.received, month.used) for month in told.months], default=0) or 1,
    )


def head_of(office: Office) -> Anchor | None:
    """The newest signed head with who vouches for it; None before the first."""
    return newest(log_folder(office.fenhao), policy_of(office.fenhao.settings))
