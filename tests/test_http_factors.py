"""Second factors: asked for when they stand, good once, not guessed, lost and found."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from conftest import Fenhao
from httpx import Response
from pyotp import TOTP
from serving import PASSWORD, Served

from api.http.faults import SignInRefused
from api.http.second_factors import MAX_WRONG, FactorLost
from ledger.errors import BadValue


@pytest.fixture(autouse=True)
def still(served: Served) -> Iterator[None]:
    """Each test begins with buckets that are full, and the service's clock stands still meanwhile."""
    for pace in (served.office.address_pace, served.office.account_pace):
        pace.forget()
    recorder = served.fenhao.journal.entries
    clock, now = recorder.clock, recorder.clock()
    recorder.clock = lambda: now
    yield
    recorder.clock = clock


@contextmanager
def later(served: Served, seconds: int) -> Iterator[None]:
    """The service's clock goes ahead for a while."""
    recorder = served.fenhao.journal.entries
    clock = recorder.clock
    recorder.clock = lambda: clock() + timedelta(seconds=seconds)
    try:
        yield
    finally:
        recorder.clock = clock


def sign_in(served: Served, name: str, code: str | None = None, password: str = PASSWORD) -> Response:
    said = {"name": name, "password": password} | ({} if code is None else {"code": code})
    return served.client().post("/v1/session", json=said)


def code_of(served: Served, secret: str, ahead: int = 0) -> str:
    """What the authenticator shows now, or so many steps later."""
    return TOTP(secret).at(served.fenhao.journal.entries.clock(), counter_offset=ahead)


def enrolled(served: Served, name: str, role: str = "finance") -> tuple[str, list[str]]:
    """An account with a second factor: its secret and recovery codes, as a browser has them."""
    headers = served.signed_in(role, name=name)
    made = served.client().post("/v1/session/factor", json={"password": PASSWORD}, headers=headers)
    assert made.status_code == 200, made.text
    secret = made.json()["secret"]
    assert made.json()["uri"].startswith(f"otpauth://totp/fenhao%20ledger.example.org%20test:{name}?secret={secret}&")
    assert sign_in(served, name).status_code == 200, "not in force before it is confirmed"
    confirm = "/v1/session/factor/confirmation"
    wrong = f"{(int(code_of(served, secret)) + 1) % 10**6:06}"
    assert served.client().post(confirm, json={"code": wrong}, headers=headers).status_code == 422
    done = served.client().post(confirm, json={"code": code_of(served, secret)}, headers=headers)
    assert done.status_code == 200, done.text
    return secret, done.json()["recovery_codes"]


def problem(answer: Response) -> str:
    return str(answer.json()["type"]).removeprefix("urn:fenhao:problem:")


def test_who_has_a_second_factor_signs_in_with_a_code_of_it_once(served: Served) -> None:
    secret, _ = enrolled(served, "ann")
    assert problem(sign_in(served, "ann")) == "second_factor_needed"
    assert problem(sign_in(served, "ann", password="x" * 12)) == "sign_in_refused", "a wrong password comes first"
    assert sign_in(served, "ann", code_of(served, secret)).status_code == 401, "the code that confirmed it is used"
    with later(served, 30):
        code = code_of(served, secret)
        answer = sign_in(served, "ann", f"{code[:3]} {code[3:]}")
        assert (answer.status_code, answer.json()["second_factor"]) == (200, True)
        assert sign_in(served, "ann", code).status_code == 401, "a code is good once"
    assert sign_in(served, "ann", code_of(served, secret)).status_code == 401, "none before it is good any more"


def test_a_code_is_good_for_its_time_and_for_its_own_account(served: Served) -> None:
    secret, _ = enrolled(served, "bob")
    other, _ = enrolled(served, "cat")
    factors = served.office.accounts.factors
    for bad in (code_of(served, secret, 2), code_of(served, secret, -2), code_of(served, other, 1), "", "000", "é" * 6,
                "1234567", "' or 1=1", "\x00" * 6):  # fmt: skip
        with pytest.raises(SignInRefused):
            factors.require("bob", bad)
    factors.require("bob", code_of(served, secret, 1))


def test_codes_are_not_guessed_however_slowly(served: Served) -> None:
    secret, recovery = enrolled(served, "dan")
    factors = served.office.accounts.factors
    for _ in range(MAX_WRONG):
        with pytest.raises(SignInRefused):
            factors.require("dan", "000000")
    with pytest.raises(SignInRefused):
        factors.require("dan", code_of(served, secret, 1))
    factors.require("dan", recovery[0])
    factors.require("dan", code_of(served, secret, 1))


