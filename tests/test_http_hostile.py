"""What attackers put into addresses, forms and bodies of any route, and what becomes of it on every page."""

from __future__ import annotations

import re
from collections import defaultdict, deque
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from fastapi.dependencies.utils import get_flat_params
from fastapi.routing import iter_route_contexts
from serving import PASSWORD, Served

from api.bootstrap import log_of
from api.http.access import ACCESS, FACT_ROUTES, ROLES
from api.http.pace import Pace

MARK = "'\"><script>alert(1)</script>{{7*191}}; drop table entry; --/../é"
FORMULA = "=cmd|' /C calc'!A0"
QUERIES = (MARK, "9" * 400, "0001-01-01", "9999-12-31")
PATHS = (MARK, "a\x00b", "\u202e\r\nSet-Cookie: x=1")
DAY = "2026-01-02"
FORM_KEY = "0" * 24
BODIES: dict[str, dict[str, Any]] = {
    "/v1/session": {"name": "n", "password": PASSWORD, "code": "1"},
    "/v1/session/link": {"link": "a.b"},
    "/v1/session/code": {"contact": "c", "code": "123456"},
    "/v1/session/new-code": {"contact": "c"},
    "/v1/session/factor": {"password": PASSWORD, "code": "1"},
    "/v1/session/factor/confirmation": {"code": "1"},
    "/v1/batches": {"mode": "each", "facts": [{"fact": "FundOpened", "data": {"fund": "x", "name": "x"}}]},
    "/v1/proposals": {"fact": "ExpenseMade", "data": {"expense": "e", "fund": "F", "kind": "other", "on": DAY}},
    "/v1/bank/statements/{id}/acceptance": {"reason": "r", "by": "li", "approved_by": "wang"},
    "/v1/proposals/{id}/approval": {},
    "/v1/proposals/{id}/refusal": {"reason": "r"},
    "/v1/personal-openings": {"stream": "case/C", "reason": "r", "restricted_reason": "r"},
    "/v1/personal-showings": {"auditor": "all", "stream": "case/C", "fields": ["f"], "days": 1, "reason": "r"},
}
"""A body for each route that takes one and is no fact's: those are `test_http_injection`'s."""
FORMS: dict[str, dict[str, str]] = {
    "/sign-in": {"name": "n", "password": "p", "second": "1", "next": "/"},
    "/sign-in/code": {"contact": "c", "code": "123456"},
    "/enter": {"link": "a.b"},
    "/language": {"language": "zh", "next": "/"},
    "/heads": {"first": "a", "second": "b"},
    "/cases/{id}/names": {"reason": "r", "after": "1"},
    "/programme/allocation": {
        "key": FORM_KEY, "case": "C", "amount": "1.00", "on": DAY, "allocation": "A", "propose": "1",
    },
    "/programme/proposals/{id}/approval": {},
    "/programme/proposals/{id}/refusal": {"reason": "r"},
    "/finance/payment": {
        "key": FORM_KEY, "case": "C", "hospital": "H", "amount": "1.00", "on": DAY, "payment": "P", "bill_no": "B",
        "bill_amount": "1.00", "account": "a", "bank_ref": "r", "bank_on": DAY, "propose": "1",
    },
    "/audit/verification": {},
    "/finance/lines/rules": {},
    "/finance/suggestions": {"key": FORM_KEY, "deed": "refuse", "way": "w"},
    "/finance/lines/{id}": {"key": FORM_KEY, "deed": "match", "way": "w", "entries": "1", "reason": "r", "match": "m"},
    "/finance/suspense/{id}": {"key": FORM_KEY, "deed": "gift", "donation": "d", "fund": "F", "amount": "1", "on": DAY},
    "/finance/months/{period}": {"key": FORM_KEY, "deed": "reopen", "reason": "r"},
    "/finance/statements/{id}/acceptance": {"reason": "r"},
    "/finance/statements/{id}/names": {"reason": "r"},
}  # fmt: skip
"""The same of pages' forms."""
UPLOADS = ("/finance/statements", "/finance/papers", "/v1/bank/statements")
"""Forms that send a file."""
FORMS |= {f"{path}/preview": FORMS[path] for path in ("/programme/allocation", "/finance/payment")}


