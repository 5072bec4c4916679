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

    `standing` holds amount, first and last seq; `days` minor units by block, day, fund and figure; `voids` is whether
    anything became void or ceased to be.
    """

    standing: dict[Standing, tuple[int, int, int]] = field(default_factory=dict)
    days: dict[tuple[int, date, str, str], int] = field(default_factory=lambda: defaultdict(int))
    voids: bool = False

    def take_arrivals(self, arrivals: Iterable[Arrival]) -> None:
        """Issued ranges, run by run."""
        for run in arrivals:
            amount, kind, hospital = run.hi - run.lo, parse_place(run.target).kind, run.hospital or ""
            self._stand(Standing(ALL, run.fund, kind, hospital), (amount, run.first, run.last))
            if run.nobodys:
                whose = OPENING if run.opening else UNKNOWN
                added = run.nobodys, run.nobodys_first, run.nobodys_last
                self._stand(Standing(whose, run.fund, kind, hospital), added)
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
