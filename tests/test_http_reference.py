"""The reference, OpenAPI 3.1: complete, and true of every answer to whatever can be asked by it."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from http.cookiejar import DefaultCookiePolicy
from pathlib import Path
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
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
from api.http.access import API, FACT_ROUTES, SCOPES, Grant
from api.http.examples import EXAMPLES as EXAMPLES_OF

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
EXAMPLES = int(os.environ.get("FENHAO_TEST_SCALE", "1"))
ASKERS = ["nobody", "donor", "auditor", "token:read", "token:log", "programme", "admin", "finance", "token:record"]


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
            assert "403" in said or Grant.PUBLIC in API[method.upper(), path], path


def test_every_facts_members_are_in_the_reference(reference: dict[str, Any]) -> None:
    for fact in RECORDABLE:
        operation = reference["paths"][FACT_ROUTES[fact]]["post"]
        assert operation["requestBody"]["content"]["application/json"]["schema"]["$ref"].endswith(f"/{fact}")
        schema = reference["components"]["schemas"][fact]
        form = form_of(fact)
        assert schema["properties"].keys() == {one.name for one in form.members} - {"key"}
        assert set(schema.get("required", ())) == set(form.names(required=True))
        assert "Idempotency-Key" in {one["name"] for one in operation["parameters"]}


def test_whatever_is_asked_by_whom_is_answered_as_the_reference_says(served: Served, reference: dict[str, Any]) -> None:
    served.record("/v1/donations", donation="0", donor="N", fund="F", amount=10**6, on="2026-01-02")
    schema = schemathesis.openapi.from_dict(reference)
    schema.config.base_url = served.url
    client = served.client()
    asked: set[tuple[str, str]] = set()
    shown = {asker: headers_of(served, asker) for asker in ASKERS}
    session = requests.Session()
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))  # cookies are shown by hand

    @settings(
        max_examples=EXAMPLES, deadline=None, derandomize=True, database=None,
        phases=[Phase.generate], suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(data=st.data())
    def holds(operation: Any, mode: schemathesis.GenerationMode, data: st.DataObject) -> None:
        case = data.draw(operation.as_strategy(generation_mode=mode))
        # Whoever may asks the same, and who shows nothing; nonsense only who may do the most. Who may not is told so by
        # the door, on every route alike: `test_http_access` asks all of them.
        able = [one for one in ASKERS if _may(one, operation.method.upper(), operation.path)]
        nonsense = mode is schemathesis.GenerationMode.NEGATIVE
        each = dict.fromkeys(("nobody", able[0], able[len(asked) % len(able)], able[-1]))
        for asker in able[-1:] if nonsense else each:
            answer = case.call(headers=shown[asker], timeout=20, session=session)
            case.validate_response(answer, checks=CHECKS)
            may = _may(asker, operation.method.upper(), operation.path)
            assert may or answer.status_code in (401, 403, 429), (asker, answer.status_code)

    wrong: list[str] = []
    for result in schema.get_all_operations():
        assert isinstance(result, Ok)
        operation = result.ok()
        method, path = operation.method.upper(), operation.path
        if (method, path) in (("GET", "/v1/entries/stream"), ("DELETE", "/v1/session")):
            continue  # one has no end, the other signs the asker out; both have tests of their own
        served.forget_paces()
        for mode in (schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE):
            try:
                holds(operation=operation, mode=mode)
            except Unsatisfiable:
                assert mode is schemathesis.GenerationMode.NEGATIVE, "nothing can be wrong about what takes nothing"
            except FailureGroup as found:
                wrong += [f"{method} {path}: {one}" for one in found.exceptions]
        asked.add((method, path))
    session.close()
    assert wrong == []
    assert len(asked) == len(API) - 2
    assert client.get("/healthz").status_code == 200


def test_links_lead_from_what_is_recorded_to_what_it_is(served: Served, reference: dict[str, Any]) -> None:
    by_name = {one["operationId"]: (path, method, one)
               for path, methods in reference["paths"].items() for method, one in methods.items()}  # fmt: skip
    followed = []
    for fact, asked in FOLLOWED.items():
        path = FACT_ROUTES[fact]
        answer = served.post(path, asked)
        assert answer.status_code == 201, answer.text
        served.fenhao.runner.wait_for(answer.json()["seq"], 20)
        for name, link in reference["paths"][path]["post"]["responses"]["201"]["links"].items():
            given = {one: _resolved(expression, asked, answer.json()) for one, expression in link["parameters"].items()}
            to, method, operation = by_name[link["operationId"]]
            scope = "log" if name in ("entry", "receipt") else "read"
            said = served.client(scope).request(method.upper(), to.format_map(given))
            # No receipt before the service has signed, which it may have done meanwhile.
            assert said.status_code in ((200, 404) if name == "receipt" else (200,)), (fact, name, said.text)
            assert str(said.status_code) in operation["responses"]
            followed.append(name)
    assert set(followed) == {"entry", "receipt", "fund", "case", "donation", "donor", "hospital"}


FOLLOWED: dict[str, dict[str, Any]] = {
    "FundOpened": {"fund": "LF", "name": "f", "fee_bp": 0},
    "HospitalRegistered": {"hospital": "LH", "name": "h"},
    "CaseOpened": {"case": "LC", "fund": "LF", "hospital": "LH", "person": "LP"},
    "DonationReceived": {"donation": "LD", "donor": "LN", "fund": "LF", "amount": 10, "on": "2026-01-02"},
    "AllocationMade": {"allocation": "LA", "case": "LC", "fund": "LF", "amount": 10, "on": "2026-01-02"},
}


def _resolved(expression: str, asked: dict[str, Any], answered: dict[str, Any]) -> Any:
    """What an expression of OpenAPI's links names."""
    where, _, member = expression.removeprefix("$").partition("#/")
    return {"request.body": asked, "response.body": answered}[where][member]


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
    assert {"entry", "receipt", "donation", "case", "approve"} <= {link["operationId"] for link in links} <= set(names)


def test_a_client_generated_from_the_reference_records_and_reads(
    served: Served, reference: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "openapi.json").write_text(json.dumps(reference))
    (tmp_path / "settings.yaml").write_text("post_hooks: []\npackage_name_override: generated_fenhao\n")
    command = [sys.executable, "-m", "openapi_python_client", "generate", "--path", "openapi.json"]
    command += ["--config", "settings.yaml", "--meta", "none", "--output-path", "generated_fenhao"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, "WARNING" in done.stdout + done.stderr) == (0, False), done.stdout + done.stderr
    monkeypatch.syspath_prepend(str(tmp_path))
    client = importlib.import_module("generated_fenhao").AuthenticatedClient(served.url, served.token("record", "read"))
    give = importlib.import_module("generated_fenhao.api.facts.record_donation_received")
    body = give.DonationReceived.from_dict(
        {"donation": "GEN", "donor": "GN", "fund": "F", "amount": "12.00", "on": "2026-01-02"}
    )
    with client:
        recorded = give.sync(client=client, body=body, idempotency_key="generated")
        served.fenhao.runner.wait_for(recorded.seq, 20)
        ledger = importlib.import_module("generated_fenhao.api.queries.donor_ledger").sync("GN", client=client)
    assert (ledger.given, ledger.donations[0].donation) == (1_200, "GEN")


def test_the_reference_is_the_same_each_time(served: Served, reference: dict[str, Any]) -> None:
    again = served.client().get("/openapi.json").json()
    assert json.dumps(again) == json.dumps(reference)
