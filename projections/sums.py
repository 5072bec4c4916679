"""Sums over a page of gifts and movements, as far as they follow from the page alone. Pure: no database."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import Any, NamedTuple

from ledger.places import parse_place
from projections.fold import ENTRY_REVERSED

ALL, UNKNOWN, OPENING = "all", "unknown", "opening"
"""Whose money stands somewhere: anybody's; of it what came with no donor known, and what was brought forward so."""
ISSUED, BROUGHT_FORWARD, CAME, WENT = "issued", "brought_forward", "came", "went"
"""A fund's figures by day, beside the kinds of place."""
VOID = "void"


class Standing(NamedTuple):
    """Where money stands, and whose it is: `whose` as above, `hospital` "" for none."""

    whose: str
    fund: str
    kind: str
    hospital: str


@dataclass
class Sums:
    """What a page's gifts, and as far as that goes its movements, add to the sums that are kept.

    `standing` holds amount, first and last seq; `donors` ranges and minor units; `periods` minor units by grain, first
    day, fund and figure; `voids` is whether anything became void or ceased to be.
    """

    standing: dict[Standing, tuple[int, int, int]] = field(default_factory=dict)
    donors: dict[str, tuple[int, int]] = field(default_factory=dict)
    periods: dict[tuple[str, date, str, str], int] = field(default_factory=lambda: defaultdict(int))
    voids: bool = False

    def take_gifts(self, gifts: Iterable[Any]) -> None:
        """Issued ranges, in the order of view_gift's columns and of their entries."""
        alike: dict[tuple[Any, ...], tuple[int, int, int]] = {}
        donors, none = self.donors, (0, 0)
        for _, lo, hi, _, donor, fund, target, hospital, _, opening, on, seq in gifts:
            amount = hi - lo
            key = (fund, target, hospital, on, opening, donor is None)
            so_far = alike.get(key)
            alike[key] = (amount, seq, seq) if so_far is None else (so_far[0] + amount, so_far[1], seq)
            if donor is not None:
                ranges, given = donors.get(donor, none)
                donors[donor] = (ranges + 1, given + amount)
        for (fund, target, hospital, on, opening, nobodys), added in alike.items():
            kind = parse_place(target).kind
            self._stand(Standing(ALL, fund, kind, hospital or ""), added)
            if nobodys:
                self._stand(Standing(OPENING if opening else UNKNOWN, fund, kind, hospital or ""), added)
            self._count(on, fund, ISSUED, added[0])
            self._count(on, fund, kind, added[0])
            if opening:
                self._count(on, fund, BROUGHT_FORWARD, added[0])

    def take_movements(self, movements: Iterable[Any]) -> None:
        """Moves, in the order of view_movement's columns. A transfer that is undone counts as none having been."""
        for row in movements:
            _, on, _, lo, hi, topic, _, source_kind, source_fund, _, _, _, target_kind, target_fund, _, _ = row
            amount = hi - lo
            self._count(on, source_fund, source_kind, -amount)
            self._count(on, target_fund, target_kind, amount)
            if source_fund != target_fund:
                undone = topic == ENTRY_REVERSED or target_kind == VOID
                self._count(on, source_fund, CAME if undone else WENT, -amount if undone else amount)
                self._count(on, target_fund, WENT if undone else CAME, -amount if undone else amount)
            self.voids = self.voids or VOID in (source_kind, target_kind)

    def _stand(self, where: Standing, added: tuple[int, int, int]) -> None:
        amount, first, last = self.standing.get(where, (0, added[1], added[2]))
        self.standing[where] = (amount + added[0], min(first, added[1]), max(last, added[2]))

    def _count(self, on: date, fund: str, figure: str, amount: int) -> None:
        self.periods["day", on, fund, figure] += amount
        self.periods["month", on.replace(day=1), fund, figure] += amount
