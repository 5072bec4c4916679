"""A donor's statement adds up, goes on where the last one ended, and is what each fen's own way comes to."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from conftest import SCALE
from hypothesis import given, settings
from hypothesis import strategies as st
from lives import live, tick
from projected import DONORS, START, STEP, STEPS, Ledger, Step, folded, opened, random_entries

from ledger.codec import Entry
from ledger.database import tuples
from ledger.errors import BadValue
from projections.statement import Movement, Period, movement
from projections.trace import snapshot
from reports.donor_statement import Figures, figures_of, neighbour_of, period_of, periods_between

HISTORIES = st.one_of(
    STEPS.map(lambda steps: ("entries", steps)),
    st.lists(STEP, min_size=20, max_size=70).map(lambda steps: ("commands", steps)),
)
SPANS = [Period(START + timedelta(days=n), START + timedelta(days=n + 6)) for n in range(-4, 24, 7)]
"""What months are in a history of four weeks."""
ZONE = ZoneInfo("Asia/Shanghai")
KINDS = {"fund": "waiting", "case": "set_aside", "hospital": "unsettled", "hold": "held", "used": "used"}
KINDS |= {"cost": "costs", "fee": "fees", "refunded": "refunded", "out": "out", "void": "void"}


@pytest.fixture
def ledger(embedded_url: str) -> Iterator[Ledger]:
    with opened(embedded_url) as ledger:
        tick(ledger)
        yield ledger


def write(ledger: Ledger, history: tuple[str, list[Step]]) -> list[Entry]:
    kind, steps = history
    if kind == "commands":
        live(ledger, steps)
    else:
        ledger.append(random_entries(steps), moves_per_part=5)
    folded(ledger)
    return ledger.journal.entries.read(0, 1_000_000)


class Ways:
    """Each fen's way and whose it was said to be, read from the entries' JSON one fen at a time."""

    def __init__(self, entries: Iterable[Entry], size: int) -> None:
        self.way: dict[tuple[str, int], list[tuple[str, str]]] = defaultdict(list)
        self.gift: dict[tuple[str, int], tuple[str | None, str | None, bool]] = {}
        self.said: dict[str, list[tuple[str, str | None]]] = defaultdict(list)
        self.ever: set[str] = set()
        on = ""
        for one in entries:
            data = one.data
            at = datetime.fromisoformat(one.at).astimezone(ZONE).date().isoformat()
            on = on if "of" in data else data.get("on", at)
            moves = data.get("moves", [])
            named = one.stream.partition("/")[2]
            takes_back = one.type == "EntryReversed" and not moves
            if one.type == "DonationAttributed" or (takes_back and one.stream.startswith("donation/")):
                donation = data.get("donation", named)
                self.ever.add(donation)
                if one.seq < size:
                    self.said[donation].append((on, data.get("donor")))
            if one.seq >= size:
                continue
            for issue in data.get("issue", []):
                for n in range(issue["lo"], issue["hi"]):
                    fen = issue["tape"], n
                    self.gift[fen] = data.get("donation"), data.get("donor"), issue["to"].startswith("fee/")
                    self.way[fen].append((on, issue["to"]))
            for move in moves:
                for n in range(move["lo"], move["hi"]):
                    self.way[move["tape"], n].append((on, move["to"]))

    def sums(self, donor: str, day: date) -> Counter[str]:
        """What a donor's fens came to by the end of a day; `given` and `attributed` are those that are no mistake."""
        sums: Counter[str] = Counter()
        for fen, way in self.way.items():
            donation, first, fee = self.gift[fen]
            there = [place for on, place in way if on <= day.isoformat()]
            if not there or self.donor(donation, first, day) != donor:
                continue
            kind = there[-1].partition("/")[0]
            sums["fees" if fee and kind == "cost" else KINDS[kind]] += 1
            if kind != "void":
                sums["attributed" if donation in self.ever else "given"] += 1
        return sums

    def donor(self, donation: str | None, first: str | None, day: date) -> str | None:
        """Whose a gift was said to be by then."""
        if donation not in self.ever:
            return first
        said = [donor for on, donor in self.said[str(donation)] if on <= day.isoformat()]
        return said[-1] if said else None

    def figures(self, donor: str, period: Period) -> Figures:
        before, until = (self.sums(donor, day) for day in (period.first - timedelta(days=1), period.last))
        kept = ("waiting", "set_aside", "unsettled", "held")
        went = ("given", "attributed", "used", "costs", "fees", "refunded", "out")
        return Figures(
            opening=sum(before[name] for name in kept),
            closing=sum(until[name] for name in kept),
            **{name: until[name] - before[name] for name in went},
            **{name: until[name] for name in kept},
        )


def read(ledger: Ledger, donor: str, period: Period, size: int) -> Movement:
    with snapshot(ledger.journal) as connection:
        return movement(tuples(connection), donor, period, size, ZONE.key)


@settings(max_examples=4 * SCALE)
@given(history=HISTORIES)
def test_a_statement_is_what_each_fens_own_way_comes_to(embedded_url: str, history: tuple[str, list[Step]]) -> None:
    with opened(embedded_url) as ledger:
        entries = write(ledger, history)
        for size in (len(entries), len(entries) * 2 // 3):
            ways = Ways(entries, size)
            for donor in filter(None, DONORS):
                told = [figures_of(read(ledger, donor, span, size)) for span in SPANS]
                assert told == [ways.figures(donor, span) for span in SPANS]
                year = figures_of(read(ledger, donor, Period(SPANS[0].first, SPANS[-1].last), size))
                assert [one.opening for one in told[1:]] == [one.closing for one in told[:-1]]
                for name in ("given", "attributed", "used", "costs", "fees", "refunded", "out"):
                    assert sum(getattr(one, name) for one in told) == getattr(year, name)
                assert (year.opening, year.closing) == (told[0].opening, told[-1].closing)


def test_the_gifts_of_a_period_are_what_was_given_and_attributed(ledger: Ledger) -> None:
    entries = write(ledger, ("commands", [(n, n * 7, n * 3, n) for n in range(60)]))
    whole = Period(SPANS[0].first, SPANS[-1].last)
    assert any(one.type == "DonationAttributed" for one in entries), "the history says later whose a gift is"
    for donor in filter(None, DONORS):
        moved = read(ledger, donor, whole, len(entries))
        void = sum(one.until for one in moved.sums if one.kind == "void")
        figures = figures_of(moved)
        assert sum(one.amount for one in moved.gifts) - void == figures.given + figures.attributed


def test_a_period_is_a_month_or_a_year() -> None:
    assert period_of("2028-02") == Period(date(2028, 2, 1), date(2028, 2, 29))
    assert period_of("2026") == Period(date(2026, 1, 1), date(2026, 12, 31))
    assert [neighbour_of(one, step) for one, step in (("2026-01", -1), ("2026-12", 1), ("2026", 1))] == [
        "2025-12",
        "2027-01",
        "2027",
    ]
    assert periods_between(date(2025, 12, 31), date(2026, 2, 1)) == [
        ("2026", ["2026-02", "2026-01"]),
        ("2025", ["2025-12"]),
    ]
    for text in ("", "2026-13", "2026-00", "26-01", "2026-1", "2026-01-01", "０２０２", "9999"):
        with pytest.raises(BadValue):
            period_of(text)
