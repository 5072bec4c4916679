"""Statements of banks over HTTP: files taken in with the gate's answer, listed, and accepted by two where held."""

from __future__ import annotations

from pathlib import Path as FilePath
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends, Path, Query, Response

from api.http import shapes_of_bank as bank
from api.http.access import Asker, Grant
from api.http.asking import MAX_PAGE
from api.http.cursors import MAX_CHARS, cursor_of, read_cursor
from api.http.faults import CursorStale
from api.http.office import Body, Door, Office, Who, admit
from api.http.queries import told
from api.http.shapes import answers, json_body, read_as
from api.http.uploads import MULTIPART, Sent, Upload
from api.intake.mapping import columns_of, mapping_in
from ledger.errors import BadValue, Unknown
from ledger.ids import check_id
from ledger.times import utc_text
from ledger.vault import Reader
from reports.bank_desk import AskedFor, ask_acceptance, asked_acceptances
from reports.banking.reading import read_document
from reports.banking.register import Kept, NotHeld, Register
from reports.banking.taking import Acceptance, SamePerson, Taken, named
from reports.banking.words import problems, told_of

router = APIRouter(dependencies=[Depends(admit)], tags=["bank"])
Number = Annotated[str, Path(description="如 B7 / such as B7", pattern="^B[0-9]{1,15}$")]


@router.post(
    "/v1/bank/statements",
    operation_id="takeStatements",
    status_code=201,
    summary="导入对账单 / take statements in",
    response_class=Response,
    responses=answers(
        {
            200: (bank.StatementsTaken, "此前已导入，或试运行 / taken in before, or tried"),
            201: (bank.StatementsTaken, "已导入 / taken in"),
        },
        *(400, 401, 403, 409, 413, 422, 503),
    ),
    openapi_extra=MULTIPART,
)
def take(
    office: Door, sent: Upload, dry_run: Annotated[bool, Query(description="只试运行 / record nothing")] = False
) -> Response:
    """One file of any format that is known, by its content; `account` names its account where the file does not.

    A statement that does not tie is held until two persons accept it. The same file again records nothing: no key is
    needed. `mapping` is the text of a mapping file (TOML) for tables that are no known bank's.
    """
    form, taken = taken_in(office, sent, dry_run=dry_run)
    fresh = not dry_run and any(one.state != "already" for one in taken)
    said = {"file": sent.name, "format": form, "statements": [_figures(one) for one in taken]}
    return _json(said, 201 if fresh else 200)


@router.get(
    "/v1/bank/statements", operation_id="bankStatements", **told(bank.StatementsTold, "对账单", "statements of banks")
)
def statements(
    office: Door,
    account: Annotated[str | None, Query(description="账户 / of one account", max_length=120)] = None,
    limit: Annotated[int, Query(ge=1, le=MAX_PAGE)] = 100,
    cursor: Annotated[
        str | None, Query(description="上一页的 next / `next` of the page before", max_length=MAX_CHARS)
    ] = None,
) -> Response:
    """The statements that were taken in, oldest first; by the page."""
    filters, behind = [account], 0
    if cursor is not None:
        filters, place = read_cursor(cursor, "bank-statements", filters)
        match place:
            case [int(id)]:
                behind = id
            case _:
                raise CursorStale()
    if filters[0] is not None:
        check_id(filters[0], "account")
    kept = sorted((one for one in _register(office).statements(filters[0]) if one.id > behind), key=lambda one: one.id)
    with office.fenhao.journal.entries.reading() as reading:
        asked = asked_acceptances(reading)
    after = cursor_of("bank-statements", filters, [kept[limit - 1].id]) if len(kept) > limit else None
    return _json({"statements": [_kept(one, asked.get(one.id)) for one in kept[:limit]], "next": after})


@router.get(
    "/v1/bank/statements/{id}", operation_id="bankStatement", **told(bank.StatementTold, "一份对账单", "one statement")
)
def statement(office: Door, id: Number) -> Response:
    """Whether it ties, and who stands for it where it does not."""
    return _one(office, int(id[1:]))


