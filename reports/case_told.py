"""个案: cases by the page, and the gifts whose money stands for one, and how far each went."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import date
from typing import NamedTuple

from ledger.database import Cursor, queries
from ledger.dictionary import Dictionary
from ledger.vocabulary import dictionary_of
from projections.giving import names
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
    cursor: Cursor, reader: Reader, *, after: str, begins: str, only_open: bool, fund: str, limit: int
) -> list[Listed]:
    """A page of cases by id, behind `after`; of one fund, or all ("")."""
    known = dictionary_of(cursor)
    which = {"after": after, "begins": begins, "only_open": only_open, "fund": fund, "limit": limit}
    rows = cursor.execute(_SQL["cases"], which).fetchall()
    called = names_of(cursor, ((fund, attributes) for _, fund, attributes, *_ in rows))
    return [
        Listed(case, called(f"fund/{fund}"), with_names(attributes, called, known, reader), is_open, *sums)
        for case, fund, attributes, is_open, *sums in rows
    ]


def names_of(cursor: Cursor, cases: Iterable[tuple[str, Mapping[str, str]]]) -> Callable[[str], str]:
    """What these cases' funds and hospitals are called (`fund/F`, `hospital/H`); who has no name, by the id."""
    streams = {
        f"{noun}/{one}" for fund, said in cases for noun, one in (("fund", fund), ("hospital", said.get("hospital")))
    }
    found = names(cursor, streams)
    return lambda stream: found.get(stream, stream.partition("/")[2])


def with_names(
    attributes: Mapping[str, str], called: Callable[[str], str], dictionary: Dictionary, reader: Reader
) -> str:
    """A case's attributes in words, its hospital by name."""
    own = {"hospital": called(f"hospital/{attributes['hospital']}")} if "hospital" in attributes else {}
    return described({**attributes, **own}, dictionary, reader)


def givers_of(cursor: Cursor, case: str, after: int, limit: int) -> list[Giver]:
    """A page of the gifts whose serials stand for the case, behind those of entry `after`, oldest first."""
    which = {"case": case, "after": after, "limit": limit}
    return [Giver(*row) for row in cursor.execute(_SQL["givers"], which).fetchall()]