def test_a_recovery_code_signs_in_once(served: Served) -> None:
    _, recovery = enrolled(served, "eve")
    _, others = enrolled(served, "fay")
    assert len(set(recovery)) == 10
    assert sign_in(served, "eve", recovery[3].lower().replace("-", " ")).status_code == 200
    assert sign_in(served, "eve", recovery[3]).status_code == 401
    assert sign_in(served, "eve", others[0]).status_code == 401
    assert sign_in(served, "eve", recovery[4]).status_code == 200


def test_another_factor_asks_for_password_and_code_and_ends_the_recovery_codes_before(served: Served) -> None:
    secret, recovery = enrolled(served, "gus")
    headers = served.sessions["gus"]
    ask = "/v1/session/factor"
    assert problem(served.client().post(ask, json={"password": PASSWORD}, headers=headers)) == "second_factor_needed"
    stolen = {"password": "x" * 12, "code": code_of(served, secret, 1)}
    assert served.client().post(ask, json=stolen, headers=headers).status_code == 401
    made = served.client().post(ask, json={"password": PASSWORD, "code": recovery[0]}, headers=headers)
    factors = served.office.accounts.factors
    factors.require("gus", recovery[1])  # the old one stands until the new one is confirmed
    again = factors.confirm("gus", code_of(served, made.json()["secret"]))
    for bad in (recovery[2], code_of(served, secret, 1)):
        with pytest.raises(SignInRefused):
            factors.require("gus", bad)
    factors.require("gus", again[0])
    with pytest.raises(BadValue, match="enrol anew"):
        factors.confirm("gus", code_of(served, made.json()["secret"]))


def test_an_admin_takes_off_another_ones_and_nobody_their_own(served: Served) -> None:
    enrolled(served, "hal")
    enrolled(served, "ida", role="admin")
    admin, headers = served.sessions["ida"], served.sessions["hal"]
    for who, whose, status in (("hal", "hal", 403), ("hal", "ida", 403), ("ida", "ida", 403), ("ida", "nobody", 404)):
        answer = served.client().delete(f"/v1/accounts/{whose}/factor", headers=served.sessions[who])
        assert answer.status_code == status, (who, whose)
    assert served.client().delete("/v1/accounts/hal/factor", headers=admin).status_code == 204
    assert served.client().get("/v1/session", headers=headers).status_code == 401, "their sessions are over"
    assert sign_in(served, "hal").status_code == 200


def test_secrets_are_in_the_database_as_nobody_can_use_them(served: Served) -> None:
    secret, recovery = enrolled(served, "jan")
    enrolled(served, "kim")
    with served.fenhao.database.service() as connection:
        [(kept,)] = connection.execute("select string_agg(t::text, '') from access_factor t").fetchall()
        [(codes,)] = connection.execute("select string_agg(t::text, '') from access_recovery t").fetchall()
    for text in (secret, *recovery):
        plain = text.replace("-", "")
        assert plain not in kept + codes
        assert plain.encode().hex() not in kept + codes
    with served.fenhao.database.owner() as owner:  # who can write to the database puts their own secret at another's
        owner.execute(
            "update access_factor set secret = (select secret from access_factor where account = 'kim') "
            "where account = 'jan'"
        )
    with pytest.raises(FactorLost):
        served.office.accounts.sign_in("jan", PASSWORD, "000000")


def test_the_command_line_enrols_and_takes_off(fenhao: Fenhao, monkeypatch: pytest.MonkeyPatch) -> None:
    assert fenhao("init", "--origin", "ledger.example.org/factor", "--no-codes").exit_code == 0
    assert fenhao("staff", "totp", "li").exit_code == 2
    fenhao("staff", "add", "li", "--role", "finance", "--password-stdin", typed=PASSWORD + "\n")
    wrong = fenhao(
        "staff",
        "totp",
        "li",
        typed="000000\n",
    )
    assert (wrong.exit_code, wrong.stderr.count("error: ")) == (2, 1)
    unanswered = fenhao("staff", "totp", "li", typed="")
    assert (unanswered.exit_code, "Traceback" in unanswered.output) == (130, False), "nobody was there to answer"

    def shown(text: str, **more: Any) -> str:
        return TOTP(secrets[-1]).now()

    secrets: list[str] = []
    monkeypatch.setattr(
        "api.words.click.echo", lambda text, **more: secrets.append(json.loads(text).get("secret", "-"))
    )
    monkeypatch.setattr("api.service_commands.click.prompt", shown)
    assert fenhao("staff", "totp", "li", "--json").exit_code == 0
    monkeypatch.undo()
    assert fenhao("staff", "totp", "li", "--reset").exit_code == 0
    assert fenhao("staff", "totp", "li", "--reset").exit_code == 2
