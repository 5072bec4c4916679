"""Sums over a page of gifts and movements, as far as they follow from the page alone. Pure: no database."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import Any, NamedTuple

from ledger.places import parse_place
from projections import fold
from projections.fold import ENTRY_REVERSED, Arrival

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

    `standing` holds amount, first and last seq; `donors` ranges and minor units; `days` minor units by block, day,
    fund and figure; `voids` is whether anything became void or ceased to be.
    """

    standing: dict[Standing, tuple[int, int, int]] = field(default_factory=dict)
    donors: dict[str, tuple[int, int]] = field(default_factory=dict)
    days: dict[tuple[int, date, str, str], int] = field(default_factory=lambda: defaultdict(int))
    voids: bool = False

    def take_gifts(self, gifts: Iterable[Any]) -> None:
        """Whose the issued ranges are, in the order of view_gift's columns and of their entries."""
        donors, none = self.donors, (0, 0)
        nobodys: dict[tuple[Any, ...], tuple[int, int, int]] = {}
        for _, lo, hi, _, donor, fund, target, hospital, _, opening, _, seq in gifts:
            if donor is not None:
                ranges, given = donors.get(donor, none)
                donors[donor] = (ranges + 1, given + hi - lo)
            else:
                key = (fund, target, hospital, opening)
                amount, first, _ = nobodys.get(key, (0, seq, seq))
                nobodys[key] = (amount + hi - lo, first, seq)
        for (fund, target, hospital, opening), added in nobodys.items():
            whose, kind = OPENING if opening else UNKNOWN, parse_place(target).kind
            self._stand(Standing(whose, fund, kind, hospital or ""), added)

    def take_arrivals(self, arrivals: Iterable[Arrival]) -> None:
        """Where the issued ranges arrived, in the order of their entries."""
        for run in arrivals:
            amount, kind = run.hi - run.lo, parse_place(run.target).kind
            self._stand(Standing(ALL, run.fund, kind, run.hospital or ""), (amount, run.first, run.last))
            for figure in (ISSUED, kind, BROUGHT_FORWARD) if run.opening else (ISSUED, kind):
                self.days[run.block, run.on, run.fund, figure] += amount

    def take_movements(self, movements: Iterable[Any]) -> None:
        """Moves, in the order of view_movement's columns. A transfer that is undone counts as none having been."""
        for row in movements:
            seq, on, _, lo, hi, topic, _, source_kind, source_fund, _, _, _, target_kind, target_fund, _, _ = row
            amount, block = hi - lo, seq // fold.BLOCK_ENTRIES
            self.days[block, on, source_fund, source_kind] -= amount
            self.days[block, on, target_fund, target_kind] += amount
            if source_fund != target_fund:
                undone = topic == ENTRY_REVERSED or target_kind == VOID
                self.days[block, on, source_fund, CAME if undone else WENT] += -amount if undone else amount
                self.days[block, on, target_fund, WENT if undone else CAME] += -amount if undone else amount
            self.voids = self.voids or VOID in (source_kind, target_kind)

    def _stand(self, where: Standing, added: tuple[int, int, int]) -> None:
        amount, first, last = self.standing.get(where, (0, added[1], added[2]))
        self.standing[where] = (amount + added[0], min(first, added[1]), max(last, added[2]))
