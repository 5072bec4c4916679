#!/usr/bin/env python3
"""Check a foundation's whole history, entry by entry, with nothing but this file, Python 3.11 or newer and, for
signatures, the library `cryptography`.

    python verify.py DIR              an export: entries, tree, signed heads (C2SP tlog-tiles, tlog-checkpoint)
    python verify.py RECEIPT...       receipts (C2SP tlog-proof), or a folder of them
    python verify.py FILE...          entry bundles, or one JSON entry a line, in order
      --head FILE                     a signed head, or receipt, that you kept: is it of this same history?
      --max-age DAYS                  others vouched for the newest head that recently
      --tsa-roots FILE                whose time-stamps count (PEM); else the roots that lie there
      --policy FILE, --key KEY        whose signatures count (C2SP tlog-policy); else the policy that lies there
      --json                          the same findings as JSON

Exit codes: 0 verified; 1 evidence of tampering, naming the first bad entry and what is wrong; 2 unusable input: what
cannot be read as what it should be, or is of another ledger. A file that the signed head asks for and that is missing
is evidence.

What is checked: the bytes (strict, canonical JSON of a narrow profile), the hash chain and the Merkle root (RFC 6962
§2.1), versions, ids and business keys, and the laws of the money: every serial is at exactly one place, moves start
where the money is, restrictions hold, and each fact takes just the serials that its policy picks.

How it is built: what can be said of an entry alone is said by `read_chunk`, a pure function that can run in several
processes; what depends on the entries before is folded in order by `History`, of which `Book` holds the money. What
must never occur twice goes to disk (`Spill`) and is judged at the end, so memory does not grow with the gifts; what a
refund or a reversal asks of a gift is looked up there. Facts that move money are few and are remembered.
`FACTS` has one row for each known kind of fact: a new kind is a new row.

This file imports nothing of the project whose ledger it checks: it shares no mistake with it.
"""

from __future__ import annotations

import argparse
import hmac
import json
import marshal
import multiprocessing
import os
import re
import stat
import struct
import sys
import tempfile
import traceback
import unicodedata
import zoneinfo
from base64 import b64decode, b64encode
from bisect import bisect_left, bisect_right
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import CancelledError, Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache, partial
from hashlib import algorithms_available, sha256
from hashlib import new as new_hash
from heapq import merge as merge_sorted
from io import TextIOWrapper
from itertools import chain, pairwise, zip_longest
from pathlib import Path
from sys import intern
from types import TracebackType
from typing import IO, Any, BinaryIO, NamedTuple, Self

MAX_ENTRY_BYTES = 65_535
MAX_INTEGER = 2**53 - 1
MAX_DEPTH = 32
MAX_DIMENSIONS = 8
MAX_PROBLEMS = 100
POLICY = "earmark-fifo/1"

# ---------------------------------------------------------------------------------------------------------------------
# What comes out
# ---------------------------------------------------------------------------------------------------------------------


class Flaw(Exception):
    """What is wrong with an entry, as one plain sentence."""


class Told(Exception):
    """One plain sentence, in Chinese and in English."""

    def __init__(self, zh: str, en: str) -> None:
        super().__init__(en)
        self.zh, self.en = zh, en


class Unusable(Told):
    """The input cannot be read as what it should be."""


class Unreadable(Unusable):
    """A file that cannot even be opened."""


class Refuted(Told):
    """What was read does not hold."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One bad entry: `seq` is its position in what was given, from 0; `what` one plain sentence.

    Without `seq` it is the log's signed heads or files that are wrong. `zh` says the same in Chinese, or at least what
    kind of thing is wrong.
    """

    seq: int | None
    what: str
    zh: str = field(default="", compare=False)

    def said(self) -> Said:
        """The line for a reader."""
        if self.seq is None:
            return Said(f"日志有误：{self.zh}", f"the log: {self.what}")
        return Said(f"第 {self.seq} 条分录有误：{self.zh}", f"entry {self.seq}: {self.what}")


