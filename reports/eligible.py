"""Which money could pay for a case, in the order in which it would be taken, and why the rest can't.

The order is that of policy earmark-fifo/1, the judgement law 5's: restriction and days of the terms in force.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any, NamedTuple

from ledger.database import queries, tuples
from ledger.dictionary import Dictionary
from ledger.errors import Unknown
from ledger.journal import Journal
from ledger.places import parse_place
from ledger.terms import Terms, terms
from ledger.vocabulary import dictionary_of
from projections.trace import snapshot

_SQL = queries("reports", "eligible.sql")


class Case(NamedTuple):
    """A case as it stands: its fund, its one code by dimension."""

    id: str
    fund: str
    attributes: Mapping[str, str]
    household: str | None
    purpose: str | None
    is_open: bool


class Offer(NamedTuple):
    """Money of one tape at one fund's place: minor units, since when, its terms in force.

    `obstacle` is None where it may be allocated, else the dimension that does not fit, or `too_early`, `expired`.
    """

    tape: int
    place: str
    fund: str
    amount: int
    since: date
    terms: Terms
    obstacle: str | None


class Sibling(NamedTuple):
    """Another open case of the same person (`person`), or of the same household."""

    id: str
    fund: str
    purpose: str | None
    person: bool


class Eligible(NamedTuple):
    """What is known of a case before money is allocated to it: offers that fit first, each part in the order."""

    case: Case
    offers: list[Offer]
    siblings: list[Sibling]
    dictionary: Dictionary

    @property
    def fitting(self) -> int:
        """Minor units that could be allocated."""
        return sum(offer.amount for offer in self.offers if offer.obstacle is None)


def eligible(journal: Journal, case: str, on: date, fund: str | None = None) -> Eligible:
    """The money of a fund (by default the case's own) for a case on a day. Raises Unknown."""
    with snapshot(journal) as connection:
        cursor = tuples(connection)
        row = cursor.execute(_SQL["case"], {"case": case}).fetchone()
        if row is None:
            raise Unknown("case", case)
        found = Case(case, *row)
        dictionary = dictionary_of(cursor)
        waiting = cursor.execute(_SQL["waiting"], {"fund": fund or found.fund}).fetchall()
        forces = {place: parse_place(place).tape for _, place, *_ in waiting}
        tapes = sorted({forces[place] or tape for tape, place, *_ in waiting})
        told = {number: _terms(one) for number, one in cursor.execute(_SQL["tapes"], {"tapes": tapes})}
        siblings = [Sibling(*one) for one in cursor.execute(_SQL["siblings"], {"case": case})]
    attributes = dictionary.attributes(found.attributes)
    offers = []
    for tape, place, holder, amount, since in waiting:
        at_hand = told[forces[place] or tape]
        offers.append(Offer(tape, place, holder, amount, since, at_hand, _obstacle(at_hand, attributes, on)))
    offers.sort(key=lambda one: (one.obstacle is not None, one.terms.order, one.tape))
    return Eligible(found, offers, siblings, dictionary)


def _obstacle(at_hand: Terms, attributes: Mapping[str, frozenset[str]], on: date) -> str | None:
    dimension = at_hand.missing(attributes)
    if dimension is not None:
        return dimension
    if at_hand.usable_on(on):
        return None
    return "too_early" if at_hand.usable_from is not None and on < at_hand.usable_from else "expired"


def _terms(told: Mapping[str, Any]) -> Terms:
    days = [date.fromisoformat(told[name]) if name in told else None for name in ("usable_from", "expires_on")]
    restriction = tuple((dimension, tuple(codes)) for dimension, codes in told["restriction"].items())
    return terms(told["nature"], restriction, *days, told.get("agreement"))
