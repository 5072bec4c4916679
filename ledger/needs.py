"""What the commands of a batch will read, gathered before any is decided, so that it is loaded with a few queries."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from ledger.tapes import Run

BillKey = tuple[str, str, str]
"""(hospital, bill number, case)."""
LineKey = tuple[str, int, int]
"""A line of a statement: SHA-256 of its file in hex, the statement's position in it, the line's ordinal there."""


@dataclass(slots=True)
class Needs:
    """Each command adds its own.

    `keys` are idempotency keys, `claims` business keys, `new_streams` those of records that should not exist yet: a
    primary or unique key of the database refuses each of these a second time, even unread, so they are gathered only
    where somebody looks.

    `records` are streams to be read whole, `reversals` the entries to be reversed, and `movers` (seq, tape, lo, hi)
    asks who moved a run after an entry. `runs` are serials wanted wherever they are, `returning` places whose money may
    go home, `leaving_funds` funds whose money may go elsewhere: with these come the rows beside them, with which they
    may merge where they arrive. `promises` says of a record that the batch itself makes which places its money may come
    home from. `legs` are entries whose cash legs are asked for, `matches` what was said of lines of statements.
    """

    keys: set[str] = field(default_factory=set)
    streams: set[str] = field(default_factory=set)
    new_streams: set[str] = field(default_factory=set)
    records: set[str] = field(default_factory=set)
    reversals: set[int] = field(default_factory=set)
    funds: set[str] = field(default_factory=set)
    spending_funds: set[str] = field(default_factory=set)
    leaving_funds: set[str] = field(default_factory=set)
    spending_cases: set[str] = field(default_factory=set)
    opening_cases: dict[str, set[str]] = field(default_factory=dict)
    promises: dict[str, set[str]] = field(default_factory=dict)
    tapes: set[tuple[str, str]] = field(default_factory=set)
    cases: set[str] = field(default_factory=set)
    persons: set[str] = field(default_factory=set)
    households: set[str] = field(default_factory=set)
    places: set[str] = field(default_factory=set)
    returning: set[str] = field(default_factory=set)
    movers: set[tuple[int, int, int, int]] = field(default_factory=set)
    runs: set[Run] = field(default_factory=set)
    claims: set[str] = field(default_factory=set)
    bills: set[BillKey] = field(default_factory=set)
    accounts: set[str] = field(default_factory=set)
    suspense: set[str] = field(default_factory=set)
    lines: set[LineKey] = field(default_factory=set)
    legs: set[int] = field(default_factory=set)
    matches: set[str] = field(default_factory=set)

    def include(self, other: Needs) -> None:
        """Takes in what others need."""
        for name in self.__slots__:
            mine, theirs = getattr(self, name), getattr(other, name)
            if isinstance(mine, dict):
                for key, values in theirs.items():
                    mine.setdefault(key, set()).update(values)
            else:
                mine |= theirs


def listed(ids: Iterable[str]) -> str:
    """Ids as one text for `string_to_array(..., chr(31))`."""
    return "\x1f".join(ids)
