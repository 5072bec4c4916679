"""The made-up year recorded, in a ledger of its own, by the same writer as everything.

The ledger's origin says which year it is. All commands are the same each time, so a year that was cut short goes on
where it ended: what is recorded is known by how many entries there are, and passed over.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import islice

from api.bootstrap import Fenhao, initialise, starter_dictionary
from api.demo.year import BATCH, Year, last_month_end
from api.settings import Settings
from ledger.database import Database, check_ready
from ledger.errors import InputFault, LedgerNotOpen, OperatorFault, Refusal
from ledger.journal import Journal

ZONE = "Asia/Shanghai"
_ORIGIN = re.compile(r"demo\.example/([0-9]+)-([0-9]+)-([0-9]{4})-([0-9]{2})", re.ASCII)


class NotTheDemo(InputFault):
    """Where the demo would go lies another ledger."""

    code = "not_the_demo"
    zh = "{home} 中已有账本 {origin}（{size} 条分录），演示须自开账本：请将 FENHAO_HOME 设为另一文件夹"
    en = (
        "{home} holds the ledger {origin} ({size} entries) already; the demo opens one of its own: "
        "set FENHAO_HOME to another folder"
    )


class DemoRefused(OperatorFault):
    """The demo's ledger is not as the demo left it: somebody recorded something in between."""

    code = "demo_refused"
    zh = "演示账本 {origin} 中途另有登记，无法继续（{what}）：请将 FENHAO_HOME 设为另一文件夹，重新演示"
    en = (
        "something else was recorded in the demo's ledger {origin}, so it cannot go on ({what}): "
        "set FENHAO_HOME to another folder and begin anew"
    )


@dataclass(frozen=True, slots=True)
class Demo:
    """Which year it is: how many small gifts, the seed, the last day."""

    donations: int
    seed: int
    until: date

    @classmethod
    def before(cls, today: date, donations: int, seed: int) -> Demo:
        """The year that ends with the month before today."""
        return cls(donations, seed, last_month_end(today))

    @property
    def origin(self) -> str:
        """The name of the year's ledger: it says which year, and that it is made up."""
        return f"demo.example/{self.donations}-{self.seed}-{self.until:%Y-%m}"

    @classmethod
    def of_origin(cls, origin: str) -> Demo | None:
        """The inverse of `origin`; None for any other ledger."""
        found = _ORIGIN.fullmatch(origin)
        if found is None:
            return None
        donations, seed, year, month = map(int, found.groups())
        return cls(donations, seed, last_month_end(date(year, month, 28) + timedelta(days=5)))


def open_demo(settings: Settings, place: Database, wanted: Demo) -> Demo:
    """Opens the demo's ledger where there is none; which year it has, another month's perhaps. Raises NotTheDemo."""
    try:
        check_ready(place)
        with Journal(place) as journal:
            head = journal.entries.head()
    except LedgerNotOpen:
        initialise(settings, place, wanted.origin, zone=ZONE)
        return wanted
    there = Demo.of_origin(head.origin or "")
    if there is None or (there.donations, there.seed) != (wanted.donations, wanted.seed):
        raise NotTheDemo(home=settings.home, origin=head.origin, size=head.size)
    return there


def record(fenhao: Fenhao, demo: Demo, progress: Callable[[int, int], None]) -> Year:
    """Records what is not recorded yet; the year when it is over. Raises DemoRefused.

    `progress` is told how many gifts are done, of how many.
    """
    year = Year(demo.donations, demo.seed, demo.until, 1 + len(starter_dictionary()))
    commands = year.commands()
    recorded = fenhao.journal.entries.head().size
    while batch := list(islice(commands, BATCH)):
        if year.size <= recorded:
            continue
        for command, outcome in zip(batch, fenhao.writer.submit_batch(batch), strict=True):
            if isinstance(outcome, Refusal):
                raise DemoRefused(origin=demo.origin, what=f"{command.key}: {outcome.say()}")
        progress(min(year.gifts.count, demo.donations), demo.donations)
    return year
