"""Signing in by an identity provider: a real one over HTTP, honest and otherwise."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from joserfc.jwk import ECKey, OctKey
from openid import CLIENT, SECRET, OpenId, Said, openid
from serving import PASSWORD, Served

from api.bootstrap import BadSetting
from api.http.faults import SignInRefused
from api.http.provider import Provider, ProviderAway, check_oidc, is_private
from api.settings import Oidc, Settings
from ledger.errors import BadValue


@dataclass
class Browser:
    """A browser that signs in by the provider: it keeps cookies as browsers do, and follows no redirect by itself."""

    served: Served
    client: httpx.Client

    def go(self) -> str:
        """To the provider and back: the address that the provider sends it to."""
        there = self.client.get("/oidc/start").headers["location"]
        return httpx.get(there).headers["location"]

    def come_back(self, address: str) -> httpx.Response:
        """Follows that address."""
        return self.client.get(address)


@pytest.fixture(scope="module")
def provider(served: Served, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenId]:
    """A provider that the service uses; `ann` and `bob` are its accounts, `old` was, `pat` has a password."""
    secret = tmp_path_factory.mktemp("oidc") / "secret"
    secret.write_text(SECRET + "\n")
    secret.chmod(0o600)
    accounts = served.office.accounts
    with openid() as made:
        said = Oidc(made.url, served.url, CLIENT, secret)
        journal = served.fenhao.journal
        served.app.state.office = replace(served.office, provider=Provider(said, journal, accounts, os.urandom))
        for name in ("ann", "bob", "old"):
            accounts.add(name, ["finance"], None, made.url)
        accounts.add("pat", ["admin"], PASSWORD)
        accounts.close("old")
        yield made


@pytest.fixture
def browser(served: Served, provider: OpenId) -> Iterator[Browser]:
    """A fresh browser, and a provider that is honest again."""
    honest = OpenId(url=provider.url, key=provider.key, person={"sub": "ann"})
    provider.__dict__.update(honest.__dict__)
    served.office.address_pace.forget()
    with httpx.Client(base_url=served.url) as client:
        yield Browser(served, client)


def told(served: Served, **changes: Any) -> Provider:
    """The service's provider with other settings."""
    provider = served.office.provider
    assert provider is not None
    said = replace(provider._said, **changes)
    return Provider(said, served.fenhao.journal, served.office.accounts, os.urandom)


def test_who_the_provider_vouches_for_is_signed_in(browser: Browser, provider: OpenId) -> None:
    answer = browser.come_back(browser.go())
    assert answer.status_code == 200, answer.text
    assert "HttpOnly" in answer.headers["set-cookie"]
    who = browser.client.get("/v1/session").json()
    assert (who["name"], who["roles"], who["second_factor"]) == ("ann", ["finance"], False)
    asked = provider.asked[-1]
    assert (asked["code_challenge_method"], asked["scope"], asked["client_id"]) == ("S256", "openid", CLIENT)
    assert len({asked["state"], asked["nonce"], asked["code_challenge"]}) == 3


def unsigned(token: str) -> str:
    header = base64.urlsafe_b64encode(b'{"alg":"none","typ":"JWT"}').rstrip(b"=").decode()
    return f"{header}.{token.split('.')[1]}."


def altered(token: str) -> str:
    head, body, signature = token.split(".")
    said = json.loads(base64.urlsafe_b64decode(body + "=="))
    forged = base64.urlsafe_b64encode(json.dumps({**said, "sub": "bob"}).encode()).rstrip(b"=").decode()
    return f"{head}.{forged}.{signature}"


def without(name: str) -> Callable[[Said], Said]:
    return lambda said: {key: value for key, value in said.items() if key != name}


def having(**changed: Any) -> Callable[[Said], Said]:
    return lambda said: said | changed


LIES: dict[str, dict[str, Any]] = {
    "another nonce": {"claims": having(nonce="x")},
    "no nonce": {"claims": without("nonce")},
    "for another client": {"claims": having(aud="another")},
    "for several clients, by another": {"claims": having(aud=[CLIENT, "another"], azp="another")},
    "for nobody": {"claims": without("aud")},
    "by another issuer": {"claims": having(iss="https://evil.example")},
    "expired": {"claims": lambda said: said | {"exp": said["iat"] - 100}},
    "never expiring": {"claims": without("exp")},
    "from the future": {"claims": lambda said: said | {"iat": said["iat"] + 1_000}},
    "signed by nobody": {"token": unsigned},
    "changed": {"token": altered},
    "signed by another's key": {"signed_by": ECKey.generate_key("P-256", {"kid": "k1"}, private=True)},
    "signed with what is public": {"signed_by": OctKey.import_key(b"k" * 32)},
    "no token": {"token": lambda token: ""},
    "a name that is none": {"person": {"sub": 7}},
    "a name of nobody": {"person": {"sub": "nobody"}},
    "a name with a password": {"person": {"sub": "pat"}},
    "a name that was closed": {"person": {"sub": "old"}},
    "a phone for a name": {"person": {"sub": "13800138000"}},
    "a token's name": {"person": {"sub": "token:record"}},
}


@pytest.mark.parametrize("lie", LIES)
def test_no_lie_of_a_token_signs_anybody_in(browser: Browser, provider: OpenId, lie: str) -> None:
    provider.__dict__.update(LIES[lie])
    answer = browser.come_back(browser.go())
    assert (answer.status_code, answer.json()["type"]) == (401, "urn:fenhao:problem:sign_in_refused")
    assert browser.client.get("/v1/session").status_code == 401


