"""Questions: where money is and how it came there, from any side, now and looking back."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Path, Query, Request, Response

from api.http import shapes
from api.http.asking import Asked, Item, Question, answer, page
from api.http.faults import CursorStale, NotEntitled
from api.http.office import Door, Who, admit
from api.http.shapes import answers
from ledger.errors import Unknown
from ledger.ids import check_id
from ledger.places import tape_number
from projections.trace import MAX_SEQ, Page, Trace, Traces
from reports.balances import balances_of

router = APIRouter(dependencies=[Depends(admit)], tags=["queries"])

Id = Annotated[str, Path(description="编号 / id", min_length=1, max_length=120)]
FAULTS = (400, 401, 403, 404, 503)


def told(shape: type[shapes.Shape], zh: str, en: str) -> dict[str, Any]:
    """How a question's route is declared."""
    said = answers({200: (shape, f"{zh} / {en}")}, *FAULTS)
    unchanged: dict[int | str, dict[str, Any]] = {304: {"description": "没有变化 / unchanged"}}
    return {"summary": f"{zh} / {en}", "response_class": Response, "responses": said | unchanged}


@router.get("/v1/donors/{id:id}/ledger", **told(shapes.DonorLedger, "捐赠人台账", "a donor's ledger"))
def donor_ledger(request: Request, office: Door, asker: Who, asked: Asked, id: Id) -> Response:
    """What a donor gave, where all of it is, and each gift, oldest first."""
    asker.require_own(check_id(id, "donor"))

    def tell(traces: Traces) -> Trace:
        trace = traces.donor(id, _page_of(asked))
        del trace["flows"]  # each gift's own are at its trace
        return _with_cursor(trace, asked)

    return answer(request, office, asked, tell)


@router.get("/v1/donations/{id:id}/trace", **told(shapes.DonationTrace, "一笔捐赠的去向", "one gift's money"))
def donation(request: Request, office: Door, asker: Who, asked: Asked, id: Id) -> Response:
    """Where a gift's serials are, range by range."""
    check_id(id, "donation")

    def tell(traces: Traces) -> Trace:
        try:
            trace = traces.donation(id, _serial_of(asked))
        except Unknown:
            if asker.donor is not None:  # to a donor, another's gift is as one that is not there
                raise NotEntitled() from None
            raise
        asker.require_own(trace["donor"])
        return page(trace, "flows", _range_of, asked)

    return answer(request, office, asked, tell)


@router.get("/v1/cases/{id:id}/trace", **told(shapes.CaseTrace, "一个个案的善款来源", "whose money helped a case"))
def case(request: Request, office: Door, asked: Asked, id: Id) -> Response:
    """What was allocated, paid and used for a case, and from which gifts, oldest first."""
    check_id(id, "case")
    return answer(request, office, asked, lambda traces: _with_cursor(traces.case(id, _page_of(asked)), asked))


@router.get("/v1/hospitals/{id:id}", **told(shapes.HospitalTrace, "一家医院", "one hospital"))
def hospital(
    request: Request,
    office: Door,
    asked: Asked,
    id: Id,
    list: Annotated[Literal["cases", "donors"], Query(description="哪个列表 / which list")] = "cases",
) -> Response:
    """What was paid to a hospital and used there: by case, or by donor."""
    check_id(id, "hospital")

    def tell(traces: Traces) -> Trace:
        trace = traces.hospital(id, _id_of(asked))
        del trace["donors" if list == "cases" else "cases"]
        return page(trace, list, _case_of if list == "cases" else _donor_of, asked)

    return answer(request, office, asked, tell)


@router.get("/v1/funds/{id:id}", **told(shapes.FundTrace, "一个专项基金", "one fund"))
def fund(request: Request, office: Door, asked: Asked, id: Id) -> Response:
    """What came into a fund, where it stands, and its tapes."""
    check_id(id, "fund")
    return answer(request, office, asked, lambda traces: traces.fund(id))


@router.get("/v1/serials/{tape}/{n}", **told(shapes.SerialTrace, "一分钱的经过", "the way of one fen"))
def serial(request: Request, office: Door, asked: Asked, tape: str, n: str) -> Response:
    """One serial: whose gift, where it is, and every step on the way."""
    return answer(request, office, asked, lambda traces: traces.serial(f"{tape}:{n}"))


@router.get("/v1/balances", **told(shapes.Balances, "各基金收支余", "the balances of all funds"))
def balances(
    request: Request,
    office: Door,
    asked: Asked,
    fund: Annotated[str | None, Query(description="只看一个基金 / one fund alone", max_length=120)] = None,
) -> Response:
    """What came into each fund and over all, and where it stands; it always adds up."""
    if fund is not None:
        check_id(fund, "fund")
    return answer(request, office, asked, lambda traces: balances_of(traces, fund))


def _page_of(asked: Question) -> Page:
    """The page of gifts that is asked for: behind which entry. Raises CursorStale for a place that is none."""
    match asked.behind:
        case None:
            return Page(limit=asked.limit)
        case [int(seq)] if 0 <= seq < MAX_SEQ:
            return Page(seq, asked.limit)
    raise CursorStale()


def _with_cursor(trace: Trace, asked: Question) -> Trace:
    """The trace with the cursor of the page behind it in the place of that page's beginning."""
    return {**trace, "next": None if trace["next"] is None else asked.next_cursor([trace["next"]])}


def _serial_of(asked: Question) -> tuple[int, int] | None:
    """From which tape and serial on a gift's flows are asked for. Raises CursorStale."""
    match asked.behind:
        case None:
            return None
        case [int(tape), int(serial)] if 0 < tape < 2**31 and 0 <= serial < MAX_SEQ:
            return tape, serial
    raise CursorStale()


def _id_of(asked: Question) -> str | None:
    """Behind which case or donor a hospital's are asked for. Raises CursorStale."""
    match asked.behind:
        case None:
            return None
        case [str(id)] | [0 | 1, str(id)] if "\0" not in id:
            return id
    raise CursorStale()


def _range_of(flow: Item) -> list[Any]:
    return [tape_number(flow["tape"]), flow["hi"]]


def _case_of(item: Item) -> list[Any]:
    return [item["case"]]


def _donor_of(item: Item) -> list[Any]:
    """Money of no known donor comes last."""
    return [int(item["donor"] is None), item["donor"] or ""]
