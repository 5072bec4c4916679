"""Donors' one-time codes: of six digits, or of twelve once strangers have guessed too often; good for who asked.

A code is bound to a secret that the asking browser keeps in a cookie, so that nobody else can use up its tries:
throttling must not shut out who is entitled (NIST SP 800-63B, "Rate Limiting"). Six digits are tried in vain at most
ten times a day for each donor, whoever tries: one day in 100,000 a stranger guesses one. Then codes have twelve digits
until the day is over, and are not counted together: whoever asks again gets in, however many strangers guess.
"""

from __future__ import annotations

import hashlib
import hmac
from datetime import datetime, timedelta
from pathlib import Path
from unicodedata import normalize

from api.http.tokens import digest_of, fresh_secret
from ledger.database import queries
from ledger.journal import Entropy, Journal
from ledger.key_files import KeyFile

LIFE, TRIES = timedelta(minutes=10), 5
SHORT, LONG = 6, 12
"""So many digits."""
ALL_TRIES, TRIES_LIFE = 10, timedelta(days=1)
"""How often short codes of one donor may be tried in vain in a day, all of them together."""
_SQL = queries("api.http", "one_time_codes.sql")


class OneTimeCodes:
    """The codes of one ledger's donors; `keys` is the folder of its keys, of which `codes.key` is made on first use."""

    def __init__(self, journal: Journal, keys: Path, entropy: Entropy) -> None:
        self._journal, self._entropy, self._key = journal, entropy, KeyFile(keys / "codes.key", entropy)

    def secret(self) -> str:
        """What a browser that asks for a code is given, whether one is sent or not."""
        return fresh_secret(self._entropy)

    def nobody(self, contact: str) -> str:
        """Who stands for a contact that no donor has, so that as much is done for it and the time tells nothing.

        No id begins with a space. Raises KeyFileFault, SecretIsOpen.
        """
        return " " + hmac.digest(self._key.read(), contact.encode(errors="replace"), "sha256").hex()

    def new(self, donor: str, secret: str) -> str:
        """The code to be sent to the donor; it is good once, with that secret, for ten minutes and five tries."""
        self._done("forget")
        digits = LONG if self._done("is_tried", donor=donor) else SHORT
        code = f"{int.from_bytes(self._entropy(16)) % 10**digits:0{digits}}"
        kept = {"digest": _digest(secret, donor, code), "expires_at": self._now() + LIFE}
        self._done("send", asked=digest_of(secret), donor=donor, **kept)
        return "-".join(code[at : at + 4] for at in range(0, LONG, 4)) if digits == LONG else code

    def is_right(self, donor: str, secret: str, code: str) -> bool:
        """Whether it is the code that was sent to the donor when the browser with that secret asked; it is so once."""
        digits = normalize("NFKC", code).replace("-", "").replace(" ", "")
        counted = len(digits) <= SHORT
        asked, digest = digest_of(secret), _digest(secret, donor, digits)
        row = self._row("try", asked=asked, donor=donor, tries=TRIES)
        if row is None or (counted and not self._done("count", donor=donor)):
            return False
        if not hmac.compare_digest(bytes(row[0]), digest) or not self._done("use", asked=asked, digest=digest):
            return False
        if counted:
            self._done("uncount", donor=donor)
        return True

    def _done(self, name: str, **values: object) -> bool:
        return self._row(name, **values) is not None

    def _row(self, name: str, **values: object) -> tuple[bytes, ...] | None:
        now = self._now()
        values |= {"now": now, "in_all": ALL_TRIES, "day_ago": now - TRIES_LIFE}
        with self._journal.entries.reading() as cursor:
            cursor.execute(_SQL[name], values)
            return None if cursor.description is None else cursor.fetchone()

    def _now(self) -> datetime:
        return self._journal.entries.clock()


def _digest(*parts: str) -> bytes:
    """Of the browser's secret too: who reads the database cannot try all codes."""
    return hashlib.sha256("\0".join(parts).encode(errors="replace")).digest()
