"""What a log asks a witness, written out by hand (C2SP tlog-witness), apart from the code that is tested."""

from __future__ import annotations

from collections.abc import Sequence


def request_body(old: int, proof: Sequence[str], note: bytes) -> bytes:
    """The old size, the proof's hashes in base64, an empty line, the checkpoint."""
    return "\n".join([f"old {old}", *proof, "", ""]).encode() + note
