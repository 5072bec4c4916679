"""The flow picture of all money for everybody: by plotly, to hover over, and its rows as CSV."""

from __future__ import annotations

from fastapi import Request, Response

from api.http.office import Door
from api.site.frame import reader_of, shown, site_router
from projections.disclosure import public_flows
from projections.flows import Flows
from reports.flow_parts import picture_of, rows_as_csv, words_of
from reports.plotting import figure
from reports.sankey import chart_of
from reports.traces import Reader

router = site_router()


@router.get("/flows")
def interactive(request: Request, office: Door) -> Response:
    """The whole ledger's."""
    flows, reader = public_flows(office.fenhao.journal), reader_of(request, office)
    return shown(
        request,
        office,
        "flows.html",
        charts=True,
        picture=picture_of(flows, reader),
        figure=figure(chart_of(flows, reader)),
        words=words_of(reader),
        csv="/flows.csv",
    )


@router.get("/flows.csv")
def rows(request: Request, office: Door) -> Response:
    """Its rows."""
    return csv_of(public_flows(office.fenhao.journal), reader_of(request, office))


def csv_of(flows: Flows, reader: Reader) -> Response:
    """The rows of a picture as a file to keep."""
    headers = {"Content-Disposition": 'attachment; filename="fenhao-flows.csv"', "Cache-Control": "no-cache"}
    return Response(rows_as_csv(flows, reader), headers=headers, media_type="text/csv; charset=utf-8")
