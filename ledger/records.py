"""Records read back: the facts on a stream, whole, and which of them stand.

A record is a stream: an allocation with its releases, a payment with its returns, a gift with its attribution. A fact
stands unless an `EntryReversed`, which is on the same stream, names its entry; an `EntryReversed` itself never stands.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple, TypeVar

import msgspec

from ledger.codec import data_of, decode_fact
from ledger.events import EntryReversed, Fact, Moved

F = TypeVar("F", bound=Fact)


class Entered(NamedTuple):
    """A fact in the chain: the seq of its (first) entry, and the fact with the moves of all its parts."""

    seq: int
    fact: Any


class _LaterPart(msgspec.Struct):
    of: int | None = None
    moves: tuple[Moved, ...] = ()


_decode_part = msgspec.json.Decoder(_LaterPart).decode


def whole_facts(rows: Iterable[tuple[int, str, bytes]]) -> Iterator[Entered]:
    """The facts of entries (seq, type, body) in order of seq, those of several parts put together."""
    first: Entered | None = None
    moves: list[Moved] = []
    for seq, topic, body in rows:
        data = data_of(body)
        part = _decode_part(data)
        if part.of is not None:
            moves += part.moves
            continue
        if first is not None:
            yield _joined(first, moves)
        first, moves = Entered(seq, decode_fact(topic, data)), []
    if first is not None:
        yield _joined(first, moves)


def _joined(first: Entered, moves: list[Moved]) -> Entered:
    if not moves:
        return first
    return first._replace(fact=msgspec.structs.replace(first.fact, moves=(*first.fact.moves, *moves)))


class Record:
    """The facts on one stream, oldest first."""

    def __init__(self, entered: Iterable[Entered] = ()) -> None:
        self.entered = list(entered)

    def standing(self) -> list[Entered]:
        """The facts that stand."""
        return [e for e in self.entered if type(e.fact) is not EntryReversed and self.reversed_by(e) is None]

    def made(self, *kinds: type[Fact]) -> Entered | None:
        """The fact of these kinds that made the record, whether it stands or not; None when there is none."""
        return next((each for each in self.entered if type(each.fact) in kinds), None)

    def facts(self, kind: type[F]) -> list[F]:
        """The standing facts of one kind."""
        return [each.fact for each in self.standing() if type(each.fact) is kind]

    def reversed_by(self, entered: Entered) -> int | None:
        """The entry that reversed a fact of this record; None when it stands."""
        reversals = (each for each in self.entered if type(each.fact) is EntryReversed)
        return next((each.seq for each in reversals if each.fact.reverses == entered.seq), None)
