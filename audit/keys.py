"""Which keys sign a log of which size, and whoever keeps their private halves.

Entry 0 names the first key. `KeyRotated` at entry n names the next: the head of size n + 1 is signed by both, the one
before and the new one, every larger size by the new one alone. So whoever knows the one is led to the other.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Protocol

from audit.checkpoint import BadNote, Checkpoint, Note, Signer, Verifier
from ledger.errors import OperatorFault


class LogKeyFault(OperatorFault):
    """A key of the log, or of a witness, is missing, cannot be read, or is another one than it should be."""

    code = "log_key"
    zh = "签名密钥 {key} 无法使用：{reason_zh}"
    en = "the signing key {key} cannot be used: {reason}"


class LogKeys(Protocol):
    """Keeps the private keys of one log. Files do it here (`KeyFolder`); a KMS or an HSM can take over: whole contract.

    The log itself says which key signs what; this only holds them, each known by its public half. Keys are Ed25519,
    named by the log's origin. Nothing here is called under the ledger's lock, and any call may take its time. Each
    method may raise an OperatorFault that says what to do, and has then changed nothing that is seen: the same call can
    be made again. Calls may come from several processes at once.
    """

    def signer(self, key: Verifier) -> Signer:
        """Who signs for that key, for as long as it is the log's. Raises LogKeyFault when it is not held here."""
        ...

    def make(self, used: Collection[Verifier]) -> Verifier:
        """A key that is not among those `used`, held lastingly before this returns.

        No entry may come to name it: a caller that was cut off asks again, and is best given the same one.
        """
        ...

    def retire(self, key: Verifier) -> bool:
        """The key will sign nothing more: it is put away. Whether there was anything to do; repeated, it does nothing.

        What becomes of a key put away is its keeper's affair; the log never asks for it again.
        """
        ...


class HeldKeys:
    """Keys of which the signers are at hand already; it makes none."""

    def __init__(self, *signers: Signer) -> None:
        self._signers = {signer.verifier: signer for signer in signers}

    def signer(self, key: Verifier) -> Signer:
        """See LogKeys."""
        if key not in self._signers:
            raise LogKeyFault(key=key, reason="it is not held here", reason_zh="此处没有该密钥")
        return self._signers[key]

    def make(self, used: Collection[Verifier]) -> Verifier:
        """See LogKeys: one of those given, or a LogKeyFault."""
        for key in self._signers:
            if key not in used:
                return key
        raise LogKeyFault(key="-", reason="no further key is held here", reason_zh="此处没有更多密钥")

    def retire(self, key: Verifier) -> bool:
        """See LogKeys."""
        return self._signers.pop(key, None) is not None


@dataclass(frozen=True, slots=True)
class KeyHistory:
    """The log's keys, oldest first, each with the smallest size that it signs; the first with 0. Sizes rise."""

    changes: tuple[tuple[int, Verifier], ...]

    @property
    def keys(self) -> tuple[Verifier, ...]:
        """All of them; the last is the one in use."""
        return tuple(key for _, key in self.changes)

    def of(self, size: int) -> tuple[Verifier, ...]:
        """The keys that a head of that size is signed by, all of them: two where the key changes, the old one first."""
        last = max(n for n, (first, _) in enumerate(self.changes) if first <= size)
        changing = last > 0 and self.changes[last][0] == size
        return self.keys[last - changing : last + 1]

    def next_stop(self, signed: int, size: int) -> int:
        """The size to be signed next on the way from one to the other: none at which the key changes is passed over."""
        return min([first for first, _ in self.changes if first > signed] + [size])

    def open(self, note: bytes, origin: str) -> Checkpoint:
        """The head in a note that is signed as a head of its size must be. Raises BadNote."""
        taken = Note.parse(note)
        head = Checkpoint.parse(taken.text)
        keys = self.of(head.size)
        if len(taken.signers(keys)) < len(keys):
            raise BadNote(f"the key changes at size {head.size}, and not both keys signed it")
        if head.origin != origin:
            raise BadNote(f"the checkpoint is of {head.origin[:80]!r}, not of {origin!r}")
        return head
