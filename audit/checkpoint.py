"""Checkpoints: what a log signs and others keep (C2SP signed-note, tlog-checkpoint). Imports nothing else of ours.

A note is text that ends in a newline, an empty line, and a line for each signature:

    — NAME base64(key id ‖ signature)

A checkpoint is a note whose text is the log's origin, its size and, in base64, its root, a line each. A verifier key is
`NAME+hex(key id)+base64(type ‖ public key)`; the key id is the first four bytes of SHA-256(NAME ‖ 0x0A ‖ type ‖ public
key), and of the types only Ed25519, 0x01, is known here. Signatures of keys that a reader does not know count for
nothing; one of a key it knows that is wrong spoils the note.

What comes from elsewhere is bytes, and is either exactly as the specifications say or a BadNote.
"""

from __future__ import annotations

import binascii
import hashlib
import re
import unicodedata
from base64 import b64decode, b64encode
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

ED25519 = b"\x01"
"""Signature type of a log (signed-note)."""
COSIGNATURE = b"\x04"
"""Signature type of a witness (tlog-cosignature, cosignature/v1): Ed25519 over the time and the text."""
MAX_NOTE_BYTES = 1_000_000
MAX_SIGNATURES = 16
MAX_SIZE = 2**63 - 1
_SIZE = re.compile(r"0|[1-9][0-9]{0,18}", re.ASCII)


class BadNote(ValueError):
    """Bytes that are no note, no checkpoint, or are not signed as they must be."""


def check_name(name: str) -> str:
    """`name` if it can name a key: not empty, no Unicode space, no plus, no control character. Raises BadNote."""
    if name and not any(c == "+" or c.isspace() or unicodedata.category(c).startswith(("C", "Z")) for c in name):
        return name
    raise BadNote(f"{name[:80]!r} cannot name a key")


def key_id(name: str, public: bytes, kind: bytes = ED25519) -> bytes:
    """The four bytes by which signatures name an Ed25519 key."""
    return hashlib.sha256(name.encode() + b"\n" + kind + public).digest()[:4]


@dataclass(frozen=True, slots=True)
class Verifier:
    """A public key under its name; of the kind of a log or, COSIGNATURE, of a witness."""

    name: str
    public: bytes
    kind: bytes = ED25519

    @classmethod
    def parse(cls, text: str, kind: bytes = ED25519) -> Verifier:
        """The key that a verifier key says. Raises BadNote for one that is malformed or of another kind."""
        name, plus, rest = text.partition("+")
        hexed, also, encoded = rest.partition("+")
        key = _decoded(encoded)
        if not (plus and also) or key is None or len(key) != 33 or key[:1] != kind:
            what = "a witness" if kind == COSIGNATURE else "Ed25519"
            raise BadNote(f"{text[:80]!r} is no verifier key of {what}")
        found = cls(check_name(name), key[1:], kind)
        if hexed != found.id.hex():
            raise BadNote(
                f"the key id of {name[:80]!r} is {hexed[:20]!r}, but follows from the key as {found.id.hex()}"
            )
        return found

    @property
    def id(self) -> bytes:
        """Four bytes."""
        return key_id(self.name, self.public, self.kind)

    def __str__(self) -> str:
        return f"{self.name}+{self.id.hex()}+{b64encode(self.kind + self.public).decode()}"

    def holds(self, text: bytes, signature: bytes) -> bool:
        """Whether the signature is this key's, over that text; a witness's says when, in its first eight bytes."""
        if self.kind == COSIGNATURE:
            if len(signature) != _STAMPED_BYTES:
                return False
            text, signature = cosigned_text(text, int.from_bytes(signature[:8], "big")), signature[8:]
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, text)
        except InvalidSignature:
            return False
        return True


_STAMPED_BYTES = 8 + 64


def cosigned_text(text: bytes, time_s: int) -> bytes:
    """What a witness signs: the time, in seconds since 1970, above the text of the checkpoint (cosignature/v1)."""
    return b"cosignature/v1\ntime %d\n" % time_s + text


class Signer(Protocol):
    """Whatever has a log's private key: a file here, or a KMS or HSM. All it does is sign: whole contract.

    What it gives is checked before anybody sees it, so a fault of its own stops the log and does not spoil it.
    """

    @property
    def verifier(self) -> Verifier:
        """Its public half, named by the log's origin; never another while the signer lives."""
        ...

    def sign(self, text: bytes) -> bytes:
        """The signature (64 bytes) over just these bytes, at most a few hundred: pure Ed25519 (RFC 8032), no prehash.

        It may take its time, and is asked for the same text again after a crash. It may refuse by raising an error of
        the program's own (an OperatorFault): nothing is signed then, and the log goes on when it is asked again.
        """
        ...


@dataclass(frozen=True, slots=True)
class KeySigner:
    """A private key in this process's memory."""

    name: str
    key: Ed25519PrivateKey
    kind: bytes = ED25519

    @property
    def verifier(self) -> Verifier:
        """Its public half."""
        return Verifier(check_name(self.name), self.key.public_key().public_bytes_raw(), self.kind)

    def sign(self, text: bytes) -> bytes:
        """The Ed25519 signature (64 bytes) over the text."""
        return self.key.sign(text)


