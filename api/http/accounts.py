"""Accounts and sessions: members of staff and auditors by password, donors who have shown who they are."""

from __future__ import annotations

import base64
import hmac
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from threading import BoundedSemaphore
from typing import NamedTuple

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError

from api.http.access import ROLES, Asker, Grant
from api.http.faults import SignInRefused
from api.http.second_factors import Enrolment, SecondFactors
from api.http.tokens import digest_of, fresh_secret
from ledger.database import queries
from ledger.errors import AlreadyRecorded, BadValue, Unknown
from ledger.ids import check_id, check_opaque
from ledger.journal import Entropy, Journal
from ledger.times import utc_text

SESSION = timedelta(hours=12)
MIN_PASSWORD, MAX_PASSWORD = 12, 200
_SQL = queries("api.http", "accounts.sql")
_HASHER = PasswordHasher()  # Argon2id, RFC 9106's second choice of parameters
_NO_PASSWORD = "-"  # noqa: S105 - what no password hashes to
_AT_ONCE = BoundedSemaphore(4)
"""Each hashing takes 64 MiB."""


class Account(NamedTuple):
    """An account as it is listed; instants are UTC text."""

    name: str
    roles: list[str]
    made_at: str
    closed_at: str | None


class Session(NamedTuple):
    """A session just begun: the cookie's secret, what browsers' requests prove themselves with, until when."""

    secret: str
    csrf: str
    expires_at: str


def csrf_of(secret: str) -> str:
    """What a request that changes something shows beside the cookie: only who has read our answer knows it."""
    return (
        base64.urlsafe_b64encode(hmac.digest(secret.encode(errors="replace"), b"csrf", "sha256")).decode().rstrip("=")
    )


