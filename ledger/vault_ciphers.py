"""The vault's cryptography as pure functions: commitments, sealed values, wrapped keys, tags of outside ids.

Two kinds of key. A person's key seals that person's values: destroyed, they are gone. A master key wraps persons' keys.
Everything sealed is AES-256-GCM (NIST SP 800-38D) under a fresh random nonce, which stands before the ciphertext; the
associated data say what it is and whose, so that it opens nowhere else.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Sequence

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_BYTES = 32
PERSON_KEY_BYTES = 64
SALT_BYTES = 32
NONCE_BYTES = 12
_PADDED_TO_BYTES = 32

Entropy = Callable[[int], bytes]
"""Gives that many random bytes."""

_ENCODER = msgspec.json.Encoder(order="sorted")


class Unopenable(Exception):
    """Something sealed that does not open: changed, or sealed for another place or under another key."""


def commitment(salt: bytes, field: str, stream: str, value: str) -> str:
    """What the entry says of a personal value: HMAC-SHA256(salt, JCS({field, stream, value})) in hex.

    For text without control characters sorted members in UTF-8 are RFC 8785 (JCS).
    """
    said = _ENCODER.encode({"field": field, "stream": stream, "value": value})
    return hmac.digest(salt, said, "sha256").hex()


def seal(cipher: AESGCM, plain: bytes, context: Sequence[str], entropy: Entropy) -> bytes:
    """`plain` under the cipher's key, opening only with the same context: nonce ‖ ciphertext ‖ tag."""
    nonce = entropy(NONCE_BYTES)
    return nonce + cipher.encrypt(nonce, plain, _ENCODER.encode(context))


def unseal(cipher: AESGCM, sealed: bytes, context: Sequence[str]) -> bytes:
    """The inverse of `seal`. Raises Unopenable."""
    try:
        return cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], _ENCODER.encode(context))
    except (InvalidTag, ValueError) as error:  # ValueError: too short to be anything sealed
        raise Unopenable from error


class PersonKey:
    """One person's key: 32 bytes that seal values, and 32 for digests, so that no key has two uses."""

    __slots__ = ("_cipher", "_digest", "subject")

    def __init__(self, subject: str, key: bytes) -> None:
        assert len(key) == PERSON_KEY_BYTES
        self.subject = subject
        self._cipher, self._digest = AESGCM(key[:KEY_BYTES]), key[KEY_BYTES:]

    def seal_value(self, field: str, stream: str, salt: bytes, value: str, entropy: Entropy) -> bytes:
        """A value with its salt, for this person, field and stream alone."""
        return seal(self._cipher, salt + padded(value), self._value_context(field, stream), entropy)

    def open_value(self, field: str, stream: str, sealed: bytes) -> tuple[bytes, str]:
        """(salt, value). Raises Unopenable."""
        plain = unseal(self._cipher, sealed, self._value_context(field, stream))
        return plain[:SALT_BYTES], unpadded(plain[SALT_BYTES:])

    def seal_outside(self, outside: str, entropy: Entropy) -> bytes:
        """The id by which the world outside knows this person."""
        return seal(self._cipher, padded(outside), self._outside_context(), entropy)

    def open_outside(self, sealed: bytes) -> str:
        """The inverse of `seal_outside`. Raises Unopenable."""
        return unpadded(unseal(self._cipher, sealed, self._outside_context()))

    def seal_words(self, place: str, words: str, entropy: Entropy) -> bytes:
        """What stands at a place outside the entries (a line of a bank's statement), for that place alone."""
        return seal(self._cipher, padded(words), self._words_context(place), entropy)

    def open_words(self, place: str, sealed: bytes) -> str:
        """The inverse of `seal_words`. Raises Unopenable."""
        return unpadded(unseal(self._cipher, sealed, self._words_context(place)))

    def digest(self, plain: bytes, personal: Sequence[tuple[str, str]]) -> bytes:
        """Of a command's personal values, whatever their order, beside the digest of its other content."""
        return hmac.digest(self._digest, plain + _ENCODER.encode(sorted(personal)), "sha256")

    def _value_context(self, field: str, stream: str) -> tuple[str, ...]:
        return "fenhao vault value 1", self.subject, field, stream

    def _words_context(self, place: str) -> tuple[str, ...]:
        return "fenhao vault words 1", self.subject, place

    def _outside_context(self) -> tuple[str, ...]:
        return "fenhao vault outside id 1", self.subject


def wrapping_context(origin: str, subject: str) -> tuple[str, ...]:
    """What a wrapped person's key is bound to: the ledger and the person."""
    return "fenhao vault person 1", origin, subject


def tag(index_key: bytes, origin: str, noun: str, outside: str) -> bytes:
    """By what an outside id is found again in one ledger: a keyed hash, that says nothing without the key."""
    return hmac.digest(index_key, _ENCODER.encode(("fenhao vault index 1", origin, noun, outside)), "sha256")


def padded(text: str) -> bytes:
    """UTF-8 with zeros up to a multiple of 32 bytes: lengths would tell names from numbers. No text holds a zero."""
    data = text.encode()
    return data + bytes(-len(data) % _PADDED_TO_BYTES)


def unpadded(data: bytes) -> str:
    """The inverse of `padded`."""
    return data.rstrip(b"\x00").decode()
