"""The signed log as an auditor looks at it: its newest head, who signed it when, earlier heads, keys, stamps."""

from __future__ import annotations

import base64
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from audit.checkpoint import Checkpoint, Note
from audit.log import Log

SHOWN = 10
_STAMP = re.compile(r"([0-9]+)-([0-9T.]+Z)\.tsr")


class Witnessed(NamedTuple):
    """A witness of the policy, and when it last signed the newest head; None if it did not."""

    name: str
    key: str
    at: datetime | None


class Stamp(NamedTuple):
    """A time-stamp that is kept: on the head of how many entries, when, as its file's name says."""

    size: int
    at: datetime


class LogState(NamedTuple):
    """All of it. `unsigned` entries came since the newest head; `heads` are the newest sizes, of `heads_kept`."""

    size: int
    root: str
    origin: str
    unsigned: int
    signers: list[str]
    witnesses: list[Witnessed]
    quorum: str
    is_met: bool
    keys: list[str]
    heads: list[int]
    heads_kept: int
    stamps: list[Stamp]
    stamps_kept: int


def log_state(log: Log, folder: Path, entries: int) -> LogState | None:
    """The state of the log whose public files are in `folder`; None before its first head."""
    try:
        note = Note.parse((folder / "checkpoint").read_bytes())
    except FileNotFoundError:
        return None
    head = Checkpoint.parse(note.text)
    policy = log.policy
    times = policy.witnessed(note)
    witnesses = [
        Witnessed(name, str(peer.key), datetime.fromtimestamp(times[name], UTC) if name in times else None)
        for name, peer in policy.witnesses.items()
    ]
    heads = sorted((int(path.name) for path in (folder / "checkpoints").glob("[0-9]*")), reverse=True)
    stamps = sorted(_stamps(folder / "timestamps"), reverse=True)
    return LogState(
        head.size,
        base64.b64encode(head.root).decode(),
        head.origin,
        entries - head.size,
        [one.name for one in note.signatures],
        witnesses,
        policy.quorum,
        policy.is_met(times),
        [str(key) for key in log.history().keys],
        heads[:SHOWN],
        len(heads),
        stamps[:SHOWN],
        len(stamps),
    )


def _stamps(folder: Path) -> list[Stamp]:
    found = (_STAMP.fullmatch(path.name) for path in folder.glob("*.tsr"))
    return [
        Stamp(int(one[1]), datetime.strptime(one[2], "%Y%m%dT%H%M%S.%fZ").replace(tzinfo=UTC)) for one in found if one
    ]