@dataclass(frozen=True, slots=True)
class Renamed:
    """A signer under another name: the same key, of which signatures there tell themselves apart by the name."""

    name: str
    signer: Signer

    @property
    def verifier(self) -> Verifier:
        """Its public half, of that name."""
        return Verifier(check_name(self.name), self.signer.verifier.public)

    def sign(self, text: bytes) -> bytes:
        """See Signer."""
        return self.signer.sign(text)


@dataclass(frozen=True, slots=True)
class Signature:
    """One line: who says to have signed, and what."""

    name: str
    key_id: bytes
    value: bytes

    def is_of(self, key: Verifier) -> bool:
        """Whether it says to be that key's."""
        return (self.name, self.key_id) == (key.name, key.id)

    def line(self) -> str:
        """The line of the note, without its newline."""
        return f"— {self.name} {b64encode(self.key_id + self.value).decode()}"


@dataclass(frozen=True, slots=True)
class Note:
    """A note taken apart; nothing of it is to be believed before `signers` says who signed."""

    text: bytes
    signatures: tuple[Signature, ...]

    @classmethod
    def parse(cls, data: bytes) -> Note:
        """Raises BadNote for anything that is not exactly a note."""
        if len(data) > MAX_NOTE_BYTES:
            raise BadNote(f"a note of {len(data)} bytes is too long ({MAX_NOTE_BYTES} at most)")
        try:
            content = data.decode()
        except UnicodeDecodeError:
            raise BadNote("the note is not UTF-8") from None
        if any(c < " " and c != "\n" for c in content):
            raise BadNote("the note holds a control character")
        text, blank, lines = content.rpartition("\n\n")
        if not blank or not lines.endswith("\n"):
            raise BadNote("the note is not text, an empty line and signature lines")
        found = tuple(_signature(line) for line in lines[:-1].split("\n"))
        if len(found) > MAX_SIGNATURES:
            raise BadNote(f"the note has {len(found)} signatures ({MAX_SIGNATURES} at most)")
        return cls(f"{text}\n".encode(), found)

    def signers(self, known: Iterable[Verifier]) -> list[Verifier]:
        """Those of the known keys that signed. Raises BadNote when none did, or when one's signature is wrong."""
        keys = {(key.name, key.id): key for key in known}
        signed: list[Verifier] = []
        for each in self.signatures:
            key = keys.get((each.name, each.key_id))
            if key is None:
                continue
            if not key.holds(self.text, each.value):
                raise BadNote(f"the signature of {key.name} is wrong")
            if key not in signed:
                signed.append(key)
        if not signed:
            raise BadNote("no known key signed the note")
        return signed


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A log's head: its origin, how many entries, and the root over them (32 bytes)."""

    origin: str
    size: int
    root: bytes

    @classmethod
    def parse(cls, text: bytes) -> Checkpoint:
        """The checkpoint that a note's text is; extension lines are passed over. Raises BadNote."""
        lines = text.decode().split("\n")
        if len(lines) < 4 or lines[-1] or not all(lines[:-1]):
            raise BadNote("the text is not origin, size and root, a line each")
        origin, size, encoded = lines[:3]
        root = _decoded(encoded)
        if not _SIZE.fullmatch(size) or int(size) > MAX_SIZE:
            raise BadNote(f"the size of the checkpoint is {size[:40]!r}, no decimal number without leading zeros")
        if root is None or len(root) != 32:
            raise BadNote("the root of the checkpoint is not 32 bytes in base64")
        return cls(origin, int(size), root)

    def text(self) -> bytes:
        """What is signed."""
        return f"{self.origin}\n{self.size}\n{b64encode(self.root).decode()}\n".encode()

    def signed(self, *signers: Signer) -> bytes:
        """The note: the text under each signer's signature."""
        return signed_note(self.text(), signers)


def open_checkpoint(data: bytes, origin: str, known: Iterable[Verifier]) -> Checkpoint:
    """The checkpoint of that log in a note that a known key signed. Raises BadNote."""
    note = Note.parse(data)
    note.signers(known)
    found = Checkpoint.parse(note.text)
    if found.origin != origin:
        raise BadNote(f"the checkpoint is of {found.origin[:80]!r}, not of {origin!r}")
    return found


def signed_note(text: bytes, signers: Iterable[Signer]) -> bytes:
    """The text under each signer's signature."""
    return note_of(text, [signature_line(signer.verifier, signer.sign(text)) for signer in signers])


def note_of(text: bytes, lines: Iterable[str]) -> bytes:
    """The text above these signature lines."""
    return text + "\n".join(["", *lines, ""]).encode()


def signature_line(key: Verifier, signature: bytes) -> str:
    """A line of a note, without its newline."""
    return Signature(key.name, key.id, signature).line()


def _signature(line: str) -> Signature:
    dash, _, rest = line.partition(" ")
    name, space, encoded = rest.partition(" ")
    value = _decoded(encoded)
    if dash != "—" or not space or value is None or len(value) < 5:
        raise BadNote(f"{line[:80]!r} is no signature line")
    return Signature(check_name(name), value[:4], value[4:])


def _decoded(text: str) -> bytes | None:
    """Standard base64, padded, in its one form; None for anything else."""
    try:
        value = b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    return value if b64encode(value).decode() == text else None
