"""Signing in by the foundation's own identity provider: OpenID Connect Core 1.0, authorization code with PKCE.

What one sign-in has to remember is a secret in the browser that began it: `state`, `nonce` and the PKCE verifier are
made of it. The database keeps its digest until it is used, once.
"""

from __future__ import annotations

import base64
import hmac
import logging
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, NamedTuple, cast
from urllib.parse import quote, urlsplit

import httpx
from authlib.common.errors import AuthlibBaseError
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from authlib.oidc.core import CodeIDToken
from authlib.oidc.discovery import get_well_known_url
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, KeySetSerialization

from api.bootstrap import BadSetting
from api.http.access import ROLES
from api.http.accounts import Accounts, Session
from api.http.faults import SignInRefused
from api.http.tokens import digest_of, fresh_secret
from api.settings import Oidc
from ledger.database import queries
from ledger.errors import BadValue, OperatorFault
from ledger.journal import Entropy, Journal
from ledger.key_files import read_secret

LIFE = timedelta(minutes=10)
LEEWAY_S = 60
TIMEOUT_S = 10
MAX_BYTES = 1 << 20
ALGORITHMS = ("RS256", "PS256", "ES256", "EdDSA")
"""Signatures by the provider's own key: never `none`, nor a hash keyed with what others know."""
_SQL = queries("api.http", "provider.sql")
_log = logging.getLogger("fenhao.provider")


class ProviderAway(OperatorFault):
    """The identity provider cannot be asked, or what it says of itself is of no use."""

    code = "provider_away"
    zh = "身份提供方 {issuer} 无法使用：{reason}"
    en = "the identity provider {issuer} cannot be used: {reason}"


class Start(NamedTuple):
    """A sign-in begun: where the browser goes, and what it keeps meanwhile."""

    url: str
    secret: str


