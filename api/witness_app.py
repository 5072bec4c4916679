"""A witness over HTTP: two routes (C2SP tlog-witness), for a partner charity or a regulator to run."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from audit.witness import MAX_BODY_BYTES, Answer, Witness
from ledger.errors import OperatorFault


def witness_app(witness: Witness) -> Starlette:
    """The witness as an application; whatever keeps it from signing is a 503 that says so."""

    async def add_checkpoint(request: Request) -> Response:
        body = b""
        async for chunk in request.stream():
            body += chunk
            if len(body) > MAX_BODY_BYTES:
                raise HTTPException(413, f"at most {MAX_BODY_BYTES} bytes")
        return _response(await run_in_threadpool(witness.add_checkpoint, body))

    async def checkpoint(request: Request) -> Response:
        return _response(await run_in_threadpool(witness.checkpoint, request.path_params["origin_hash"]))

    async def unable(_: Request, error: Exception) -> Response:
        return Response(f"{error}\n", 503, media_type="text/plain")

    return Starlette(
        routes=[
            Route("/add-checkpoint", add_checkpoint, methods=["POST"]),
            Route("/{origin_hash:str}/checkpoint", checkpoint, methods=["GET"]),
        ],
        exception_handlers={OperatorFault: unable},
    )


def _response(answer: Answer) -> Response:
    return Response(answer.body, answer.status, headers={"Content-Type": answer.content_type})
