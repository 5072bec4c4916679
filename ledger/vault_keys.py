"""Where the vault's secrets are kept: master keys, which wrap the keys of persons, and the index key of outside ids.

`MasterKeys` is all that the vault asks of such a place, so that a key management service can take over from
`KeyFolder`: its encrypt and decrypt calls take a context as well. The folder's files:

    vault-master-ID.key, vault-index-ID.key      64 hex digits; ID tells a wrong file from the right one
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Protocol

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ledger.errors import OperatorFault
from ledger.key_files import write_secret
from ledger.vault_ciphers import KEY_BYTES, PERSON_KEY_BYTES, Entropy, Unopenable, seal, tag, unseal

_KINDS = ("master", "index")


class MasterKeys(Protocol):
    """Keeps the vault's secrets outside the database. Every method may raise KeyFault."""

    def make(self, kind: str) -> str:
        """Makes a new key, "master" or "index", lasting before this returns; its id, which tells nothing of it."""

    def wrap(self, id: str, key: bytes, context: tuple[str, ...]) -> bytes:
        """A person's key under the master key `id`, bound to the context."""

    def unwrap(self, id: str, wrapped: bytes, context: tuple[str, ...]) -> bytes:
        """The inverse of `wrap`. Raises Unopenable for what was not wrapped so."""

    def tag(self, id: str, origin: str, noun: str, outside: str) -> bytes:
        """By what an outside id is found again in one ledger: its keyed hash under the index key `id`."""

    def held(self) -> set[str]:
        """The ids of the master keys that are at hand."""


class KeyFault(OperatorFault):
    """One of the vault's keys is missing, damaged or another one; the message says which."""

    code = "vault_key"
    zh = "个人信息保险库的密钥 {key} 无法使用：{reason_zh}"
    en = "the vault's key {key} cannot be used: {reason}"


class KeyFolder:
    """Keys in files of a folder, each read once. `entropy` gives the bytes of new ones."""

    def __init__(self, folder: Path, entropy: Entropy) -> None:
        self._folder, self._entropy = folder, entropy
        self._keys: dict[tuple[str, str], bytes] = {}
        self._ciphers: dict[str, AESGCM] = {}

    def make(self, kind: str) -> str:
        """See MasterKeys."""
        key = self._entropy(KEY_BYTES)
        made = _id_of(kind, key)
        path = self._path(kind, made)
        try:
            write_secret(path, key.hex().encode() + b"\n")
        except OSError as error:
            raise _unusable(path, str(error.strerror), str(error.strerror)) from error
        return made

    def wrap(self, id: str, key: bytes, context: tuple[str, ...]) -> bytes:
        """See MasterKeys."""
        return seal(self._cipher(id), key, context, self._entropy)

    def unwrap(self, id: str, wrapped: bytes, context: tuple[str, ...]) -> bytes:
        """See MasterKeys."""
        key = unseal(self._cipher(id), wrapped, context)
        if len(key) != PERSON_KEY_BYTES:
            raise Unopenable
        return key

    def tag(self, id: str, origin: str, noun: str, outside: str) -> bytes:
        """See MasterKeys."""
        return tag(self._key("index", id), origin, noun, outside)

    def held(self) -> set[str]:
        """See MasterKeys."""
        names = (path.name for path in self._folder.glob("vault-master-*.key"))
        return {name.removeprefix("vault-master-").removesuffix(".key") for name in names}

    def _cipher(self, id: str) -> AESGCM:
        cipher = self._ciphers.get(id)
        if cipher is None:
            cipher = self._ciphers[id] = AESGCM(self._key("master", id))
        return cipher

    def _key(self, kind: str, id: str) -> bytes:
        known = self._keys.get((kind, id))
        if known is None:
            known = self._keys[kind, id] = self._read(kind, id)
        return known

    def _read(self, kind: str, id: str) -> bytes:
        path = self._path(kind, id)
        try:
            key = bytes.fromhex(path.read_text("ascii"))
        except FileNotFoundError:
            raise _unusable(
                path,
                "it is not there; restore it from the backup of your keys, without it these values stay closed",
                "文件不存在；请从密钥备份恢复，缺少它就无法读取",
            ) from None
        except OSError as error:
            raise _unusable(path, str(error.strerror), str(error.strerror)) from error
        except ValueError:
            key = b""
        if len(key) != KEY_BYTES or _id_of(kind, key) != id:
            raise _unusable(
                path,
                "it holds another key than its name says; restore it from the backup of your keys",
                "内容与文件名所示的密钥不符；请从密钥备份恢复",
            )
        return key

    def _path(self, kind: str, id: str) -> Path:
        assert kind in _KINDS
        return self._folder / f"vault-{kind}-{id}.key"


def _id_of(kind: str, key: bytes) -> str:
    """A hash of a key of 256 random bits gives nothing of it away."""
    return hashlib.sha256(f"fenhao vault {kind} 1 ".encode() + key).hexdigest()[:16]


def _unusable(path: Path, reason: str, reason_zh: str) -> KeyFault:
    return KeyFault(key=path, reason=reason, reason_zh=reason_zh)
