"""个案: cases by the page, and the gifts whose money stands for one, and how far each went."""

from __future__ import annotations

from datetime import date
from typing import NamedTuple

from ledger.database import Cursor, queries
from ledger.vocabulary import dictionary_of
from reports.offer_words import described
from reports.traces import Reader

_SQL = queries("reports", "case_told.sql")


class Listed(NamedTuple):
    """A case in the list, with what stands for it in minor units; `said` are its attributes in words."""

    id: str
    fund: str
    said: str
    is_open: bool
    allocated: int
    paid: int
    used: int


class Giver(NamedTuple):
    """A gift whose serials stand for the case; amounts in minor units."""

    seq: int
    donor: str | None
    donation: str
    on: date
    allocated: int
    paid: int
    used: int

    @property
    def amount(self) -> int:
        """All that stands for the case of it."""
        return self.allocated + self.paid + self.used


def cases_listed(
    cursor: Cursor, reader: Reader, *, after: str, begins: str, only_open: bool, limit: int
) -> list[Listed]:
    """A page of cases by id, behind `after`."""
    known = dictionary_of(cursor)
    which = {"after": after, "begins": begins, "only_open": only_open, "limit": limit}
    return [
        Listed(case, fund, described(attributes, known, reader), is_open, *sums)
        for case, fund, attributes, is_open, *sums in cursor.execute(_SQL["cases"], which).fetchall()
    ]


def givers_of(cursor: Cursor, case: str, after: int, limit: int) -> list[Giver]:
    """A page of the gifts whose serials stand for the case, behind those of entry `after`, oldest first."""
    which = {"case": case, "after": after, "limit": limit}
    return [Giver(*row) for row in cursor.execute(_SQL["givers"], which).fetchall()]
