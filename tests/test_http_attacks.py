"""What is tried on sessions, forged requests, tokens, cursors, codes and limits, beyond plain guessing."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from random import Random

import pytest
import uvicorn
from httpx import Client, Response
from serving import PASSWORD, Served, running

from api.http import links, office, one_time_codes
from api.http.access import ACCESS, NOBODY, ROLES
from api.http.office import COOKIE
from api.http.pace import Pace
from ledger.decisions import ReceiveDonation

DAY = "2026-01-02"
FORM = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "text/html"}
PHONES = {"N": "13800138001", "M": "13800138002"}


@pytest.fixture(autouse=True)
def patience(served: Served) -> Iterator[None]:
    """Each test begins and ends with buckets that are full."""
    served.forget_paces()
    yield
    served.forget_paces()


@pytest.fixture(scope="module")
def donors(served: Served) -> dict[str, str]:
    """Two donors with five gifts each, whose phones the vault knows: phone by donor's id."""
    vault, found = served.fenhao.vault, {}
    for name, phone in PHONES.items():
        donor = vault.new_pseudonym("donor")
        gifts = [
            ReceiveDonation(
                key=f"{name}{n}", donation=f"{name}{n}", fund="F", amount=5, on=date(2026, 1, 2), donor=donor
            )
            for n in range(5)
        ]
        with served.fenhao.writer.session() as session:
            session.run(gifts)
            keeping = vault.keeping(session.writing, [f"donor/{donor}"])
            keeping.bind([("donor", phone, donor)])
            keeping.store()
        found[donor] = phone
    served.fenhao.runner.wait_for(served.fenhao.journal.entries.head().size - 1, 20)
    return found


def ways_in(served: Served, donors: dict[str, str]) -> Iterator[tuple[str, str, dict[str, dict[str, str]]]]:
    """Every way to sign in: as path, the cookie that comes with asking for a code, and what is sent."""
    [donor, *_] = donors
    link = served.office.links.make(donor, 1, served.fenhao.journal.entries.clock())
    served.signed_in("finance", name="way")
    yield "/v1/session", "", {"json": {"name": "way", "password": PASSWORD}}
    yield "/v1/session/link", "", {"json": {"link": link}}
    for path, form in (("/v1/session/code", "json"), ("/sign-in/code", "data")):
        code, asked = served.asked_code(donors[donor])
        yield path, asked["Cookie"], {form: {"contact": donors[donor], "code": code}}
    yield "/sign-in", "", {"data": {"name": "way", "password": PASSWORD}}
    yield "/enter", "", {"data": {"link": link}}


def test_no_session_is_one_that_somebody_prepared_and_no_script_or_other_site_has_its_cookie(
    served: Served, donors: dict[str, str]
) -> None:
    planted, seen = "planted-by-somebody-else", set[str]()
    victim = served.signed_in("admin", name="victim")
    for path, asked, sent in ways_in(served, donors):
        for brought in (f"{COOKIE}={planted}", victim["Cookie"]):
            said = sent
            if asked and brought == victim["Cookie"]:
                continue  # a code is good once
            cookies = f"{brought}; {asked}" if asked else brought
            headers = {**(FORM if "data" in sent else {}), "Cookie": cookies, "X-Forwarded-Proto": "https"}
            answer = served.client().post(path, headers=headers, **said)  # type: ignore[arg-type]  # json or data
            assert answer.status_code in (200, 303), (path, answer.text)
            name_value, *flags = answer.headers.get_list("set-cookie")[0].split("; ")
            assert {one.lower() for one in flags} == {"httponly", "path=/", "samesite=strict", "secure"}, path
            assert name_value not in (f"{COOKIE}={planted}", victim["Cookie"], *seen), path
            seen.add(name_value)
            assert answer.headers["cache-control"] == "no-store", path
    assert len(seen) >= 8
    assert served.client().get("/v1/session", headers={"Cookie": f"{COOKIE}={planted}"}).status_code == 401
    assert served.client().get("/v1/session", headers=victim).json()["roles"] == ["admin"]


