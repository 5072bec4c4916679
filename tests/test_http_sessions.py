"""Signing in, and what attackers try: guessing, forging, replaying, asking in another's name."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from typing import Any

import pytest
from argon2 import PasswordHasher
from fastapi import Request
from httpx import Response
from serving import PASSWORD, Served

from api.http.faults import SignInRefused, TooOften
from api.http.links import Links
from api.http.office import address_of
from api.http.one_time_codes import OneTimeCodes
from api.http.pace import MAX_NAMES, Pace
from ledger.decisions import ReceiveDonation
from ledger.errors import AlreadyRecorded, BadValue, Unknown

FUND = {"fund": "F2", "name": "f"}


@pytest.fixture(autouse=True)
def patience(served: Served) -> None:
    """Each test begins with buckets that are full."""
    served.forget_paces()


@contextmanager
def later(served: Served, step: timedelta) -> Iterator[None]:
    """The service's clock goes ahead for a while."""
    recorder = served.fenhao.journal.entries
    clock = recorder.clock
    recorder.clock = lambda: clock() + step
    try:
        yield
    finally:
        recorder.clock = clock


def sign_in(served: Served, **asked: Any) -> Response:
    return served.client().post("/v1/session", json=asked)


def test_who_signs_in_is_who_they_are_until_they_sign_out(served: Served) -> None:
    served.signed_in("admin", name="ann")
    answer = sign_in(served, name="ann", password=PASSWORD)
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    said = answer.json()
    headers = {"Cookie": cookie.partition(";")[0], "X-CSRF-Token": said["csrf"]}
    who = served.client().get("/v1/session", headers=headers).json()
    assert (who["name"], who["roles"], who["csrf"]) == ("ann", ["admin"], said["csrf"])
    made = served.client().post("/v1/funds", json=FUND, headers={**headers, "Idempotency-Key": "s1"})
    assert served.fenhao.journal.entries.read(made.json()["seq"], 1)[0].data["by"] == "ann"
    assert served.client().delete("/v1/session", headers=headers).status_code == 204
    assert served.client().get("/v1/session", headers=headers).status_code == 401


def test_a_wrong_name_or_password_is_told_the_same(served: Served) -> None:
    served.signed_in("admin", name="bob")
    wrong = [
        sign_in(served, name="bob", password="x" * 12),
        sign_in(served, name="nobody", password=PASSWORD),
        sign_in(served, name="bob", password="' or '1'='1"),
        sign_in(served, name="bob'--", password=PASSWORD),
    ]
    assert {(one.status_code, one.text) for one in wrong} == {(401, wrong[0].text)}


