"""信息公开: the page for everybody."""

from __future__ import annotations

import base64
from typing import NamedTuple

from fastapi import Request, Response

from api.bootstrap import log_folder
from api.http.office import Door, Office
from api.site.frame import reader_of, shown, site_router
from audit.checkpoint import Checkpoint, Note
from projections.disclosure import public_flows
from reports.disclosed import disclosed
from reports.flow_parts import picture_of, words_of
from reports.masking import month_of
from reports.pages import rendered
from reports.traces import Reader

router = site_router()


class Head(NamedTuple):
    """The newest signed head, as people read it."""

    size: int
    root: str
    signers: list[str]


@router.get("/")
def front(request: Request, office: Door) -> Response:
    """Totals, the picture, funds, months and corrections, and the newest signed head."""
    reader = reader_of(request, office)
    figures = office.gallery.picture(
        f"front-{reader.language}",
        lambda: f"{office.fenhao.runner.position()}",
        lambda: _figures(office, reader).encode(),
    )
    return shown(request, office, "public.html", figures=figures.body.decode(), head=head_of(office))


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
        largest=max([max(month.received, month.used) for month in told.months], default=0) or 1,
    )


def head_of(office: Office) -> Head | None:
    """The newest signed head, None before the first."""
    try:
        note = Note.parse((log_folder(office.fenhao) / "checkpoint").read_bytes())
    except FileNotFoundError:
        return None
    head = Checkpoint.parse(note.text)
    return Head(head.size, base64.b64encode(head.root).decode(), [one.name for one in note.signatures])
