"""Many facts in one request: each by itself, or all of them or none."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from fastapi import APIRouter, Depends, Request, Response

from api.commands import form_of
from api.http.access import FACT_ROUTES, Asker
from api.http.faults import BadRequest, NotEntitled
from api.http.office import BatchBody, Door, Key, Office, Who, admit
from api.http.posting import KEY_HEADER, command_for, read_object
from api.http.problems import language_of, problem_of, status_of
from api.http.shapes import BatchAnswer, BatchRequest, answers, json_body
from ledger.codec import Entry
from ledger.decisions import CloseMonth, Command
from ledger.errors import InputFault, LedgerError, Refusal
from ledger.writing import Abandoned, Outcome, Recorded

MAX_FACTS = 5_000

router = APIRouter(dependencies=[Depends(admit)])
Checked = Command | LedgerError
"""A fact of a batch as its command, or what is wrong with it already."""


class AllOrNone(Refusal):
    """A batch of which all was to be recorded, and some cannot be."""

    code = "batch_refused"
    zh = "{refused} 项不能登记，因此全部未登记；第一项是第 {first} 项：{reason_zh}"
    en = "{refused} of it cannot be recorded, so nothing was; the first is number {first}: {reason}"


class NotInBatch(Refusal):
    """The closing of a month among other facts."""

    code = "not_in_batch"
    zh = "关账须单独登记（/v1/period-closings）"
    en = "a month is closed by itself (/v1/period-closings)"


@router.post(
    "/v1/batches",
    operation_id="recordBatch",
    tags=["facts"],
    summary="许多事项，逐项或全部 / many facts, each or all",
    response_class=Response,
    responses=answers(
        {200: (BatchAnswer, "每项的结果，按次序 / what became of each, in order")}, 400, 401, 403, 409, 413, 422, 503
    ),
    openapi_extra={"parameters": [KEY_HEADER], **json_body(BatchRequest)},
)
def batch(request: Request, office: Door, asker: Who, key: Key, body: BatchBody) -> Response:
    """Up to 5,000 facts in one transaction, in order; each is decided on what those before it did.

    Each has an idempotency key made of the request's and its number (`KEY/0`, `KEY/1`, ...), so that the same batch
    again answers what was recorded, and records what was not. With `"mode": "all"` a refusal is the whole batch's.
    """
    mode, items = _read(read_object(body))
    checked = [_checked(office, asker, fact, data, f"{key}/{n}") for n, (fact, data) in enumerate(items)]
    language, exponent = language_of(request), office.currency.exponent
    outcomes = _all(office, checked, exponent) if mode == "all" else _each(office, checked)
    entries = _entries(office, outcomes)
    results = [_result(one, entries, language, exponent) for one in outcomes]
    counted = {"recorded": 0, "replayed": 0, "refused": 0}
    for one in outcomes:
        counted["refused" if not isinstance(one, Recorded) else "replayed" if one.replayed else "recorded"] += 1
    return Response(msgspec.json.encode({**counted, "results": results}), 200, media_type="application/json")


def _read(asked: dict[str, Any]) -> tuple[str, list[tuple[str, dict[str, Any]]]]:
    """The mode, and each fact's name with its members. Raises BadRequest for what is not of that form."""
    mode, items = asked.get("mode", "each"), asked.get("facts")
    if asked.keys() - {"mode", "facts"} or mode not in ("each", "all") or not isinstance(items, list):
        raise BadRequest(
            rule='a batch is {"mode": "each" or "all", "facts": [...]}',
            rule_zh='批量请求应为 {"mode": "each" 或 "all", "facts": [...]}',
        )
    if len(items) > MAX_FACTS:
        raise BadRequest(rule=f"at most {MAX_FACTS} facts at once", rule_zh=f"每批最多 {MAX_FACTS} 项")
    for one in items:
        if not (isinstance(one, dict) and one.keys() == {"fact", "data"} and isinstance(one["data"], dict)):
            raise BadRequest(
                rule='each of the facts is {"fact": NAME, "data": {...}}',
                rule_zh='每一项应为 {"fact": 事项名, "data": {...}}',
            )
        if not isinstance(one["fact"], str):
            raise BadRequest(rule="a fact's name is text", rule_zh="事项名应为文本")
    return mode, [(one["fact"], one["data"]) for one in items]


def _checked(office: Office, asker: Asker, fact: str, data: dict[str, Any], key: str) -> Checked:
    """One fact's command. Who may not record such a fact by itself may not in a batch."""
    try:
        name = form_of(fact).fact
        if not asker.may("POST", FACT_ROUTES[name]):
            return NotEntitled()
        command = command_for(asker, name, data, key, office)
        return NotInBatch() if isinstance(command, CloseMonth) else command
    except (Refusal, InputFault) as fault:
        return fault


def _each(office: Office, checked: Sequence[Checked]) -> list[Outcome | LedgerError]:
    commands = [one for one in checked if isinstance(one, Command)]
    outcomes = iter(office.fenhao.writer.submit_batch(commands))
    return [next(outcomes) if isinstance(one, Command) else one for one in checked]


def _all(office: Office, checked: Sequence[Checked], exponent: int) -> list[Outcome | LedgerError]:
    """The outcomes of commands that were all recorded. Raises AllOrNone, with nothing recorded."""
    faults: dict[int, LedgerError] = {n: one for n, one in enumerate(checked) if not isinstance(one, Command)}
    outcomes: list[Outcome] = []
    if not faults:
        with office.fenhao.writer.session() as session:
            outcomes = session.run([one for one in checked if isinstance(one, Command)])
            faults = {n: one for n, one in enumerate(outcomes) if isinstance(one, Refusal)}
            if faults:
                raise Abandoned()
    if faults:
        first = min(faults)
        said = {"reason": faults[first].say("en", exponent), "reason_zh": faults[first].say("zh", exponent)}
        codes = {str(n): fault.code for n, fault in faults.items()}
        raise AllOrNone(refused=len(faults), first=first, codes=codes, **said)
    return list(outcomes)


def _entries(office: Office, outcomes: Sequence[Outcome | LedgerError]) -> dict[int, Entry]:
    """The entries behind the outcomes: what one transaction recorded stands together, the rest is read one by one."""
    read = office.fenhao.journal.entries.read
    fresh = [one.seq for one in outcomes if isinstance(one, Recorded) and not one.replayed]
    entries = {entry.seq: entry for entry in read(fresh[0], fresh[-1] - fresh[0] + 1)} if fresh else {}
    for one in outcomes:
        if isinstance(one, Recorded) and one.seq not in entries:
            entries[one.seq] = read(one.seq, 1)[0]
    return entries


def _result(outcome: Outcome | LedgerError, entries: dict[int, Entry], language: str, exponent: int) -> dict[str, Any]:
    if not isinstance(outcome, Recorded):
        status = status_of(outcome)
        return {"status": status, "problem": problem_of(outcome, status, language, exponent)}
    entry = entries[outcome.seq]
    status = 200 if outcome.replayed else 201
    return {"status": status, "seq": entry.seq, "type": entry.type, "stream": entry.stream, "leaf": entry.leaf.hex()}
