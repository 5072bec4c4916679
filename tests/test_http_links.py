"""The reference's links: its examples are a story, and wherever an answer leads, whoever may is answered as it says."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator
from contextlib import suppress
from http.cookiejar import DefaultCookiePolicy
from itertools import count
from typing import Any, NamedTuple

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.core import NOT_SET
from schemathesis.generation.stateful import run_state_machine_as_test
from serving import Served
from test_http_reference import ASKERS, CHECKS, _may, headers_of, reference

from api.bootstrap import log_of
from api.http.access import FACT_ROUTES
from api.http.examples import EXAMPLES
from audit.log import SignedMeanwhile
from reports.banking.reading import read_document
from reports.banking.register import Register
from reports.banking.taking import named

__all__ = ["reference"]
DAY = "2026-03-01"
STRONGEST = ("token:record", "finance", "programme", "admin", "auditor", "token:log")
"""Who may the most first: what one answer leads to is asked for by the first of them who may, then by everybody."""


OF_BANKS = ("LinesMatched", "LinesWrittenOff", "LinesDisputed", "LinesUnmatched", "PeriodClosed", "PeriodReopened")
"""Facts about lines of a bank's statement, and months that all of them explain: `test_http_bank` records them."""


class Answered(NamedTuple):
    """What was asked for and answered well."""

    operation: str
    asked: dict[str, Any]
    told: dict[str, Any]


@pytest.fixture(scope="module")
def story(served: Served) -> list[Answered]:
    """The examples of all facts, in an order in which they are true, recorded."""
    for dimension, code in (("disease", "ASD"), ("province", "410000"), ("age_band", "4-6")):
        served.record("/v1/codes", dimension=dimension, code=code, name=code)
    served.record("/v1/funds", fund="general", name="general")
    told = []
    for fact in (one for one in EXAMPLES if one not in OF_BANKS):
        if fact == "DonationAttributed":
            served.record("/v1/donations", donation=EXAMPLES[fact]["donation"], fund="heart", amount=700, on=DAY)
        members = {**EXAMPLES[fact], **_placed(served, fact)}
        answer = served.post(FACT_ROUTES[fact], members)
        assert answer.status_code == 201, (fact, answer.text)
        told.append(Answered(f"record{fact}", members, answer.json()))
    served.fenhao.runner.wait_for(told[-1].told["seq"], 20)
    log_of(served.fenhao).publish()
    return told


def _placed(served: Served, fact: str) -> dict[str, Any]:
    """What an example can only say once it is known where the serials are, or which entry it is about."""
    if fact == "EntryReversed":
        return {"reverses": served.record("/v1/donations", donation="mistaken", fund="heart", amount=1, on=DAY)["seq"]}
    if fact == "SerialsSubstituted":
        serials = "select tape, lo from holding where place = %s order by tape desc, lo limit 1"
        with served.fenhao.database.service() as connection:
            outgoing, incoming = (
                connection.execute(serials, (place,)).fetchone() for place in ("used/ZZ-CH/C2026-001", "fund/heart")
            )
        assert outgoing is not None
        assert incoming is not None
        return {name: [f"t{one[0]}:{one[1]}-{one[1] + 100}"] for name, one in
                (("outgoing", outgoing), ("incoming", incoming))}  # fmt: skip
    two = {"by": "li", "approved_by": ["wang"]}
    if "lines" in EXAMPLES[fact] and fact.startswith("Lines"):
        number = ["LinesMatched", "LinesWrittenOff", "LinesDisputed"].index(fact)
        found = {"lines": [_line(served, number)], **(two if fact == "LinesWrittenOff" else {})}
        receipt = served.client("log").get("/v1/entries?type=ReceiptSuspended").json()["entries"][0]["entry"]["seq"]
        return {**found, "legs": [{"seq": receipt}]} if fact == "LinesMatched" else found
    if fact.startswith("Period"):
        with suppress(SignedMeanwhile):
            log_of(served.fenhao).publish()
        return {"period": "2025-12", **two}
    return {}


def _line(served: Served, number: int) -> dict[str, Any]:
    """A line of the bank's statement on the examples' account, as facts name it; it is taken in at the first."""
    text = f"交易日期,金额,余额\n{DAY},500.00,500.00\n{DAY},1.00,501.00\n{DAY},2.00,503.00\n"
    document = named(read_document(text.encode(), "s.csv"), "icbc-1", "s.csv")
    Register(served.fenhao.journal, served.fenhao.vault).take(document, "s.csv")
    found: list[dict[str, Any]] = served.client("read").get("/v1/bank/lines").json()["lines"]
    return {member: found[number][member] for member in ("file", "statement", "ordinal")}