def test_every_route_that_changes_something_asks_for_the_sessions_own_proof(served: Served) -> None:
    """A cookie alone, with nothing, another session's, or the cookie itself as proof: on each route, page or API."""
    headers, other = served.signed_in(*ROLES, name="forged"), served.signed_in("admin", name="forger")
    secret = headers["Cookie"].partition("=")[2]
    changing = [(method, path) for (method, path), grants in ACCESS.items()
                if method != "GET" and grants.isdisjoint(NOBODY.grants)]  # fmt: skip
    assert len(changing) > 45
    for method, path in changing:
        for proof in ({}, {"X-CSRF-Token": other["X-CSRF-Token"]}, {"X-CSRF-Token": secret}):
            shown = {"Cookie": headers["Cookie"], "Idempotency-Key": "f", **proof}
            answer = served.client().request(method, re.sub(r"{\w+}", "0", path), headers=shown)
            assert (answer.status_code, answer.json()["type"]) == (403, "urn:fenhao:problem:csrf_missing"), path
    assert served.client().get("/v1/session", headers=headers).status_code == 200, "nobody was signed out"


def test_secrets_are_compared_in_a_time_that_tells_nothing(
    served: Served, donors: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    compared: list[str] = []
    for module in (office, links, one_time_codes):
        own = module.hmac.compare_digest

        def noted(one: bytes, two: bytes, own: object = own, name: str = module.__name__) -> bool:
            compared.append(name)
            return bool(own(one, two))  # type: ignore[operator]  # the library's

        monkeypatch.setattr(module, "hmac", type("hmac", (), {"digest": module.hmac.digest, "compare_digest": noted}))
    [donor, *_] = donors
    headers = served.donor(donor)
    served.client().delete("/v1/session", headers={**headers, "X-CSRF-Token": "x"})
    served.client().post("/v1/session/link", json={"link": "AAAA.AAAA"})
    _, asked = served.asked_code(donors[donor])
    served.client().post("/v1/session/code", json={"contact": donors[donor], "code": "000000"}, headers=asked)
    assert set(compared) >= {office.__name__, links.__name__, one_time_codes.__name__}


def test_a_token_is_its_whole_text_in_its_one_place(served: Served) -> None:
    """Digests are looked up: no part of a token, and no other spelling of its last bits, comes nearer than any text."""
    secret = served.token("read")
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    near = [secret[:-1] + letter for letter in letters if letter != secret[-1]]
    near += [secret[:n] for n in (0, 7, 8, 20, len(secret) - 1)] + [
        secret + "=",
        secret + "A",
        secret.lower(),
        secret[7:],
    ]
    for one in near:
        assert served.office.tokens.asker(one) is None, one
    client = Client(base_url=served.url)
    try:
        for path, headers in (
            (f"/v1/balances?access_token={secret}", {}), (f"/v1/balances?token={secret}", {}),
            ("/v1/balances", {"Cookie": f"{COOKIE}={secret}"}), ("/v1/balances", {"X-API-Key": secret}),
            ("/v1/balances", {"Authorization": f"Basic {secret}"}), ("/v1/balances", {"Authorization": secret}),
            ("/v1/balances", {"Authorization": f"Bearer {secret} {secret}"}),
        ):  # fmt: skip
            assert client.get(path, headers=headers).status_code == 401, (path, headers)
        assert client.get("/v1/balances", headers={"Authorization": f"bearer  {secret}"}).status_code == 200
    finally:
        client.close()


def test_whatever_is_done_to_a_cursor_a_donor_sees_their_own_gifts_alone(
    served: Served, donors: dict[str, str]
) -> None:
    one, other = donors
    headers, path = served.donor(one), f"/v1/donors/{one}/ledger"

    def ask(cursor: str, of: str = path, as_of: str | None = None) -> Response:
        asked = {"cursor": cursor, **({"as_of": as_of} if as_of else {})}
        return served.client().get(of, params=asked, headers=headers)

    first = served.client().get(path, params={"limit": 2}, headers=headers).json()
    own = {gift["donation"] for gift in served.client().get(path, headers=headers).json()["donations"]}
    assert len(own) == 5
    mark, filters, place = json.loads(base64.urlsafe_b64decode(first["next"] + "=="))
    theirs = served.client().get(f"/v1/donors/{other}/ledger", params={"limit": 2}, headers=served.donor(other)).json()
    their_mark = json.loads(base64.urlsafe_b64decode(theirs["next"] + "=="))[0]
    assert ask(theirs["next"]).status_code == 400, "another donor's"
    assert ask(first["next"], f"/v1/donors/{other}/ledger").status_code == 400, "at another's address"
    assert ask(theirs["next"], f"/v1/donors/{other}/ledger").status_code == 403, "of another's list, at their address"
    assert ask(encoded(their_mark, filters, place)).status_code == 400, "another list's mark"
    assert ask(first["next"], as_of="2025-01-01").status_code == 400, "with another filter beside it"
    random, answered = Random(7), 0
    for _ in range(60):
        at = random.randrange(len(first["next"]))
        bent = first["next"][:at] + random.choice("ABCDEFabcdef0123_-") + first["next"][at + 1 :]
        answer = ask(bent)
        assert answer.status_code in (200, 400), bent
        if answer.status_code == 200:
            answered += 1
            assert {gift["donation"] for gift in answer.json()["donations"]} <= own
    for made_up in ([0], [-1], [2**53], [place[0], 1], [True], ["a"], [[0]], [None]):
        answer = ask(encoded(mark, filters, made_up))
        assert answer.status_code in (200, 400), made_up
        assert answer.status_code == 400 or {gift["donation"] for gift in answer.json()["donations"]} <= own
    assert ask(encoded(mark, ["2025-01-01", None], place)).status_code == 404, "looked back to before they gave"


def encoded(*said: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(said).encode()).decode().rstrip("=")


def test_a_code_is_its_own_donors_and_makes_one_session(served: Served, donors: dict[str, str]) -> None:
    (one, phone), (_, others_phone) = donors.items()
    code, asked = served.asked_code(phone)
    other_code, others_asked = served.asked_code(others_phone)

    def show(contact: str, said: str, headers: dict[str, str]) -> Response:
        return served.client().post("/v1/session/code", json={"contact": contact, "code": said}, headers=headers)

    if code != other_code:
        assert show(others_phone, code, others_asked).status_code == 401
        assert show(phone, other_code, asked).status_code == 401
    assert show(others_phone, code, asked).status_code == 401
    for _ in range(9):
        assert show(phone, code, others_asked).status_code == 401, "in a browser that has not asked for it"
        assert show(phone, code, {}).status_code == 401
    with ThreadPoolExecutor(8) as pool:
        answers = [*pool.map(lambda _: show(phone, code, asked), range(4))]
    assert sorted(one.status_code for one in answers) == [200, 401, 401, 401]
    assert [answer.json()["donor"] for answer in answers if answer.status_code == 200] == [one]
    assert show(others_phone, other_code, others_asked).status_code == 200, "strangers' tries have not used it up"


def test_tries_of_a_code_are_counted_whichever_door_they_come_through(served: Served, donors: dict[str, str]) -> None:
    *_, phone = donors.values()
    code, asked = served.asked_code(phone)
    form = {**FORM, **asked}
    for n in range(5):
        wrong = f"{(int(code) + 1 + n) % 10**6:06}"
        if n % 2:
            served.client().post("/sign-in/code", data={"contact": phone, "code": wrong}, headers=form)
        else:
            served.client().post("/v1/session/code", json={"contact": f" {phone} ", "code": wrong}, headers=asked)
    right = {"contact": phone, "code": code}
    assert served.client().post("/sign-in/code", data=right, headers=form).status_code == 401
    assert served.client().post("/v1/session/code", json=right, headers=asked).status_code == 401


def test_no_spelling_of_a_contact_and_no_door_has_a_pace_of_its_own(served: Served, donors: dict[str, str]) -> None:
    phone = next(iter(donors.values()))
    spelled = (phone, f" {phone}", f"{phone}\u3000", f"\t{phone} \n")
    answers = [served.client().post("/v1/session/new-code", json={"contact": one}).status_code for one in spelled]
    assert answers == [202] * 4
    assert served.client().post("/v1/session/new-code", json={"contact": f"  {phone}"}).status_code == 429
    assert served.client().post("/sign-in/code", data={"contact": phone}, headers=FORM).status_code == 429
    assert served.client().post("/v1/session/new-code", json={"contact": "13900139000"}).status_code == 202
    served.office.contact_pace.take(phone)  # one address has not used up what the contact has


def test_an_address_cannot_be_made_up_and_has_a_pace_over_all_names(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of what a proxy passes on the last address counts, whatever stands before it; of what others say, nothing."""
    now = [1_000.0]
    monkeypatch.setattr(served.office.address_pace, "_now_s", lambda: now[0])

    def tries(client: Client, count: int, forwarded: str) -> list[int]:
        found = []
        for n in range(count):
            asked, shown = {"name": f"n{now[0]}-{n}", "password": "x"}, {"X-Forwarded-For": forwarded.format(n=n)}
            found.append(client.post("/v1/session", json=asked, headers=shown).status_code)
        return found

    assert tries(served.client(), 61, "10.{n}.0.1, 192.0.2.1") == [401] * 60 + [429]
    assert tries(served.client(), 1, "192.0.2.2") == [401]
    assert tries(served.client(), 1, "192.0.2.1, 127.0.0.1") == [429]
    now[0] += 5.0
    assert tries(served.client(), 2, "192.0.2.1") == [401, 429], "one comes back every five seconds"
    now[0] += 300.0
    assert tries(served.client(), 61, "2001:db8:0:1::{n}") == [401] * 60 + [429], "a network has one holder"
    assert tries(served.client(), 1, "::ffff:192.0.2.9") == [401]
    for strange in ("nonsense:1", "[::1", "fe80::1%eth0", "192.0.2.3:1234", "x" * 300):
        assert tries(served.client(), 1, strange) == [401], strange
    now[0] += 300.0
    untrusted = uvicorn.Config(served.app, log_config=None, lifespan="off", forwarded_allow_ips="192.0.2.200")
    with running(untrusted) as url, Client(base_url=url) as client:
        assert tries(client, 61, "10.{n}.0.1") == [401] * 60 + [429], "who is no proxy names no address"


def test_what_everybody_may_ask_is_limited_for_who_is_nobody_and_comes_back(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [0.0]
    pace = Pace(burst=3, refill_s=20, now_s=lambda: now[0])
    before = served.office.public_pace
    object.__setattr__(served.office, "public_pace", pace)
    try:
        asked = [served.client().get("/v1/flows").status_code for _ in range(5)]
        assert asked == [200] * 3 + [429] * 2
        assert served.client().get("/v1/flows", headers=served.signed_in("auditor", name="paced")).status_code == 200
        assert served.client("read").get("/v1/flows").status_code == 200
        assert served.client().get("/log/checkpoint").status_code in (200, 404), "what caches keep is not counted"
        fault = served.client().get("/", headers={"Accept": "text/html"})
        assert (fault.status_code, fault.headers["retry-after"]) == (429, "10")
        now[0] += 7.0
        assert served.client().get("/v1/flows").status_code == 200
    finally:
        object.__setattr__(served.office, "public_pace", before)
