"""The command that changes the key by which the log is signed. `audit.rotation` says when it is given."""

from __future__ import annotations

import binascii
from base64 import b64decode, b64encode
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from ledger.book import Book
from ledger.decisions.base import Command, Decision
from ledger.errors import BadValue
from ledger.events import KeyRotated, LedgerOpened
from ledger.needs import Needs

_ED25519 = b"\x01"


class RotateKey(Command, frozen=True, kw_only=True, omit_defaults=True):
    """From the next entry on the log is signed by another key, `verifier_key`, as C2SP signed-note writes it.

    `possession` is that key's signature over `possession_text`, in hex: a key that nobody holds would keep the log from
    ever being signed again.
    """

    verifier_key: str
    possession: str

    def needs(self, needs: Needs) -> None:
        needs.records.add("ledger/main")

    def decide(self, book: Book) -> Decision:
        assert book.head.origin is not None
        public = _public_of(self.verifier_key, book.head.origin)
        try:
            Ed25519PublicKey.from_public_bytes(public).verify(
                bytes.fromhex(self.possession), possession_text(self.verifier_key)
            )
        except (InvalidSignature, ValueError):
            raise BadValue("possession", "…", "the new key's own signature", "应为新密钥本身的签名") from None
        before = [
            e.fact.key for e in book.record("ledger", "main").entered if type(e.fact) in (LedgerOpened, KeyRotated)
        ]
        if self.verifier_key in before:
            raise BadValue("key", self.verifier_key, "a key that was never in use", "应为从未用过的密钥")
        return Decision([KeyRotated(**{**self.common(), "on": self.on or book.today}, key=self.verifier_key)])


def possession_text(verifier_key: str) -> bytes:
    """What a new key signs to show that somebody holds it; no checkpoint begins like this."""
    return f"fenhao key rotation\n{verifier_key}\n".encode()


def _public_of(verifier_key: str, origin: str) -> bytes:
    """The Ed25519 key (32 bytes) in a verifier key of this log. Raises BadValue."""
    encoded = verifier_key.removeprefix(f"{origin}+")[9:]
    try:
        key = b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        key = b""
    named = sha256(origin.encode() + b"\n" + key).digest()[:4].hex()
    if key[:1] != _ED25519 or len(key) != 33 or verifier_key != f"{origin}+{named}+{b64encode(key).decode()}":
        raise BadValue("key", verifier_key, f"a verifier key of {origin}", f"应为 {origin} 的验证公钥")
    return key[1:]
