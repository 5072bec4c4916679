"""What a reading of entries tells besides, for those who hold tables against them; and the plain way to read so.

Apart from the rest of the rooms, because the replay's worker processes import this and nothing else of ours besides.
"""

from __future__ import annotations

from pickle import UnpicklingError
from typing import Any, NamedTuple

from audit.verify import Codec, Way, read_chunk, split

COMPILED_FROM_ENTRIES = 50_000
"""From so many entries on it pays to read gifts by compiled code."""


class Aside(NamedTuple):
    """Of one chunk: `issues` has a line for each issue of each gift that was read by the column, see `audit.quick`;
    `others` are all other entries, as they are."""

    issues: bytes
    others: list[bytes]


def _read(start: int, data: bytes, codec: Codec) -> tuple[Any, ...]:
    """As `audit.verify.read_chunk`, and an `Aside` of all entries."""
    return (*read_chunk(start, data, codec), tuple(Aside(b"", split(data))))


PLAINLY = Way(_read)
"""By the replay's own functions."""


def way_for(size: int) -> Way:
    """How to read so many entries: compiled code takes a while to be at hand, and wants a folder to be kept in."""
    if size < COMPILED_FROM_ENTRIES:
        return PLAINLY
    try:
        from audit.quick import QUICKLY
    except (RuntimeError, OSError):  # there is none: neither beside the code nor of this user nor NUMBA_CACHE_DIR
        return PLAINLY
    except (EOFError, UnpicklingError):  # what is kept there is damaged, as after a loss of power
        return PLAINLY
    return QUICKLY
