"""Names and keys of a log as C2SP signed-note writes them. Imports nothing else of ours.

A verifier key is `name+hex8(key id)+base64(0x01 ‖ Ed25519 public key)`, where the key id is the first four bytes of
SHA-256(name ‖ 0x0A ‖ 0x01 ‖ public key).
"""

from __future__ import annotations

import hashlib
from base64 import b64encode

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

ED25519 = b"\x01"
"""Signature type of signed-note."""


def verifier_key(name: str, key: Ed25519PrivateKey) -> str:
    """The public half of a log's key, as those who check the log are given it (C2SP signed-note, "Verifier keys")."""
    encoded = ED25519 + key.public_key().public_bytes_raw()
    key_id = hashlib.sha256(name.encode() + b"\n" + encoded).digest()[:4]
    return f"{name}+{key_id.hex()}+{b64encode(encoded).decode()}"
