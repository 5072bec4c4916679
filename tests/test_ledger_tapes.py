"""Ranges of serials, in every small case there is, against lists with one item for each serial."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from itertools import combinations, product
from typing import NamedTuple

import pytest

from ledger.tapes import Gone, Issue, Move, Places, Row, interleave, moves_of, pick, size

DAY_1, DAY_2 = date(2026, 3, 1), date(2026, 3, 2)


class At(NamedTuple):
    """Where one serial is."""

    place: str
    home: str
    since: date


FUND, LATER = At("fund/F", "", DAY_1), At("fund/F", "", DAY_2)
CHANGED = At("fund/F/t2", "", DAY_1)
CASE, CASE_CHANGED = At("case/C", "fund/F", DAY_1), At("case/C", "fund/F/t2", DAY_1)
Tape = tuple[At, ...]


def rows(tape: Tape, number: int = 1, first: int = 0) -> list[Row]:
    """The rows of a tape's serials from `first` on: merged only when adjacent and alike."""
    found: list[Row] = []
    for n, at in enumerate(tape, first):
        if found and found[-1][3:] == at:
            found[-1] = found[-1]._replace(hi=n + 1)
        else:
            found.append(Row(number, n, n + 1, *at))
    return found


def spans(length: int) -> Iterator[tuple[int, int]]:
    return combinations(range(length + 1), 2)


def moved(tape: Tape, move: Move, on: date) -> Tape | None:
    """The tape after the move, serial by serial; None when one of them is not there, or not there yet."""
    after = list(tape)
    for n in range(move.lo, move.hi):
        if n >= len(tape) or tape[n].place != move.source or tape[n].since > on:
            return None
        home = "" if move.target.startswith(("fund/", "fee/")) else tape[n].home or tape[n].place
        after[n] = At(move.target, home, on)
    return tuple(after)


def stored(before: list[Row], places: Places) -> list[Row]:
    """The rows that were loaded, with the changes applied."""
    gone, new = places.changes()
    assert set(gone) <= set(before)
    assert not {row[:2] for row in before if row not in gone} & {row[:2] for row in new}
    return sorted([row for row in before if row not in gone] + new)


MOVES = [
    Move(1, lo, hi, source, target)
    for lo, hi in spans(6)
    for source in ("fund/F", "case/C")
    for target in ("fund/F", "case/C", "used/C")
]


def test_every_move_on_every_small_tape_does_to_each_serial_what_it_says_or_is_refused() -> None:
    for tape in product((FUND, LATER, CASE, CASE_CHANGED), repeat=4):
        for move, on in product((m for m in MOVES if m.hi <= 5), (DAY_1, DAY_2)):
            expected = moved(tape, move, on)
            places = Places(rows(tape))
            if expected is None:
                with pytest.raises(Gone):
                    places.move(move, on)
            else:
                places.move(move, on)
                assert places.rows() == rows(expected) == stored(rows(tape), places), (tape, move, on)


def test_every_pair_of_moves_stores_what_the_serials_come_to() -> None:
    for tape in product((FUND, CASE), repeat=5):
        for first, second in product((m for m in MOVES if m.hi <= 5 and m.source != m.target), repeat=2):
            once = moved(tape, first, DAY_1)
            twice = None if once is None else moved(once, second, DAY_2)
            if twice is not None:
                places = Places(rows(tape))
                places.move(first, DAY_1)
                places.move(second, DAY_2)
                assert places.rows() == rows(twice) == stored(rows(tape), places), (tape, first, second)


def test_a_working_set_of_whole_places_is_enough_for_moves_between_them() -> None:
    elsewhere = At("case/X", "fund/F", DAY_1)
    for tape in product((FUND, CASE, elsewhere), repeat=6):
        loaded = [row for row in rows(tape) if row.place != "case/X"]
        for move in (m for m in MOVES if m.source == "fund/F" and m.target == "case/C"):
            expected = moved(tape, move, DAY_1)
            if expected is not None:
                places = Places(loaded)
                places.move(move, DAY_1)
                assert stored(rows(tape), places) == rows(expected), (tape, move)


def test_issues_in_every_cut_and_at_every_place_stand_at_the_end_merged_with_their_like() -> None:
    for length in range(1, 7):
        for cuts in product((False, True), repeat=length - 1):
            bounds = [0, *(n for n, cut in enumerate(cuts, 1) if cut), length]
            for ends in product((FUND, LATER, CASE), repeat=len(bounds) - 1 if len(bounds) < 5 else 1):
                targets = (ends * len(bounds))[: len(bounds) - 1]
                places, tape = Places(), list[At]()
                for lo, hi, at in zip(bounds, bounds[1:], targets, strict=False):
                    places.issue(Issue(1, lo, hi, at.place), "F", at.since)
                    tape += [at] * (hi - lo)
                assert places.rows() == rows(tuple(tape)) == stored([], places)