def test_only_the_browser_that_began_ends_it_once_and_in_time(browser: Browser, provider: OpenId) -> None:
    provider.once = False
    back = browser.go()
    with httpx.Client(base_url=browser.served.url) as stranger:
        assert stranger.get(back).status_code == 401, "who has no cookie"
        stranger.get("/oidc/start")
        assert stranger.get(back).status_code == 401, "who has begun another: a code that was slipped to them"
        own = httpx.get(stranger.get("/oidc/start").headers["location"]).headers["location"]
        state = httpx.URL(own).params["state"]
        stolen = httpx.URL(back).copy_set_param("state", state)
        assert stranger.get(str(stolen)).status_code == 401, "a stolen code with a state of one's own"
    for bad in (httpx.URL(back).copy_set_param("state", "x"), httpx.URL(back).copy_remove_param("state"),
                httpx.URL(back).copy_set_param("state", "\ud800é"[1:])):  # fmt: skip
        assert browser.come_back(str(bad)).status_code == 401
    cookie = dict(browser.client.cookies)
    assert browser.come_back(back).status_code == 200
    again = httpx.get(back, cookies=cookie)
    assert again.status_code == 401, "even with the cookie, and a provider that takes codes twice"
    late = browser.go()
    recorder = browser.served.fenhao.journal.entries
    clock = recorder.clock
    recorder.clock = lambda: clock() + timedelta(minutes=10)
    try:
        assert browser.come_back(late).status_code == 401
    finally:
        recorder.clock = clock


@pytest.mark.parametrize("bad", ["code", "iss"])
def test_who_comes_back_otherwise_is_refused(browser: Browser, provider: OpenId, bad: str) -> None:
    back = httpx.URL(browser.go())
    changed = back.copy_remove_param("code") if bad == "code" else back.copy_set_param("iss", "https://evil.example")
    assert browser.come_back(str(changed)).status_code == 401


def test_a_provider_that_cannot_be_asked_is_told_as_such(browser: Browser, provider: OpenId) -> None:
    for metadata in ({"issuer": "https://evil.example"}, {"token_endpoint": "http://evil.example/token"},
                     {"jwks_uri": None}):  # fmt: skip
        back = browser.go() if "issuer" not in metadata else None
        provider.metadata = metadata
        answer = browser.client.get("/oidc/start") if back is None else browser.come_back(back)
        assert (answer.status_code, answer.json()["figures"]) == (503, {})
        provider.metadata = {}
    with pytest.raises(ProviderAway):
        told(browser.served, issuer="http://127.0.0.1:9").begin()


def test_claims_give_roles_and_accounts_where_they_are_to(served: Served, browser: Browser, provider: OpenId) -> None:
    mapped = told(served, roles=(("groups", "fin", "finance"), ("groups", "aud", "auditor"), ("hat", "boss", "admin")))

    def sign_in(**person: Any) -> list[str]:
        provider.person = person
        begun = mapped.begin()
        back = httpx.URL(httpx.get(begun.url).headers["location"])
        session = mapped.finish(begun.secret, dict(back.params))
        asker = served.office.accounts.asker(session.secret)
        assert asker is not None
        return sorted(asker.grants - {"public"})

    assert sign_in(sub="new", groups=["fin", "aud", "x"]) == ["auditor", "finance"]
    assert sign_in(sub="new", hat="boss") == ["admin"], "what is given now, no more"
    for person in ({"sub": "new", "groups": ["x"]}, {"sub": "new"}, {"sub": "pat", "groups": ["fin"]},
                   {"sub": "old", "groups": ["fin"]}, {"sub": "new", "groups": "finance"}):  # fmt: skip
        with pytest.raises(SignInRefused):
            sign_in(**person)
    with pytest.raises(SignInRefused):
        served.office.accounts.sign_in("new", "-" * 12)


def test_an_account_of_the_providers_has_no_password(served: Served, provider: OpenId) -> None:
    accounts = served.office.accounts
    for password in ("-", PASSWORD, ""):
        with pytest.raises(SignInRefused):
            accounts.sign_in("bob", password)
    for name in ("token:x", "donor:x"):
        with pytest.raises(BadValue):
            accounts.add(name, ["admin"], PASSWORD)


def test_without_a_provider_there_is_nothing_there(served: Served, provider: OpenId) -> None:
    office = served.office
    served.app.state.office = replace(office, provider=None)
    try:
        assert served.client().get("/oidc/start").status_code == 404
        assert served.client().get("/oidc/callback").status_code == 404
    finally:
        served.app.state.office = office


def test_settings_that_cannot_be_are_one_error_each(tmp_path: Path) -> None:
    environment = {
        "FENHAO_OIDC_ISSUER": "https://id.example.org",
        "FENHAO_OIDC_CLIENT": "c",
        "FENHAO_URL": "https://ledger.example.org/",
        "FENHAO_OIDC_ROLES": "groups:a=b=finance, hat:x=admin",
    }
    said = Settings.from_environment(environment).oidc
    assert said is not None
    assert said.roles == (("groups", "a=b", "finance"), ("hat", "x", "admin"))
    assert said.redirect_uri == "https://ledger.example.org/oidc/callback"
    check_oidc(said)
    for name, value in (("FENHAO_URL", ""), ("FENHAO_URL", "http://ledger.example.org"), ("FENHAO_OIDC_CLIENT", ""),
                        ("FENHAO_OIDC_ISSUER", "id.example.org"), ("FENHAO_OIDC_ROLES", "groups:a=donor"),
                        ("FENHAO_OIDC_ROLES", "x")):  # fmt: skip
        bad = Settings.from_environment(environment | {name: value}).oidc
        assert bad is not None
        with pytest.raises(BadSetting, match=name):
            check_oidc(bad)
    assert not is_private("http://127.0.0.1.evil.example/")