class Provider:
    """The identity provider of one ledger's staff and auditors."""

    def __init__(self, said: Oidc, journal: Journal, accounts: Accounts, entropy: Entropy) -> None:
        """Raises BadSetting."""
        check_oidc(said)
        self._said, self._journal, self._accounts, self._entropy = said, journal, accounts, entropy

    def begin(self) -> Start:
        """A sign-in that one browser may end within ten minutes. Raises ProviderAway."""
        endpoint = self._endpoint(self._metadata(), "authorization_endpoint")
        secret, now = fresh_secret(self._entropy), self._journal.entries.clock()
        with self._journal.entries.reading() as cursor:
            cursor.execute(_SQL["forget"], {"now": now})
            cursor.execute(_SQL["begin"], {"digest": digest_of(secret), "expires_at": now + LIFE})
        url = prepare_grant_uri(
            endpoint,
            self._said.client,
            "code",
            redirect_uri=self._said.redirect_uri,
            scope=self._said.scope,
            state=_made_of(secret, "state"),
            nonce=_made_of(secret, "nonce"),
            code_challenge=create_s256_code_challenge(_made_of(secret, "verifier")),
            code_challenge_method="S256",
        )
        return Start(url, secret)

    def finish(self, secret: str, shown: Mapping[str, str]) -> Session:
        """A session for who comes back with the parameters `shown`, in the browser that has the secret.

        Raises SignInRefused, ProviderAway.
        """
        if not hmac.compare_digest(shown.get("state", "").encode(errors="replace"), _made_of(secret, "state").encode()):
            raise _refused("state")
        with self._journal.entries.reading() as cursor:
            which = {"digest": digest_of(secret), "now": self._journal.entries.clock()}
            if cursor.execute(_SQL["end"], which).fetchone() is None:
                raise _refused("used or expired")
        if shown.get("iss", self._said.issuer) != self._said.issuer or not shown.get("code"):  # RFC 9207
            raise _refused("another issuer, or no code")
        claims = self._claims(shown["code"], secret)
        name = claims.get(self._said.name_claim)
        if not isinstance(name, str):
            raise _refused(f"no claim {self._said.name_claim}")
        try:
            return self._accounts.admit_vouched(name, self._said.issuer, self._roles(claims))
        except BadValue:
            raise _refused(f"the claim {self._said.name_claim} is no name for an account") from None

    def _claims(self, code: str, secret: str) -> dict[str, Any]:
        """What the provider says of who comes with the code, proved to be of this sign-in and for us."""
        metadata = self._metadata()
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": self._said.redirect_uri}
        form["code_verifier"] = _made_of(secret, "verifier")
        given = self._asked("POST", self._endpoint(metadata, "token_endpoint"), form, refusable=True)
        keys = self._asked("GET", self._endpoint(metadata, "jwks_uri"))
        try:
            token = jwt.decode(
                str(given.get("id_token")),
                KeySet.import_key_set(cast(KeySetSerialization, keys)),
                algorithms=ALGORITHMS,
            )
            own = {"iss": self._said.issuer, "aud": self._said.client}
            claims = CodeIDToken(
                token.claims,
                token.header,
                {name: {"essential": True, "value": value} for name, value in own.items()},
                {
                    "nonce": _made_of(secret, "nonce"),
                    "client_id": self._said.client,
                    "access_token": given.get("access_token"),
                },
            )
            claims.validate(int(self._journal.entries.clock().timestamp()), LEEWAY_S)
        except (JoseError, AuthlibBaseError, ValueError, TypeError, KeyError) as error:
            raise _refused(type(error).__name__) from None
        return dict(claims)

    def _roles(self, claims: Mapping[str, Any]) -> list[str] | None:
        """The roles that the claims give; None where accounts have theirs from us."""
        if not self._said.roles:
            return None
        found = set()
        for claim, value, role in self._said.roles:
            held = claims.get(claim)
            if value == held or (isinstance(held, list) and value in held):
                found.add(role)
        return sorted(found)

    def _metadata(self) -> dict[str, Any]:
        metadata = self._asked("GET", get_well_known_url(self._said.issuer, external=True))
        if metadata.get("issuer") != self._said.issuer:
            raise self._away("it says that it is another issuer")
        return metadata

    def _endpoint(self, metadata: dict[str, Any], name: str) -> str:
        """Raises ProviderAway for an endpoint that is not there or not private."""
        url = metadata.get(name)
        if not isinstance(url, str) or not is_private(url):
            raise self._away(f"{name} is no https address")
        return url

    def _asked(
        self, method: str, url: str, form: dict[str, str] | None = None, *, refusable: bool = False
    ) -> dict[str, Any]:
        """The JSON object at an address; a form is sent as our own client's. Raises ProviderAway, SignInRefused."""
        try:
            auth = None if form is None else (quote(self._said.client), quote(self._secret()))
            answer = httpx.request(method, url, data=form, auth=auth, timeout=TIMEOUT_S, follow_redirects=False)
            if refusable and 400 <= answer.status_code < 500:
                raise _refused(f"the provider answered {answer.status_code}")
            said = answer.json() if answer.status_code == 200 and len(answer.content) <= MAX_BYTES else None
        except (httpx.HTTPError, ValueError) as error:
            raise self._away(type(error).__name__) from None
        if not isinstance(said, dict):
            raise self._away(f"{urlsplit(url).path} answered {answer.status_code}, or no JSON object")
        return said

    def _secret(self) -> str:
        """The client's secret, read each time: it can be changed while the service runs. Raises SecretIsOpen."""
        try:
            return read_secret(self._said.secret_file).decode().strip()
        except (OSError, UnicodeDecodeError) as error:
            raise self._away(f"FENHAO_OIDC_SECRET_FILE: {type(error).__name__}") from None

    def _away(self, reason: str) -> ProviderAway:
        return ProviderAway(issuer=self._said.issuer, reason=reason)


def check_oidc(said: Oidc) -> None:
    """Raises BadSetting for what cannot be."""
    for name, value in (("FENHAO_OIDC_ISSUER", said.issuer), ("FENHAO_URL", said.url)):
        if not is_private(value):
            raise BadSetting(name=name, value=value, rule="an https address", rule_zh="应为 https 地址")
    if not said.client:
        raise BadSetting(name="FENHAO_OIDC_CLIENT", value="", rule="the client id", rule_zh="应为客户端编号")
    for _, _, role in said.roles:
        if role not in [*ROLES]:
            raise BadSetting(
                name="FENHAO_OIDC_ROLES",
                value=role,
                rule=f"claim:value=role, by commas; roles are {' '.join(ROLES)}",
                rule_zh=f"应为以逗号分隔的 声明:值=角色，角色为 {'、'.join(ROLES)}",
            )


def is_private(url: str) -> bool:
    """Whether nobody on the way reads along: https, or this machine itself."""
    parts = urlsplit(url)
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in ("127.0.0.1", "localhost", "::1"))


def _made_of(secret: str, what: str) -> str:
    """256 bits that only who has the secret can say."""
    return base64.urlsafe_b64encode(hmac.digest(secret.encode(errors="replace"), what.encode(), "sha256")).decode()[:43]


def _refused(reason: str) -> SignInRefused:
    """Which check failed is for the log, and not for who asks."""
    _log.warning("sign-in refused: %s", reason)
    return SignInRefused()
