"""The newest head as statements, receipts and pages tell it: with who vouches for it, and since when."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from audit import verify
from audit.checkpoint import Checkpoint, Note
from audit.policy import Policy
from audit.timestamp import FOLDER


class Stamp(NamedTuple):
    """A time-stamp that was kept: when, over how many entries, and the name of its files."""

    at: datetime
    size: int
    name: str


class Anchor(NamedTuple):
    """A head that was shown: its note as it was signed, whose signatures are on it, which witnesses of the policy
    cosigned it and when, and the newest time-stamp there is (of this head, or of an earlier one)."""

    head: Checkpoint
    note: bytes
    signers: tuple[str, ...]
    witnesses: tuple[tuple[str, datetime], ...]
    stamp: Stamp | None

    @property
    def root(self) -> str:
        """The root as the head has it, in base64."""
        return base64.b64encode(self.head.root).decode()

    def members(self) -> dict[str, object]:
        """The same as JSON values."""
        return {
            "origin": self.head.origin,
            "size": self.head.size,
            "root": self.head.root.hex(),
            "note": self.note.decode(),
            "witnesses": {name: verify.shown_time(at) for name, at in self.witnesses},
            "stamp": None if self.stamp is None else {"at": verify.shown_time(self.stamp.at), "size": self.stamp.size},
        }


def newest(folder: Path, policy: Policy) -> Anchor | None:
    """The newest head in the folder of a log, None before the first; `policy` names the log's witnesses.

    Raises BadNote for one that is damaged.
    """
    try:
        data = (folder / "checkpoint").read_bytes()
    except FileNotFoundError:
        return None
    note = Note.parse(data)
    signers = tuple(one.name for one in note.signatures)
    return Anchor(Checkpoint.parse(note.text), data, signers, vouching(note, policy), newest_stamp(folder))


def vouching(note: Note, policy: Policy) -> tuple[tuple[str, datetime], ...]:
    """The witnesses of the policy that signed a head, by the names of their keys, and when. Raises BadNote."""
    times = sorted(policy.witnessed(note).items())
    return tuple((policy.witnesses[name].key.name, datetime.fromtimestamp(at, UTC)) for name, at in times)


def newest_stamp(folder: Path) -> Stamp | None:
    """The latest time-stamp in the folder of a log. They were checked when they were kept."""
    found = []
    for path in (folder / FOLDER).glob("*.tsr"):
        size, _, at = path.stem.partition("-")
        found.append(Stamp(datetime.strptime(at, "%Y%m%dT%H%M%S.%fZ").replace(tzinfo=UTC), int(size), path.stem))
    return max(found, default=None)
