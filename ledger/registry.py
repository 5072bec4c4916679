"""What a writer keeps from batch to batch: what only grows (tapes, funds, the dictionary, opening balances), and the
ends of what the last batch left, which hold for as long as nobody else writes."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import NamedTuple

from ledger.codec import data_of, decode_fact
from ledger.database import Cursor, queries
from ledger.dictionary import Dictionary
from ledger.events import CodeDefined, TapeOpened
from ledger.journal import Head
from ledger.places import parse_place
from ledger.tapes import Row
from ledger.terms import Terms, terms_of

_SQL = queries("ledger", "book.sql")
MOST_VERSIONS = 10_000
"""Of so many streams versions are kept at the most: hospitals, funds and cases, not gifts."""


class Tape(NamedTuple):
    """One tape: its number, fund and terms."""

    number: int
    fund: str
    terms: Terms


@dataclass(slots=True)
class Ends:
    """As the last batch left them: streams by their newest version, tapes by where they end and their last row, and the
    periods that are closed; None before they were read."""

    versions: dict[str, int] = field(default_factory=dict)
    tapes: dict[int, tuple[int, Row | None]] = field(default_factory=dict)
    closes: list[tuple[str, date]] | None = None


class Registry:
    """As of `size` entries, the last with hash `leaf`.

    `funds` are some, with their fee rates; `openings` (noun, id) of records that an opening balance stands for;
    `numbers` those of tapes by fund and the key of their terms. `log` is one object for as long as it is the same log.
    """

    def __init__(self) -> None:
        self.size, self.leaf, self.log = 0, b"", object()
        self.dictionary = Dictionary()
        self.tapes: dict[int, Tape] = {}
        self.openings: set[tuple[str, str]] = set()
        self.funds: dict[str, int] = {}
        self.ends = Ends()
        self.numbers: dict[tuple[str, str], int] = {}

    def refresh(self, cursor: Cursor, head: Head) -> None:
        """Reads what has come since `size`; what has, may have moved any end. Of a database that was set back under the
        process since, nothing that was kept is true: all is read."""
        if (self.size, self.leaf) == (head.size, head.leaf):
            return
        if self.size and cursor.execute(_SQL["leaf"], (self.size - 1,)).fetchall() != [(self.leaf,)]:
            vars(self).update(vars(Registry()))
        self.ends = Ends()
        read_codes(cursor, self.dictionary, self.size)
        for number, body in cursor.execute(_SQL["tapes_since"], (len(self.tapes),)):
            opened = decode_fact("TapeOpened", data_of(body))
            assert isinstance(opened, TapeOpened)
            self.add_tape(Tape(number, opened.fund, terms_of(opened)))
        self.openings.update(cursor.execute(_SQL["openings_since"], (self.size,)))
        self.size, self.leaf = head.size, head.leaf

    def add_tape(self, tape: Tape) -> None:
        """Takes in a tape; its number must be the next."""
        assert tape.number == len(self.tapes) + 1
        self.tapes[tape.number] = tape
        self.numbers[tape.fund, tape.terms.key] = tape.number

    def find_tape(self, fund: str, terms_key: str) -> Tape | None:
        """The tape of these terms in this fund, if it is open."""
        number = self.numbers.get((fund, terms_key))
        return None if number is None else self.tapes[number]

    def terms_in_force(self, tape: int, source: str) -> Terms:
        """The terms of a serial whose place (at a fund) or home (elsewhere) is `source`."""
        changed = parse_place(source).tape
        return self.tapes[tape if changed is None else changed].terms


def read_codes(cursor: Cursor, dictionary: Dictionary, since: int = 0) -> None:
    """Has the dictionary take in the codes that were defined by entries from seq `since` on."""
    for (body,) in cursor.execute(_SQL["codes_since"], (since,)):
        defined = decode_fact("CodeDefined", data_of(body))
        assert isinstance(defined, CodeDefined)
        dictionary.define(defined.dimension, defined.code, defined.parent, defined.name)
