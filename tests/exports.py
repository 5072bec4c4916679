"""Exports and receipts made for tests: a signed log of any entries, with any keys, as the product lays it out."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from test_audit_verify_chain import ORIGIN, Data, Story, chained, root_of

from audit import verify
from audit.checkpoint import Checkpoint, KeySigner
from audit.merkle import prove_inclusion
from audit.proof import Proof, Receipt
from audit.tiles import Tiles, tile_path


def signer(seed: int = 1, name: str = ORIGIN) -> KeySigner:
    return KeySigner(name, Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32))


LOG, NEXT, OTHER = signer(1), signer(2), signer(9)


def leaves_of(entries: Iterable[bytes]) -> list[bytes]:
    return [hashlib.sha256(b"\x00" + entry).digest() for entry in entries]


def keyed(entries: list[Data], key: KeySigner = LOG, **more: Any) -> list[Data]:
    """The entries of a story, entry 0 naming a key that can sign."""
    opening = {**entries[0], "data": {**entries[0]["data"], "key": str(key.verifier), **more}}
    return [opening, *entries[1:]]


def gifts(count: int) -> Story:
    """A story of many small gifts."""
    story = Story()
    story.fund("F")
    story.tape("F")
    for number in range(count - 3):
        story.gift(f"D{number}", "t1", 100 + number, "2026-02-01")
    return story


def head(entries: Sequence[bytes], *keys: KeySigner, origin: str = ORIGIN) -> bytes:
    """The signed head over all these entries."""
    return Checkpoint(origin, len(entries), root_of(leaves_of(entries))).signed(*(keys or (LOG,)))


class Made:
    """A signed log in a folder."""

    def __init__(self, folder: Path, entries: Sequence[bytes]) -> None:
        self.folder, self.entries = folder, list(entries)

    @classmethod
    def of(cls, folder: Path, story: Story | list[Data], sizes: Sequence[int] = ()) -> Made:
        """An export of the story, whose log was signed at these sizes too, one after the other."""
        entries = story.entries if isinstance(story, Story) else story
        made = cls(folder, chained(keyed(entries)))
        made.write_policy(LOG)
        for size in [*sizes, len(made.entries)]:
            made.sign(size)
        return made

    def write_policy(self, *keys: KeySigner, more: str = "quorum none\n") -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "policy").write_text("".join(f"log {key.verifier}\n" for key in keys) + more)

    def sign(self, size: int, *keys: KeySigner) -> None:
        """Grows the log to a size and signs its head; partial tiles of before stay, as in one export over another."""
        had = self.size()
        Tiles(self.folder).grow(had, leaves_of(self.entries[had:size]))
        for start in range(had - had % 256, size, 256):
            these = self.entries[start : min(start + 256, size)]
            self.put(tile_path("entries", start // 256, len(these)), b"".join(verify.bundle(these)))
        note = head(self.entries[:size], *keys)
        self.put(f"checkpoints/{size}", note)
        self.put("checkpoint", note)

    def size(self) -> int:
        path = self.folder / "checkpoint"
        return int(path.read_bytes().split(b"\n")[1]) if path.exists() else 0

    def put(self, path: str, data: bytes) -> None:
        place = self.folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data)

    def change(self, path: str, old: bytes, new: bytes) -> None:
        data = (self.folder / path).read_bytes()
        assert old in data
        self.put(path, data.replace(old, new))

    def flip(self, path: str, at: int) -> None:
        data = bytearray((self.folder / path).read_bytes())
        data[at] ^= 1
        self.put(path, bytes(data))

    def check(self, **options: Any) -> verify.Outcome:
        """What the verifier says of it."""
        return verify.examine([self.folder], jobs=1, **options)

    def receipt(self, seq: int, *keys: KeySigner, openings: Iterable[dict[str, str]] = (), size: int = 0) -> bytes:
        """The receipt of an entry under a head of its own making."""
        entries = self.entries[: size or len(self.entries)]
        leaves = leaves_of(entries)

        def read(nodes: Sequence[tuple[int, int]]) -> list[bytes]:
            return [root_of(leaves[n << level : (n + 1) << level]) for level, n in nodes]

        path = tuple(prove_inclusion(seq, len(entries), read))
        return Receipt.make(Proof(seq, path, head(entries, *keys)), entries[seq], openings).proof.text()


def said(found: verify.Outcome) -> str:
    """Both languages' lines as one text."""
    return "\n".join([*(line.zh for line in found.lines), *(line.en for line in found.lines)])


def whats(found: verify.Outcome) -> list[str]:
    return [problem["what"] for problem in found.members["problems"]]
