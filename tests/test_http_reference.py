"""The reference, OpenAPI 3.1: complete, and true of every answer to whatever can be asked by it."""

from __future__ import annotations

import json
import os
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from serving import Served

from api.commands import RECORDABLE, Currency, command_of, form_of
from api.http.access import API, FACT_ROUTES, SCOPES
from api.http.examples import EXAMPLES as EXAMPLES_OF

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
EXAMPLES = 6 * int(os.environ.get("FENHAO_TEST_SCALE", "1"))
ASKERS = ["nobody", "token:record", "token:read", "token:log", "admin", "finance", "programme", "auditor", "donor"]


@pytest.fixture(scope="module")
def reference(served: Served) -> dict[str, Any]:
    found = served.client().get("/openapi.json").json()
    assert isinstance(found, dict)
    return found


def headers_of(served: Served, asker: str) -> dict[str, str]:
    if asker == "nobody":
        return {}
    if asker == "donor":
        return served.donor("N")
    kind, _, scope = asker.partition(":")
    return {"Authorization": f"Bearer {served.token(scope)}"} if scope else served.signed_in(kind, name=f"ref-{kind}")


def test_every_route_is_in_the_reference_with_its_problems(reference: dict[str, Any]) -> None:
    assert reference["openapi"].startswith("3.1")
    listed = {(method.upper(), path) for path, methods in reference["paths"].items() for method in methods}
    assert listed == set(API)
    for path, methods in reference["paths"].items():
        for method, operation in methods.items():
            said = operation["responses"]
            assert {"400", "401", "429", "500"} <= said.keys(), path
            assert "422" not in said or method == "post", path


def test_every_facts_members_are_in_the_reference(reference: dict[str, Any]) -> None:
    for fact in RECORDABLE:
        operation = reference["paths"][FACT_ROUTES[fact]]["post"]
        schema = operation["requestBody"]["content"]["application/json"]["schema"]
        form = form_of(fact)
        assert schema["properties"].keys() == {one.name for one in form.members} - {"key"}
        assert set(schema.get("required", ())) == set(form.names(required=True))
        assert "Idempotency-Key" in {one["name"] for one in operation["parameters"]}


def test_whatever_is_asked_by_the_reference_is_answered_as_it_says(served: Served, reference: dict[str, Any]) -> None:
    served.record("/v1/donations", donation="0", donor="N", fund="F", amount=10**6, on="2026-01-02")
    schema = schemathesis.openapi.from_dict(reference)
    schema.config.base_url = served.url
    client = served.client()
    for pace in (served.office.address_pace, served.office.account_pace, served.office.contact_pace):
        pace.forget()
    asked: set[tuple[str, str]] = set()

    @settings(
        max_examples=EXAMPLES, deadline=None, derandomize=True, database=None,
        phases=[Phase.generate], suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(data=st.data())
    def holds(operation: Any, headers: dict[str, str], data: st.DataObject) -> None:
        mode = data.draw(st.sampled_from([schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE]))
        case = data.draw(operation.as_strategy(generation_mode=mode))
        case.validate_response(case.call(headers=headers, timeout=20), checks=CHECKS)

    wrong: list[str] = []
    for result in schema.get_all_operations():
        assert isinstance(result, Ok)
        operation = result.ok()
        method, path = operation.method.upper(), operation.path
        if (method, path) in (("GET", "/v1/entries/stream"), ("DELETE", "/v1/session")):
            continue  # one has no end, the other signs the asker out; both have tests of their own
        asker = [one for one in ASKERS if _may(one, method, path)][-1]
        try:
            holds(operation=operation, headers=headers_of(served, asker))
        except FailureGroup as found:
            wrong += [f"{method} {path} as {asker}: {one}" for one in found.exceptions]
        asked.add((method, path))
    assert wrong == []
    assert len(asked) == len(API) - 2
    assert client.get("/healthz").status_code == 200


def _may(asker: str, method: str, path: str) -> bool:
    kind, _, scope = asker.partition(":")
    grants = {str(SCOPES[scope]) if scope else "public" if kind == "nobody" else kind}
    return not grants.isdisjoint(API[method, path])


@pytest.mark.parametrize("fact", RECORDABLE)
def test_every_fact_has_an_example_that_is_one(fact: str) -> None:
    command = command_of(fact, {**EXAMPLES_OF[fact], "key": "k"}, Currency("CNY", 2))
    command.check()
    assert type(command) is RECORDABLE[fact]


def test_operations_have_names_of_their_own_and_links_lead_to_some(reference: dict[str, Any]) -> None:
    operations = [one for methods in reference["paths"].values() for one in methods.values()]
    names = [one["operationId"] for one in operations]
    assert len(set(names)) == len(names)
    links = [
        link for one in operations for said in one["responses"].values() for link in said.get("links", {}).values()
    ]
    assert {link["operationId"] for link in links} == {"entry", "receipt"} <= set(names)


def test_the_reference_is_the_same_each_time(served: Served, reference: dict[str, Any]) -> None:
    again = served.client().get("/openapi.json").json()
    assert json.dumps(again) == json.dumps(reference)