class Said(NamedTuple):
    """One line for a reader, in both languages."""

    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a command: the lines for readers, the same as JSON values, the exit code."""

    lines: list[Said]
    members: dict[str, Any]
    code: int


class Standing(NamedTuple):
    """What a replay leaves besides places: accounts with their kinds, suspended receipts with amount, what is left and
    since when, the periods that are closed with their last days, and which entry reversed or undid which."""

    accounts: dict[str, str]
    suspended: dict[str, tuple[int, int, str]]
    closes: list[tuple[str, str]]
    reversed: dict[int, int]
    unmatched: dict[int, int]


@dataclass(frozen=True, slots=True)
class Report:
    """The findings on one history.

    `entries` counts the whole entries read; `root` is the RFC 6962 root over them and `head` the leaf hash of the last
    one, both hex ("" as head of no entries). `problems` are sorted by seq, one an entry, MAX_PROBLEMS at most.
    `judged` is the number of entries on which laws, versions and business keys were judged: fewer than `entries` where
    an entry was lost or cannot have happened, since nothing after it can be judged. `unknown_types` counts the entries
    whose type is not in FACTS: their money was followed, their rules are unknown. `tapes` is the end of each tape.
    """

    entries: int
    root: str
    head: str
    problems: tuple[Problem, ...]
    judged: int
    unknown_types: dict[str, int]
    tapes: dict[int, int]
    _book: Book = field(repr=False, compare=False)

    @property
    def ok(self) -> bool:
        """Whether nothing at all is wrong."""
        return not self.problems

    def places(self) -> Iterator[tuple[int, int, int, str, str, str]]:
        """Where each serial is: rows (tape number, lo, hi, place, home or "", since), sorted by tape and lo.

        `hi` is exclusive; `since` is the ISO date on which the serials came. Rows are merged where they touch and are
        alike in the last three. Meaningful as of entry `judged`.
        """
        return self._book.rows()

    def standing(self) -> Standing:
        """What stands besides places, as of entry `judged`."""
        book = self._book
        return Standing(book.accounts, book.suspended, book.closes, book.reversed, book.unmatched)

    def said(self) -> list[Said]:
        """The findings as lines."""
        lines = [
            Said(
                f"未知的事项类型 {kind}（{count} 条）：只核对了资金",
                f"unknown type {kind} ({count}): money followed only",
            )
            for kind, count in self.unknown_types.items()
        ]
        lines += [problem.said() for problem in self.problems]
        if self.judged < self.entries:
            lines.append(
                Said(
                    f"资金规则、版本和业务键只能核对到第 {self.judged} 条分录之前",
                    f"laws, versions and business keys could be judged only before entry {self.judged}",
                )
            )
        return lines

    def verdict(self) -> Said:
        """The last line."""
        figures_zh, figures = f"{self.entries} 条分录，树根 {self.root}", f"{self.entries} entries, root {self.root}"
        if self.ok:
            return Said(f"验证通过：{figures_zh}", f"verified: {figures}")
        first = self.problems[0].seq
        if first is None:
            return Said(f"发现篡改迹象：{figures_zh}", f"TAMPERING: {figures}")
        return Said(
            f"发现篡改迹象：自第 {first} 条分录起；{figures_zh}", f"TAMPERING: from entry {first} on; {figures}"
        )

    def as_json(self) -> dict[str, Any]:
        """The report as JSON values: {"ok", "entries", "root", "problems": [{"seq", "what"}], ...}."""
        return {
            "ok": self.ok,
            "entries": self.entries,
            "root": self.root,
            "head": self.head,
            "problems": [{"seq": problem.seq, "what": problem.what} for problem in self.problems],
            "judged": self.judged,
            "unknown_types": dict(sorted(self.unknown_types.items())),
            "tapes": {f"t{number}": end for number, end in sorted(self.tapes.items())},
        }


# ---------------------------------------------------------------------------------------------------------------------
# Bundles (C2SP tlog-tiles: (uint16 big-endian length ‖ entry)*)
# ---------------------------------------------------------------------------------------------------------------------


def bundle(entries: Iterable[bytes], per_bundle: int = 256) -> Iterator[bytes]:
    """Entry bundles of at most `per_bundle` entries each. Raises ValueError for an entry over 65,535 bytes."""
    parts: list[bytes] = []
    for entry in entries:
        if len(entry) > MAX_ENTRY_BYTES:
            raise ValueError(f"an entry of {len(entry)} bytes does not fit a bundle")
        parts += (len(entry).to_bytes(2, "big"), entry)
        if len(parts) == 2 * per_bundle:
            yield b"".join(parts)
            parts.clear()
    if parts:
        yield b"".join(parts)


def split(bundle: bytes) -> list[bytes]:
    """The entries of one bundle; the inverse of `bundle`. Raises ValueError when it breaks off inside an entry."""
    entries, at, end = [], 0, len(bundle)
    while at + 2 <= end:
        start = at + 2
        at = start + (bundle[at] << 8 | bundle[at + 1])
        entries.append(bundle[start:at])
    if at != end:
        raise ValueError("the bundle breaks off inside an entry")
    return entries


class Chunk(NamedTuple):
    """Whole entries for one call of `read_chunk`; `flaw` says what is wrong with the bytes right after them, if so."""

    start: int
    entries: int
    data: bytes
    flaw: str


CHUNK_ENTRIES = 512
CHUNK_BYTES = 1 << 20
Walk = Callable[[bytes, int, int, int], tuple[int, int]]


def walked(data: bytes, at: int = 0, most: int = 1 << 32, enough: int = 1 << 40) -> tuple[int, int]:
    """How many whole entries a bundle holds from `at` on, and where the last of them ends: `most` of them at most, and
    none after `enough` bytes."""
    count, begin, end = 0, at, len(data)
    while at + 2 <= end and count < most and at - begin < enough:
        following = at + 2 + (data[at] << 8 | data[at + 1])
        if following > end:
            break
        count, at = count + 1, following
    return count, at


def cut(
    bundles: Iterable[bytes], walk: Walk = walked, entries: int = CHUNK_ENTRIES, enough: int = CHUNK_BYTES
) -> Iterator[Chunk]:
    """The entries of all bundles in chunks of so many entries (fewer where they are long), whatever the bundles.

    `walk` is `walked`, or says the same.
    """
    start = count = 0
    parts: list[bytes] = []
    for data in bundles:
        at = 0
        while at < len(data):
            more, end = walk(data, at, entries - count, enough)
            if not more:
                yield Chunk(start, count, b"".join(parts), "the bundle breaks off inside this entry")
                start, count = start + count, 0
                parts.clear()
                break
            parts.append(data[at:end])
            count, size, at = count + more, end - at, end
            if count == entries or size >= enough:
                yield Chunk(start, count, b"".join(parts), "")
                start, count = start + count, 0
                parts.clear()
    if count:
        yield Chunk(start, count, b"".join(parts), "")


# ---------------------------------------------------------------------------------------------------------------------
# Hashes (RFC 6962 §2.1)
# ---------------------------------------------------------------------------------------------------------------------


def leaf_hash(entry: bytes) -> bytes:
    """SHA-256(0x00 ‖ entry), 32 bytes (RFC 6962 §2.1)."""
    return sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """SHA-256(0x01 ‖ left ‖ right), 32 bytes (RFC 6962 §2.1)."""
    return sha256(b"\x01" + left + right).digest()


TILE_LEVEL = 8
HASH_BYTES = 32


class Tree:
    """The compact range [start, end) of an RFC 6962 tree: its maximal perfect subtrees from left to right, of at most
    2^top leaves each."""

    def __init__(self, start: int = 0, top: int = 64) -> None:
        self.end = start
        self.top = top
        self.nodes: list[tuple[int, bytes]] = []  # (level, hash); a node of level l covers 2^l leaves

    def add(self, level: int, value: bytes) -> None:
        """Append the perfect subtree of 2^level leaves whose root is `value`; `end` must be a multiple of its size."""
        assert self.end % (1 << level) == 0, "a subtree begins at a multiple of its size"
        self.end += 1 << level
        while self.nodes and self.nodes[-1][0] == level < self.top and (self.end >> level) % 2 == 0:
            value = node_hash(self.nodes.pop()[1], value)
            level += 1
        self.nodes.append((level, value))

    def foresee(self, leaves: bytes) -> None:
        """Told the leaf hashes, joined, that the next nodes stand for; of use to those who watch a tree grow."""

    def extend(self, leaves: bytes) -> None:
        """Append leaf hashes, joined, in subtrees as large as their positions allow."""
        at, count = 0, len(leaves) // HASH_BYTES
        while at < count:
            size = 1 << min((count - at).bit_length() - 1, self.top)
            while self.end % size:
                size >>= 1
            self.add(size.bit_length() - 1, self.perfect(leaves[at * HASH_BYTES : (at + size) * HASH_BYTES]))
            at += size

    def perfect(self, row: bytes) -> bytes:
        """The root over 2^n hashes, joined."""
        while len(row) > HASH_BYTES:
            pairs = range(0, len(row), 2 * HASH_BYTES)
            row = b"".join([sha256(b"\x01" + row[at : at + 2 * HASH_BYTES]).digest() for at in pairs])
        return row

    def root(self) -> bytes:
        """The root over all leaves; the range must begin at 0. SHA-256 of "" when there are none."""
        if not self.nodes:
            return sha256(b"").digest()
        value = self.nodes[-1][1]
        for _, left in reversed(self.nodes[:-1]):
            value = node_hash(left, value)
        return value


# ---------------------------------------------------------------------------------------------------------------------
# JSON: strict, canonical (RFC 8785), and no more of it than the profile allows
# ---------------------------------------------------------------------------------------------------------------------

Decode = Callable[[bytes], Any]
Encode = Callable[[Any], bytes]
Codec = tuple[Decode, Encode]
"""A pair (decode, encode). `decode` reads one JSON text or raises; `encode` writes a value with sorted names and no
whitespace. Another codec than STRICT is only a shortcut for sound entries: whatever it does not find to be canonical
and within the profile is read again by STRICT, which alone decides and words the reason. Both must be picklable when
jobs > 1, and `decode` must refuse what is not UTF-8 and control characters inside strings."""

NAME = re.compile(r"[a-z][a-z0-9_]*")


def _refuse_float(text: str) -> Any:
    raise Flaw(f"a number is not an integer: {text[:30]}")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        counts = Counter(name for name, _ in pairs)
        raise Flaw(f"a name stands twice in one object: {counts.most_common(1)[0][0][:60]!r}")
    return members


_DECODER = json.JSONDecoder(parse_float=_refuse_float, parse_constant=_refuse_float)
_NAMING_DECODER = json.JSONDecoder(parse_float=_refuse_float, parse_constant=_refuse_float, object_pairs_hook=_unique)
_ENCODER = json.JSONEncoder(ensure_ascii=False, check_circular=False, sort_keys=True, separators=(",", ":"))


def decode_strict(raw: bytes) -> Any:
    """One JSON text in UTF-8 without floats, NaN or Infinity. Raises ValueError or Flaw. Duplicate names are left for
    the comparison with the canonical bytes."""
    return _DECODER.decode(raw.decode())


def encode_canonical(value: Any) -> bytes:
    """RFC 8785 bytes of a value of the profile (ASCII names and integers make JCS mean: sorted, no whitespace)."""
    return _ENCODER.encode(value).encode()


STRICT: Codec = (decode_strict, encode_canonical)


def parse(raw: bytes, codec: Codec) -> dict[str, Any]:
    """The entry that canonical bytes hold. Raises Flaw."""
    decode, encode = codec
    if b"\\" not in raw:
        try:
            value = decode(raw)
            if encode(value) == raw and type(value) is dict:
                check_profile(value, plain=raw.isascii() and b"\x7f" not in raw)
                return value
        except Exception:  # noqa: S110, BLE001 (a codec may raise anything; STRICT decides below)
            pass
    return parse_slowly(raw)


def parse_slowly(raw: bytes) -> dict[str, Any]:
    """As `parse`, by STRICT alone; finds the reason where there is one. Raises Flaw."""
    if not 0 < len(raw) <= MAX_ENTRY_BYTES:
        raise Flaw(f"the entry has {len(raw)} bytes; 1 to {MAX_ENTRY_BYTES} are allowed")
    try:
        value = _NAMING_DECODER.decode(raw.decode())
    except UnicodeDecodeError:
        raise Flaw("the bytes are not UTF-8") from None
    except json.JSONDecodeError as error:
        raise Flaw(f"the bytes are not JSON: {error.msg} at byte {error.pos}") from None
    except RecursionError:
        raise Flaw(f"values are nested deeper than {MAX_DEPTH} levels") from None
    except ValueError:  # Python refuses integers of thousands of digits
        raise Flaw("an integer is beyond ±(2^53−1)") from None
    if type(value) is not dict:
        raise Flaw("the entry is not a JSON object")
    check_profile(value, plain=False)
    if encode_canonical(value) != raw:
        raise Flaw("the bytes are not the canonical JSON (RFC 8785) of what they say")
    return value


def check_text(text: str) -> None:
    """Raises Flaw for a string that is not NFC, or holds control characters or lone surrogates."""
    if text.isascii() and text.isprintable():
        return
    for character in text:
        if unicodedata.category(character) in ("Cc", "Cs"):
            raise Flaw(f"a string holds U+{ord(character):04X}, a control character or lone surrogate")
    if not unicodedata.is_normalized("NFC", text):
        raise Flaw("a string is not in Unicode normal form NFC")


def check_profile(value: Any, plain: bool, depth: int = 1) -> None:
    """Raises Flaw for anything outside the JSON profile in a decoded object or list.

    `plain` says that the bytes were ASCII without escapes and DEL, so that every string is known to be sound.
    """
    if depth > MAX_DEPTH:
        raise Flaw(f"values are nested deeper than {MAX_DEPTH} levels")
    if type(value) is dict:
        if not _KNOWN_NAMES.issuperset(value):
            for name in value:
                if not NAME.fullmatch(name):
                    raise Flaw(f"{name[:60]!r} is no member name of the form [a-z][a-z0-9_]*")
        items = value.values()
    else:
        items = value
    for item in items:
        kind = type(item)
        if kind is str:
            if not plain:
                check_text(item)
        elif kind is int:
            if not -MAX_INTEGER <= item <= MAX_INTEGER:
                raise Flaw("an integer is beyond ±(2^53−1)")
        elif kind is dict or kind is list:
            check_profile(item, plain, depth + 1)
        elif kind is not bool:
            raise Flaw("null is not allowed" if item is None else f"a value is of a kind not allowed: {kind.__name__}")


_KNOWN_NAMES = frozenset(
    re.findall(
        NAME,
        "at data origin prev salt seq stream type v version on issue moves policy by cash tape lo hi to from donation"
        " donor fund amount fee_bp source channel channel_txn line case hospital person account bank_on bank_ref",
    )
)
"""The member names seen most, all of the right form: most entries need no other look at their names."""

# ---------------------------------------------------------------------------------------------------------------------
# Values inside entries
# ---------------------------------------------------------------------------------------------------------------------

INSTANT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]\.[0-9]{6}Z")
DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
SALT = re.compile(r"[0-9a-f]{32}")
HASH = re.compile(r"[0-9a-f]{64}")
SUBJECT = re.compile(r"(?:donor|person|household|case|donation)/.{1,120}")
STREAM = re.compile(r"([a-z][a-z0-9_]*)/(.{1,120})")
TYPE = re.compile(r"[A-Z][A-Za-z0-9]{0,99}")
TAPE = re.compile(r"t([1-9][0-9]{0,14})")
SEGMENT = re.compile(r"(?:[^%/]|%25|%2F)+")
CURRENCY = re.compile(r"[A-Z]{3}")
RATE = re.compile(r"[0-9]+(?:\.[0-9]+)?")
COST_KINDS = ("programme", "management", "fundraising", "channel", "other")
SOURCES = ("donation", "grant", "government", "interest", "investment", "bank")
RETURN_REASONS = ("surplus", "bank_rejected", "insurance", "re-billed")
CLOSING_REASONS = ("completed", "withdrawn", "ineligible", "moved", "other")

Data = dict[str, Any]


@lru_cache(maxsize=65_536)
def is_day(text: str) -> bool:
    """Whether the text is a real date as YYYY-MM-DD."""
    if not DAY.fullmatch(text):
        return False
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def is_id(value: Any) -> bool:
    """Whether the value is an id: 1 to 120 printable characters (NFC is the profile's affair)."""
    return type(value) is str and 0 < len(value) <= 120 and value.isprintable()


def shown(value: Any) -> str:
    """A value for a sentence, cut short."""
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."


def ident(data: Data, name: str) -> str:
    """The member as an id. Raises Flaw."""
    value = data.get(name)
    if not is_id(value):
        raise Flaw(f"{name} is not an id of 1 to 120 printable characters: {shown(value)}")
    assert isinstance(value, str)
    return value


def positive(data: Data, name: str) -> int:
    """The member as an amount in minor units above 0. Raises Flaw."""
    value = data.get(name)
    if type(value) is not int or value <= 0:
        raise Flaw(f"{name} is not an integer above 0: {shown(value)}")
    return value


def whole(data: Data, name: str) -> int:
    """The member as an integer of at least 0. Raises Flaw."""
    value = data.get(name)
    if type(value) is not int or value < 0:
        raise Flaw(f"{name} is not an integer of at least 0: {shown(value)}")
    return value


def text_or_none(data: Data, name: str) -> str | None:
    """The member as text, None when absent. Raises Flaw."""
    value = data.get(name)
    if value is None or type(value) is str:
        return value
    raise Flaw(f"{name} is not text: {shown(value)}")


def ident_or_none(data: Data, name: str) -> str | None:
    """The member as an id, None when absent. Raises Flaw."""
    return ident(data, name) if name in data else None


def choice(data: Data, name: str, allowed: Sequence[str]) -> str:
    """The member, which is one of a few words. Raises Flaw."""
    value = data.get(name)
    if value not in allowed:
        raise Flaw(f"{name} is none of {', '.join(allowed)}: {shown(value)}")
    return str(value)


def day_or_empty(data: Data, name: str) -> str:
    """The member as a date (ISO text), "" when absent. Raises Flaw."""
    value = data.get(name, "")
    if name in data:
        _check_day(value, name)
    assert isinstance(value, str)
    return value


@lru_cache(maxsize=65_536)
def tape_number(name: str) -> int:
    """`t3` -> 3. Raises Flaw."""
    match = TAPE.fullmatch(name)
    if match is None:
        raise Flaw(f"{shown(name)} is no tape name")
    return int(match[1])


def escape(name: str) -> str:
    """An id as one segment of a place: `%` and `/` percent-encoded."""
    return name.replace("%", "%25").replace("/", "%2F")


def unescape(segment: str) -> str:
    """The id of a segment of a place; the inverse of `escape`."""
    return segment.replace("%2F", "/").replace("%25", "%")


class Place(NamedTuple):
    """A place taken apart; what its kind does not name is "" (`tape` 0). `rest` is X of `hold/X`, K of `out/K`."""

    kind: str
    fund: str = ""
    hospital: str = ""
    case: str = ""
    tape: int = 0
    rest: str = ""


@lru_cache(maxsize=65_536)
def parse_place(place: str) -> Place:
    """The parts of a place. Raises Flaw for text that is no place."""
    kind, *segments = place.split("/")
    if not all(SEGMENT.fullmatch(segment) for segment in segments):
        raise Flaw(f"{shown(place)} is no place")
    ids = [unescape(segment) for segment in segments]
    if all(map(is_id, ids)):
        match kind, len(ids):
            case (("fund" | "fee"), 1):
                return Place(kind, fund=ids[0])
            case "fund", 2:
                return Place(kind, fund=ids[0], tape=tape_number(segments[1]))
            case (("case" | "used"), 1):
                return Place(kind, case=ids[0])
            case (("hospital" | "used"), 2):
                return Place(kind, hospital=ids[0], case=ids[1])
            case "cost", 2 if ids[1] in COST_KINDS:
                return Place(kind, fund=ids[0], rest=ids[1])
            case (("hold" | "out"), 1):
                return Place(kind, rest=ids[0])
            case (("refunded" | "void"), 0):
                return Place(kind)
    raise Flaw(f"{shown(place)} is no place")


def is_home(place: str) -> bool:
    """Whether serials at the place are at home: a fund or fee place."""
    return place.startswith(("fund/", "fee/"))


# ---------------------------------------------------------------------------------------------------------------------
# Reading one entry, knowing nothing of the others
# ---------------------------------------------------------------------------------------------------------------------

Range = tuple[int, int, int]  # tape number, lo, hi
Issue = tuple[int, int, int, str]  # tape number, lo, hi, to
Move = tuple[int, int, int, str, str]  # tape number, lo, hi, from, to


class Part(NamedTuple):
    """Where an entry stands in a fact of several entries."""

    part: int
    of: int
    last: bool
    stream: str
    version: int


class Fact(NamedTuple):
    """What the money fold needs of an entry. `body` is what the reader of its type returned."""

    seq: int
    type: str
    at: str
    on: str
    policy: str
    body: Any
    issue: tuple[Issue, ...]
    moves: tuple[Move, ...]
    part: tuple[Any, ...] | None
    cash: tuple[Any, ...] = ()


class Cash(NamedTuple):
    """What a fact says of cash: (account, signed amount) of each leg, in order; the suspended receipt that the money
    came with and how much of it, or "" and 0; whether the legs are named, or it is what waits at a gift's channel."""

    legs: tuple[tuple[str, int], ...]
    cleared: tuple[str, int]
    named: bool


def _ranges(items: Any, name: str, places: tuple[str, ...]) -> tuple[tuple[Any, ...], ...]:
    """The `issue` or `moves` of an entry as tuples (tape number, lo, hi, *places). Raises Flaw."""
    if type(items) is not list:
        raise Flaw(f"{name} is not a list")
    rows: list[tuple[Any, ...]] = []
    for item in items:
        if type(item) is not dict or len(item) != 3 + len(places):
            raise Flaw(f"{name} holds something other than tape, lo, hi, {', '.join(places)}")
        tape, lo, hi = item.get("tape"), item.get("lo"), item.get("hi")
        if type(tape) is not str or type(lo) is not int or type(hi) is not int or not 0 <= lo < hi:
            raise Flaw(f"{name} holds no range of a tape with 0 <= lo < hi: {shown(item)}")
        ends = [item.get(place) for place in places]
        for end in ends:
            if type(end) is not str:
                raise Flaw(f"{name} holds something other than tape, lo, hi, {', '.join(places)}")
        rows.append((tape_number(tape), lo, hi, *ends))
    return tuple(rows)


def _check_texts(value: Any, name: str) -> None:
    if type(value) is not list or not all(type(item) is str for item in value):
        raise Flaw(f"{name} is not a list of texts")


def _check_basis(value: Any, name: str) -> None:
    if type(value) is not dict or not all(type(item) is str for item in value.values()):
        raise Flaw(f"{name} is not an object of texts")


def _check_commitments(value: Any, name: str) -> None:
    if type(value) is not dict or not all(type(item) is str and HASH.fullmatch(item) for item in value.values()):
        raise Flaw(f"{name} is not an object of 64 lower-case hex digits each")


def _check_cash(value: Any, name: str) -> None:
    if type(value) is not list or not all(type(leg) is dict for leg in value):
        raise Flaw(f"{name} is not a list of objects")
    for leg in value:
        text_or_none(leg, "account")
        text_or_none(leg, "bank_ref")
        day_or_empty(leg, "bank_on")
        if type(leg.get("amount", 0)) is not int:
            raise Flaw("amount of a cash leg is not an integer")


def _check_text(value: Any, name: str) -> None:
    if type(value) is not str:
        raise Flaw(f"{name} is not text")


def _check_day(value: Any, name: str) -> None:
    if type(value) is not str or not is_day(value):
        raise Flaw(f"{name} is not a date: {shown(value)}")


def _check_seq(value: Any, name: str) -> None:
    if type(value) is not int or value < 0:
        raise Flaw(f"{name} is no entry: {shown(value)}")


def _check_schema(value: Any, name: str) -> None:
    if type(value) is not int or value < 1:
        raise Flaw(f"{name} is not an integer above 0")


COMMON: dict[str, Callable[[Any, str], None]] = {
    "occurred_on": _check_day,
    "policy": _check_text,
    "by": _check_text,
    "approved_by": _check_texts,
    "basis": _check_basis,
    "evidence": _check_texts,
    "cash": _check_cash,
    "commitments": _check_commitments,
    "corrects": _check_seq,
    "schema": _check_schema,
}
"""Common members of `data` with the check of each; `on`, `issue`, `moves` and those of parts are read elsewhere."""
COMMON_NAMES = frozenset(COMMON) | {"on", "issue", "moves", "part", "of", "last"}
ENVELOPE = frozenset(("at", "data", "origin", "prev", "salt", "seq", "stream", "type", "v", "version"))


def check_envelope(entry: Data) -> None:
    """Raises Flaw for an envelope that is not exactly the ten members with their forms."""
    if entry.keys() != ENVELOPE:
        odd = ", ".join(sorted(entry.keys() ^ ENVELOPE))
        raise Flaw(f"members of the entry are missing or unknown: {odd[:120]}")
    at, salt, stream, kind, version = entry["at"], entry["salt"], entry["stream"], entry["type"], entry["version"]
    if type(entry["v"]) is not int or entry["v"] != 1:
        raise Flaw(f"v is {shown(entry['v'])}, not 1")
    if type(at) is not str or not INSTANT.fullmatch(at) or not is_day(at[:10]):
        raise Flaw(f"at is no UTC time with microseconds: {shown(at)}")
    if type(salt) is not str or not SALT.fullmatch(salt):
        raise Flaw("salt is not 32 lower-case hex digits")
    if type(stream) is not str or not STREAM.fullmatch(stream) or not stream.isprintable():
        raise Flaw(f"stream is not noun/id: {shown(stream)}")
    if type(kind) is not str or not TYPE.fullmatch(kind):
        raise Flaw(f"type is no name: {shown(kind)}")
    if type(version) is not int or not 1 <= version <= 0xFFFFFFFF:
        raise Flaw(f"version is no integer above 0: {shown(version)}")
    if type(entry["data"]) is not dict:
        raise Flaw("data is not an object")
    if type(entry["origin"]) is not str:
        raise Flaw("origin is not text")


def read_part(entry: Data, seq: int) -> Part | None:
    """Where the entry stands in a fact of several entries, None for the usual one. Raises Flaw."""
    data = entry["data"]
    if data.keys().isdisjoint(("part", "of", "last")):
        return None
    part = positive(data, "part")
    if data.get("last", True) is not True:
        raise Flaw("last is not true")
    if part == 1:
        if "of" in data:
            raise Flaw("part 1 of a fact names no other entry in of")
        return Part(1, seq, "last" in data, entry["stream"], entry["version"])
    if data.keys() - {"last"} != {"part", "of", "moves"}:
        raise Flaw("a later part of a fact holds members other than part, of, moves and last")
    return Part(part, whole(data, "of"), "last" in data, entry["stream"], entry["version"])


class Saying(NamedTuple):
    """What one entry says: its fact, the business keys of a gift, its type if that is unknown, and what is wrong with
    it that does not keep others from being judged; "" if nothing."""

    fact: Fact
    claims: list[str]
    unknown: str = ""
    flaw: str = ""


def read_cash(kind: str, data: Data) -> tuple[Any, ...]:
    """The `Cash` of a fact that is known and sound; () for one that has nothing to do with any."""
    named, whole_amount = data.get("cash", ()), data.get("amount")
    side = BROUGHT if kind == "BalanceBroughtForward" else CASH_SIDES.get(kind, 0)
    if not side and not named:
        return ()
    if whole_amount is None:
        whole_amount = sum(line["amount"] for line in data.get("lines", ()))
    cleared = (ident_or_none(data, "suspense") or "", whole_amount) if kind in CLEARING else ("", 0)
    legs = [(leg.get("account", ""), (side or 1) * leg.get("amount", whole_amount)) for leg in named]
    if not (named or cleared[0]) and side == 1 and type(data.get("channel")) is str:
        legs = [(data["channel"], whole_amount)]
    return (tuple(legs), cleared, bool(named)) if legs or cleared[0] else ()


def read_fact(entry: Data, seq: int) -> Saying:
    """What an entry with a sound envelope says. Raises Flaw when its fact cannot be made out."""
    data, kind = entry["data"], entry["type"]
    part = read_part(entry, seq)
    packed = None if part is None else tuple(part)
    moves = _ranges(data["moves"], "moves", ("from", "to")) if "moves" in data else ()
    if part is not None and part.part > 1:
        return Saying(Fact(seq, kind, entry["at"], "", "", None, (), moves, packed), [])
    issue = _ranges(data["issue"], "issue", ("to",)) if "issue" in data else ()
    on = day_or_empty(data, "on")
    for name, check in COMMON.items():
        if name in data:
            check(data[name], name)
    if data.get("corrects", -1) >= seq:
        raise Flaw(f"it corrects entry {data['corrects']}, which does not come before it")
    rules = FACTS.get(kind)
    body: Any = None
    claims: list[str] = []
    cash: tuple[Any, ...] = ()
    unknown = flaw = ""
    if rules is None:
        unknown = kind
    elif data.get("schema", 1) != 1:
        unknown, kind = f"{kind} schema {data['schema']}", ""
    else:
        body, claims = rules.read(data)
        flaw = stream_flaw(entry, rules) or (basis_flaw(entry) if rules.basis else "")
        cash = read_cash(kind, data)
    fact = Fact(seq, kind, entry["at"], on, data.get("policy", ""), body, issue, moves, packed, cash)
    return Saying(fact, claims, unknown, flaw)


def stream_flaw(entry: Data, rules: Rules) -> str:
    """Why the entry is on the wrong stream or makes an id again, "" if neither."""
    stream = entry["stream"]
    if not rules.own:
        return "" if stream == "ledger/main" else f"{entry['type']} is not on stream ledger/main"
    if not rules.noun:
        own = entry["data"][rules.own]
        return "" if stream == own else f"{rules.own} {shown(own)} is not its stream, {shown(stream)}"
    own = ident(entry["data"], rules.own)
    if stream != f"{rules.noun}/{own}":
        return f"{rules.own} {shown(own)} is not the id of its stream, {shown(stream)}"
    if rules.makes and entry["version"] != 1:
        return f"{rules.own} {shown(own)} is made again: its stream is at version {entry['version']}"
    return ""


def basis_flaw(entry: Data) -> str:
    """Why the entry does not say on what basis it rests, "" if it does."""
    basis = entry["data"].get("basis", {})
    return "" if basis.get("kind") and basis.get("ref") else f"a {entry['type']} names no basis with kind and ref"


PARTITIONS = 64
ENTRY_RECORD = struct.Struct(">16sQIBIQQIQQ")  # stream, seq, version, flags, first two issues: tape number, lo, hi
VERSION_RECORD = struct.Struct(">16sQI41x")  # the same, read for its versions alone
CLAIM_RECORD = struct.Struct(">16sQ")  # key, seq
LEG_RECORD = struct.Struct("<8sHBq8s")  # entry, leg, sort, signed amount, account
LEG_USE_RECORD = struct.Struct("<8sHqQ8s")  # entry, leg, part, the entry that matches it, account
LINE_USE_RECORD = struct.Struct("<16sqqQ8s")  # line, part, the whole, the entry that takes it, account and day
OPENED, NAMED, AT_CHANNEL = range(3)  # sorts of legs: an opening balance's, which no line matches; at a gift's channel
IS_DONATION, HAS_DONOR = 1, 2  # flags
BROUGHT = 1  # the side of an opening balance: money in, on no statement
CASH_SIDES = {
    **dict.fromkeys(("DonationReceived", "HospitalPaymentReturned", "GrantReturned", "ReceiptSuspended"), 1),
    **dict.fromkeys(("HospitalPaymentMade", "CashGranted", "DonationRefunded", "ExpenseMade", "SuspenseRepaid"), -1),
}
"""Facts that move cash, and which way."""
CLEARING = ("DonationReceived", "HospitalPaymentReturned", "GrantReturned")
"""Facts whose money may have come with a receipt that was suspended."""
ACCOUNT_KINDS = ("bank", "channel", "cash")
ON_HAND = frozenset(("fund", "case", "fee", "hold"))
"""Kinds of places whose money is on accounts still."""


# The express lane. Most entries by far are plain gifts, and one pattern over the bytes says all of them that the long
# way would: canonical, within the profile (ASCII without escapes, short integers), every member of its kind. Gifts that
# follow each other are handed on as one batch. Whatever is the least unusual goes the long way, which also words what
# is wrong; so does a batch that the book does not take as it is.
_TEXT = r"[ !#-\[\]-~]"
_COUNT = r"(?:0|[1-9][0-9]{0,14})"
_ISSUE = rf'\{{"hi":({_COUNT}),"lo":({_COUNT}),"tape":"t([1-9][0-9]{{0,8}})","to":"({_TEXT}++)"\}}'
# What files say of a donor, in the order of canonical JSON; other commitments take the long way.
_DONOR = "".join(
    rf'(?:"{field}":"[0-9a-f]{{64}}+"(?:,(?=")|(?=\}})))?' for field in ("donor_id_no", "donor_name", "donor_phone")
)
GIFT = re.compile(
    rf'\{{"at":"({INSTANT.pattern})","data":\{{"amount":([1-9][0-9]{{0,14}}),(?:"by":"{_TEXT}*+",)?'
    rf'(?:"channel":"({_TEXT}*+)",)?(?:"channel_txn":"({_TEXT}*+)",)?(?:"commitments":\{{(?="){_DONOR}\}},)?'
    rf'"donation":"(?P<own>{_TEXT}{{1,120}}+)",'
    rf'(?:"(donor)":"{_TEXT}{{1,120}}+",)?"fee_bp":(0|[1-9][0-9]{{0,3}}),"fund":"({_TEXT}{{1,120}}+)",'
    rf'"issue":\[{_ISSUE}(?:,{_ISSUE})?\],(?:"line":"({_TEXT}*+)",)?"on":"([0-9-]{{10}}+)",'
    rf'"source":"(?:{"|".join(sorted(SOURCES))})"\}},"origin":"({_TEXT}*+)","prev":"([0-9a-f]{{64}}+)",'
    r'"salt":"[0-9a-f]{32}+","seq":([0-9]++),"stream":"(donation/(?P=own))","type":"DonationReceived",'
    r'"v":1,"version":1\}'.encode()
)
GIFT_ALONE, FEE, GIFT_WITH_FEE = range(3)
NO_ISSUE = (0, 0, 0)
NO_TAPE = 2**32 - 1  # stands for tape numbers beyond a record, which are never open: tapes are numbered without gaps
Batch = list[Any]
"""Gifts that follow each other: [how many, rows [tape number, lo, hi, (to, on, fund, role)], {on: first at}]. All but
role and `at` are bytes still. Issues that adjoin on a tape and are alike are one row."""


class ChunkReader:
    """What one chunk says, collected entry by entry; `result` packs it in types that `marshal` knows."""

    def __init__(self, start: int, codec: Codec, express: bool = True) -> None:
        self.start = start
        self.position = start
        self.codec = codec
        self.express = express
        self.leaves = bytearray()  # leaf hashes, joined
        self.last_hex = ""
        self.last_at = ""
        self.first_at: tuple[int, str] | None = None
        # Claimed seq (-1: unreadable) and prev of each entry; None for one of the express lane, whose link is sound.
        self.links: list[tuple[int, str] | None] = []
        self.regular = True
        self.notes: list[tuple[int, str]] = []
        self.facts: list[tuple[Any, ...] | Batch | None] = []
        self.batch: Batch | None = None  # the one that is open
        self.ends: dict[bytes, list[Any]] = {}  # tape -> its last row in the open batch
        self.days: set[bytes] = set()  # real dates seen by the express lane
        self.origins: dict[str, int] = {}
        self.origin = b""
        self.unknown: dict[str, int] = {}
        self.entries: list[list[bytes]] = [[] for _ in range(PARTITIONS)]
        self.claims: list[list[bytes]] = [[] for _ in range(PARTITIONS)]
        self.legs: list[list[bytes]] = [[] for _ in range(PARTITIONS)]
        self.leg_uses: list[list[bytes]] = [[] for _ in range(PARTITIONS)]
        self.line_uses: list[list[bytes]] = [[] for _ in range(PARTITIONS)]

    def add(self, raw: bytes) -> None:
        """Read the next entry."""
        seq = self.position
        leaf = leaf_hash(raw)
        if self.express and self.origin and self.add_gift(raw):
            self.links.append(None)
            self.leaves += leaf
            self.last_hex = leaf.hex()
            self.position = seq + 1
            return
        claimed, prev, fact = -1, "", None
        try:
            entry = parse(raw, self.codec)
            claimed, prev = self.link(entry)
            check_envelope(entry)
            self.remember(entry, seq)
            fact = tuple(self.read(entry))
        except Flaw as flaw:
            self.notes.append((seq, str(flaw)))
        if claimed != seq or (prev != self.last_hex and self.leaves):
            self.regular = False
        self.links.append((claimed, prev))
        self.facts.append(fact)
        self.batch = None
        self.leaves += leaf
        self.last_hex = leaf.hex()
        self.position = seq + 1

    def add_gift(self, raw: bytes) -> bool:
        """Read a plain gift in its place by the express lane; False, with nothing done, for any other entry."""
        match = GIFT.fullmatch(raw)
        if match is None:
            return False
        at, amount_text, channel, transaction, _, donor, fee_bp, fund, *issues, line, on, origin, prev, seq, stream = (
            match.groups()
        )
        hi, lo, tape, to, hi2, lo2, tape2, to2 = issues
        when = at.decode()
        if (
            seq != b"%d" % self.position
            or prev != self.last_hex.encode()
            or origin != self.origin
            or when < self.last_at
            or not (at[:10] in self.days or self.add_day(at[:10]))
            or not (on in self.days or self.add_day(on))
        ):
            return False
        amount = int(amount_text)
        fee = amount * int(fee_bp) // 10_000
        number, start, end = int(tape), int(lo), int(hi)
        number2, start2, end2 = NO_ISSUE
        size = end - start
        if fee == 0:
            if tape2 is not None or size != amount:
                return False
            self.extend_batch(tape, lo, hi, (to, on, fund, GIFT_ALONE))
        else:
            if tape2 is None:
                return False
            number2, start2, end2 = int(tape2), int(lo2), int(hi2)
            if number >= number2 or size + end2 - start2 != amount or size * 2 == amount:
                return False
            if size != fee and size != amount - fee:
                return False
            role, role2 = (FEE, GIFT_WITH_FEE) if size == fee else (GIFT_WITH_FEE, FEE)
            self.extend_batch(tape, lo, hi, (to, on, fund, role))
            self.extend_batch(tape2, lo2, hi2, (to2, on, fund, role2))
        batch = self.batch
        assert batch is not None
        batch[0] += 1
        batch[2].setdefault(on, when)
        self.last_at = when
        flags = IS_DONATION if donor is None else IS_DONATION | HAS_DONOR
        digest = short_digest(stream)
        self.entries[digest[0] % PARTITIONS].append(  # as in `record_entry`, at half its cost
            ENTRY_RECORD.pack(digest, self.position, 1, flags, number, start, end, number2, start2, end2)
        )
        if transaction is not None:
            self.record_claim(self.gift_key(channel, transaction, line))
        if channel is not None:
            key = self.position.to_bytes(8, "little")
            self.legs[key[0] % PARTITIONS].append(LEG_RECORD.pack(key, 0, AT_CHANNEL, amount, account_digest(channel)))
        return True

    @staticmethod
    def gift_key(channel: bytes | None, transaction: bytes, line: bytes | None) -> bytes:
        """As `business_key` of a gift."""
        channel_part = b"-" if channel is None else b"s" + channel
        line_part = b"-" if line is None else b"s" + line
        return b"donation\x00%b\x00s%b\x00%b" % (channel_part, transaction, line_part)

    def add_day(self, text: bytes) -> bool:
        """Whether the text is a real date; it is remembered."""
        if not is_day(text.decode()):
            return False
        self.days.add(text)
        return True

    def extend_batch(self, tape: bytes, lo: bytes, hi: bytes, alike: tuple[bytes, bytes, bytes, int]) -> None:
        """Add one issue to the open batch, or to a new one when something else came last."""
        batch = self.batch
        if batch is None:
            batch = self.batch = [0, [], {}]
            self.facts.append(batch)
            self.ends.clear()
        row = self.ends.get(tape)
        if row is not None and row[2] == lo and row[3] == alike:
            row[2] = hi
        else:
            row = self.ends[tape] = [tape, lo, hi, alike]
            batch[1].append(row)

    def record_entry(self, stream: bytes, version: int, flags: int, first: Range, second: Range) -> None:
        """Note that the entry stands on the stream with that version, and what it issues."""
        digest = short_digest(stream)
        record = ENTRY_RECORD.pack(digest, self.position, version, flags, *first, *second)
        self.entries[digest[0] % PARTITIONS].append(record)

    def record_claim(self, key: bytes) -> None:
        """Note that the entry claims the business key."""
        digest = short_digest(key)
        self.claims[digest[0] % PARTITIONS].append(CLAIM_RECORD.pack(digest, self.position))

    def record_cash(self, entry: Data, fact: Fact) -> None:
        """Note the entry's cash legs, and the parts of lines and legs that it takes."""
        if fact.cash:
            sort = OPENED if entry["type"] not in CASH_SIDES else NAMED if fact.cash[2] else AT_CHANNEL
            key = self.position.to_bytes(8, "little")
            for index, (account, amount) in enumerate(fact.cash[0]):
                digest = account_digest(account.encode())
                record = LEG_RECORD.pack(key, index & 0xFFFF, sort, in_range(amount), digest)
                self.legs[key[0] % PARTITIONS].append(record)
        elif entry["type"] in TAKING and fact.body is not None:
            for account, line, on, all_of_it, part in fact.body[1]:
                said = account_digest(f"{account} {on}".encode())
                record = LINE_USE_RECORD.pack(line, part, all_of_it, self.position, said)
                self.line_uses[line[0] % PARTITIONS].append(record)
            for seq, leg, account, part in fact.body[2]:
                key = seq.to_bytes(8, "little")
                record = LEG_USE_RECORD.pack(key, leg, part, self.position, account_digest(account.encode()))
                self.leg_uses[key[0] % PARTITIONS].append(record)

    def link(self, entry: Data) -> tuple[int, str]:
        """The claimed seq and prev. Raises Flaw."""
        claimed, prev = entry.get("seq"), entry.get("prev")
        if type(claimed) is not int or claimed < 0:
            raise Flaw(f"seq is no integer of at least 0: {shown(claimed)}")
        if type(prev) is not str or not (prev == self.last_hex or HASH.fullmatch(prev)):
            raise Flaw("prev is not 64 lower-case hex digits")
        return claimed, prev

    def remember(self, entry: Data, seq: int) -> None:
        """Note what must be compared with other entries."""
        at = entry["at"]
        if at < self.last_at:
            self.notes.append((seq, f"at goes back: {at} after {self.last_at}"))
        self.first_at = self.first_at or (seq, at)
        self.last_at = at
        if entry["origin"] not in self.origins:
            self.origins[entry["origin"]] = seq
            self.origin = self.origin or entry["origin"].encode()

    def read(self, entry: Data) -> Fact:
        """The fact of the entry; what must be compared with other entries, and its type, if unknown, are noted.

        Raises Flaw.
        """
        saying = read_fact(entry, self.position)
        if saying.flaw:
            self.notes.append((self.position, saying.flaw))
        if saying.unknown:
            self.unknown[saying.unknown] = self.unknown.get(saying.unknown, 0) + 1
        fact = saying.fact
        flags = 0
        if entry["type"] in ("DonationReceived", "BalanceBroughtForward"):
            flags = IS_DONATION | (HAS_DONOR if "donor" in entry["data"] else 0)
        ranges = [(min(number, NO_TAPE), lo, hi) for number, lo, hi, _ in fact.issue[:2]]
        first, second, *_ = *ranges, NO_ISSUE, NO_ISSUE
        self.record_entry(entry["stream"].encode(), entry["version"], flags, first, second)
        for key in saying.claims:
            self.record_claim(key.encode())
        self.record_cash(entry, fact)
        return fact

    def result(self) -> tuple[Any, ...]:
        """The fields of `Reading`."""
        links = self.links[:1] if self.regular else self.links
        return (
            self.start,
            bytes(self.leaves),
            self.grown(Tree(self.start, TILE_LEVEL)),
            [
                (self.start + index, self.leaves[(index - 1) * HASH_BYTES : index * HASH_BYTES].hex())
                if link is None
                else link
                for index, link in enumerate(links)
            ],
            self.first_at,
            self.last_at,
            self.notes,
            self.facts,
            self.origins,
            self.unknown,
            *self.noted(),
        )

    def grown(self, tree: Tree) -> list[tuple[int, bytes]]:
        """The nodes of the empty tree once it has the chunk's leaves."""
        tree.extend(bytes(self.leaves))
        return tree.nodes

    def noted(self) -> tuple[list[bytes], ...]:
        """The records for each of `Spills`, by partition."""
        noted = (self.entries, self.claims, self.legs, self.leg_uses, self.line_uses)
        return tuple(list(map(b"".join, each)) for each in noted)


class Reading(NamedTuple):
    """What `read_chunk` returns. `links` holds only the first one when the chunk's own links are sound."""

    start: int
    leaves: bytes
    nodes: list[tuple[int, bytes]]
    links: list[tuple[int, str]]
    first_at: tuple[int, str] | None  # which entry is the first with a time, and the time
    last_at: str
    notes: list[tuple[int, str]]
    facts: list[tuple[Any, ...] | Batch | None]
    origins: dict[str, int]
    unknown: dict[str, int]
    entries: list[bytes]
    claims: list[bytes]
    legs: list[bytes]
    leg_uses: list[bytes]
    line_uses: list[bytes]
    aside: Any = None  # what another reader tells besides


def short_digest(text: bytes) -> bytes:
    """Short for a stream, or a business key."""
    return sha256(text).digest()[:16]


@lru_cache(maxsize=4096)
def account_digest(name: bytes) -> bytes:
    """Short for an account, or an account and a day."""
    return sha256(name).digest()[:8]


def in_range(amount: int) -> int:
    """An amount that fits a record: legs of more than the profile's integers are nobody's."""
    return max(-(2**62), min(2**62, amount))


def read_chunk(start: int, data: bytes, codec: Codec, express: bool = True) -> tuple[Any, ...]:
    """Everything that can be said of the entries in `data` (one sound bundle) whose first stands at position `start`.

    Pure: no state but caches, so that chunks may be read in any order and process. Without `express` there are no
    batches: each entry has a fact of its own.
    """
    reader = ChunkReader(start, codec, express)
    for raw in split(data):
        reader.add(raw)
    return reader.result()


Reader = Callable[[int, bytes, Codec], tuple[Any, ...]]
"""Says what `read_chunk` says of a chunk, and may tell something besides."""


def read_packed(start: int, data: bytes, codec: Codec, read: Reader) -> bytes:
    """What `read` says, packed for the way between processes."""
    return marshal.dumps(read(start, data, codec))


# ---------------------------------------------------------------------------------------------------------------------
# The readers of known facts: data -> (body, business keys). Raise Flaw for members missing or of the wrong kind.
# ---------------------------------------------------------------------------------------------------------------------

Body = tuple[Any, list[str]]
Line = tuple[str, int, str | None, int]  # case, amount, bill number, limit of the bill if this line is its first


def key_part(value: str | int | None) -> str:
    """One part of a business key; an absent member counts as a value of its own."""
    if value is None:
        return "-"
    return f"s{value}" if type(value) is str else f"i{value}"


def business_key(kind: str, *parts: str | int | None) -> str:
    """The text of a business key; U+0000 stands in no string of the profile, so parts cannot run together."""
    return "\x00".join((kind, *map(key_part, parts)))


def read_ledger_opened(data: Data) -> Body:
    """-> (origin, zone, key or "", continues or None)."""
    origin, zone = data.get("origin"), data.get("zone")
    if type(origin) is not str or not origin or " " in origin or "+" in origin:
        raise Flaw(f"origin of the ledger is no name without space and plus: {shown(origin)}")
    if type(data.get("currency")) is not str or not data["currency"]:
        raise Flaw("currency is missing")
    whole(data, "exponent")
    if type(zone) is not str:
        raise Flaw("zone is missing")
    continues = data.get("continues")
    if "continues" in data:
        if type(continues) is not dict or type(continues.get("origin")) is not str:
            raise Flaw("continues is no older ledger's origin, size and root")
        whole(continues, "size")
        if type(continues.get("root")) is not str or not HASH.fullmatch(continues["root"]):
            raise Flaw(f"root of the older ledger is not 64 lower-case hex digits: {shown(continues.get('root'))}")
        if continues["origin"] == origin:
            raise Flaw("continues names the ledger itself: lost history is followed under another name")
    return (origin, zone, text_or_none(data, "key") or "", continues), []


def read_key_rotated(data: Data) -> Body:
    """-> key."""
    key = data.get("key")
    if type(key) is not str or read_key(key) is None:
        raise Flaw(f"key is no verifier key of Ed25519: {shown(key)}")
    return key, []


def read_fund_opened(data: Data) -> Body:
    """-> fund."""
    return ident(data, "fund"), []


def read_hospital_registered(data: Data) -> Body:
    """-> hospital."""
    return ident(data, "hospital"), []


def read_code_defined(data: Data) -> Body:
    """-> (dimension, code, parent or None)."""
    dimension, code, parent = data.get("dimension"), data.get("code"), text_or_none(data, "parent")
    if type(dimension) is not str or not NAME.fullmatch(dimension):
        raise Flaw(f"dimension is no name: {shown(dimension)}")
    if type(code) is not str or not code:
        raise Flaw("code is missing")
    return (dimension, code, parent), []


def read_attributes(data: Data) -> dict[str, str]:
    """The attributes of a case: one code a dimension; `hospital` and `person` are ids. Raises Flaw."""
    attributes = data.get("attributes")
    if type(attributes) is not dict:
        raise Flaw("attributes is not an object")
    for name, code in attributes.items():
        if type(code) is not str or not code or (name in ("hospital", "person") and not is_id(code)):
            raise Flaw(f"attribute {name} is no code: {shown(code)}")
    return attributes


def is_approved(data: Data) -> bool:
    """Whether somebody else than who recorded it approved."""
    return any(approver != data.get("by") for approver in data.get("approved_by", ()))


def read_case_opened(data: Data) -> Body:
    """-> (case, fund, attributes, household or None, purpose or None, whether approved)."""
    household, purpose = text_or_none(data, "household"), text_or_none(data, "purpose")
    approved = is_approved(data)
    return (ident(data, "case"), ident(data, "fund"), read_attributes(data), household, purpose, approved), []


def read_case_amended(data: Data) -> Body:
    """-> (case, attributes, whether approved)."""
    return (ident(data, "case"), read_attributes(data), is_approved(data)), []


def read_case_closed(data: Data) -> Body:
    """-> case."""
    choice(data, "reason", CLOSING_REASONS)
    return ident(data, "case"), []


def read_case_reopened(data: Data) -> Body:
    """-> (case, whether approved)."""
    return (ident(data, "case"), is_approved(data)), []


def read_subject(data: Data) -> Body:
    """-> nothing; whose personal values it is about is the stream."""
    subject = data.get("subject")
    if type(subject) is not str or not SUBJECT.fullmatch(subject):
        raise Flaw(f"subject is no person or record: {shown(subject)}")
    return None, []


TERMS = frozenset(("tape", "fund", "nature", "restriction", "usable_from", "expires_on", "agreement"))


def read_tape_opened(data: Data) -> Body:
    """-> (tape number, fund, nature, restriction, usable_from, expires_on, agreement); absent texts are "".

    A member that is neither a common one nor a term known here is refused: it may limit the money in a way that this
    verifier would not see.
    """
    unknown = sorted(data.keys() - TERMS - COMMON_NAMES)
    if unknown:
        raise Flaw(f"terms hold {', '.join(unknown)[:80]}, which this verifier does not know")
    name, nature, restriction = data.get("tape"), data.get("nature"), data.get("restriction")
    if type(name) is not str:
        raise Flaw("tape is missing")
    if nature not in ("own", "agency", "fee"):
        raise Flaw(f"nature is not own, agency or fee: {shown(nature)}")
    if type(restriction) is not dict or len(restriction) > MAX_DIMENSIONS:
        raise Flaw(f"restriction is not an object of at most {MAX_DIMENSIONS} dimensions")
    for dimension, codes in restriction.items():
        if type(codes) is not list or not codes or not all(type(code) is str and code for code in codes):
            raise Flaw(f"restriction {dimension} is not a list of codes")
        if any(left >= right for left, right in pairwise(codes)):
            raise Flaw(f"the codes of restriction {dimension} are not sorted and unique")
        if dimension in ("hospital", "person") and not all(map(is_id, codes)):
            raise Flaw(f"restriction {dimension} is not a list of ids")
    if nature == "agency" and len(restriction.get("person", ())) != 1:
        raise Flaw("an agency tape does not name exactly one person")
    if nature != "agency" and "person" in restriction:
        raise Flaw(f"a tape of nature {nature} names a person")
    days = day_or_empty(data, "usable_from"), day_or_empty(data, "expires_on")
    agreement = text_or_none(data, "agreement") or ""
    if nature == "fee" and (restriction or any(days) or agreement):
        raise Flaw("a fee tape is restricted")
    return (tape_number(name), ident(data, "fund"), nature, restriction, *days, agreement), []


def read_foreign(value: Any) -> None:
    """What was given in another currency, beside what is booked. Raises Flaw."""
    if type(value) is not dict:
        raise Flaw("foreign is not an object")
    currency, rate = value.get("currency"), value.get("rate")
    if type(currency) is not str or not CURRENCY.fullmatch(currency):
        raise Flaw(f"currency of foreign money is not three capital letters: {shown(currency)}")
    if type(rate) is not str or not RATE.fullmatch(rate):
        raise Flaw(f"rate of foreign money is no decimal as text: {shown(rate)}")
    positive(value, "amount")
    whole(value, "exponent")
    if not day_or_empty(value, "rate_on"):
        raise Flaw("rate_on of foreign money is missing")


def read_donation_received(data: Data) -> Body:
    """-> (fund, amount, fee), the fee being floor(amount × fee_bp / 10000)."""
    fund, amount, fee_bp = ident(data, "fund"), positive(data, "amount"), whole(data, "fee_bp")
    if fee_bp > 10_000:
        raise Flaw(f"fee_bp is above 10000: {fee_bp}")
    choice(data, "source", SOURCES)
    for name in ("donor", "payer", "receipt_to"):
        ident_or_none(data, name)
    if "foreign" in data:
        read_foreign(data["foreign"])
    channel, transaction = text_or_none(data, "channel"), text_or_none(data, "channel_txn")
    claims = []
    if transaction is not None:
        line = data.get("line")
        if type(line) not in (str, int, type(None)):
            raise Flaw(f"line is neither text nor an integer: {shown(line)}")
        claims.append(business_key("donation", channel, transaction, line))
    return (fund, amount, amount * fee_bp // 10_000), claims


def read_lines(data: Data) -> tuple[Line, ...]:
    """The `lines` of a payment. Raises Flaw."""
    lines = data.get("lines")
    if type(lines) is not list or not lines or not all(type(line) is dict for line in lines):
        raise Flaw("lines is not a list of objects")
    found: list[Line] = []
    for line in lines:
        case, amount, bill = ident(line, "case"), positive(line, "amount"), text_or_none(line, "bill_no")
        found.append((case, amount, bill, positive(line, "bill_amount") if "bill_amount" in line else amount))
    return tuple(found)


def read_balance_brought_forward(data: Data) -> Body:
    """-> (donation, fund, amount, hospital or "", lines): none at a fund; at a case one, and no hospital.

    The id serves as that of an allocation or payment where the money is at a case or a hospital.
    """
    donation, fund, amount = ident(data, "donation"), ident(data, "fund"), positive(data, "amount")
    ident_or_none(data, "donor")
    members = data.keys() & {"allocation", "case", "payment", "hospital", "lines"}
    hospital, lines = "", tuple[Line, ...]()
    if members == {"allocation", "case"}:
        own, lines = ident(data, "allocation"), ((ident(data, "case"), amount, None, 0),)
    elif members == {"payment", "hospital", "lines"}:
        own, hospital = ident(data, "payment"), ident(data, "hospital")
        lines = tuple((case, part, None, 0) for case, part, _, _ in read_lines(data))
    elif members:
        raise Flaw(f"an opening balance is neither at a fund, a case nor a hospital: {', '.join(sorted(members))}")
    else:
        own = donation
    if own != donation:
        raise Flaw(f"the opening balance {shown(donation)} serves under another id, {shown(own)}")
    return (donation, fund, amount, hospital, lines), []


def read_donation_attributed(data: Data) -> Body:
    """-> donation."""
    ident(data, "donor")
    return ident(data, "donation"), []


def read_allocation_made(data: Data) -> Body:
    """-> (allocation, case, fund, amount)."""
    return (ident(data, "allocation"), ident(data, "case"), ident(data, "fund"), positive(data, "amount")), []


def read_allocation_released(data: Data) -> Body:
    """-> (stream, case, amount, None), as all that gives back: see `Book.give_back`."""
    ident_or_none(data, "release")
    return (f"allocation/{ident(data, 'allocation')}", ident(data, "case"), positive(data, "amount"), None), []


def read_hospital_payment_made(data: Data) -> Body:
    """-> (payment, hospital, lines, business keys)."""
    keys = [
        business_key("payment", leg["account"], leg["bank_ref"])
        for leg in data.get("cash", ())
        if "account" in leg and "bank_ref" in leg
    ]
    return (ident(data, "payment"), ident(data, "hospital"), read_lines(data), tuple(keys)), []


def read_hospital_payment_returned(data: Data) -> Body:
    """-> (stream, case, amount, bill number or None, hospital)."""
    choice(data, "reason", RETURN_REASONS)
    ident_or_none(data, "return_id")
    stream, case, amount = f"payment/{ident(data, 'payment')}", ident(data, "case"), positive(data, "amount")
    return (stream, case, amount, text_or_none(data, "bill_no"), ident(data, "hospital")), []


def read_treatment_settled(data: Data) -> Body:
    """-> (hospital, case, amount)."""
    return (ident(data, "hospital"), ident(data, "case"), positive(data, "amount")), []


def read_cash_granted(data: Data) -> Body:
    """-> (grant, case, amount, business keys)."""
    grant, case, amount = ident(data, "grant"), ident(data, "case"), positive(data, "amount")
    purpose, period = text_or_none(data, "purpose"), text_or_none(data, "period")
    named = purpose is not None or period is not None
    return (grant, case, amount, (business_key("grant", case, purpose, period),) if named else ()), []


def read_grant_returned(data: Data) -> Body:
    """-> (stream, case, amount, None)."""
    ident_or_none(data, "return_id")
    return (f"grant/{ident(data, 'grant')}", ident(data, "case"), positive(data, "amount"), None), []


def read_donation_refunded(data: Data) -> Body:
    """-> (donation, amount, the part of it that was taken as fee)."""
    donation, amount, fee = ident(data, "donation"), positive(data, "amount"), whole(data, "fee")
    if fee > amount:
        raise Flaw(f"a fee of {fee} is part of a refund of {amount}")
    return (donation, amount, fee), []


def read_funds_transferred(data: Data) -> Body:
    """-> (fund, to_fund, amount)."""
    return (ident(data, "fund"), ident(data, "to_fund"), positive(data, "amount")), []


def read_terms_changed(data: Data) -> Body:
    """-> (fund, amount, donation or None)."""
    return (ident(data, "fund"), positive(data, "amount"), ident_or_none(data, "donation")), []


def read_serials_substituted(data: Data) -> Body:
    """-> (case, amount)."""
    return (ident(data, "case"), positive(data, "amount")), []


def read_expense_made(data: Data) -> Body:
    """-> (fund, kind, amount, "fund" or "fee")."""
    kind, source = choice(data, "kind", COST_KINDS), choice(data, "from", ("fund", "fee"))
    return (ident(data, "fund"), kind, positive(data, "amount"), source), []


def read_money_held(data: Data) -> Body:
    """-> (hold, amount, donation or None)."""
    return (ident(data, "hold"), positive(data, "amount"), ident_or_none(data, "donation")), []


def read_hold_lifted(data: Data) -> Body:
    """-> (hold, amount)."""
    return (ident(data, "hold"), positive(data, "amount")), []


def read_entry_reversed(data: Data) -> Body:
    """-> (seq of the entry that is reversed, its stream)."""
    record = data.get("record")
    if type(record) is not str or not STREAM.fullmatch(record):
        raise Flaw(f"record is no stream: {shown(record)}")
    return (whole(data, "reverses"), record), []


def read_account_opened(data: Data) -> Body:
    """-> (account, kind)."""
    return (ident(data, "account"), choice(data, "kind", ACCOUNT_KINDS)), []


def read_suspended(data: Data) -> Body:
    """-> (suspended receipt, amount)."""
    return (ident(data, "suspense"), positive(data, "amount")), []


def signed(data: Data, name: str) -> int:
    """A member that is an integer other than 0. Raises Flaw."""
    value = data.get(name)
    if type(value) is not int or value == 0:
        raise Flaw(f"{name} is no amount: {shown(value)}")
    return value


def read_parts(data: Data, name: str) -> list[Data]:
    """A member that is a list of objects. Raises Flaw."""
    items = data.get(name, [])
    if type(items) is not list or not all(type(item) is dict for item in items):
        raise Flaw(f"{name} is not a list of objects")
    return items


LinePart = tuple[str, bytes, str, int, int]  # account, digest of the line's name, day, the whole, part
LegPart = tuple[int, int, str, int]  # entry, leg, account, part


def read_line_parts(data: Data) -> tuple[LinePart, ...]:
    """The parts of statements' lines that a fact takes. Raises Flaw."""
    found: list[LinePart] = []
    for line in read_parts(data, "lines"):
        file = line.get("file")
        if type(file) is not str or not HASH.fullmatch(file):
            raise Flaw(f"file is not 64 lower-case hex digits: {shown(file)}")
        name = f"{file}/{whole(line, 'statement')}/{whole(line, 'ordinal')}"
        on, part, all_of_it = day_or_empty(line, "on"), signed(line, "amount"), signed(line, "whole")
        if not on:
            raise Flaw("a line has no day (on)")
        digest = short_digest(name.encode())
        found.append((ident(line, "account"), digest, on, all_of_it, part))
    if not found:
        raise Flaw("no line is named")
    return tuple(found)


def read_lines_matched(data: Data) -> Body:
    """-> (match, parts of lines, parts of legs)."""
    ident(data, "rule")
    legs: list[LegPart] = []
    for leg in read_parts(data, "legs"):
        if whole(leg, "leg") > 0xFFFF:
            raise Flaw(f"there is no leg {leg['leg']}")
        legs.append((whole(leg, "seq"), leg["leg"], ident(leg, "account"), signed(leg, "amount")))
    return (ident(data, "match"), read_line_parts(data), tuple(legs)), []


def read_lines_set_aside(data: Data) -> Body:
    """-> (match, parts of lines, nothing, whether two persons said so)."""
    return (ident(data, "match"), read_line_parts(data), (), bool(data.get("by")) and is_approved(data)), []


def read_lines_written_off(data: Data) -> Body:
    """-> as for those that are disputed, with a reason."""
    choice(data, "reason", WRITE_OFF_REASONS)
    return read_lines_set_aside(data)


def read_lines_unmatched(data: Data) -> Body:
    """-> match."""
    return ident(data, "match"), []


def read_month(data: Data) -> str:
    """A period: `2026-10`. Raises Flaw."""
    period = data.get("period")
    if type(period) is not str or not is_day(f"{period}-01"):
        raise Flaw(f"period is no month: {shown(period)}")
    return period


def read_period_closed(data: Data) -> Body:
    """-> (period, through, totals by (kind, fund), books by account, suspense, elsewhere, size, root, if by two)."""
    period, through, root = read_month(data), day_or_empty(data, "through"), data.get("root")
    if type(root) is not str or not HASH.fullmatch(root):
        raise Flaw(f"root is not 64 lower-case hex digits: {shown(root)}")
    if not through:
        raise Flaw("through is missing")
    totals = tuple(
        (choice(one, "kind", TOTALLED), ident(one, "fund"), positive(one, "amount"))
        for one in read_parts(data, "totals")
    )
    books = tuple((ident(one, "account"), integer(one, "book")) for one in read_parts(data, "accounts"))
    by_two = bool(data.get("by")) and is_approved(data)
    figures = whole(data, "suspense"), integer(data, "elsewhere"), whole(data, "size"), root
    return (period, through, totals, books, *figures, by_two), []


def integer(data: Data, name: str) -> int:
    """A member that is an integer. Raises Flaw."""
    value = data.get(name)
    if type(value) is not int:
        raise Flaw(f"{name} is no integer: {shown(value)}")
    return value


def read_period_reopened(data: Data) -> Body:
    """-> (period, whether two persons said so)."""
    ident(data, "reason")
    return (read_month(data), bool(data.get("by")) and is_approved(data)), []


WRITE_OFF_REASONS = ("bank_error", "not_ours", "before_opening", "small_difference", "other")
TOTALLED = ("case", "cost", "fee", "fund", "hold", "hospital", "out", "refunded", "used")
"""Kinds of places that a closing gives totals of."""


# ---------------------------------------------------------------------------------------------------------------------
# The money: where each serial is, and what may move it
# ---------------------------------------------------------------------------------------------------------------------

Row = tuple[int, int, str, str]  # lo, hi, home or "", since
Refuses = Callable[["Tape"], str]
"""Why money under these terms may not be taken, as the end of a sentence; "" when it may."""


@dataclass(slots=True)
class Tape:
    """A tape and its terms. `end` is the next serial; `order` the first two parts of the order of earmark-fifo/1."""

    number: int
    fund: str
    nature: str
    restriction: dict[str, frozenset[str]]
    usable_from: str
    expires_on: str
    start_place: str
    order: tuple[int, str]
    terms: tuple[Any, ...]  # all of them, alike for alike terms of two funds
    end: int = 0


@dataclass(slots=True)
class Case:
    """A case as the entries so far have it; `reached` is the last posting date on which money came to `case/C`."""

    name: str
    fund: str
    attributes: dict[str, str]
    household: str | None
    purpose: str | None
    is_open: bool = True
    reached: str = ""

    def kin(self) -> list[tuple[str, str, str | None]]:
        """Who the case is for: (person or household, id, purpose)."""
        ids = {"person": self.attributes.get("person"), "household": self.household}
        return [(kind, own, self.purpose) for kind, own in ids.items() if own is not None]


class Entered(NamedTuple):
    """What the disk remembers of an entry: the ranges of its first two issues, and whether it is a donation's."""

    seq: int
    is_donation: bool
    has_donor: bool
    issue: tuple[Range, ...]


class Logged(NamedTuple):
    """What memory remembers of an entry that moved money, so that it can be reversed; see `Book.log`."""

    seq: int
    type: str
    body: Any
    issue: tuple[Issue, ...]
    moves: tuple[Move, ...]
    cleared: tuple[str, int] = ("", 0)
    on: str = ""


class Outlay(NamedTuple):
    """An allocation, payment or grant: what can come back, and the business keys that it holds."""

    seq: int
    hospital: str
    lines: tuple[Line, ...]
    keys: tuple[str, ...] = ()


class Bill(NamedTuple):
    """A hospital's bill for a case: what it is for, what stands paid on it, and the entry that paid first."""

    limit: int
    paid: int
    first: int


def anything(_: Tape) -> str:
    """Refuses nothing."""
    return ""


class Demand(NamedTuple):
    """What a fact moves by policy: `amount` from the front or the back of the order at some places.

    `ways` gives for each of these places where its serials go, "" for each to its home. `within`, if given, are the
    only serials meant: ranges by tape number.
    """

    amount: int
    ways: dict[str, str]
    refuses: Refuses = anything
    back: bool = False
    within: dict[int, list[tuple[int, int]]] | None = None


class Book:
    """The state that the laws are judged on: tapes, places, and what is registered.

    Of plain gifts it keeps nothing but their places; `find` gives what the disk remembers of a stream's entries.
    """

    def __init__(
        self,
        find: Callable[[str], Iterator[Entered]],
        legs: Callable[[int], Iterator[tuple[Any, ...]]] = lambda _: iter(()),
    ) -> None:
        self.find = find
        self.legs = legs  # what the disk remembers of an entry's cash legs
        self.zone: zoneinfo.ZoneInfo | None = None
        self.tapes: dict[int, Tape] = {}
        self.terms_seen: set[tuple[Any, ...]] = set()
        self.funds: set[str] = set()
        self.hospitals: set[str] = set()
        self.cases: dict[str, Case] = {}
        self.kin: dict[tuple[str, str, str | None], set[str]] = {}  # see `Case.kin` -> cases
        self.parents: dict[tuple[str, str], str | None] = {}
        self.at: dict[str, dict[int, list[Row]]] = {}  # place -> tape number -> rows sorted by lo
        self.changed: dict[str, set[str]] = {}  # fund -> its places under changed terms, fund/F/tN
        self.log: list[Logged] = []  # by seq
        self.reversed: dict[int, int] = {}  # entry -> the entry that reversed it
        self.attributed: dict[str, int] = {}  # donation -> the entry that says whose it is
        self.outlays: dict[str, Outlay] = {}  # stream -> allocation, payment or grant
        self.returned: Counter[tuple[str, ...]] = Counter()  # what came back, by `parts_of`
        self.keys: dict[str, int] = {}  # business key of a payment or grant -> the entry that holds it
        self.bills: dict[tuple[str, str, str], Bill] = {}  # (hospital, bill number, case)
        self.origin = ""
        self.continues: dict[str, Any] | None = None
        self.signers: list[tuple[int, str]] = []  # (entry that names it, verifier key) of the log
        self.accounts: dict[str, str] = {}  # those that are open -> kind
        self.names: dict[bytes, str] = {}  # digest -> account that is named in a leg
        self.booked: Counter[tuple[str, str]] = Counter()  # (month, account) -> what came on it, less what went
        self.suspended: dict[str, tuple[int, int, str]] = {}  # suspended receipt -> amount, what is left, since when
        self.owed: Counter[str] = Counter()  # month -> by how much more is owed in suspense
        self.stood: Counter[tuple[str, str, str]] = Counter()  # (month, kind of place, fund) -> net
        self.taken: dict[int, tuple[str, tuple[tuple[str, int], ...]]] = {}  # match -> month, what it moved by account
        self.unmatched: dict[int, int] = {}  # match, write-off or dispute -> the entry that undid it
        self.closes: list[tuple[str, str]] = []  # periods that are closed, each with its last day
        self.rests: list[tuple[int, str, int]] = []  # size and root of a head, and the closing that rests on it
        self.groups: list[tuple[int, int]] = []  # first and last entry of each fact of several entries
        self._minute = self._day = ""

    # Days

    def local_day(self, at: str) -> str:
        """The ISO date in the ledger's zone at a UTC time of an entry."""
        minute = at[:16]
        if minute != self._minute:
            moment = datetime.fromisoformat(minute).replace(tzinfo=UTC)
            try:
                self._day = moment.astimezone(self.zone).date().isoformat()
            except OverflowError:  # the last hours before year 1 or of year 9999
                self._day = minute[:10]
            self._minute = minute
        return self._day

    def day_flaw(self, fact: Fact) -> str:
        """What is wrong with the posting date, "" if nothing."""
        if not fact.on:
            return "money moves without a posting date (on)" if fact.issue or fact.moves else ""
        if fact.on > self.local_day(fact.at):
            return f"on {fact.on} is after the day of recording, {self.local_day(fact.at)}"
        return self.period_flaw(fact.on)

    def period_flaw(self, on: str) -> str:
        """Why nothing may be posted on that day, "" if it may."""
        if self.closes and on <= self.closes[-1][1]:
            return f"on {on} is in a period that was closed, up to {self.closes[-1][1]}"
        return ""

    # Rows

    def put(self, number: int, lo: int, hi: int, place: str, home: str, since: str) -> None:
        """Add serials to a place, merged with neighbours alike."""
        rows = self.at.setdefault(place, {}).setdefault(number, [])
        index = len(rows)
        if rows and rows[-1][0] > lo:
            index = bisect_left(rows, (lo,))
        if index < len(rows):
            following = rows[index]
            if following[0] == hi and following[2] == home and following[3] == since:
                hi = following[1]
                del rows[index]
        if index:
            before = rows[index - 1]
            if before[1] == lo and before[2] == home and before[3] == since:
                rows[index - 1] = (before[0], hi, home, before[3])
                return
        rows.insert(index, (lo, hi, home, since))

    def peek(self, number: int, lo: int, hi: int, place: str) -> list[Row]:
        """The pieces of [lo, hi) at a place. Raises Flaw unless all of it is there (law 2)."""
        rows = self.at.get(place, {}).get(number, [])
        pieces: list[Row] = []
        reached = lo
        for index in range(max(bisect_right(rows, (lo, MAX_INTEGER + 1)) - 1, 0), len(rows)):
            start, end, home, since = rows[index]
            if start > reached or reached >= hi:
                break
            if end > reached:
                pieces.append((reached, min(end, hi), home, since))
                reached = end
        if reached < hi:
            raise Flaw(f"t{number}:{lo}-{hi} is moved from {shown(place)}, but t{number}:{reached} is not there")
        return pieces

    def take(self, number: int, lo: int, hi: int, place: str) -> None:
        """Remove [lo, hi), all of which is at the place."""
        tapes = self.at[place]
        rows = tapes[number]
        first = bisect_right(rows, (lo, MAX_INTEGER + 1)) - 1
        last = first
        while rows[last][1] < hi:
            last += 1
        left, right = rows[first], rows[last]
        rest: list[Row] = []
        if left[0] < lo:
            rest.append((left[0], lo, left[2], left[3]))
        if hi < right[1]:
            rest.append((hi, right[1], right[2], right[3]))
        rows[first : last + 1] = rest
        if not rows:
            del tapes[number]
            if not tapes:
                del self.at[place]

    def everything(self, place: str, target: str = "") -> tuple[Move, ...]:
        """The moves of all that is at a place to the target, or each to its home."""
        return as_one(
            [
                (number, lo, hi, place, target or home)
                for number, rows in self.at.get(place, {}).items()
                for lo, hi, home, _ in rows
            ]
        )

    def fund_places(self, *funds: str) -> list[str]:
        """The places of the funds, those under changed terms included."""
        return [place for fund in funds for place in (f"fund/{escape(fund)}", *sorted(self.changed.get(fund, ())))]

    def rows(self) -> Iterator[tuple[int, int, int, str, str, str]]:
        """See `Report.places`."""
        by_tape: dict[int, list[tuple[int, int, str, str, str]]] = {}
        for place, tapes in self.at.items():
            for number, rows in tapes.items():
                by_tape.setdefault(number, []).extend((lo, hi, place, home, since) for lo, hi, home, since in rows)
        for number in sorted(by_tape):
            for lo, hi, place, home, since in sorted(by_tape[number]):
                yield number, lo, hi, place, home, since

    # Terms

    def terms(self, number: int, home: str) -> Tape:
        """The terms in force on serials of a tape at, or with their home at, `home`."""
        return self.tapes.get(parse_place(home).tape) or self.tapes[number]

    def allows(self, dimension: str, codes: frozenset[str], value: str | None) -> bool:
        """Whether the code, or an ancestor of it in the dictionary, is listed."""
        seen = set()
        while value is not None and value not in seen:
            if value in codes:
                return True
            seen.add(value)
            value = self.parents.get((dimension, value))
        return False

    def refusal(self, terms: Tape, name: str, hospital: str, on: str) -> str:
        """Why the terms do not allow the case (`name`) to have the money (law 5), "" if they do.

        `hospital`, if not "", stands for the case's own. `on` "" leaves the days unjudged.
        """
        refused = days_refusal(terms, on) if on else ""
        if refused:
            return refused
        attributes = self.cases[name].attributes
        for dimension, codes in terms.restriction.items():
            value = hospital if hospital and dimension == "hospital" else attributes.get(dimension)
            if not self.allows(dimension, codes, value):
                return f"is restricted by {dimension} and may not be used for case {shown(name)}"
        return ""

    # Places

    def place_flaw(self, place: str) -> str:
        """Why no money may come to the place, "" if it may. Raises Flaw for text that is no place."""
        where = parse_place(place)
        if where.fund and where.fund not in self.funds:
            return f"fund {shown(where.fund)} is not open"
        if where.hospital and where.hospital not in self.hospitals:
            return f"hospital {shown(where.hospital)} is not registered"
        if where.tape and where.tape not in self.tapes:
            return f"tape t{where.tape} is not open"
        if where.case:
            case = self.cases.get(where.case)
            if case is None:
                return f"case {shown(where.case)} is not open"
            if where.kind == "case" and not case.is_open:
                return f"case {shown(where.case)} is closed and takes no money"
        return ""

    # Laws that hold for every fact

    def issue_flaw(self, fact: Fact) -> str:
        """Law 2 for issues. Raises Flaw when an issue cannot have happened: its tape is not open or ends elsewhere."""
        flaw, before = "", (0, 0, 0, "")
        ends: dict[int, int] = {}
        for number, lo, hi, to in fact.issue:
            tape = self.tapes.get(number)
            if tape is None:
                raise Flaw(f"tape t{number} is not open")
            end = ends.get(number, tape.end)
            if lo != end:
                raise Flaw(f"t{number}:{lo}-{hi} is issued, but the tape ends at {end}")
            ends[number] = hi
            if number < before[0]:
                flaw = flaw or "issues are not sorted by tape and serial"
            elif number == before[0] and to == before[3]:
                flaw = flaw or "adjacent issues are not written as one"
            if to != tape.start_place:
                flaw = flaw or self.place_flaw(to)
                where = parse_place(to)
                if is_home(to) and (where.fund != tape.fund or where.tape == number):
                    flaw = flaw or f"t{number} is issued to {shown(to)}, not a place of its fund {shown(tape.fund)}"
            before = (number, lo, hi, to)
        return flaw

    def moves_flaw(self, fact: Fact, pieces: list[list[Row]]) -> str:
        """Laws 2, 5 (homes) and 7 for the moves of a whole fact, given the pieces that each takes."""
        before: Move = (0, 0, 0, "", "")
        for move, parts in zip(fact.moves, pieces, strict=True):
            number, lo, hi, source, target = move
            if (number, lo) < before[:2]:
                return "moves are not sorted by tape and serial"
            if (number, lo, source, target) == (before[0], before[2], before[3], before[4]):
                return f"adjacent moves at t{number}:{lo} are not written as one"
            if source == target:
                return f"t{number}:{lo}-{hi} is moved to where it is"
            flaw = self.place_flaw(target) or self.way_flaw(fact.type, move, parts)
            if flaw:
                return flaw
            for start, _, _, since in parts:
                if since > fact.on:
                    return f"on {fact.on} goes back: t{number}:{start} came to {shown(source)} only on {since}"
            before = move
        return ""

    def way_flaw(self, kind: str, move: Move, pieces: list[Row]) -> str:
        """Law 5: back to a fund or fee place only home; terms and funds change only by the facts made for it."""
        number, lo, hi, source, target = move
        if not is_home(target):
            return ""
        if not is_home(source):
            for start, _, home, _ in pieces:
                if home != target:
                    return f"t{number}:{start} returns to {shown(target)}, but its home is {shown(home)}"
            return ""
        to, left = parse_place(target), parse_place(source)
        if to.tape == number:
            return f"t{number}:{lo}-{hi} is moved to {shown(target)}: its own terms are no change of terms"
        if to.fund != left.fund and kind not in ("FundsTransferred", "EntryReversed"):
            return f"a {kind} moves t{number}:{lo}-{hi} to another fund, {shown(target)}"
        if to.tape != left.tape and kind not in ("TermsChanged", "EntryReversed"):
            return f"a {kind} changes the terms of t{number}:{lo}-{hi} to {shown(target)}"
        return ""

    def use_flaw(self, fact: Fact, pieces: list[list[Row]]) -> str:
        """Law 5 for a fact whose own rules are not known: money comes to a case, or goes on from one, only as its
        terms allow; `hospital` is judged on the one that the place names."""
        for (number, _, hi, source, target), parts in zip(fact.moves, pieces, strict=True):
            left, to = parse_place(source), parse_place(target)
            if to.case and left.kind in ("fund", "case"):
                on = fact.on if left.kind == "fund" else ""
                for start, _, home, _ in parts:
                    terms = self.terms(number, source if is_home(source) else home)
                    refused = self.refusal(terms, to.case, to.hospital, on)
                    if refused:
                        return f"t{number}:{start}-{hi} {refused}"
        return ""

    def settle(self, fact: Fact) -> str:
        """Judge a whole fact, then do what it says. Returns what is wrong, "" if nothing.

        Raises Flaw when it cannot have happened at all; the book is then of no more use.
        """
        rules = FACTS.get(fact.type)
        flaw = self.day_flaw(fact) if self.zone else ""
        if fact.issue:
            flaw = self.issue_flaw(fact) or flaw
        for (number, _, end, *_), (other, lo, *_) in pairwise(sorted(fact.moves)):
            if number == other and lo < end:
                raise Flaw(f"t{number}:{lo} is moved twice")
        pieces = [self.peek(number, lo, hi, source) for number, lo, hi, source, _ in fact.moves]
        if fact.moves:
            flaw = flaw or self.moves_flaw(fact, pieces)
        if rules is not None:
            judged = rules.judge(self, fact, pieces)
            flaw = flaw or judged
        else:
            flaw = flaw or self.use_flaw(fact, pieces)
        flaw = self.settle_cash(fact) or flaw if fact.cash else flaw
        cleared = fact.cash[1] if fact.cash else ("", 0)
        if fact.type in UNMOVING or cleared[0] or not self.is_plain(fact):
            self.log.append(Logged(fact.seq, intern(fact.type), fact.body, fact.issue, fact.moves, cleared, fact.on))
        for number, lo, hi, to in fact.issue:
            tape = self.tapes[number]
            tape.end = hi
            home = "" if to == tape.start_place or is_home(to) else f"fund/{escape(tape.fund)}"
            self.put(number, lo, hi, to, home, fact.on)
            self.note_arrival(to, fact.on)
            self.count(fact.on, home or to, to, hi - lo)
        for (number, lo, hi, source, target), parts in zip(fact.moves, pieces, strict=True):
            self.take(number, lo, hi, source)
            self.note_arrival(target, fact.on)
            for start, end, home, _ in parts:
                kept = "" if is_home(target) else source if is_home(source) else home
                self.put(number, start, end, target, kept, fact.on)
                self.count(fact.on, home or source, source, start - end)
                self.count(fact.on, kept or target, target, end - start)
        return flaw

    def count(self, on: str, home: str, place: str, amount: int) -> None:
        """Enter what came to a place, whose money that home tells."""
        self.stood[on[:7], parse_place(place).kind, parse_place(home).fund] += amount

    # Cash: law 8

    def shift(self, match: int, sign: int) -> None:
        """Enter, or undo, what a match moves from the accounts of its legs to those of its lines."""
        month, changes = self.taken.get(match, ("", ()))
        for account, amount in changes:
            self.booked[month, account] += sign * amount

    def settle_cash(self, fact: Fact) -> str:
        """Enter a fact's cash legs, and what it takes out of suspense; law 8. What is wrong, "" if nothing."""
        legs, cleared, named = fact.cash
        flaw = self.legs_flaw(fact, legs, cleared[0]) if named and self.accounts else ""
        if named and fact.type in (*CASH_SIDES, "BalanceBroughtForward"):
            for account, amount in legs:
                self.names.setdefault(account_digest(account.encode()), account)
                self.booked[fact.on[:7], account] += amount
        name, amount = cleared
        return (self.owe(fact, name, -amount) if name else "") or flaw

    def legs_flaw(self, fact: Fact, legs: tuple[tuple[str, int], ...], cleared: str) -> str:
        """Why the legs on accounts are not what the fact moves of what is held or owed, "" if they are."""
        closed = next((account for account, _ in legs if account not in self.accounts), None)
        if closed is not None:
            return f"account {shown(closed)} is not open"
        moved = sum(hi - lo for _, lo, hi, to in fact.issue if parse_place(to).kind in ON_HAND)
        for _, lo, hi, source, target in fact.moves:
            moved += ((parse_place(target).kind in ON_HAND) - (parse_place(source).kind in ON_HAND)) * (hi - lo)
        if fact.type in ("ReceiptSuspended", "SuspenseRepaid"):
            moved = fact.body[1]
        if fact.type == "EntryReversed" or cleared:
            moved = 0
        side, come = CASH_SIDES.get(fact.type, BROUGHT), sum(amount for _, amount in legs)
        exact = fact.type in ("ReceiptSuspended", "SuspenseRepaid")
        if abs(come) > abs(moved) or (exact and come != side * moved) or any(amount * side <= 0 for _, amount in legs):
            return f"its legs on accounts come to {abs(come)}, but it moves {abs(moved)} in cash"
        return ""

    def owe(self, fact: Fact, name: str, amount: int) -> str:
        """Change what is left of a suspended receipt. Why it may not be, "" if it may."""
        known = self.suspended.get(name)
        if known is None:
            return f"there is no suspended receipt {shown(name)}"
        whole, left, since = known
        self.suspended[name] = (whole, left + amount, max(since, fact.on) if amount > 0 else since)
        self.owed[fact.on[:7]] += amount
        if known[1] + amount < 0:
            return f"{-amount} is taken of suspended receipt {shown(name)}, {known[1]} is left"
        if amount < 0 and fact.on < since:
            return f"suspended receipt {shown(name)} is taken of on {fact.on}, before {since}, when it came"
        return ""

    def undo_cash(self, fact: Fact, logged: Logged) -> str:
        """An entry is reversed: its legs and what it took out of suspense. Why it may not be, "" if it may."""
        for _, _, sort, amount, account in self.legs(logged.seq) if self.names else ():
            if sort != AT_CHANNEL and account in self.names:
                self.booked[fact.on[:7], self.names[account]] -= amount
        if logged.type == "ReceiptSuspended":
            name, amount = logged.body
            flaw = self.owe(fact, name, -amount)
            _, left, _ = self.suspended.pop(name, (0, 0, ""))
            return f"something of suspended receipt {shown(name)} was cleared" if left < 0 else flaw
        if logged.type == "SuspenseRepaid":
            early = f"entry {logged.seq} is reversed before its own day, {logged.on}" if fact.on < logged.on else ""
            return self.owe(fact, *logged.body) or early
        return self.owe(fact, *logged.cleared) if logged.cleared[0] else ""

    def by_account(self, period: str) -> dict[str, int]:
        """What should be on each bank account and in each cash box by the end of a month."""
        books = {account: 0 for account, kind in self.accounts.items() if kind != "channel"}
        for (month, account), amount in self.booked.items():
            if month <= period and account in books:
                books[account] += amount
        return books

    def by_kind(self, period: str) -> dict[tuple[str, str], int]:
        """What stands at each kind of place of each fund's money by the end of a month; nothing where there is none."""
        totals: Counter[tuple[str, str]] = Counter()
        for (month, kind, fund), amount in self.stood.items():
            if month <= period and kind in TOTALLED:
                totals[kind, fund] += amount
        return {key: amount for key, amount in totals.items() if amount}

    def cash_position(self, period: str = "9999-12") -> dict[str, Any]:
        """Law 8 in figures: what is held in serials and owed in suspense is on accounts, or elsewhere: at channels, and
        wherever no account is named."""
        books = self.by_account(period)
        held = sum(amount for (kind, _), amount in self.by_kind(period).items() if kind in ON_HAND)
        owed = sum(amount for month, amount in self.owed.items() if month <= period)
        return {"held": held, "suspense": owed, "accounts": books, "elsewhere": held + owed - sum(books.values())}

    def is_plain(self, fact: Fact) -> bool:
        """Whether what the disk remembers of the entry, its first two issues, says all of its money."""
        starts = (to == self.tapes[number].start_place for number, _, _, to in fact.issue)
        return not fact.moves and len(fact.issue) <= 2 and all(starts)

    def take_gifts(self, batch: Batch) -> bool:
        """Settle a batch of plain gifts if nothing at all is wrong with them; False, with nothing done, otherwise.

        The same laws as in `settle` and `judge_donation_received`, for all gifts of a row at once.
        """
        _, packed, days = batch
        if self.zone is None or any(on.decode() > self.local_day(at) for on, at in days.items()):
            return False
        if self.closes and min(days) <= self.closes[-1][1].encode():
            return False
        rows: list[tuple[Tape, int, int, str]] = []
        ends: dict[int, int] = {}
        for name, first, last, (to, on, fund, role) in packed:
            number, lo, hi = int(name), int(first), int(last)
            tape = self.tapes.get(number)
            if (
                tape is None
                or lo != ends.get(number, tape.end)
                or fund.decode() != tape.fund
                or tape.fund not in self.funds
                or to.decode() != tape.start_place
                or (tape.nature == "fee") != (role == FEE)
                or (tape.nature == "agency" and role == GIFT_WITH_FEE)
            ):
                return False
            ends[number] = hi
            rows.append((tape, lo, hi, on.decode()))
        for tape, lo, hi, since in rows:
            self.put(tape.number, lo, hi, tape.start_place, "", since)
            tape.end = hi
            self.stood[since[:7], "fee" if tape.nature == "fee" else "fund", tape.fund] += hi - lo
        return True

    def note_arrival(self, place: str, on: str) -> None:
        """Remember a place under changed terms as one of its fund's, and when money last came to a case."""
        if place.startswith(("fund/", "case/")):
            where = parse_place(place)
            if where.tape:
                self.changed.setdefault(where.fund, set()).add(place)
            elif where.case in self.cases:
                case = self.cases[where.case]
                case.reached = max(case.reached, on)

    # Entries before this one

    def logged(self, seq: int) -> Logged | None:
        """The entry in the log, None when it isn't there."""
        index = bisect_left(self.log, (seq,))
        return self.log[index] if index < len(self.log) and self.log[index].seq == seq else None

    def standing_move(self, after: Logged) -> int | None:
        """The first later entry that stands and moved a serial that this entry moved; None when there is none.

        An entry stands unless it was reversed; an EntryReversed never does.
        """
        ranges: dict[int, list[tuple[int, int]]] = {}
        for number, lo, hi, _, _ in after.moves:
            ranges.setdefault(number, []).append((lo, hi))
        for entry in self.log[bisect_left(self.log, (after.seq + 1,)) :] if ranges else ():
            if entry.type != "EntryReversed" and entry.seq not in self.reversed:
                for number, lo, hi, _, _ in entry.moves:
                    if any(lo < end and start < hi for start, end in ranges.get(number, ())):
                        return entry.seq
        return None

    def donation(self, name: str, before: int) -> Entered | None:
        """The entry by which a donation came in; None when there is none before entry `before`."""
        found = self.find(f"donation/{name}")
        return next((one for one in found if one.is_donation and one.seq < before), None)

    def issued(self, entry: Entered) -> dict[int, list[tuple[int, int]]]:
        """The serials that an entry issued: ranges by tape number."""
        logged = self.logged(entry.seq)
        ranges: dict[int, list[tuple[int, int]]] = {}
        for number, lo, hi, *_ in entry.issue if logged is None else logged.issue:
            ranges.setdefault(number, []).append((lo, hi))
        return ranges

    # What was given out, and what of it came back

    def open_outlay(self, stream: str, outlay: Outlay) -> str:
        """Enter an allocation, payment or grant. What is wrong with its id, business keys and bills, "" if nothing."""
        if stream in self.outlays:
            return f"{shown(stream)} is made by entry {self.outlays[stream].seq} already"
        self.outlays[stream] = outlay
        flaw = self.hold_keys(outlay)
        for case, amount, number, limit in outlay.lines:
            if number is not None:
                flaw = self.pay_bill((outlay.hospital, number, case), amount, limit, outlay.seq) or flaw
        return flaw

    def undo_outlay(self, stream: str) -> str:
        """Its entry is reversed. Why it may not be, "" if it may."""
        outlay = self.outlays[stream]
        self.free_keys(outlay)
        for case, amount, number, _ in outlay.lines:
            if number is not None:
                self.unpay_bill((outlay.hospital, number, case), amount)
        return f"something came back of {shown(stream)}, and that stands" if self.returned[(stream,)] else ""

    def give_back(self, stream: str, case: str, amount: int, number: str | None) -> str:
        """Enter that an amount of an outlay for a case comes back, naming a bill or none. Why not, "" if it may."""
        outlay = self.outlays.get(stream)
        if outlay is None:
            return f"there is no {shown(stream)} of which money could come back"
        flaw = "" if outlay.seq not in self.reversed else f"{shown(stream)} was reversed"
        for what in parts_of(stream, case, number)[1:]:
            left = sum(line[1] for line in outlay.lines if line[0] == case and what[2:] in ((), line[2:3]))
            left -= self.returned[what]
            if amount > left:
                of = f" on bill {shown(number)}" if what[2:] else ""
                flaw = flaw or f"{amount} comes back of {shown(stream)}, of which {left} stands for {shown(case)}{of}"
        self.returned.update(dict.fromkeys(parts_of(stream, case, number), amount))
        if self.returned[(stream,)] >= sum(line[1] for line in outlay.lines):
            self.free_keys(outlay)
        if number is not None:
            self.unpay_bill((outlay.hospital, number, case), amount)
        return flaw

    def undo_return(self, stream: str, case: str, amount: int, number: str | None) -> str:
        """What came back is out again, since that entry is reversed. Why it may not be, "" if it may."""
        outlay = self.outlays.get(stream)
        if outlay is None:
            return ""
        self.returned.subtract(dict.fromkeys(parts_of(stream, case, number), amount))
        flaw = self.hold_keys(outlay)
        if number is not None:
            # The limit of a bill that was forgotten meanwhile, which is never less than what is paid again.
            limit = next((line[3] for line in outlay.lines if line[0] == case and line[2] == number), amount)
            flaw = self.pay_bill((outlay.hospital, number, case), amount, max(limit, amount), outlay.seq) or flaw
        return flaw

    def hold_keys(self, outlay: Outlay) -> str:
        """Take the outlay's business keys. What is wrong, "" if they were free or its own."""
        taken = [self.keys.setdefault(key, outlay.seq) for key in outlay.keys]
        return next((f"its business key is in use since entry {seq}" for seq in taken if seq != outlay.seq), "")

    def free_keys(self, outlay: Outlay) -> None:
        """Let go of the outlay's business keys."""
        for key in outlay.keys:
            if self.keys.get(key) == outlay.seq:
                del self.keys[key]

    def pay_bill(self, key: tuple[str, str, str], amount: int, limit: int, seq: int) -> str:
        """Enter a payment on a bill, whose first payment sets its limit. What is wrong, "" if it is within."""
        bill = self.bills.get(key) or Bill(limit, 0, seq)
        paid = bill.paid + amount
        if paid > bill.limit:
            return f"{paid} is paid on a bill of {bill.limit} (first paid in entry {bill.first})"
        self.bills[key] = bill._replace(paid=paid)
        return ""

    def unpay_bill(self, key: tuple[str, str, str], amount: int) -> None:
        """Enter that something paid on a bill came back; a bill with nothing paid is forgotten."""
        bill = self.bills.get(key)
        if bill is not None:
            if bill.paid > amount:
                self.bills[key] = bill._replace(paid=bill.paid - amount)
            else:
                del self.bills[key]

    # Policy earmark-fifo/1

    def pick(self, demand: Demand, on: str) -> list[Move]:
        """The serials that a demand takes on a day; fewer than its amount when there is too little.

        One order: more restricted dimensions first, then earliest expiry (none last), then lower tape number, then
        lower serial. Serials that the demand refuses, or that come only after `on`, are passed over.
        """
        queues: dict[tuple[int, str, int], list[Iterator[Queued]]] = {}
        for source in demand.ways:
            for number, all_rows in self.at.get(source, {}).items():
                rows = all_rows if demand.within is None else clipped(all_rows, demand.within.get(number, ()))
                for home, group in [(source, rows)] if is_home(source) else ((row[2], [row]) for row in rows):
                    terms = self.terms(number, home)
                    if not demand.refuses(terms):
                        queues.setdefault((*terms.order, number), []).append(queued(group, source, home))
        moves: list[Move] = []
        missing = demand.amount
        for key in sorted(queues, reverse=demand.back):
            merged = merge_sorted(*queues[key])
            for lo, hi, since, source, home in reversed(list(merged)) if demand.back else merged:
                size = min(hi - lo, missing) if since <= on else 0
                if size:
                    first = hi - size if demand.back else lo
                    moves.append((key[2], first, first + size, source, demand.ways[source] or home))
                    missing -= size
                if not missing:
                    return moves
        return moves


Queued = tuple[int, int, str, str, str]  # lo, hi, since, where, whose money


def queued(rows: Iterable[Row], source: str, home: str) -> Iterator[Queued]:
    """The rows of a place, and whose money that is."""
    for lo, hi, _, since in rows:
        yield lo, hi, since, source, home


def clipped(rows: list[Row], ranges: Iterable[tuple[int, int]]) -> list[Row]:
    """What of the rows lies within the ranges; both are sorted."""
    kept: list[Row] = []
    for first, last in ranges:
        begin = max(bisect_left(rows, (first,)) - 1, 0)
        near = rows[begin : bisect_left(rows, (last,))]
        kept += [(max(lo, first), min(hi, last), home, since) for lo, hi, home, since in near if hi > first]
    return kept


def parts_of(stream: str, case: str, number: str | None) -> list[tuple[str, ...]]:
    """What a return is counted against: the whole outlay, its part for the case, and the bill if one is named."""
    return [(stream,), (stream, case), *([] if number is None else [(stream, case, number)])]


def days_refusal(terms: Tape, on: str) -> str:
    """Why money under these terms may not be used on that day, "" if it may."""
    if on < terms.usable_from:
        return f"may be used only from {terms.usable_from}, not on {on}"
    if terms.expires_on and terms.expires_on < on:
        return f"expired on {terms.expires_on}, before {on}"
    return ""


def as_one(moves: list[Move]) -> tuple[Move, ...]:
    """Moves sorted by (tape number, lo), adjacent ones of one kind written as one."""
    merged: list[Move] = []
    for move in sorted(moves):
        if merged:
            number, lo, hi, source, target = merged[-1]
            if (number, hi, source, target) == (move[0], move[1], move[3], move[4]):
                merged[-1] = (number, lo, move[2], source, target)
                continue
        merged.append(move)
    return tuple(merged)


# ---------------------------------------------------------------------------------------------------------------------
# The judges of known facts: what is wrong with the fact as the book stands before it, "" if nothing. What a fact says
# of things other than money, its judge enters in the book. Raise Flaw when nothing after it could be judged.
# ---------------------------------------------------------------------------------------------------------------------

Pieces = list[list[Row]]


def no_money(fact: Fact) -> str:
    """Why a fact that moves no money is wrong about it, "" if it is not."""
    return f"a {fact.type} issues or moves money" if fact.issue or fact.moves else ""


def judge_ledger_opened(book: Book, fact: Fact, _: Pieces) -> str:
    """Sets the zone and the log's first key. That it is entry 0 and the only one is judged by `History`."""
    if book.zone is None:
        book.origin, _, key, book.continues = fact.body
        book.signers.append((fact.seq, key))
        try:
            book.zone = zoneinfo.ZoneInfo(fact.body[1])
        except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
            raise Flaw(f"zone {shown(fact.body[1])} is not known here (the system's time zones or tzdata)") from None
    return no_money(fact) or book.day_flaw(fact)


def judge_key_rotated(book: Book, fact: Fact, _: Pieces) -> str:
    """Puts the log's next key in force."""
    key = read_key(fact.body)
    assert key is not None, "read_key_rotated has seen to it"
    flaw = "" if key.name == book.origin else f"the new key is named {shown(key.name)}, not as the ledger"
    if any(read_key(earlier) == key for _, earlier in book.signers):
        flaw = flaw or "the new key was in force before"
    book.signers.append((fact.seq, fact.body))
    return flaw or no_money(fact)


def judge_fund_opened(book: Book, fact: Fact, _: Pieces) -> str:
    """Opens the fund."""
    book.funds.add(fact.body)
    return no_money(fact)


def judge_hospital_registered(book: Book, fact: Fact, _: Pieces) -> str:
    """Registers the hospital."""
    book.hospitals.add(fact.body)
    return no_money(fact)


def judge_code_defined(book: Book, fact: Fact, _: Pieces) -> str:
    """Enters the code in the dictionary. What a restriction means must not change with it, so codes never do."""
    dimension, code, parent = fact.body
    if (dimension, code) in book.parents:
        return f"the code {shown(code)} of {dimension} is defined already"
    if parent is not None and (dimension, parent) not in book.parents:
        return f"no code {shown(parent)} of {dimension} is defined"
    book.parents[dimension, code] = parent
    return no_money(fact)


def judge_tape_opened(book: Book, fact: Fact, _: Pieces) -> str:
    """Opens the tape."""
    number, fund, nature, restriction, usable_from, expires_on, agreement = fact.body
    if number != len(book.tapes) + 1:
        raise Flaw(f"tape t{number} opens where t{len(book.tapes) + 1} should")
    flaw = "" if fund in book.funds else f"fund {shown(fund)} is not open"
    dimensions = tuple((dimension, *codes) for dimension, codes in sorted(restriction.items()))
    terms = (fund, nature, dimensions, usable_from, expires_on, agreement)
    if terms in book.terms_seen:
        flaw = flaw or "another tape of the fund has the same terms"
    book.terms_seen.add(terms)
    book.tapes[number] = Tape(
        number=number,
        fund=fund,
        nature=nature,
        restriction={dimension: frozenset(codes) for dimension, codes in sorted(restriction.items())},
        usable_from=usable_from,
        expires_on=expires_on,
        start_place=f"{'fee' if nature == 'fee' else 'fund'}/{escape(fund)}",
        order=(-len(restriction), expires_on or "~"),  # "~" is after every date
        terms=terms[1:],
    )
    return flaw or no_money(fact)


def case_flaw(book: Book, case: Case, approved: bool, whose: tuple[str, ...] = ("person", "household")) -> str:
    """Why the case may not be as it is now: an unknown hospital, or another open case of the same purpose for the same
    person or household, `whose`, that nobody approved. Enters who it is for."""
    hospital = case.attributes.get("hospital")
    flaw = "" if hospital is None or hospital in book.hospitals else f"hospital {shown(hospital)} is not registered"
    for kin in case.kin():
        others = book.kin.setdefault(kin, set()) - {case.name}
        book.kin[kin].add(case.name)
        other = min((name for name in others if book.cases[name].is_open), default="")
        if other and case.is_open and not approved and kin[0] in whose:
            flaw = flaw or f"the same {kin[0]} has another open case of this purpose, {shown(other)}, without approval"
    return flaw


def judge_case_opened(book: Book, fact: Fact, _: Pieces) -> str:
    """Opens the case."""
    name, fund, attributes, household, purpose, approved = fact.body
    book.cases[name] = Case(name, fund, attributes, household, purpose)
    flaw = "" if fund in book.funds else f"fund {shown(fund)} is not open"
    return case_flaw(book, book.cases[name], approved) or flaw or no_money(fact)


def judge_case_amended(book: Book, fact: Fact, _: Pieces) -> str:
    """Replaces all attributes of the case; another person is guarded against as when a case is opened.

    The household stays what it was, so whatever open case shares it was approved before.
    """
    name, attributes, approved = fact.body
    case = book.cases.get(name)
    if case is None:
        return f"case {shown(name)} is not open"
    same = case.attributes.get("person") == attributes.get("person")
    for kin in case.kin():
        book.kin.get(kin, set()).discard(name)
    case.attributes = attributes
    return case_flaw(book, case, approved or same, ("person",)) or no_money(fact)


def judge_case_closed(book: Book, fact: Fact, _: Pieces) -> str:
    """All of `case/C` home in the same entry; the case takes no more money."""
    case = book.cases.get(fact.body)
    if case is None:
        return f"case {shown(fact.body)} is not open"
    was_open, case.is_open = case.is_open, False
    if not was_open:
        return f"case {shown(fact.body)} is closed already"
    if not fact.on:
        return "a case is closed without a posting date (on)"
    if case.reached > fact.on:
        return f"money reached case {shown(fact.body)} on {case.reached}, after it is closed"
    return hand_flaw(fact) or other_flaw(fact, book.everything(f"case/{escape(fact.body)}"), "the closing")


def judge_case_reopened(book: Book, fact: Fact, _: Pieces) -> str:
    """The case takes money again; what went home stays there."""
    name, approved = fact.body
    case = book.cases.get(name)
    if case is None:
        return f"case {shown(name)} is not open"
    if case.is_open:
        return f"case {shown(name)} is open already"
    case.is_open = True
    return case_flaw(book, case, approved) or no_money(fact)


def judge_subject(_book: Book, fact: Fact, _: Pieces) -> str:
    """Tells nothing but that it was done."""
    return no_money(fact)


def judge_donation_received(book: Book, fact: Fact, _: Pieces) -> str:
    """The fee on the fund's fee tape to `fee/F`, the rest on one tape of the fund to `fund/F`."""
    fund, amount, fee = fact.body
    if fund not in book.funds:
        return f"fund {shown(fund)} is not open"
    if fact.moves:
        return "a DonationReceived moves money"
    fees = gifts = 0
    for number, lo, hi, to in fact.issue:
        tape = book.tapes[number]
        if tape.fund != fund:
            return f"t{number} is a tape of fund {shown(tape.fund)}, not of {shown(fund)}"
        if to != tape.start_place:
            return f"a gift on t{number}, a tape of nature {tape.nature}, goes to {shown(to)}"
        if tape.nature == "fee":
            fees += hi - lo
        else:
            if gifts:
                return "a gift is issued on more than one tape"
            gifts += hi - lo
            if fee and tape.nature == "agency":
                return f"a fee of {fee} is taken from agency money"
    if fees != fee:
        return f"the fee issued is {fees}, but floor(amount × fee_bp / 10000) is {fee}"
    if fees + gifts != amount:
        return f"{fees + gifts} is issued for an amount of {amount}"
    return ""


def judge_balance_brought_forward(book: Book, fact: Fact, _: Pieces) -> str:
    """On one tape of the fund, own or agency, to `fund/F`, `case/C`, or `hospital/H/C` for each line in its order.

    At a case or hospital the restriction allows the case, which is open; days are not judged.
    """
    donation, fund, amount, hospital, lines = fact.body
    flaw = ""
    if lines:
        noun = "payment" if hospital else "allocation"
        flaw = book.open_outlay(f"{noun}/{donation}", Outlay(fact.seq, hospital, lines))
    if fund not in book.funds:
        return f"fund {shown(fund)} is not open"
    if fact.moves:
        return "a BalanceBroughtForward moves money"
    before = f"hospital/{escape(hospital)}" if hospital else "case"
    wanted = [(f"{before}/{escape(case)}", part) for case, part, *_ in lines] or [(f"fund/{escape(fund)}", amount)]
    if sum(part for _, part in wanted) != amount:
        return f"the lines come to {sum(part for _, part in wanted)} for an amount of {amount}"
    tape = book.tapes[fact.issue[0][0]] if fact.issue else None
    if tape is None or tape.fund != fund or tape.nature == "fee":
        return f"no tape of fund {shown(fund)} for gifts is issued on"
    moves = as_one(list(laid_out(tape, wanted)))
    if tuple((number, lo, hi, to) for number, lo, hi, _, to in moves) != fact.issue:
        return (
            f"what is issued is not {amount} on one tape to {' and '.join(shown(place) for place, _ in wanted)[:200]}"
        )
    for name, *_ in lines:
        case = book.cases.get(name)
        if case is None or not case.is_open:
            return f"case {shown(name)} is not open"
        flaw = flaw or book.refusal(tape, name, hospital, "")
    return flaw


def laid_out(tape: Tape, wanted: list[tuple[str, int]]) -> Iterator[Move]:
    """Amounts one after the other at the end of a tape, as moves from nowhere to the place of each."""
    lo = tape.end
    for place, amount in wanted:
        yield tape.number, lo, lo + amount, "", place
        lo += amount


def judge_donation_attributed(book: Book, fact: Fact, _: Pieces) -> str:
    """The donation stands, came without a donor, and nothing that stands says whose it is."""
    name = fact.body
    donation = book.donation(name, fact.seq)
    if donation is None:
        return f"donation {shown(name)} is not known"
    if donation.seq in book.reversed:
        return f"donation {shown(name)} was reversed by entry {book.reversed[donation.seq]}"
    if donation.has_donor:
        return f"donation {shown(name)} came with its donor"
    if name in book.attributed:
        return f"donation {shown(name)} is attributed already, by entry {book.attributed[name]}"
    book.attributed[name] = fact.seq
    return no_money(fact)


def hand_flaw(fact: Fact, amount: int | None = None) -> str:
    """Why a fact is wrong that chooses its serials by hand, or has no choice; "" if nothing of this kind is."""
    if fact.policy:
        return f"a {fact.type} names policy {shown(fact.policy)}, though none picks its serials"
    if fact.issue:
        return f"a {fact.type} issues money"
    moved = sum(hi - lo for _, lo, hi, _, _ in fact.moves)
    return f"{moved} is moved for an amount of {amount}" if amount is not None and moved != amount else ""


def other_flaw(fact: Fact, right: Sequence[Move], who: str) -> str:
    """The first difference between the fact's moves and those that are right, "" if there is none."""
    if fact.moves == tuple(right):
        return ""
    wrong, missing = first_difference(fact.moves, right)
    return f"{way_of(wrong)} is moved where {who} moves {way_of(missing)}"


def first_difference(moves: Sequence[Move], right: Sequence[Move]) -> tuple[Move | None, Move | None]:
    """The first move that is not right, and the first right one that is not made."""
    made, wanted = set(moves), set(right)
    return next((one for one in moves if one not in wanted), None), next(
        (one for one in right if one not in made), None
    )


def way_of(move: Move | None) -> str:
    """A move for a sentence."""
    return "nothing" if move is None else f"t{move[0]}:{move[1]}-{move[2]} from {shown(move[3])} to {shown(move[4])}"


def picking_flaw(book: Book, fact: Fact, pieces: Pieces, *demands: Demand) -> str:
    """Laws 5 and 6 for a fact with an amount: its moves are just what the policy picks for all demands together."""
    if fact.policy != POLICY:
        return f"a {fact.type} names policy {shown(fact.policy)}, not {POLICY}"
    if fact.issue:
        return f"a {fact.type} issues money"
    ways = {source: demand for demand in demands for source in demand.ways}
    moved = dict.fromkeys(map(id, demands), 0)
    for (number, lo, hi, source, target), parts in zip(fact.moves, pieces, strict=True):
        way = ways.get(source)
        if way is None or any((way.ways[source] or home) != target for _, _, home, _ in parts):
            return f"this {fact.type} does not move money from {shown(source)} to {shown(target)}"
        moved[id(way)] += hi - lo
        for start, end, home, _ in parts:
            refused = way.refuses(book.terms(number, source if is_home(source) else home))
            if refused:
                return f"t{number}:{start}-{end} {refused}"
    for demand in demands:
        if moved[id(demand)] != demand.amount:
            source, target = next(iter(demand.ways.items()))
            to = f"to {shown(target)}" if target else f"from {shown(source)}"
            return f"{moved[id(demand)]} is moved {to} for an amount of {demand.amount}"
    picked = as_one([move for demand in demands for move in book.pick(demand, fact.on)])
    wrong, right = first_difference(fact.moves, picked)
    if wrong is None:
        return ""
    instead = "nothing" if right is None else f"t{right[0]}:{right[1]}-{right[2]}"
    return f"t{wrong[0]}:{wrong[1]}-{wrong[2]} is taken where {POLICY} takes {instead}"


def judge_allocation_made(book: Book, fact: Fact, pieces: Pieces) -> str:
    """`fund/F…` -> `case/C`: restriction and days of the terms in force allow the case on that day."""
    allocation, name, fund, amount = fact.body
    case = f"case/{escape(name)}"
    made = book.open_outlay(f"allocation/{allocation}", Outlay(fact.seq, "", ((name, amount, None, 0),)))
    flaw = book.place_flaw(case) or ("" if fund in book.funds else f"fund {shown(fund)} is not open") or made
    if flaw:
        return flaw
    ways = dict.fromkeys(book.fund_places(fund), case)
    refuses = partial(book.refusal, name=name, hospital="", on=fact.on)
    return picking_flaw(book, fact, pieces, Demand(amount, ways, refuses))


def judge_allocation_released(book: Book, fact: Fact, pieces: Pieces) -> str:
    """`case/C` -> home, from the back of all that is there; at most what stands of the allocation."""
    _, name, amount, _ = fact.body
    demand = Demand(amount, {f"case/{escape(name)}": ""}, back=True)
    return book.give_back(*fact.body) or picking_flaw(book, fact, pieces, demand)


def judge_hospital_payment_made(book: Book, fact: Fact, pieces: Pieces) -> str:
    """`case/C` -> `hospital/H/C` for each case: the restriction still allows it, hospital judged on H.

    Lines of one case take one after the other from the front of one order, so together they take the sum.
    """
    payment, hospital, lines, keys = fact.body
    made = book.open_outlay(f"payment/{payment}", Outlay(fact.seq, hospital, lines, keys))
    if hospital not in book.hospitals:
        return f"hospital {shown(hospital)} is not registered"
    amounts: Counter[str] = Counter()
    for name, amount, *_ in lines:
        if name not in book.cases:
            return f"case {shown(name)} is not open"
        amounts[name] += amount
    demands = [
        Demand(
            amount,
            {f"case/{escape(name)}": f"hospital/{escape(hospital)}/{escape(name)}"},
            partial(book.refusal, name=name, hospital=hospital, on=""),
        )
        for name, amount in amounts.items()
    ]
    return picking_flaw(book, fact, pieces, *demands) or made


def back_to(book: Book, case: str) -> str:
    """Where money for a case comes back to: `case/C` while the case is open, else "", each to its home."""
    return f"case/{escape(case)}" if case in book.cases and book.cases[case].is_open else ""


def judge_hospital_payment_returned(book: Book, fact: Fact, pieces: Pieces) -> str:
    """`hospital/H/C`, as much as is there, then `used/H/C` -> `case/C`, or home; each from the back.

    At most what stands of the payment for the case and, where its lines for the case have bills, on the bill named.
    """
    stream, name, amount, number, hospital = fact.body
    outlay = book.outlays.get(stream)
    flaw = book.give_back(stream, name, amount, number)
    if outlay is None or flaw:
        return flaw
    if hospital != outlay.hospital:
        return f"{shown(stream)} went to hospital {shown(outlay.hospital)}, not {shown(hospital)}"
    bills = {line[2] for line in outlay.lines if line[0] == name}
    if number is None and bills != {None}:
        return f"the lines of {shown(stream)} for case {shown(name)} have bills, but none is named"
    way, target = f"{escape(hospital)}/{escape(name)}", back_to(book, name)
    rows = chain.from_iterable(book.at.get(f"hospital/{way}", {}).values())
    there = min(amount, sum(hi - lo for lo, hi, _, since in rows if since <= fact.on))
    first = Demand(there, {f"hospital/{way}": target}, back=True)
    return picking_flaw(book, fact, pieces, first, Demand(amount - there, {f"used/{way}": target}, back=True))


def judge_treatment_settled(book: Book, fact: Fact, pieces: Pieces) -> str:
    """`hospital/H/C` -> `used/H/C`; no restriction is judged."""
    hospital, name, amount = fact.body
    way = f"{escape(hospital)}/{escape(name)}"
    flaw = book.place_flaw(f"used/{way}")
    return flaw or picking_flaw(book, fact, pieces, Demand(amount, {f"hospital/{way}": f"used/{way}"}))


def judge_cash_granted(book: Book, fact: Fact, pieces: Pieces) -> str:
    """`case/C` -> `used/C`: the restriction still allows the case."""
    grant, name, amount, keys = fact.body
    made = book.open_outlay(f"grant/{grant}", Outlay(fact.seq, "", ((name, amount, None, 0),), keys))
    if name not in book.cases:
        return f"case {shown(name)} is not open"
    refuses = partial(book.refusal, name=name, hospital="", on="")
    ways = {f"case/{escape(name)}": f"used/{escape(name)}"}
    return picking_flaw(book, fact, pieces, Demand(amount, ways, refuses)) or made


def judge_grant_returned(book: Book, fact: Fact, pieces: Pieces) -> str:
    """`used/C` -> `case/C`, or home, from the back; at most what stands of the grant."""
    _, name, amount, _ = fact.body
    demand = Demand(amount, {f"used/{escape(name)}": back_to(book, name)}, back=True)
    return book.give_back(*fact.body) or picking_flaw(book, fact, pieces, demand)


def judge_donation_refunded(book: Book, fact: Fact, pieces: Pieces) -> str:
    """Its own serials at any fund's places, and `fee` of those at fee places -> `refunded`, both from the back."""
    name, amount, fee = fact.body
    donation = book.donation(name, fact.seq)
    if donation is None:
        return f"donation {shown(name)} is not known"
    within = book.issued(donation)
    for number, lo, hi, source, _ in fact.moves:
        if not any(first <= lo and hi <= last for first, last in within.get(number, ())):
            return f"t{number}:{lo}-{hi} at {shown(source)} is not all of donation {shown(name)}"
    funds = dict.fromkeys(book.fund_places(*sorted(book.funds)), "refunded")
    fees = dict.fromkeys((f"fee/{escape(fund)}" for fund in book.funds), "refunded")
    demands = Demand(amount - fee, funds, back=True, within=within), Demand(fee, fees, back=True, within=within)
    return picking_flaw(book, fact, pieces, *demands)


def judge_funds_transferred(book: Book, fact: Fact, pieces: Pieces) -> str:
    """`fund/F…` -> `fund/G…`, each under the terms it has, from the back; no restriction and no days are judged."""
    fund, to_fund, amount = fact.body
    if fund == to_fund:
        return f"money is transferred from fund {shown(fund)} to itself"
    own = f"fund/{escape(fund)}"
    ways = {place: f"fund/{escape(to_fund)}{place.removeprefix(own)}" for place in book.fund_places(fund)}
    return picking_flaw(book, fact, pieces, Demand(amount, ways, back=True))


def judge_terms_changed(book: Book, fact: Fact, pieces: Pieces) -> str:
    """`fund/F…` -> `fund/F/tN`, or `fund/F` where the terms wanted are the tape's own; by hand, same nature."""
    fund, amount, donation = fact.body
    wanted: tuple[Any, ...] | None = None
    for number, lo, hi, source, target in fact.moves:
        left, to = parse_place(source), parse_place(target)
        if (left.kind, left.fund, to.kind, to.fund) != ("fund", fund, "fund", fund):
            return f"this TermsChanged does not move money from {shown(source)} to {shown(target)}"
        own, new = book.tapes[number], book.terms(number, target)
        if to.tape and new.fund != fund:
            return f"t{to.tape} is a tape of fund {shown(new.fund)}, not of {shown(fund)}"
        if to.tape and new.terms == own.terms:
            return f"t{number}:{lo}-{hi} is put under the terms of t{to.tape}, but its own are the same"
        if new.nature != book.terms(number, source).nature:
            return f"t{number}:{lo}-{hi} becomes {new.nature}: a change of terms keeps the nature"
        if wanted not in (None, new.terms):
            return f"t{number}:{lo}-{hi} is put under other terms than the serials before it"
        wanted = new.terms
    return hand_flaw(fact, amount) or whole_flaw(book, fact, donation, fund)


def whole_flaw(book: Book, fact: Fact, name: str | None, *funds: str) -> str:
    """Why what is moved is not all of a donation that is at places of the funds by `on`; "" if none is named."""
    if name is None:
        return ""
    donation = book.donation(name, fact.seq)
    if donation is None:
        return f"donation {shown(name)} is not known"
    everything = Demand(MAX_INTEGER, dict.fromkeys(book.fund_places(*funds), ""), within=book.issued(donation))
    ranges = as_one([(number, lo, hi, "", "") for number, lo, hi, _, _ in book.pick(everything, fact.on)])
    if as_one([(number, lo, hi, "", "") for number, lo, hi, _, _ in fact.moves]) == ranges:
        return ""
    there = ", ".join(f"t{number}:{lo}-{hi}" for number, lo, hi, _, _ in ranges) or "nothing"
    return f"of donation {shown(name)} {there[:200]} is there to be moved"


def judge_serials_substituted(book: Book, fact: Fact, pieces: Pieces) -> str:
    """`fund/F…` -> P and as much P -> home, by hand; the terms in force allow the case at P what comes in."""
    name, amount = fact.body
    if name not in book.cases:
        return f"case {shown(name)} is not open"
    incoming = outgoing = 0
    places, funds = set[str](), set[str]()
    for (number, lo, hi, source, target), parts in zip(fact.moves, pieces, strict=True):
        left, to = parse_place(source), parse_place(target)
        if left.kind == "fund" and to.kind in ("case", "hospital", "used") and to.case == name:
            incoming += hi - lo
            funds.add(left.fund)
            places.add(target)
            refused = book.refusal(book.terms(number, source), name, to.hospital, fact.on)
            if refused:
                return f"t{number}:{parts[0][0]}-{hi} {refused}"
        elif left.kind in ("case", "hospital", "used") and left.case == name and is_home(target):
            outgoing += hi - lo
            places.add(source)
        else:
            return f"this SerialsSubstituted does not move money from {shown(source)} to {shown(target)}"
    if len(places) > 1 or len(funds) > 1:
        return f"serials are substituted between {' and '.join(sorted(map(shown, places | funds)))[:200]}"
    if (incoming, outgoing) != (amount, amount):
        return f"{incoming} comes in and {outgoing} goes out for an amount of {amount}"
    return hand_flaw(fact)


def judge_expense_made(book: Book, fact: Fact, pieces: Pieces) -> str:
    """`fee/F`, or of `fund/F…` own and unrestricted money within its days -> `cost/F/K`."""
    fund, kind, amount, source = fact.body

    def refuses(terms: Tape) -> str:
        if terms.nature != "own" or terms.restriction:
            return "is agency money or restricted, and pays no expense"
        return days_refusal(terms, fact.on)

    cost = f"cost/{escape(fund)}/{kind}"
    if source == "fee":
        return picking_flaw(book, fact, pieces, Demand(amount, {f"fee/{escape(fund)}": cost}))
    return picking_flaw(book, fact, pieces, Demand(amount, dict.fromkeys(book.fund_places(fund), cost), refuses))


def judge_money_held(book: Book, fact: Fact, _: Pieces) -> str:
    """`fund/F…` -> `hold/X`, by hand."""
    hold, amount, donation = fact.body
    for source, target in (move[3:] for move in fact.moves):
        if parse_place(source).kind != "fund" or target != f"hold/{escape(hold)}":
            return f"this MoneyHeld does not move money from {shown(source)} to {shown(target)}"
    return hand_flaw(fact, amount) or whole_flaw(book, fact, donation, *sorted(book.funds))


def judge_hold_lifted(_book: Book, fact: Fact, _: Pieces) -> str:
    """`hold/X` -> home, by hand."""
    hold, amount = fact.body
    for source, target in (move[3:] for move in fact.moves):
        if source != f"hold/{escape(hold)}" or not is_home(target):
            return f"this HoldLifted does not move money from {shown(source)} to {shown(target)}"
    return hand_flaw(fact, amount)


def judge_entry_reversed(book: Book, fact: Fact, _: Pieces) -> str:
    """The moves of an earlier entry of the stream turned round, its issues to `void`, if nothing rests on it."""
    seq, stream = fact.body
    entry = next((one for one in book.find(stream) if one.seq == seq < fact.seq), None)
    if entry is None:
        return f"entry {seq}, which is reversed, does not come before on stream {shown(stream)}"
    if seq in book.reversed:
        return f"entry {seq} was reversed already, by entry {book.reversed[seq]}"
    book.reversed[seq] = fact.seq
    attribution = book.attributed.get(stream.removeprefix("donation/")) if entry.is_donation else None
    logged = book.logged(seq)
    if logged is None:
        issue = tuple((number, lo, hi, book.tapes[number].start_place) for number, lo, hi in entry.issue)
        logged = Logged(seq, "", None, issue, ())
    flaw = "" if attribution is None else f"entry {attribution}, which stands, says whose {shown(stream)} is"
    if logged.type in ("EntryReversed", "CaseClosed"):
        flaw = f"entry {seq} is of type {logged.type}, which is never reversed"
    elif not (logged.issue or logged.moves or logged.type in UNMOVING):
        flaw = f"entry {seq} moved no money that could come back"
    later = book.standing_move(logged)
    if later is not None:
        flaw = flaw or f"entry {later}, which stands, moved what entry {seq} had moved"
    right = [(number, lo, hi, to, source) for number, lo, hi, source, to in logged.moves]
    right += [(number, lo, hi, to, "void") for number, lo, hi, to in logged.issue]
    undo = FACTS[logged.type].undo if logged.type in FACTS else None
    undone = undo(book, logged.body) if undo else ""
    undone = book.undo_cash(fact, logged) or undone
    flaw = flaw or undone or hand_flaw(fact) or other_flaw(fact, as_one(right), f"the reversal of entry {seq}")
    return flaw or ("" if fact.on else "an entry is reversed without a posting date (on)")


def judge_account_opened(book: Book, fact: Fact, _: Pieces) -> str:
    """Opens the account."""
    account, kind = fact.body
    book.accounts[account] = kind
    return no_money(fact)


def judge_receipt_suspended(book: Book, fact: Fact, _: Pieces) -> str:
    """Money that is owed from now on, on accounts that are open; its legs are judged with all others'."""
    name, amount = fact.body
    book.suspended[name] = (amount, 0, fact.on)
    return no_money(fact) or accounts_flaw(book, fact) or book.owe(fact, name, amount)


def judge_suspense_repaid(book: Book, fact: Fact, _: Pieces) -> str:
    """At most what is left."""
    name, amount = fact.body
    return no_money(fact) or accounts_flaw(book, fact) or book.owe(fact, name, -amount)


def accounts_flaw(book: Book, fact: Fact) -> str:
    """Why a fact that must name accounts does not, "" if it does."""
    if not fact.on:
        return f"a {fact.type} has no posting date (on)"
    if not book.accounts or not fact.cash or not fact.cash[2]:
        return f"a {fact.type} names no account that is open"
    return ""


def judge_lines_matched(book: Book, fact: Fact, _: Pieces) -> str:
    """Lines of open accounts and legs that come to the same. That nothing is taken twice is judged at the end."""
    _, lines, legs = fact.body
    come, booked = sum(line[4] for line in lines), sum(leg[3] for leg in legs)
    moved: Counter[str] = Counter()
    for account, *_, part in lines:
        moved[account] += part
    for _, _, account, part in legs:
        moved[account] -= part
    changes = tuple((account, amount) for account, amount in moved.items() if amount)
    if changes:
        book.taken[fact.seq] = (max(line[2] for line in lines)[:7], changes)
        book.shift(fact.seq, 1)
    if come != booked:
        return f"its lines come to {come}, its legs to {booked}"
    if not legs and len(lines) < 2:
        return "a line is matched with nothing"
    return lines_flaw(book, fact)


def judge_lines_set_aside(book: Book, fact: Fact, _: Pieces) -> str:
    """Lines of open accounts; a write-off takes two persons."""
    if fact.type == "LinesWrittenOff" and not fact.body[3]:
        return "a line is written off without a second person's approval"
    return lines_flaw(book, fact)


def lines_flaw(book: Book, fact: Fact) -> str:
    """Why the lines are not open accounts', "" if they are."""
    for account, *_ in fact.body[1]:
        if account not in book.accounts:
            return f"account {shown(account)} is not open"
    return no_money(fact)


def judge_lines_unmatched(book: Book, fact: Fact, _: Pieces) -> str:
    """Undoes what stands."""
    made = next((one for one in book.find(f"match/{fact.body}") if one.seq < fact.seq), None)
    if made is None:
        return f"there is no match {shown(fact.body)}"
    if made.seq in book.unmatched:
        return f"match {shown(fact.body)} was undone already, by entry {book.unmatched[made.seq]}"
    book.unmatched[made.seq] = fact.seq
    book.shift(made.seq, -1)
    return no_money(fact)


def judge_period_closed(book: Book, fact: Fact, _: Pieces) -> str:
    """A month that is over, later than any that is closed, with just the figures that the entries come to."""
    period, through, totals, books, suspense, elsewhere, size, root, by_two = fact.body
    right, flaw = book.cash_position(period), no_money(fact)
    if not by_two:
        flaw = flaw or f"{period} is closed without a second person's approval"
    if through[:7] != period or is_day(f"{period}-{int(through[8:]) + 1:02}"):
        flaw = flaw or f"the last day of {period} is not {through}"
    elif through >= book.local_day(fact.at):
        flaw = flaw or f"{period} is closed before it is over"
    elif book.closes and through <= book.closes[-1][1]:
        flaw = flaw or f"{period} is closed already"
    expected = book.by_kind(period)
    if totals != tuple((*key, expected[key]) for key in sorted(expected)):
        wrong = next((one for one in totals if expected.get(one[:2]) != one[2]), None)
        which = "others than there are" if wrong is None else f"{wrong[2]} at {wrong[0]} of fund {shown(wrong[1])}"
        flaw = flaw or f"the totals of {period} say {which}, and are not what the entries come to"
    if books != tuple(sorted(right["accounts"].items())):
        flaw = flaw or f"the accounts' books at the end of {period} are not what the entries come to"
    if (suspense, elsewhere) != (right["suspense"], right["elsewhere"]):
        flaw = flaw or f"suspense or what is elsewhere at the end of {period} is not what the entries come to"
    if not 0 < size <= fact.seq:
        flaw = flaw or f"it rests on a head of {size} entries, which were not there"
    else:
        book.rests.append((size, root, fact.seq))
    book.closes.append((period, through))
    return flaw


def judge_period_reopened(book: Book, fact: Fact, _: Pieces) -> str:
    """The last period that is closed, by two persons."""
    period, by_two = fact.body
    if not book.closes or book.closes[-1][0] != period:
        return f"{period} is not the last period that is closed"
    book.closes.pop()
    return no_money(fact) if by_two else f"{period} is opened again without a second person's approval"


def undo_outlay(noun: str, book: Book, body: Any) -> str:
    """An allocation, payment or grant is reversed."""
    return book.undo_outlay(f"{noun}/{body[0]}")


def undo_brought_forward(book: Book, body: Any) -> str:
    """An opening balance at a case or hospital is reversed."""
    donation, _, _, hospital, lines = body
    return book.undo_outlay(f"{'payment' if hospital else 'allocation'}/{donation}") if lines else ""


def undo_return(book: Book, body: Any) -> str:
    """Money that came back of an allocation, payment or grant is out again."""
    return book.undo_return(*body[:4])


def undo_attribution(book: Book, body: Any) -> str:
    """The donation is nobody's again."""
    book.attributed.pop(body, None)
    return ""


Read = Callable[[Data], Body]
Judge = Callable[[Book, Fact, Pieces], str]


@dataclass(frozen=True, slots=True)
class Rules:
    """One kind of fact. `read` works on the entry alone, `judge` on the book before it.

    `own`: the member that must be the id of the stream `noun/id`, or without a noun the stream itself; with `makes`,
    this fact makes that id, so it must be the stream's first entry. Without `own` the fact is the ledger's own.
    With `basis` it must say on what it rests. `undo` takes the body of an entry that is reversed out of the book and
    says why it may not be, "" if it may; where its money goes is judged elsewhere.
    """

    read: Read
    judge: Judge
    noun: str = ""
    own: str = ""
    makes: bool = False
    basis: bool = False
    undo: Callable[[Book, Any], str] | None = None


def making(noun: str, read: Read, judge: Judge, **more: Any) -> Rules:
    """The rules of a fact that makes what its stream is named after."""
    return Rules(read, judge, noun, noun, makes=True, **more)


def about(noun: str, read: Read, judge: Judge, **more: Any) -> Rules:
    """The rules of a fact about what is there already, on its stream."""
    return Rules(read, judge, noun, noun, **more)


FACTS: dict[str, Rules] = {
    "LedgerOpened": Rules(read_ledger_opened, judge_ledger_opened),
    "KeyRotated": Rules(read_key_rotated, judge_key_rotated),
    "FundOpened": making("fund", read_fund_opened, judge_fund_opened),
    "TapeOpened": about("fund", read_tape_opened, judge_tape_opened),
    "HospitalRegistered": making("hospital", read_hospital_registered, judge_hospital_registered),
    "CodeDefined": Rules(read_code_defined, judge_code_defined),
    "CaseOpened": making("case", read_case_opened, judge_case_opened),
    "CaseAmended": about("case", read_case_amended, judge_case_amended),
    "CaseClosed": about("case", read_case_closed, judge_case_closed),
    "CaseReopened": about("case", read_case_reopened, judge_case_reopened),
    "SubjectRestricted": Rules(read_subject, judge_subject, own="subject", makes=False),
    "SubjectErased": Rules(read_subject, judge_subject, own="subject", makes=False),
    "DonationReceived": making("donation", read_donation_received, judge_donation_received),
    "BalanceBroughtForward": making(
        "donation", read_balance_brought_forward, judge_balance_brought_forward, basis=True, undo=undo_brought_forward
    ),
    "DonationAttributed": about("donation", read_donation_attributed, judge_donation_attributed, undo=undo_attribution),
    "AllocationMade": making(
        "allocation", read_allocation_made, judge_allocation_made, undo=partial(undo_outlay, "allocation")
    ),
    "AllocationReleased": about("allocation", read_allocation_released, judge_allocation_released, undo=undo_return),
    "HospitalPaymentMade": making(
        "payment", read_hospital_payment_made, judge_hospital_payment_made, undo=partial(undo_outlay, "payment")
    ),
    "HospitalPaymentReturned": about(
        "payment", read_hospital_payment_returned, judge_hospital_payment_returned, undo=undo_return
    ),
    "TreatmentSettled": making("settlement", read_treatment_settled, judge_treatment_settled),
    "CashGranted": making("grant", read_cash_granted, judge_cash_granted, undo=partial(undo_outlay, "grant")),
    "GrantReturned": about("grant", read_grant_returned, judge_grant_returned, undo=undo_return),
    "DonationRefunded": making("refund", read_donation_refunded, judge_donation_refunded),
    "FundsTransferred": making("transfer", read_funds_transferred, judge_funds_transferred, basis=True),
    "TermsChanged": about("fund", read_terms_changed, judge_terms_changed, basis=True),
    "SerialsSubstituted": about("case", read_serials_substituted, judge_serials_substituted, basis=True),
    "ExpenseMade": making("expense", read_expense_made, judge_expense_made),
    "MoneyHeld": making("hold", read_money_held, judge_money_held),
    "HoldLifted": about("hold", read_hold_lifted, judge_hold_lifted),
    "AccountOpened": making("account", read_account_opened, judge_account_opened),
    "ReceiptSuspended": making("suspense", read_suspended, judge_receipt_suspended),
    "SuspenseRepaid": about("suspense", read_suspended, judge_suspense_repaid),
    "LinesMatched": making("match", read_lines_matched, judge_lines_matched),
    "LinesWrittenOff": making("match", read_lines_written_off, judge_lines_set_aside),
    "LinesDisputed": making("match", read_lines_set_aside, judge_lines_set_aside),
    "LinesUnmatched": about("match", read_lines_unmatched, judge_lines_unmatched),
    "PeriodClosed": about("period", read_period_closed, judge_period_closed),
    "PeriodReopened": about("period", read_period_reopened, judge_period_reopened),
    "EntryReversed": Rules(read_entry_reversed, judge_entry_reversed, own="record"),
}
"""Every kind of fact this verifier knows, by the type of its entries."""
UNMOVING = ("DonationAttributed", "ReceiptSuspended", "SuspenseRepaid")
"""Facts that may be reversed though they move no serials."""
TAKING = ("LinesMatched", "LinesWrittenOff", "LinesDisputed")
"""Facts that take parts of statements' lines."""


# ---------------------------------------------------------------------------------------------------------------------
# What must not occur twice: noted on disk, judged at the end
# ---------------------------------------------------------------------------------------------------------------------

SPILL_BYTES = 8 << 20


class Spill:
    """Records that begin with a digest, in PARTITIONS parts by it, each in the order of the entries; on disk once they
    outgrow SPILL_BYTES.

    A context manager: the files are gone when it ends. Raises OSError when the disk does not take them.
    """

    def __init__(self, record: struct.Struct, folder: str | Path | None) -> None:
        self._record = record
        self._folder = folder
        self._temporary: tempfile.TemporaryDirectory[str] | None = None
        self._held: list[Sequence[bytes]] = []  # records by partition, as they came
        self._size = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        if self._temporary is not None:
            self._temporary.cleanup()

    def add(self, records: Sequence[bytes]) -> None:
        """Append to each partition its records."""
        if size := sum(map(len, records)):
            self._held.append(records)
            self._size += size
        if self._size > SPILL_BYTES:
            self._flush()

    def parts(self) -> list[bytes | str]:
        """Each partition: its bytes, or the path of its file."""
        if self._temporary is None:
            return [self._in_memory(partition) for partition in range(PARTITIONS)]
        self._flush()
        return [self._path(partition) for partition in range(PARTITIONS)]

    def find(self, digest: bytes) -> Iterator[tuple[Any, ...]]:
        """The records that begin with the digest, in order. Reads the whole part: for few questions."""
        partition, size = digest[0] % PARTITIONS, self._record.size
        on_disk = load(self._path(partition)) if self._temporary else b""
        for part in (on_disk, self._in_memory(partition)):
            at = part.find(digest)
            while at >= 0:
                if at % size == 0:
                    yield self._record.unpack_from(part, at)
                at = part.find(digest, at + 1)

    def _path(self, partition: int) -> str:
        assert self._temporary is not None
        return str(Path(self._temporary.name) / f"{partition:02d}")

    def _flush(self) -> None:
        if self._temporary is None:
            self._temporary = tempfile.TemporaryDirectory(prefix="verify-", dir=self._folder)
        for partition in range(PARTITIONS):
            with Path(self._path(partition)).open("ab") as file:
                file.write(self._in_memory(partition))
        self._held.clear()
        self._size = 0

    def _in_memory(self, partition: int) -> bytes:
        return b"".join([records[partition] for records in self._held])


def load(part: bytes | str) -> bytes:
    """A partition's bytes, of which the path may be given."""
    return part if isinstance(part, bytes) else Path(part).read_bytes()


Found = list[tuple[int, str]]
"""What is wrong at which entries."""


def check_versions(part: bytes | str, judged: int) -> Found:
    """Where versions are not 1, 2, 3, ... along a stream, as (seq, what), at most MAX_PROBLEMS.

    `part` is one partition of version records; entries from `judged` on are left out.
    """
    problems: list[tuple[int, str]] = []
    last: dict[bytes, int] = {}
    for stream, seq, version in VERSION_RECORD.iter_unpack(load(part)):
        if seq >= judged or len(problems) == MAX_PROBLEMS:
            break
        expected = last.get(stream, 0) + 1
        if version != expected:
            problems.append((seq, f"version is {version} where {expected} comes next on its stream"))
        last[stream] = version
    return problems


def check_claims(part: bytes | str, judged: int, reversals: dict[int, int]) -> Found:
    """Where a gift's business key is used while it is not free, as (seq, what), at most MAX_PROBLEMS.

    A key is free again from the entry on that reversed the one which holds it: `reversals` is Book.reversed.
    """
    problems: list[tuple[int, str]] = []
    held: dict[bytes, int] = {}
    for key, seq in CLAIM_RECORD.iter_unpack(load(part)):
        if seq >= judged or len(problems) == MAX_PROBLEMS:
            break
        first = held.setdefault(key, seq)
        if reversals.get(first, seq) < seq:
            held[key] = seq
        elif first != seq:
            problems.append((seq, f"its business key is in use since entry {first}"))
    return problems


NEVER = 2**63


def check_legs(
    part: bytes | str, uses: bytes | str, judged: int, reversed_by: dict[int, int], undone: dict[int, int]
) -> Found:
    """Where a cash leg is matched that is none, or that is taken, or whose entry does not stand, as (seq, what).

    `part` is a partition of leg records, `uses` the same one of leg uses; `reversed_by` is Book.reversed, `undone`
    Book.unmatched.
    """
    problems: Found = []
    taken: dict[tuple[bytes, int], list[tuple[int, int]]] = {}
    asked = [use for use in LEG_USE_RECORD.iter_unpack(load(uses)) if use[3] < judged]
    wanted = {use[0] for use in asked}
    records = LEG_RECORD.iter_unpack(load(part)) if wanted else ()
    legs = {(key, leg): (amount, account) for key, leg, sort, amount, account in records if sort and key in wanted}
    for key, leg, amount, match, account in asked:
        seq = int.from_bytes(key, "little")
        known, name = legs.get((key, leg)), f"cash leg {leg} of entry {seq}"
        if known is None or seq >= match:
            problems.append((match, f"{name} is matched, which is none"))
            continue
        if known[1] != account:
            problems.append((match, f"{name} is matched on an account that it is not on"))
        over = reversed_by.get(seq, NEVER)
        if over < match:
            problems.append((match, f"{name} is matched, but entry {over} reversed it"))
        elif over < undone.get(match, NEVER):
            problems.append((over, f"entry {seq} is reversed, which entry {match} matched"))
        others = taken.setdefault((key, leg), [])
        if is_beyond(known[0], amount, match, others, undone):
            problems.append((match, f"{name} is matched beyond what is open of it"))
        others.append((match, amount))
    return problems[:MAX_PROBLEMS]


def check_lines(uses: bytes | str, judged: int, undone: dict[int, int]) -> Found:
    """Where a part of a statement's line is taken that is not open, or the line is said to be another than before."""
    problems: Found = []
    said: dict[bytes, tuple[int, bytes]] = {}
    taken: dict[bytes, list[tuple[int, int]]] = {}
    for line, part, all_of_it, match, account in LINE_USE_RECORD.iter_unpack(load(uses)):
        if match >= judged:
            break
        if said.setdefault(line, (all_of_it, account)) != (all_of_it, account):
            problems.append((match, "a line of a statement is said to be another than before"))
        others = taken.setdefault(line, [])
        if is_beyond(all_of_it, part, match, others, undone):
            problems.append((match, "a line of a statement is taken beyond what is open of it"))
        others.append((match, part))
    return problems[:MAX_PROBLEMS]


def is_beyond(whole: int, part: int, match: int, others: list[tuple[int, int]], undone: dict[int, int]) -> bool:
    """Whether a part is more than is open of the whole when it is taken, or of the other sign."""
    standing = sum(amount for other, amount in others if undone.get(other, NEVER) > match)
    return part * whole <= 0 or abs(standing + part) > abs(whole)


def check_rests(leaves: IO[bytes], rests: list[tuple[int, str, int]]) -> Found:
    """Where a closing rests on another root than that of as many entries; `leaves` are the hashes of all, `rests` is
    Book.rests."""
    problems: Found = []
    tree = Tree()
    leaves.seek(0)
    for size, root, seq in sorted(rests):
        while tree.end < size:
            some = leaves.read(min(size - tree.end, SPILL_BYTES // HASH_BYTES) * HASH_BYTES)
            assert some, "a closing rests on entries before it"
            tree.extend(some)
        if tree.root().hex() != root:
            problems.append((seq, f"it rests on a head of {size} entries with another root than they have"))
    return problems[:MAX_PROBLEMS]


# ---------------------------------------------------------------------------------------------------------------------
# The history: chain and laws, in order
# ---------------------------------------------------------------------------------------------------------------------

# One entry gets one sentence: the reason of the lowest rank.
BYTES, CHAIN, LAW, RECORD = range(4)
KINDS_ZH = ("字节或格式不合规定", "哈希链断开", "违反账本规则", "版本号或业务键有误")


class Spills(NamedTuple):
    """What is noted on disk: entries' versions, gifts' business keys, cash legs, parts of legs and of lines that are
    taken."""

    records: Spill
    claims: Spill
    legs: Spill
    leg_uses: Spill
    line_uses: Spill


SPILLED = (ENTRY_RECORD, CLAIM_RECORD, LEG_RECORD, LEG_USE_RECORD, LINE_USE_RECORD)


@dataclass(slots=True)
class Group:
    """A fact of several entries that is not complete yet."""

    start: int
    fact: Fact
    moves: list[Move]
    last: Part


class History:
    """Takes the readings of all chunks in order; `problems` and `judged` grow as it goes."""

    def __init__(self, codec: Codec, spills: Spills, tree: Tree, leaf_file: IO[bytes]) -> None:
        self.codec = codec
        self.spills = spills
        self.leaf_file = leaf_file  # the leaf hashes of all entries
        self.book = Book(self.find, lambda seq: spills.legs.find(seq.to_bytes(8, "little")))
        self.tree = tree
        self.entries = 0
        self.unknown: dict[str, int] = {}
        self.problems: dict[int, tuple[int, str]] = {}
        self.origin: str | None = None
        self.others: set[str] = set()  # origins
        self.last_at = ""
        # The last two leaf hashes; before entry 0 stands SHA-256 of "".
        self.leaves = ("", sha256(b"").hexdigest())
        self.offset = 0  # claimed seq less position, where entries are missing or too many
        self.disturbed = False  # from a wrong seq until an entry follows its predecessor again
        self.first_break: int | None = None
        self.lost: int | None = None  # the position from which nothing can be judged
        self.group: Group | None = None

    def note(self, seq: int, rank: int, what: str) -> None:
        """Keep a problem; of several at one entry the most fundamental, of very many the first."""
        if seq in self.problems:
            self.problems[seq] = min(self.problems[seq], (rank, what), key=lambda known: known[0])
            return
        if len(self.problems) == 2 * MAX_PROBLEMS:
            if (last := max(self.problems)) < seq:
                return
            del self.problems[last]
        self.problems[seq] = (rank, what)

    def lose(self, seq: int) -> None:
        """From `seq` on, laws, versions and business keys cannot be judged."""
        self.lost = seq if self.lost is None else min(self.lost, seq)

    def add(self, chunk: Chunk, reading: Reading) -> None:
        """The next chunk and what was read of it."""
        start = chunk.start
        assert start == reading.start == self.entries, "chunks come in order"
        if reading.first_at is not None and reading.first_at[1] < self.last_at:
            seq, at = reading.first_at
            self.note(seq, BYTES, f"at goes back: {at} after {self.last_at}")
        self.last_at = reading.last_at or self.last_at
        for seq, what in reading.notes:
            self.note(seq, BYTES, what)
        self.add_origins(reading)
        self.add_links(reading)
        noted = (reading.entries, reading.claims, reading.legs, reading.leg_uses, reading.line_uses)
        for spill, records in zip(self.spills, noted, strict=True):
            spill.add(records)
        if self.lost is None or self.lost > start:
            self.add_facts(chunk, reading)
        for kind, number in reading.unknown.items():
            self.unknown[kind] = self.unknown.get(kind, 0) + number
        self.leaf_file.write(reading.leaves)
        self.tree.foresee(reading.leaves)
        for level, value in reading.nodes:
            self.tree.add(level, value)
        self.entries += chunk.entries
        if chunk.flaw:
            self.note(self.entries, BYTES, chunk.flaw)
            self.lose(self.entries)

    # The chain

    def add_links(self, reading: Reading) -> None:
        """Seq and prev of each entry against the entries before it."""
        for index, (claimed, prev) in enumerate(reading.links):
            leaf = reading.leaves[32 * index : 32 * index + 32].hex()
            self.link(reading.start + index, claimed, prev, leaf)
            self.leaves = (self.leaves[1], leaf)
        if len(reading.leaves) > 32 and len(reading.links) == 1:
            self.leaves = (reading.leaves[-64:-32].hex(), reading.leaves[-32:].hex())
            self.disturbed = False

    def link(self, position: int, claimed: int, prev: str, leaf: str) -> None:
        """Judge one link and name the entry at which things go wrong."""
        expected = position + self.offset
        last = self.leaves[1]
        if claimed == -1:
            self.first_break = position if self.first_break is None else self.first_break
            self.lose(position)
        elif claimed != expected:
            if not self.disturbed:
                self.misplaced(position, claimed, expected, prev, leaf)
            self.disturbed = True
            self.offset = claimed - position
            self.lose(position)
        elif prev == last:
            self.disturbed = False
        elif not self.disturbed:
            # Whose fault is it? A field that still resembles the hash was changed itself.
            if position == 0:
                self.broken(0, "prev of entry 0 is not the SHA-256 of nothing")
            elif sum(a == b for a, b in zip(prev, last, strict=True)) >= 32:
                self.broken(position, "prev is not the leaf hash of the entry before it")
            elif self.is_odd(position - 1):
                self.broken(position - 1, "")
            else:
                self.broken(position - 1, f"its leaf hash differs from prev of entry {position}: it was changed")

    def is_odd(self, seq: int) -> bool:
        """Whether something besides laws is known to be wrong there; laws are judged some way behind the chain."""
        return seq in self.problems and self.problems[seq][0] <= CHAIN

    def broken(self, seq: int, what: str) -> None:
        """A link is broken by what entry `seq` says; it is there all the same, so that judging goes on."""
        self.first_break = seq if self.first_break is None else min(self.first_break, seq)
        if what:
            self.note(seq, CHAIN, what)

    def misplaced(self, position: int, claimed: int, expected: int, prev: str, leaf: str) -> None:
        """An entry has the wrong seq: was one inserted, doubled, deleted or moved?"""
        before_last, last = self.leaves
        if leaf == last:
            self.broken(position, f"entry {position - 1} stands here a second time")
        elif claimed == expected - 1 and prev == before_last and not self.is_odd(position - 1):
            self.broken(
                position - 1, f"an entry is inserted here: the next one has seq {claimed} and follows on without"
            )
        else:
            self.broken(position, f"seq is {claimed} where {expected} comes next: an entry is missing or out of place")

    def add_origins(self, reading: Reading) -> None:
        """The origin never changes; another one is named where it stands first."""
        first = reading.facts[0] if reading.start == 0 and reading.facts else None
        if first is not None:
            opening = Fact._make(first)
            if opening.type == "LedgerOpened":
                self.origin = opening.body[0]
        for origin, seq in reading.origins.items():
            self.origin = origin if self.origin is None else self.origin
            if origin != self.origin and origin not in self.others and len(self.others) < MAX_PROBLEMS:
                self.others.add(origin)
                self.note(seq, BYTES, f"origin is {shown(origin)}, not that of the ledger, {shown(self.origin)}")

    # The laws

    def find(self, stream: str) -> Iterator[Entered]:
        """See `Book.find`; entries that are not folded yet may be among them."""
        for _, seq, _, flags, tape, lo, hi, tape2, lo2, hi2 in self.spills.records.find(short_digest(stream.encode())):
            issue = tuple(one for one in ((tape, lo, hi), (tape2, lo2, hi2)) if one != NO_ISSUE)
            yield Entered(seq, bool(flags & IS_DONATION), bool(flags & HAS_DONOR), issue)

    def add_facts(self, chunk: Chunk, reading: Reading) -> None:
        """Fold the facts of a chunk, as far as they can be judged."""
        position = reading.start
        singly: list[Any] = []
        for item in reading.facts:
            if type(item) is list:
                position += item[0]
                intact = self.group is None and (self.lost is None or position <= self.lost)
                if not intact or not self.book.take_gifts(item):
                    if not singly:
                        singly = Reading(*read_chunk(chunk.start, chunk.data, self.codec, express=False)).facts
                    first = position - item[0]
                    self.add_singly(first, singly[first - chunk.start : position - chunk.start])
            else:
                self.add_singly(position, [item])
                position += 1

    def add_singly(self, position: int, facts: Iterable[Any]) -> None:
        """Fold facts one by one from a position on, until something is lost."""
        for packed in facts:
            if self.lost is not None and position >= self.lost:
                return
            if packed is None:
                self.lose(position)
                return
            self.fold(position, Fact._make(packed))
            position += 1

    def fold(self, position: int, fact: Fact) -> None:
        """Settle a fact, or gather the parts of one until it is whole."""
        if (fact.type == "LedgerOpened") != (position == 0):
            self.note(position, LAW, "LedgerOpened is entry 0, and only entry 0")
            if position == 0:
                self.lose(0)
            return
        part = None if fact.part is None else Part._make(fact.part)
        group = self.group
        if group is None:
            if part is None:
                self.settle(position, fact)
                return
            if part.part != 1:
                self.note(position, LAW, f"part {part.part} of a fact stands without part {part.part - 1}")
                self.lose(position)
                return
            group = self.group = Group(position, fact, [], part)
        elif part is None or fact.type != group.fact.type or not self.follows(group, part, fact.at):
            self.note(position, LAW, f"part {group.last.part + 1} of the fact of entry {group.start} is missing here")
            self.lose(position)
            return
        assert part is not None
        group.moves += fact.moves
        group.last = part
        if part.last:
            self.group = None
            self.book.groups.append((group.start, position))
            self.settle(group.start, group.fact._replace(moves=tuple(group.moves)))

    @staticmethod
    def follows(group: Group, part: Part, at: str) -> bool:
        """Whether the part is the next one of the group."""
        before = group.last
        return (
            (part.part, part.version, part.stream) == (before.part + 1, before.version + 1, before.stream)
            and part.of == group.start
            and at == group.fact.at
        )

    def settle(self, position: int, fact: Fact) -> None:
        """Judge a whole fact. After a broken link the first breach ends the judging: more would follow from it."""
        try:
            flaw = self.book.settle(fact)
        except Flaw as impossible:
            self.note(position, LAW, str(impossible))
            self.lose(position)
            return
        if flaw:
            self.note(position, LAW, flaw)
            if self.first_break is not None and position > self.first_break:
                self.lose(position + 1)

    def close(self, check: Callable[[Callable[..., Any], list[tuple[Any, ...]]], Iterator[Any]], way: Way) -> Report:
        """The report. `check` maps a function over argument tuples, perhaps in other processes."""
        if self.group is not None and (self.lost is None or self.lost >= self.entries):
            self.note(self.group.start, LAW, "the fact that begins here never ends: its last part is missing")
            self.lose(self.group.start)
        if not self.entries and not self.problems:
            self.note(0, BYTES, "there is no entry 0")
        judged = self.entries if self.lost is None else min(self.lost, self.entries)
        problems = dict(self.problems)
        legs = zip(self.spills.legs.parts(), self.spills.leg_uses.parts(), strict=True)
        works: list[tuple[Callable[..., Found], Iterable[tuple[Any, ...]], tuple[Any, ...]]] = [
            (way.check_versions, zip(self.spills.records.parts()), ()),
            (way.check_claims, zip(self.spills.claims.parts()), (self.book.reversed,)),
            (check_legs, legs, (self.book.reversed, self.book.unmatched)),
            (check_lines, zip(self.spills.line_uses.parts()), (self.book.unmatched,)),
        ]
        for work, parts, more in works:
            for found in check(work, [(*part, judged, *more) for part in parts if part[-1] != b""]):
                for seq, what in found:
                    problems.setdefault(seq, (RECORD, what))
        for seq, what in check_rests(self.leaf_file, self.book.rests):
            problems.setdefault(seq, (RECORD, what))
        return Report(
            entries=self.entries,
            root=self.tree.root().hex(),
            head=self.leaves[1] if self.entries else "",
            problems=tuple(
                Problem(seq, what, f"{KINDS_ZH[rank]}（{what}）")
                for seq, (rank, what) in sorted(problems.items())[:MAX_PROBLEMS]
            ),
            judged=judged,
            unknown_types=dict(sorted(self.unknown.items())),
            tapes={number: tape.end for number, tape in self.book.tapes.items()},
            _book=self.book,
        )


# ---------------------------------------------------------------------------------------------------------------------
# Several processes
# ---------------------------------------------------------------------------------------------------------------------

POOL_FROM_ENTRIES = 8_192


class Way(NamedTuple):
    """How entries are read: by this file's own functions, or by others that say the same."""

    read: Reader = read_chunk
    walk: Walk = walked
    check_versions: Callable[[bytes | str, int], Found] = check_versions
    check_claims: Callable[[bytes | str, int, dict[int, int]], Found] = check_claims
    entries: int = CHUNK_ENTRIES  # in a chunk
    enough: int = CHUNK_BYTES
    alone: bool = False  # one process is done before others could be told


PLAINLY = Way()


class Workers:
    """Maps pure functions over arguments in order, in other processes or, without any, here.

    Processes are never forked from this one, which may hold threads and connections. When one dies, what it had is
    done here, and so is everything after it: the result is the same.
    """

    def __init__(self, jobs: int) -> None:
        self._jobs = jobs
        self._pool: ProcessPoolExecutor | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._stop()

    def start(self) -> bool:
        """Start the processes if there are to be any; whether there are."""
        if self._jobs > 1:
            methods = multiprocessing.get_all_start_methods()
            context = multiprocessing.get_context("forkserver" if "forkserver" in methods else "spawn")
            self._pool = ProcessPoolExecutor(self._jobs, mp_context=context)
        return self._pool is not None

    def map(self, work: Callable[..., Any], arguments: Iterable[tuple[Any, ...]]) -> Iterator[Any]:
        """`work(*a)` for each a, in order; a few are under way at a time, so that memory stays flat."""
        window = 3 * self._jobs if self._pool is not None else 1
        pending: deque[tuple[tuple[Any, ...], Future[Any] | None]] = deque()
        for these in arguments:
            pending.append((these, self._submit(work, these)))
            if len(pending) >= window:
                yield self._outcome(work, *pending.popleft())
        while pending:
            yield self._outcome(work, *pending.popleft())

    def _submit(self, work: Callable[..., Any], these: tuple[Any, ...]) -> Future[Any] | None:
        if self._pool is None:
            return None
        try:
            return self._pool.submit(work, *these)
        except BrokenProcessPool:
            self._stop()
            return None

    def _outcome(self, work: Callable[..., Any], these: tuple[Any, ...], future: Future[Any] | None) -> Any:
        if future is not None:
            try:
                return future.result()
            except (BrokenProcessPool, CancelledError):
                self._stop()
        return work(*these)

    def _stop(self) -> None:
        if self._pool is not None:
            pool, self._pool = self._pool, None
            pool.shutdown(wait=True, cancel_futures=True)


def verify(
    bundles: Iterable[bytes],
    *,
    decode: Codec = STRICT,
    way: Way = PLAINLY,
    told: Callable[[Any], None] = lambda aside: None,
    jobs: int = 1,
    progress: Callable[[int], None] | None = None,
    spill_dir: str | Path | None = None,
    tree: Tree | None = None,
) -> Report:
    """Check a whole history from entry 0 on.

    `bundles` are entry bundles in order, each with any number of entries. `decode` is a codec, see `Codec`. `told` is
    called with what the way's reader tells besides, chunk by chunk in order. `jobs` above 1 starts that many processes
    once there are POOL_FROM_ENTRIES entries. `progress` is called with the number of entries read so far. `spill_dir`
    is where temporary files go (about 130 bytes an entry). `tree` is an empty one that grows, and may watch itself
    grow. The report is the same whatever the sizes of the bundles, the codec, the way and the jobs.
    Raises OSError when temporary files cannot be written; whatever is wrong with the entries is in the report, never
    raised.
    """
    with ExitStack() as stack:
        spills = Spills(*(stack.enter_context(Spill(record, spill_dir)) for record in SPILLED))
        workers = stack.enter_context(Workers(jobs))
        leaf_file = stack.enter_context(tempfile.TemporaryFile(dir=spill_dir))
        history = History(decode, spills, Tree() if tree is None else tree, leaf_file)
        chunks = cut(bundles, way.walk, way.entries, way.enough)
        head: list[Chunk] = []
        if jobs > 1:
            for chunk in chunks:
                head.append(chunk)
                if chunk.start + chunk.entries >= POOL_FROM_ENTRIES:
                    break
        work: Callable[..., Any] = way.read
        more: tuple[Any, ...] = ()
        if head and head[-1].start + head[-1].entries >= POOL_FROM_ENTRIES and workers.start():
            work, more = read_packed, (way.read,)
        underway: deque[Chunk] = deque()

        def arguments() -> Iterator[tuple[Any, ...]]:
            for chunk in chain(head, chunks):
                underway.append(chunk)
                yield chunk.start, chunk.data, decode, *more

        for result in workers.map(work, arguments()):
            reading = Reading(*(marshal.loads(result) if isinstance(result, bytes) else result))  # noqa: S302 (ours)
            history.add(underway.popleft(), reading)
            told(reading.aside)
            if progress is not None:
                progress(history.entries)
        return history.close(workers.map, way)


# ---------------------------------------------------------------------------------------------------------------------
# Signed notes (C2SP signed-note, tlog-checkpoint, tlog-cosignature)
# ---------------------------------------------------------------------------------------------------------------------

MAX_NOTE_BYTES = 1_000_000
MAX_SIGNATURES = 16
ED25519, COSIGNATURE = 1, 4  # signature types: the log's own, a witness's with its time
SIZE = re.compile(r"0|[1-9][0-9]{0,18}")


class Key(NamedTuple):
    """A public key of Ed25519 under its name; `kind` is the type of the signatures it makes."""

    name: str
    kind: int
    public: bytes

    @property
    def id(self) -> bytes:
        """The four bytes by which signatures name it."""
        return sha256(self.name.encode() + b"\n" + bytes([self.kind]) + self.public).digest()[:4]

    def __str__(self) -> str:
        return f"{self.name}+{self.id.hex()}+{b64encode(bytes([self.kind]) + self.public).decode()}"

    def signed(self, text: bytes, signature: bytes) -> bool:
        """Whether the signature is this key's, over the text of a note; a cosignature also over its time."""
        if self.kind == COSIGNATURE:
            if len(signature) != 72 or signature[0] & 0x80:
                return False
            text = b"cosignature/v1\ntime %d\n%b" % (int.from_bytes(signature[:8], "big"), text)
            signature = signature[8:]
        return is_signature(self.public, text, signature)


def is_signature(public: bytes, text: bytes, signature: bytes) -> bool:
    """Whether the Ed25519 signature is right (RFC 8032). Raises Unusable without the library."""
    try:
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    except ImportError:
        raise Unusable(
            "核对签名需要 cryptography 库：python -m pip install cryptography",
            "signatures are checked with the library cryptography: python -m pip install cryptography",
        ) from None
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, text)
    except (InvalidSignature, ValueError):
        return False
    return True


def decoded(text: str) -> bytes | None:
    """Standard base64, padded, in its one form; None for anything else."""
    try:
        value = b64decode(text, validate=True)
    except ValueError:
        return None
    return value if b64encode(value).decode() == text else None


def is_key_name(name: str) -> bool:
    """Whether the text can name a key: not empty, no Unicode space, no plus."""
    return name != "" and not any(c == "+" or c.isspace() or unicodedata.category(c)[0] in "CZ" for c in name)


@lru_cache(maxsize=1024)
def read_key(text: str, kind: int = ED25519) -> Key | None:
    """The key that a verifier key (`name+id+base64`) says; None for one that is malformed or of another type."""
    name, _, rest = text.partition("+")
    hexed, _, encoded = rest.partition("+")
    value = decoded(encoded)
    if value is None or len(value) != 33 or value[0] != kind or not is_key_name(name):
        return None
    key = Key(name, kind, value[1:])
    return key if key.id.hex() == hexed else None


class Note(NamedTuple):
    """A note taken apart: its text, and (name, key id, signature) of each line. Nobody has checked it yet."""

    text: bytes
    signatures: tuple[tuple[str, bytes, bytes], ...]

    def signers(self, known: Iterable[Key]) -> set[Key]:
        """Those of the known keys that signed; unknown ones are passed over. Raises Refuted if one's is wrong."""
        keys = {(key.name, key.id): key for key in known}
        found = set()
        for name, key_id, signature in self.signatures:
            key = keys.get((name, key_id))
            if key is None:
                continue
            if not key.signed(self.text, signature):
                raise Refuted(f"其上 {name} 的签名不对", f"the signature of {name} on it is wrong")
            found.add(key)
        return found


class Head(NamedTuple):
    """A signed head (checkpoint): the log's origin, its size, the root over that many entries."""

    origin: str
    size: int
    root: bytes
    note: Note


def refuse_crlf(data: bytes) -> None:
    """Raises Unusable for text whose line ends were changed: the most common way for a file to be damaged."""
    if b"\r\n" in data:
        raise Unusable(
            "换行符是 CRLF：文件在传输中被转换过，请重新取得原件",
            "its lines end in CRLF: it was converted on its way; get the original again",
        )


def read_note(data: bytes) -> Note:
    """A note, exactly as the specification says. Raises Unusable."""
    if len(data) > MAX_NOTE_BYTES:
        raise Unusable(f"超过 {MAX_NOTE_BYTES} 字节，太长", f"it is longer than {MAX_NOTE_BYTES} bytes")
    refuse_crlf(data)
    try:
        content = data.decode()
    except UnicodeDecodeError:
        raise Unusable("不是 UTF-8 文本", "it is not UTF-8 text") from None
    if any(c < " " and c != "\n" for c in content):
        raise Unusable("含有控制字符", "it holds a control character")
    text, blank, lines = content.rpartition("\n\n")
    if not blank or not lines.endswith("\n"):
        raise Unusable("不是正文、空行、签名行的结构", "it is not text, an empty line and signature lines")
    signatures = []
    for line in lines[:-1].split("\n"):
        dash, _, rest = line.partition(" ")
        name, space, encoded = rest.partition(" ")
        value = decoded(encoded)
        if dash != "—" or not space or not is_key_name(name) or value is None or len(value) < 5:
            raise Unusable(f"{shown(line)} 不是签名行", f"{shown(line)} is no signature line")
        signatures.append((name, value[:4], value[4:]))
    if len(signatures) > MAX_SIGNATURES:
        raise Unusable(
            f"有 {len(signatures)} 个签名，最多 {MAX_SIGNATURES} 个",
            f"it has {len(signatures)} signatures, {MAX_SIGNATURES} at most are read",
        )
    return Note(f"{text}\n".encode(), tuple(signatures))


def read_head(data: bytes) -> Head:
    """The signed head that a note is; extension lines are passed over. Raises Unusable."""
    note = read_note(data)
    lines = note.text.decode().split("\n")
    if len(lines) < 4 or not all(lines[:-1]):
        raise Unusable("正文不是账本名称、条数、树根各一行", "its text is not origin, size and root, a line each")
    origin, size, encoded = lines[:3]
    root = decoded(encoded)
    if not SIZE.fullmatch(size) or int(size) > 2**63 - 1:
        raise Unusable(
            f"条数 {shown(size)} 不是没有前导零的十进制数",
            f"its size {shown(size)} is no decimal number without leading zeros",
        )
    if root is None or len(root) != 32:
        raise Unusable("树根不是 base64 的 32 字节", "its root is not 32 bytes in base64")
    return Head(origin, int(size), root, note)


def unreadable(path: str | Path, error: OSError) -> Unreadable:
    """What is said of a file that cannot be read."""
    reason = error.strerror or error
    return Unreadable(f"无法读取 {path}：{reason}", f"{path} cannot be read: {reason}")


def open_file(path: str | Path) -> BinaryIO:
    """A file to be read. Raises OSError; Unreadable for a pipe or a device, which could keep its reader for ever."""
    mode = os.stat(path).st_mode
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        raise Unreadable(f"{path} 不是普通文件（是管道、设备等）", f"{path} is no regular file but a pipe or a device")
    return Path(path).open("rb")


def read_limited(path: Path, limit: int) -> bytes:
    """The file's bytes, one more than `limit` at most. Raises Unusable."""
    try:
        with open_file(path) as file:
            return file.read(limit + 1)
    except OSError as error:
        raise unreadable(path, error) from None


def note_file(path: Path) -> Head:
    """The signed head in a file. Raises Unusable."""
    with named(path, "可用的日志头", "head"):
        return read_head(read_limited(path, MAX_NOTE_BYTES))


@contextmanager
def named(path: Path, zh: str, en: str) -> Iterator[None]:
    """Names the file, and what it should be, in whatever Unusable comes of it."""
    try:
        yield
    except Unreadable:
        raise
    except Unusable as fault:
        raise Unusable(f"{path} 不是{zh}：{fault.zh}", f"{path} is no {en} that can be used: {fault.en}") from None


class Kept(NamedTuple):
    """A head that a reader has from elsewhere: a checkpoint, that of a receipt, or one that comes with the proof that
    it continues the head of `old` entries (a request of C2SP tlog-witness); -1 and no proof without."""

    path: Path
    head: Head
    old: int = -1
    proof: tuple[bytes, ...] = ()


def kept_heads(paths: Iterable[Path]) -> list[Kept]:
    """The heads in files that the reader has, smaller ones first. Raises Unusable."""
    return sorted(map(kept_head, paths), key=lambda kept: kept.head.size)


def kept_head(path: Path) -> Kept:
    """One of them, whatever kind of file it is. Raises Unusable."""
    return read_kept(path, read_limited(path, MAX_RECEIPT_BYTES))


def read_kept(path: Path, data: bytes) -> Kept:
    """The same of bytes that are at hand; `path` is what they are called. Raises Unusable."""
    with named(path, "可用的日志头", "head"):
        if data.startswith(RECEIPT_HEADER):
            return Kept(path, read_proof(data).head)
        opening, _, checkpoint = data.partition(b"\n\n")
        first, *hashes = opening.decode("ascii", "replace").split("\n")
        match = OLD.fullmatch(first)
        if match is None:
            return Kept(path, read_head(data))
        proof = tuple(value for value in map(decoded, hashes) if value is not None and len(value) == HASH_BYTES)
        if len(proof) < len(hashes):
            raise Unusable("接续证明的哈希不是 base64 的 32 字节", "a hash of its proof is not 32 bytes in base64")
        return Kept(path, read_head(checkpoint), int(match[1]), proof)


# ---------------------------------------------------------------------------------------------------------------------
# Policies: whose signatures count (C2SP tlog-policy)
# ---------------------------------------------------------------------------------------------------------------------

MAX_POLICY_BYTES = 100_000
NO_QUORUM = "none"


@dataclass(slots=True)
class Policy:
    """Whose signatures count. `groups` are in the order of their definition: name -> (how many, of whom)."""

    logs: list[Key] = field(default_factory=list)
    witnesses: dict[str, Key] = field(default_factory=dict)
    groups: dict[str, tuple[int, tuple[str, ...]]] = field(default_factory=dict)
    quorum: str = ""
    source: str = ""  # where it is from

    def keys(self) -> list[Key]:
        """All keys that it names."""
        return [*self.logs, *self.witnesses.values()]

    def logs_of(self, origin: str) -> list[Key]:
        """The keys of the log of that name."""
        return [key for key in self.logs if key.name == origin]

    def is_witnessed(self, signers: set[Key]) -> bool:
        """Whether those who signed come to the quorum."""
        found = {name for name, key in self.witnesses.items() if key in signers}
        for name, (needed, members) in self.groups.items():
            if len(found.intersection(members)) >= needed:
                found.add(name)
        return self.quorum == NO_QUORUM or self.quorum in found

    def add(self, words: list[str]) -> None:
        """Take in one line. Raises Unusable."""
        match words:
            case ["log", text, *rest] if len(rest) < 2:
                self.logs.append(self.key(text, ED25519, self.logs))
            case ["witness", name, text, *rest] if len(rest) < 2:
                self.witnesses[self.name(name)] = self.key(text, COSIGNATURE, self.witnesses.values())
            case ["group", name, count, *members] if members:
                self.groups[self.name(name)] = (self.count(count, members), tuple(members))
            case ["quorum", name] if not self.quorum:
                self.known([name] if name != NO_QUORUM else [])
                self.quorum = name
            case ["quorum", _]:
                raise Unusable("有两行 quorum", "there are two quorum lines")
            case _:
                raise Unusable(
                    f"不认识的一行：{shown(' '.join(words))}", f"no such line is known: {shown(' '.join(words))}"
                )

    @staticmethod
    def key(text: str, kind: int, others: Iterable[Key]) -> Key:
        """A key of the policy. Raises Unusable."""
        key = read_key(text, kind)
        if key is None:
            raise Unusable(
                f"{shown(text)} 不是 Ed25519 的公钥（类型 0x{kind:02x}）；其他类型的签名这里无法核对",
                f"{shown(text)} is no verifier key of Ed25519 (type 0x{kind:02x}); others cannot be checked here",
            )
        if any(key.public == other.public for other in others):
            raise Unusable(f"公钥 {shown(text)} 出现两次", f"the key {shown(text)} stands twice")
        return key

    def name(self, name: str) -> str:
        """A name that is defined now. Raises Unusable."""
        if name == NO_QUORUM or name in self.witnesses or name in self.groups:
            raise Unusable(f"名称 {shown(name)} 已有定义", f"the name {shown(name)} is defined already")
        return name

    def known(self, names: Sequence[str]) -> None:
        """Raises Unusable unless all names are defined."""
        for name in names:
            if name not in self.witnesses and name not in self.groups:
                raise Unusable(f"名称 {shown(name)} 没有定义", f"the name {shown(name)} is not defined above")

    def count(self, text: str, members: list[str]) -> int:
        """How many members of a group are needed. Raises Unusable."""
        self.known(members)
        used = [member for _, others in self.groups.values() for member in others]
        number = {"all": len(members), "any": 1}.get(text) or (int(text) if SIZE.fullmatch(text) else 0)
        if not 1 <= number <= len(members) or len({*used, *members}) < len(used) + len(members):
            raise Unusable(
                f"组要求 {shown(text)} 个成员：成员须足数，且每个只列入一次",
                f"a group asks for {shown(text)} of its members, who must be as many and members only once",
            )
        return number


def read_policy(data: bytes) -> Policy:
    """A policy, strictly. Raises Unusable."""
    if len(data) > MAX_POLICY_BYTES:
        raise Unusable(f"超过 {MAX_POLICY_BYTES} 字节，太长", f"it is longer than {MAX_POLICY_BYTES} bytes")
    refuse_crlf(data)
    if any((byte < 0x20 and byte not in b"\t\n") or byte == 0x7F for byte in data):
        raise Unusable("含有控制字符", "it holds a control character")
    policy = Policy()
    for line in data.decode(errors="surrogateescape").split("\n"):
        words = re.split(r"[ \t]+", line.strip(" \t"))
        if words != [""] and not words[0].startswith("#"):
            policy.add(words)
    if not policy.quorum:
        raise Unusable("没有 quorum 行", "it has no quorum line")
    if not policy.logs:
        raise Unusable("没有 log 行，不知道认可谁的签名", "it has no log line, so nobody's signature counts")
    return policy


def policy_file(path: Path) -> Policy:
    """The policy in a file. Raises Unusable."""
    with named(path, "可用的信任策略", "policy"):
        policy = read_policy(read_limited(path, MAX_POLICY_BYTES))
    policy.source = str(path)
    return policy


# ---------------------------------------------------------------------------------------------------------------------
# A tree that is watched as it grows (C2SP tlog-tiles)
# ---------------------------------------------------------------------------------------------------------------------

WIDTH = 1 << TILE_LEVEL
ENTRIES = -1  # stands for the level of entry bundles
TILE_NAME = re.compile(r"(entries|[0-9]{1,2})/((?:x[0-9]{3}/){0,6}[0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?")


def tile_path(level: int, number: int, width: int = WIDTH) -> str:
    """The path of a tile of `width` hashes or, at level ENTRIES, of a bundle of so many entries."""
    groups = [f"{number % 1000:03}"]
    while number >= 1000:
        number //= 1000
        groups.append(f"x{number % 1000:03}")
    path = "/".join(["tile", "entries" if level == ENTRIES else str(level), *reversed(groups)])
    return path if width == WIDTH else f"{path}.p/{width}"


class Watch(Tree):
    """A whole tree that knows its root at some sizes, and tells of each tile as it is filled.

    `tell` is called with the level, the number and the hashes of each full tile, and by `close` of the partial ones.
    """

    def __init__(self, sizes: Iterable[int], tell: Callable[[int, int, bytes], None] | None = None) -> None:
        super().__init__()
        self.roots: dict[int, bytes] = {0: self.root()}
        self._sizes = sorted(set(sizes) - {0}, reverse=True)
        self._tell = tell
        self._rows: list[tuple[int, bytearray]] = []  # of each level: the number of its open tile, and its hashes

    def foresee(self, leaves: bytes) -> None:
        """See `Tree.foresee`."""
        end = self.end + len(leaves) // HASH_BYTES
        if self._sizes and self._sizes[-1] <= end:
            partial_tree, at = Tree(), 0
            partial_tree.end, partial_tree.nodes = self.end, self.nodes.copy()
            while self._sizes and self._sizes[-1] <= end:
                size = self._sizes.pop()
                upto = (size - self.end) * HASH_BYTES
                partial_tree.extend(leaves[at:upto])
                self.roots[size], at = partial_tree.root(), upto
        self._gather(0, leaves)

    def add(self, level: int, value: bytes) -> None:
        """See `Tree.add`; nodes of more than one tile would hide the rows of the level above it."""
        assert level <= TILE_LEVEL, "nodes are no larger than what one tile stands for"
        self.end += 1 << level
        while True:
            if level and level % TILE_LEVEL == 0:
                self._gather(level // TILE_LEVEL, value)
            if not self.nodes or self.nodes[-1][0] != level:
                break
            value = node_hash(self.nodes.pop()[1], value)
            level += 1
        self.nodes.append((level, value))

    def close(self) -> None:
        """Tell of the partial tiles: no more leaves come."""
        for level, (number, row) in enumerate(self._rows):
            if row and self._tell is not None:
                self._tell(level, number, bytes(row))

    def _gather(self, level: int, hashes: bytes) -> None:
        if self._tell is None:
            return
        if level == len(self._rows):
            self._rows.append((0, bytearray()))
        number, row = self._rows[level]
        row += hashes
        while len(row) >= WIDTH * HASH_BYTES:
            self._tell(level, number, bytes(row[: WIDTH * HASH_BYTES]))
            del row[: WIDTH * HASH_BYTES]
            number += 1
        self._rows[level] = (number, row)


# ---------------------------------------------------------------------------------------------------------------------
# A signed log: what its entries come to, held against the heads that were signed
# ---------------------------------------------------------------------------------------------------------------------


class SignedLog:
    """A ledger that was replayed, to hold signed heads against, smaller ones first; `problems` grows as it goes."""

    def __init__(
        self,
        report: Report,
        roots: dict[int, bytes],
        policy: Policy | None,
        origin: str,
        others: Iterable[Problem] = (),
    ) -> None:
        """`origin` is what the ledger is taken for when entry 0 could not be judged; `others` is what is wrong besides
        the report's problems."""
        book = report._book
        self.report, self.roots, self.policy = report, roots, policy
        self.origin, self.continues, self.groups = book.origin or origin, book.continues, book.groups
        self.problems: list[Problem] = []
        self.first_bad = min(
            (problem.seq for problem in chain(report.problems, others) if problem.seq is not None), default=MAX_INTEGER
        )
        self.vouched: list[int] = []  # sizes of heads that agreed
        self.rootless = False  # whether one of the log's own heads did not, and it was said
        self.keys: list[tuple[int, Key]] = []  # (the entry that names it, key)
        for seq, text in book.signers:
            key = read_key(text)
            if key is not None and key.name == self.origin:
                self.keys.append((seq, key))
        # What comes after the last entry that could be judged may have changed the key unseen.
        self.known_to = report.entries + 1 if report.judged == report.entries else report.judged

    def problem(self, seq: int | None, zh: str, en: str) -> None:
        """Keep what is wrong."""
        if len(self.problems) < MAX_PROBLEMS:
            self.problems.append(Problem(seq, en, zh))

    def known(self) -> list[Key]:
        """All keys whose signatures can be told right from wrong."""
        return [*(key for _, key in self.keys), *(self.policy.keys() if self.policy else ())]

    def in_force(self, size: int) -> list[Key]:
        """The keys that a head of that size must be signed by: the newest that is named, right after also the last."""
        named = [(seq, key) for seq, key in self.keys if seq < size]
        if not named:
            return self.policy.logs_of(self.origin) if self.policy else []
        handed_over = named[-1][0] + 1 == size
        return [key for _, key in named[-2 if handed_over else -1 :]]

    def check_policy(self) -> None:
        """Entry 0 names a key, and the policy's is one that the entries name."""
        assert self.policy is not None
        named = [key for _, key in self.keys]
        if not named and self.report.judged:
            self.problem(0, "没有写明账本的签名公钥", "it names no verifier key of the ledger")
        if not self.policy.logs_of(self.origin):
            others = ", ".join(sorted({key.name for key in self.policy.logs}))
            self.problem(None, f"信任策略所认的是另一账本 {others}", f"the policy is of another ledger, {others}")
        for key in self.policy.logs_of(self.origin):
            if named and key not in named and self.known_to > self.report.entries:
                self.problem(
                    None,
                    f"信任策略中的公钥 {key} 不是账本分录所记的公钥：名同钥异",
                    f"the policy's key {key} is none that the entries name: a wrong key under the right name",
                )

    def check_rotations(self, sizes: set[int]) -> None:
        """Each change of the key was handed over by a head that both keys signed; `sizes` are those of all heads."""
        for seq, _ in self.keys[1:]:
            if seq + 1 < self.report.entries and seq + 1 not in sizes:
                self.problem(
                    seq,
                    f"此处更换了签名公钥，却没有 {seq + 1} 条分录的日志头由新旧公钥共同签署",
                    f"the key changes here, and there is no head of {seq + 1} entries that both keys signed",
                )

    def check_head(self, name: str, head: Head, newest: bool = False) -> None:
        """A head of the log itself: its origin, its root, its signatures, and for the newest its witnesses."""
        if head.origin != self.origin:
            self.problem(
                None,
                f"{name} 是另一账本 {shown(head.origin)} 的日志头",
                f"{name} is of another ledger, {shown(head.origin)}",
            )
            return
        self.check_root(Said(name, name), head)
        self.check_groups(name, head)
        try:
            signers = head.note.signers(self.known())
        except Refuted as fault:
            self.problem(None, f"{name} 不可信：{fault.zh}", f"{name} is not to be believed: {fault.en}")
            return
        for key in self.in_force(head.size) if head.size <= self.known_to else ():
            if key not in signers:
                self.problem(
                    None,
                    f"{name} 没有当时有效的公钥 {key} 的签名",
                    f"{name} is not signed by the key in force at its size, {key}",
                )
        if newest and self.policy is not None and not self.policy.is_witnessed(signers):
            quorum = shown(self.policy.quorum)
            self.problem(
                None,
                f"{name} 的见证签名不足信任策略要求的 {quorum}",
                f"{name} is not cosigned as the policy asks, by {quorum}",
            )

    def check_root(self, name: Said, head: Head, own: bool = True) -> bool:
        """Whether the head's root is that of as many entries here. Where more is known of what is wrong, it is said of
        one of the log's own heads only."""
        root = self.roots.get(head.size)
        if root == head.root:
            self.vouched.append(head.size)
        elif root is not None and self.first_bad < head.size:
            if not (own and self.rootless):
                self.problem(None, f"{name.zh} 签署的是另一树根", f"{name.en} was signed over another root")
            self.rootless = self.rootless or own
        elif root is not None:
            first = self.first_bad = max((size for size in self.vouched if size < head.size), default=0)
            self.problem(
                first,
                f"{name.zh} 签署的是另一树根：第 {first} 至 {head.size - 1} 条中有改动，历史被改写或是另一份历史",
                f"{name.en} was signed over another root: something from entry {first} to {head.size - 1} was changed, "
                "history was rewritten, or this is another history",
            )
        return root == head.root

    def check_groups(self, name: str, head: Head) -> None:
        """No head ends inside a fact of several entries."""
        index = bisect_left(self.groups, (head.size, 0)) - 1
        if index >= 0 and head.size <= self.groups[index][1]:
            start = self.groups[index][0]
            self.problem(
                start,
                f"{name} 把由此开始的多条分录的事项从中间切断",
                f"{name} ends inside the fact of several entries that begins here",
            )

    def check_kept(self, path: Path, head: Head) -> bool:
        """Whether a head that the reader kept from before agrees. Raises Unusable for another ledger's, or damaged."""
        if head.origin != self.origin:
            return self.check_continued(path, head)
        try:
            head.note.signers(self.known())
        except Refuted as fault:
            raise Unusable(f"{path} 已损坏：{fault.zh}", f"{path} is damaged: {fault.en}") from None
        if head.size > self.report.entries:
            self.problem(
                self.report.entries,
                f"您保存的 {path} 签署了 {head.size} 条分录，这里只有 {self.report.entries} 条：被截断，或以旧充新",
                f"the head you kept, {path}, was signed over {head.size} entries, and here are {self.report.entries}: "
                "they were cut off, or an old head is served as new",
            )
        else:
            return self.check_root(Said(f"您保存的日志头 {path}", f"the head you kept, {path},"), head, own=False)
        return False

    def check_continued(self, path: Path, head: Head) -> bool:
        """Whether a head of the ledger that this one says it follows is the one named. Raises Unusable for one of any
        other ledger."""
        older = self.continues
        if older is None or older["origin"] != head.origin:
            raise other_ledger(Kept(path, head), self.origin)
        if head.size > older["size"] or (head.size == older["size"] and head.root.hex() != older["root"]):
            self.problem(
                0,
                f"所接续的旧账本与您保存的 {path} 不符（该日志头有 {head.size} 条，这里写的是 {older['size']} 条）",
                f"the older ledger that this one follows is not as {path} says ({head.size} entries)",
            )
            return False
        return bool(head.size == older["size"])


# ---------------------------------------------------------------------------------------------------------------------
# An export: the signed log as a folder
# ---------------------------------------------------------------------------------------------------------------------

MAX_BUNDLE_BYTES = WIDTH * (2 + MAX_ENTRY_BYTES)
MAX_TILES_NAMED = 10


class Export:
    """A folder with a signed log: `checkpoint`, `checkpoints/<size>`, `tile/...`; `problems` grows as it is read.

    Its signed head says which files must be there. Partial tiles of smaller sizes may be there besides.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.head = note_file(folder / "checkpoint")
        self.size = self.head.size
        self.problems: list[Problem] = []
        self.tiles_wrong: set[tuple[int, int]] = set()  # (level, number)
        self.more_wrong = 0
        self.read = Counter[str]()
        self.odd: list[str] = []
        self.present: dict[tuple[int, int], list[int]] = {}  # (level, number) -> widths, those not yet looked at
        try:
            self._find()
        except OSError as error:
            raise unreadable(folder, error) from None

    def _find(self) -> None:
        """Note which tiles and bundles there are, and what there is besides. Raises OSError."""

        def refuse(error: OSError) -> None:
            raise error

        for parent, _, names in os.walk(self.folder / "tile", onerror=refuse):
            below = Path(parent).relative_to(self.folder / "tile").as_posix()
            for name in names:
                found = TILE_NAME.fullmatch(f"{below}/{name}")
                if found is not None and not name.startswith("."):
                    level = ENTRIES if found[1] == "entries" else int(found[1])
                    number, width = int(re.sub("[x/]", "", found[2])), int(found[3] or WIDTH)
                    if tile_path(level, number, width) == f"tile/{below}/{name}":
                        self.present.setdefault((level, number), []).append(width)
                        continue
                self._pass_over(f"tile/{below}/{name}")

    def _pass_over(self, path: str) -> None:
        """Note a file that is none of the export's; hidden ones are left by programs that were cut off."""
        if not path.rpartition("/")[2].startswith("."):
            self.odd.append(path.encode(errors="backslashreplace").decode())

    def earlier(self) -> list[int]:
        """The sizes of the heads in `checkpoints`, sorted. Raises Unusable."""
        try:
            names = [path.name for path in (self.folder / "checkpoints").iterdir()]
        except FileNotFoundError:
            return []
        except OSError as error:
            raise unreadable(self.folder / "checkpoints", error) from None
        for name in names:
            if not SIZE.fullmatch(name):
                self._pass_over(f"checkpoints/{name}")
        return sorted(int(name) for name in names if SIZE.fullmatch(name))

    def first(self) -> Data:
        """The first entry as it stands there, unchecked; {} when it cannot be read."""
        for width in (WIDTH, min(self.size, WIDTH)):
            try:
                entry = json.loads(split(self._file(tile_path(ENTRIES, 0, width), MAX_BUNDLE_BYTES))[0])
                return entry if type(entry) is dict else {}
            except (Unusable, ValueError, IndexError, RecursionError):
                continue
        return {}

    def bundles(self) -> Iterator[bytes]:
        """The entry bundles up to the signed size, in order; none after the first that is missing."""
        start = number = 0
        while start < self.size:
            width = min(WIDTH, self.size - start)
            widths = self.present.pop((ENTRIES, number), [])
            longer = [one for one in widths if one > width]
            if longer:
                self.present[ENTRIES, number] = longer
            if width not in widths:
                path = tile_path(ENTRIES, number, width)
                self.problem(
                    start,
                    f"导出不完整：缺少 {path}，自此的分录无从核对",
                    f"the export is cut short: {path} is missing, and nothing from here on could be checked",
                )
                return
            data = self._file(tile_path(ENTRIES, number, width), MAX_BUNDLE_BYTES)
            self._count(start, tile_path(ENTRIES, number, width), data, width)
            for one in widths:
                if one < width:
                    self._replaced(start, tile_path(ENTRIES, number, one), one, data)
            self.read["bundles"] += 1
            yield data
            start, number = start + width, number + 1

    def _count(self, start: int, path: str, data: bytes, width: int) -> None:
        """A bundle holds just so many entries."""
        there, at = walked(data)
        if there != width or at != len(data):
            self.problem(
                start + min(there, width),
                f"{path} 应恰有 {width} 条分录，实为 {there} 条" + ("" if at == len(data) else "，且末尾不完整"),
                f"{path} holds {there} entries where {width} belong" + ("" if at == len(data) else ", and breaks off"),
            )

    def _replaced(self, start: int, path: str, width: int, newer: bytes) -> None:
        """A smaller bundle is what the newer one begins with."""
        data = self._file(path, MAX_BUNDLE_BYTES)
        if not newer.startswith(data):
            same = next(at for at, (one, other) in enumerate(zip_longest(data, newer)) if one != other)
            where = start + walked(data[:same])[0]
            self.problem(where, f"{path} 与较新的分录包不符", f"{path} differs from the newer bundle")
        else:
            self._count(start, path, data, width)

    def hold(self, level: int, number: int, row: bytes) -> None:
        """Hold a tile, and the smaller ones that it replaced, against the hashes that the entries come to."""
        width = len(row) // HASH_BYTES
        widths = self.present.pop((level, number), [])
        if width not in widths:
            path = tile_path(level, number, width)
            self.wrong(level, number, 0, f"缺少 {path}", f"{path} is missing")
        for one in widths:
            if one > width:
                self.present.setdefault((level, number), []).append(one)
                continue
            path = tile_path(level, number, one)
            data = self._file(path, WIDTH * HASH_BYTES)
            self.read["tiles"] += 1
            if len(data) != one * HASH_BYTES:
                self.wrong(
                    level,
                    number,
                    0,
                    f"{path} 有 {len(data)} 字节，应为 {one * HASH_BYTES}",
                    f"{path} has {len(data)} bytes where {one * HASH_BYTES} belong",
                )
            elif data != row[: len(data)]:
                self._differs(level, number, data, row, path)

    def _differs(self, level: int, number: int, data: bytes, row: bytes, path: str) -> None:
        """Name the first hash that differs, unless a tile below is wrong there already."""
        for at in range(len(data) // HASH_BYTES):
            here = slice(at * HASH_BYTES, (at + 1) * HASH_BYTES)
            if data[here] != row[here] and (level - 1, number * WIDTH + at) not in self.tiles_wrong:
                self.wrong(
                    level,
                    number,
                    at,
                    f"{path} 的第 {at} 个哈希与分录不符",
                    f"hash {at} of {path} is not what the entries come to",
                )
                return
        self.tiles_wrong.add((level, number))

    def wrong(self, level: int, number: int, at: int, zh: str, en: str) -> None:
        """Keep what is wrong with a tile; of very many only how many more."""
        self.tiles_wrong.add((level, number))
        if len(self.tiles_wrong) <= MAX_TILES_NAMED:
            self.problem((number * WIDTH + at) * WIDTH**level, zh, en)
        else:
            self.more_wrong += 1

    def problem(self, seq: int | None, zh: str, en: str) -> None:
        """Keep what is wrong."""
        if len(self.problems) < MAX_PROBLEMS:
            self.problems.append(Problem(seq, en, zh))

    def close(self, heads: Iterable[int]) -> None:
        """What is there and should not be: beyond the signed head. `heads` are the sizes of all that are there."""
        if self.more_wrong:
            self.problem(
                None,
                f"另有 {self.more_wrong} 个哈希树文件不符",
                f"{self.more_wrong} more tiles are wrong",
            )
        beyond = [
            path for (level, number), widths in self.present.items() for path in self._beyond(level, number, widths)
        ]
        if beyond:
            named = ", ".join(sorted(beyond)[:3])
            self.problem(
                self.size,
                f"签名日志头只有 {self.size} 条分录，另有 {len(beyond)} 个文件超出其外（{named}）："
                "被添加、以旧充新，或再次导出时中断",
                f"{len(beyond)} files reach beyond the signed head of {self.size} entries ({named}): the export was "
                "padded, an old head is served as new, or an export laid over it broke off",
            )
        larger = max(heads, default=0)
        if larger > self.size:
            self.problem(
                self.size,
                f"checkpoints/{larger} 已签署 {larger} 条分录，checkpoint 却只有 {self.size} 条：以旧充新",
                f"checkpoints/{larger} was signed over {larger} entries, `checkpoint` over {self.size}: an old head is "
                "served as new",
            )

    def _beyond(self, level: int, number: int, widths: list[int]) -> Iterator[str]:
        leaves = WIDTH ** max(level, 0)
        for width in widths:
            if (number * WIDTH + width) * leaves > self.size:
                yield tile_path(level, number, width)

    def _file(self, path: str, limit: int) -> bytes:
        return read_limited(self.folder / path, limit)


def verify_export(
    folder: Path,
    *,
    trust: Policy | None = None,
    heads: Sequence[Kept] = (),
    tsa_roots: Path | None = None,
    fresh_since: datetime | None = None,
    decode: Codec = STRICT,
    way: Callable[[int], Way] = lambda size: PLAINLY,
    jobs: int | None = None,
    progress: Callable[[int, int], None] | None = None,
    spill_dir: str | Path | None = None,
) -> Outcome:
    """Check an export: every entry, the tree, the heads. `trust` is the reader's own policy, without one the export's
    counts; `heads` are those that the reader has from before; `tsa_roots` whom the reader trusts to stamp times;
    `fresh_since` is when others must have vouched for it last; `way` says how to read so many entries. Without `jobs`
    all processors are used where the way gains by it.

    Raises Unusable for a folder that cannot be read as an export, for another ledger's head or policy, and where nobody
    can say how fresh it is; OSError when temporary files cannot be written.
    """
    export = Export(folder)
    sizes = export.earlier()
    _check_whose(export, trust, heads)
    policy = trust or policy_file(folder / "policy")
    stamps, national = Stamps(folder, tsa_roots), Sm3Root(folder)
    if fresh_since is not None:
        check_datable(policy, stamps)
    sized = [*sizes, *(kept.head.size for kept in heads), *(size for size, _ in stamps.sizes)]
    if national.head is not None:
        sized.append(national.head.size)
    watch = Watch([export.size, *sized], export.hold)
    chosen = way(export.size)
    report = verify(
        national.watch(export.bundles()),
        decode=decode,
        way=chosen,
        jobs=jobs or (1 if chosen.alone else processors()),
        progress=None if progress is None else lambda done: progress(done, export.size),
        spill_dir=spill_dir,
        tree=watch,
    )
    if watch.end == export.size:
        watch.close()
    log = SignedLog(report, watch.roots, policy, export.head.origin, export.problems)
    if export.head.origin != log.origin:
        log.check_head("checkpoint", export.head)
        return _export_outcome(export, log, (stamps, national), [], trust is not None, sizes)
    export.close(sizes)
    log.check_policy()
    agreeing = [(kept, log.check_kept(kept.path, kept.head)) for kept in heads]
    for size in sizes:
        _check_earlier(export, log, size)
    log.check_head("checkpoint", export.head, newest=True)
    log.check_rotations({export.size, *sizes})
    stamps.check(export, log)
    national.check(export, log)
    if fresh_since is not None:
        check_fresh(log, export.head, stamps, fresh_since)
    return _export_outcome(export, log, (stamps, national), agreeing, trust is not None, sizes)


def check_ledger(trust: Policy, origin: str) -> None:
    """Raises Unusable for a policy without that ledger's log."""
    if not trust.logs_of(origin):
        named = ", ".join(sorted({key.name for key in trust.logs}))
        raise Unusable(
            f"信任策略所认的账本是 {named}，这里是 {shown(origin)}",
            f"the policy is of another ledger, {named}; this is {shown(origin)}",
        )


def _check_whose(export: Export, trust: Policy | None, heads: Sequence[Kept]) -> None:
    """Raises Unusable, before the long work, for what the reader brought and is of another ledger."""
    origin = export.head.origin
    if trust is not None:
        check_ledger(trust, origin)
    data = export.first().get("data")
    continues = data.get("continues") if type(data) is dict else None
    older = continues.get("origin") if type(continues) is dict else None
    for kept in heads:
        if kept.head.origin not in (origin, older):
            raise other_ledger(kept, origin)


def _check_earlier(export: Export, log: SignedLog, size: int) -> None:
    """One of the heads in `checkpoints`."""
    name = f"checkpoints/{size}"
    try:
        head = note_file(export.folder / name)
    except Unusable as fault:
        log.problem(None, fault.zh, fault.en)
        return
    if head.size != size:
        log.problem(None, f"{name} 实为 {head.size} 条的日志头", f"{name} is a head of {head.size} entries")
        return
    if head != export.head:
        log.check_head(name, head)


def _export_outcome(
    export: Export,
    log: SignedLog,
    beside: tuple[Stamps, Sm3Root],
    kept: Sequence[tuple[Kept, bool]],
    given: bool,
    sizes: Sequence[int],
) -> Outcome:
    """The findings on an export, put together; `beside` is what lies there beside the log itself."""
    report, (stamps, national) = log.report, beside
    problems = ordered([*report.problems, *export.problems, *log.problems])
    checked = {"bundles": export.read["bundles"], "tiles": export.read["tiles"], "heads": len({*sizes, export.size})}
    trust = log.policy
    assert trust is not None
    members = {
        **report.as_json(),
        "ok": not problems,
        "kind": "export",
        "origin": log.origin,
        "size": export.size,
        "problems": [{"seq": problem.seq, "what": problem.what} for problem in problems],
        "checked": checked,
        "keys": [{"entry": seq, "key": str(key)} for seq, key in log.keys],
        "policy": {"file": trust.source, "given": given, "quorum": trust.quorum.encode(errors="replace").decode()},
        "kept": [{"file": str(one.path), "size": one.head.size, "agrees": agrees} for one, agrees in kept],
        "cosigned": {key.name: shown_time(at) for key, at in cosigned(export.head, trust).items()},
        "timestamps": stamps.members(),
        "sm3": national.members(),
        "passed_over": sorted([*export.odd, *stamps.odd]),
    }
    lines = [
        Said(
            f"账本 {log.origin}：签名日志头 {export.size} 条分录",
            f"ledger {log.origin}: signed head of {export.size} entries",
        ),
        Said(
            f"已核对：分录包 {checked['bundles']} 个、哈希树文件 {checked['tiles']} 个、日志头 {checked['heads']} 个、"
            f"签名公钥 {len(log.keys)} 个",
            f"checked: {checked['bundles']} bundles, {checked['tiles']} tiles, {checked['heads']} heads, "
            f"{len(log.keys)} signing keys",
        ),
        *_trust_lines(log, given),
        *freshness(log, export.head),
        *stamps.said(),
        *national.said(),
        *(_kept_line(one) for one, agrees in kept if agrees),
    ]
    odd = [*export.odd, *stamps.odd]
    if odd:
        some = ", ".join(map(shown, sorted(odd)[:3]))  # a file's name could hold anything
        lines.append(Said(f"未理会 {len(odd)} 个其他文件：{some}", f"{len(odd)} other files passed over: {some}"))
    told = replace(report, problems=problems)
    return Outcome([*lines, *told.said(), told.verdict()], members, 1 if problems else 0)


def _trust_lines(log: SignedLog, given: bool) -> Iterator[Said]:
    """Whose signature counted, and what the ledger says it follows."""
    assert log.policy is not None
    keys = ", ".join(map(str, log.policy.logs_of(log.origin)))
    if not given:
        yield Said(
            f"信任策略为导出自带：请将公钥与从别处得到的核对（--policy、--key）：{keys}",
            f"the policy is the export's own: compare its key with one from elsewhere (--policy, --key): {keys}",
        )
    else:
        yield Said(f"信任策略 {log.policy.source}：公钥 {keys}", f"policy {log.policy.source}: key {keys}")
    if log.policy.quorum != NO_QUORUM:
        yield Said(f"见证要求：{shown(log.policy.quorum)}", f"witnesses asked for: {shown(log.policy.quorum)}")
    if log.continues is not None:
        older = f"{log.continues['origin']}, {log.continues['size']}, {log.continues['root']}"
        yield Said(f"本账本接续旧账本：{older}", f"this ledger follows an older one: {older}")


def _kept_line(kept: Kept) -> Said:
    path, size = kept.path, kept.head.size
    return Said(f"与您保存的 {path}（{size} 条）一致", f"agrees with the head you kept, {path} ({size} entries)")


def ordered(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """By entry, those of the log as a whole last; MAX_PROBLEMS at most."""
    rank = sorted(problems, key=lambda one: (one.seq is None, one.seq or 0))
    return tuple(rank[:MAX_PROBLEMS])


# ---------------------------------------------------------------------------------------------------------------------
# Time-stamps 时间戳 (RFC 3161): what an authority outside says was there, and when
# ---------------------------------------------------------------------------------------------------------------------

MAX_TOKEN_BYTES = 100_000
STAMP_NAME = re.compile(r"([0-9A-Za-z][0-9A-Za-z._-]{0,99})\.(?:checkpoint|tsr)")
MAX_ROOTS_BYTES = 1_000_000
MAX_CERTIFICATES = 10  # in one token
MAX_CHAIN = 5
AHEAD = timedelta(seconds=60)
"""How much later than a stamp over it an entry may say to be recorded: clocks differ."""
BEHIND = timedelta(minutes=10)
"""How much earlier than a stamp from before it an entry may say to be: stamps come 5 minutes after heads at most."""

INTEGER, OCTETS, OBJECT, TIME, SEQUENCE, SET, FIRST = 0x02, 0x04, 0x06, 0x18, 0x30, 0x31, 0xA0  # tags of DER
GENERAL_TIME = re.compile(rb"([0-9]{14})(?:\.([0-9]{0,5}[1-9]|[0-9]{6}[0-9]*))?Z")
SIGNED_DATA, STAMP_INFO = "1.2.840.113549.1.7.2", "1.2.840.113549.1.9.16.1.4"
CONTENT_TYPE, MESSAGE_DIGEST = "1.2.840.113549.1.9.3", "1.2.840.113549.1.9.4"
SIGNING_CERTIFICATE, SIGNING_CERTIFICATE_V2 = "1.2.840.113549.1.9.16.2.12", "1.2.840.113549.1.9.16.2.47"
SHA_256 = "2.16.840.1.101.3.4.2.1"
STAMP_HASHES = {SHA_256: "sha256", "2.16.840.1.101.3.4.2.2": "sha384", "2.16.840.1.101.3.4.2.3": "sha512"}
STAMP_SCHEMES = {  # signature algorithm -> what it is, with which hash ("": the one that the signer names beside)
    "1.2.840.113549.1.1.1": ("rsa", ""),
    "1.2.840.113549.1.1.11": ("rsa", "sha256"),
    "1.2.840.113549.1.1.12": ("rsa", "sha384"),
    "1.2.840.113549.1.1.13": ("rsa", "sha512"),
    "1.2.840.113549.1.1.10": ("pss", ""),
    "1.2.840.10045.2.1": ("ecdsa", ""),
    "1.2.840.10045.4.3.2": ("ecdsa", "sha256"),
    "1.2.840.10045.4.3.3": ("ecdsa", "sha384"),
    "1.2.840.10045.4.3.4": ("ecdsa", "sha512"),
    "1.3.101.112": ("ed25519", ""),
}


class Der(NamedTuple):
    """One element of DER (X.690): its tag, its content, all its bytes."""

    tag: int
    body: bytes
    whole: bytes

    def parts(self, *tags: int) -> list[Der]:
        """The elements inside; the first of them have these tags. Raises Flaw."""
        found = read_der(self.body)
        if tuple(part.tag for part in found[: len(tags)]) != tags:
            raise Flaw("its structure is another")
        return found

    def name(self) -> str:
        """The object identifier that the element is, or, of an algorithm, that it begins with. Raises Flaw."""
        if self.tag == SEQUENCE:
            return self.parts(OBJECT)[0].name()
        numbers, value = [], 0
        for byte in self.body:
            value = value << 7 | byte & 0x7F
            if byte < 0x80:
                numbers.append(value)
                value = 0
        if self.tag != OBJECT or not self.body or self.body[-1] & 0x80:
            raise Flaw("an object identifier is none")
        first = min(numbers[0] // 40, 2)
        return ".".join(map(str, (first, numbers[0] - 40 * first, *numbers[1:])))


def read_der(data: bytes) -> list[Der]:
    """The elements that the bytes are, one after the other; lengths in their one form. Raises Flaw."""
    found, at = [], 0
    while at < len(data):
        tag, length = data[at], data[at + 1] if at + 1 < len(data) else 0
        start = at + 2
        if length & 0x80:
            count = length & 0x7F
            length = int.from_bytes(data[start : start + count], "big")
            if not 1 <= count <= 4 or length < 0x80 or length >> 8 * (count - 1) == 0:
                raise Flaw("a length is not as DER has it")
            start += count
        if start + length > len(data) or tag & 0x1F == 0x1F:
            raise Flaw("it breaks off, or is no DER")
        found.append(Der(tag, data[start : start + length], data[at : start + length]))
        at = start + length
    return found


class Token(NamedTuple):
    """A time-stamp token taken apart (RFC 3161 §2.4.2, RFC 5652 §5.3); nobody has checked it yet.

    `at` is the time it says; `imprint` the hash, by its name, of what was stamped. `signed` is what the signature is
    over, which names the content by `digest` and the signer's certificate by the hash `signer`.
    """

    at: datetime
    imprint: tuple[str, bytes]
    content: bytes
    signed: bytes
    digest: bytes
    signer: tuple[str, bytes]
    hash: str
    scheme: str
    signature: bytes
    certificates: list[bytes]


def read_token(data: bytes) -> Token:
    """The token in an authority's answer, strictly. Raises Flaw."""
    try:
        [answer] = read_der(data)
        status, token = answer.parts(SEQUENCE, SEQUENCE)
        if status.parts(INTEGER)[0].body not in (b"\0", b"\1"):
            raise Flaw("the authority refused to stamp")
        kind, content = token.parts(OBJECT, FIRST)
        [signed] = content.parts(SEQUENCE)
        _, _, inside, *more, signers = signed.parts(INTEGER, SET, SEQUENCE)
        inner_kind, holder = inside.parts(OBJECT, FIRST)
        if (kind.name(), inner_kind.name(), signers.tag) != (SIGNED_DATA, STAMP_INFO, SET):
            raise Flaw("it is no signed time-stamp")
        [info] = holder.parts(OCTETS)
        [signer] = signers.parts(SEQUENCE)
        certificates = [one.whole for part in more if part.tag == FIRST for one in part.parts()]
        return _token(info.body, signer, certificates)
    except (ValueError, IndexError, KeyError, OverflowError):
        raise Flaw("its structure is another") from None


def _token(content: bytes, signer: Der, certificates: list[bytes]) -> Token:
    """The rest of `read_token`: what was stamped, and by whom. Raises Flaw and what that catches."""
    [info] = read_der(content)
    _, _, imprint, _, time = info.parts(INTEGER, OBJECT, SEQUENCE, INTEGER, TIME)[:5]
    algorithm, hashed = imprint.parts(SEQUENCE, OCTETS)
    _, _, digesting, attributes, signing, signature = signer.parts(INTEGER)[:6]
    if (digesting.tag, attributes.tag, signing.tag, signature.tag) != (SEQUENCE, FIRST, SEQUENCE, OCTETS):
        raise Flaw("it is not signed as time-stamps are")
    said: dict[str, list[Der]] = {}
    for attribute in attributes.parts():
        name, values = attribute.parts(OBJECT, SET)
        if said.setdefault(name.name(), found := values.parts()) is not found:
            raise Flaw("a signed attribute stands twice")
    [content_type], [digest] = said[CONTENT_TYPE], said[MESSAGE_DIGEST]
    if content_type.name() != STAMP_INFO or digest.tag != OCTETS:
        raise Flaw("what is signed is no time-stamp")
    scheme, hash_name = STAMP_SCHEMES[signing.name()]
    beside = STAMP_HASHES[digesting.name()]
    if hash_name not in ("", beside):
        raise Flaw("it names two hashes")
    return Token(
        at=_general_time(time.body),
        imprint=(STAMP_HASHES[algorithm.name()], hashed.body),
        content=content,
        signed=bytes([SET]) + attributes.whole[1:],
        digest=digest.body,
        signer=_certificate_named(said),
        hash=beside,
        scheme=scheme,
        signature=signature.body,
        certificates=certificates,
    )


def _general_time(text: bytes) -> datetime:
    """`20261121230700Z`, with a fraction of a second or none. Raises Flaw or ValueError."""
    found = GENERAL_TIME.fullmatch(text)
    if found is None:
        raise Flaw("its time is not as time-stamps say it")
    micros = int((found[2] or b"0").ljust(6, b"0")[:6])
    return datetime.strptime(found[1].decode(), "%Y%m%d%H%M%S").replace(tzinfo=UTC, microsecond=micros)


def _certificate_named(said: dict[str, list[Der]]) -> tuple[str, bytes]:
    """Hash name and hash of the certificate that is said to sign (RFC 5035, RFC 2634 §5.4). Raises KeyError, Flaw."""
    newer = SIGNING_CERTIFICATE_V2 in said
    [value] = said[SIGNING_CERTIFICATE_V2 if newer else SIGNING_CERTIFICATE]
    parts = value.parts(SEQUENCE)[0].parts(SEQUENCE)[0].parts()
    name = "sha256" if newer else "sha1"
    if newer and parts[0].tag == SEQUENCE:
        name = STAMP_HASHES[parts.pop(0).name()]
    if parts[0].tag != OCTETS:
        raise Flaw("it does not name the signer's certificate")
    return name, parts[0].body


def read_roots(path: Path) -> list[Any]:
    """The certificates in a PEM file. Raises Unusable."""
    data = read_limited(path, MAX_ROOTS_BYTES)
    found = certificates(data, pem=True)
    if not found:
        raise Unusable(f"{path} 不是可用的根证书（PEM）", f"{path} holds no root certificates that can be used (PEM)")
    return found


def certificates(data: bytes, *, pem: bool = False) -> list[Any]:
    """The certificate in DER, or those in PEM; none where there is one that the library cannot read."""
    from cryptography.exceptions import UnsupportedAlgorithm

    x509 = _x509()
    try:
        found = list(x509.load_pem_x509_certificates(data)) if pem else [x509.load_der_x509_certificate(data)]
        for one in found:  # which is read only now
            _ = one.subject, one.issuer, one.public_key(), list(one.extensions), one.not_valid_after_utc
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return []
    except (x509.InvalidVersion, x509.DuplicateExtension, x509.UnsupportedGeneralNameType):
        return []
    return found


def _x509() -> Any:
    """The library for certificates. Raises Unusable without it."""
    try:
        from cryptography import x509
    except ImportError:
        raise Unusable(
            "核对时间戳需要 cryptography 库：python -m pip install cryptography",
            "time-stamps are checked with the library cryptography: python -m pip install cryptography",
        ) from None
    return x509


def check_token(token: Token, stamped: bytes, roots: Sequence[Any]) -> None:
    """Raises Refuted unless one of those roots vouches that an authority stamped just these bytes, when it says."""
    check_imprint(token, stamped)
    signer = signer_of(token)
    check_token_signature(token, signer)
    check_purpose(signer)
    check_chain(token, signer, roots)


def check_imprint(token: Token, stamped: bytes) -> None:
    """Raises Refuted unless it is these bytes that were stamped."""
    name, value = token.imprint
    if new_hash(name, stamped).digest() != value:
        raise Refuted("盖的是另一内容", "it was stamped over other bytes")


def signer_of(token: Token) -> Any:
    """The certificate that the token says signed it. Raises Refuted when it is not at hand."""
    name, value = token.signer
    for der in token.certificates[:MAX_CERTIFICATES]:
        if new_hash(name, der, usedforsecurity=False).digest() == value and (found := _carried([der])):
            return found[0]
    raise Refuted("其中没有签名者的证书", "the certificate of its signer is not in it")


def _carried(ders: Iterable[bytes]) -> list[Any]:
    """Of certificates that a token brings along, those that can be read."""
    return [one for der in ders for one in certificates(der)]


def check_token_signature(token: Token, signer: Any) -> None:
    """Raises Refuted unless the signer signed it: the attributes, and through their digest the content."""
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa

    known = {"sha256": hashes.SHA256(), "sha384": hashes.SHA384(), "sha512": hashes.SHA512()}
    used = known[token.hash]
    try:
        match token.scheme, signer.public_key():
            case "rsa", rsa.RSAPublicKey() as key:
                key.verify(token.signature, token.signed, padding.PKCS1v15(), used)
            case "pss", rsa.RSAPublicKey() as key:
                pss = padding.PSS(padding.MGF1(used), padding.PSS.AUTO)
                key.verify(token.signature, token.signed, pss, used)
            case "ecdsa", ec.EllipticCurvePublicKey() as key:
                key.verify(token.signature, token.signed, ec.ECDSA(used))
            case "ed25519", ed25519.Ed25519PublicKey() as key:
                key.verify(token.signature, token.signed)
            case _:
                raise InvalidSignature
        if new_hash(token.hash, token.content).digest() != token.digest:
            raise InvalidSignature
    except (InvalidSignature, UnsupportedAlgorithm, ValueError):
        raise Refuted("时间戳机构的签名不对", "the signature of the authority on it is wrong") from None


def check_purpose(signer: Any) -> None:
    """Raises Refuted unless the certificate is for time-stamping alone, and must be (RFC 3161 §2.3)."""
    x509 = _x509()
    try:
        usage = signer.extensions.get_extension_for_class(x509.ExtendedKeyUsage)
        purposes = list(usage.value) if usage.critical else []
    except (x509.ExtensionNotFound, ValueError):
        purposes = []
    if purposes != [x509.ExtendedKeyUsageOID.TIME_STAMPING]:
        raise Refuted("签名者的证书不是时间戳专用", "the certificate of its signer is not for time-stamping alone")


def check_chain(token: Token, signer: Any, roots: Sequence[Any]) -> None:
    """Raises Refuted unless certificates lead from the signer to a root, each valid when it was stamped.

    Whether one was revoked is not asked: that takes a network.
    """
    others = _carried(token.certificates[:MAX_CERTIFICATES])

    def leads(link: Any, depth: int, at: datetime | None) -> bool:
        if at is not None and not link.not_valid_before_utc <= at <= link.not_valid_after_utc:
            return False
        return link in roots or (
            depth < MAX_CHAIN
            and any(
                leads(issuer, depth + 1, at)
                for issuer in [*roots, *others]
                if _issued(issuer, link, depth, issuer in roots)
            )
        )

    if not leads(signer, 0, None):
        raise Refuted("不出自所信任的时间戳机构", "no authority that is trusted here made it")
    if not leads(signer, 0, token.at):
        raise Refuted("盖章时有证书不在有效期内", "a certificate was not valid when it was stamped")


CERTIFICATE_EXTENSIONS = frozenset(("2.5.29.15", "2.5.29.19", "2.5.29.32", "2.5.29.37"))
"""Those that are judged here, or change nothing: key usage, constraints, policies, extended key usage."""


def _issued(issuer: Any, link: Any, below: int, trusted: bool) -> bool:
    """Whether that certificate made this one, and may; `below` is how many stand between this one and the signer."""
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm

    x509 = _x509()
    if issuer.subject != link.issuer:
        return False
    try:
        extensions = [extension for one in (issuer, link) for extension in one.extensions]
        if any(one.critical and one.oid.dotted_string not in CERTIFICATE_EXTENSIONS for one in extensions):
            return False
        found = {type(extension.value): extension.value for extension in issuer.extensions}
        constraints, usage = found.get(x509.BasicConstraints), found.get(x509.KeyUsage)
        if not trusted and constraints is None:
            return False
        if constraints is not None and not constraints.ca:
            return False
        if constraints is not None and constraints.path_length is not None and constraints.path_length < below:
            return False
        if usage is not None and not usage.key_cert_sign:
            return False
        link.verify_directly_issued_by(issuer)
    except (InvalidSignature, UnsupportedAlgorithm, ValueError, TypeError):
        return False
    return True


class Stamps:
    """The time-stamps in an export: `timestamps/<name>.checkpoint`, just what was stamped, and the answer `<name>.tsr`.

    Each is read when it is its turn; only names and sizes are kept. `newest` is the latest time of those that hold.
    """

    def __init__(self, folder: Path, roots: Path | None) -> None:
        """`roots` are the reader's own, else those that lie there count. Raises Unusable for the reader's."""
        self.folder, self.given = folder / "timestamps", roots is not None
        self.source = roots or self.folder / "roots.pem"
        self.roots = read_roots(self.source) if self.given else []
        try:
            names = {path.name for path in self.folder.iterdir() if not path.name.startswith(".")}
        except FileNotFoundError:
            names = set()
        except OSError as error:
            raise unreadable(self.folder, error) from None
        found = {name: match[1] for name in names if (match := STAMP_NAME.fullmatch(name)) is not None}
        self.names = set(found.values())
        self.odd = [f"timestamps/{name}" for name in names - found.keys() - {"roots.pem"}]
        self.sizes = sorted((size, name) for name in self.names if (size := self._size(name)) is not None)
        self.times: list[datetime] = []

    def _size(self, name: str) -> int | None:
        try:
            return read_head(read_limited(self.folder / f"{name}.checkpoint", MAX_NOTE_BYTES)).size
        except Unusable:
            return None

    def check(self, export: Export, log: SignedLog) -> None:
        """Hold each against the log, smaller heads first."""
        if self.names and not self.given:
            try:
                self.roots = read_roots(self.source)
            except Unusable as fault:
                log.problem(None, fault.zh, fault.en)
                return
        sized = [name for _, name in self.sizes]
        for name in [*sized, *sorted(self.names.difference(sized))]:
            try:
                self._check(f"timestamps/{name}", export, log)
            except Told as fault:
                log.problem(None, fault.zh, fault.en)

    def _check(self, name: str, export: Export, log: SignedLog) -> None:
        """Raises Unusable for what cannot be read, Refuted for what does not hold."""
        path = export.folder / f"{name}.checkpoint"
        stamped = read_limited(path, MAX_NOTE_BYTES)
        with named(path, "可用的日志头", "head"):
            head = read_head(stamped)
        try:
            token = read_token(read_limited(export.folder / f"{name}.tsr", MAX_TOKEN_BYTES))
            check_token(token, stamped, self.roots)
        except Flaw as flaw:
            raise Unusable(f"{name}.tsr 不是可用的时间戳（{flaw}）", f"{name}.tsr is no time-stamp: {flaw}") from None
        except Refuted as fault:
            raise Refuted(f"{name}.tsr 不成立：{fault.zh}", f"{name}.tsr does not hold: {fault.en}") from None
        if head.size > export.size:
            log.problem(
                export.size,
                f"{name} 已为 {head.size} 条分录盖时间戳，checkpoint 却只有 {export.size} 条：以旧充新",
                f"{name} was stamped over {head.size} entries, `checkpoint` is of {export.size}: an old head is served "
                "as new",
            )
            return
        log.check_head(f"{name}.checkpoint", head)
        check_anchored(export, log, name, head.size, token.at)
        self.times.append(token.at)

    @property
    def newest(self) -> datetime | None:
        """The latest time of a stamp that holds."""
        return max(self.times, default=None)

    def said(self) -> Iterator[Said]:
        """What there is of them."""
        if not self.times:
            return
        first, last = shown_time(min(self.times)), shown_time(max(self.times))
        yield Said(
            f"时间戳 {len(self.times)} 个，{first} 至 {last}，分录时间与之相符",
            f"{len(self.times)} time-stamps, {first} to {last}; the entries' times fit between them",
        )
        if self.given:
            yield Said(f"时间戳机构根证书：{self.source}", f"roots of the authorities: {self.source}")
        else:
            yield Said(
                f"时间戳机构的根证书为导出自带（{self.source}），仅是本机构自己的说法："
                "请从时间戳机构取得，用 --tsa-roots 核对",
                f"the roots of the authorities are the export's own ({self.source}), the foundation's own word: get "
                "them from the authority and give --tsa-roots",
            )

    def members(self) -> dict[str, Any]:
        """The same as JSON values."""
        first, last = (
            None if time is None else shown_time(time) for time in (min(self.times, default=None), self.newest)
        )
        return {
            "count": len(self.names),
            "holding": len(self.times),
            "first": first,
            "last": last,
            "roots": {"file": str(self.source), "given": self.given} if self.names else None,
        }


def check_anchored(export: Export, log: SignedLog, name: str, size: int, at: datetime) -> None:
    """The last entry under a stamped head says no later time than the stamp's, the first one after it no earlier."""
    last, following = recorded_at(export, size - 1), recorded_at(export, size)
    if last is not None and last > at + AHEAD:
        log.problem(
            size - 1,
            f"登记时间 {shown_time(last)} 晚于已包含它的时间戳 {name}（{shown_time(at)}）：时间不实",
            f"it says to be recorded at {shown_time(last)}, and {name} was stamped over it at {shown_time(at)}: its "
            "time is not true",
        )
    if following is not None and following < at - BEHIND:
        log.problem(
            size,
            f"登记时间 {shown_time(following)} 早于时间戳 {name}（{shown_time(at)}），而那时日志中还没有它：倒签",
            f"back-dated: it says to be recorded at {shown_time(following)}, and was not in the log when {name} was "
            f"stamped, at {shown_time(at)}",
        )


def recorded_at(export: Export, seq: int) -> datetime | None:
    """The time that an entry says; None where there is none, or none that can be read (that is found elsewhere)."""
    if not 0 <= seq < export.size:
        return None
    number = seq // WIDTH
    path = tile_path(ENTRIES, number, min(WIDTH, export.size - number * WIDTH))
    try:
        said = json.loads(split(read_limited(export.folder / path, MAX_BUNDLE_BYTES))[seq % WIDTH])["at"]
        return datetime.fromisoformat(said) if INSTANT.fullmatch(said) else None
    except (Unusable, ValueError, LookupError, TypeError, RecursionError):
        return None


def shown_time(time: datetime) -> str:
    """`2026-11-21T23:07:00Z`."""
    return time.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


# ---------------------------------------------------------------------------------------------------------------------
# SM3 国密 (GB/T 32905-2016): the same entries in a tree of the national hash
# ---------------------------------------------------------------------------------------------------------------------

_M32 = 0xFFFFFFFF


def _turned(value: int, by: int) -> int:
    return (value << by % 32 | value >> -by % 32) & _M32


_SM3_START = struct.unpack(
    ">8I", bytes.fromhex("7380166f 4914b2b9 172442d7 da8a0600 a96f30bc 163138aa e38dee4d b0fb0e4e")
)
_SM3_ROUNDS = tuple(_turned(0x79CC4519 if n < 16 else 0x7A879D8A, n) for n in range(64))


def plain_sm3(data: bytes) -> bytes:
    """SM3 in Python alone, 32 bytes."""
    padded = data + b"\x80" + bytes(-(len(data) + 9) % 64) + (8 * len(data)).to_bytes(8, "big")
    state = _SM3_START
    for at in range(0, len(padded), 64):
        state = _sm3_block(state, padded[at : at + 64])
    return struct.pack(">8I", *state)


def _sm3_block(state: tuple[int, ...], block: bytes) -> tuple[int, ...]:
    """The compression function (§5.3), names as the standard has them."""
    w = list(struct.unpack(">16I", block))
    for j in range(16, 68):
        x = w[j - 16] ^ w[j - 9] ^ _turned(w[j - 3], 15)
        w.append(x ^ _turned(x, 15) ^ _turned(x, 23) ^ _turned(w[j - 13], 7) ^ w[j - 6])
    a, b, c, d, e, f, g, h = state
    for j in range(64):
        turned = _turned(a, 12)
        ss1 = _turned((turned + e + _SM3_ROUNDS[j]) & _M32, 7)
        ff = a ^ b ^ c if j < 16 else (a & b) | (a & c) | (b & c)
        gg = e ^ f ^ g if j < 16 else (e & f) | (~e & g)
        tt1 = (ff + d + (ss1 ^ turned) + (w[j] ^ w[j + 4])) & _M32
        tt2 = (gg + h + ss1 + w[j]) & _M32
        a, b, c, d = tt1, a, _turned(b, 9), c
        e, f, g, h = tt2 ^ _turned(tt2, 9) ^ _turned(tt2, 17), e, _turned(f, 19), g
    return tuple(old ^ new for old, new in zip(state, (a, b, c, d, e, f, g, h), strict=True))


def _library_sm3(data: bytes) -> bytes:
    return new_hash("sm3", data).digest()


sm3 = _library_sm3 if "sm3" in algorithms_available else plain_sm3
"""SM3 of some bytes, 32 bytes: by OpenSSL where it has it."""


class Sm3Tree:
    """A tree of RFC 6962's shape over entries: leaf SM3(0x00 ‖ entry), node SM3(0x01 ‖ left ‖ right)."""

    def __init__(self) -> None:
        self.size = 0
        self._nodes: list[tuple[int, bytes]] = []  # (level, hash) of the perfect subtrees, from left to right

    def add(self, entry: bytes) -> None:
        """Append an entry."""
        level, value = 0, sm3(b"\0" + entry)
        while self._nodes and self._nodes[-1][0] == level:
            level, value = level + 1, sm3(b"\1" + self._nodes.pop()[1] + value)
        self._nodes.append((level, value))
        self.size += 1

    def root(self) -> bytes:
        """The root over all entries, SM3 of nothing when there are none."""
        if not self._nodes:
            return sm3(b"")
        value = self._nodes[-1][1]
        for _, left in reversed(self._nodes[:-1]):
            value = sm3(b"\1" + left + value)
        return value


def sm3_origin(origin: str) -> str:
    """The name under which a ledger signs its SM3 root."""
    return f"{origin}/sm3"


def sm3_text(origin: str, size: int, root: bytes, sha256_root: bytes) -> bytes:
    """What the log's keys sign of its SM3 tree: a checkpoint of that name, with lines that tie it to the log."""
    first = f"{sm3_origin(origin)}\n{size}\n{b64encode(root).decode()}\n"
    return f"{first}log {origin}\nsha256 {b64encode(sha256_root).decode()}\n".encode()


class Sm3Root:
    """The file `sm3/root` of an export, if it is there, to be held against the entries as they pass."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "sm3" / "root"
        self.head: Head | None = None
        self.agrees = False
        self._fault: Unusable | None = None
        self._tree = Sm3Tree()
        if self.path.exists():
            try:
                with named(self.path, "可用的 SM3 树根", "SM3 root"):
                    self.head = read_head(read_limited(self.path, MAX_NOTE_BYTES))
            except Unusable as fault:
                self._fault = fault

    def watch(self, bundles: Iterable[bytes]) -> Iterator[bytes]:
        """The bundles, seen on their way."""
        for data in bundles:
            if self.head is not None and self._tree.size < self.head.size:
                with suppress(ValueError):  # a bundle that breaks off is found elsewhere
                    for entry in split(data)[: self.head.size - self._tree.size]:
                        self._tree.add(entry)
            yield data

    def check(self, export: Export, log: SignedLog) -> None:
        """Hold it against the entries that have passed."""
        if self._fault is not None:
            log.problem(None, self._fault.zh, self._fault.en)
        if self.head is None:
            return
        head, own = self.head, self._tree
        if head.size > export.size:
            log.problem(
                export.size,
                f"sm3/root 已签署 {head.size} 条分录，checkpoint 却只有 {export.size} 条：以旧充新",
                f"sm3/root was signed over {head.size} entries, `checkpoint` over {export.size}: an old head is served "
                "as new",
            )
        elif own.size == head.size and head.size in log.roots:
            try:
                self._check(log, head, sm3_text(log.origin, head.size, own.root(), log.roots[head.size]))
            except Refuted as fault:
                log.problem(None, f"sm3/root 不成立：{fault.zh}", f"sm3/root does not hold: {fault.en}")
            else:
                self.agrees = True

    def _check(self, log: SignedLog, head: Head, text: bytes) -> None:
        """Raises Refuted."""
        if head.root != self._tree.root():
            raise Refuted("签署的 SM3 树根与分录不符", "it was signed over another SM3 root than the entries come to")
        if head.note.text != text:
            raise Refuted("所记的账本或 SHA-256 树根不符", "it names another ledger or SHA-256 root")
        keys = {Key(sm3_origin(log.origin), ED25519, key.public) for key in log.in_force(head.size)}
        if missing := keys - head.note.signers(keys):
            raise Refuted(
                f"没有当时有效的公钥 {min(map(str, missing))} 的签名",
                f"it is not signed by the key in force at its size, {min(map(str, missing))}",
            )

    def said(self) -> Iterator[Said]:
        """That it agrees."""
        if self.agrees and self.head is not None:
            size, root = self.head.size, self.head.root.hex()
            yield Said(f"SM3 树根与分录相符：{size} 条，{root}", f"the SM3 root agrees: {size} entries, {root}")

    def members(self) -> dict[str, Any] | None:
        """The same as JSON values; null where there is no such root."""
        if self.head is None:
            return None
        return {"size": self.head.size, "root": self.head.root.hex(), "agrees": self.agrees}


# ---------------------------------------------------------------------------------------------------------------------
# Freshness: how long ago others last vouched for the log
# ---------------------------------------------------------------------------------------------------------------------


def cosigned(head: Head, policy: Policy) -> dict[Key, datetime]:
    """The witnesses of the policy that signed the head, each with the time of its newest signature."""
    times: dict[Key, datetime] = {}
    for key in policy.witnesses.values():
        for name, key_id, signature in head.note.signatures:
            if (name, key_id) == (key.name, key.id) and key.signed(head.note.text, signature):
                seconds = min(int.from_bytes(signature[:8], "big"), MAX_SECONDS)
                times[key] = max(times.get(key, EPOCH), datetime.fromtimestamp(seconds, UTC))
    return times


EPOCH = datetime.fromtimestamp(0, UTC)
MAX_SECONDS = 253_402_300_799  # the end of the year 9999


def check_datable(policy: Policy, stamps: Stamps) -> None:
    """Raises Unusable where nobody could say how old the newest head is."""
    if policy.quorum == NO_QUORUM and not stamps.names:
        raise Unusable(
            "无从判断新旧：信任策略不要求见证签名，导出中也没有时间戳（--max-age 须有其一）",
            "how old the newest head is cannot be told: the policy asks for no witness, and there are no time-stamps; "
            "--max-age takes one or the other",
        )


def check_fresh(log: SignedLog, head: Head, stamps: Stamps, since: datetime) -> None:
    """As many witnesses as the policy asks for signed the newest head since then; the newest time-stamp is no older."""
    assert log.policy is not None
    fresh = {key for key, at in cosigned(head, log.policy).items() if at >= since}
    if not log.policy.is_witnessed(fresh):
        log.problem(
            None,
            f"checkpoint 在 {shown_time(since)} 之后的见证签名不足：可能以旧充新",
            f"too few witnesses signed checkpoint since {shown_time(since)}: an old head may be served as new",
        )
    if stamps.names and (stamps.newest is None or stamps.newest < since):
        log.problem(
            None,
            f"最近的时间戳早于 {shown_time(since)}：可能以旧充新",
            f"the newest time-stamp is from before {shown_time(since)}: an old head may be served as new",
        )


def freshness(log: SignedLog, head: Head) -> Iterator[Said]:
    """When witnesses last signed the newest head."""
    times = cosigned(head, log.policy) if log.policy else {}
    if times:
        newest, names = shown_time(max(times.values())), ", ".join(sorted(shown(key.name) for key in times))
        yield Said(f"最近的见证签名：{newest}（{names}）", f"newest cosignature: {newest} ({names})")


# ---------------------------------------------------------------------------------------------------------------------
# Receipts 存证凭据 (C2SP tlog-proof)
# ---------------------------------------------------------------------------------------------------------------------

RECEIPT_HEADER = b"c2sp.org/tlog-proof@v1"
MAX_RECEIPT_BYTES = 2_000_000
INDEX = re.compile(r"index (0|[1-9][0-9]{0,18})")
OLD = re.compile(r"old (0|[1-9][0-9]{0,18})")
OPENING = frozenset(("field", "salt", "stream", "value"))


class Proof(NamedTuple):
    """A proof of logging taken apart: which entry, the path up to the root, the signed head, what stands beside."""

    seq: int
    path: tuple[bytes, ...]
    head: Head
    extra: bytes


class Receipt(NamedTuple):
    """A proof with the entry it is of, and openings of what the entry commits to."""

    proof: Proof
    entry: bytes
    openings: list[dict[str, str]]


def read_proof(data: bytes) -> Proof:
    """A proof, exactly as the specification says. Raises Unusable."""
    if len(data) > MAX_RECEIPT_BYTES:
        raise Unusable(f"超过 {MAX_RECEIPT_BYTES} 字节，太长", f"it is longer than {MAX_RECEIPT_BYTES} bytes")
    refuse_crlf(data)
    opening, blank, checkpoint = data.partition(b"\n\n")
    lines = opening.decode("ascii", "replace").split("\n")
    if not blank or lines.pop(0).encode() != RECEIPT_HEADER:
        raise Unusable(
            f"首行不是 {RECEIPT_HEADER.decode()}，或没有日志头",
            f"its first line is not {RECEIPT_HEADER.decode()}, or no head follows",
        )
    extra: bytes | None = b""
    if lines and lines[0].startswith("extra "):
        extra = decoded(lines.pop(0).removeprefix("extra "))
    index = INDEX.fullmatch(lines.pop(0)) if lines else None
    path = [decoded(line) for line in lines]
    if extra is None or index is None or any(value is None or len(value) != HASH_BYTES for value in path):
        raise Unusable("不是 extra、index、哈希各一行的结构", "it is not extra, index and hashes, a line each")
    return Proof(int(index[1]), tuple(value for value in path if value is not None), read_head(checkpoint), extra)


def read_receipt(data: bytes) -> Receipt:
    """A proof whose extra data is the JSON object {"entry": base64, "openings": [{field, stream, value, salt}]}, the
    latter only where there are any. Raises Unusable."""
    proof = read_proof(data)
    try:
        members = json.loads(proof.extra)
        entry, openings = decoded(members["entry"]), members.get("openings", [])
        sound = members.keys() <= {"entry", "openings"} and type(openings) is list
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        entry = None
    if entry is None or not sound:
        raise Unusable("其中没有分录原文", "it does not hold its entry")
    for opening in openings:
        if type(opening) is not dict or opening.keys() != OPENING or any(type(v) is not str for v in opening.values()):
            raise Unusable("承诺值的打开方式不完整", "an opening is not field, stream, value and salt")
        try:
            for text in opening.values():
                check_text(text)
        except Flaw as flaw:
            raise Unusable(f"打开承诺值的文本有误（{flaw}）", f"an opening is unsound: {flaw}") from None
        if not HASH.fullmatch(opening["salt"]):
            raise Unusable(
                "打开承诺值的盐不是 64 位十六进制数", "the salt of an opening is not 64 lower-case hex digits"
            )
    return Receipt(proof, entry, openings)


def root_over(leaf: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes | None:
    """The root that an inclusion proof comes to, None if it is too short or too long (RFC 9162 §2.1.3.2)."""
    if index >= size:
        return None
    last, value = size - 1, leaf
    for sibling in path:
        if last == 0:
            return None
        if index & 1 or index == last:
            value = node_hash(sibling, value)
            while not index & 1 and index:
                index, last = index >> 1, last >> 1
        else:
            value = node_hash(value, sibling)
        index, last = index >> 1, last >> 1
    return value if last == 0 else None


def check_receipt(receipt: Receipt, trust: Policy) -> Data:
    """The entry that a receipt proves to be in a log of the policy, with its openings. Raises Refuted."""
    proof, head = receipt.proof, receipt.proof.head
    if not trust.logs_of(head.origin):
        raise Refuted(
            f"所属账本 {shown(head.origin)} 不在信任策略之内", f"its ledger, {shown(head.origin)}, is not in the policy"
        )
    signers = head.note.signers(trust.keys())
    if signers.isdisjoint(trust.logs_of(head.origin)):
        raise Refuted(
            "日志头没有信任策略所认公钥的签名（若账本换过公钥，请用新的信任策略）",
            "its head is signed by no key of the policy (if the ledger's key was changed, use the newer policy)",
        )
    if not trust.is_witnessed(signers):
        raise Refuted(
            f"日志头的见证签名不足信任策略要求的 {shown(trust.quorum)}",
            f"its head is not cosigned as the policy asks, by {shown(trust.quorum)}",
        )
    if root_over(leaf_hash(receipt.entry), proof.seq, head.size, proof.path) != head.root:
        raise Refuted(
            "分录不在签名的日志头之中：哈希路径不能到达树根",
            "the entry is not under the signed head: its path does not lead to the root",
        )
    try:
        entry = parse(receipt.entry, STRICT)
        check_envelope(entry)
        if (entry["seq"], entry["origin"]) != (proof.seq, head.origin):
            raise Flaw(f"it says to be entry {shown(entry['seq'])} of {shown(entry['origin'])}")
    except Flaw as flaw:
        raise Refuted(f"分录本身不合规定（{flaw}）", f"the entry itself is unsound: {flaw}") from None
    for opening in receipt.openings:
        check_opening(entry, opening)
    return entry


def check_opening(entry: Data, opening: dict[str, str]) -> None:
    """Raises Refuted unless the entry commits to just this value."""
    said = {name: opening[name] for name in ("field", "stream", "value")}
    commitment = hmac.digest(bytes.fromhex(opening["salt"]), encode_canonical(said), "sha256").hex()
    commitments = entry["data"].get("commitments")
    there = commitments.get(opening["field"]) if type(commitments) is dict else None
    if opening["stream"] != entry["stream"] or there != commitment:
        name = shown(opening["field"])
        raise Refuted(f"{name} 与分录中的承诺值不符", f"{name} is not the value that the entry commits to")


def verify_receipts(files: Sequence[Path], trust: Policy | None = None, heads: Sequence[Kept] = ()) -> Outcome:
    """Check receipts, each against the policy given or the file `policy` beside it, and against heads of its own size.

    Raises Unusable for a head or policy that cannot be used; of several receipts, only when none could be read.
    """
    lines: list[Said] = []
    results: list[dict[str, Any]] = []
    unusable: list[Unusable] = []
    for path in files:
        try:
            result, told = _receipt_result(path, _beside(path) if trust is None else trust, heads)
        except Unusable as fault:
            unusable.append(fault)
            result, told = {"file": str(path), "ok": False, "what": fault.en}, [Said(fault.zh, fault.en)]
        results.append(result)
        lines += told
    if unusable and len(files) == 1:
        raise unusable[0]
    refuted = [result for result in results if "problem" in result]
    good = sum(1 for result in results if result["ok"])
    if trust is None and good:
        lines.append(
            Said(
                "信任策略为凭据旁的 policy 文件：请将其中公钥与基金会公示的核对（--policy、--key）",
                "the policy is the file beside: compare its key with the one that the foundation publishes "
                "(--policy, --key)",
            )
        )
    if len(files) > 1:
        lines.append(Said(f"{len(files)} 张凭据，{good} 张成立", f"{good} of {len(files)} receipts hold"))
    problems = [{"seq": result["entry"], "what": result["problem"], "file": result["file"]} for result in refuted]
    members = {"ok": good == len(files), "kind": "receipts", "receipts": results, "problems": problems}
    return Outcome(lines, members, 1 if refuted else 2 if unusable else 0)


def _beside(path: Path) -> Policy:
    """The policy that lies beside a receipt. Raises Unusable, which says how to get one."""
    if not (path.parent / "policy").exists():
        raise Unusable(
            f"不知道认可谁的签名：请用 --policy 文件（账本导出中的 policy）或 --key 公钥（账本公示的签名公钥），"
            f"或把 policy 放在 {path} 旁边",
            f"whose signature counts is not known: give --policy FILE (the policy of the ledger's export) or --key KEY "
            f"(the key that the foundation publishes), or put the policy beside {path}",
        )
    return policy_file(path.parent / "policy")


def _receipt_result(path: Path, trust: Policy, heads: Sequence[Kept]) -> tuple[dict[str, Any], list[Said]]:
    """One receipt's members and lines. Raises Unusable."""
    with named(path, "可用的存证凭据", "receipt"):
        receipt = read_receipt(read_limited(path, MAX_RECEIPT_BYTES))
    index, head = receipt.proof.seq, receipt.proof.head
    members: dict[str, Any] = {
        "file": str(path),
        "ok": True,
        "entry": index,
        "origin": head.origin,
        "size": head.size,
        "root": head.root.hex(),
    }
    try:
        entry = check_receipt(receipt, trust)
        agreeing = [kept for kept in heads if _agrees(kept, head, trust)]
    except Refuted as fault:
        members |= {"ok": False, "problem": fault.en}
        return members, [
            Said(f"{path} 不成立：第 {index} 条分录：{fault.zh}", f"{path} does not hold: entry {index}: {fault.en}")
        ]
    fields = sorted(opening["field"] for opening in receipt.openings)
    members |= {"type": entry["type"], "stream": entry["stream"], "openings": fields}
    members["kept"] = [str(kept.path) for kept in agreeing]
    lines = [
        Said(
            f"{path} 成立：第 {index} 条分录（{entry['type']} {entry['stream']}）在账本 {head.origin} 的签名日志头"
            f"（{head.size} 条分录，树根 {head.root.hex()}）之中",
            f"{path} holds: entry {index} ({entry['type']} {entry['stream']}) is in the ledger {head.origin} under its "
            f"signed head ({head.size} entries, root {head.root.hex()})",
        )
    ]
    if fields:
        names = ", ".join(fields)
        lines.append(Said(f"其中 {names} 与分录的承诺值相符", f"its {names} is what the entry commits to"))
    return members, [*lines, *(_kept_line(kept) if kept in agreeing else _unlike_line(kept, head) for kept in heads)]


def _unlike_line(kept: Kept, head: Head) -> Said:
    """What is said of a head that a receipt can tell nothing of."""
    path, size = kept.path, kept.head.size
    return Said(
        f"您保存的 {path} 有 {size} 条，与凭据的 {head.size} 条不同：是否一致须用完整导出，或请基金会换新凭据",
        f"the head you kept, {path}, is of {size} entries, the receipt's of {head.size}: whether they agree is seen "
        "from an export, or from the proof that comes with a renewed receipt",
    )


def _agrees(kept: Kept, head: Head, trust: Policy) -> bool:
    """Whether a kept head says what the receipt's does, or continues it; False when that cannot be told.

    Raises Refuted when it says otherwise, Unusable for one of another ledger, or damaged.
    """
    theirs, path = kept.head, kept.path
    if theirs.origin != head.origin:
        raise other_ledger(kept, head.origin)
    try:
        signers = theirs.note.signers(trust.keys())
    except Refuted as fault:
        raise Unusable(f"{path} 已损坏：{fault.zh}", f"{path} is damaged: {fault.en}") from None
    if theirs.size == head.size and theirs.root != head.root:
        raise Refuted(
            f"与您保存的 {path} 同为 {head.size} 条，树根却不同：另一份历史",
            f"the head you kept, {path}, is of the same {head.size} entries and has another root: another history",
        )
    if theirs.size == head.size or kept.old != head.size:
        return theirs.size == head.size
    if signers.isdisjoint(trust.logs_of(head.origin)):
        raise Unusable(
            f"{path} 没有信任策略所认公钥的签名（若账本换过公钥，请用新的信任策略）",
            f"{path} is signed by no key of the policy (if the ledger's key was changed, use the newer policy)",
        )
    if not is_continued(head, theirs, kept.proof):
        raise Refuted(
            f"新日志头 {path}（{theirs.size} 条）不是它的接续：历史被改写",
            f"the newer head {path}, of {theirs.size} entries, does not continue its head: history was rewritten",
        )
    return True


def is_continued(old: Head, new: Head, proof: Sequence[bytes]) -> bool:
    """Whether a consistency proof leads from the smaller head to the larger (RFC 9162 §2.1.4.2)."""
    if not 0 < old.size < new.size:
        return False
    path = [old.root, *proof] if old.size.bit_count() == 1 else list(proof)
    if not path:
        return False
    index, last = old.size - 1, new.size - 1
    while index & 1:
        index, last = index >> 1, last >> 1
    before = after = path[0]
    for sibling in path[1:]:
        if last == 0:
            return False
        if index & 1 or index == last:
            before, after = node_hash(sibling, before), node_hash(sibling, after)
            while not index & 1 and index:
                index, last = index >> 1, last >> 1
        else:
            after = node_hash(after, sibling)
        index, last = index >> 1, last >> 1
    return last == 0 and before == old.root and after == new.root


def other_ledger(kept: Kept, origin: str) -> Unusable:
    """What is said of another ledger's head."""
    return Unusable(
        f"{kept.path} 是另一账本 {shown(kept.head.origin)} 的日志头，这里是 {shown(origin)}",
        f"{kept.path} is the head of another ledger, {shown(kept.head.origin)}; this is {shown(origin)}",
    )


def hold_heads(
    report: Report, roots: dict[int, bytes], heads: Sequence[Kept], trust: Policy | None = None
) -> tuple[Report, list[Said]]:
    """Heads that the reader kept, and a policy, held against entries that were replayed: the report with what is wrong
    besides, and a line for each head that agrees. Raises Unusable for a head or policy of another ledger.
    """
    log = SignedLog(report, roots, trust, heads[0].head.origin if heads else "")
    if trust is not None:
        check_ledger(trust, log.origin)
        log.check_policy()
    agreeing = [_kept_line(kept) for kept in heads if log.check_kept(kept.path, kept.head)]
    return replace(report, problems=ordered([*report.problems, *log.problems])), agreeing


# ---------------------------------------------------------------------------------------------------------------------
# The command
# ---------------------------------------------------------------------------------------------------------------------

BLOCK_BYTES = 1 << 20
EXIT_BUG, EXIT_INTERRUPTED, EXIT_PIPE_CLOSED = 70, 130, 141


def examine(
    paths: Sequence[Path],
    *,
    policy: Path | None = None,
    key: str | None = None,
    kept: Sequence[Path] = (),
    tsa_roots: Path | None = None,
    fresh_since: datetime | None = None,
    decode: Codec = STRICT,
    way: Callable[[int], Way] = lambda size: PLAINLY,
    jobs: int | None = None,
    progress: Callable[[int, int | None], None] = lambda done, size: None,
) -> Outcome:
    """Check what is at the paths, whatever it is: an export, receipts or a folder of them, or entries in order.

    `way` says how to read an export of so many entries. `progress` is told how many entries are done, of how many if
    that is known. Without `jobs` all processors are used where it helps.
    Raises Unusable for what cannot be read as any of these; OSError when temporary files cannot be written.
    """
    trust = own_policy(policy, key)
    heads = kept_heads(kept)
    [first, *more] = paths
    if not more and any((first / name).exists() for name in ("checkpoint", "tile")):
        return verify_export(
            first,
            trust=trust,
            heads=heads,
            tsa_roots=tsa_roots,
            fresh_since=fresh_since,
            decode=decode,
            way=way,
            jobs=jobs,
            progress=progress,
        )
    if fresh_since is not None:
        raise Unusable("--max-age 只用于账本导出", "--max-age is for exports alone")
    if first.is_dir() and not more:
        receipts = sorted(path for path in first.glob("*.tlog-proof") if not path.name.startswith("."))
        if receipts:
            return verify_receipts(receipts, trust, heads)
        raise Unusable(
            f"{first} 既不是账本导出（没有 checkpoint 和 tile），也没有存证凭据（*.tlog-proof）",
            f"{first} is neither an export (no checkpoint, no tile) nor a folder of receipts (no *.tlog-proof)",
        )
    if all(read_limited(path, len(RECEIPT_HEADER) - 1) == RECEIPT_HEADER for path in paths):
        return verify_receipts(paths, trust, heads)
    watch = Watch(one.head.size for one in heads)
    report = verify(
        chain.from_iterable(map(read_file, paths)),
        decode=decode,
        jobs=jobs or processors(),
        progress=lambda done: progress(done, None),
        tree=watch,
    )
    report, lines = hold_heads(report, watch.roots, heads, trust)
    return Outcome([*lines, *report.said(), report.verdict()], report.as_json(), 0 if report.ok else 1)


def own_policy(policy: Path | None, key: str | None) -> Policy | None:
    """Whose signatures the reader says count. Raises Unusable."""
    if key is None:
        return None if policy is None else policy_file(policy)
    found = read_key(key)
    if found is None or policy is not None:
        raise Unusable(
            f"--key {shown(key)} 不是 Ed25519 的公钥，或与 --policy 同时给出",
            f"--key {shown(key)} is no verifier key of Ed25519, or stands beside --policy",
        )
    return Policy(logs=[found], quorum=NO_QUORUM, source="--key")


def processors() -> int:
    """How many processors to use: more than 8 would only wait for the one process that folds what they read."""
    return min(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1, 8)


def read_file(path: str | Path) -> Iterator[bytes]:
    """The entry bundles that a file holds, or its lines as bundles when it holds one JSON entry a line.

    Raises Unusable for a file that is neither, or cannot be read.
    """
    try:
        with open_file(path) as file:
            opening = file.read(3)
            file.seek(0)
            if opening[:1] == b"{" and opening[2:] != b"{":
                yield from bundle(_lines(path, file))
            elif opening[2:] == b"{":
                yield from _blocks(file)
            else:
                raise Unusable(
                    f"{path} 既不是存证凭据，也不是分录包或每行一条的 JSON 分录",
                    f"{path} is neither a receipt, nor entry bundles, nor one JSON entry a line",
                )
    except OSError as error:
        raise unreadable(path, error) from None


def _lines(path: str | Path, file: BinaryIO) -> Iterator[bytes]:
    for number, line in enumerate(file, 1):
        entry = line.removesuffix(b"\n")
        if len(entry) > MAX_ENTRY_BYTES:
            raise Unusable(
                f"{path} 第 {number} 行超过一条分录的上限 {MAX_ENTRY_BYTES} 字节",
                f"line {number} of {path} is longer than an entry can be, {MAX_ENTRY_BYTES} bytes",
            )
        yield entry


def _blocks(file: BinaryIO) -> Iterator[bytes]:
    """Whole entries in blocks of about BLOCK_BYTES; bytes after the last whole entry come last, as they are."""
    rest = b""
    while block := file.read(BLOCK_BYTES):
        data = rest + block
        _, at = walked(data)
        yield data[:at]
        rest = data[at:]
    if rest:
        yield rest


def positive_count(text: str) -> int:
    """An argument that is a whole number above 0. Raises ValueError."""
    if (number := int(text)) < 1:
        raise ValueError(text)
    return number


def days_ago(days: int, now: datetime) -> datetime:
    """So many days before now, or before all that could be dated."""
    return now - timedelta(days=min(days, (now - EPOCH).days))


def show_progress(done: int, size: int | None) -> None:
    """One line on a terminal, rewritten."""
    of = f"{done:,}" if size is None else f"{done:,} / {size:,}"
    sys.stderr.write(f"\r\x1b[K验证 / verifying {of}")
    sys.stderr.flush()


def command(arguments: Sequence[str] | None = None) -> int:
    """The command line; returns the exit code. Raises OSError, and what are bugs of ours."""
    parser = argparse.ArgumentParser(
        prog="verify.py",
        description="离线验证账本导出或存证凭据 / Check a ledger's export, or receipts, offline.",
    )
    parser.add_argument(
        "paths",
        nargs="+",
        type=Path,
        metavar="PATH",
        help="导出文件夹、凭据或分录包 / an export, receipts, or entry bundles",
    )
    parser.add_argument(
        "--head",
        action="append",
        default=[],
        type=Path,
        metavar="FILE",
        help="您从前保存的日志头 / a head that you kept",
    )
    parser.add_argument(
        "--policy", type=Path, metavar="FILE", help="认可谁的签名 / whose signatures count (C2SP tlog-policy)"
    )
    parser.add_argument(
        "--tsa-roots",
        type=Path,
        metavar="FILE",
        help="您所信任的时间戳机构根证书 / roots (PEM) whose time-stamps count",
    )
    parser.add_argument(
        "--max-age",
        type=positive_count,
        metavar="DAYS",
        help="最近的见证签名和时间戳不得早于若干天前 / others vouched for the newest head that recently",
    )
    parser.add_argument("--key", metavar="KEY", help="只认可此公钥 / the one key that counts, instead of a policy")
    parser.add_argument("--json", action="store_true", help="以 JSON 输出 / print the report as JSON")
    parser.add_argument(
        "--jobs", type=positive_count, metavar="N", help="进程数，默认全部处理器 / processes; default all cores"
    )
    options = parser.parse_args(arguments)
    watched = sys.stderr.isatty()
    try:
        found = examine(
            options.paths,
            policy=options.policy,
            key=options.key,
            kept=options.head,
            tsa_roots=options.tsa_roots,
            fresh_since=None if options.max_age is None else days_ago(options.max_age, datetime.now(UTC)),
            jobs=options.jobs,
            progress=show_progress if watched else lambda done, size: None,
        )
    except Unusable as fault:
        print(f"错误：{fault.zh}\nerror: {fault.en}", file=sys.stderr)
        if options.json:
            print(json.dumps({"error": "unusable", "zh": fault.zh, "en": fault.en}, ensure_ascii=False))
        return 2
    finally:
        if watched:
            sys.stderr.write("\r\x1b[K")
    if options.json:
        print(json.dumps(found.members, ensure_ascii=False))
    else:
        print("\n".join([*(line.zh for line in found.lines), "", *(line.en for line in found.lines)]))
    return found.code


def main(arguments: Sequence[str] | None = None) -> int:
    """The command, with an exit code for whatever else may happen: 1 always means tampering."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")
    try:
        code = command(arguments)
        sys.stdout.flush()
        return code
    except BrokenPipeError:  # whoever read has read enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_PIPE_CLOSED
    except OSError as error:
        print(f"错误：无法写临时文件：{error}\nerror: temporary files cannot be written: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except Exception:  # noqa: BLE001 - a bug of ours must not look like tampering
        traceback.print_exc()
        return EXIT_BUG


if __name__ == "__main__":
    sys.exit(main())