def test_wherever_an_answer_leads_whoever_may_is_answered_as_the_reference_says(
    served: Served, reference: dict[str, Any], story: list[Answered]
) -> None:
    schema = schemathesis.openapi.from_dict(reference)
    schema.config.base_url = served.url
    said = {one["operationId"]: (path, method, one)
            for path, methods in reference["paths"].items() for method, one in methods.items()}  # fmt: skip
    links = {(name, link) for name, (*_, one) in said.items() for link in _links(one)
             if name.removeprefix("record") not in OF_BANKS}  # fmt: skip
    shown = {asker: headers_of(served, asker) for asker in ASKERS}
    shown["donor"] = served.donor("DN-017")
    session = requests.Session()
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))  # cookies are shown by hand
    begun = list(_begun(served, shown))
    served.fenhao.runner.wait_for(served.fenhao.journal.entries.head().size - 1, 20)
    log_of(served.fenhao).publish()
    waiting = deque([*story, *begun])
    followed: set[tuple[str, str]] = set()
    asked: Counter[tuple[str, str]] = Counter()
    while waiting:
        source = waiting.popleft()
        for name, link in _links(said[source.operation][2]).items():
            parameters = {one: _resolved(place, source) for one, place in link["parameters"].items()}
            if (source.operation, name) in followed or None in parameters.values():
                continue
            followed.add((source.operation, name))
            path, method, operation = said[link["operationId"]]
            where = {one["name"]: one["in"] for one in operation.get("parameters", ())}
            by_place = {kind: {one: value for one, value in parameters.items() if where.get(one, "path") == kind}
                        for kind in ("path", "query")}  # fmt: skip
            body: Any = {"reason": "no"} if operation["operationId"] == "decline" else NOT_SET
            first = next(one for one in STRONGEST if _may(one, method.upper(), path))
            for asker in dict.fromkeys((first, *(ASKERS if method == "get" else ()))):
                if asker != first and asked[asker, path] >= 2:
                    continue
                case = schema[path][method.upper()].Case(
                    path_parameters=by_place["path"], query=by_place["query"], body=body
                )
                answer = case.call(headers=shown[asker], timeout=20, session=session)
                case.validate_response(answer, checks=CHECKS)
                assert answer.status_code < 500, (source.operation, name, asker, answer.text)
                asked[asker, path] += 1
                if not _may(asker, method.upper(), path):
                    assert answer.status_code in (401, 403), (source.operation, name, asker)
                elif asker == first and answer.status_code != 409:  # a decision that another has taken, say
                    assert answer.status_code in (200, 201, 204), (source.operation, name, answer.text)
                    if answer.status_code == 200 and answer.headers["content-type"] == ["application/json"]:
                        waiting.append(Answered(link["operationId"], parameters, answer.json()))
    session.close()
    unsaid = {(one.operation, link) for one in story for link in _links(said[one.operation][2])
              if link not in ("entry", "receipt") and link not in one.asked}  # fmt: skip
    assert not sorted(links - followed - unsaid), sorted(links - followed - unsaid)
    assert len(links) >= 125
    assert {asker for asker, _ in asked} == set(ASKERS)


def test_a_walk_of_chance_along_the_links_meets_no_answer_that_is_not_in_the_reference(
    served: Served, reference: dict[str, Any], story: list[Answered]
) -> None:
    """Schemathesis makes the requests and chooses what is followed; now and then it sends what is wrong."""
    able = ("DonationReceived", "FundOpened", "HospitalRegistered", "BalanceBroughtForward", "ExpenseMade")
    paths = [FACT_ROUTES[fact] for fact in able]
    schema = schemathesis.openapi.from_dict(reference).include(method="GET").include(path=paths)
    schema.config.base_url = served.url
    token = {"Authorization": f"Bearer {served.token('record', 'read', 'log')}"}
    numbers, known = count(), {"fund": "heart", "hospital": "ZZ-CH", "donor": "DN-017", "amount": 1, "on": DAY}
    steps: Counter[tuple[str | None, bool]] = Counter()

    @schema.hook
    def map_body(context: Any, body: Any) -> Any:
        """An example with a number of its own in the place of texts that mean nothing: those nobody could record."""
        fact = context.operation.definition.raw["operationId"].removeprefix("record")
        if fact not in able:
            return body
        own = next(iter(EXAMPLES[fact]))
        fitting = {name: value for name, value in known.items() if name in EXAMPLES[fact]}
        return {**EXAMPLES[fact], **fitting, "channel_txn": None, own: f"walk{next(numbers)}"}

    class Walk(schema.as_state_machine()):  # type: ignore[misc]  # a class that is made here
        def get_call_kwargs(self, case: Any) -> dict[str, Any]:
            return {"headers": token, "timeout": 20}

        def validate_response(self, response: Any, case: Any, **more: Any) -> None:
            case.validate_response(response, checks=CHECKS)

        def step(self, input: Any) -> Any:
            done = super().step(input)
            followed = None if input.transition is None else input.transition.id
            steps[followed, done is not None and done.response.status_code < 300] += 1
            return done

    run_state_machine_as_test(Walk, settings=settings(
        max_examples=5, stateful_step_count=20, deadline=None, derandomize=True, database=None,
        phases=[Phase.generate], suppress_health_check=list(HealthCheck),
    ))  # fmt: skip
    assert len({followed for followed, good in steps if followed and good}) >= 6


