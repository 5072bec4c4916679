"""Facts as bytes: the canonical JSON of an entry (RFC 8785), its leaf hash (RFC 6962), and the way back.

An entry's members in canonical order are at, data, origin, prev, salt, seq, stream, type, v, version. `data` is made
first, by `encode`; `seal` puts the envelope around it when the place in the chain is known, under the ledger's lock.
"""

from __future__ import annotations

import hashlib
import unicodedata
from functools import lru_cache
from typing import Any, NamedTuple

import msgspec

from ledger.errors import BadValue
from ledger.events import FACTS, Fact

MAX_ENTRY_BYTES = 65_535
"""The bundle format's length field has 16 bits (C2SP tlog-tiles)."""

GENESIS = hashlib.sha256(b"").digest()
"""`prev` of entry 0."""

_BACKSLASH, _DELETE = b"\\\x7f"  # as numbers they are found ten times as fast
_ENCODER = msgspec.json.Encoder(order="sorted")
_DECODERS = {fact: msgspec.json.Decoder(fact) for fact in FACTS.values()}


class Entry(NamedTuple):
    """An entry read back: the envelope's members, and `leaf`, the hash of the exact bytes."""

    seq: int
    at: str
    stream: str
    version: int
    type: str
    data: dict[str, Any]
    leaf: bytes


def encode(fact: Fact) -> bytes:
    """Canonical bytes of the entry's `data`. Raises BadValue for what the fact's types or the JSON profile forbid.

    For values of the profile sorted members in UTF-8 are what RFC 8785 asks for. Decoding by the fact's own types is
    the second look at every value: nothing that could not be read back is ever written.
    """
    try:
        data = _ENCODER.encode(fact)
        _DECODERS[type(fact)].decode(data)
    except (msgspec.DecodeError, UnicodeEncodeError) as error:
        raise BadValue("data", type(fact).__name__, str(error), "数据不符合该事项的格式") from error
    if not data.isascii() or _BACKSLASH in data or _DELETE in data:
        _check_text(data.decode())
    return data


def decode_fact(topic: str, data: bytes) -> Fact:
    """The fact behind the bytes of `data`; members that this version does not know are passed over.

    Raises KeyError for a name that this version does not know.
    """
    return _DECODERS[FACTS[topic]].decode(data)


def encode_parts(fact: Fact, room: int, seq: int) -> list[bytes]:
    """Encoded `data` of one entry; of several, split at its moves, when one would take more than `room` bytes.

    `seq` is the (first) entry's own, which later parts name in `of`. Raises BadValue when even without moves the fact
    does not fit.
    """
    whole = encode(fact)
    if len(whole) <= room:
        return [whole]
    rest = {**msgspec.json.decode(whole), "part": 1}
    moves = rest.pop("moves", [])
    parts: list[dict[str, Any]] = []
    left = 0
    for move in moves:
        width = len(_ENCODER.encode(move)) + 1
        if width > left:
            parts.append({**rest, "moves": []})
            left = room - len(_ENCODER.encode(parts[-1])) - len(',"last":true')
            rest = {"of": seq, "part": len(parts) + 1}
        if width > left:
            break
        left -= width
        parts[-1]["moves"].append(move)
    if not parts or sum(len(part["moves"]) for part in parts) < len(moves):
        raise BadValue(
            "data",
            f"{len(whole)} bytes",
            "an entry has at most 65,535 bytes; record it in several (a payment of many lines: split it)",
            "分录不得超过 65535 字节；请分成几笔登记（明细行过多的拨付请拆分）",
        )
    parts[-1]["last"] = True
    return [_ENCODER.encode(part) for part in parts]


def envelope_size(origin: str, stream: str) -> int:
    """No fewer bytes than `seal` puts around the data of an entry of this origin and stream: UTF-8 takes at most 4."""
    return 400 + 4 * (len(origin) + len(stream))


def seal(data: bytes, *, at: str, origin: str, prev: bytes, salt: str, seq: int, name: tuple[str, str, int]) -> bytes:
    """The whole entry's canonical bytes around encoded `data`; `name` is (stream, type, version)."""
    stream, topic, version = name
    head = f'{{"at":"{at}","data":'
    tail = (
        f',"origin":{_quoted(origin)},"prev":"{prev.hex()}","salt":"{salt}","seq":{seq}'
        f',"stream":{_ENCODER.encode(stream).decode()},"type":"{topic}","v":1,"version":{version}}}'
    )
    return head.encode() + data + tail.encode()


def leaf_hash(body: bytes) -> bytes:
    """RFC 6962 section 2.1: SHA-256(0x00 ‖ entry bytes)."""
    return hashlib.sha256(b"\x00" + body).digest()


def data_of(body: bytes) -> bytes:
    """The bytes of `data` within an entry's bytes; the inverse of `seal` without a parse.

    `at` has a fixed width, and no text inside an entry can hold an unescaped `,"origin":"`: the last one ends `data`.
    """
    return body[_DATA_STARTS : body.rindex(b',"origin":"')]


_DATA_STARTS = len('{"at":"2026-01-02T03:04:00.000000Z","data":')


def decode(body: bytes, leaf: bytes | None = None) -> Entry:
    """An entry's members from its exact bytes; `leaf` if its hash is known."""
    members = msgspec.json.decode(body)
    return Entry(
        members["seq"],
        members["at"],
        members["stream"],
        members["version"],
        members["type"],
        members["data"],
        leaf or leaf_hash(body),
    )


def _check_text(data: str) -> None:
    """Raises BadValue for text in encoded `data` that is not NFC or holds a control character (there an escape)."""
    plain = data.replace("\\\\", "").replace('\\"', "")
    if "\\" in plain or any(unicodedata.category(c) in ("Cc", "Cs") for c in plain):
        raise BadValue("text", data, "text without control characters", "文本不得含控制字符")
    if not unicodedata.is_normalized("NFC", data):
        raise BadValue("text", data, "text in Unicode NFC", "文本应为 NFC 规范形式")


@lru_cache(maxsize=16)
def _quoted(text: str) -> str:
    return _ENCODER.encode(text).decode()
