"""个案: the gifts whose money stands for a case, and how far each went."""

from __future__ import annotations

from datetime import date
from typing import NamedTuple

from ledger.database import Cursor, queries

_SQL = queries("reports", "case_told.sql")


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


def givers_of(cursor: Cursor, case: str, after: int, limit: int) -> list[Giver]:
    """A page of the gifts whose serials stand for the case, behind those of entry `after`, oldest first."""
    which = {"case": case, "after": after, "limit": limit}
    return [Giver(*row) for row in cursor.execute(_SQL["givers"], which).fetchall()]
