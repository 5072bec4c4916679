"""Tokens of machines: scoped, expiring, revocable. Whoever holds the text is the machine; kept is its digest alone."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from api.http.access import SCOPES, Asker
from ledger.database import queries
from ledger.errors import BadValue, Unknown
from ledger.ids import check_id, check_opaque
from ledger.journal import Entropy, Journal
from ledger.times import utc_text

PREFIX = "fenhao_"
SECRET_BYTES = 32
MAX_DAYS = 366
_SQL = queries("api.http", "tokens.sql")


class Token(NamedTuple):
    """A token as it is listed: without its secret, which nobody has but its holder. Instants are UTC text."""

    id: str
    name: str
    scopes: list[str]
    made_at: str
    expires_at: str
    revoked_at: str | None


def digest_of(secret: str) -> bytes:
    """What is kept of a long random secret: its SHA-256."""
    return hashlib.sha256(secret.encode(errors="replace")).digest()


def fresh_secret(entropy: Entropy) -> str:
    """256 random bits as text for headers and cookies."""
    return base64.urlsafe_b64encode(entropy(SECRET_BYTES)).decode().rstrip("=")


class Tokens:
    """The tokens of one ledger."""

    def __init__(self, journal: Journal, entropy: Entropy) -> None:
        self._journal, self._entropy = journal, entropy

    def issue(self, name: str, scopes: Sequence[str], days: int) -> tuple[str, Token]:
        """A new token's text, which is shown this once, and how it is listed. Raises BadValue."""
        check_opaque(check_id(name, "name"), "name")
        unknown = [scope for scope in scopes if scope not in SCOPES]
        if unknown or not scopes:
            raise BadValue("scope", " ".join(unknown) or "-", " ".join(SCOPES), "应为 " + "、".join(SCOPES))
        if not 1 <= days <= MAX_DAYS:
            raise BadValue("days", days, f"1 to {MAX_DAYS} days", f"应为 1 至 {MAX_DAYS} 天")
        secret = PREFIX + fresh_secret(self._entropy)
        now = self._now()
        token = Token(
            self._entropy(6).hex(),
            name,
            sorted(set(scopes)),
            utc_text(now),
            utc_text(now + timedelta(days=days)),
            None,
        )
        with self._journal.entries.reading() as cursor:
            values = {"digest": digest_of(secret), "now": now, "expires_at": now + timedelta(days=days)}
            cursor.execute(_SQL["issue"], {**values, "id": token.id, "name": name, "scopes": token.scopes})
        return secret, token

    def asker(self, secret: str) -> Asker | None:
        """Who shows this text; None when it is no token, or not good any more."""
        if not secret.startswith(PREFIX):
            return None
        with self._journal.entries.reading() as cursor:
            which = {"digest": digest_of(secret), "now": self._now()}
            row = cursor.execute(_SQL["find"], which).fetchone()
        if row is None:
            return None
        name, scopes = row
        return Asker(f"token:{name}", frozenset(SCOPES[scope] for scope in scopes if scope in SCOPES))

    def revoke(self, id: str) -> None:
        """From the next request on the token opens nothing. Raises Unknown for one that is not there, or not good."""
        with self._journal.entries.reading() as cursor:
            if cursor.execute(_SQL["revoke"], {"id": id, "now": self._now()}).fetchone() is None:
                raise Unknown("token", id)

    def listed(self) -> list[Token]:
        """All tokens, the newest first."""
        with self._journal.entries.reading() as cursor:
            rows = cursor.execute(_SQL["list"]).fetchall()
        return [
            Token(one, name, scopes, utc_text(made), utc_text(expires), None if revoked is None else utc_text(revoked))
            for one, name, scopes, made, expires, revoked in rows
        ]

    def _now(self) -> datetime:
        return self._journal.entries.clock()
