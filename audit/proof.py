"""Proofs about a log that was signed, for those who have nothing else of it.

A receipt 存证凭据: one entry is in it (C2SP tlog-proof).

    c2sp.org/tlog-proof@v1
    extra <base64>                  what the reader needs besides: here the entry itself, see `Receipt`
    index <N>
    <base64 hash>                   the inclusion proof, from the leaf's sibling up, a line each
                                    an empty line
    <the checkpoint, as it was signed>

A newer head 新日志头: what was signed later continues what was signed before (the request of C2SP tlog-witness).

    old <size>
    <base64 hash>                   the consistency proof, a line each
                                    an empty line
    <the checkpoint, as it was signed>
"""

from __future__ import annotations

import json
import re
from base64 import b64decode, b64encode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from audit.checkpoint import BadNote, Checkpoint, Note, Verifier, open_checkpoint
from audit.merkle import BadProof, check_consistency, check_inclusion, leaf_hash
from ledger.vault_ciphers import commitment

HEADER = "c2sp.org/tlog-proof@v1"
MAX_PROOF_BYTES = 2_000_000
_OPENING = frozenset(("field", "stream", "value", "salt"))
_OLD = re.compile(r"old (0|[1-9][0-9]{0,18})", re.ASCII)
_INDEX = re.compile(r"index (0|[1-9][0-9]{0,18})", re.ASCII)


class BadReceipt(ValueError):
    """Bytes that are no receipt, or one that proves nothing."""


@dataclass(frozen=True, slots=True)
class Proof:
    """A proof taken apart; `checkpoint` are the bytes of a signed note, which nobody has checked yet."""

    index: int
    path: tuple[bytes, ...]
    checkpoint: bytes
    extra: bytes = b""

    @classmethod
    def parse(cls, data: bytes) -> Proof:
        """Raises BadReceipt for anything that is not exactly a proof."""
        if len(data) > MAX_PROOF_BYTES:
            raise BadReceipt(f"a receipt of {len(data)} bytes is too long ({MAX_PROOF_BYTES} at most)")
        if b"\r\n" in data:
            raise BadReceipt("its lines end in CRLF: it was converted on its way, get the original again")
        head, blank, checkpoint = data.partition(b"\n\n")
        try:
            lines = head.decode("ascii").split("\n")
        except UnicodeDecodeError:
            raise BadReceipt("this is no receipt: it is not text") from None
        if not blank or lines[0] != HEADER:
            raise BadReceipt(f"this is no receipt: its first line is not {HEADER}")
        extra = b""
        if len(lines) > 1 and lines[1].startswith("extra "):
            extra = _decoded(lines.pop(1).removeprefix("extra "))
        index = _INDEX.fullmatch(lines[1]) if len(lines) > 1 else None
        if index is None:
            raise BadReceipt("the receipt names no entry (a line with index and a number)")
        path = tuple(_decoded(line) for line in lines[2:])
        if any(len(value) != 32 for value in path):
            raise BadReceipt("a hash of the receipt is not 32 bytes")
        return cls(int(index[1]), path, checkpoint, extra)

    def text(self) -> bytes:
        """The file."""
        lines = [HEADER]
        if self.extra:
            lines.append(f"extra {b64encode(self.extra).decode()}")
        lines += [f"index {self.index}", *(b64encode(value).decode() for value in self.path), "", ""]
        return "\n".join(lines).encode() + self.checkpoint


