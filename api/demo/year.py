"""The made-up year: what happens on each day, in the order in which a foundation would record it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from itertools import islice
from random import Random

from api.bootstrap import starter_dictionary
from api.demo.children import Children
from api.demo.diary import Diary, Scale
from api.demo.foundation import FUNDS, Hospital, hospitals
from api.demo.gifts import Gifts
from api.demo.incidents import Incidents
from api.demo.purse import Purse
from ledger.decisions import Command, OpenFund, RegisterHospital
from ledger.dictionary import Dictionary

BATCH = 1_000


def last_month_end(today: date) -> date:
    """The end of the month before: there the year ends that lies before `today`."""
    return today.replace(day=1) - timedelta(days=1)


def demo_year(
    donations: int, seed: int, today: date, size: int, *, named: bool = True, batch: int = BATCH
) -> Iterator[list[Command]]:
    """The twelve whole months before `today` with about so many gifts, as batches for the ordinary `Writer`.

    The ledger has `size` entries before: the starter dictionary, and nothing that the year records. Every command is
    accepted, in this order. Batches are made while they are asked for, in memory that hardly grows with `donations`.
    Unless `named` is False, a few made-up names come along: the writer needs a vault for them.
    """
    commands = Year(donations, seed, last_month_end(today), size, named=named).commands()
    while made := list(islice(commands, batch)):
        yield made


class Year:
    """A year that ends on `until`, the last day of a month; `seed` says which of all that there could be."""

    def __init__(self, donations: int, seed: int, until: date, size: int, *, named: bool = True) -> None:
        first = until.replace(day=1) + timedelta(days=31)
        since = first.replace(year=first.year - 1, day=1)
        scale = Scale(donations)
        random = Random(seed)  # noqa: S311 - a made-up story, no secret
        self.diary = Diary(random, Purse(size), scale, since, until, since, named)
        self.hospitals = hospitals(scale.hospitals)
        dictionary = Dictionary()
        for one in starter_dictionary():
            dictionary.define(one.dimension, one.code, one.parent, one.name)
        self.dictionary = dictionary
        self.gifts = Gifts(self.diary)
        self.children = Children(self.diary, self.gifts, self.hospitals, dictionary)
        self.incidents = Incidents(self.diary, self.gifts)

    def commands(self) -> Iterator[Command]:
        """All commands of the year in order."""
        for command in self._told():
            self.diary.purse.size += 1
            yield command

    @property
    def size(self) -> int:
        """How many entries there are once all commands so far are recorded."""
        return self.diary.purse.size

    def _told(self) -> Iterator[Command]:
        diary = self.diary
        yield from opening_registry(self.hospitals)
        yield from self.incidents.opening()
        while diary.day <= diary.until:
            yield from self.gifts.of_day()
            if diary.day.weekday() < 5:
                yield from self.children.of_day()
            yield from diary.due()
            diary.day += timedelta(days=1)


def opening_registry(named: list[Hospital]) -> Iterator[Command]:
    """Funds and hospitals."""
    for fund in FUNDS:
        yield OpenFund(key=f"fund-{fund.id}", fund=fund.id, name=fund.name, fee_bp=fund.fee_bp)
    for hospital in named:
        yield RegisterHospital(
            key=f"hospital-{hospital.id}", hospital=hospital.id, name=hospital.name, province=hospital.province
        )
