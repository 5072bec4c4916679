"""Whose signatures make a checkpoint good (C2SP tlog-policy): the logs, the witnesses, and how many of these it takes.

    log <key> [<url>]
    witness <name> <key> [<url>]
    group <name> all|any|<k> <name>...
    quorum <name>|none

A line a statement; `#` begins a comment line. A name is known from the line below its own on.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from audit.checkpoint import COSIGNATURE, BadNote, Checkpoint, Note, Verifier

MAX_POLICY_BYTES = 100_000
NONE = "none"


class BadPolicy(ValueError):
    """Text that is no policy."""


@dataclass(frozen=True, slots=True)
class Peer:
    """A log or witness that the policy names: its key, and where it is asked, "" when that isn't said."""

    key: Verifier
    url: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """Counts as one that signed when `threshold` of its members (witnesses or groups) did."""

    threshold: int
    members: tuple[str, ...]


@dataclass(slots=True)
class Policy:
    """A policy taken apart; `quorum` is a witness, a group, or "none"."""

    logs: list[Peer] = field(default_factory=list)
    witnesses: dict[str, Peer] = field(default_factory=dict)
    groups: dict[str, Group] = field(default_factory=dict)
    quorum: str = ""

    @classmethod
    def parse(cls, data: bytes) -> Policy:
        """Raises BadPolicy, which names the line."""
        if len(data) > MAX_POLICY_BYTES:
            raise BadPolicy(f"a policy of {len(data)} bytes is too long ({MAX_POLICY_BYTES} at most)")
        if any((octet < 0x20 and octet not in b"\t\n") or octet == 0x7F for octet in data):
            raise BadPolicy("the policy holds a control character")
        policy = cls()
        # Octets are opaque; this reads each as one character and gives it back unchanged.
        for number, line in enumerate(data.decode("utf-8", "surrogateescape").split("\n"), 1):
            words = re.split(r"[ \t]+", line.strip(" \t"))
            if words == [""] or words[0].startswith("#"):
                continue
            try:
                policy._take(words)
            except (BadPolicy, BadNote) as fault:
                raise BadPolicy(f"line {number} of the policy: {fault}") from None
        if not policy.quorum:
            raise BadPolicy("the policy has no quorum line (`quorum none` asks for no witness)")
        return policy

    def _take(self, words: list[str]) -> None:
        match words:
            case ["log", key, *url] if len(url) < 2:
                self._take_log(Peer(Verifier.parse(key), *url))
            case ["witness", name, key, *url] if len(url) < 2:
                self._check_new(name)
                peer = Peer(Verifier.parse(key, COSIGNATURE), *url)
                if any(peer.key.public == other.key.public for other in self.witnesses.values()):
                    raise BadPolicy(f"the key of witness {name} stands there twice")
                self.witnesses[name] = peer
            case ["group", name, count, *members] if members:
                self._check_new(name)
                self.groups[name] = self._group(count, members)
            case ["quorum", name]:
                if self.quorum:
                    raise BadPolicy("a second quorum")
                if name != NONE:
                    self._check_known(name)
                self.quorum = name
            case _:
                raise BadPolicy(f"{' '.join(words)[:80]!r} is no log, witness, group or quorum")

    def _take_log(self, peer: Peer) -> None:
        if any(peer.key.public == other.key.public for other in self.logs):
            raise BadPolicy(f"the key of log {peer.key.name} stands there twice")
        self.logs.append(peer)

    def _group(self, count: str, members: list[str]) -> Group:
        for member in members:
            self._check_known(member)
        used = {name for group in self.groups.values() for name in group.members}
        if len(set(members)) < len(members) or used & set(members):
            raise BadPolicy("a name is a member twice")
        if count in ("any", "all"):
            return Group(1 if count == "any" else len(members), tuple(members))
        if not re.fullmatch("[1-9][0-9]{0,5}", count, re.ASCII) or int(count) > len(members):
            raise BadPolicy(f"a threshold is any, all, or 1 to {len(members)}, not {count[:20]!r}")
        return Group(int(count), tuple(members))

    def _check_new(self, name: str) -> None:
        if name == NONE or name in self.witnesses or name in self.groups:
            raise BadPolicy(f"the name {name} is taken")

    def _check_known(self, name: str) -> None:
        if name not in self.witnesses and name not in self.groups:
            raise BadPolicy(f"{name} is neither a witness nor a group of a line above")

    def is_met(self, signed: Collection[str]) -> bool:
        """Whether the witnesses of these names are a quorum."""
        return self.quorum == NONE or self._counts(self.quorum, signed)

    def _counts(self, name: str, signed: Collection[str]) -> bool:
        group = self.groups.get(name)
        if group is None:
            return name in signed
        return sum(self._counts(member, signed) for member in group.members) >= group.threshold

    def witnessed(self, note: Note) -> dict[str, int]:
        """The witnesses that signed the note, by name, with the time of their newest signature (seconds since 1970).

        Raises BadNote when a signature of one of them is wrong.
        """
        times: dict[str, int] = {}
        for name, peer in self.witnesses.items():
            for each in note.signatures:
                if each.is_of(peer.key):
                    if not peer.key.holds(note.text, each.value):
                        raise BadNote(f"the cosignature of {name} is wrong")
                    times[name] = max(times.get(name, 0), int.from_bytes(each.value[:8], "big"))
        return times

    def open(self, data: bytes, logs: Iterable[Verifier] | None = None) -> Checkpoint:
        """The checkpoint in a note that is signed as the policy asks, by one of its logs or of those given.

        Raises BadNote.
        """
        note = Note.parse(data)
        signed = note.signers([peer.key for peer in self.logs] if logs is None else logs)
        found = Checkpoint.parse(note.text)
        if found.origin not in {key.name for key in signed}:
            raise BadNote(f"the checkpoint of {found.origin[:80]!r} is signed by {signed[0].name} alone")
        times = self.witnessed(note)
        if not self.is_met(times):
            raise BadNote(f"no quorum of witnesses signed it: {', '.join(times) or 'none'} of {self.quorum}")
        return found

    def text(self) -> bytes:
        """The policy as a file."""
        lines = [f"log {peer.key} {peer.url}".rstrip() for peer in self.logs]
        lines += [f"witness {name} {peer.key} {peer.url}".rstrip() for name, peer in self.witnesses.items()]
        for name, group in self.groups.items():
            lines.append(f"group {name} {group.threshold} {' '.join(group.members)}")
        return "\n".join([*lines, f"quorum {self.quorum}", ""]).encode("utf-8", "surrogateescape")