@pytest.fixture(scope="module")
def everybody(served: Served) -> dict[str, str]:
    """The headers of who has every role, in a ledger whose ids are all hostile; nobody is slowed down."""
    f, h, c, d = (f"{noun}{MARK}" for noun in "fhcd")
    served.record("/v1/codes", dimension="disease", code="VSD", name=f"v{MARK}")
    served.record("/v1/funds", fund=f, name=f"fund{MARK}", fee_bp=100)
    served.record("/v1/hospitals", hospital=h, name=f"hospital{MARK}")
    served.record("/v1/accounts", account=f"a{MARK}", kind="bank")
    case = {"fund": f, "hospital": h, "attributes": {"disease": "VSD"}, "purpose": f"p{MARK}"}
    served.record("/v1/cases", case=c, person=f"p{MARK}", personal={"beneficiary_name": f"n{MARK}"}, **case)
    terms = {"restriction": {"disease": ["VSD"]}, "agreement": f"g{MARK}"}
    cash = [{"account": f"a{MARK}", "amount": "500.00", "bank_ref": f"r{MARK}"}]
    gift = {"fund": f, "amount": "500.00", "on": DAY, "donor": d, "personal": {"donor_name": f"n{MARK}"}}
    served.record("/v1/donations", donation=f"D{MARK}", cash=cash, channel=f"k{MARK}", **gift, **terms)
    served.record("/v1/donations", donation="=D", fund=f, amount="5.00", on=DAY, donor=FORMULA)
    served.record("/v1/allocations", allocation=f"A{MARK}", case=c, amount="50.00", on=DAY, by=f"b{MARK}")
    line = {"case": c, "amount": "30.00", "bill_no": f"b{MARK}", "bill_amount": "40.00"}
    served.record("/v1/hospital-payments", payment=f"P{MARK}", hospital=h, lines=[line], on=DAY)
    served.record("/v1/settlements", settlement=f"S{MARK}", hospital=h, case=c, amount="20.00", on=DAY)
    basis = {"kind": "filing", "ref": f"r{MARK}"}
    served.record("/v1/holds", hold=f"H{MARK}", donation="=D", basis=basis, on=DAY)
    last = served.record("/v1/refunds", refund=f"R{MARK}", donation=f"D{MARK}", amount="1.00", on=DAY)["seq"]
    served.fenhao.runner.wait_for(last, 20)
    log_of(served.fenhao).publish()
    headers = served.signed_in(*ROLES, name="all")
    asked = {"fact": "ExpenseMade", "data": {"expense": f"E{MARK}", "fund": f, "kind": "other", "amount": "1.00"}}
    asked["data"] |= {"from": "fee", "on": DAY}  # type: ignore[operator]  # a dictionary
    proposed = served.client().post("/v1/proposals", json=asked, headers={**headers, "Idempotency-Key": "p"})
    assert proposed.status_code == 201, proposed.text
    for name in ("public_pace", "address_pace", "account_pace", "contact_pace", "asking_pace"):
        object.__setattr__(served.office, name, Pace(10**6, 1.0))
    return headers


def routes(served: Served, *methods: str) -> Iterator[tuple[str, str, set[tuple[str, str]]]]:
    """Each route: its method, its path, and the parameters that it takes, as (path or query, name)."""
    for route in iter_route_contexts(served.app.routes):
        path = str(route.path_format)
        taken = {(str(one.field_info.in_.value), str(one.alias)) for one in get_flat_params(route.dependant)}  # type: ignore[attr-defined]  # a route's
        taken |= {("path", name) for name in re.findall(r"{(\w+)}", path)}
        for method in route.methods or ():
            if method in methods and path != "/v1/entries/stream":  # which has no end
                yield method, path, {one for one in taken if one[0] in ("path", "query")}


def check_held(answer: httpx.Response, what: object) -> None:
    """It is no fault of ours, and what was sent is nowhere more than text."""
    assert answer.status_code < 500, (what, answer.status_code, answer.text[:500])
    assert "set-cookie" not in answer.headers or "x=1" not in answer.headers["set-cookie"], what
    if "html" in answer.headers.get("content-type", ""):
        assert "<script>alert" not in answer.text, what
        assert str(7 * 191) not in answer.text, what


def test_no_parameter_of_any_route_is_more_than_text(served: Served, everybody: dict[str, str]) -> None:
    donor, asked = served.donor(f"d{MARK}"), 0
    known = {"seq": "2", "tape": "t1", "level": "0", "n": "0"}
    for method, path, taken in routes(served, "GET", "DELETE"):
        headers = {**(donor if path.startswith("/my") else everybody), "Accept": "text/html, application/json"}
        for number, (where, name) in enumerate(sorted(taken)):
            for text in QUERIES if where == "query" else PATHS:
                sent = quote(text, safe="")
                filled = path.format_map(
                    defaultdict(lambda: "0", {**known, **({name: sent} if where == "path" else {})})
                )
                query = f"?{name}={sent}" if where == "query" else ""
                if (method, path, number) == ("DELETE", "/v1/session", 0):
                    continue
                check_held(served.client().request(method, filled + query, headers=headers), (path, name, text[:20]))
                asked += 1
    assert asked > 300


