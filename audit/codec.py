"""A quicker JSON codec for the audit's replay: what it does not find sound is read again by `audit.verify`'s own.

Apart from the rest of the rooms, because the replay's worker processes import this and nothing else of ours besides.
"""

from __future__ import annotations

from typing import Any

import msgspec

_ENCODER = msgspec.json.Encoder(order="sorted")


def decode(raw: bytes) -> Any:
    """One JSON text; strict about UTF-8 and control characters. Raises ValueError."""
    return msgspec.json.decode(raw)


def encode(value: Any) -> bytes:
    """JSON with sorted names and no whitespace."""
    return _ENCODER.encode(value)


FAST = (decode, encode)
