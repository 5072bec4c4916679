"""Homes: ranges are cut where they differ, and each serial is at home where it was put last."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from reports.homes import Home, Homes

END = 12
OWN = Home("F", 1)
PUT = st.tuples(st.integers(0, END - 1), st.integers(1, END), st.sampled_from([OWN, Home("F", 2), Home("G", 1)]))


@given(st.lists(PUT, max_size=12), st.integers(0, END - 1), st.integers(1, END))
def test_each_serial_is_at_home_where_it_was_put_last(puts: list[tuple[int, int, Home]], lo: int, width: int) -> None:
    homes, model = Homes({1: "F"}), [OWN] * (2 * END)
    for start, length, home in puts:
        homes.put(1, start, start + length, home)
        model[start : start + length] = [home] * length
    pieces = list(homes.within(1, lo, lo + width))
    assert [home for start, end, home in pieces for _ in range(start, end)] == model[lo : lo + width]
    assert [start for start, _, _ in pieces] == [lo, *(end for _, end, _ in pieces[:-1])], "no gap, no overlap"


def test_what_was_changed_and_is_spent_later_is_of_its_new_class_and_fund() -> None:
    """A transfer and then terms: both hold for the serials that went, and for no other."""
    homes = Homes({1: "F"})
    homes.put(1, 2, 6, Home("G", 1))
    homes.put(1, 4, 8, Home("G", 3))
    assert list(homes.within(1, 0, 10)) == [
        (0, 2, OWN),
        (2, 4, Home("G", 1)),
        (4, 8, Home("G", 3)),
        (8, 10, OWN),
    ]
    homes.put(1, 0, 10, OWN)
    assert list(homes.within(1, 0, 10)) == [(0, 10, OWN)]