def test_no_field_of_any_form_or_body_is_more_than_text(served: Served, everybody: dict[str, str]) -> None:
    posts = {path for method, path in ACCESS if method == "POST"}
    assert posts == {*FACT_ROUTES.values(), *BODIES, *FORMS, *UPLOADS}, "a route that nobody attacks here"
    for number, (path, members) in enumerate({**BODIES, **FORMS}.items()):
        for name in members:
            for text in (MARK, "a\x00b", "9" * 400):
                changed = {**members, name: [text] if isinstance(members[name], list) else text}
                headers = {**everybody, "Accept": "text/html, application/json", "Idempotency-Key": f"h{number}{name}"}
                sent: dict[str, Any] = {"data": changed} if path in FORMS else {"json": changed}
                check_held(
                    served.client().post(
                        path.format(id="B1" if "statements" in path else "B1/1", period="2026-01"),
                        headers=headers,
                        **sent,
                    ),
                    (path, name, text[:20]),
                )


def test_no_file_is_more_than_a_file(served: Served, everybody: dict[str, str]) -> None:
    page = {**everybody, "Accept": "text/html"}
    for path in UPLOADS:
        for name in (f"{MARK}.csv", "a.xlsx", "a.xml", "a.json", "a.pdf"):
            for content in (
                MARK.encode(),
                b"\0" * 40,
                b"PK\x03\x04" + b"x" * 40,
                b"%PDF-1.7\n",
                b'{"kind": "\\u0000"}',
                b"",
            ):
                for fields in ({}, {"account": MARK, "size": "9" * 400, "format": "a\x00b"}):
                    sent = {"file": (name, content)}
                    check_held(
                        served.client().post(path, headers=page, data=fields, files=sent), (path, name, content[:9])
                    )


def test_every_link_of_every_page_leads_somewhere_and_nothing_hostile_is_alive(
    served: Served, everybody: dict[str, str]
) -> None:
    """From each desk's door, wherever pages lead, as the one whose ids and names are hostile would have it."""
    starts = ("/", "/cases", "/programme", "/finance", "/audit", "/audit/entries", "/programme/proposals", "/verify")
    seen = crawl(served, everybody, [*starts, f"/donors/{quote(f'd{MARK}', safe='')}"])
    seen |= crawl(served, served.donor(f"d{MARK}"), ["/", "/my"])
    kinds = {re.sub(r"/[^/]*(%|\d)[^/]*", "/*", path.partition("?")[0]) for path in seen}
    assert {
        "/donors/*",
        "/donors/*/gifts/*",
        "/cases/*",
        "/audit/entries/*",
        "/programme/funds/*",
        "/my/gifts/*",
    } <= kinds
    for path, answer in seen.items():
        if answer.headers["content-type"].startswith("text/csv"):
            assert not re.search(r"(^|,)\"?[=+@-][a-z]", answer.text, re.MULTILINE), path


def crawl(served: Served, headers: dict[str, str], starts: list[str]) -> dict[str, httpx.Response]:
    """Every page that can be come to, at most a few of each kind; each is there and harmless."""
    waiting, seen, counts = deque(starts), dict[str, httpx.Response](), defaultdict[str, int](int)
    while waiting:
        path = waiting.popleft()
        kind = re.sub(r"[^/]*(%|\d)[^/]*", "*", path.partition("?")[0])
        if path in seen or counts[kind] >= 4 or ".pdf" in path or "=pdf" in path:
            continue  # papers take seconds to print, and `test_site_donor` prints them
        counts[kind] += 1
        seen[path] = answer = served.client().get(path, headers={**headers, "Accept": "text/html"})
        check_held(answer, path)
        assert answer.status_code in (200, 303), (path, answer.status_code, answer.text[-600:])
        if "html" in answer.headers.get("content-type", ""):
            found = re.findall(r"(?:href|hx-get|src)=\"(/[^\"]*)\"", answer.text)
            waiting.extend(one.replace("&amp;", "&").partition("#")[0] for one in found)
    return seen
