"""Donors' links: who holds one is that donor until it expires. Signed with a key that is not in the database."""

from __future__ import annotations

import base64
import binascii
import hmac
from datetime import datetime, timedelta
from pathlib import Path

import msgspec

from api.http.faults import SignInRefused
from ledger.errors import BadValue
from ledger.ids import check_id
from ledger.journal import Entropy
from ledger.key_files import KeyFile

MAX_DAYS = 60


class Links:
    """Makes and reads links of one ledger; its key, `links.key`, is made on first use. Another key ends all links."""

    def __init__(self, keys: Path, origin: str, entropy: Entropy) -> None:
        self._key, self._origin = KeyFile(keys / "links.key", entropy), origin

    def make(self, donor: str, days: int, now: datetime) -> str:
        """What goes into a donor's letter. Raises BadValue, KeyFileFault."""
        check_id(donor, "donor")
        if not 1 <= days <= MAX_DAYS:
            raise BadValue("days", days, f"1 to {MAX_DAYS} days", f"应为 1 至 {MAX_DAYS} 天")
        said = msgspec.json.encode([donor, int((now + timedelta(days=days)).timestamp())])
        return f"{_text(said)}.{_text(self._signature(said))}"

    def donor(self, link: str, now: datetime) -> str:
        """Whose link it is. Raises SignInRefused for one that is not ours or has expired."""
        said, _, signature = link.partition(".")
        try:
            content, shown = _bytes(said), _bytes(signature)
        except (binascii.Error, UnicodeError, ValueError):
            raise SignInRefused() from None
        if not hmac.compare_digest(self._signature(content), shown):
            raise SignInRefused()
        donor, until_s = msgspec.json.decode(content, type=tuple[str, int])
        if now.timestamp() >= until_s:
            raise SignInRefused()
        return donor

    def _signature(self, said: bytes) -> bytes:
        """HMAC-SHA256 over the ledger's origin and what is said: a link of one ledger is none of another."""
        return hmac.digest(self._key.read(), b"donor-link\x00" + self._origin.encode() + b"\x00" + said, "sha256")


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _bytes(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
