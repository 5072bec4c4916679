"""Statements and vouchers as downloads: under the newest signed head, with the code that `verify-report` checks."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request, Response

from api import papers
from api.http.bank import MONTH
from api.http.office import Door, admit
from api.http.problems import language_of
from api.http.queries import FAULTS
from api.http.shapes import answers
from ledger.ids import check_id

router = APIRouter(dependencies=[Depends(admit)], tags=["papers"])

Kind = Literal["bank", "accounts", "flows", "fund", "hospital", "position", "ratios"]
Form = Literal["xlsx", "pdf", "csv", "json"]
Language = Annotated[Literal["zh", "en"] | None, Query(description="默认按 Accept-Language / in which language")]
Day = Annotated[str | None, Query(max_length=10)]
Id = Annotated[str | None, Query(max_length=120)]
TYPES = {
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "pdf": "application/pdf",
    "csv": "text/csv",
    "json": "application/json",
}


def _files(*forms: str) -> dict[int | str, dict[str, Any]]:
    content: dict[str, Any] = {
        TYPES[form]: {"schema": {"type": "object"} if form == "json" else {"type": "string", "format": "binary"}}
        for form in forms
    }
    return {**answers({}, *FAULTS), 200: {"description": "文件 / the file", "content": content}}


@router.get(
    "/v1/statements/{kind}",
    operation_id="statement",
    summary="财务报表 / a statement of finance",
    response_class=Response,
    responses=_files(*TYPES),
)
def statement(
    request: Request,
    office: Door,
    kind: Kind,
    format: Annotated[Form, Query(description="格式 / as which file")] = "json",
    month: Annotated[str | None, Query(pattern=MONTH)] = None,
    year: Annotated[int | None, Query(ge=1900, le=9998)] = None,
    since: Annotated[Day, Query(alias="from")] = None,
    until: Annotated[Day, Query(alias="to")] = None,
    fund: Id = None,
    hospital: Id = None,
    language: Language = None,
) -> Response:
    """Bank reconciliation, trial balance, receipts and spending, changes in funds, hospitals, cash position, ratios.

    Of a `month`, a `year`, or `from` and `to`; the worksheet of a `year`. The same under the same head is the same
    file, byte for byte.
    """
    for name, named in (("fund", fund), ("hospital", hospital)):
        if named is not None:
            check_id(named, name)
    asked = papers.Asked(month, year, since, until, fund, hospital)
    body = papers.statement_of(office.fenhao, kind, asked, f".{format}", language or language_of(request))
    days = month or (str(year) if year is not None else f"{since}-{until}")
    return _file(body, f"{kind}-{days}.{format}", TYPES[format])


@router.get(
    "/v1/vouchers",
    operation_id="vouchers",
    summary="记账凭证 / vouchers of a month",
    response_class=Response,
    responses=_files("csv"),
)
def vouchers(
    request: Request, office: Door, month: Annotated[str, Query(pattern=MONTH)], language: Language = None
) -> Response:
    """Vouchers for accounting programs, debits and credits equal to the fen."""
    body = papers.vouchers_file(office.fenhao, month, language or language_of(request))
    return _file(body, f"vouchers-{month}.csv", TYPES["csv"])


def _file(body: bytes, name: str, media_type: str) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="fenhao-{name}"', "Cache-Control": "private, no-cache"}
    return Response(body, 200, headers, media_type)
