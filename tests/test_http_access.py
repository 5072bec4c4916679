"""Who may what: every kind of asker on every route, and what is shown to say who one is."""

from __future__ import annotations

from datetime import timedelta

import pytest
from serving import Served

from api.bootstrap import log_of
from api.http.access import ACCESS, NOBODY, ROLES, SCOPES, Asker, Grant
from api.http.tokens import Tokens
from ledger.errors import BadValue, Unknown


@pytest.fixture(scope="module")
def gift(served: Served) -> int:
    """A gift of donor 0 with the id 0; the seq of its entry."""
    gift = {"donation": "0", "donor": "0", "fund": "F", "amount": 10, "on": "2026-01-02"}
    seq = int(served.record("/v1/donations", **gift)["seq"])
    served.fenhao.runner.wait_for(seq, 20)
    log_of(served.fenhao).publish()
    return seq


def asked(served: Served, method: str, path: str, headers: dict[str, str], seq: int = 0) -> int:
    """The status of a request to a route without anything in it but who asks."""
    named = {"id": "0", "donation": "0", "seq": seq, "tape": "t1", "n": "0", "level": "0", "tile": "000"}
    filled = path.format_map({**named, "name": "site.css"})
    with served.client().stream(method, filled, headers={**headers, "Idempotency-Key": "k"}) as answer:
        return answer.status_code


def assert_as_the_table_says(served: Served, asker: Asker, headers: dict[str, str], seq: int) -> None:
    """Every route is open to who asks, or is not, as the table has it; signing out comes last."""
    for (method, path), grants in sorted(ACCESS.items(), key=lambda line: line[0] == ("DELETE", "/v1/session")):
        status = asked(served, method, path, headers, seq)
        if grants.isdisjoint(asker.grants):
            assert status == (401 if asker is NOBODY else 403), (method, path, status)
        else:
            assert status not in (401, 403), (method, path, status)


def test_nobody_in_particular_may_what_everybody_may(served: Served, gift: int) -> None:
    assert_as_the_table_says(served, NOBODY, {}, gift)


@pytest.mark.parametrize("scope", SCOPES)
def test_a_token_may_what_its_scope_opens_and_nothing_else(served: Served, gift: int, scope: str) -> None:
    asker = Asker("-", frozenset((SCOPES[scope],)))
    assert_as_the_table_says(served, asker, {"Authorization": f"Bearer {served.token(scope)}"}, gift)


@pytest.mark.parametrize("role", ROLES)
def test_an_account_may_what_its_role_opens_and_nothing_else(served: Served, gift: int, role: Grant) -> None:
    asker = Asker("-", frozenset((role, Grant.PUBLIC)))
    assert_as_the_table_says(served, asker, served.signed_in(role, name=f"table-{role}"), gift)


OWN = {("GET", path) for path in ("/v1/donors/{id}/ledger", "/v1/donors/{id}/flows", "/v1/donations/{id}/trace")}
OWN |= {("GET", "/v1/entries/{seq}/receipt")}
OWN |= {("GET", f"/my/gifts/{{donation}}{more}") for more in ("", "/certificate", "/certificate.pdf")}


def test_a_donor_may_ask_for_their_own_and_no_other_donor_for_it(served: Served, gift: int) -> None:
    donor = Asker("-", frozenset((Grant.DONOR, Grant.PUBLIC)))
    assert_as_the_table_says(served, donor, served.donor("0"), gift)
    for route, grants in ACCESS.items():
        if route in OWN:
            assert asked(served, *route, served.donor("another"), gift) == 403, route
        elif Grant.DONOR in grants and route[0] != "DELETE":
            assert asked(served, *route, served.donor("another"), gift) not in (401, 403), route
    # Of a gift that is not there they hear the same.
    assert served.client().get("/v1/donations/none/trace", headers=served.donor("another")).status_code == 403
    assert served.client().get("/v1/donors/none/ledger", headers=served.donor("another")).status_code == 403


def test_every_grant_opens_something_and_every_route_is_opened_by_one() -> None:
    open_to_some = [grants for grants in ACCESS.values() if Grant.PUBLIC not in grants]
    assert frozenset(Grant) - {Grant.PUBLIC, Grant.METRICS} <= frozenset().union(*open_to_some)
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