@router.post(
    "/v1/bank/statements/{id}/acceptance",
    operation_id="acceptStatement",
    summary="接受搁置的对账单 / accept what is held",
    response_class=Response,
    responses=answers({200: (bank.StatementTold, "现状 / as it stands now")}, 400, 401, 403, 404, 409, 413, 422, 503),
    openapi_extra=json_body(bank.AcceptanceRequest),
)
def accept(office: Door, asker: Who, id: Number, body: Body) -> Response:
    """The first person of finance says why (`reason`), the second that it is to be accepted.

    A program that passes on what people did elsewhere names both, `by` and `approved_by`, with the reason.
    """
    asked = read_as(body, bank.AcceptanceRequest)
    number = int(id[1:])
    if Grant.RECORD in asker.grants:
        said = Acceptance(asked.by or "", asked.approved_by or "", asked.reason or "")
        _register(office).accept(number, said)
    elif asked.by is not None or asked.approved_by is not None:
        raise BadValue("by", "…", "each person says so themselves", "须由两人各自作出")
    else:
        accepted(office, asker, number, asked.reason)
    return _one(office, number)


def taken_in(office: Office, sent: Sent, *, dry_run: bool = False) -> tuple[str, list[Taken]]:
    """The format of a file that was sent, and what became of its statements. Raises what reading and taking raise."""
    mapping = sent.fields.get("mapping")
    columns = columns_of(mapping_in(FilePath("mapping"), mapping.encode())) if mapping else None
    document = named(read_document(sent.data, sent.name, columns), sent.fields.get("account") or None, sent.name)
    return document.format, _register(office).take(document, sent.name, dry_run=dry_run)


def accepted(office: Office, asker: Asker, id: int, reason: str | None) -> None:
    """One person's word for a statement that is held: the first says why, the second accepts it. Raises Unknown,
    SamePerson, NotHeld, BadValue."""
    assert asker.name is not None
    if kept_of(office, id).state != "held":
        raise NotHeld(id=f"B{id}")
    with office.fenhao.journal.entries.reading() as cursor:
        first = asked_acceptances(cursor).get(id)
    if first is None:
        ask_acceptance(office.fenhao.journal, id, Reader(asker.name, (reason or "").strip()))
    elif first.by == asker.name:
        raise SamePerson()
    else:
        _register(office).accept(id, Acceptance(first.by, asker.name, first.reason))


def kept_of(office: Office, id: int) -> Kept:
    """A statement by its number. Raises Unknown."""
    found = _register(office).statements(id=id)
    if not found:
        raise Unknown("statement", f"B{id}")
    return found[0]


def _register(office: Office) -> Register:
    return Register(office.fenhao.journal, office.fenhao.vault)


def _one(office: Office, id: int) -> Response:
    found = kept_of(office, id)
    with office.fenhao.journal.entries.reading() as cursor:
        return _json(_kept(found, asked_acceptances(cursor).get(id)))


def _figures(one: Taken | Kept) -> dict[str, Any]:
    said = told_of(one)
    return {
        "id": None if one.id is None else f"B{one.id}",
        "state": one.state,
        "account": said.account,
        "currency": said.currency,
        "exponent": said.exponent,
        "first_on": said.first_on,
        "last_on": said.last_on,
        "opening": said.opening,
        "closing": said.closing,
        "count": said.lines,
        "known": one.known,
        "credits": said.credits,
        "debits": said.debits,
        "ties": said.ties,
        "difference": said.difference,
        "problems": [each._asdict() for each in problems(said)],
    }


def _kept(one: Kept, asked: AskedFor | None) -> dict[str, Any]:
    acceptance = asking = None
    if one.accepted_at is not None:
        said = {"by": one.accepted_by, "approved_by": one.approved_by, "reason": one.reason}
        acceptance = {"at": utc_text(one.accepted_at), **said}
    elif asked is not None:
        asking = {"at": utc_text(asked.at), "by": asked.by, "reason": asked.reason}
    more = {"sha256": one.file, "format": one.format, "imported_at": utc_text(one.imported_at)}
    return {**_figures(one), **more, "asked": asking, "acceptance": acceptance}


def _json(members: dict[str, Any], status: int = 200) -> Response:
    headers = {"Cache-Control": "private, no-cache", "Vary": "Accept-Language, Authorization, Cookie"}
    return Response(msgspec.json.encode(members), status, headers, "application/json")