@dataclass(frozen=True, slots=True)
class Receipt:
    """An entry with the proof that it is in the log, and openings of personal data in it for those entitled.

    The proof's extra data is the JSON object {"entry": the exact bytes in base64, "openings": [{"field", "stream",
    "value", "salt" (64 hex)}]}, the latter only where there are any.
    """

    proof: Proof
    entry: bytes
    openings: tuple[Mapping[str, str], ...] = ()

    @classmethod
    def make(cls, proof: Proof, entry: bytes, openings: Iterable[Mapping[str, str]] = ()) -> Receipt:
        """A receipt around a proof without extra data."""
        kept = tuple(openings)
        members: dict[str, Any] = {"entry": b64encode(entry).decode()}
        if kept:
            members["openings"] = [dict(each) for each in kept]
        extra = json.dumps(members, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
        return cls(Proof(proof.index, proof.path, proof.checkpoint, extra), entry, kept)

    @classmethod
    def parse(cls, data: bytes) -> Receipt:
        """Raises BadReceipt."""
        proof = Proof.parse(data)
        try:
            members = json.loads(proof.extra)
            entry = _decoded(members["entry"])
            openings = tuple(members.get("openings", ()))
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            raise BadReceipt("the receipt does not hold its entry") from None
        for each in openings:
            if not isinstance(each, dict) or each.keys() != _OPENING or not all(map(_is_text, each.values())):
                raise BadReceipt("an opening of the receipt is not field, stream, value and salt")
        return cls(proof, entry, openings)

    def check(self, origin: str, known: Iterable[Verifier]) -> Checkpoint:
        """The signed head that the entry is in. Raises BadReceipt unless everything holds."""
        try:
            head = open_checkpoint(self.proof.checkpoint, origin, known)
            check_inclusion(self.proof.index, head.size, leaf_hash(self.entry), self.proof.path, head.root)
        except (BadNote, BadProof) as fault:
            raise BadReceipt(str(fault)) from fault
        self._check_entry(origin)
        return head

    def _check_entry(self, origin: str) -> None:
        """Raises BadReceipt unless the entry is of this place in this log, and commits to what is said to open it."""
        try:
            entry = json.loads(self.entry)
            place, stream = (entry["origin"], entry["seq"]), entry["stream"]
            commitments = entry["data"].get("commitments", {})
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            raise BadReceipt("the receipt's entry is none") from None
        if place != (origin, self.proof.index):
            raise BadReceipt(f"the entry says that it is entry {place[1]} of {place[0]}")
        for each in self.openings:
            try:
                opened = commitment(bytes.fromhex(each["salt"]), each["field"], each["stream"], each["value"])
            except ValueError:
                raise BadReceipt("the salt of an opening is not in hex") from None
            if each["stream"] != stream or commitments.get(each["field"]) != opened:
                raise BadReceipt(f"{each['field'][:60]!r} is not what the entry commits to")

    def claimed(self) -> Checkpoint:
        """The head that the receipt speaks of, by whomever it is signed. Raises BadReceipt."""
        try:
            return Checkpoint.parse(Note.parse(self.proof.checkpoint).text)
        except BadNote as fault:
            raise BadReceipt(str(fault)) from fault


@dataclass(frozen=True, slots=True)
class Continuation:
    """A newer head with the proof that it continues the head of `old` entries; nobody has checked either yet."""

    old: int
    path: tuple[bytes, ...]
    checkpoint: bytes

    @classmethod
    def parse(cls, data: bytes) -> Continuation:
        """Raises BadReceipt for anything that is not exactly that."""
        if len(data) > MAX_PROOF_BYTES:
            raise BadReceipt(f"a head of {len(data)} bytes is too long ({MAX_PROOF_BYTES} at most)")
        head, blank, checkpoint = data.partition(b"\n\n")
        first, *lines = head.decode("ascii", "replace").split("\n")
        old = _OLD.fullmatch(first)
        if not blank or old is None:
            raise BadReceipt("this is no newer head: its first line is not old and a number")
        path = tuple(_decoded(line) for line in lines)
        if any(len(value) != 32 for value in path):
            raise BadReceipt("a hash of the newer head is not 32 bytes")
        return cls(int(old[1]), path, checkpoint)

    def text(self) -> bytes:
        """The file."""
        lines = [f"old {self.old}", *(b64encode(value).decode() for value in self.path), "", ""]
        return "\n".join(lines).encode() + self.checkpoint

    def check(self, before: Checkpoint, known: Iterable[Verifier]) -> Checkpoint:
        """The newer head, which continues the one `before`. Raises BadReceipt unless everything holds."""
        if before.size != self.old:
            raise BadReceipt(f"the newer head continues one of {self.old} entries, not of {before.size}")
        try:
            head = open_checkpoint(self.checkpoint, before.origin, known)
            check_consistency(before.size, head.size, before.root, head.root, self.path)
        except (BadNote, BadProof) as fault:
            raise BadReceipt(str(fault)) from fault
        return head


def _decoded(text: str) -> bytes:
    try:
        value = b64decode(text, validate=True)
    except ValueError:
        raise BadReceipt(f"{text[:40]!r} is not base64") from None
    if b64encode(value).decode() != text:
        raise BadReceipt(f"{text[:40]!r} is not base64 in its one form")
    return value


def _is_text(value: object) -> bool:
    return isinstance(value, str)
