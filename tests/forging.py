"""What an attacker needs: an export taken apart, changed, and sealed again so that all its hashes agree.

Entries are chained, tiles laid out, roots computed and notes signed by code that shares nothing with the product's: the
other half of a second implementation of `docs/format.md` and of the C2SP formats.
"""

from __future__ import annotations

import json
import shutil
from base64 import b64decode, b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any, Self

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

Data = dict[str, Any]
WIDTH = 256


# Hashes (RFC 6962 §2.1)


@cache
def leaf(entry: bytes) -> bytes:
    return sha256(b"\x00" + entry).digest()


@cache
def node(left: bytes, right: bytes) -> bytes:
    return sha256(b"\x01" + left + right).digest()


def root_of(leaves: Sequence[bytes]) -> bytes:
    """Level by level; what is odd at a level goes under what is to the left of it, from the bottom up."""
    if not leaves:
        return sha256(b"").digest()
    level, odd = list(leaves), []
    while len(level) > 1:
        if len(level) % 2:
            odd.append(level.pop())
        level = [node(level[n], level[n + 1]) for n in range(0, len(level), 2)]
    subtrees = [*odd, *level]
    value = subtrees[0]
    for left in subtrees[1:]:
        value = node(left, value)
    return value


def path_of(index: int, leaves: Sequence[bytes]) -> list[bytes]:
    """PATH(m, D[n]) of RFC 6962 §2.1.1."""
    if len(leaves) == 1:
        return []
    half = 1 << (len(leaves) - 1).bit_length() - 1
    if index < half:
        return [*path_of(index, leaves[:half]), root_of(leaves[half:])]
    return [*path_of(index - half, leaves[half:]), root_of(leaves[:half])]


# Notes (C2SP signed-note, tlog-checkpoint)


@dataclass(frozen=True)
class Key:
    """A key under a name: the log's own when it is stolen, or the attacker's under the same name; 4 is a witness's."""

    name: str
    seed: bytes
    kind: int = 1

    @property
    def public(self) -> bytes:
        return bytes([self.kind]) + Ed25519PrivateKey.from_private_bytes(self.seed).public_key().public_bytes_raw()

    @property
    def id(self) -> bytes:
        return sha256(self.name.encode() + b"\n" + self.public).digest()[:4]

    def __str__(self) -> str:
        return f"{self.name}+{self.id.hex()}+{b64encode(self.public).decode()}"

    def line(self, text: bytes) -> bytes:
        """Its signature line under a text."""
        time = bytes(4) + (1_800_000_000).to_bytes(4, "big") if self.kind == 4 else b""
        said = b"cosignature/v1\ntime 1800000000\n" + text if time else text
        signature = time + Ed25519PrivateKey.from_private_bytes(self.seed).sign(said)
        return f"— {self.name} {b64encode(self.id + signature).decode()}\n".encode()


def note(text: bytes, *keys: Key) -> bytes:
    return text + b"\n" + b"".join(key.line(text) for key in keys)


def head_text(origin: str, size: int, root: bytes) -> bytes:
    return f"{origin}\n{size}\n{b64encode(root).decode()}\n".encode()


# Tiles (C2SP tlog-tiles)


