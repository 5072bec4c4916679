"""Who may what: every kind of asker on every route, and what is shown to say who one is."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from serving import Served

from api.http.access import ACCESS, NOBODY, SCOPES, Asker, Grant
from api.http.tokens import Tokens
from ledger.errors import BadValue, Unknown


def asked(served: Served, method: str, path: str, headers: dict[str, str]) -> int:
    """The status of a request to a route without anything in it but who asks."""
    filled = re.sub(r"\{\w+\}", "0", path)
    with served.client().stream(method, filled, headers={**headers, "Idempotency-Key": "k"}) as answer:
        return answer.status_code


def assert_as_the_table_says(served: Served, asker: Asker, headers: dict[str, str]) -> None:
    """Every route is open to who asks, or is not, as the table has it."""
    for (method, path), grants in ACCESS.items():
        status = asked(served, method, path, headers)
        if grants.isdisjoint(asker.grants):
            assert status == (401 if asker is NOBODY else 403), (method, path, status)
        else:
            assert status not in (401, 403), (method, path, status)


def test_nobody_in_particular_may_what_everybody_may(served: Served) -> None:
    assert_as_the_table_says(served, NOBODY, {})


@pytest.mark.parametrize("scope", SCOPES)
def test_a_token_may_what_its_scope_opens_and_nothing_else(served: Served, scope: str) -> None:
    asker = Asker("-", frozenset((SCOPES[scope],)))
    assert_as_the_table_says(served, asker, {"Authorization": f"Bearer {served.token(scope)}"})


def test_every_grant_opens_something_and_every_route_is_opened_by_one() -> None:
    assert frozenset(Grant) == frozenset().union(*ACCESS.values())
    assert all(ACCESS.values())


@pytest.mark.parametrize(
    "shown",
    ["Bearer", "Bearer fenhao_", "Bearer fenhao_AAAA", "Basic YTpi", "Bearer é", "Bearer ' or 1=1 --", "x"],
)
def test_what_is_no_token_opens_not_even_what_is_public(served: Served, shown: str) -> None:
    answer = served.client().get("/openapi.json", headers=[(b"authorization", shown.encode())])
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")


def test_a_token_ends_when_it_is_revoked_and_when_it_expires(served: Served) -> None:
    clock = served.fenhao.journal.entries.clock
    tokens = Tokens(served.fenhao.journal, lambda n: bytes(range(n)))
    secret, token = tokens.issue("machine", ["read"], 2)
    headers = {"Authorization": f"Bearer {secret}"}
    assert asked(served, "GET", "/openapi.json", headers) == 200
    assert tokens.asker(secret[:-1]) is None
    assert tokens.asker(secret.removeprefix("fenhao_")) is None
    served.fenhao.journal.entries.clock = lambda: clock() + timedelta(days=2)
    try:
        assert tokens.asker(secret) is None
    finally:
        served.fenhao.journal.entries.clock = clock
    tokens.revoke(token.id)
    assert asked(served, "GET", "/openapi.json", headers) == 401
    with pytest.raises(Unknown):
        tokens.revoke(token.id)
    assert next(one for one in tokens.listed() if one.id == token.id).revoked_at is not None


def test_of_a_token_only_a_digest_is_kept(served: Served) -> None:
    secret = served.token("read")
    with served.fenhao.database.service() as connection:
        [(text,)] = connection.execute("select string_agg(access_token::text, '') from access_token").fetchall()
    assert secret not in text
    assert secret.removeprefix("fenhao_").encode().hex() not in text


@pytest.mark.parametrize(
    ("name", "scopes", "days"),
    [("m", ["everything"], 1), ("m", [], 1), ("m", ["read"], 0), ("m", ["read"], 400), ("13800138000", ["read"], 1)],
)
def test_a_token_for_everything_or_for_ever_is_not_issued(
    served: Served, name: str, scopes: list[str], days: int
) -> None:
    with pytest.raises(BadValue):
        Tokens(served.fenhao.journal, bytes).issue(name, scopes, days)
