"""个案: who paid for a child, to the fen, and which other money could, or why not."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import islice
from typing import Annotated
from urllib.parse import quote

from fastapi import Path, Query, Request, Response

from api.http.access import Asker, Grant
from api.http.office import Door, Office, Who
from api.site.flows import csv_of
from api.site.frame import Form, reader_of, shown, site_router
from ledger.database import Cursor, tuples
from ledger.errors import Unknown
from ledger.ids import check_id
from ledger.vault import Reader as VaultReader
from ledger.vault_faults import SubjectIsRestricted
from projections.flows import Scope, flows
from projections.timeline import timeline
from projections.trace import Page, Traces, snapshot, whole
from reports.case_told import cases_listed, givers_of, names_of, with_names
from reports.eligible import eligible
from reports.flow_parts import picture_of, words_of
from reports.offer_words import obstacle_said, terms_said

router = site_router()
Id = Annotated[str, Path(description="编号 / id", min_length=1, max_length=120)]
PAGE, OFFERS, STEPS = 50, 100, 200
"""Rows of a page: cases, gifts; other money, and what happened, at most."""


@contextmanager
def _looking(office: Office) -> Iterator[tuple[Traces, Cursor]]:
    """Traces, and a cursor beside them, over one state of the ledger."""
    with snapshot(office.fenhao.journal) as connection:
        yield Traces(connection), tuples(connection)


@router.get("/cases")
def cases(
    request: Request,
    office: Door,
    after: Annotated[str, Query(max_length=120)] = "",
    q: Annotated[str, Query(max_length=120)] = "",
    open: bool = False,
    fund: Annotated[str, Query(max_length=120)] = "",
) -> Response:
    """A page of cases by id."""
    reader = reader_of(request, office)
    with _looking(office) as (_, cursor):
        found = cases_listed(cursor, reader, after=after, begins=q.strip(), only_open=open, fund=fund, limit=PAGE + 1)
        of_fund = names_of(cursor, [(fund, {})])(f"fund/{fund}")
    following = found[PAGE - 1].id if len(found) > PAGE else None
    asked = {"q": q, "open": str(open).lower(), "fund": fund}
    return shown(
        request, office, "cases.html", cases=found[:PAGE], next=following, asked=asked, of_fund=of_fund, after=after
    )


@router.get("/cases/{id:id}/flows.csv")
def rows(request: Request, office: Door, id: Id) -> Response:
    """The case's picture as rows."""
    found = flows(office.fenhao.journal, Scope(None, None, check_id(id, "case")))
    return csv_of(found, reader_of(request, office))


@router.get("/cases/{id:id}")
def case(
    request: Request, office: Door, asker: Who, id: Id, after: Annotated[int, Query(ge=-1, le=2**53 - 1)] = -1
) -> Response:
    """Everything of one case."""
    return _case(request, office, asker, id, after)


@router.post("/cases/{id:id}/names")
def names(request: Request, office: Door, asker: Who, form: Form, id: Id) -> Response:
    """The same with names, for the desk whose people they are; who read which and why is noted, for good."""
    check_id(id, "case")
    assert asker.name is not None
    reader = VaultReader(asker.name, form.get("reason", "").strip())
    reader.check()
    after = form.get("after", "")
    return _case(request, office, asker, id, int(after) if re.fullmatch("[0-9]{1,15}", after) else -1, reader)


def _case(
    request: Request, office: Office, asker: Asker, id: str, after: int, reading: VaultReader | None = None
) -> Response:
    check_id(id, "case")
    reader = reader_of(request, office)
    today = office.today()
    found = eligible(office.fenhao.journal, id, today)
    with _looking(office) as (traces, cursor):
        trace = whole(traces.case(id, Page(limit=1)))
        givers = givers_of(cursor, id, after, PAGE + 1)
        steps = list(islice(timeline(traces, "case", id), STEPS + 1))
        called = names_of(cursor, [(found.case.fund, found.case.attributes)])
    picture = flows(office.fenhao.journal, Scope(None, None, id))
    return shown(
        request,
        office,
        "case.html",
        case=found.case,
        said=with_names(found.case.attributes, called, found.dictionary, reader),
        fund=called(f"fund/{found.case.fund}"),
        trace=trace,
        givers=givers[:PAGE],
        next=givers[PAGE - 1].seq if len(givers) > PAGE else None,
        after=after,
        offers=[
            (one, terms_said(one.terms, found.dictionary, reader), obstacle_said(found, one, reader))
            for one in found.offers[:OFFERS]
        ],
        more_offers=max(len(found.offers) - OFFERS, 0),
        fitting=found.fitting,
        siblings=found.siblings,
        steps=steps[:STEPS],
        more_steps=len(steps) > STEPS,
        picture=picture_of(picture, reader) if picture.total else None,
        words=words_of(reader),
        csv=f"/cases/{quote(id, safe='')}/flows.csv",
        today=today.isoformat(),
        may_name=_whose_names(asker),
        named={} if reading is None else _names(office, asker, reading, id, [one.donor for one in givers[:PAGE]]),
        reason="" if reading is None else reading.reason,
    )


def _whose_names(asker: Asker) -> str:
    """Whose names this asker may open: finance donors', programme staff the child's; nobody's otherwise."""
    return "donors" if Grant.FINANCE in asker.grants else "child" if Grant.PROGRAMME in asker.grants else ""


def _names(office: Office, asker: Asker, reading: VaultReader, case: str, donors: list[str | None]) -> dict[str, str]:
    """Names by `donor/ID` or `case/ID`, of those that the asker's desk may open; who may not be read stays without."""
    vault = office.fenhao.vault
    if _whose_names(asker) == "donors":
        streams = vault.newest("donor_name", [f"donor/{one}" for one in donors if one is not None])
    else:
        streams = {f"case/{case}": f"case/{case}"}
    found: dict[str, str] = {}
    for subject, stream in streams.items():
        with suppress(SubjectIsRestricted, Unknown):
            for one in vault.open(stream, reading).openings:
                if one.field in ("donor_name", "beneficiary_name") and one.value is not None:
                    found[subject] = one.value
    return found