def numbered(number: int) -> str:
    """`x001/x234/067`."""
    digits = f"{number:03}"
    digits = digits.zfill(-(-len(digits) // 3) * 3)
    groups = [digits[at : at + 3] for at in range(0, len(digits), 3)]
    return "/".join([*(f"x{group}" for group in groups[:-1]), groups[-1]])


def tiles_of(leaves: Sequence[bytes]) -> dict[str, bytes]:
    """Path -> hashes, all levels."""
    found: dict[str, bytes] = {}
    row, level = list(leaves), 0
    while row:
        above = []
        for number in range(-(-len(row) // WIDTH)):
            part = row[number * WIDTH : (number + 1) * WIDTH]
            partial = "" if len(part) == WIDTH else f".p/{len(part)}"
            found[f"tile/{level}/{numbered(number)}{partial}"] = b"".join(part)
            if len(part) == WIDTH:
                above.append(root_of(part))
        row, level = above, level + 1
    return found


def framed(entry: bytes) -> bytes:
    """An entry as it stands in a bundle."""
    return len(entry).to_bytes(2, "big") + entry


def bundles_of(entries: Sequence[bytes]) -> dict[str, bytes]:
    """Path -> entries, each behind its length."""
    found = {}
    for number in range(-(-len(entries) // WIDTH)):
        part = entries[number * WIDTH : (number + 1) * WIDTH]
        partial = "" if len(part) == WIDTH else f".p/{len(part)}"
        data = b"".join(map(framed, part))
        found[f"tile/entries/{numbered(number)}{partial}"] = data
    return found


def canonical(entry: Data) -> bytes:
    """RFC 8785 of the ledger's profile: sorted names, no space."""
    return json.dumps(entry, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


# An export in the hands of an attacker


def split(data: bytes) -> list[bytes]:
    """The entries of a bundle."""
    entries = []
    while data:
        end = 2 + int.from_bytes(data[:2], "big")
        entries.append(data[2:end])
        data = data[end:]
    return entries


@dataclass
class Forgery:
    """A copy of an export. `entries` are edited as objects; `seal` makes `bodies`, tree and signatures of them."""

    folder: Path
    key: Key
    bodies: list[bytes]
    entries: list[Data]
    size: int
    spoiled: dict[int, Callable[[bytes], bytes]] = field(default_factory=dict)
    """What is done to an entry's canonical bytes before they are hashed."""
    receipt: bytes = b""
    """What a donor is given."""
    kept: bytes = b""
    """A head that the reader kept."""
    policy: bytes = b""
    """Whose signatures count for the reader."""

    @classmethod
    def of(cls, export: Path, folder: Path, key: Key) -> Self:
        """A copy, to do with as one likes."""
        shutil.copytree(export, folder)
        size = int((folder / "checkpoint").read_bytes().split(b"\n")[1])
        paths = bundles_of([b""] * size)
        bodies = [entry for path in paths for entry in split((folder / path).read_bytes())]
        return cls(folder, key, bodies, [json.loads(body) for body in bodies], size)

    @property
    def origin(self) -> str:
        return self.key.name

    def read(self, path: str) -> bytes:
        return (self.folder / path).read_bytes()

    def write(self, path: str, data: bytes) -> None:
        (self.folder / path).parent.mkdir(parents=True, exist_ok=True)
        (self.folder / path).write_bytes(data)

    def find(self, kind: str, own: str = "") -> int:
        """The seq of the first entry of a type whose stream's id is `own`."""
        return next(
            seq
            for seq, entry in enumerate(self.entries)
            if entry["type"] == kind and own in ("", entry["stream"].split("/", 1)[1])
        )

    def data(self, kind: str, own: str = "") -> Data:
        """The members of that entry's fact, to edit."""
        found: Data = self.entries[self.find(kind, own)]["data"]
        return found

    def add(self, kind: str, stream: str, /, **data: Any) -> Data:
        """One entry more at the end, as the service would make it, on 2026-03-10 unless another day is named."""
        before = self.entries[-1]
        data = {"on": "2026-03-10", **{name.rstrip("_"): value for name, value in data.items()}}
        entry = {
            **{
                "v": 1,
                "origin": self.origin,
                "at": before["at"],
                "salt": sha256(before["salt"].encode()).hexdigest()[:32],
            },
            **{"stream": stream, "version": self.version(stream) + 1, "type": kind},
            "data": {name: value for name, value in data.items() if value is not None},
        }
        self.entries.append(entry)
        return entry

    def start(self, key: str) -> None:
        """Entry 0."""
        self.entries.append(
            {
                **{"v": 1, "origin": self.origin, "at": "2026-03-10T00:00:00.000000Z", "salt": "0" * 32},
                **{"stream": "ledger/main", "version": 1, "type": "LedgerOpened"},
                "data": {
                    **{"origin": self.origin, "currency": "CNY", "exponent": 2, "zone": "Asia/Shanghai"},
                    **{"on": "2026-03-10", "key": key},
                },
            }
        )

    def version(self, stream: str) -> int:
        """How many entries are on a stream."""
        return sum(entry["stream"] == stream for entry in self.entries)

    def end(self, tape: str) -> int:
        """A tape's end, by the entries."""
        issues = (each for entry in self.entries for each in entry["data"].get("issue", ()))
        return max((each["hi"] for each in issues if each["tape"] == tape), default=0)

    def chain(self) -> None:
        """Numbers and links all entries anew."""
        prev, self.bodies = sha256(b"").hexdigest(), []
        for seq, entry in enumerate(self.entries):
            body = canonical({**entry, "seq": seq, "prev": prev})
            body = self.spoiled.get(seq, bytes)(body)
            self.bodies.append(body)
            prev = leaf(body).hex()

    def seal(self, *sizes: int, keys: Sequence[Key] = ()) -> None:
        """Chains the entries, lays out the tree, and signs its heads: the newest, and those of the sizes given."""
        self.chain()
        self.lay(*sizes, keys=keys)

    def lay(self, *sizes: int, keys: Sequence[Key] = ()) -> None:
        """The tree over the bodies as they are, and its heads."""
        for old in ("tile", "checkpoints"):
            shutil.rmtree(self.folder / old, ignore_errors=True)
        leaves = [leaf(body) for body in self.bodies]
        for path, data in {**tiles_of(leaves), **bundles_of(self.bodies)}.items():
            self.write(path, data)
        self.size = len(self.bodies)
        for size in {*sizes, self.size}:
            self.write(f"checkpoints/{size}", self.head(size, *keys))
        self.write("checkpoint", self.head(self.size, *keys))

    def head(self, size: int, *keys: Key) -> bytes:
        """A head over the first entries, signed by the log's key or by others."""
        root = root_of([leaf(body) for body in self.bodies[:size]])
        return note(head_text(self.origin, size, root), *(keys or [self.key]))


# Receipts (C2SP tlog-proof)


@dataclass
class Receipt:
    """A receipt taken apart; `said` is the JSON object of its extra data."""

    said: Data
    index: int
    path: list[bytes]
    note: bytes

    @classmethod
    def of(cls, data: bytes) -> Self:
        head, _, rest = data.partition(b"\n\n")
        _, extra, index, *path = head.decode().split("\n")
        said = json.loads(b64decode(extra.removeprefix("extra ")))
        return cls(said, int(index.removeprefix("index ")), [b64decode(line) for line in path], rest)

    @property
    def entry(self) -> bytes:
        return b64decode(self.said["entry"])

    @entry.setter
    def entry(self, body: bytes) -> None:
        self.said["entry"] = b64encode(body).decode()

    def text(self) -> bytes:
        extra = json.dumps(self.said, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
        lines = ["c2sp.org/tlog-proof@v1", f"extra {b64encode(extra).decode()}", f"index {self.index}"]
        return "\n".join([*lines, *(b64encode(each).decode() for each in self.path), "", ""]).encode() + self.note
