"""Where money waits since when, against a model of every serial on its own; and periods, which know their next."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import groupby

import pytest
from conftest import SCALE
from hypothesis import given, settings
from hypothesis import strategies as st

from reports.guards.periods import parse_period
from reports.guards.standing import WAITING, Arrival, Standing

PLACES = ("case/C", "case/D", "hospital/H/C", "hold/X", "used/H/C", "fund/F", "fund/F/t9", "refunded")
SERIALS = 24
TAPE = 3
START = date(2026, 1, 1)
Came = tuple[int, date, str]
"""By which entry a serial came to its place, on which day, and whose money it was then."""


class Plain:
    """Each serial on its own: its place and how it came there, and what each entry changed."""

    def __init__(self) -> None:
        self.place = ["case/C"] * SERIALS
        self.came: list[Came] = [(0, START, "F0")] * SERIALS
        self.changed: dict[int, dict[int, tuple[str, str, Came]]] = {}

    def move(self, seq: int, on: date, serials: list[int], target: str) -> None:
        """The serials that are not at the target go there."""
        self.changed[seq] = {n: (self.place[n], target, self.came[n]) for n in serials if self.place[n] != target}
        for n in self.changed[seq]:
            self.place[n] = target
            self.came[n] = (seq, on, f"F{seq}")

    def reversible(self) -> list[int]:
        """The entries all of whose serials are still where they put them, by them."""
        return [
            seq for seq, changed in self.changed.items() if changed and all(self.came[n][0] == seq for n in changed)
        ]

    def reverse(self, seq: int, reversed_seq: int) -> None:
        """Everything is as it was before the entry."""
        changed = self.changed.pop(reversed_seq)
        for n, (source, _, came) in changed.items():
            self.place[n], self.came[n] = source, came
        self.changed[seq] = {}

    def waiting(self, watched: frozenset[int]) -> dict[tuple[str, int], Came]:
        """Serials at the places that are followed."""
        return {(place, n): self.came[n] for n, place in enumerate(self.place) if _is_followed(place, watched)}


def _is_followed(place: str, watched: frozenset[int]) -> bool:
    in_force = 9 if place == "fund/F/t9" else TAPE
    return place.startswith(WAITING) or (place.startswith("fund/") and in_force in watched)


@settings(max_examples=200 * SCALE)
@given(
    steps=st.lists(st.tuples(*[st.integers(0, 99)] * 4), max_size=25),
    watched=st.frozensets(st.sampled_from([TAPE, 9])),
)
def test_arrivals_are_as_if_reversed_entries_had_never_been(
    steps: list[tuple[int, int, int, int]], watched: frozenset[int]
) -> None:
    plain = Plain()
    moves: list[tuple[Arrival, str, str]] = []
    reversals: dict[int, int] = {}
    wholes: dict[int, int] = {}
    seq = 0
    for kind, a, b, c in steps:
        seq, on = seq + 1, START + timedelta(days=seq)
        first = seq
        before = list(plain.place)
        if kind % 4 == 0 and (undoable := plain.reversible()):
            reversals[seq] = undoable[a % len(undoable)]
            plain.reverse(seq, reversals[seq])
        else:
            serials = [n for n in range(a % SERIALS, min(SERIALS, a % SERIALS + 1 + b % 12)) if n % 5 or c % 2]
            plain.move(seq, on, serials, PLACES[c % len(PLACES)])
        for lo, hi, source, target in _ranges(before, plain.place):
            if moves and moves[-1][0].seq == seq and c % 3 == 0:  # the entry goes on in another part
                seq += 1
                wholes[seq] = first
            moves.append((Arrival(TAPE, lo, hi, seq, on, f"F{first}"), source, target))
    standing = Standing(watched, reversals, wholes)
    standing.arrive("case/C", Arrival(TAPE, 0, SERIALS, 0, START, "F0"))
    for move in moves:
        standing.move(*move)
    found: dict[tuple[str, int], Came] = {}
    for kind_of in (*WAITING, "fund"):
        for place, arrivals in standing.places(kind_of):
            for one in arrivals:
                assert one.tape == TAPE
                for n in range(one.lo, one.hi):
                    assert (place, n) not in found
                    found[place, n] = (one.seq, one.on, one.fund)
    assert found == plain.waiting(watched)


def _ranges(before: list[str], after: list[str]) -> list[tuple[int, int, str, str]]:
    """Runs of serials that went from one place to another."""
    ranges = []
    for (_, source, target), group in groupby(
        ((n, before[n], after[n]) for n in range(SERIALS)), key=lambda one: (one[1] == one[2], one[1], one[2])
    ):
        serials = [n for n, _, _ in group]
        if source != target:
            ranges.append((serials[0], serials[-1] + 1, source, target))
    return ranges


@pytest.mark.parametrize(
    ("text", "after", "last_day"),
    [
        ("2026-08", "2026-09", "2026-08-31"),
        ("2026-12", "2027-01", "2026-12-31"),
        ("202602", "202603", "2026-02-28"),
        ("2024-02", "2024-03", "2024-02-29"),
        ("2026-Q4", "2027-Q1", "2026-12-31"),
        ("2026Q1", "2026Q2", "2026-03-31"),
        ("2026", "2027", "2026-12-31"),
    ],
)
def test_a_period_knows_the_next_and_its_last_day(text: str, after: str, last_day: str) -> None:
    period = parse_period(text)
    assert period is not None
    assert (str(period), str(period.next), period.last_day.isoformat()) == (text, after, last_day)


@pytest.mark.parametrize(
    "text", ["spring", "2026-13", "2026-00", "2026-Q5", "26-01", "2026-1", "0000", "9999", "２０２６"]
)
def test_what_is_no_period_has_no_next(text: str) -> None:
    assert parse_period(text) is None