class Accounts:
    """The accounts and sessions of one ledger; `keys` is the folder in which its keys are."""

    def __init__(self, journal: Journal, keys: Path, entropy: Entropy) -> None:
        self._journal, self._entropy = journal, entropy
        self.factors = SecondFactors(journal, keys, entropy)
        with _AT_ONCE:
            self._nobody = _HASHER.hash(fresh_secret(entropy))

    def add(self, name: str, roles: Sequence[str], password: str | None, issuer: str | None = None) -> None:
        """A new account, of which a password tells, or an identity provider. Raises BadValue, AlreadyRecorded."""
        assert (password is None) == (issuer is not None)
        _check_name(name)
        _check_roles(roles)
        hashed = _NO_PASSWORD if password is None else _hashed(password)
        values = {"name": name, "roles": sorted(set(roles)), "password": hashed, "issuer": issuer, "now": self._now()}
        if not self._done("add", values):
            raise AlreadyRecorded("account", name)

    def change(self, name: str, roles: Sequence[str] = (), password: str | None = None) -> None:
        """Other roles, another password; who is signed in signs in anew. Raises BadValue, Unknown."""
        if roles:
            _check_roles(roles)
        hashed = None if password is None else _hashed(password)
        if not self._done("change", {"name": name, "roles": sorted(set(roles)) or None, "password": hashed}):
            raise Unknown("account", name)
        self._run("end_all", {"name": name})

    def close(self, name: str) -> None:
        """The account is closed, at once and for good. Raises Unknown."""
        if not self._done("close", {"name": name, "now": self._now()}):
            raise Unknown("account", name)
        self._run("end_all", {"name": name})

    def listed(self) -> list[Account]:
        """All accounts."""
        with self._journal.entries.reading() as cursor:
            rows = cursor.execute(_SQL["list"]).fetchall()
        return [
            Account(name, roles, utc_text(made), None if closed is None else utc_text(closed))
            for name, roles, made, closed in rows
        ]

    def sign_in(self, name: str, password: str, code: str | None = None) -> Session:
        """A session of that account; `code` is its second factor's, if it has one.

        Raises SignInRefused, CodeNeeded. An unknown name takes as long as a wrong password.
        """
        self.check_password(name, password)
        self.factors.require(name, code)
        return self._begin(name, None)

    def check_password(self, name: str, password: str) -> None:
        """Raises SignInRefused."""
        with self._journal.entries.reading() as cursor:
            row = cursor.execute(_SQL["password"], {"name": name}).fetchone()
        kept = self._nobody if row is None else row[0]
        try:
            with _AT_ONCE:
                _HASHER.verify(kept, password.encode(errors="replace")[: 4 * MAX_PASSWORD])
        except (VerifyMismatchError, InvalidHashError):
            raise SignInRefused() from None
        if row is None:
            raise SignInRefused()

    def roles_of(self, name: str) -> list[str]:
        """The roles of an open account. Raises Unknown."""
        with self._journal.entries.reading() as cursor:
            row = cursor.execute(_SQL["roles"], {"name": name}).fetchone()
        if row is None:
            raise Unknown("account", name)
        return list(row[0])

    def enrol(self, name: str, password: str, code: str | None = None) -> Enrolment:
        """A new second factor of who shows the password, and a code of the factor they have, if they have one.

        It waits for `factors.confirm`. Raises SignInRefused, CodeNeeded.
        """
        self.check_password(name, password)
        self.factors.require(name, code)
        return self.factors.begin(name)

    def enrol_for(self, name: str) -> Enrolment:
        """The same for the operator, who needs no password. Raises Unknown for an account that is not open."""
        if not self._done("password", {"name": name}):
            raise Unknown("account", name)
        return self.factors.begin(name)

    def reset_factor(self, name: str) -> None:
        """The account has no second factor any more, and its sessions are over. Raises Unknown."""
        self.factors.reset(name)
        self._run("end_all", {"name": name})

    def admit_vouched(self, name: str, issuer: str, roles: Sequence[str] | None) -> Session:
        """A session of that identity provider's account, with the roles that it gives.

        None: those that the account has. It never opens an account with a password, nor one that was closed.
        Raises BadValue, SignInRefused.
        """
        _check_name(name)
        which = {"name": name, "issuer": issuer, "now": self._now()}
        if roles is None:
            known = self._done("vouched", which)
        else:
            known = bool(roles) and self._done("vouch", {**which, "roles": list(roles), "password": _NO_PASSWORD})
        if not known:
            raise SignInRefused()
        return self._begin(name, None)

    def admit_donor(self, donor: str) -> Session:
        """A session of a donor who has shown that they are."""
        return self._begin(None, donor)

    def sign_out(self, secret: str) -> None:
        """The session is over."""
        self._run("end", {"digest": digest_of(secret)})

    def asker(self, secret: str) -> Asker | None:
        """Who is signed in with that cookie; None when nobody is, or not any more."""
        with self._journal.entries.reading() as cursor:
            which = {"digest": digest_of(secret), "now": self._now()}
            row = cursor.execute(_SQL["who"], which).fetchone()
        if row is None:
            return None
        donor, name, roles, _ = row
        if donor is not None:
            return Asker(f"donor:{donor}", frozenset((Grant.DONOR, Grant.PUBLIC)), donor)
        return Asker(name, frozenset(Grant(role) for role in roles) | {Grant.PUBLIC})

    def _begin(self, account: str | None, donor: str | None) -> Session:
        secret, now = fresh_secret(self._entropy), self._now()
        self._run("forget", {"now": now})
        values = {"account": account, "donor": donor, "now": now, "expires_at": now + SESSION}
        self._run("begin", {**values, "digest": digest_of(secret)})
        return Session(secret, csrf_of(secret), utc_text(now + SESSION))

    def _run(self, name: str, values: dict[str, object]) -> None:
        with self._journal.entries.reading() as cursor:
            cursor.execute(_SQL[name], values)

    def _done(self, name: str, values: Mapping[str, object]) -> bool:
        with self._journal.entries.reading() as cursor:
            return cursor.execute(_SQL[name], values).fetchone() is not None

    def _now(self) -> datetime:
        return self._journal.entries.clock()


def _check_name(name: str) -> None:
    """Raises BadValue; for names that entries and logs give to others, too."""
    check_opaque(check_id(name, "name"), "name")
    if name.startswith(("token:", "donor:")):
        raise BadValue("name", name, "not token:… or donor:…", "不得以 token: 或 donor: 开头")


def _check_roles(roles: Sequence[str]) -> None:
    unknown = [role for role in roles if role not in [*ROLES]]
    if unknown or not roles:
        raise BadValue("role", " ".join(unknown) or "-", " ".join(ROLES), "应为 " + "、".join(ROLES))


def _hashed(password: str) -> str:
    """The Argon2id hash. Raises BadValue, without the password."""
    if not MIN_PASSWORD <= len(password) <= MAX_PASSWORD:
        rule = f"{MIN_PASSWORD} to {MAX_PASSWORD} characters"
        raise BadValue("password", "…", rule, f"应为 {MIN_PASSWORD} 至 {MAX_PASSWORD} 个字符")
    with _AT_ONCE:
        return _HASHER.hash(password)
