"""The flow picture of all money for everybody: by plotly, to hover over, and its rows as CSV; kept for some seconds."""

from __future__ import annotations

from collections.abc import Callable

from fastapi import Request, Response

from api.http.office import Door, Office
from api.site.frame import reader_of, shown, site_router
from projections.disclosure import public_flows
from projections.flows import Flows
from reports.flow_parts import picture_of, rows_as_csv, words_of
from reports.pages import rendered
from reports.plotting import figure
from reports.sankey import chart_of
from reports.traces import Reader

router = site_router()


@router.get("/flows")
def interactive(request: Request, office: Door) -> Response:
    """The whole ledger's."""
    part = kept(office, reader_of(request, office), "flows", _part)
    return shown(request, office, "flows.html", charts=True, part=part)


@router.get("/flows.csv")
def rows(request: Request, office: Door) -> Response:
    """Its rows."""
    return _as_file(kept(office, reader_of(request, office), "rows", _rows))


def csv_of(flows: Flows, reader: Reader) -> Response:
    """The rows of a picture as a file to keep."""
    return _as_file(rows_as_csv(flows, reader))


def kept(office: Office, reader: Reader, name: str, made: Callable[[Office, Reader], str]) -> str:
    """What is the same for everybody: made anew at most every few seconds, and only when entries have come."""
    found = office.gallery.picture(
        f"{name}-{reader.language}",
        lambda: str(office.fenhao.runner.position()),
        lambda: made(office, reader).encode(),
    )
    return found.body.decode()


def _part(office: Office, reader: Reader) -> str:
    flows = public_flows(office.fenhao.journal)
    return rendered(
        "flows_part.html",
        reader.language,
        picture=picture_of(flows, reader),
        figure=figure(chart_of(flows, reader)),
        words=words_of(reader),
        reader=reader,
    )


def _rows(office: Office, reader: Reader) -> str:
    return rows_as_csv(public_flows(office.fenhao.journal), reader)


def _as_file(rows: str) -> Response:
    headers = {"Content-Disposition": 'attachment; filename="fenhao-flows.csv"', "Cache-Control": "no-cache"}
    return Response(rows, headers=headers, media_type="text/csv; charset=utf-8")