def _begun(served: Served, shown: dict[str, dict[str, str]]) -> Iterator[Answered]:
    """Answers that no fact leads to: lists, batches, proposals, showings."""
    client = served.client()
    served.record("/v1/cases", case="second", fund="heart", hospital="ZZ-CH", person="second")
    served.record("/v1/allocations", allocation="second", case="second", amount=10, on=DAY)
    lines = [{"case": "second", "amount": 10}]
    paid = served.record("/v1/hospital-payments", payment="second", hospital="ZZ-CH", lines=lines, on=DAY)
    served.fenhao.runner.wait_for(paid["seq"], 20)
    yield Answered("balances", {}, client.get("/v1/balances", headers=shown["auditor"]).json())
    entries = client.get("/v1/entries", params={"limit": 5}, headers=shown["auditor"]).json()
    yield Answered("entries", {}, entries)
    gift = {"donation": "batched", "fund": "heart", "amount": 5, "on": DAY}
    yield Answered(
        "recordBatch", {}, served.post("/v1/batches", {"facts": [{"fact": "DonationReceived", "data": gift}]}).json()
    )
    for path, list_name in (("/v1/donors/DN-017/ledger", "donor_ledger"), ("/v1/donations/OB-1/trace", "donation"),
                            ("/v1/cases/C2026-001/trace", "case"), ("/v1/hospitals/ZZ-CH", "hospital")):  # fmt: skip
        yield Answered(list_name, {}, client.get(path, params={"limit": 1}, headers=shown["auditor"]).json())
    yield Answered("serial", {}, client.get("/v1/serials/t1/0", headers=shown["auditor"]).json())
    spent = {"expense": "proposed", "fund": "heart", "kind": "other", "amount": 10, "on": DAY}
    for list_name in ("propose", "waiting"):
        key = {"Idempotency-Key": list_name}
        asked = {"fact": "ExpenseMade", "data": {**spent, "expense": list_name}}
        made = client.post("/v1/proposals", json=asked, headers={**served.signed_in("finance", name="maker"), **key})
        found = client.get("/v1/proposals", headers=shown["auditor"])
        yield Answered(list_name, asked, (made if list_name == "propose" else found).json())
    for amount in ("7.00", "8.00"):
        file = {"file": ("b.csv", f"交易日期,金额,余额\n{DAY},{amount},{amount}\n".encode())}
        taken = served.client("record").post("/v1/bank/statements", data={"account": "other"}, files=file)
    yield Answered("takeStatements", {}, taken.json())
    kept = client.get("/v1/bank/statements", params={"limit": 1}, headers=shown["auditor"])
    yield Answered("bankStatements", {}, kept.json())
    gift = {"donation": "shown", "fund": "heart", "amount": 1, "on": DAY, "personal": {"donor_name": "甲乙"}}
    served.record("/v1/donations", **gift)
    showing = {"auditor": "ref-auditor", "stream": "donation/shown", "fields": ["donor_name"], "days": 1, "reason": "r"}
    for list_name in ("show", "showings"):
        made = client.post("/v1/personal-showings", json=showing, headers=shown["finance"])
        found = client.get("/v1/personal-showings", headers=shown["auditor"])
        yield Answered(list_name, showing, (made if list_name == "show" else found).json())


def _links(operation: dict[str, Any]) -> dict[str, Any]:
    """The links of an operation's good answers."""
    return {name: link for status in ("200", "201") for name, link in
            operation["responses"].get(status, {}).get("links", {}).items()}  # fmt: skip


def _resolved(expression: str, source: Answered) -> Any:
    """What an expression of OpenAPI's links names; None where there is nothing."""
    where, _, place = expression.removeprefix("$").partition("#/")
    found: Any = {"request.body": source.asked, "response.body": source.told}[where]
    for step in place.split("/"):
        if isinstance(found, list):
            found = found[int(step)] if int(step) < len(found) else None
        else:
            found = None if found is None else found.get(step)
    return found
