"""For those who run the service: is it alive, is it ready, what does it count."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
from fastapi import APIRouter, Depends, Response

from api.bootstrap import log_folder
from api.http import shapes
from api.http.faults import NotReady
from api.http.meters import MEDIA_TYPE
from api.http.office import Door, Office, admit
from api.http.shapes import answers, with_body

LAG_MAX = 10_000
"""How many entries the views may be behind for the service to be called ready."""

router = APIRouter(dependencies=[Depends(admit)], tags=["operations"])


@router.get("/healthz", summary="存活 / alive", response_class=Response,
            responses=answers({200: (shapes.Alive, "存活 / alive")}))  # fmt: skip
async def alive() -> Response:
    """The process answers; nothing else is looked at."""
    return Response(b'{"alive":true}', media_type="application/json")


@router.get("/readyz", summary="就绪 / ready", response_class=Response,
            responses=answers({200: (shapes.Ready, "就绪 / ready")}, 503))  # fmt: skip
def ready(office: Door) -> Response:
    """The database answers, the views are not far behind and stand at no entry, and the service is not stopping."""
    runner = office.fenhao.runner
    lag = runner.lag()
    if office.stopping.is_set() or lag > LAG_MAX or (lag and runner.failure() is not None):
        raise NotReady()
    return Response(msgspec.json.encode({"ready": True}), media_type="application/json")


@router.get("/metrics", summary="指标 / figures for Prometheus", response_class=Response,
            responses={**answers({}, 403, 503), **with_body("Prometheus text format", "text/plain")})  # fmt: skip
def metrics(office: Door) -> Response:
    """What this process has counted, and how the ledger stands."""
    text = "\n".join(office.meters.lines(_gauges(office))) + "\n"
    return Response(text, media_type=MEDIA_TYPE)


def _gauges(office: Office) -> dict[str, tuple[str, int]]:
    head = office.fenhao.journal.entries.head()
    gauges = {
        "fenhao_entries": ("Entries recorded.", head.size),
        "fenhao_views_lag_entries": (
            "Entries that the views do not have yet.",
            head.size - office.fenhao.runner.position(),
        ),
    }
    try:
        signed_at = datetime.fromtimestamp((log_folder(office.fenhao) / "checkpoint").stat().st_mtime, UTC)
    except FileNotFoundError:
        return gauges
    age = office.fenhao.journal.entries.clock() - signed_at
    return gauges | {
        "fenhao_checkpoint_age_seconds": ("Since the log was last signed.", max(age.days * 86_400 + age.seconds, 0))
    }
