"""Private keys as files: PEM (PKCS #8), for their owner's eyes only, under a passphrase if one is wanted."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from audit.keys import LogKeyFault
from ledger.key_files import read_secret, write_secret

Passphrase = Callable[[], bytes]
"""Gives the passphrase, asked for when a key needs it and not before; raises an OperatorFault when there is none."""


def read_key(path: Path, passphrase: Passphrase) -> Ed25519PrivateKey:
    """The key in a file. Raises LogKeyFault, SecretIsOpen, and what asking for the passphrase raises."""
    try:
        data = read_secret(path)
    except OSError as error:
        raise unusable(path, error) from error
    given = passphrase() if _encrypted(data) else None
    try:
        key = load_pem_private_key(data, given)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        if given is None:
            raise unusable(path, error) from error
        raise LogKeyFault(key=path, reason="the passphrase is wrong", reason_zh="口令不正确") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise LogKeyFault(key=path, reason="it is no Ed25519 key", reason_zh="不是 Ed25519 密钥")
    return key


def write_key(path: Path, key: Ed25519PrivateKey, passphrase: bytes | None, *, replace: bool = False) -> None:
    """Puts a key there, whole, in the place of another only to `replace` it. Raises LogKeyFault."""
    lock: KeySerializationEncryption = NoEncryption() if passphrase is None else BestAvailableEncryption(passphrase)
    try:
        write_secret(path, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, lock), replace=replace)
    except OSError as error:
        raise unusable(path, error) from error


def is_encrypted(path: Path) -> bool:
    """Whether the key in a file is under a passphrase. Raises LogKeyFault."""
    try:
        return _encrypted(path.read_bytes())
    except OSError as error:
        raise unusable(path, error) from error


def unusable(path: Path, error: Exception) -> LogKeyFault:
    """What is said of a key file that cannot be read or written."""
    return LogKeyFault(key=path, reason=error, reason_zh=error)


def _encrypted(pem: bytes) -> bool:
    return b"BEGIN ENCRYPTED PRIVATE KEY" in pem
