"""Two persons: nobody approves for another, nor their own, and what is approved is recorded once."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from httpx import Response
from serving import Served

from ledger.writing import Limits

DAY = "2026-01-02"
_keys = itertools.count()


@pytest.fixture(scope="module", autouse=True)
def limits(served: Served) -> Iterator[None]:
    """From 100.00 on a movement takes two persons."""
    served.record("/v1/donations", donation="D", donor="N", fund="F", amount=10**6, on=DAY)
    writer = served.fenhao.writer
    before, writer.limits = writer.limits, replace(Limits(), two_persons_from=10_000)
    yield
    writer.limits = before


def ask(served: Served, who: str, path: str, body: Any = None, *, role: str = "finance", key: str = "") -> Response:
    headers = {**served.signed_in(role, name=who), "Idempotency-Key": key or f"p{next(_keys)}"}
    return served.client().post(path, json=body, headers=headers)


def expense(id: str, amount: int = 20_000) -> dict[str, Any]:
    return {"expense": id, "fund": "F", "kind": "other", "amount": amount, "on": DAY}


def propose(served: Served, id: str, amount: int = 20_000) -> dict[str, Any]:
    said = ask(served, "ann", "/v1/proposals", {"fact": "ExpenseMade", "data": expense(id, amount)})
    assert said.status_code == 201, said.text
    found = said.json()
    assert isinstance(found, dict)
    return found


def test_what_takes_two_persons_is_not_one_persons_to_record(served: Served) -> None:
    alone = ask(served, "ann", "/v1/expenses", expense("E0"))
    assert alone.json()["type"] == "urn:fenhao:problem:approval_needed"
    claimed = ask(served, "ann", "/v1/expenses", {**expense("E0"), "approved_by": ["bob"]})
    assert claimed.status_code == 422
    assert ask(served, "ann", "/v1/expenses", {**expense("E0", 9_999), "by": "bob"}).status_code == 422
    assert ask(served, "ann", "/v1/expenses", expense("E0", 9_999)).status_code == 201


def test_what_another_approves_is_recorded_in_both_names_once(served: Served) -> None:
    made = propose(served, "E1")
    assert (made["state"], made["made_by"]) == ("waiting", "ann")
    waiting = served.client().get("/v1/proposals", headers=served.signed_in("finance", name="bob")).json()
    assert made["id"] in {one["id"] for one in waiting["proposals"]}
    path = f"/v1/proposals/{made['id']}/approval"
    assert ask(served, "ann", path).status_code == 409, "not one's own"
    assert ask(served, "pia", path, role="programme").status_code == 403, "not who could not record it"
    done = ask(served, "bob", path)
    assert done.status_code == 201
    data = served.fenhao.journal.entries.read(done.json()["seq"], 1)[0].data
    assert (data["by"], data["approved_by"]) == ("ann", ["bob"])
    assert ask(served, "bob", path).status_code == 409
    assert ask(served, "cat", path).status_code == 409


def test_what_was_begun_and_cut_short_is_ended_by_the_same_person_alone(served: Served) -> None:
    made = propose(served, "E2")
    with served.fenhao.database.service() as connection:
        connection.execute("update access_proposal set decided_by = 'bob' where id = %s", (made["id"],))
    path = f"/v1/proposals/{made['id']}"
    assert ask(served, "cat", f"{path}/approval").status_code == 409
    assert ask(served, "cat", f"{path}/refusal", {"reason": "no"}).status_code == 409
    assert ask(served, "bob", f"{path}/approval").status_code == 201


def test_what_a_rule_refuses_goes_on_waiting(served: Served) -> None:
    made = propose(served, "E3", 10**9)
    refused = ask(served, "bob", f"/v1/proposals/{made['id']}/approval")
    assert refused.json()["type"] == "urn:fenhao:problem:not_enough_money"
    assert (
        ask(served, "cat", f"/v1/proposals/{made['id']}/refusal", {"reason": "too much"}).json()["state"] == "declined"
    )
    assert ask(served, "bob", f"/v1/proposals/{made['id']}/approval").status_code == 409


def test_a_proposal_expires_and_the_same_one_again_is_the_same(served: Served) -> None:
    asked = {"fact": "ExpenseMade", "data": expense("E4")}
    first = ask(served, "ann", "/v1/proposals", asked, key="same")
    again = ask(served, "ann", "/v1/proposals", asked, key="same")
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    other = {**asked, "data": expense("E4", 20_001)}
    assert ask(served, "ann", "/v1/proposals", other, key="same").status_code == 409
    with served.fenhao.database.owner() as owner:
        owner.execute("update access_proposal set expires_at = now() where id = %s", (first.json()["id"],))
    assert ask(served, "bob", f"/v1/proposals/{first.json()['id']}/approval").status_code == 409


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        ({"fact": "FundOpened", "data": {"fund": "X", "name": "x"}}, 403),
        ({"fact": "Nonsense", "data": {}}, 422),
        ({"fact": "ExpenseMade", "data": {}}, 422),
        ({"fact": "ExpenseMade"}, 400),
        ({"fact": "DonationReceived", "data": {"personal": {"donor_name": "王小明"}}}, 422),
    ],
)
def test_what_cannot_be_proposed_is_a_problem(served: Served, asked: dict[str, Any], status: int) -> None:
    answer = ask(served, "ann", "/v1/proposals", asked)
    assert answer.status_code == status
    assert "王小明" not in answer.text


def test_a_proposal_that_is_not_there_cannot_be_decided(served: Served) -> None:
    for name in ("none", "%00", "' or 1=1 --", "x" * 500):
        assert ask(served, "bob", f"/v1/proposals/{name}/approval").status_code in (400, 404, 422), name