def test_only_the_last_row_of_a_tape_is_needed_to_issue_on_it() -> None:
    for tape in product((FUND, LATER, CASE), repeat=5):
        for at in (FUND, LATER, CASE):
            places = Places(rows(tape)[-1:])
            places.issue(Issue(1, 5, 7, at.place), "F", at.since)
            assert stored(rows(tape), places) == rows((*tape, at, at))


def test_rows_at_a_place_are_found_by_tape_in_order_after_any_move() -> None:
    for tape in product((FUND, CASE, CHANGED), repeat=5):
        for move in (m for m in MOVES if m.hi <= 5):
            after = moved(tape, move, DAY_2)
            if after is not None:
                places = Places(rows(tape) + rows(tape, 2))
                places.move(move, DAY_2)
                for place in ("fund/F", "fund/F/t2", "case/C", "used/C"):
                    wanted = {n: [r for r in rows(t, n) if r.place == place] for n, t in ((1, after), (2, tape))}
                    assert {n: at for n, at in places.at(place).items() if at} == {
                        n: at for n, at in wanted.items() if at
                    }


def test_a_move_changes_no_other_tape() -> None:
    places = Places(rows((FUND,) * 3, 1) + rows((FUND,) * 3, 2) + rows((FUND,) * 3, 12))
    places.move(Move(2, 0, 3, "fund/F", "case/C"), DAY_1)
    assert places.rows() == rows((FUND,) * 3, 1) + rows((CASE,) * 3, 2) + rows((FUND,) * 3, 12)


def test_a_row_loaded_again_is_passed_over_even_when_it_has_changed() -> None:
    places = Places(rows((FUND,) * 4))
    places.move(Move(1, 0, 2, "fund/F", "case/C"), DAY_1)
    places.load(rows((FUND,) * 4))
    assert places.rows() == rows((CASE, CASE, FUND, FUND))


@pytest.mark.parametrize(
    "move",
    [
        Move(1, 0, 5, "fund/F", "case/C"),
        Move(1, 3, 5, "fund/F", "case/C"),
        Move(1, 4, 5, "fund/F", "case/C"),
        Move(1, 0, 1, "case/C", "used/C"),
        Move(2, 0, 1, "fund/F", "case/C"),
        Move(1, 0, 1, "fund/F/t2", "case/C"),
    ],
)
def test_what_is_not_wholly_there_is_gone(move: Move) -> None:
    with pytest.raises(Gone):
        Places(rows((FUND,) * 4)).move(move, DAY_2)


def test_moving_there_and_back_on_the_same_day_changes_only_the_day() -> None:
    for lo, hi in spans(5):
        places = Places(rows((FUND,) * 5))
        places.move(Move(1, lo, hi, "fund/F", "case/C"), DAY_1)
        places.move(Move(1, lo, hi, "case/C", "fund/F"), DAY_1)
        assert places.rows() == rows((FUND,) * 5)
        assert places.changes() == ([], [])


def test_the_front_is_taken_serial_by_serial_in_the_order_given_passing_over_what_comes_later() -> None:
    for tape in product((FUND, LATER, CASE), repeat=6):
        funds = [row for row in rows(tape) if row.place == "fund/F"]
        for amount, on in product(range(8), (DAY_1, DAY_2)):
            there = [n for n, at in enumerate(tape) if at.place == "fund/F" and at.since <= on]
            taken = pick([funds], amount, on)
            assert [n for row in taken for n in range(row.lo, row.hi)] == there[:amount]
            assert size(taken) == min(amount, len(there))


def test_groups_are_taken_one_after_the_other() -> None:
    for lengths in product(range(4), repeat=3):
        groups = [rows((FUND,) * length, number) for number, length in enumerate(lengths, 1)]
        each = [(number, n) for number, length in enumerate(lengths, 1) for n in range(length)]
        for amount in range(11):
            taken = pick(groups, amount, DAY_1)
            assert [(row.tape, n) for row in taken for n in range(row.lo, row.hi)] == each[:amount]


def test_lists_are_interleaved_by_serial() -> None:
    for tape in product((FUND, CHANGED, LATER), repeat=6):
        lists = [[row for row in rows(tape) if row.place == place] for place in ("fund/F", "fund/F/t2")]
        assert list(interleave(lists)) == rows(tape)
        assert list(interleave([rows(tape)])) == rows(tape)


def test_moves_are_sorted_and_adjacent_ranges_of_one_kind_are_one() -> None:
    for tape in product(((FUND, "case/C"), (LATER, "case/C"), (FUND, "case/X"), (CHANGED, "case/C"), None), repeat=5):
        taken = [
            (Row(number, n, n + 1, *item[0]), item[1])
            for number in (2, 1)
            for n, item in reversed(list(enumerate(tape)))
            if item is not None
        ]
        expected: list[Move] = []
        for number, (n, item) in product((1, 2), enumerate(tape)):
            if item is not None:
                last, kind = expected[-1] if expected else None, (item[0].place, item[1])
                if last is not None and (last.tape, last.hi, last.source, last.target) == (number, n, *kind):
                    expected[-1] = last._replace(hi=n + 1)
                else:
                    expected.append(Move(number, n, n + 1, *kind))
        assert moves_of(taken) == tuple(expected)