@pytest.mark.parametrize(
    "body",
    [b"{}", b"[]", b"{", b'{"name":"bob"}', b'{"name":1,"password":2}', b'{"name":"\\ud800","password":"x"}',
     b'{"name":"bob","password":"' + b"x" * 201 + b'"}', b'{"name":"a","password":"secret-9","more":1}'],
)  # fmt: skip
def test_what_is_no_sign_in_is_a_problem_that_repeats_nothing(served: Served, body: bytes) -> None:
    answer = served.client().post("/v1/session", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code in (400, 401)
    assert "secret-9" not in answer.text


def test_a_browser_changes_nothing_without_the_proof_that_our_page_asks(served: Served) -> None:
    headers = served.signed_in("admin", name="cat")
    cookie = {"Cookie": headers["Cookie"], "Idempotency-Key": "c1"}
    for forged in (
        {},
        {"X-CSRF-Token": ""},
        {"X-CSRF-Token": "x"},
        {"X-CSRF-Token": served.donor("0")["X-CSRF-Token"]},
    ):
        answer = served.client().post("/v1/funds", json=FUND, headers={**cookie, **forged})
        assert answer.json()["type"] == "urn:fenhao:problem:csrf_missing"
    assert served.client().delete("/v1/session", headers=cookie).status_code == 403


@pytest.mark.parametrize("type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
def test_what_a_foreign_form_can_send_is_not_read(served: Served, type: str) -> None:
    content = f'{{"name":"dan","password":"{PASSWORD}"}}'.encode()
    answer = served.client().post("/v1/session", content=content, headers={"Content-Type": type})
    assert answer.status_code == 400
    assert "set-cookie" not in answer.headers


def test_a_session_ends_with_its_time_its_account_and_a_new_password(served: Served) -> None:
    accounts = served.office.accounts
    headers = served.signed_in("admin", name="eve")

    def status() -> int:
        return served.client().get("/v1/session", headers=headers).status_code

    assert status() == 200
    with later(served, timedelta(hours=12)):
        assert status() == 401
    accounts.change("eve", password="another long one")
    assert status() == 401
    with pytest.raises(SignInRefused):
        accounts.sign_in("eve", PASSWORD)
    session = accounts.sign_in("eve", "another long one")
    accounts.close("eve")
    assert accounts.asker(session.secret) is None
    with pytest.raises(SignInRefused):
        accounts.sign_in("eve", "another long one")
    with pytest.raises(Unknown):
        accounts.change("eve", roles=["finance"])


def test_an_account_has_a_name_of_its_own_a_role_and_a_long_password(served: Served) -> None:
    accounts = served.office.accounts
    accounts.add("fay", ["finance"], PASSWORD)
    with pytest.raises(AlreadyRecorded):
        accounts.add("fay", ["admin"], PASSWORD)
    for name, roles, password in (
        ("gus", ["donor"], PASSWORD), ("gus", ["scope:record"], PASSWORD), ("gus", [], PASSWORD),
        ("gus", ["admin"], "short"), ("13800138000", ["admin"], PASSWORD), ("", ["admin"], PASSWORD),
    ):  # fmt: skip
        with pytest.raises(BadValue):
            accounts.add(name, roles, password)
    assert "gus" not in {one.name for one in accounts.listed()}


def test_of_passwords_and_sessions_only_hashes_are_kept(served: Served) -> None:
    secret = served.signed_in("admin", name="hal")["Cookie"].partition("=")[2]
    with served.fenhao.database.service() as connection:
        [(accounts,)] = connection.execute("select string_agg(t::text, '') from access_account t").fetchall()
        [(sessions,)] = connection.execute("select string_agg(t::text, '') from access_session t").fetchall()
    assert "$argon2id$" in accounts
    assert PasswordHasher().memory_cost == 64 * 1024, "what the service itself uses, in KiB: RFC 9106"
    assert PASSWORD not in accounts
    assert secret not in sessions


def test_guessing_is_slowed_down_for_the_account_and_for_the_address(served: Served) -> None:
    answers = [sign_in(served, name="ida", password="x" * 12).status_code for _ in range(12)]
    assert answers == [401] * 10 + [429] * 2
    assert sign_in(served, name="other", password="x" * 12).status_code == 401
    last = sign_in(served, name="ida", password="x" * 12)
    assert last.headers["retry-after"]


def test_a_pace_is_so_many_at_once_and_then_so_many_in_time() -> None:
    now = [0.0]
    pace = Pace(burst=3, refill_s=30, now_s=lambda: now[0])
    for _ in range(3):
        pace.take("a")
    with pytest.raises(TooOften):
        pace.take("a")
    pace.take("b")
    now[0] = 10.0
    pace.take("a")
    with pytest.raises(TooOften):
        pace.take("a")
    now[0] = 1_000.0
    for _ in range(3):
        pace.take("a")
    with pytest.raises(TooOften):
        pace.take("a")


def test_names_made_up_by_the_thousand_fill_no_memory_and_free_or_bar_nobody_else() -> None:
    pace = Pace(burst=3, refill_s=30, now_s=lambda: 0.0)
    for _ in range(3):
        pace.take("often")
    for n in range(3 * MAX_NAMES):
        pace.take(f"n{n}")
        assert len(pace) <= MAX_NAMES
    with pytest.raises(TooOften):
        pace.take("often")
    pace.take("one more")


@pytest.mark.parametrize(
    ("host", "address"),
    [("192.0.2.7", "192.0.2.7"), ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"), ("::1", "::/64")],
)
def test_an_address_is_that_of_one_holder(host: str, address: str) -> None:
    assert address_of(Request({"type": "http", "client": (host, 1)})) == address


def test_a_donors_link_opens_their_ledger_until_it_expires_and_cannot_be_forged(served: Served) -> None:
    links, now = served.office.links, served.fenhao.journal.entries.clock()
    link = links.make("N", 2, now)
    answer = served.client().post("/v1/session/link", json={"link": link})
    assert (answer.status_code, answer.json()["donor"]) == (200, "N")
    said, _, signature = link.partition(".")
    other = links.make("M", 2, now)
    stranger = Links(served.fenhao.settings.home / "keys", "another.example/ledger", bytes).make("N", 2, now)
    forged = [
        "",
        ".",
        said,
        f"{said}.",
        f"{other.partition('.')[0]}.{signature}",
        link[:-2],
        f"{said}.AAAA",
        "é.é",
        "x" * 999,
    ]
    for bad in [*forged, stranger]:
        assert served.client().post("/v1/session/link", json={"link": bad}).status_code in (400, 401), bad
    with later(served, timedelta(days=2)):
        assert served.client().post("/v1/session/link", json={"link": link}).status_code == 401
    for days in (0, 61):
        with pytest.raises(BadValue):
            links.make("N", days, now)


PHONE = "13800138000"


@pytest.fixture(scope="module")
def phoned(served: Served) -> str:
    """The id of a donor whose phone the vault knows, as an import with pseudonyms makes it."""
    vault = served.fenhao.vault
    donor = vault.new_pseudonym("donor")
    gift = ReceiveDonation(key="ph", donation="PH", fund="F", amount=5, on=date(2026, 1, 2), donor=donor)
    with served.fenhao.writer.session() as session:
        session.run([gift])
        keeping = vault.keeping(session.writing, [f"donor/{donor}"])
        keeping.bind([("donor", PHONE, donor)])
        keeping.store()
    return donor


def show(served: Served, code: str, asked: dict[str, str]) -> Response:
    """The code shown by the browser that asked."""
    return served.client().post("/v1/session/code", json={"contact": PHONE, "code": code}, headers=asked)


def wrong(code: str, step: int = 1) -> str:
    return f"{(int(code) + step) % 10**6:06}"


def test_a_donor_signs_in_by_a_code_that_is_good_once(served: Served, phoned: str) -> None:
    code, asked = served.asked_code(PHONE)
    assert show(served, wrong(code), asked).status_code == 401
    answer = show(served, f"{code[:3]} {code[3:]}", asked)
    assert (answer.status_code, answer.json()["donor"]) == (200, phoned)
    assert show(served, code, asked).status_code == 401


def test_a_code_is_not_guessed_and_runs_out(served: Served, phoned: str) -> None:
    code, asked = served.asked_code(PHONE)
    with later(served, timedelta(minutes=10)):
        assert show(served, code, asked).status_code == 401
    for n in range(5):
        assert show(served, wrong(code, 1 + n), asked).status_code == 401
    assert show(served, code, asked).status_code == 401


def test_strangers_who_guess_make_codes_longer_and_keep_nobody_out(served: Served, phoned: str) -> None:
    """Of six digits ten are tried in vain in a day, in all; who asks again has a code that no number of tries finds."""

    def fresh_code() -> tuple[str, dict[str, str]]:
        served.forget_paces()
        return served.asked_code(PHONE)

    with later(served, timedelta(days=3)):
        own, own_asked = fresh_code()
        for _ in range(2):
            code, asked = fresh_code()
            assert [show(served, wrong(code, 1 + n), asked).status_code for n in range(4)] == [401] * 4
            assert show(served, code, asked).status_code == 200, "who is right is not counted"
        _, asked = fresh_code()
        assert [show(served, wrong(own, n), asked).status_code for n in (1, 2)] == [401] * 2
        assert show(served, own, own_asked).status_code == 401, "the day's tries of six digits are used up"
        own, own_asked = fresh_code()
        assert re.fullmatch(r"\d{4}-\d{4}-\d{4}", own)
        for _ in range(4):
            code, asked = fresh_code()
            assert {show(served, said, asked).status_code for said in ("000000", "0" * 12, own)} == {401}
        assert show(served, own.replace("-", " "), own_asked).status_code == 200
    with later(served, timedelta(days=4, minutes=1)):
        assert len(fresh_code()[0]) == 6, "the next day"


def test_whether_a_contact_is_known_is_not_told(served: Served, phoned: str) -> None:
    served.codes.clear()
    answers = [served.client().post("/v1/session/new-code", json={"contact": to}) for to in (PHONE, "13900139000")]
    assert {(one.status_code, one.text) for one in answers} == {(202, "")}
    asked = [one.headers["set-cookie"].partition(";") for one in answers]
    assert asked[0][2] == asked[1][2]
    assert len(asked[0][0]) == len(asked[1][0])
    assert set(served.codes) == {PHONE}
    unknown = served.client().post("/v1/session/code", json={"contact": "13900139000", "code": "000000"})
    assert unknown.status_code == 401


def test_as_much_is_done_for_a_contact_that_nobody_has(
    served: Served, phoned: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that the time an answer takes does not tell: the same statements, which change as many rows."""
    done: list[tuple[str, bool]] = []
    row = OneTimeCodes._row

    def noted(self: OneTimeCodes, name: str, **values: Any) -> Any:
        found = row(self, name, **values)
        done.append((name, found is not None))
        return found

    def work(contact: str) -> list[tuple[str, bool]]:
        done.clear()
        for _ in range(3):
            served.forget_paces()
            answer = served.client().post("/v1/session/new-code", json={"contact": contact})
            asked = {"Cookie": answer.headers["set-cookie"].partition(";")[0]}
            for code in ("0000000000000", *["000000"] * 4):
                said = served.client().post("/v1/session/code", json={"contact": contact, "code": code}, headers=asked)
                assert said.status_code == 401
        return done[:]

    monkeypatch.setattr(OneTimeCodes, "_row", noted)
    with later(served, timedelta(days=6)):
        assert work(PHONE) == work("13900139000")
    assert ("count", False) in done, "until the day's tries are used up"
    with later(served, timedelta(days=8)), served.fenhao.database.service() as connection:
        served.asked_code(PHONE)
        assert connection.execute("select from access_tried").fetchall() == []
