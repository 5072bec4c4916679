"""Facts asked for over HTTP: one route a fact, and batches of them. Each is recorded once under its idempotency key."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import msgspec
from anyio import to_thread
from fastapi import APIRouter, Depends, Request, Response

from api.commands import RECORDABLE, command_of, form_of
from api.fact_words import MEANINGS
from api.http.access import FACT_ROUTES, Asker, Grant
from api.http.examples import EXAMPLES
from api.http.faults import BadRequest
from api.http.forms import form_schema
from api.http.office import MAX_BODY_BYTES, Office, admit, idempotency_key, office_of, read_body
from api.http.shapes import RecordedFact, answers, body_of, linked
from api.recording import record
from ledger.decisions import CloseMonth, Command
from ledger.decisions.matching import PERSON
from ledger.errors import BadValue
from ledger.events import DonationReceived

LONG_BYTES = 1 << 14
"""A longer body is read in a thread: nobody else is kept waiting by it."""

router = APIRouter(dependencies=[Depends(admit)])

KEY_HEADER = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": True,
    "description": "同键同内容只登记一次 / recorded once under a key, for good",
    "schema": {"type": "string", "minLength": 1, "maxLength": 100, "pattern": "^[!-~]+$"},
}


def read_object(body: bytes) -> dict[str, Any]:
    """The one JSON object in a body. Raises BadRequest for anything else, a name given twice among it."""
    try:
        value = _read_json(body.decode())
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise BadRequest(
            rule="the body is one JSON object in UTF-8, no name in it twice",
            rule_zh="正文应为一个 UTF-8 编码的 JSON 对象，成员名不重复",
        )
    return value


def command_for(asker: Asker, fact: str, members: Mapping[str, Any], key: str, office: Office) -> Command:
    """The command that the members ask for, in the name of who asks. Raises what `command_of` does, and BadValue.

    A person speaks for nobody else: `by` is who is signed in, and `approved_by` is not theirs to say. A program with
    the scope `record` passes on what people did elsewhere, and names them.
    """
    if "key" in members:
        raise BadValue("key", members["key"], "the header Idempotency-Key gives it", "由 Idempotency-Key 请求头给出")
    members, apart = {**members}, dict[str, Any](key=key)
    if Grant.RECORD not in asker.grants:
        if members.get("approved_by"):
            raise BadValue(
                "approved_by",
                "…",
                "who approves does so themselves (/v1/proposals)",
                "批准须由批准人本人作出（/v1/proposals）",
            )
        apart["approved_by"] = None
        if members.get("by") not in (None, asker.name):
            raise BadValue("by", members["by"], f"it is you who asks: {asker.name}", f"应为您本人：{asker.name}")
        if members.get("rule") not in (None, PERSON):
            raise BadValue("rule", members["rule"], f"a person's match is {PERSON}", f"人工匹配应为 {PERSON}")
    if members.get("by") is None:
        members["by"] = asker.name
    return command_of(fact, members, office.currency, apart)


def _endpoint(fact: str) -> Callable[[Request], Awaitable[Response]]:
    # What this takes it reads by hand: on the route that is asked most, each dependency costs as much as the fact does.
    async def endpoint(request: Request) -> Response:
        office, asker = await office_of(request), request.state.asker
        key, body = await idempotency_key(request), await read_body(request, MAX_BODY_BYTES)

        def command() -> Command:
            return command_for(asker, fact, read_object(body), key, office)

        asked = command() if len(body) < LONG_BYTES else await to_thread.run_sync(command)
        if isinstance(asked, CloseMonth):  # reads the books first: nobody is to wait for that
            done = await to_thread.run_sync(record, office.fenhao, asked)
        else:
            done = await office.recorder.ask(asked)
        members = done.members(office.currency)
        del members["dry_run"]
        headers = {"Location": f"/v1/entries/{done.entry.seq}"}
        return Response(msgspec.json.encode(members), 200 if done.replayed else 201, headers, "application/json")

    return endpoint


# Routes are tried one after the other: first what is asked for most.
for _fact in sorted(RECORDABLE, key=lambda fact: fact != DonationReceived.__name__):
    _zh, _en = MEANINGS[_fact]
    router.add_api_route(
        FACT_ROUTES[_fact],
        _endpoint(_fact),
        methods=["POST"],
        status_code=201,
        operation_id=f"record{_fact}",
        tags=["facts"],
        summary=f"{_fact}: {_en}",
        description=f"{_zh} / {_en}",
        response_class=Response,
        responses=linked(
            answers(
                {200: (RecordedFact, "此前已登记 / recorded before"), 201: (RecordedFact, "已登记 / recorded")},
                *(400, 401, 403, 409, 413, 422, 503),
            ),
            (one.name for one in form_of(_fact).members),
        ),
        openapi_extra={
            "parameters": [KEY_HEADER],
            **body_of(_fact, form_schema(form_of(_fact)), example=EXAMPLES[_fact]),
        },
    )


def _unrepeated(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name stands twice in one object")
    return found


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


_read_json = json.JSONDecoder(object_pairs_hook=_unrepeated, parse_constant=_no_constant).decode
