"""Where the made-up foundation's money is: a plain model beside the ledger, so that it asks only for what can be."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import date

from ledger.places import fee_place, fund_place, tape_name, tape_number
from ledger.tapes import Issue, Places, Row, Run, interleave, moves_of, pick, size
from ledger.terms import FEE_TERMS, Attributes, Terms

Allowed = Callable[[Terms], bool]


def usable(attributes: Attributes, on: date) -> Allowed:
    """Terms that allow a case with these attributes on that day."""
    return lambda terms: terms.missing(attributes) is None and terms.usable_on(on)


def permits(attributes: Attributes) -> Allowed:
    """Terms whose restriction allows a case with these attributes."""
    return lambda terms: terms.missing(attributes) is None


def is_free(terms: Terms) -> bool:
    """Terms of the foundation's own money that is for nothing in particular."""
    return terms.nature == "own" and not terms.restriction


class Purse:
    """Serials by place, in the order in which the ledger's policy takes them; and how many entries there are by now."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.places = Places()
        self._numbers: dict[tuple[str, str], int] = {}
        self._terms: list[Terms] = []
        self._ends: list[int] = []
        self._funds: list[str] = []

    def tape(self, fund: str, given: Terms) -> int:
        """The number of the fund's tape under these terms; a new one is an entry more."""
        key = (fund, given.key)
        if key not in self._numbers:
            self._terms.append(given)
            self._ends.append(0)
            self._funds.append(fund)
            self._numbers[key] = len(self._terms)
            self.size += 1
        return self._numbers[key]

    def terms(self, tape: int, source: str) -> Terms:
        """The terms in force of that tape's money at, or from, a fund or fee place."""
        changed = source.count("/") == 2
        return self._terms[(tape_number(source.rpartition("/")[2]) if changed else tape) - 1]

    def receive(self, fund: str, given: Terms, amount: int, fee: int, on: date) -> list[Run]:
        """A gift comes in; its serials, the fee's last."""
        runs = [self._issue(fund, given, amount - fee, fund_place(fund), on)]
        if fee:
            runs.append(self._issue(fund, FEE_TERMS, fee, fee_place(fund), on))
        return runs

    def _issue(self, fund: str, given: Terms, amount: int, place: str, on: date) -> Run:
        number = self.tape(fund, given)
        lo = self._ends[number - 1]
        self._ends[number - 1] = lo + amount
        self.places.issue(Issue(number, lo, lo + amount, place), fund, on)
        return Run(number, lo, lo + amount)

    def fund_places(self, fund: str) -> list[str]:
        """The places of a fund: its own, and those of changed terms."""
        own = fund_place(fund)
        return [place for place in self.places.names() if place == own or place.startswith(f"{own}/")]

    def pick(
        self, places: Iterable[str], amount: int, on: date, allowed: Allowed = lambda terms: True, *, back: bool = False
    ) -> list[Row]:
        """As much of the amount as is there under terms that are allowed, as policy earmark-fifo/1 picks it."""
        found: dict[tuple[int, bool, date, int], list[list[Row]]] = {}
        for tape, source, rows in self._sources(places):
            at_hand = self.terms(tape, source)
            if rows and allowed(at_hand):
                found.setdefault((*at_hand.order, tape), []).append(rows)
        ordered = (interleave(found[key], back=back) for key in sorted(found, reverse=back))
        return pick(ordered, amount, on, back=back)

    def _sources(self, places: Iterable[str]) -> Iterator[tuple[int, str, list[Row]]]:
        for place in places:
            for tape, rows in self.places.at(place).items():
                homes: dict[str, list[Row]] = {}
                for row in rows:
                    homes.setdefault(row.home or place, []).append(row)
                for source, own in homes.items():
                    yield tape, source, own

    def there(self, place: str) -> int:
        """How much is at a place."""
        return sum(map(size, self.places.at(place).values()))

    def rows(self, place: str) -> list[Row]:
        """All that is at a place."""
        return [row for rows in self.places.at(place).values() for row in rows]

    def put(self, rows: Iterable[Row], to: str | None, on: date) -> None:
        """The rows go to a place, each home when it is None."""
        for move in moves_of((row, to or row.home) for row in rows):
            self.places.move(move, on)

    def take(
        self, places: Iterable[str], amount: int, on: date, to: str, allowed: Allowed = lambda terms: True
    ) -> bool:
        """The amount goes from the front of the order at these places to another; False when there is less."""
        rows = self.pick(places, amount, on, allowed)
        if size(rows) < amount:
            return False
        self.put(rows, to, on)
        return True

    def give_back(self, places: Iterable[str], amount: int, on: date, to: str | None) -> bool:
        """The same from the back of the order, to a place or each serial home."""
        rows = self.pick(places, amount, on, back=True)
        if size(rows) < amount:
            return False
        self.put(rows, to, on)
        return True


def range_of(row: Row) -> str:
    """`t3:100-200`."""
    return f"{tape_name(row.tape)}:{row.lo}-{row.hi}"
